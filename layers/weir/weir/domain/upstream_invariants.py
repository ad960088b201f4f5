"""I6: the usage records against upstream's own ledger, in upstream's cost.

A request whose cost was found out later has two rows; only its adjustment counts here.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from weir.domain.accounts import Account, is_tenant_account
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus, UsageRecord


def upstream_violations(
    accounts: Iterable[Account], records: Iterable[UsageRecord], *, billed: Mapping[str, NanoUsd]
) -> list[str]:
    """Compare the records with what upstream billed.

    Args:
        accounts: All account lanes; an open hold explains what no record names yet.
        records: All usage records.
        billed: Upstream's own ledger, generation id → cost.

    Returns:
        One sentence per violation, beginning with `I6`; empty when all agree.
    """
    latest = [record for record in records if record.adjusted_by is None]
    named = Counter(r.upstream_generation_id for r in latest if r.upstream_generation_id)
    in_flight = sum(len(lane.holds) for lane in accounts if is_tenant_account(lane.account_id))
    return [
        *(
            f"I6 {count} usage records name upstream's {upstream_id}"
            for upstream_id, count in named.items()
            if count > 1
        ),
        *(sentence for record in latest for sentence in _compared(record, billed)),
        *_unnamed(latest, billed, named=named, in_flight=in_flight),
        *_sums(latest, billed, in_flight=in_flight),
    ]


def _compared(record: UsageRecord, billed: Mapping[str, NanoUsd]) -> Iterator[str]:
    """Compare a record with the generation it names; an unknown cost can be compared to none."""
    upstream_id, cost = record.upstream_generation_id, record.usage.cost_nano_usd
    if upstream_id is None or record.status is RecordStatus.UNKNOWN:
        return
    if (bill := billed.get(upstream_id, 0)) != cost:
        yield (
            f"I6 {record.generation_id} costs {cost}, but upstream billed {bill} for {upstream_id}"
        )


def _unnamed(
    latest: Sequence[UsageRecord],
    billed: Mapping[str, NanoUsd],
    *,
    named: Container[str],
    in_flight: int,
) -> Iterator[str]:
    """Tell when upstream billed more than requests without a known id can explain."""
    unnamed = [
        upstream_id for upstream_id, cost in billed.items() if cost and upstream_id not in named
    ]
    nameless = sum(record.upstream_generation_id is None for record in latest)
    if len(unnamed) > nameless + in_flight:
        yield (
            f"I6 upstream billed {len(unnamed)} generations that no record names, but only "
            f"{nameless} records know no id and {in_flight} requests are in flight"
        )


def _sums(
    latest: Iterable[UsageRecord], billed: Mapping[str, NanoUsd], *, in_flight: int
) -> Iterator[str]:
    """Compare the sums, once nothing is in flight and every cost is known."""
    rows = list(latest)
    if in_flight or any(row.status is RecordStatus.UNKNOWN for row in rows):
        return
    cost, bill = sum(row.usage.cost_nano_usd for row in rows), sum(billed.values())
    if cost != bill:
        yield f"I6 all records cost {cost}, upstream billed {bill}"
