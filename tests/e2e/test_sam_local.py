"""`sam local` in Docker: the deployed functions against the embedded AWS and the simulator."""

import json
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws import EmbeddedAws
from local.deploy import Deployment, deploy
from local.seed import Books, open_books, put_upstream_key, seed_tenant
from local.simulator import Simulator
from tests.e2e.sam import SamLocal, send
from tests.e2e.stand_in_image import ARCHITECTURE
from tests.support.template import ROOT, TEMPLATE
from weir.domain.api_keys import ApiKey, KeyKind, key_hash
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.services.audit import audit

pytestmark = pytest.mark.e2e

UPSTREAM_KEY = "sk-or-v1-" + "0" * 64
PLAIN = ROOT / "events/chat_completions.json"
STREAMED = ROOT / "events/chat_completions_stream.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the containers talk to, and how sam is told of it."""

    books: Books
    simulator: Simulator
    sam: SamLocal

    def assert_books_balance(self, *, requests: int) -> None:
        costs = {e.id: NanoUsd(e.cost_nano_usd) for e in self.simulator.ledger.entries()}
        assert len(list(self.books.ledger.records())) == requests
        assert audit(self.books.ledger, upstream=costs).violations == ()


@pytest.fixture
def surroundings(
    docker_environment: Mapping[str, str],
    sam_environment: Mapping[str, str],
    native_build: Path,
    tmp_path: Path,
) -> Iterator[Surroundings]:
    host = _host(docker_environment)
    with (
        Simulator(keys={UPSTREAM_KEY}, host=host, model="echo") as simulator,
        EmbeddedAws(host=host) as aws,
    ):
        deployment = deploy(TEMPLATE, aws=aws, parameters={})
        put_upstream_key(deployment, aws=aws, key=UPSTREAM_KEY)
        local = SamLocal(
            build=native_build,
            environment={**sam_environment, **docker_environment},
            parameters={
                "Architecture": ARCHITECTURE,
                "AwsEndpointUrl": _as_seen_by_containers(aws.url, host=host),
                "UpstreamBaseUrl": _as_seen_by_containers(simulator.url, host=host),
            },
            variables=_variables(deployment, folder=tmp_path),
        )
        books = open_books(deployment, aws=aws)
        _seed(books, key=_bearer(PLAIN))
        yield Surroundings(books=books, simulator=simulator, sam=local)


def test_plain_event_is_answered_and_paid_for(surroundings: Surroundings) -> None:
    answer = surroundings.sam.invoke("ChatFunction", event=PLAIN)

    body = json.loads(answer["body"])
    assert answer["statusCode"] == 200, answer
    assert body["choices"][0]["message"]["content"]
    assert _headers(answer["headers"])["x-generation-id"] == body["id"]
    surroundings.assert_books_balance(requests=1)


def test_streamed_event_is_joined_and_paid_for(surroundings: Surroundings) -> None:
    answer = surroundings.sam.invoke("ChatFunction", event=STREAMED)

    assert answer["statusCode"] == 200, answer
    assert _headers(answer["headers"])["content-type"].startswith("text/event-stream")
    assert answer["body"].rstrip().endswith("data: [DONE]")
    surroundings.assert_books_balance(requests=1)


def test_event_is_refused_when_its_key_is_garbage(surroundings: Surroundings) -> None:
    event = PLAIN.read_text(encoding="utf-8").replace(_bearer(PLAIN), "sk-weir-v1-garbage")

    answer = surroundings.sam.invoke("ChatFunction", event=event)

    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["error"]["code"] == 401
    surroundings.assert_books_balance(requests=0)


def test_sweep_runs(surroundings: Surroundings) -> None:
    counts = surroundings.sam.invoke("SweepFunction", event="{}")

    assert counts == {"settled": 0, "unknown": 0, "postponed": 0}


def test_api_serves_the_route_and_no_other(surroundings: Surroundings, tmp_path: Path) -> None:
    event = json.loads(STREAMED.read_text(encoding="utf-8"))
    chat = urllib.request.Request(
        event["path"], data=event["body"].encode(), headers=_sendable(event["headers"])
    )

    with surroundings.sam.start_api(log=tmp_path / "api.log") as url:
        chat.full_url = url + event["path"]
        status, headers, body = send(chat)
        unknown, _, _ = send(urllib.request.Request(f"{url}/api/v1/nothing"))

    assert status == 200, body
    assert _headers(headers)["access-control-allow-origin"] == "*"
    assert body.rstrip().endswith(b"data: [DONE]")
    assert unknown in {403, 404}
    surroundings.assert_books_balance(requests=1)


def _host(docker_environment: Mapping[str, str]) -> str:
    """Return this machine's address on Docker's bridge; Docker Desktop reaches 127.0.0.1 itself."""
    template = "{{(index .IPAM.Config 0).Gateway}}"
    gateway = subprocess.run(
        ["docker", "network", "inspect", "bridge", f"--format={template}"],
        env={**docker_environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    try:
        socket.create_server((gateway, 0)).close()
    except OSError:
        return "127.0.0.1"
    return gateway


def _as_seen_by_containers(url: str, *, host: str) -> str:
    return url.replace(host, "host.docker.internal")


def _variables(deployment: Deployment, *, folder: Path) -> Path:
    """Write the physical names, which sam cannot know: it resolves a !Ref to the logical id."""
    file = folder / "variables.json"
    names = {
        "ACCOUNTS_TABLE": deployment.physical_ids["AccountsTable"],
        "USAGE_TABLE": deployment.physical_ids["UsageTable"],
        "CONTROL_TABLE": deployment.physical_ids["ControlTable"],
        "UPSTREAM_SECRET_ID": deployment.physical_ids["UpstreamSecret"],
    }
    file.write_text(json.dumps({"Parameters": names}), encoding="utf-8")
    return file


def _seed(books: Books, *, key: str) -> None:
    tenant = seed_tenant(books, tenant_id=TenantId("example"), credit_usd=1)
    books.keys.put_key(
        ApiKey(
            key_hash=key_hash(key),
            tenant=tenant,
            kind=KeyKind.INFERENCE,
            label="example",
            disabled=False,
            expires_at_ms=None,
        )
    )


def _bearer(event: Path) -> str:
    headers = json.loads(event.read_text(encoding="utf-8"))["headers"]
    return str(headers["Authorization"]).removeprefix("Bearer ")


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("Authorization", "Content-Type", "Accept")}


def _headers(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
