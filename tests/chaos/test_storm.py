"""A storm on the whole stack: many tenants ask, upstream fails, workers die, DynamoDB goes away."""

import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.support.stacks import assert_no_canary, records, simulator, sweep, upstream_costs
from tests.support.storm_crowd import Crowd, callers
from tests.support.storm_stack import LIFE_S, MARGIN_S, Invoker, Killer, stormy_stack
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.settle_queue import SqsSettleQueue
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.audit import AuditReport, audit

pytestmark = pytest.mark.chaos

REQUESTS, KILLS = 1_300, 110
OUTAGE_S = 9.0
DELIVERED_AGAIN = 50
# Workers share a file: a line of one may begin where a line of another has not ended.
FORWARDED = re.compile(
    r'"forwarded"[^{}]*?"generation_id":"([^"]+)","upstream_generation_id":"([^"]+)"'
)
BACKGROUND = ("SweepFunction", "RollupFunction", "SettleFunction")


def test_every_hold_is_settled_once_when_workers_are_killed(tmp_path: Path) -> None:
    began = time.monotonic()
    with stormy_stack(tmp_path) as (stack, ministack):
        crowd = Crowd(stack, callers=list(callers(stack)))
        killer = Killer(stack, seed=7)
        with Invoker(stack, "SweepFunction", every_s=3) as sweeps, crowd:
            rage(crowd, killer, calm_s=0.35, kills=KILLS // 2)
            ministack.outage(OUTAGE_S)
            deliver_again(stack)
            rage(crowd, killer, calm_s=0.35, kills=KILLS)
        raged_s = time.monotonic() - began
        assert simulator(stack).ledger.wait_until_final(timeout_s=30)
        time.sleep(LIFE_S + MARGIN_S)
        first, second = sweep(stack), sweep(stack)
        stack.pump_once()
        report = audited(stack)
        kept = records(stack)
        queued = log_of_chat(tmp_path).count('"message":"queued"')
        print(
            f"\nstorm: {crowd.sent} requests, answers {show(crowd.answers)}"
            f"\nkills: {show(killer.killed)}; an outage of {OUTAGE_S:.0f} s"
            f"\nrecords: {show(Counter(f'{r.source} {r.status}' for r in kept.values()))}; "
            f"{queued} by way of the settle queue"
            f"\nswept: {show(sweeps.told)} in the storm; {show(Counter(first))} after it"
            f"\n{drift(stack, kept.values())}"
            f"\nchecked: {dict(report.checked)}"
            f"\nstorm {raged_s:.0f} s, in all {time.monotonic() - began:.0f} s"
        )
        assert killer.killed["ChatFunction"] >= KILLS - 10
        assert killer.killed.total() >= KILLS
        assert second == dict.fromkeys(second, 0)
        assert report.violations == ()
        assert crowd.generation_ids <= kept.keys()
        assert dead_letters(stack) == 0
        assert_resolved(stack, tmp_path)
        assert_no_canary(stack, tmp_path)


def rage(crowd: Crowd, killer: Killer, *, calm_s: float, kills: int) -> None:
    """Kill workers until so many are dead and the crowd has sent its share."""
    share, deadline = REQUESTS * kills // KILLS, time.monotonic() + 400
    while killer.killed.total() < kills or crowd.sent < share:
        assert time.monotonic() < deadline, f"{killer.killed} killed, {crowd.sent} sent"
        time.sleep(calm_s)
        if killer.killed.total() >= kills:
            continue
        if killer.killed.total() % 12 == 11:
            killer.kill(BACKGROUND[killer.killed.total() // 12 % len(BACKGROUND)])
        killer.kill("ChatFunction")


def deliver_again(stack: LocalStack) -> None:
    """Put records into the settle queue that were stored and settled long ago."""
    environment = stack.deployment.functions["ChatFunction"].environment
    queue = SqsSettleQueue(
        lambda: stack.aws.client("sqs"), queue_url=environment["SETTLE_QUEUE_URL"]
    )
    for record in list(records(stack).values())[:DELIVERED_AGAIN]:
        queue.put(record)


def audited(stack: LocalStack) -> AuditReport:
    """Check every invariant, rollups included."""
    return audit(
        stack.books.ledger,
        upstream=upstream_costs(stack),
        swept=True,
        limits_unchanged=True,
        rollups=DynamoDBRollups(stack.database, table=stack.tables["RollupsTable"]),
    )


def drift(stack: LocalStack, kept: Iterable[UsageRecord]) -> str:
    """Compare the sums; what upstream billed and no record names must be of unknown requests."""
    latest = [record for record in kept if record.adjusted_by is None]
    named = {record.upstream_generation_id for record in latest}
    billed = upstream_costs(stack)
    cost = sum(record.usage.cost_nano_usd for record in latest)
    missing = sum(billed.values()) - cost
    unknown = [record for record in latest if record.status is RecordStatus.UNKNOWN]
    told_of = {record.upstream_generation_id for record in unknown}
    explained = sum(bill for key, bill in billed.items() if key in told_of or key not in named)
    assert missing == explained
    assert not missing or unknown
    return (
        f"upstream billed {sum(billed.values())} nano-USD, records cost {cost}: drift {missing}, "
        f"all of it of {len(unknown)} unknown requests"
    )


def assert_resolved(stack: LocalStack, logs: Path) -> None:
    """Reconcile with the pairs that only the log knows: nothing that was forwarded stays unpaid."""
    simulator(stack).ledger.reveal()
    forwarded = dict(FORWARDED.findall(log_of_chat(logs)))
    pairs = [
        {"generation_id": key, "upstream_generation_id": forwarded[key]}
        for key, record in records(stack).items()
        if record.status is RecordStatus.UNKNOWN and key in forwarded
    ]
    found = stack.gateway.invoke("ReconcileFunction", {"resolve": pairs})
    stack.pump_once()
    print(f"reconciled with {len(pairs)} pairs of the log: {drift(stack, records(stack).values())}")
    assert audited(stack).violations == (), found


def log_of_chat(logs: Path) -> str:
    return (logs / "ChatFunction.log").read_text(errors="replace")


def dead_letters(stack: LocalStack) -> int:
    """Count what was given up."""
    queues = stack.aws.client("sqs")
    urls = [url for url in queues.list_queues()["QueueUrls"] if "DeadLetters" in url]
    assert len(urls) == 2, urls
    names = ["ApproximateNumberOfMessages"]
    counts = [
        int(queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])
        for url in urls
    ]
    queues.close()
    return sum(counts)


def show(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"
