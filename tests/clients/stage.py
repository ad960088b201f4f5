"""The gateway as a client program finds it, and what its own books say when it is through."""

import json
import os
import subprocess
import threading
import time
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.clients.cases import Gateway
from tests.clients.programs import REFUSALS, ROOT, Program
from tests.support.stacks import records, simulator
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.domain.api_keys import KeyKind
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd, usd
from weir.domain.rollups import BUCKET_S, Bucket, Cell, Family, Sums
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

CREDIT_USD = Decimal("2.5")
YESTERDAY = Sums(
    rows=3,
    requests=3,
    cost_nano_usd=NanoUsd(4_500),
    price_nano_usd=NanoUsd(4_500),
    prompt_tokens=18,
    completion_tokens=9,
    reasoning_tokens=2,
    cached_tokens=4,
)
TIMEOUT_S = 90
_DAY_S = 86_400
# Nothing of whoever runs the tests; and whatever a client looks up elsewhere fails at once.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LANGSMITH_TRACING": "false",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}


def watch(program: Program, stack: LocalStack) -> dict[str, Any]:
    """Run a program against a stack; return its cases, and what the books say about them."""
    assert Path(program.command[0]).exists(), f"{program.package} is not installed: `make test`"
    gateway = _opened(program, stack)
    cases, noise = _run(program, gateway)
    return {
        "cases": cases,
        "noise": noise,
        "gateway": asdict(gateway),
        "records": _recorded(gateway, stack),
        "attempts": {case: _attempts(gateway, stack, case) for case in program.cases},
        "sent": {"400": 0, "401": 0, "402": 0, "403": 0, "404": 1, "429": 1 + program.retries},
        "errors": dict(zip(REFUSALS, program.errors, strict=True)),
        "models": requests.get(f"{stack.base_url}/models", timeout=20).json()["data"],
    }


def _run(program: Program, gateway: Gateway) -> tuple[dict[str, Any], str]:
    """Return what a program told of each case, and what else it said; it may have broken off."""
    with subprocess.Popen(
        program.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
    ) as process:
        alarm = threading.Timer(TIMEOUT_S, process.kill)
        alarm.start()
        output, noise = process.communicate(json.dumps(asdict(gateway)))
        alarm.cancel()
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return {line.pop("case"): line for line in lines}, noise


def _opened(program: Program, stack: LocalStack) -> Gateway:
    books, name = stack.books, f"client-{program.slug}"
    tenant = seed_tenant(books, tenant_id=TenantId(name), credit_usd=CREDIT_USD)
    poor = seed_tenant(books, tenant_id=TenantId(f"{name}-poor"), credit_usd=0)
    nothing = AccountLimits(spend_nano_usd=NanoUsd(0))
    inference = KeyKind.INFERENCE
    _spend_yesterday(tenant.tenant_id, stack)
    return Gateway(
        name=name,
        base_url=stack.base_url,
        api_key=issue_key(books, tenant, kind=inference, label="app"),
        management_key=issue_key(books, tenant, kind=KeyKind.MANAGEMENT, label="manager"),
        capped_key=issue_key(books, tenant, kind=inference, label="capped", limits=nothing),
        poor_key=issue_key(books, poor, kind=inference, label="poor"),
        faults_url=f"{simulator(stack).admin_url}/faults",
    )


def _spend_yesterday(tenant_id: TenantId, stack: LocalStack) -> None:
    """Enter a figure of the day before, so that there is activity to tell."""
    rollups = DynamoDBRollups(stack.database, table=stack.tables["RollupsTable"])
    now_s = int(time.time())
    start_s = now_s - _DAY_S - now_s % BUCKET_S
    cell = Cell(family=Family.KEY, key_id="f" * 8, model="weir/echo", provider="Weir Simulator")
    bucket = Bucket(tenant_id=tenant_id, lane=0, start_s=start_s)
    assert rollups.put_bucket(bucket, cell=cell, sums=YESTERDAY)


def _recorded(gateway: Gateway, stack: LocalStack) -> dict[str, Any]:
    own = [record for record in records(stack).values() if record.tenant_id == gateway.name]
    return {record.generation_id: _told(record, gateway) for record in own}


def _told(record: UsageRecord, gateway: Gateway) -> dict[str, Any]:
    """Return what the ledger knows of a request, and what the gateway tells of it."""
    shown = requests.get(
        f"{gateway.base_url}/generation",
        params={"id": record.generation_id},
        headers={"Authorization": f"Bearer {gateway.api_key}"},
        timeout=20,
    )
    return {
        "cost": float(usd(record.price_nano_usd)),
        "tokens": [record.usage.prompt_tokens, record.usage.completion_tokens],
        "streamed": record.streamed,
        "finish": record.finish_reason,
        "generation": shown.json()["data"],
    }


def _attempts(gateway: Gateway, stack: LocalStack, case: str) -> int:
    """Count the requests of a case that were sent upstream."""
    marked = json.dumps(gateway.marked(case)).encode()
    return sum(marked in request.body for request in simulator(stack).requests)
