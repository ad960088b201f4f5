import json
from typing import Any

import pytest

from tests.unit.http.chat_bodies import MINIMAL, OTHER_TENANT, TENANT, body, parts, read
from weir.domain.end_users import stored_name
from weir.domain.errors import InvalidRequestError

DATA_URL = "data:image/png;base64," + "A" * 1000


@pytest.mark.parametrize(
    "raw", [b'{"model":"a/b"}', b"{}", b'{"model":"a/b","messages_":[]}', b'{"models":["a"]}']
)
def test_request_is_refused_when_it_has_no_input(raw: bytes) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(raw)

    assert caught.value.message == 'Input required: specify "prompt" or "messages"'


@pytest.mark.parametrize("fields", [{"model": ...}, {"model": ..., "models": []}])
def test_request_is_refused_when_no_model_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="model is required"):
        read(body(**fields))


def test_models_are_listed_once_when_fallbacks_repeat_the_first() -> None:
    request = read(body(model="a/b", models=["c/d", "a/b", "c/d"]))

    assert request.models == ("a/b", "c/d")


def test_fallbacks_alone_suffice_when_model_is_absent() -> None:
    assert read(body(model=..., models=["c/d"])).models == ("c/d",)


def test_prompt_is_accepted_when_there_are_no_messages() -> None:
    raw = body(messages=..., prompt="Once upon")

    request = read(raw)

    assert request.body == raw
    assert (request.messages, request.prompt_bytes) == (1, len(raw))


@pytest.mark.parametrize(("value", "stream"), [(True, True), (False, False), (..., False)])
def test_stream_is_read_when_it_is_set(value: object, stream: bool) -> None:  # noqa: FBT001
    assert read(body(stream=value)).stream is stream


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_tokens": ..., "max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
        ({"max_tokens": 9, "max_completion_tokens": 7}, 9),
        ({"max_tokens": None, "max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "n": 3}, 15),
        ({"max_tokens": 5, "n": None}, 5),
        ({"max_tokens": 5.0}, 5),
    ],
)
def test_body_is_untouched_when_the_completion_is_bounded(
    fields: dict[str, Any], bound: int
) -> None:
    raw = body(**fields)

    request = read(raw)

    assert (request.body, request.max_tokens) == (raw, bound)


def test_default_bound_is_added_when_the_client_sets_none() -> None:
    raw = json.dumps(MINIMAL).encode()

    request = read(raw)

    assert request.body == raw[:-1] + b',"max_tokens":777}'
    assert request.max_tokens == 777


def test_default_bound_replaces_null_when_the_client_sends_null() -> None:
    raw = body(max_tokens=None, max_completion_tokens=None, n=2)

    request = read(raw)

    assert request.body == raw.replace(b'"max_tokens": null', b'"max_tokens": 777')
    assert (request.max_tokens, request.completions) == (1554, 2)


@pytest.mark.parametrize("field", ["user", "session_id", "prompt_cache_key"])
def test_id_is_namespaced_when_it_goes_upstream(field: str) -> None:
    raw = body(**{field: "alice"})

    ours, again = read(raw).body, read(raw).body
    others = read(raw, tenant=OTHER_TENANT).body

    value = json.loads(ours)[field]
    assert ours == again == raw.replace(b'"alice"', json.dumps(value).encode())
    assert len(bytes.fromhex(value)) == 16
    assert json.loads(others)[field] != value


@pytest.mark.parametrize("user", [..., None, ""])
def test_end_user_is_unknown_when_the_client_names_none(user: object) -> None:
    assert read(body(user=user)).end_user is None


def test_end_user_keeps_the_tenants_name_when_upstream_gets_another() -> None:
    request = read(body(user="alice", metadata={"user": "bob"}))

    assert request.end_user == "alice"
    assert b"alice" not in request.body
    assert b"bob" in request.body


def test_end_user_gets_a_short_name_when_its_own_is_long() -> None:
    request = read(body(user="x" * 5_000))

    assert request.end_user == stored_name("x" * 5_000)


def test_ids_differ_when_only_the_field_differs() -> None:
    request = json.loads(read(body(user="a", session_id="a", prompt_cache_key="a")).body)

    assert len({request["user"], request["session_id"], request["prompt_cache_key"]}) == 3


def test_session_header_meets_the_session_field_when_both_name_one_session() -> None:
    request = read(body(session_id="s"), {"x-session-id": "s"})

    assert request.headers == {"X-Session-Id": json.loads(request.body)["session_id"]}


