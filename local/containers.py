"""`python -m local.containers`: what the containers of `sam local` talk to.

An embedded AWS with the template's tables, and the simulator, bound where a container on this
machine reaches them. The keys in the files of `events/` are a demo tenant's and the operator's
here, and only here.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.aws import EmbeddedAws
from local.deploy import Deployment, deploy
from local.isolation import isolate_from_shell
from local.secret_values import fill_secret
from local.seed import (
    DEMO_CREDIT_USD,
    DEMO_TENANT,
    Books,
    open_books,
    seed_tenant,
)
from local.simulator import Simulator
from local.stack import ROOT, STATE
from weir.domain.api_keys import ApiKey, KeyKind, key_hash

EVENT = ROOT / "events/chat_completions.json"
OPERATOR_EVENT = ROOT / "events/create_tenant.json"
VARIABLES = STATE / "sam-variables.json"
_HOST_NAME = "host.docker.internal"
_UPSTREAM_KEY = "sk-or-v1-" + "0" * 64


class NoDockerError(Exception):
    """The docker client is missing or reaches no daemon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is up while containers run: the tables, opened, and the upstream."""

    books: Books
    simulator: Simulator


@contextmanager
def surroundings(*, variables: Path, docker: Mapping[str, str]) -> Iterator[Surroundings]:
    """Bring up what containers need, and tell sam of it.

    Args:
        variables: Written for `sam local --env-vars`: addresses and physical names, which sam
            cannot know, because it resolves a !Ref to the logical id.
        docker: Environment of the docker client.

    Raises:
        NoDockerError: There is no Docker to ask for its network.
    """
    host = _reachable_address(docker)
    with Simulator(keys={_UPSTREAM_KEY}, host=host) as simulator, EmbeddedAws(host=host) as aws:
        deployment = deploy(ROOT / "template.yaml", aws=aws, parameters={})
        fill_secret(deployment, aws=aws, name="UpstreamSecret", value=_UPSTREAM_KEY)
        fill_secret(deployment, aws=aws, name="OperatorSecret", value=_key_in(OPERATOR_EVENT))
        books = open_books(deployment, aws=aws)
        _seed(books)
        addresses = {"AWS_ENDPOINT_URL": aws.url, "UPSTREAM_BASE_URL": simulator.url}
        seen = {name: url.replace(host, _HOST_NAME) for name, url in addresses.items()}
        variables.write_text(json.dumps({"Parameters": seen | _names(deployment)}, indent=2))
        yield Surroundings(books=books, simulator=simulator)


def main() -> int:
    """Serve until told to stop; returns the exit code."""
    isolate_from_shell()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    STATE.mkdir(parents=True, exist_ok=True)
    try:
        with surroundings(variables=VARIABLES, docker=os.environ):
            print(_welcome(), flush=True)
            stopping.wait()
    except NoDockerError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        VARIABLES.unlink(missing_ok=True)
    return 0


def _reachable_address(docker: Mapping[str, str]) -> str:
    """Return the bridge's address of this machine; Docker Desktop reaches 127.0.0.1 by itself.

    Raises:
        NoDockerError: There is no Docker to ask.
    """
    template = "--format={{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", "bridge", template]
    try:
        asked = subprocess.run(command, env=docker, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NoDockerError("sam local needs Docker: the docker client is not here") from error
    if asked.returncode:
        raise NoDockerError(f"sam local needs Docker: {asked.stderr.strip()}")
    gateway = asked.stdout.strip()
    try:
        socket.create_server((gateway, 0)).close()
    except OSError:
        return "127.0.0.1"
    return gateway


def _names(deployment: Deployment) -> dict[str, str]:
    names = {
        "ACCOUNTS_TABLE": "AccountsTable",
        "USAGE_TABLE": "UsageTable",
        "CONTROL_TABLE": "ControlTable",
        "ROLLUPS_TABLE": "RollupsTable",
        "EPHEMERAL_TABLE": "EphemeralTable",
        "ANSWERS_BUCKET": "AnswersBucket",
        "SETTLE_QUEUE_URL": "SettleQueue",
        "UPSTREAM_SECRET_ID": "UpstreamSecret",
        "UPSTREAM_MANAGEMENT_SECRET_ID": "UpstreamManagementSecret",
        "OPERATOR_SECRET_ID": "OperatorSecret",
    }
    return {variable: deployment.physical_ids[name] for variable, name in names.items()}


def _seed(books: Books) -> None:
    tenant = seed_tenant(books, tenant_id=DEMO_TENANT, credit_usd=DEMO_CREDIT_USD)
    books.keys.put_key(
        ApiKey(
            key_hash=key_hash(_key_in(EVENT)),
            tenant=tenant,
            kind=KeyKind.INFERENCE,
            label="events",
            disabled=False,
            expires_at_ms=None,
            created_ms=int(time.time() * 1000),
        )
    )


def _key_in(event: Path) -> str:
    headers = json.loads(event.read_text(encoding="utf-8"))["headers"]
    key: str = headers["Authorization"].removeprefix("Bearer ")
    return key


def _welcome() -> str:
    return f"""
An embedded AWS and the simulator are up for sam local. In another terminal, after a build:

  sam build --config-env local
  sam local invoke ChatFunction -e events/{EVENT.name} --config-env local
  sam local start-api --config-env local

Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main())
