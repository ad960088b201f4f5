"""Reading a chat request: the few fields the simulator acts on, the rest is let through."""

import json
from dataclasses import dataclass
from typing import Any, Final

from local.simulator.catalogue import ECHO_ID
from local.simulator.echo import Prompt
from local.simulator.errors import RefusedError
from local.simulator.ledger import Caller
from local.simulator.requests import ReceivedRequest

_MAX_MODELS: Final = 3
_SAMPLING: Final = (
    "temperature", "top_p", "top_k", "min_p", "seed", "stop", "logit_bias",
    "frequency_penalty", "presence_penalty",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat request. `models` are tried in order; there is at least one."""

    models: tuple[str, ...]
    prompt: Prompt
    stream: bool
    caller: Caller


def read_chat_request(received: ReceivedRequest) -> ChatRequest:
    """Read the body of a chat request.

    Raises:
        RefusedError: 400, the body is no JSON object or a field is unusable.
    """
    body = _object(received.body)
    return ChatRequest(
        models=_models(body),
        prompt=Prompt(
            messages=_messages(body),
            max_tokens=_max_tokens(body),
            sampling={key: body[key] for key in _SAMPLING if body.get(key) is not None},
        ),
        stream=body.get("stream") is True,
        caller=Caller(
            user=_text(body.get("user")),
            session_id=_text(body.get("session_id")) or received.header("X-Session-Id"),
            user_agent=received.header("User-Agent"),
            http_referer=received.header("HTTP-Referer"),
        ),
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedError("The request body is not valid JSON", status=400) from error
    if not isinstance(body, dict):
        raise RefusedError("The request body must be a JSON object", status=400)
    return body


def _models(body: dict[str, Any]) -> tuple[str, ...]:
    fallbacks = body.get("models") or []
    if not isinstance(fallbacks, list) or not all(isinstance(m, str) for m in fallbacks):
        raise RefusedError("'models' must be an array of strings.", status=400)
    if len(fallbacks) > _MAX_MODELS:
        raise RefusedError("'models' array must have 3 items or fewer.", status=400)
    model = body.get("model")
    if not isinstance(model, str | None):
        raise RefusedError("'model' must be a string.", status=400)
    wanted = [*([model] if model else []), *fallbacks]
    return tuple(dict.fromkeys(wanted)) or (ECHO_ID,)


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not messages:
        raise RefusedError('Input required: specify "prompt" or "messages"', status=400)
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise RefusedError("'messages' must be an array of objects.", status=400)
    return messages


def _max_tokens(body: dict[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if value is None:
            continue
        if type(value) is not int or value < 1:
            raise RefusedError(f"'{name}' must be an integer of at least 1.", status=400)
        return value
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
