"""What a tenant is told when upstream answers with an error status: one row per case."""

import json
from typing import Any

import pytest

from tests.support.fakes import make_request
from tests.support.fault_server import FaultServer, Peer, Script, answer, raw
from tests.support.upstream import CANARY, soon, upstream
from weir.domain.errors import RETRY_AFTER_S, ProviderError


def refused(script: Script) -> ProviderError:
    with (
        FaultServer(script) as server,
        upstream(server, idle_s=0.1) as weir,
        pytest.raises(ProviderError) as caught,
    ):
        weir.provider.send(make_request(), deadline_ms=soon(2))
    return caught.value


def error(status: int, *, headers: dict[str, str] | None = None, **fields: Any) -> Script:
    body = {"error": {"code": status, "message": "what upstream says", **fields}, "user_id": "u_1"}
    return answer(status, body=json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize(
    "status", [400, 404, 408, 409, 410, 412, 413, 422, 429, 500, 502, 503, 504, 524, 529]
)
def test_status_and_message_pass_when_they_concern_the_request(status: int) -> None:
    caught = refused(
        error(status, metadata={"provider_name": "P", "raw": {"user_id": "u", "a": 1.5}})
    )

    assert (caught.status, caught.message) == (status, "what upstream says")
    assert caught.metadata == {"provider_name": "P", "raw": {"a": 1.5}}


@pytest.mark.parametrize(
    ("status", "cost_is_zero"),
    [
        *((status, True) for status in (400, 403, 409, 418, 429, 500, 502, 503, 529)),
        *((status, False) for status in (408, 504, 524)),
    ],
)
def test_cost_is_open_when_an_edge_gave_up_on_an_origin_that_may_go_on(
    status: int, *, cost_is_zero: bool
) -> None:
    assert refused(error(status)).cost_is_zero is cost_is_zero


@pytest.mark.parametrize("status", [200, 402, 403, 418, 429, 504])
def test_generation_is_kept_whatever_the_refusal(status: int) -> None:
    headers = {"X-Generation-Id": "gen-1-abc", "Content-Encoding": "gzip"}

    assert refused(error(status, headers=headers)).upstream_generation_id == "gen-1-abc"


def test_generation_is_unknown_when_a_refusal_names_none() -> None:
    assert refused(error(504)).upstream_generation_id is None


@pytest.mark.parametrize("status", [402, 403])
@pytest.mark.parametrize("limit", ["openrouter_credits", "openrouter_key_limit"])
def test_limit_of_the_operator_is_hidden_and_may_be_retried(status: int, limit: str) -> None:
    caught = refused(error(status, metadata={"limit_source": limit}))

    assert (caught.status, caught.retry_after_s, caught.metadata) == (503, 60, None)
    assert "what upstream says" not in caught.message
    assert caught.cost_is_zero


def test_retry_after_of_upstream_is_kept_when_the_operator_cannot_pay() -> None:
    caught = refused(error(402, headers={"Retry-After": "7"}))

    assert (caught.status, caught.retry_after_s) == (503, 7)


def test_moderation_passes_with_its_reasons() -> None:
    caught = refused(error(403, metadata={"reasons": ["violence"], "flagged_input": "a ... b"}))

    assert (caught.status, caught.message) == (403, "what upstream says")
    assert caught.metadata == {"reasons": ["violence"], "flagged_input": "a ... b"}


def test_message_is_hidden_when_a_403_does_not_say_that_it_concerns_the_request() -> None:
    caught = refused(error(403))

    assert (caught.status, caught.message) == (403, "Upstream refused the request (HTTP 403).")


@pytest.mark.parametrize("status", [101, 300, 304, 305, 407, 418, 451, 501, 505, 599])
def test_gateway_answers_502_when_the_status_makes_no_sense(status: int) -> None:
    caught = refused(raw(f"HTTP/1.1 {status} Odd\r\nContent-Length: 0\r\n\r\n".encode()))

    assert (caught.status, caught.cost_is_zero) == (502, True)


@pytest.mark.parametrize(
    ("status", "sent", "kept"),
    [
        (429, "12", 12),
        (502, "12", 12),
        (503, "12", 12),
        (503, "0", RETRY_AFTER_S),
        (429, "0", None),
        (529, "12", 12),
        (500, "12", None),
        (502, "soon", RETRY_AFTER_S),
        (504, "12", RETRY_AFTER_S),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (429, "-1", None),
        (429, "999999", None),
        (429, "1.5", None),
    ],
)
def test_retry_after_is_kept_when_it_means_something(
    status: int, sent: str, kept: int | None
) -> None:
    assert refused(error(status, headers={"Retry-After": sent})).retry_after_s == kept


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"error": "text"}',
        b'{"error": {"message": 7, "metadata": []}}',
        b'{"error": {"message": "x", "metadata": {"n": NaN}}}',
        b'{"error": {"message": "x", "metadata": {"n": 1e999}}}',
        b"[" * 60_000,
        b"\xff\xfe",
        b'{"error": {"message": "' + b"x" * 70_000 + b'"}}',
    ],
)
def test_message_is_generic_when_the_body_is_no_error_envelope(body: bytes) -> None:
    client, server = refused(answer(422, body=body)), refused(answer(500, body=body))

    assert (client.status, client.message) == (422, "Upstream refused the request (HTTP 422).")
    assert (server.status, server.message) == (500, "Provider returned error")
    assert client.metadata is None


@pytest.mark.parametrize(
    "rest",
    [b"", b'{"error"', b"hang"],
    ids=["cut at once", "cut within", "half open"],
)
def test_status_decides_when_the_body_breaks_off(rest: bytes) -> None:
    def script(peer: Peer) -> bool:
        peer.send(b"HTTP/1.1 429 Too Many\r\nContent-Length: 100\r\n\r\n")
        if rest == b"hang":
            return peer.hang()
        peer.send(rest)
        return False

    caught = refused(script)

    assert (caught.status, caught.cost_is_zero) == (429, True)


def test_body_is_not_read_when_compressed() -> None:
    caught = refused(error(400, headers={"Content-Encoding": "gzip"}))

    assert (caught.status, caught.message) == (400, "Upstream refused the request (HTTP 400).")


def test_key_is_masked_when_upstream_repeats_it() -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in CANARY)
    body = f'{{"error": {{"message": "key {CANARY}", "metadata": {{"{CANARY}": ["{escaped}"]}}}}}}'

    caught = refused(answer(400, body=body.encode()))

    assert caught.message == "key ***"
    assert caught.metadata == {"***": ["***"]}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_metadata_is_cut_when_it_nests_deeply(opening: str, closing: str) -> None:
    nested = opening * 900 + "1" + closing * 900
    body = f'{{"error": {{"message": "too deep", "metadata": {{"raw": {nested}}}}}}}'

    caught = refused(answer(400, body=body.encode()))

    assert caught.message == "too deep"
    shown = json.dumps(caught.metadata)
    assert shown.count(closing) < 40
    assert '"***"' in shown


def test_message_is_cut_and_can_be_encoded() -> None:
    body = b'{"error": {"message": "\\ud800' + b"x" * 3_000 + b'"}}'

    caught = refused(answer(400, body=body))

    assert caught.message == "?" + "x" * 1_999
