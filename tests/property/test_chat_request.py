"""Documented ranges: what lies inside passes untouched, what lies outside is named and refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.http.chat_bodies import MINIMAL, body, parts, read
from weir.domain.errors import InvalidRequestError

UNTIMED = settings(deadline=None)

# Field, lowest and highest value that pass, and the nearest ones that do not.
RANGES: list[tuple[str, float, float, float | None, float | None]] = [
    ("temperature", 0, 2, -0.0001, 2.0001),
    ("top_p", 0.0001, 1, 0, 1.0001),
    ("frequency_penalty", -2, 2, -2.0001, 2.0001),
    ("presence_penalty", -2, 2, -2.0001, 2.0001),
    ("repetition_penalty", 0.0001, 2, 0, 2.0001),
    ("min_p", 0, 1, -0.0001, 1.0001),
    ("top_a", 0, 1, -0.0001, 1.0001),
    ("top_k", 0, 10**18, -1, None),
    ("max_tokens", 1, 10**18, 0, None),
    ("max_completion_tokens", 1, 10**18, 0, None),
    ("top_logprobs", 0, 20, -1, 21),
    ("n", 1, 128, 0, 129),
]
INTEGERS = {"top_k", "max_tokens", "max_completion_tokens", "top_logprobs", "n"}
OUTSIDE = [
    (field, value)
    for field, _, _, below, above in RANGES
    for value in (below, above)
    if value is not None
]


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, low, high, *_ in RANGES for value in (low, high, None)],
)
def test_boundary_passes_untouched_when_it_is_inside(field: str, value: float | None) -> None:
    raw = body(logprobs=True, **{"max_completion_tokens": 5, field: value})

    assert read(raw).body == raw


@pytest.mark.parametrize(("field", "value"), OUTSIDE)
def test_boundary_is_named_when_it_is_outside(field: str, value: float) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(body(logprobs=True, **{field: value}))

    assert caught.value.message.startswith(f"{field} must be a")
    assert f"got {value} (number)" in caught.value.message


@UNTIMED
@given(data=st.data(), entry=st.sampled_from(RANGES))
def test_value_passes_when_it_lies_in_the_range(data: Any, entry: Any) -> None:
    field, low, high, *_ = entry
    numbers = st.integers(low, high) if field in INTEGERS else st.floats(low, high)
    raw = body(logprobs=True, **{"max_completion_tokens": 5, field: data.draw(numbers)})

    assert read(raw).body == raw


@UNTIMED
@given(
    field=st.sampled_from([entry[0] for entry in RANGES]),
    value=st.booleans() | st.text() | st.lists(st.none(), max_size=1) | st.just({}),
)
def test_field_is_named_when_its_type_is_wrong(field: str, value: object) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^{field} must be an? (number|integer)"):
        read(body(**{field: value}))


@UNTIMED
@given(user=st.text(), session=st.text(max_size=256), text=st.text(), bounded=st.booleans())
def test_upstream_sees_the_clients_request_when_ids_are_namespaced(
    user: str,
    session: str,
    text: str,
    bounded: bool,  # noqa: FBT001
) -> None:
    messages = parts({"type": "text", "text": text})
    sent = {**MINIMAL, "user": user, "messages": messages, "session_id": session, "unknown": text}
    if bounded:
        sent["max_tokens"] = 5
    raw = json.dumps(sent).encode()

    request = read(raw)

    seen = json.loads(request.body)
    ids = {"user": seen["user"], "session_id": seen["session_id"]}
    assert seen == {"max_tokens": 777, **sent, **ids}
    assert (seen["user"], seen["session_id"]) != (user, session)
    assert request.prompt_bytes >= len(text.encode())
