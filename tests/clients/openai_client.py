"""The cases of `openai` (Python)."""

import asyncio
import json
from functools import cache
from typing import Any

import openai
from pydantic import BaseModel

from tests.clients.cases import MODEL, PLACE, SAID, TOOL, WEATHER, WISH, Case, Gateway, run, user


class Place(BaseModel):
    city: str
    degrees: int


@cache
def client(gateway: Gateway, *, key: str | None = None, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=gateway.base_url, api_key=key or gateway.api_key, **options)


def answer(whole: Any, text: str | None) -> dict[str, Any]:
    usage = whole.usage
    return {
        "id": whole.id,
        "text": text,
        "finish": whole.choices[0].finish_reason,
        "cost": usage.model_extra["cost"],
        "tokens": [usage.prompt_tokens, usage.completion_tokens],
    }


def chat(gateway: Gateway) -> Any:
    done = client(gateway).chat.completions.create(model=MODEL, messages=user())
    return answer(done, done.choices[0].message.content)


def chat_async(gateway: Gateway) -> Any:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(
            base_url=gateway.base_url, api_key=gateway.api_key
        ) as openai_client:
            return await openai_client.chat.completions.create(model=MODEL, messages=user())

    done = asyncio.run(ask())
    return answer(done, done.choices[0].message.content)


def stream(gateway: Gateway) -> Any:
    chunks = list(
        client(gateway).chat.completions.create(model=MODEL, messages=user(), stream=True)
    )
    (generation_id,) = {chunk.id for chunk in chunks}
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {**answer(chunks[-1], text), "id": generation_id}


def tools(gateway: Gateway) -> Any:
    messages = user(WISH)
    create: Any = client(gateway).chat.completions.create
    first = create(model=MODEL, messages=messages, tools=[TOOL], tool_choice="auto")
    asked = first.choices[0].message
    (call,) = asked.tool_calls
    messages += [asked, {"role": "tool", "tool_call_id": call.id, "content": WEATHER}]
    second = create(model=MODEL, messages=messages, tools=[TOOL])
    return {
        **answer(first, asked.content),
        "call": [call.function.name, json.loads(call.function.arguments)],
        "final": second.choices[0].message.content,
    }


def tools_streamed(gateway: Gateway) -> Any:
    create: Any = client(gateway).chat.completions.create
    chunks = list(create(model=MODEL, messages=user(WISH), tools=[TOOL], stream=True))
    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
    arguments = "".join(part.function.arguments or "" for part in parts)
    return {**answer(chunks[-1], None), "call": [parts[0].function.name, json.loads(arguments)]}


def structured(gateway: Gateway) -> Any:
    parsed = client(gateway).chat.completions.parse(
        model=MODEL, messages=user(PLACE), response_format=Place
    )
    place = parsed.choices[0].message.parsed
    assert place is not None
    return {**answer(parsed, None), "value": place.model_dump()}


def completions(gateway: Gateway) -> Any:
    done = client(gateway).completions.create(model=MODEL, prompt=SAID)
    return answer(done, done.choices[0].text)


def completions_stream(gateway: Gateway) -> Any:
    chunks = list(client(gateway).completions.create(model=MODEL, prompt=SAID, stream=True))
    (generation_id,) = {chunk.id for chunk in chunks}
    text = "".join(chunk.choices[0].text for chunk in chunks)
    return {**answer(chunks[-1], text), "id": generation_id}


def models(gateway: Gateway) -> Any:
    return {"ids": [model.id for model in client(gateway).models.list()]}


def failing(model: str, *, case: str, key: str = "api_key", **options: Any) -> Case:
    """Return a case that asks a model which fails, by the client's own policy of retries."""

    def ask(gateway: Gateway) -> Any:
        chosen = getattr(gateway, key, key)
        done = client(gateway, key=chosen, **options).chat.completions.create(
            model=model, messages=user(gateway.marked(case))
        )
        return answer(done, done.choices[0].message.content)

    return ask


def recovering(gateway: Gateway) -> Any:
    gateway.fail_once(503)
    return failing(MODEL, case="503, then an answer")(gateway)


def broken_stream(gateway: Gateway) -> Any:
    text = ""
    chunks = client(gateway).chat.completions.create(
        model="fault/mid-stream-error", messages=user(), stream=True
    )
    try:
        for chunk in chunks:
            text += chunk.choices[0].delta.content or ""
    except openai.APIError as error:
        return {"text": text, "error": error.message, "code": error.code}
    return {"text": text}


def describe(error: Exception) -> dict[str, Any]:
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else str(error)
    return {"status": getattr(error, "status_code", None), "message": message}


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
            "models": models,
            "400": failing("no/such-model", case="400"),
            "401": failing(MODEL, case="401", key="sk-wrong"),
            "402": failing(MODEL, case="402", key="poor_key"),
            "403": failing(MODEL, case="403", key="capped_key"),
            "404": failing("fault/404", case="404"),
            "429": failing("fault/429", case="429", max_retries=1),
            "503, then an answer": recovering,
            "error in a stream": broken_stream,
        },
        describe=describe,
    )
