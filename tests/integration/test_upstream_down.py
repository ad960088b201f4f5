"""Upstream is down: what is refused says when to come back, and everything else goes on."""

import json
import os
import signal
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_socket
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support import template
from tests.support.stacks import (
    assert_books_balance,
    echo_stack,
    records,
    simulator,
    sweep,
    wait_until,
)
from tests.support.upstream_relay import UpstreamRelay, Way
from weir.adapters.catalogue_copies import object_key
from weir.domain.catalogue import MODELS
from weir.domain.errors import RETRY_AFTER_S
from weir.domain.usage import RecordStatus

# A request that is given up within its deadline, and the gateway's part, takes less.
PATIENCE_S = 25
DEADLINE_S = 2
CHAT = "/api/v1/chat/completions"
BODIES: Mapping[str, Mapping[str, Any]] = {
    CHAT: {"model": "weir/echo", "messages": [{"role": "user", "content": "one two three"}]},
    "/api/v1/completions": {"model": "weir/echo", "prompt": "one two three"},
}
DEPLOYED = template.deployed()
(API,) = template.of_type(DEPLOYED, "AWS::ApiGateway::RestApi").values()
ROUTES = [path for path in BODIES if path in API["Body"]["paths"]]


@pytest.fixture(scope="module")
def relay() -> Iterator[UpstreamRelay]:
    pytest_socket.enable_socket()
    with UpstreamRelay() as running:
        yield running


