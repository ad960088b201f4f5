import json
from typing import Any

import pytest

from tests.unit.http.chunks import (
    CHUNKS,
    COMMENT,
    DONE,
    OUR_ID,
    UPSTREAM_ID,
    USAGE,
    chunk,
    content_of,
    event,
    renamed,
    stream,
)
from weir.domain.money import NanoUsd
from weir.domain.usage import Usage
from weir.http.stream_translation import StreamTranslation

FIRST = event(CHUNKS[0])


def translation() -> StreamTranslation:
    return StreamTranslation(OUR_ID, model="asked/for", created=1763812399)


def complete(body: bytes) -> tuple[bytes, StreamTranslation]:
    stream_translation = translation()
    sent = stream_translation.feed(body)
    stream_translation.end()
    return sent + stream_translation.ending(None), stream_translation


@pytest.mark.parametrize("spaced", [False, True])
def test_stream_differs_in_its_id_alone_when_it_is_complete(spaced: bool) -> None:  # noqa: FBT001
    sent, _ = complete(stream(spaced=spaced))

    assert sent == renamed(stream(spaced=spaced))


def test_everything_is_read_when_the_stream_is_complete() -> None:
    _, complete_translation = complete(stream())

    reading = complete_translation.reading
    assert reading.upstream_generation_id == UPSTREAM_ID
    assert reading.model == "openai/gpt-4o-mini"
    assert reading.provider == "OpenAI"
    assert reading.finish_reason == "stop"
    assert reading.usage == Usage(
        cost_nano_usd=NanoUsd(120_000),
        prompt_tokens=14,
        completion_tokens=9,
        reasoning_tokens=2,
        cached_tokens=3,
    )


def test_event_is_sent_at_once_when_it_is_whole() -> None:
    stream_translation = translation()

    torn = stream_translation.feed(FIRST[:-1])
    whole = stream_translation.feed(FIRST[-1:])

    assert (torn, whole) == (b"", renamed(FIRST))


def test_done_is_withheld_when_upstream_sends_it() -> None:
    stream_translation = translation()

    sent = stream_translation.feed(stream())

    assert b"[DONE]\n" not in sent
    assert stream_translation.ending(None) == DONE


def test_nothing_is_sent_when_it_comes_after_done() -> None:
    stream_translation = translation()
    sent = stream_translation.feed(stream() + FIRST + b"data: no\n\n")

    late = [stream_translation.feed(chunk) for chunk in (FIRST, b"no event", b"", b"data: no\n\n")]

    stream_translation.end()
    assert sent + DONE == renamed(stream())
    assert set(late) == {b""}
    assert stream_translation.ending(None) == DONE


def test_answer_is_complete_once_done_came() -> None:
    stream_translation = translation()

    stream_translation.feed(stream().removesuffix(b"\n"))
    before = stream_translation.is_complete
    stream_translation.feed(b"\n")

    assert (before, stream_translation.is_complete) == (False, True)


def test_events_before_done_are_kept_when_both_share_an_event() -> None:
    sent, _ = complete(stream().removesuffix(b"\n" + DONE) + DONE)

    assert sent == renamed(stream())


def test_keep_alive_is_sent_when_upstream_is_silent() -> None:
    stream_translation = translation()
    stream_translation.feed(FIRST[:40])

    assert stream_translation.feed(b"") == COMMENT
    assert stream_translation.feed(FIRST[40:]) == renamed(FIRST)


def test_crlf_is_kept_when_upstream_ends_lines_with_it() -> None:
    body = stream().replace(b"\n\n", b"\r\n\r\n")

    sent, _ = complete(body)

    assert sent == renamed(body).removesuffix(b"data: [DONE]\r\n\r\n") + DONE


def test_other_fields_of_an_event_are_kept_when_upstream_sends_them() -> None:
    body = b"event: chunk\nid: 7\nretry: 100\n" + FIRST

    assert translation().feed(body) == renamed(body)


@pytest.mark.parametrize("size", [1, 2, 10_000])
def test_byte_order_mark_is_dropped_when_the_stream_begins_with_one(size: int) -> None:
    body = b"\xef\xbb\xbf" + FIRST + b"data: [DONE]\n\n"
    stream_translation = translation()

    sent = [stream_translation.feed(body[at : at + size]) for at in range(0, len(body), size)]

    assert b"".join(sent) == renamed(FIRST)
    assert stream_translation.is_complete


@pytest.mark.parametrize(
    "nothing",
    [
        b"data:\n\n",
        b"data: \r\n\r\n",
        b"data\n\n",
        b"event: ping\ndata:\n\n",
        b"data:\ndata: \n\n",
        b"<html>\n\n",
        b"field: of tomorrow\n\n",
        b"\n\n",
    ],
)
def test_event_is_left_out_when_it_tells_nothing(nothing: bytes) -> None:
    sent, _ = complete(FIRST + nothing + stream())

    assert sent == renamed(FIRST + stream())


