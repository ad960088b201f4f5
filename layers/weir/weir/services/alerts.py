"""Alerts: published for the accounts that new usage records were charged to.

An alert is published first and marked as published then, so a crash in between publishes it again,
under the same identity. It is never lost: what cannot be published now is tried with the records.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weir.domain.accounts import AccountId, charged_accounts
from weir.domain.alerts import Alert, reached
from weir.domain.errors import StoreUnavailableError
from weir.domain.events import budget_threshold
from weir.domain.generations import GenerationId
from weir.domain.metering import AlertMarks, Budgets, EventBus
from weir.domain.usage import UsageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReport:
    """What came of the alerts.

    Attributes:
        published: Number of alerts that were published now.
        failed: The records that led to an account whose alerts could not all be looked after.
    """

    published: int
    failed: frozenset[GenerationId]


class AlertDesk:
    """Looks after the alerts of accounts.

    Args:
        budgets: The accounts.
        marks: Which alerts have been published.
        bus: Where alerts are published.
        thresholds: Percentages, 1..100.
    """

    def __init__(
        self, budgets: Budgets, *, marks: AlertMarks, bus: EventBus, thresholds: Sequence[int]
    ) -> None:
        self._budgets = budgets
        self._marks = marks
        self._bus = bus
        self._thresholds = thresholds

    def look_after(self, records: Iterable[UsageRecord]) -> AlertReport:
        """Publish the alerts that new usage records have led to, in every account they charge."""
        charged: defaultdict[AccountId, list[UsageRecord]] = defaultdict(list)
        for record in records:
            for account_id in charged_accounts(record.tenant_id, record):
                charged[account_id].append(record)
        published, failed = 0, set[GenerationId]()
        for account_id, mine in charged.items():
            try:
                due = self._due(account_id, mine)
                unpublished = self._publish(due)
            except StoreUnavailableError:
                failed.update(record.generation_id for record in mine)
                continue
            published += len(due) - len(unpublished)
            if unpublished:
                failed.update(record.generation_id for record in mine)
        return AlertReport(published=published, failed=frozenset(failed))

    def _due(self, account_id: AccountId, records: Sequence[UsageRecord]) -> list[Alert]:
        due = [alert for alert in self._reached(account_id, records) if self._is_new(alert)]
        if not due:
            return []
        # Lanes are read one after the other, and credit may move between them meanwhile: what is
        # only seen once may be the sum over a credit that was seen twice, or not at all.
        confirmed = {alert.identity for alert in self._reached(account_id, records)}
        return [alert for alert in due if alert.identity in confirmed]

    def _reached(self, account_id: AccountId, records: Sequence[UsageRecord]) -> tuple[Alert, ...]:
        lanes = self._budgets.lanes(account_id)
        return reached(lanes, records=records, thresholds=self._thresholds)

    def _is_new(self, alert: Alert) -> bool:
        return not self._marks.is_marked(alert)

    def _publish(self, due: Sequence[Alert]) -> frozenset[str]:
        unpublished = self._bus.publish([budget_threshold(alert) for alert in due])
        for alert in due:
            if alert.identity not in unpublished:
                self._marks.mark(alert)
        return unpublished
