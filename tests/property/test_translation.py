"""Streams come out the same wherever the network cuts them, and differ in the id alone."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.http.chunks import (
    CHUNKS,
    COMMENT,
    DONE,
    OUR_ID,
    UPSTREAM_ID,
    chunk,
    error_chunk,
    event,
    renamed,
    stream,
    text_chunk,
    text_stream,
)
from weir.domain.errors import ProviderError
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.requests import Mode
from weir.http.body_translation import BodyTranslation
from weir.http.reading import GenerationReading
from weir.http.stream_translation import StreamTranslation

UNTIMED = settings(deadline=None)
MARKED_UP = PricePlan(version=1, multiplier_ppm=1_150_000)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: "Infinity" not in json.dumps(value))
BODIES = st.sampled_from(
    [
        stream(),
        text_stream(),
        text_stream(spaced=True),
        text_stream()[: len(text_stream()) // 2],
        stream(spaced=True),
        stream().replace(b"\n\n", b"\r\n\r\n"),
        stream().removesuffix(DONE),
        stream().removesuffix(b"\n" + DONE),
        stream()[: len(stream()) * 2 // 3],
        stream()[: len(stream()) // 4] + b"\n\n" + stream(),
        event(CHUNKS[0]) + event(error_chunk({"code": 429, "message": "x"})) + stream(),
        event(CHUNKS[0]) + b"data: broken\n\n" + stream(),
        b"event: x\n" + stream().replace(b"data: {", b"data:{"),
        b"\n\n\n" + stream().replace(DONE, b"\n" + DONE),
    ]
)


def translated(
    pieces: list[bytes], *, plan: PricePlan = AT_COST
) -> tuple[bytes, GenerationReading, str | None]:
    """Return all that goes out, what was read, and the error's message if there was one."""
    translation = StreamTranslation(OUR_ID, plan=plan)
    sent = b""
    failure: ProviderError | None = None
    try:
        for piece in pieces:
            sent += translation.feed(piece) if piece else b""
        translation.end()
    except ProviderError as error:
        failure = error
    message = failure.message if failure else None
    return sent + translation.ending(failure), translation.reading, message


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in pairwise(edges)]


@UNTIMED
@given(
    body=BODIES,
    places=st.lists(st.integers(0, 10_000), max_size=40),
    plan=st.sampled_from([AT_COST, MARKED_UP]),
)
def test_output_is_the_same_when_the_cuts_differ(
    body: bytes, places: list[int], plan: PricePlan
) -> None:
    assert translated(cut(body, places), plan=plan) == translated([body], plan=plan)


def test_output_is_the_same_when_every_byte_comes_alone() -> None:
    body = stream()

    assert translated([body[at : at + 1] for at in range(len(body))]) == translated([body])


@UNTIMED
@given(places=st.lists(st.integers(0, 10_000), max_size=20), silences=st.integers(0, 5))
def test_comments_stand_between_events_when_upstream_is_silent(
    places: list[int], silences: int
) -> None:
    translation = StreamTranslation(OUR_ID)
    sent = b""

    for piece in cut(stream(), places):
        sent += translation.feed(piece)
        sent += b"".join(translation.feed(b"") for _ in range(silences))
    translation.end()
    sent += translation.ending(None)

    assert sent.replace(COMMENT, b"") == renamed(stream()).replace(COMMENT, b"")


@UNTIMED
@given(
    deltas=st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=5), spaced=st.booleans()
)
def test_chunks_differ_in_the_id_alone_when_deltas_are_anything(
    deltas: list[dict[str, Any]],
    spaced: bool,  # noqa: FBT001
) -> None:
    body = b"".join(event(chunk(delta), spaced=spaced) for delta in deltas) + stream()

    sent, _, message = translated([body])

    assert message is None
    assert sent == renamed(body)


@UNTIMED
@given(
    texts=st.lists(st.text(), max_size=5),
    logprobs=JSON,
    spaced=st.booleans(),
    places=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_chunks_differ_in_the_id_alone_when_texts_are_anything(
    texts: list[str],
    logprobs: Any,
    spaced: bool,  # noqa: FBT001
    places: list[int],
) -> None:
    chunks = [text_chunk(text) for text in texts]
    for content in chunks:
        content["choices"][0]["logprobs"] = logprobs
    body = b"".join(event(content, spaced=spaced) for content in chunks) + text_stream()

    sent, reading, message = translated(cut(body, places))

    assert message is None
    assert sent == renamed(body)
    assert (reading.finish_reason, reading.model) == ("length", "openai/gpt-3.5-turbo-instruct")


@UNTIMED
@given(kept=st.integers(0, len(text_stream()) - 40))
def test_a_text_that_breaks_off_ends_in_an_error_chunk_of_its_own_kind(kept: int) -> None:
    translation = StreamTranslation(OUR_ID, model="asked/for", mode=Mode.TEXT)
    translation.feed(text_stream()[:kept])

    with pytest.raises(ProviderError) as caught:
        translation.end()

    last = json.loads(translation.ending(caught.value).rstrip().rpartition(b"data: ")[2])
    assert (last["id"], last["object"], last["error"]["code"]) == (OUR_ID, "text_completion", 502)
    assert last["choices"] == [{"index": 0, "text": "", "logprobs": None, "finish_reason": "error"}]


@UNTIMED
@given(extra=st.dictionaries(st.text(), JSON, max_size=4), first=st.booleans())
def test_body_is_equal_but_for_its_id_when_members_are_anything(
    extra: dict[str, Any],
    first: bool,  # noqa: FBT001
) -> None:
    known = {"id": UPSTREAM_ID, "choices": [{"id": UPSTREAM_ID}]}
    answer = {**known, **extra, **known} if first else {**extra, **known}
    translation = BodyTranslation(OUR_ID)
    translation.feed(json.dumps(answer).encode())

    translation.end()

    assert json.loads(translation.ending(None)) == {**answer, "id": OUR_ID}


@UNTIMED
@given(garbage=st.binary(max_size=200).filter(lambda garbage: b"[DONE]" not in garbage))
def test_garbage_ends_in_a_provider_error_when_it_is_no_stream(garbage: bytes) -> None:
    sent, _, message = translated([garbage])

    assert message is not None
    assert b'"error":{"code":502' in sent
