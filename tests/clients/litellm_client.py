"""The cases of `litellm` as a client."""

import asyncio
import json
from typing import Any

import litellm
from litellm.exceptions import MidStreamFallbackError
from pydantic import BaseModel

from tests.clients.cases import MODEL, PLACE, SAID, TOOL, WEATHER, WISH, Case, Gateway, run, user


class Place(BaseModel):
    city: str
    degrees: int


def options(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    model = fields.pop("model", MODEL)
    return {
        "model": f"openrouter/{model}",
        "messages": user(),
        "api_base": gateway.base_url,
        "api_key": gateway.api_key,
        **fields,
    }


def send(gateway: Gateway, **fields: Any) -> Any:
    return litellm.completion(**options(gateway, **fields))


def answer(whole: Any, text: str | None) -> dict[str, Any]:
    usage = whole.usage
    return {
        "id": whole.id,
        "text": text,
        "finish": whole.choices[0].finish_reason,
        "cost": usage.cost,
        "tokens": [usage.prompt_tokens, usage.completion_tokens],
    }


def chat(gateway: Gateway) -> Any:
    done = send(gateway)
    return answer(done, done.choices[0].message.content)


def chat_async(gateway: Gateway) -> Any:
    done: Any = asyncio.run(litellm.acompletion(**options(gateway)))
    return answer(done, done.choices[0].message.content)


def joined(gateway: Gateway, **fields: Any) -> Any:
    wanted = {"stream": True, "stream_options": {"include_usage": True}, **fields}
    return litellm.stream_chunk_builder(list(send(gateway, **wanted)))


def stream(gateway: Gateway) -> Any:
    whole = joined(gateway)
    return answer(whole, whole.choices[0].message.content)


def call_of(whole: Any) -> list[Any]:
    (call,) = whole.choices[0].message.tool_calls
    return [call.function.name, json.loads(call.function.arguments)]


def tools(gateway: Gateway) -> Any:
    messages = user(WISH)
    first = send(gateway, messages=messages, tools=[TOOL], tool_choice="auto")
    asked = first.choices[0].message
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": WEATHER}
    second = send(gateway, messages=[*messages, asked, result], tools=[TOOL])
    return {
        **answer(first, asked.content),
        "call": call_of(first),
        "final": second.choices[0].message.content,
    }


def tools_streamed(gateway: Gateway) -> Any:
    whole = joined(gateway, messages=user(WISH), tools=[TOOL])
    return {**answer(whole, None), "call": call_of(whole)}


def structured(gateway: Gateway) -> Any:
    done = send(gateway, messages=user(PLACE), response_format=Place)
    return {**answer(done, None), "value": json.loads(done.choices[0].message.content)}


def completions(gateway: Gateway) -> Any:
    done = litellm.text_completion(**text_options(gateway))
    return answer(done, done.choices[0].text)


def completions_stream(gateway: Gateway) -> Any:
    wanted = text_options(gateway, stream=True, stream_options={"include_usage": True})
    chunks = list(litellm.text_completion(**wanted))
    choices = [chunk.choices[0] for chunk in chunks]
    (finish,) = {choice.finish_reason for choice in choices} - {None}
    text = "".join(choice.text or "" for choice in choices)
    return {**answer(chunks[-1], text), "finish": finish}


def text_options(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    """Return options for completions; under `openrouter/` this client would make chats of them."""
    return {
        "model": f"text-completion-openai/{MODEL}",
        "prompt": SAID,
        "api_base": gateway.base_url,
        "api_key": gateway.api_key,
        **fields,
    }


def failing(model: str, *, case: str, key: str = "api_key") -> Case:
    """Return a case that asks a model which fails, by the client's own policy of retries."""

    def ask(gateway: Gateway) -> Any:
        asked = user(gateway.marked(case))
        done = send(gateway, model=model, messages=asked, api_key=getattr(gateway, key, key))
        return answer(done, done.choices[0].message.content)

    return ask


def recovering(gateway: Gateway) -> Any:
    """Ask again as often as this client is told to: by itself it never does."""
    case = "503, then an answer"
    gateway.fail_once(503)
    done = send(gateway, messages=user(gateway.marked(case)), num_retries=1)
    return answer(done, done.choices[0].message.content)


def broken_stream(gateway: Gateway) -> Any:
    text = ""
    try:
        for chunk in send(gateway, model="fault/mid-stream-error", stream=True):
            text += chunk.choices[0].delta.content or ""
    except MidStreamFallbackError as error:
        return {"text": text, "error": error.message, "code": error.status_code}
    return {"text": text}


def describe(error: Exception) -> dict[str, Any]:
    return {"status": getattr(error, "status_code", None), "message": str(error)}


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "chat, by asyncio": chat_async,
            "chat, streamed": stream,
            "tool call": tools,
            "tool call, streamed": tools_streamed,
            "structured output": structured,
            "completions": completions,
            "completions, streamed": completions_stream,
            "400": failing("no/such-model", case="400"),
            "401": failing(MODEL, case="401", key="sk-wrong"),
            "402": failing(MODEL, case="402", key="poor_key"),
            "403": failing(MODEL, case="403", key="capped_key"),
            "404": failing("fault/404", case="404"),
            "429": failing("fault/429", case="429"),
            "503, then an answer": recovering,
            "error in a stream": broken_stream,
        },
        describe=describe,
    )
