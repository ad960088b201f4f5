"""The outbox: every new usage record is published as an event, at least once."""

from collections.abc import Iterable

from weir.domain.events import usage_recorded
from weir.domain.generations import GenerationId
from weir.domain.metering import EventBus
from weir.domain.usage import UsageRecord


def publish(records: Iterable[UsageRecord], *, bus: EventBus) -> frozenset[GenerationId]:
    """Publish an event for each record; return the records whose event was not taken."""
    unpublished = bus.publish([usage_recorded(record) for record in records])
    return frozenset(GenerationId(event_id) for event_id in unpublished)