@pytest.fixture(scope="module")
def stack(relay: UpstreamRelay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack whose upstream can be taken down; its books must balance in the end."""
    callers = [
        name
        for name in template.of_type(DEPLOYED, "AWS::Lambda::Function")
        if "UPSTREAM_BASE_URL" in template.environment(DEPLOYED, name)
    ]
    with echo_stack(
        tmp_path_factory.mktemp("down"),
        parameters={"UpstreamDeadlineSeconds": str(DEADLINE_S)},
        variables={
            name: {"UPSTREAM_BASE_URL": relay.url, "CHAT_TIMEOUT_S": "0", "SWEEP_MARGIN_S": "0"}
            if name == "SweepFunction"
            else {"UPSTREAM_BASE_URL": relay.url}
            for name in callers
        },
    ) as running:
        relay.lead_to(urlsplit(simulator(running).url).port or 0)
        assert ask(running).status_code == 200
        yield running
        sweep(running)
        assert_books_balance(running, swept=True)


@pytest.fixture(autouse=True)
def _up_again(relay: UpstreamRelay) -> Iterator[None]:
    yield
    relay.become(Way.PASS)


def ask(stack: LocalStack, path: str = CHAT, *, stream: bool = False) -> requests.Response:
    return requests.post(
        stack.gateway.url + path,
        json={**BODIES[path], "stream": stream, "max_tokens": 400},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=PATIENCE_S,
    )


def get(stack: LocalStack, path: str) -> requests.Response:
    return requests.get(f"{stack.base_url}{path}", timeout=PATIENCE_S)


def kill(stack: LocalStack, function: str) -> None:
    """Let the next request of a function find nothing remembered."""
    victims = set(stack.gateway.worker_pids(function))
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not victims & set(stack.gateway.worker_pids(function)))


def holds(stack: LocalStack) -> set[str]:
    ledger = stack.books.ledger
    return {each for account in ledger.accounts() for each in account.holds}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("way", "status"),
    [
        (Way.REFUSE, 502),
        pytest.param(Way.DROP, 502, marks=pytest.mark.chaos),
        (Way.RESET, 502),
        pytest.param(Way.HANG, 408, marks=pytest.mark.chaos),
    ],
)
def test_a_client_is_told_when_to_come_back(
    stack: LocalStack, relay: UpstreamRelay, way: Way, status: int, path: str, *, stream: bool
) -> None:
    assert ask(stack, path).status_code == 200
    relay.become(way)

    response = ask(stack, path, stream=stream)

    assert response.status_code == response.json()["error"]["code"] == status
    assert response.headers["Retry-After"] == str(RETRY_AFTER_S)
    assert response.headers["Content-Type"] == "application/json"
    record = records(stack)[response.headers["X-Generation-Id"]]
    assert record.usage.cost_nano_usd == 0
    unsent = way in {Way.REFUSE, Way.DROP}
    assert record.status is (RecordStatus.FAILED if unsent else RecordStatus.UNKNOWN)
    assert response.headers["X-Generation-Id"] not in holds(stack)


@pytest.mark.parametrize("path", ROUTES)
def test_an_answer_that_drips_ends_with_the_deadline(
    stack: LocalStack, relay: UpstreamRelay, path: str
) -> None:
    relay.become(Way.DRIP)

    plain, streamed = ask(stack, path), ask(stack, path, stream=True)

    assert plain.status_code == plain.json()["error"]["code"] == 408
    assert plain.headers["Retry-After"] == str(RETRY_AFTER_S)
    # A stream whose headers came through in time says it in its last event.
    if streamed.status_code == 200:
        assert '"finish_reason":"error"' in streamed.text
        assert "[DONE]" not in streamed.text
    else:
        assert streamed.headers["Retry-After"] == str(RETRY_AFTER_S)


@pytest.mark.parametrize("code", [502, 503, 529])
@pytest.mark.parametrize("told", [None, 17])
def test_an_upstream_that_says_it_is_down_is_believed(
    stack: LocalStack, code: int, told: int | None
) -> None:
    simulator(stack).faults.push(Fault(name="status", code=code, retry_after=told))

    response = ask(stack)

    assert response.status_code == code
    assert response.headers["Retry-After"] == str(told or RETRY_AFTER_S)


@pytest.mark.parametrize("way", [Way.REFUSE, Way.RESET, Way.HANG])
def test_a_cold_function_that_cannot_price_a_request_holds_nothing(
    stack: LocalStack, relay: UpstreamRelay, way: Way
) -> None:
    kill(stack, "ChatFunction")
    before = holds(stack), records(stack).keys()
    relay.become(way)

    response = ask(stack)

    assert response.status_code in {502, 503, 408}
    assert int(response.headers["Retry-After"]) > 0
    assert (holds(stack), records(stack).keys()) == before


@pytest.mark.parametrize("way", [Way.REFUSE, Way.RESET, Way.HANG, Way.DRIP])
def test_the_catalogue_answers_and_says_how_old_its_word_is(
    stack: LocalStack, relay: UpstreamRelay, way: Way
) -> None:
    listed = get(stack, "/models").json()
    make_older(stack, by_ms=3_600_000)
    kill(stack, "CatalogFunction")
    relay.become(way)

    stale, one = get(stack, "/models"), get(stack, "/model/weir/echo")

    assert (stale.status_code, stale.json()) == (200, listed)
    assert 3_600 <= int(stale.headers["Age"]) < 86_400
    assert one.status_code == 200


def test_what_needs_no_upstream_goes_on(stack: LocalStack, relay: UpstreamRelay) -> None:
    generation = ask(stack).headers["X-Generation-Id"]
    relay.become(Way.REFUSE)
    headers = {"Authorization": f"Bearer {stack.management_key}"}

    for path in (f"/generation?id={generation}", "/key", "/keys", "/credits", "/usage"):
        answer = requests.get(f"{stack.base_url}{path}", headers=headers, timeout=PATIENCE_S)
        assert answer.status_code == 200, path


def test_everything_works_again_when_upstream_is_back(
    stack: LocalStack, relay: UpstreamRelay
) -> None:
    relay.become(Way.REFUSE)
    assert ask(stack).status_code == 502

    relay.become(Way.PASS)

    assert ask(stack).status_code == ask(stack, stream=True).status_code == 200
    assert_books_balance(stack)


def make_older(stack: LocalStack, *, by_ms: int) -> None:
    """Let the shared copy of the models look as if it was read earlier."""
    storage = stack.aws.client("s3")
    place = {"Bucket": stack.deployment.physical_ids["AnswersBucket"], "Key": object_key(MODELS)}
    stored = json.loads(zlib.decompress(storage.get_object(**place)["Body"].read()))
    stored["read_ms"] -= by_ms
    storage.put_object(**place, Body=zlib.compress(json.dumps(stored).encode()))
