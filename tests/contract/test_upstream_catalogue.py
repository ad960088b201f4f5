"""Upstream's catalogue, read over HTTP: what is asked, and which answers are believed."""

import json
from typing import Any

import pytest

from tests.support.catalogue_values import (
    make_endpoint,
    make_model,
    make_provider,
    model_topic,
    selection,
)
from tests.support.fakes import FakeClock
from tests.support.fault_server import FaultServer, Script, answer
from tests.support.upstream import CANARY, soon, upstream
from weir.adapters.upstream import catalogue_documents
from weir.adapters.upstream.catalogue_documents import UpstreamCatalogue
from weir.domain.catalogue import MODELS, PROVIDERS, ZDR, Copy, Subject, Topic
from weir.domain.errors import InvalidRequestError, ProviderError, UpstreamTimeoutError

ENDPOINTS = model_topic("maker/model:free", Subject.ENDPOINTS)
ALL = "/models?output_modalities=all"


def data(content: Any) -> Script:
    return answer(body=json.dumps({"data": content}).encode())


def read(script: Script, topic: Topic) -> tuple[Copy, FaultServer]:
    clock = FakeClock()
    with FaultServer(script) as server, upstream(server, clock=clock) as weir:
        deadline_ms = soon(5, clock=clock)
        copy = UpstreamCatalogue(weir.api, clock=clock).read(topic, deadline_ms=deadline_ms)
    assert copy.read_ms == clock.ms
    return copy, server


@pytest.mark.parametrize(
    ("topic", "path", "content"),
    [
        (MODELS, ALL, [make_model(tomorrow=0.25)]),
        (PROVIDERS, "/providers", [make_provider("openai", "OpenAI")]),
        (ZDR, "/endpoints/zdr", [make_endpoint()]),
        (model_topic("~maker/model"), "/model/~maker/model", make_model()),
        (
            ENDPOINTS,
            "/models/maker/model:free/endpoints",
            make_model(endpoints=[make_endpoint()]),
        ),
    ],
    ids=["models", "providers", "zdr", "model", "endpoints"],
)
def test_a_topic_is_asked_for_at_its_route(topic: Topic, path: str, content: Any) -> None:
    copy, server = read(data(content), topic)

    assert copy.content == content
    (request,) = server.requests
    assert request.line == f"GET /api/v1{path} HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize(
    ("topic", "query"),
    [
        (selection("category", "marketing/seo"), "category=marketing%2Fseo"),
        (selection("providers", "Open AI,A&b=c"), "providers=Open%20AI,A%26b%3Dc"),
    ],
)
def test_a_selection_is_the_ids_in_upstreams_order(topic: Topic, query: str) -> None:
    copy, server = read(data([make_model("b/b"), make_model("a/a")]), topic)

    assert copy.content == ["b/b", "a/a"]
    assert server.requests[0].line == f"GET /api/v1{ALL}&{query} HTTP/1.1"


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("topic", [model_topic("no/such"), ENDPOINTS])
def test_a_model_is_absent_when_upstream_knows_none(status: int, topic: Topic) -> None:
    assert read(answer(status), topic)[0].content is None


def test_a_filter_is_the_clients_error_when_upstream_refuses_it() -> None:
    with pytest.raises(InvalidRequestError, match="region"):
        read(answer(400), selection("region", "eu"))


@pytest.mark.parametrize(
    ("script", "topic"),
    [
        (answer(500), MODELS),
        (answer(404), MODELS),
        (answer(404), selection("region", "eu")),
        (answer(503), ENDPOINTS),
        (answer(body=b"<html>"), MODELS),
        (answer(body=b"[]"), MODELS),
        (answer(body=b"{}"), MODELS),
        (answer(body=b"\xff"), MODELS),
        (answer(body=b"[" * 100_000), MODELS),
        (answer(body=b'{"data": [{"id": "a/b", "n": NaN}]}'), MODELS),
        (answer(body=b'{"data": [{"id": "a/b", "n": 1e999}]}'), MODELS),
        (data([]), MODELS),
        (data({}), MODELS),
        (data([make_model(), "broken"]), MODELS),
        (data([{"id": 7}]), MODELS),
        (data([{"slug": "openai"}]), PROVIDERS),
        (data([{"model_id": "a/b"}]), ZDR),
        (data([]), model_topic("a/b")),
        (data(make_model()), ENDPOINTS),
        (data(make_model(endpoints=[{}])), ENDPOINTS),
        (data([{}]), selection("region", "eu")),
    ],
)
def test_an_answer_is_not_believed_when_it_lacks_what_everybody_relies_on(
    script: Script, topic: Topic
) -> None:
    with pytest.raises(ProviderError) as caught:
        read(script, topic)

    assert CANARY not in f"{caught.value.message}{caught.value.metadata}"


def test_an_answer_is_not_believed_when_it_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_documents, "MAX_BYTES", 100)

    with pytest.raises(ProviderError, match="cannot be read"):
        read(data([make_model()]), MODELS)


def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    def drip(peer: Any) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        return bool(peer.drip([b" "] * 1000))

    with FaultServer(drip) as server, upstream(server) as weir:
        source = UpstreamCatalogue(weir.api, clock=FakeClock())
        with pytest.raises(UpstreamTimeoutError):
            source.read(MODELS, deadline_ms=soon(0.3))
