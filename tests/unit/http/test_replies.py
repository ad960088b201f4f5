"""JSON replies: exact amounts, and text of any kind."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weir.domain.money import NanoUsd
from weir.http.replies import json_reply, json_text
from weir.http.wire_values import dollars

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=VALUES)
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    assert json.loads(json_text(value)) == value


@given(amount=st.integers(-(10**18), 10**18))
def test_an_amount_keeps_every_digit(amount: int) -> None:
    text = json_text(dollars(NanoUsd(amount)))

    assert Decimal(text) * 10**9 == amount
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith("0"))
    assert json.loads(text) is not None


def test_text_that_cannot_be_sent_is_replaced() -> None:
    reply = json_reply({"name": "a\ud800b"}, status=201, headers={"Age": "1"})

    assert b"".join(reply.body) == b'{"name":"a?b"}'
    assert (reply.status, reply.headers) == (201, {"Content-Type": "application/json", "Age": "1"})


def test_what_is_no_json_is_a_defect() -> None:
    with pytest.raises(TypeError):
        json_text({"a": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": float("nan")})
