import pytest

from tests.unit.http.chunks import (
    CHUNKS,
    COMMENT,
    DONE,
    OUR_ID,
    USAGE,
    content_of,
    error_chunk,
    event,
    renamed,
    stream,
)
from weir.domain.errors import InvalidRequestError, ProviderError
from weir.http.stream_translation import MAX_EVENT_BYTES, StreamTranslation

FIRST = event(CHUNKS[0])


def translation() -> StreamTranslation:
    return StreamTranslation(OUR_ID, model="asked/for", created=1763812399)


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
    assert content_of(stream_translation.ending(caught.value))["error"] == {
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

    assert content_of(raw) == {
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
        (402, 503),
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
        b'data: {"id":"a"\n\n',
        b'data: {"id":"a","n":1e99999999999999999999}\n\n',
        b'data: {"id":"a","n":NaN}\n\n',
        b'data: {"id":"a","n":' + b"[" * 100_000 + b"}\n\n",
        b'data: {"id":\ndata: }\n\n',
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


def test_created_stays_a_number_when_upstream_sends_a_boolean() -> None:
    stream_translation = translation()
    stream_translation.feed(event({**CHUNKS[0], "created": True}))

    raw = stream_translation.ending(InvalidRequestError("Too long"))

    assert content_of(raw)["created"] == 1763812399


def test_account_of_the_operator_is_hidden_when_it_ends_a_stream() -> None:
    stream_translation = translation()
    metadata = {"limit_source": "openrouter_key_limit", "provider_name": "secret"}
    failing = error_chunk({"code": 403, "message": "secret", "metadata": metadata})

    with pytest.raises(ProviderError) as caught:
        stream_translation.feed(event(failing))

    assert content_of(stream_translation.ending(caught.value))["error"] == {
        "code": 503,
        "message": "Service temporarily unavailable",
        "metadata": {"error_type": "provider_overloaded"},
    }


@pytest.mark.parametrize("end", [b"", b"\n\n"])
def test_error_is_raised_when_an_event_is_too_large(end: bytes) -> None:
    stream_translation = translation()

    with pytest.raises(ProviderError, match="too large"):
        stream_translation.feed(b": " + b"x" * MAX_EVENT_BYTES + end)


def test_event_says_internal_error_when_the_cause_is_unknown() -> None:
    raw = translation().ending(ValueError("secret"))

    content = content_of(raw)
    assert content["error"]["code"] == 500
    assert content["model"] == "asked/for"
    assert content["created"] == 1763812399
    assert "provider" not in content
    assert b"secret" not in raw


def test_error_goes_out_as_an_event_when_our_own_part_fails() -> None:
    raw = translation().ending(InvalidRequestError("Too long"))

    assert content_of(raw)["error"]["message"] == "Too long"


def test_created_is_that_of_our_id_when_nobody_names_one() -> None:
    raw = StreamTranslation(OUR_ID).ending(InvalidRequestError("Too long"))

    assert content_of(raw)["created"] == 1763812399
    assert content_of(raw)["model"] == ""