def test_headers_are_forwarded_when_they_are_on_the_list() -> None:
    sent = {
        "http-referer": "https://app.example/" + "p" * 1000,
        "X-TITLE": " App ",
        "x-openrouter-title": "t" * 256,
        "x-openrouter-categories": "a,b",
        "x-openrouter-app-visibility": "hidden",
        "x-openrouter-metadata": "enabled",
        "x-openrouter-experimental-metadata": "enabled",
        "x-anthropic-beta": "a-1,b-2",
        "authorization": "Bearer secret",
        "cookie": "c",
        "host": "evil.example",
        "idempotency-key": "i",
        "x-openrouter-cache": "true",
        "x-openrouter-cache-ttl": "1",
        "x-openrouter-cache-clear": "true",
        "x-provider-api-keys": "{}",
        "x-forwarded-for": "1.2.3.4",
        "traceparent": "t",
        "transfer-encoding": "chunked",
    }

    forwarded = read(body(), sent).headers

    assert forwarded == {
        "HTTP-Referer": "https://app.example/" + "p" * 1000,
        "X-Title": "App",
        "X-OpenRouter-Title": "t" * 256,
        "X-OpenRouter-Categories": "a,b",
        "X-OpenRouter-App-Visibility": "hidden",
        "X-OpenRouter-Metadata": "enabled",
        "X-OpenRouter-Experimental-Metadata": "enabled",
        "x-anthropic-beta": "a-1,b-2",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP-Referer", "x" * 1025),
        ("X-Title", "x" * 257),
        ("X-Session-Id", "x" * 257),
        ("X-Title", "a\r\nAuthorization: b"),
        ("X-Title", "a\tb"),
        ("X-Title", "a\0"),
        ("X-OpenRouter-Title", "é"),
    ],
)
def test_request_is_refused_when_a_header_cannot_be_forwarded(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"Header {name} must"):
        read(body(), {name.lower(): value})


@pytest.mark.parametrize(
    ("part", "media_bytes"),
    [
        ({"type": "image_url", "image_url": {"url": DATA_URL}}, len(DATA_URL)),
        ({"type": "image_url", "image_url": {"url": "DATA:,x"}}, 7),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, 0),
        ({"type": "video_url", "video_url": {"url": DATA_URL}}, len(DATA_URL)),
        ({"type": "input_video", "video_url": {"url": DATA_URL}}, len(DATA_URL)),
        ({"type": "input_audio", "input_audio": {"data": "A" * 50, "format": "wav"}}, 50),
        ({"type": "file", "file": {"file_data": DATA_URL}}, len(DATA_URL)),
        ({"type": "file", "file": {"file_data": "https://x.example/a.pdf"}}, 0),
        ({"type": "file", "file": {"filename": "f"}}, 0),
    ],
)
def test_media_is_counted_apart_when_it_is_embedded(part: dict[str, Any], media_bytes: int) -> None:
    raw = body(messages=parts({"type": "text", "text": "what is it?"}, part))

    request = read(raw)

    assert (request.media_parts, request.media_bytes) == (1, media_bytes)
    assert request.prompt_bytes == len(raw) - media_bytes


def test_media_of_every_message_is_counted_when_the_assistant_made_images() -> None:
    image = {"type": "image_url", "image_url": {"url": DATA_URL}}
    assistant = {"role": "assistant", "content": None, "images": [image]}

    request = read(body(messages=[*parts(image, image), assistant]))

    assert (request.media_parts, request.media_bytes) == (3, 3 * len(DATA_URL))
    assert request.messages == 2


def test_embedded_bytes_are_utf8_when_a_data_url_is_not_ascii() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,é"}}

    assert read(body(messages=parts(image))).media_bytes == 8


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"max_tokens": 100, "reasoning": {"max_tokens": 99}}, 100),
        ({"max_tokens": 100, "reasoning": {"max_tokens": 100}}, 200),
        ({"max_tokens": 1, "reasoning": {"max_tokens": 32000}, "n": 2}, 64002),
        ({"max_tokens": ..., "reasoning": {"max_tokens": 1000}}, 1777),
        ({"max_tokens": 100, "prediction": None}, 100),
    ],
)
def test_reasoning_that_is_not_within_the_bound_comes_on_top_of_it(
    fields: dict[str, Any], tokens: int
) -> None:
    assert read(body(**fields)).max_tokens == tokens


def test_a_prediction_counts_as_a_completion_because_what_is_wrong_in_it_is_billed() -> None:
    raw = body(max_tokens=100, n=2).replace(
        b'{"model"', '{"prediction":{"type":"content","content":"é"},"model"'.encode(), 1
    )

    assert read(raw).max_tokens == 2 * (100 + 33)


def test_tenant_is_the_only_source_of_the_default_when_two_tenants_ask() -> None:
    raw = json.dumps(MINIMAL).encode()

    assert read(raw, tenant=TENANT).max_tokens == 777
    assert read(raw, tenant=OTHER_TENANT).max_tokens == 4096
