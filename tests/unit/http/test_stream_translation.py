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
    error_chunk,
    event,
    renamed,
    stream,
)
from weir.domain.errors import InvalidRequestError, ProviderError
from weir.domain.money import NanoUsd
from weir.domain.usage import Usage
from weir.http.stream_translation import MAX_EVENT_BYTES, StreamTranslation

FIRST = event(CHUNKS[0])


def translation() -> StreamTranslation:
    return StreamTranslation(OUR_ID, model="asked/for", created=1763812399)


def complete(body: bytes) -> tuple[bytes, StreamTranslation]:
    stream_translation = translation()
    sent = stream_translation.feed(body)
    stream_translation.end()
    return sent + stream_translation.ending(None), stream_translation


def error_of(raw: bytes) -> dict[str, Any]:
    assert raw.startswith(b"data: ")
    assert raw.endswith(b"\n\n")
    content = json.loads(raw[len(b"data: ") :])
    assert isinstance(content, dict)
    return content


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


def test_nothing_is_relayed_when_it_comes_after_done() -> None:
    stream_translation = translation()
    stream_translation.feed(stream())

    late = stream_translation.feed(FIRST) + stream_translation.feed(b"no event")

    assert late == b""


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
        assert error_of(sent) == {**content, "id": OUR_ID}


def test_id_is_replaced_when_upstream_changes_its_own() -> None:
    stream_translation = translation()
    stream_translation.feed(FIRST)
    other = event({**CHUNKS[2], "id": "gen-2"})

    assert stream_translation.feed(other) == other.replace(b"gen-2", OUR_ID.encode())
    assert stream_translation.reading.upstream_generation_id == "gen-2"


def test_id_is_added_when_a_chunk_has_none() -> None:
    content = {"object": "chat.completion.chunk", "choices": []}

    assert error_of(translation().feed(event(content))) == {**content, "id": OUR_ID}


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
    usage = {"cost": 1, "prompt_tokens": None, "completion_tokens": True, "total_tokens": "7"}
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


@pytest.mark.parametrize(
    "body",
    [
        b"",
        COMMENT,
        FIRST,
        stream()[: len(stream()) // 2],
        stream().removesuffix(event(CHUNKS[-1]) + DONE),
    ],
)
def test_cut_is_reported_when_the_stream_has_no_end(body: bytes) -> None:
    stream_translation = translation()
    if body:
        stream_translation.feed(body)

    with pytest.raises(ProviderError, match="ended before it was complete") as caught:
        stream_translation.end()

    assert not caught.value.cost_is_zero
    assert error_of(stream_translation.ending(caught.value))["error"] == {
        "code": 502,
        "message": "Provider returned error",
        "metadata": {"error_type": "provider_unavailable"},
    }


def test_earlier_events_come_first_when_one_read_also_holds_an_error() -> None:
    stream_translation = translation()
    failing = event(error_chunk({"code": 429, "message": "Slow down"}))

    sent = stream_translation.feed(FIRST + failing + FIRST)

    assert sent == renamed(FIRST)
    with pytest.raises(ProviderError, match="Slow down"):
        stream_translation.feed(FIRST)
    with pytest.raises(ProviderError, match="Slow down"):
        stream_translation.end()


def test_error_is_raised_at_once_when_it_is_the_first_event() -> None:
    failing = event(error_chunk({"code": 429, "message": "Slow down"}))

    with pytest.raises(ProviderError, match="Slow down") as caught:
        translation().feed(COMMENT[:0] + failing)

    assert caught.value.status == 429
    assert not caught.value.cost_is_zero


def test_cost_is_read_when_the_error_event_carries_usage() -> None:
    stream_translation = translation()
    failing = {**error_chunk({"code": 500, "message": "x"}), "usage": USAGE}

    with pytest.raises(ProviderError):
        stream_translation.feed(event(failing))

    assert stream_translation.reading.usage is not None


def test_error_event_is_ours_when_upstream_reported_one() -> None:
    stream_translation = translation()
    error = {
        "code": 403,
        "message": "Flagged",
        "metadata": {"reasons": ["violence", 3], "provider_name": "OpenAI", "user_id": "u"},
    }
    with pytest.raises(ProviderError) as caught:
        stream_translation.feed(event(error_chunk(error)))

    raw = stream_translation.ending(caught.value)

    assert error_of(raw) == {
        "id": OUR_ID,
        "object": "chat.completion.chunk",
        "created": 1763812345,
        "model": "openai/gpt-4o-mini",
        "provider": "OpenAI",
        "error": {
            "code": 403,
            "message": "Flagged",
            "metadata": {
                "error_type": "permission_denied",
                "reasons": ["violence"],
                "provider_name": "OpenAI",
            },
        },
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("server_error", 502),
        (None, 502),
        (200, 502),
        (401, 502),
        (402, 502),
        (True, 502),
        (529, 529),
    ],
)
def test_status_is_a_gateway_error_when_upstreams_code_is_not_for_clients(
    code: object, status: int
) -> None:
    failing = event(error_chunk({"code": code, "message": "secret of the operator"}))
    stream_translation = translation()

    with pytest.raises(ProviderError) as caught:
        stream_translation.feed(failing)

    assert caught.value.status == status
    assert b"secret" not in stream_translation.ending(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"data: no json\n\n",
        b"data: [1]\n\n",
        b"data:\n\n",
        b'data: {"id":"a"\n\n',
        b'data: {"id":"a","n":1e99999999999999999999}\n\n',
        b'data: {"id":"a","n":NaN}\n\n',
        b'data: {"id":"a","n":' + b"[" * 100_000 + b"}\n\n",
        b"<html>\n\n",
    ],
)
def test_error_is_raised_when_an_event_is_no_json(body: bytes) -> None:
    with pytest.raises(ProviderError, match="no JSON event") as caught:
        translation().feed(body)

    assert not caught.value.cost_is_zero


def test_error_is_raised_when_a_known_chunk_is_torn_inside() -> None:
    stream_translation = translation()
    stream_translation.feed(FIRST)

    with pytest.raises(ProviderError, match="no JSON event"):
        stream_translation.feed(FIRST[:-8] + b"\n\n")


@pytest.mark.parametrize("end", [b"", b"\n\n"])
def test_error_is_raised_when_an_event_is_too_large(end: bytes) -> None:
    stream_translation = translation()

    with pytest.raises(ProviderError, match="too large"):
        stream_translation.feed(b": " + b"x" * MAX_EVENT_BYTES + end)


def test_event_says_internal_error_when_the_cause_is_unknown() -> None:
    raw = translation().ending(ValueError("secret"))

    content = error_of(raw)
    assert content["error"]["code"] == 500
    assert content["model"] == "asked/for"
    assert content["created"] == 1763812399
    assert "provider" not in content
    assert b"secret" not in raw


def test_error_goes_out_as_an_event_when_our_own_part_fails() -> None:
    raw = translation().ending(InvalidRequestError("Too long"))

    assert error_of(raw)["error"]["message"] == "Too long"


def test_created_is_that_of_our_id_when_nobody_names_one() -> None:
    raw = StreamTranslation(OUR_ID).ending(InvalidRequestError("Too long"))

    assert error_of(raw)["created"] == 1763812399
    assert error_of(raw)["model"] == ""