def test_unknown_fields_are_left_out_when_an_event_also_has_data() -> None:
    assert translation().feed(b"hint: x\nid: 7\n" + FIRST) == b"id: 7\n" + renamed(FIRST)


def test_lines_of_data_are_one_chunk_when_upstream_breaks_it() -> None:
    body = FIRST.replace(b'"provider"', b'\ndata: "provider"').replace(
        b'"choices"', b'\ndata:"choices"'
    )

    stream_translation = translation()

    assert stream_translation.feed(body) == renamed(body)
    assert stream_translation.reading.provider == "OpenAI"
    assert stream_translation.feed(body) == renamed(body)


@pytest.mark.parametrize(
    "content",
    [
        {"choices": [{"id": UPSTREAM_ID}], "id": UPSTREAM_ID},
        {"model": "m", "choices": [], "id": UPSTREAM_ID},
        {"choices": [{"delta": {"content": f'"id":"{UPSTREAM_ID}"'}}], "id": UPSTREAM_ID},
    ],
)
def test_only_the_top_level_id_is_replaced_when_the_order_is_unusual(
    content: dict[str, Any],
) -> None:
    stream_translation = translation()

    for _ in range(2):
        sent = stream_translation.feed(event(content))
        assert content_of(sent) == {**content, "id": OUR_ID}


def test_id_is_replaced_when_upstream_changes_its_own() -> None:
    stream_translation = translation()
    stream_translation.feed(FIRST)
    other = event({**CHUNKS[2], "id": "gen-2"})

    assert stream_translation.feed(other) == other.replace(b"gen-2", OUR_ID.encode())
    assert stream_translation.reading.upstream_generation_id == "gen-2"


def test_id_is_added_when_a_chunk_has_none() -> None:
    content = {"object": "chat.completion.chunk", "choices": []}

    assert content_of(translation().feed(event(content))) == {**content, "id": OUR_ID}


def test_bytes_are_kept_when_they_are_not_utf8() -> None:
    body = FIRST.replace(b'"content":""', b'"content":"\xff\xed\xa0\x80"')

    assert translation().feed(body) == renamed(body)


def test_lone_surrogates_pass_when_upstream_splits_an_emoji() -> None:
    body = FIRST.replace(b'"content":""', b'"content":"\\ud83d"')

    assert translation().feed(body) == renamed(body)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"cost": None},
        {"cost": "0.1"},
        {"cost": True},
        {"cost": -1},
        {"cost": 10**12},
    ],
)
def test_usage_stays_unknown_when_its_cost_cannot_be_billed(usage: dict[str, Any] | None) -> None:
    body = stream().replace(json.dumps(USAGE, separators=(",", ":")).encode(), b"USAGE")
    body = body.replace(b"USAGE", json.dumps(usage).encode())

    _, complete_translation = complete(body)

    assert complete_translation.reading.usage is None


def test_last_usage_wins_when_upstream_sends_several() -> None:
    early = chunk({"content": "x"}, usage={**USAGE, "cost": 0.5})

    _, complete_translation = complete(event(early) + stream())

    assert complete_translation.reading.usage is not None
    assert complete_translation.reading.usage.cost_nano_usd == 120_000


def test_tokens_are_zero_when_the_counts_are_odd() -> None:
    usage = {
        "cost": 1,
        "prompt_tokens": None,
        "completion_tokens": True,
        "total_tokens": "7",
        "completion_tokens_details": {"reasoning_tokens": 10**12 + 1},
        "prompt_tokens_details": {"cached_tokens": -1},
    }
    body = event(chunk({}, finish="stop", usage=usage))

    _, complete_translation = complete(body)

    assert complete_translation.reading.usage == Usage(cost_nano_usd=NanoUsd(10**9))


@pytest.mark.parametrize("tail", [b"", b"\n", b"data: [DONE]", b"data: [DONE]\n", b"data: [DO"])
def test_stream_is_complete_when_usage_came_and_done_is_torn(tail: bytes) -> None:
    stream_translation = translation()
    body = stream().removesuffix(DONE)

    sent = stream_translation.feed(body + tail)
    stream_translation.end()

    assert sent + stream_translation.ending(None) == renamed(body) + DONE


def test_usage_is_read_when_the_last_event_lacks_its_blank_line() -> None:
    body = stream().removesuffix(b"\n\n" + DONE)

    sent, complete_translation = complete(body)

    assert sent == renamed(stream())
    assert complete_translation.reading.usage is not None
