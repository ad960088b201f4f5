"""Every malformed body of the JSON table gets a 400 in OpenRouter's envelope, and costs nothing."""

import pytest
import requests

from local.stack import LocalStack
from tests.support.stacks import records

GOOD = b'{"model":"weir/echo","messages":[{"role":"user","content":"hi"}]%s}'


def post(stack: LocalStack, body: bytes, *, key: str | None = None) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/chat/completions",
        data=body,
        headers={
            "Authorization": f"Bearer {key or stack.api_key}",
            "Content-Type": "application/json",
        },
        timeout=30,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(GOOD % b"" + b"x", id="trailing garbage"),
        pytest.param(GOOD % b',"model":"acme/other"', id="duplicate key"),
        pytest.param(GOOD % b',"metadata":{"a":"1","a":"2"}', id="nested duplicate key"),
        pytest.param(GOOD % b',"temperature":NaN', id="NaN"),
        pytest.param(GOOD % b',"temperature":Infinity', id="Infinity"),
        pytest.param(GOOD % b',"temperature":1e999', id="1e999"),
        pytest.param(GOOD % (b',"seed":' + b"9" * 5000), id="5000 digits"),
        pytest.param(GOOD % (b',"seed":' + b"9" * 4000), id="4000 digits"),
        pytest.param(GOOD % b',"user":"\\ud800"', id="lone surrogate"),
        pytest.param(GOOD % (b',"x":' + b"[" * 100_000 + b"]" * 100_000), id="deep nesting"),
        pytest.param((GOOD % b"").decode().encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + GOOD % b"", id="BOM"),
        pytest.param(GOOD % b',"user":"\xff"', id="no UTF-8"),
        pytest.param(b'{"model":"weir/echo"}', id="no messages"),
        pytest.param(b'{"messages":[{"role":"user","content":"hi"}]}', id="no model"),
    ],
)
def test_a_malformed_body_is_a_400_that_says_what_to_change(stack: LocalStack, body: bytes) -> None:
    before = records(stack).keys()

    response = post(stack, body)

    error = response.json()["error"]
    assert response.status_code == error["code"] == 400
    assert len(error["message"]) > 15
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert records(stack).keys() == before


def test_a_nul_in_a_string_is_valid_json(stack: LocalStack) -> None:
    assert post(stack, GOOD % b',"user":"a\\u0000b"').status_code == 200


@pytest.mark.parametrize(
    "field",
    [
        "temperature", "top_p", "frequency_penalty", "presence_penalty", "repetition_penalty",
        "min_p", "top_a", "max_tokens", "top_k", "top_logprobs", "seed", "logit_bias",
    ],
)  # fmt: skip
def test_a_wrong_type_names_the_field_and_the_type(stack: LocalStack, field: str) -> None:
    response = post(stack, GOOD % b',"%s":"hot"' % field.encode())

    message = response.json()["error"]["message"]
    assert response.status_code == 400
    assert field in message
    assert "string" in message


def test_every_documented_field_is_accepted(stack: LocalStack) -> None:
    fields = (
        b',"models":["weir/echo"],"provider":{"order":["weir"],"allow_fallbacks":true},'
        b'"reasoning":{"effort":"low","exclude":true},"usage":{"include":true},'
        b'"transforms":["middle-out"],"max_tokens":64,"temperature":0.5,"seed":7,"top_p":0.9,'
        b'"top_k":5,"frequency_penalty":0.1,"presence_penalty":-0.1,"repetition_penalty":1.1,'
        b'"logit_bias":{"50256":-100},"logprobs":true,"top_logprobs":2,"min_p":0.1,"top_a":0.2,'
        b'"user":"u-1","tools":[{"type":"function","function":{"name":"f","parameters":{}}}],'
        b'"tool_choice":"auto","response_format":{"type":"json_object"},"stop":["x"],'
        b'"session_id":"s","metadata":{"k":"v"},"prediction":null,"route":"fallback",'
        b'"stream_options":{"include_usage":true},"service_tier":"default","x_unknown":{"a":[1]}'
    )

    assert post(stack, GOOD % fields).status_code == 200


@pytest.mark.parametrize(
    "key",
    ["garbage", "sk-or-v1-" + "a" * 64, "sk-weir-v1-" + "0" * 64, "sk-weir-v1-" + "0" * 63],
)
def test_a_garbage_key_is_refused_without_any_aws_call(stack: LocalStack, key: str) -> None:
    post(stack, GOOD % b"")  # warm: nothing is left to be read once
    before = len(stack.aws.calls)

    response = post(stack, GOOD % b"", key=key)

    assert response.status_code == response.json()["error"]["code"] == 401
    assert len(stack.aws.calls) == before


def test_a_missing_key_is_told_so(stack: LocalStack) -> None:
    response = requests.post(
        f"{stack.base_url}/chat/completions", data=GOOD % b"", headers={}, timeout=30
    )

    assert response.status_code == 401
    assert "Authorization" in response.json()["error"]["message"]


def test_a_management_key_cannot_chat(stack: LocalStack) -> None:
    response = post(stack, GOOD % b"", key=stack.management_key)

    assert response.status_code == response.json()["error"]["code"] == 403


def test_a_preflight_reads_no_table(stack: LocalStack) -> None:
    before = len(stack.aws.calls)

    response = requests.options(
        f"{stack.base_url}/chat/completions",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
        timeout=30,
    )

    assert response.status_code in {200, 204}
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert len(stack.aws.calls) == before


def test_an_unknown_route_is_a_404_in_the_envelope(stack: LocalStack) -> None:
    response = requests.get(f"{stack.base_url}/nothing", timeout=30)

    assert response.status_code == response.json()["error"]["code"] == 404
