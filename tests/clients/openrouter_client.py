"""The cases of `openrouter` (Python): chat and errors; the rest is in `openrouter_account`."""

import asyncio
import json
from typing import Any

from openrouter import OpenRouter
from openrouter.errors import OpenRouterError

from tests.clients.cases import MODEL, PLACE, TOOL, WEATHER, WISH, Case, Gateway, run, user
from tests.clients.openrouter_account import CASES as ACCOUNT
from tests.clients.openrouter_account import client

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
}


def answer(whole: Any, text: str | None) -> dict[str, Any]:
    return {
        "id": whole.id,
        "text": text,
        "finish": whole.choices[0].finish_reason,
        "cost": whole.usage.cost,
        "tokens": [whole.usage.prompt_tokens, whole.usage.completion_tokens],
    }


def send(gateway: Gateway, *, key: str | None = None, **fields: Any) -> Any:
    return client(gateway, key=key).chat.send(**{"model": MODEL, "messages": user(), **fields})


def streamed(gateway: Gateway, **fields: Any) -> list[Any]:
    fields = {"model": MODEL, "messages": user(), **fields}
    events: Any = client(gateway).chat.send(stream=True, **fields)
    with events:
        return list(events)


def chat(gateway: Gateway) -> Any:
    done = send(gateway)
    return answer(done, done.choices[0].message.content)


def chat_async(gateway: Gateway) -> Any:
    async def ask() -> Any:
        async with OpenRouter(api_key=gateway.api_key, server_url=gateway.base_url) as openrouter:
            return await openrouter.chat.send_async(model=MODEL, messages=user())

    done = asyncio.run(ask())
    return answer(done, done.choices[0].message.content)


def stream(gateway: Gateway) -> Any:
    chunks = streamed(gateway)
    (generation_id,) = {chunk.id for chunk in chunks}
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {**answer(chunks[-1], text), "id": generation_id}


def tools(gateway: Gateway) -> Any:
    messages = user(WISH)
    first = send(gateway, messages=messages, tools=[TOOL], tool_choice="auto")
    asked = first.choices[0].message
    (call,) = asked.tool_calls
    messages += [asked, {"role": "tool", "tool_call_id": call.id, "content": WEATHER}]
    second = send(gateway, messages=messages, tools=[TOOL])
    return {
        **answer(first, asked.content),
        "call": [call.function.name, json.loads(call.function.arguments)],
        "final": second.choices[0].message.content,
    }


def tools_streamed(gateway: Gateway) -> Any:
    chunks = streamed(gateway, messages=user(WISH), tools=[TOOL])
    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
    arguments = "".join(part.function.arguments or "" for part in parts)
    return {**answer(chunks[-1], None), "call": [parts[0].function.name, json.loads(arguments)]}


def structured(gateway: Gateway) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    done = send(gateway, messages=user(PLACE), response_format=wanted)
    return {**answer(done, None), "value": json.loads(done.choices[0].message.content)}


def failing(model: str, *, case: str, key: str = "api_key") -> Case:
    """Return a case that asks a model which fails, by the client's own policy of retries."""

    def ask(gateway: Gateway) -> Any:
        asked = user(gateway.marked(case))
        done = send(gateway, model=model, messages=asked, key=getattr(gateway, key, key))
        return answer(done, done.choices[0].message.content)

    return ask


def recovering(gateway: Gateway) -> Any:
    gateway.fail_once(503)
    return failing(MODEL, case="503, then an answer")(gateway)


def broken_stream(gateway: Gateway) -> Any:
    chunks = streamed(gateway, model="fault/mid-stream-error")
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    error = chunks[-1].error
    return {"text": text, "error": error.message, "code": error.code}


def describe(error: Exception) -> dict[str, Any]:
    if not isinstance(error, OpenRouterError):
        return {"status": None, "message": str(error)}
    return {"status": error.status_code, "message": json.loads(error.body)["error"]["message"]}


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "chat, by asyncio": chat_async,
            "chat, streamed": stream,
            "tool call": tools,
            "tool call, streamed": tools_streamed,
            "structured output": structured,
            "400": failing("no/such-model", case="400"),
            "401": failing(MODEL, case="401", key="sk-wrong"),
            "402": failing(MODEL, case="402", key="poor_key"),
            "403": failing(MODEL, case="403", key="capped_key"),
            "404": failing("fault/404", case="404"),
            "429": failing("fault/429", case="429"),
            "503, then an answer": recovering,
            "error in a stream": broken_stream,
            **ACCOUNT,
        },
        describe=describe,
    )
