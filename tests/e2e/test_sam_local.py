"""`sam local` in Docker: the deployed functions against the embedded AWS and the simulator."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from local.containers import Surroundings, surroundings
from tests.e2e.sam import SamLocal
from tests.e2e.stand_in_image import ARCHITECTURE
from tests.support.template import ROOT
from weir.domain.money import NanoUsd
from weir.services.audit import audit

pytestmark = pytest.mark.e2e

ANSWER_TIMEOUT_S = 120
PLAIN = ROOT / "events/chat_completions.json"
STREAMED = ROOT / "events/chat_completions_stream.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """sam local, and what its containers talk to."""

    surroundings: Surroundings
    sam: SamLocal

    @contextmanager
    def recording(self, *, records: int) -> Iterator[None]:
        """Assert that so many usage records appear meanwhile, and that the books balance then."""
        books, upstream = self.surroundings.books, self.surroundings.simulator.ledger
        before = len(list(books.ledger.records()))
        yield
        costs = {entry.id: NanoUsd(entry.cost_nano_usd) for entry in upstream.entries()}
        assert len(list(books.ledger.records())) - before == records
        assert audit(books.ledger, upstream=costs).violations == ()


@pytest.fixture(scope="module")
def stage(
    docker_environment: Mapping[str, str],
    sam_environment: Mapping[str, str],
    native_build: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    environment = {**sam_environment, **docker_environment}
    variables = tmp_path_factory.mktemp("sam") / "variables.json"
    with surroundings(variables=variables, docker=environment) as found:
        sam = SamLocal(
            build=native_build,
            environment=environment,
            architecture=ARCHITECTURE,
            variables=variables,
        )
        yield Stage(surroundings=found, sam=sam)


def test_plain_event_is_answered_and_paid_for(stage: Stage) -> None:
    with stage.recording(records=1):
        answer = stage.sam.invoke("ChatFunction", event=PLAIN)

    body = json.loads(answer["body"])
    assert answer["statusCode"] == 200, answer
    assert body["choices"][0]["message"]["content"]
    assert _headers(answer["headers"])["x-generation-id"] == body["id"]


def test_streamed_event_is_joined_and_paid_for(stage: Stage) -> None:
    with stage.recording(records=1):
        answer = stage.sam.invoke("ChatFunction", event=STREAMED)

    assert answer["statusCode"] == 200, answer
    assert _headers(answer["headers"])["content-type"].startswith("text/event-stream")
    assert answer["body"].rstrip().endswith("data: [DONE]")


def test_event_is_refused_when_its_key_is_garbage(stage: Stage) -> None:
    event = PLAIN.read_text(encoding="utf-8").replace(_bearer(PLAIN), "sk-weir-v1-garbage")

    with stage.recording(records=0):
        answer = stage.sam.invoke("ChatFunction", event=event)

    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["error"]["code"] == 401


def test_sweep_runs(stage: Stage) -> None:
    counts = stage.sam.invoke("SweepFunction", event="{}")

    assert set(counts.values()) == {0}


def test_api_serves_the_route_and_no_other(stage: Stage, tmp_path: Path) -> None:
    event = json.loads(STREAMED.read_text(encoding="utf-8"))

    with (
        stage.recording(records=1),
        stage.sam.start_api(log=tmp_path / "api.log") as url,
    ):
        chat = requests.post(
            url + event["path"],
            data=event["body"].encode(),
            headers=_sendable(event["headers"]),
            timeout=ANSWER_TIMEOUT_S,
        )
        unknown = requests.get(f"{url}/api/v1/nothing", timeout=ANSWER_TIMEOUT_S)

    assert chat.status_code == 200, chat.text
    assert chat.headers["Access-Control-Allow-Origin"] == "*"
    assert chat.text.rstrip().endswith("data: [DONE]")
    assert unknown.status_code in {403, 404}


def _bearer(event: Path) -> str:
    headers = json.loads(event.read_text(encoding="utf-8"))["headers"]
    return str(headers["Authorization"]).removeprefix("Bearer ")


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("Authorization", "Content-Type", "Accept")}


def _headers(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
