"""Reading a request: the few fields the simulator acts on, the rest is let through."""

import json
from dataclasses import dataclass
from typing import Any, Final

from local.simulator.catalogue import ECHO_ID
from local.simulator.echo import Prompt
from local.simulator.errors import RefusedError
from local.simulator.ledger import Caller, Kind
from local.simulator.requests import ReceivedRequest
from local.simulator.tool_calls import callable_tools

_MAX_MODELS: Final = 3
_SAMPLING: Final = (
    "temperature", "top_p", "top_k", "min_p", "seed", "stop", "logit_bias",
    "frequency_penalty", "presence_penalty",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request. `models` are tried in order; there is at least one, and one prompt.

    Each prompt is answered `best_of` times, of which `n` answers are shown.
    """

    kind: Kind
    models: tuple[str, ...]
    prompts: tuple[Prompt, ...]
    n: int
    best_of: int
    stream: bool
    caller: Caller


def read_request(received: ReceivedRequest, *, kind: Kind) -> ChatRequest:
    """Read the body of a request.

    Raises:
        RefusedError: 400, the body is no JSON object or a field is unusable.
    """
    body = _object(received.body)
    # OpenRouter documents neither for a chat.
    n, best_of = (_count(body, "n"), _count(body, "best_of")) if kind is Kind.TEXT else (1, 1)
    return ChatRequest(
        kind=kind,
        models=_models(body),
        prompts=_plain_prompts(body) if kind is Kind.TEXT else (_chat_prompt(body),),
        n=n,
        best_of=max(n, best_of),
        stream=body.get("stream") is True,
        caller=Caller(
            user=_text(body.get("user")),
            session_id=_text(body.get("session_id")) or received.header("X-Session-Id"),
            user_agent=received.header("User-Agent"),
            http_referer=received.header("HTTP-Referer"),
        ),
    )


def _chat_prompt(body: dict[str, Any]) -> Prompt:
    return Prompt(
        messages=_messages(body),
        max_tokens=_max_tokens(body),
        sampling=_sampling(body),
        tools=callable_tools(body),
    )


def _plain_prompts(body: dict[str, Any]) -> tuple[Prompt, ...]:
    prompt = body.get("prompt")
    if not isinstance(prompt, str | list) or prompt == []:
        raise RefusedError('Input required: specify "prompt"', status=400)
    prompts = [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt
    if not all(isinstance(text, str) or _is_ids(text) for text in prompts):
        raise RefusedError("'prompt' must be text or token ids.", status=400)
    return tuple(
        Prompt(
            messages=(),
            text=text,
            max_tokens=_max_tokens(body),
            sampling=_sampling(body),
            echo=body.get("echo") is True,
            logprobs=body.get("logprobs"),
        )
        for text in prompts
    )


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)


def _sampling(body: dict[str, Any]) -> dict[str, Any]:
    return {key: body[key] for key in _SAMPLING if body.get(key) is not None}


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise RefusedError("The request body is not valid JSON", status=400) from error
    if not isinstance(body, dict):
        raise RefusedError("The request body must be a JSON object", status=400)
    return body


def _number(digits: str) -> float | int:
    """Return a number; JSON does not tell 5 from 5.0."""
    value = float(digits)
    return int(value) if value.is_integer() else value


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
        if body.get(name) is not None:
            return _count(body, name)
    return None


def _count(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if value is None:
        return 1
    if type(value) is not int or value < 1:
        raise RefusedError(f"'{name}' must be an integer of at least 1.", status=400)
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
