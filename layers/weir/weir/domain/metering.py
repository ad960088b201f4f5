"""What metering needs from the outside, by role. Adapters implement these; tests fake them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from weir.domain.accounts import Account, AccountId
from weir.domain.alerts import Alert
from weir.domain.closes import Close
from weir.domain.events import Event
from weir.domain.rollups import Bucket, BucketFigure, Cell, DayFigure, Family, Sums
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord


class UsagePartitions(Protocol):
    """Reads parts of the usage table, consistently.

    A row that cannot be read is left out and logged: it is missed wherever rows are counted.
    """

    def bucket(self, bucket: Bucket) -> Iterator[UsageRecord]:
        """Yield the records of a bucket.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...

    def day(self, tenant_id: TenantId, *, day: str, lane: int) -> Iterator[UsageRecord]:
        """Yield the records of one lane of a tenant's UTC day, `yyyy-mm-dd`.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...


class Rollups(Protocol):
    """Stores rollups. Each write may be repeated, delayed or overtaken without harm."""

    def put_bucket(self, bucket: Bucket, *, cell: Cell, sums: Sums) -> bool:
        """Store a cell of a bucket; False when sums of more rows are stored already.

        Raises:
            StoreUnavailableError: It cannot be stored.
        """
        ...

    def put_day(self, tenant_id: TenantId, *, figure: DayFigure) -> bool:
        """Store a cell of a day; False when sums of more rows are stored already.

        Raises:
            StoreUnavailableError: It cannot be stored.
        """
        ...

    def put_close(self, close: Close) -> bool:
        """Store a day's close, once all its cells are; False when the day is closed already.

        Raises:
            StoreUnavailableError: It cannot be stored.
        """
        ...

    def is_closed(self, tenant_id: TenantId, *, day: str) -> bool:
        """Tell whether a day of a tenant is closed.

        Raises:
            StoreUnavailableError: It cannot be read.
        """
        ...


class RollupReader(Protocol):
    """Reads rollups. Days are UTC, `yyyy-mm-dd`, the last one is included."""

    def closes(self, tenant_id: TenantId, *, first: str, last: str) -> Iterator[Close]:
        """Yield the closes of a tenant's days, in order.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...

    def days(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[DayFigure]:
        """Yield the stored cells of days. Only of a closed day they are known to be complete.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...

    def buckets(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[BucketFigure]:
        """Yield the stored cells of all buckets of days.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...


class Budgets(Protocol):
    """Reads accounts for their limits and their credit, consistently."""

    def lanes(self, account_id: AccountId) -> Sequence[Account]:
        """Return every lane of an account; none when there is no such account.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...


class AlertMarks(Protocol):
    """Remembers which alerts have been published."""

    def is_marked(self, alert: Alert) -> bool:
        """Tell whether an alert has been published.

        Raises:
            StoreUnavailableError: It cannot be read.
        """
        ...

    def mark(self, alert: Alert) -> None:
        """Remember that an alert has been published; repeating it changes nothing.

        Raises:
            StoreUnavailableError: It cannot be stored.
        """
        ...


class EventBus(Protocol):
    """Where events go."""

    def publish(self, events: Sequence[Event]) -> frozenset[str]:
        """Publish events, each at least once; return the ids of those that were not taken."""
        ...


class Folds(Protocol):
    """Takes the counters of closed days out of the accounts."""

    def fold(self, account: Account, *, day: str, now_ms: int) -> bool:
        """Move a day's counters into the folded sums; False when they are not as they were read.

        Args:
            account: As it was read.
            day: As the account names it, `yymmdd`.
            now_ms: Epoch milliseconds.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...
