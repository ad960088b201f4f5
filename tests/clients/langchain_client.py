"""The cases of `langchain-openrouter`."""

import asyncio
import json
from functools import cache
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_openrouter import ChatOpenRouter
from pydantic import BaseModel, SecretStr

from tests.clients.cases import MODEL, PLACE, SAID, TOOL, WEATHER, WISH, Case, Gateway, run


class Place(BaseModel):
    city: str
    degrees: int


@cache
def client(gateway: Gateway, *, model: str = MODEL, key: str | None = None) -> ChatOpenRouter:
    return ChatOpenRouter(
        model=model,
        base_url=gateway.base_url,
        api_key=SecretStr(key or gateway.api_key),
    )


def answer(message: Any) -> dict[str, Any]:
    usage, about = message.usage_metadata, message.response_metadata
    return {
        "id": about.get("id") or message.id,
        "text": message.content,
        "finish": about["finish_reason"],
        "cost": about["cost"],
        "tokens": [usage["input_tokens"], usage["output_tokens"]],
    }


def chat(gateway: Gateway) -> Any:
    return answer(client(gateway).invoke(SAID))


def chat_async(gateway: Gateway) -> Any:
    return answer(asyncio.run(client(gateway).ainvoke(SAID)))


def joined(chunks: Any) -> Any:
    whole = next(chunks)
    for chunk in chunks:
        whole += chunk
    return whole


def stream(gateway: Gateway) -> Any:
    return answer(joined(client(gateway).stream(SAID)))


def call_of(message: Any) -> list[Any]:
    (call,) = message.tool_calls
    return [call["name"], call["args"]]


def tools(gateway: Gateway) -> Any:
    bound = client(gateway).bind_tools([TOOL])
    first: Any = bound.invoke(WISH)
    result = ToolMessage(WEATHER, tool_call_id=first.tool_calls[0]["id"])
    second = bound.invoke([("user", WISH), first, result])
    return {**answer(first), "call": call_of(first), "final": second.content}


def tools_streamed(gateway: Gateway) -> Any:
    whole = joined(client(gateway).bind_tools([TOOL]).stream(WISH))
    return {**answer(whole), "call": call_of(whole)}


def structured(gateway: Gateway) -> Any:
    bound = client(gateway).with_structured_output(Place, method="json_schema", include_raw=True)
    told: Any = bound.invoke(PLACE)
    return {**answer(told["raw"]), "value": told["parsed"].model_dump()}


def failing(model: str, *, case: str, key: str = "api_key") -> Case:
    """Return a case that asks a model which fails, by the client's own policy of retries."""

    def ask(gateway: Gateway) -> Any:
        chosen = client(gateway, model=model, key=getattr(gateway, key, key))
        return answer(chosen.invoke(gateway.marked(case)))

    return ask


def recovering(gateway: Gateway) -> Any:
    gateway.fail_once(503)
    return failing(MODEL, case="503, then an answer")(gateway)


def broken_stream(gateway: Gateway) -> Any:
    """Read a stream that breaks; this client tells it by the finish reason alone."""
    whole = joined(client(gateway, model="fault/mid-stream-error").stream(SAID))
    return {"text": whole.content, "error": whole.response_metadata["finish_reason"]}


def describe(error: Exception) -> dict[str, Any]:
    body = getattr(error, "body", None)
    message = json.loads(body)["error"]["message"] if body else str(error)
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
