import json
from typing import Any

import pytest

from tests.unit.http.chunks import OUR_ID, UPSTREAM_ID, USAGE, renamed
from weir.domain.errors import InvalidRequestError, ProviderError
from weir.http import body_translation
from weir.http.body_translation import BodyTranslation

ANSWER: dict[str, Any] = {
    "id": UPSTREAM_ID,
    "object": "chat.completion",
    "created": 1763812345,
    "model": "openai/gpt-4o-mini",
    "provider": "Azure",
    "system_fingerprint": None,
    "choices": [
        {
            "index": 0,
            "finish_reason": "length",
            "message": {"role": "assistant", "content": f'日本 "id":"{UPSTREAM_ID[:9]}"'},
        }
    ],
    "usage": USAGE,
}


def raw(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def test_answer_is_never_complete_before_its_body_ends() -> None:
    translation = BodyTranslation(OUR_ID)
    translation.feed(raw(ANSWER))

    assert not translation.is_complete


def ended(body: bytes) -> BodyTranslation:
    translation = BodyTranslation(OUR_ID)
    assert translation.feed(body[:10]) + translation.feed(b"") + translation.feed(body[10:]) == b""
    translation.end()
    return translation


def test_body_differs_in_its_id_alone_when_it_is_complete() -> None:
    body = b" \n \r\n" + raw(ANSWER) + b"\n"

    assert ended(body).ending(None) == renamed(body)


def test_everything_is_read_when_the_body_is_complete() -> None:
    reading = ended(raw(ANSWER)).reading

    assert reading.upstream_generation_id == UPSTREAM_ID
    assert (reading.model, reading.provider) == ("openai/gpt-4o-mini", "Azure")
    assert reading.finish_reason == "length"
    assert reading.usage is not None
    assert reading.usage.cost_nano_usd == 120_000


def test_cost_is_exact_when_a_float_would_not_be() -> None:
    body = raw(ANSWER).replace(b"0.00012,", b"0.0000000145000000000000000001,")

    usage = ended(body).reading.usage

    assert usage is not None
    assert usage.cost_nano_usd == 15


def test_error_is_raised_when_the_body_holds_only_an_error() -> None:
    translation = BodyTranslation(OUR_ID)
    translation.feed(raw({"id": UPSTREAM_ID, "error": {"code": 429, "message": "Slow down"}}))

    with pytest.raises(ProviderError, match="Slow down") as caught:
        translation.end()

    assert (caught.value.status, caught.value.cost_is_zero) == (429, False)
    assert translation.reading.upstream_generation_id == UPSTREAM_ID
    assert json.loads(translation.ending(caught.value)) == {
        "error": {"code": 429, "message": "Slow down"}
    }


@pytest.mark.parametrize(
    "error", [{"code": 200}, {"code": 600}, {"code": "429"}, {"message": "x"}, "boom", ["x"]]
)
def test_error_is_a_bad_gateway_when_its_code_is_no_error_status(error: object) -> None:
    translation = BodyTranslation(OUR_ID)
    translation.feed(raw({"error": error}))

    with pytest.raises(ProviderError) as caught:
        translation.end()

    assert caught.value.status == 502


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"<html>", b"[]", b'{"choices":[', b"{}", b'{"choices":null}', b'{"error":null}'],
)
def test_error_is_raised_when_the_body_is_no_answer(body: bytes) -> None:
    translation = BodyTranslation(OUR_ID)
    translation.feed(body)

    with pytest.raises(ProviderError) as caught:
        translation.end()

    assert (caught.value.status, caught.value.cost_is_zero) == (502, False)


def test_error_is_raised_when_the_body_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_translation, "MAX_BODY_BYTES", 10)
    translation = BodyTranslation(OUR_ID)
    translation.feed(b"x" * 10)

    with pytest.raises(ProviderError, match="too large"):
        translation.feed(b"x")


def test_id_is_added_when_the_answer_has_none() -> None:
    body = ended(b'{"choices":[]}').ending(None)

    assert body == b'{"choices":[],"id":"%s"}' % OUR_ID.encode()


def test_answer_is_withheld_when_it_could_not_be_recorded() -> None:
    translation = ended(raw(ANSWER))

    refused = translation.ending(InvalidRequestError("no"))
    unknown = translation.ending(ValueError("secret"))

    assert json.loads(refused) == {"error": {"code": 400, "message": "no"}}
    assert json.loads(unknown)["error"]["message"] == "Internal Server Error"
