"""Stand-ins for the ports of metering, and the rollups table in moto."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.ledger_tables import Tables
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.domain import periods
from weir.domain.accounts import Account, AccountId
from weir.domain.alerts import Alert
from weir.domain.closes import Close
from weir.domain.errors import StoreUnavailableError
from weir.domain.events import Event
from weir.domain.money import NanoUsd
from weir.domain.rollups import (
    Bucket,
    BucketFigure,
    Cell,
    DayFigure,
    Family,
    Sums,
    bucket_of,
    summed,
)
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

Fault = Callable[[], bool]


def never() -> bool:
    return False


@dataclass
class FakeUsage:
    """The usage table; `fails` tells before each reading whether it does."""

    rows: list[UsageRecord] = field(default_factory=list)
    fails: Fault = never

    def bucket(self, bucket: Bucket) -> Iterator[UsageRecord]:
        self._fail()
        yield from [row for row in self.rows if bucket_of(row) == bucket]

    def day(self, tenant_id: TenantId, *, day: str, lane: int) -> Iterator[UsageRecord]:
        self._fail()
        for row in self.rows:
            place = bucket_of(row)
            if (place.tenant_id, place.day, place.lane) == (tenant_id, day, lane):
                yield row

    def _fail(self) -> None:
        if self.fails():
            raise StoreUnavailableError("the usage table is away")


@dataclass
class FakeRollups:
    """`Rollups`, `RollupReader`, `AlertMarks`; `fails` tells before each write whether it does."""

    stored_buckets: dict[tuple[Bucket, Cell], Sums] = field(default_factory=dict)
    stored_days: dict[tuple[TenantId, str, Cell], Sums] = field(default_factory=dict)
    stored_closes: dict[tuple[TenantId, str], Close] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    fails: Fault = never

    def put_bucket(self, bucket: Bucket, *, cell: Cell, sums: Sums) -> bool:
        self._fail()
        return _put(self.stored_buckets, (bucket, cell), sums)

    def put_day(self, tenant_id: TenantId, *, figure: DayFigure) -> bool:
        self._fail()
        return _put(self.stored_days, (tenant_id, figure.day, figure.cell), figure.sums)

    def put_close(self, close: Close) -> bool:
        self._fail()
        key = (close.tenant_id, close.day)
        return self.stored_closes.setdefault(key, close) is close

    def is_closed(self, tenant_id: TenantId, *, day: str) -> bool:
        return (tenant_id, day) in self.stored_closes

    def is_marked(self, alert: Alert) -> bool:
        return alert.identity in self.marks

    def mark(self, alert: Alert) -> None:
        self._fail()
        self.marks.add(alert.identity)

    def closes(self, tenant_id: TenantId, *, first: str, last: str) -> Iterator[Close]:
        for owner, day in sorted(self.stored_closes):
            if owner == tenant_id and first <= day <= last:
                yield self.stored_closes[owner, day]

    def days(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[DayFigure]:
        for (owner, day, cell), sums in self.stored_days.items():
            if owner == tenant_id and cell.family is family and first <= day <= last:
                yield DayFigure(day=day, cell=cell, sums=sums)

    def buckets(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[BucketFigure]:
        for (bucket, cell), sums in self.stored_buckets.items():
            is_asked_for = bucket.tenant_id == tenant_id and cell.family is family
            if is_asked_for and first <= bucket.day <= last:
                yield BucketFigure(bucket=bucket, cell=cell, sums=sums)

    def _fail(self) -> None:
        if self.fails():
            raise StoreUnavailableError("the rollups table is away")


@dataclass
class FakeBus:
    """Takes every event but those whose id it refuses."""

    refuses: Callable[[str], bool] = lambda _event_id: False
    taken: list[Event] = field(default_factory=list)

    def publish(self, events: Sequence[Event]) -> frozenset[str]:
        refused = frozenset(event.event_id for event in events if self.refuses(event.event_id))
        self.taken += [event for event in events if event.event_id not in refused]
        return refused

    @property
    def ids(self) -> list[str]:
        return [event.event_id for event in self.taken]


@dataclass
class FakeBudgets:
    """Accounts by lane; each reading is answered by the next entry, the last one for ever."""

    readings: list[Sequence[Account]]
    fails: Fault = never

    def lanes(self, account_id: AccountId) -> Sequence[Account]:
        if self.fails():
            raise StoreUnavailableError("the accounts table is away")
        accounts = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return [account for account in accounts if account.account_id == account_id]


@dataclass
class FakeFolds:
    """Folds the accounts it is given; `fails` tells before each fold whether the store is away."""

    all_accounts: list[Account]
    fails: Fault = never

    def accounts(self) -> Iterator[Account]:
        yield from self.all_accounts

    def records(self) -> Iterator[UsageRecord]:
        return iter(())

    def fold(self, account: Account, *, day: str, now_ms: int) -> bool:
        if self.fails():
            raise StoreUnavailableError("the accounts table is away")
        if account not in self.all_accounts:
            return False
        assert not any(periods.day(held) == day for held in account.holds)
        requests, spent = dict(account.requests_by_day), dict(account.spent_by_day)
        self.all_accounts[self.all_accounts.index(account)] = replace(
            account,
            folded_requests=account.folded_requests + requests.pop(day, 0),
            folded_nano_usd=NanoUsd(account.folded_nano_usd + spent.pop(day, 0)),
            requests_by_day=requests,
            spent_by_day=spent,
        )
        return True


def new_rollups(tables: Tables) -> DynamoDBRollups:
    """Create a rollups table beside a ledger's, with the name of its usage table and a suffix."""
    create_rollups(tables.client, rollups_name(tables))
    return DynamoDBRollups(tables.db, table=rollups_name(tables))


def rollups_name(tables: Tables) -> str:
    return f"{tables.usage}-rollups"


def create_rollups(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def expected_buckets(rows: Sequence[UsageRecord]) -> dict[tuple[Bucket, Cell], Sums]:
    """What the rollups of these records must be, computed from scratch."""
    places = {bucket_of(row) for row in rows}
    return {
        (place, cell): sums
        for place in places
        for cell, sums in summed(row for row in rows if bucket_of(row) == place).items()
    }


def stored_buckets(
    reader: FakeRollups | DynamoDBRollups, tenant_id: TenantId, *, first: str, last: str
) -> dict[tuple[Bucket, Cell], Sums]:
    """Every stored cell of a tenant's buckets, both families."""
    return {
        (figure.bucket, figure.cell): figure.sums
        for family in Family
        for figure in reader.buckets(tenant_id, family=family, first=first, last=last)
    }


def _put(store: dict[Any, Sums], key: object, sums: Sums) -> bool:
    if key in store and store[key].rows > sums.rows:
        return False
    store[key] = sums
    return True
