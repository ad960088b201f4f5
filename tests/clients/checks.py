"""What a client must have got in each case, whatever client it is."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.clients.cases import SAID, WEATHER
from tests.clients.stage import CREDIT_USD, YESTERDAY
from weir.domain.api_keys import masked

Told = Mapping[str, Any]
MESSAGES = {
    "400": "not a valid model ID",
    "401": "Invalid API key",
    "402": "requires more credits",
    "403": "Key limit exceeded",
    "404": "No endpoints found",
    "429": "Provider returned error",
}


def check(case: str, seen: Told) -> None:
    """Compare what a program told of a case with what the gateway's books say.

    Args:
        case: Its name.
        seen: What `stage.watch` returned.
    """
    assert case in seen["cases"], f"the program ended before {case}: {seen['noise']}"
    told = seen["cases"][case]
    if case in MESSAGES:
        assert "raised" in told, told
        _check_refusal(case, told["raised"], seen)
        return
    assert "got" in told, told
    CHECKS[case](told["got"], seen)


def _check_refusal(case: str, raised: Told, seen: Told) -> None:
    assert raised["status"] == int(case)
    assert raised["type"] == seen["errors"][case]
    assert MESSAGES[case] in raised["message"]
    assert seen["attempts"][case] == seen["sent"][case]


def _check_answer(got: Told, seen: Told) -> None:
    """Check that the books know the answer, at the price that the client was told."""
    record = seen["records"][got["id"]]
    shown = record["generation"]
    assert got["cost"] == record["cost"] > 0
    assert shown["id"] == got["id"]
    assert shown["total_cost"] == shown["usage"] == got["cost"]
    assert got["tokens"] == record["tokens"]
    assert got["tokens"] == [shown["tokens_prompt"], shown["tokens_completion"]]
    assert got["finish"] == record["finish"] == shown["finish_reason"]
    assert record["streamed"] is shown["streamed"]


def _check_chat(got: Told, seen: Told) -> None:
    _check_answer(got, seen)
    assert got["text"] == SAID
    assert got["finish"] == "stop"
    assert got["tokens"] == [6, 3]
    assert seen["records"][got["id"]]["streamed"] is False


def _check_stream(got: Told, seen: Told) -> None:
    _check_answer(got, seen)
    assert got["text"] == SAID
    assert seen["records"][got["id"]]["streamed"] is True


def _check_tool_call(got: Told, seen: Told) -> None:
    _check_streamed_call(got, seen)
    assert got["final"] == WEATHER


def _check_streamed_call(got: Told, seen: Told) -> None:
    _check_answer(got, seen)
    assert got["call"] == ["weather", {"city": "Paris"}]
    assert got["finish"] == "tool_calls"


def _check_structured(got: Told, seen: Told) -> None:
    _check_answer(got, seen)
    assert got["value"] == {"city": "Paris", "degrees": 21}


def _check_text(got: Told, seen: Told) -> None:
    _check_answer(got, seen)
    assert got["text"] == SAID
    assert seen["records"][got["id"]]["generation"]["api_type"] == "completions"


def _check_recovery(got: Told, seen: Told) -> None:
    _check_answer(got, seen)
    assert got["text"].endswith("503, then an answer")
    assert seen["attempts"]["503, then an answer"] == 2


def _check_broken_stream(got: Told, seen: Told) -> None:
    assert got["text"] == "one two"
    assert got.get("code") in {502, "502", None}
    assert "error" in got


def _check_models(got: Told, seen: Told) -> None:
    assert got["ids"] == [model["id"] for model in seen["models"]]


def _check_count(got: Told, seen: Told) -> None:
    assert got == {"count": len(seen["models"])}


def _check_model(got: Told, seen: Told) -> None:
    (expected,) = [model for model in seen["models"] if model["id"] == "weir/echo"]
    assert got == {
        "id": "weir/echo",
        "name": expected["name"],
        "created": expected["created"],
        "price": expected["pricing"]["prompt"],
        "parameters": expected["supported_parameters"],
    }


def _check_endpoints(got: Told, seen: Told) -> None:
    assert got["id"] == "weir/echo"
    assert got["providers"] == ["Weir Simulator"]


def _check_zdr(got: Told, seen: Told) -> None:
    assert "weir/echo" in got["models"]
    assert not any(model.startswith("fault/") for model in got["models"])


def _check_providers(got: Told, seen: Told) -> None:
    assert got == {"providers": [["Weir Simulator", "weir-simulator"]]}


def _check_key(got: Told, seen: Told) -> None:
    label = masked(seen["gateway"]["api_key"], prefix="sk-weir-v1-")
    assert got == {"label": label, "limit": None, "managing": [False, True], "scope": "key_limit"}


def _check_keys(got: Told, seen: Told) -> None:
    key_hash = hashlib.sha256(got["key"].encode()).hexdigest()
    shown = {"hash": key_hash, "name": "app", "limit": 1.5, "reset": "monthly"}
    assert got["made"] == got["read"] == {**shown, "expires": "2040-12-31T23:59:59", "off": False}
    assert got["changed"] == {**got["made"], "name": "old", "limit": None, "off": True}
    assert key_hash in got["listed"]
    assert key_hash not in got["enabled"]
    assert got["deleted"] is True
    assert got["gone"] == 404


def _check_credits(got: Told, seen: Told) -> None:
    assert got["total"] == float(CREDIT_USD)
    # Less than a nano-dollar apart: a sum of doubles is not that of the decimals.
    spent = sum(record["cost"] for record in seen["records"].values())
    assert abs(got["used"] - spent) < 1e-12
    assert got["used"] > 0


def _check_activity(got: Told, seen: Told) -> None:
    (row,) = got["rows"]
    assert row == {
        "model": "weir/echo",
        "provider": "Weir Simulator",
        "requests": YESTERDAY.requests,
        "usage": YESTERDAY.price_nano_usd / 10**9,
        "tokens": [YESTERDAY.prompt_tokens, YESTERDAY.completion_tokens],
        "reasoning": YESTERDAY.reasoning_tokens,
    }


def _check_generation(got: Told, seen: Told) -> None:
    assert got["id"] in seen["records"]
    told = seen["records"][got["id"]]["generation"]
    assert got == {name: told[name] for name in got}
    assert got["total_cost"] > 0


def _check_code(got: Told, seen: Told) -> None:
    assert got["text"] == SAID
    assert seen["records"][got["id"]]["cost"] > 0
    assert got["again"] in {400, 403}


def _check_page(got: Told, seen: Told) -> None:
    url = urlsplit(got["url"])
    assert f"{url.scheme}://{url.netloc}/api/v1" == seen["gateway"]["base_url"]
    assert url.path == "/auth"
    query = parse_qs(url.query)
    assert query["callback_url"] == ["http://localhost:3000/back"]
    assert query["code_challenge_method"] == ["S256"]
    assert got["status"] == 200
    assert got["type"].startswith("text/html")


CHECKS: Mapping[str, Callable[[Told, Told], None]] = {
    "chat": _check_chat,
    "chat, by asyncio": _check_chat,
    "chat, streamed": _check_stream,
    "tool call": _check_tool_call,
    "tool call, streamed": _check_streamed_call,
    "structured output": _check_structured,
    "completions": _check_text,
    "completions, streamed": _check_text,
    "models": _check_models,
    "models, counted": _check_count,
    "models of a key": _check_models,
    "model": _check_model,
    "endpoints": _check_endpoints,
    "endpoints, ZDR": _check_zdr,
    "providers": _check_providers,
    "key": _check_key,
    "keys": _check_keys,
    "credits": _check_credits,
    "activity": _check_activity,
    "generation": _check_generation,
    "code exchanged for a key": _check_code,
    "page to sign in at": _check_page,
    "503, then an answer": _check_recovery,
    "error in a stream": _check_broken_stream,
}
