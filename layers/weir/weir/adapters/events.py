"""EventBridge, as far as the gateway needs it: publishing events to one bus."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from weir.domain.events import Event

SOURCE = "weir"

# PutEvents takes ten entries and 256 KB in all; an entry counts its source, detail type, detail
# and 14 bytes for the time.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
_MAX_ENTRIES = 10
_MAX_BYTES = 256 * 1024 - 1
_TIME_BYTES = 14

Entry = dict[str, Any]

logger = logging.getLogger(__name__)


class EventBridgeBus:
    """`EventBus` on EventBridge.

    Args:
        client: Makes boto3's low-level `events` client; called for the first event.
        bus_name: Name of the bus.
    """

    def __init__(self, client: Callable[[], Any], *, bus_name: str) -> None:
        self._make_client = client
        self._client: Any = None
        self._bus_name = bus_name

    def publish(self, events: Sequence[Event]) -> frozenset[str]:
        """Publish events; return the ids of those that were not taken; see `EventBus`."""
        failed: set[str] = set()
        for chunk in _chunks(events):
            failed |= self._put(chunk)
        return frozenset(failed)

    def _put(self, chunk: Sequence[Event]) -> set[str]:
        if self._client is None:
            self._client = self._make_client()
        entries = [{**_entry(event), "EventBusName": self._bus_name} for event in chunk]
        try:
            answer = self._client.put_events(Entries=entries)
        except (ClientError, BotoCoreError) as error:
            logger.warning("eventbridge put_events failed: %s", error)
            return {event.event_id for event in chunk}
        results = zip(chunk, answer["Entries"], strict=True)
        refused = {
            event.event_id: result["ErrorCode"]
            for event, result in results
            if "ErrorCode" in result
        }
        if refused:
            logger.warning("eventbridge refused %d events: %s", len(refused), refused)
        return set(refused)


def _chunks(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Cut events into what one call takes; an event that is too large is a call of its own."""
    chunk: list[Event] = []
    room = _MAX_BYTES
    for event in events:
        size = _size(event)
        if chunk and (len(chunk) == _MAX_ENTRIES or size > room):
            yield chunk
            chunk, room = [], _MAX_BYTES
        chunk.append(event)
        room -= size
    if chunk:
        yield chunk


def _size(event: Event) -> int:
    entry = _entry(event)
    texts = (entry["Source"], entry["DetailType"], entry["Detail"])
    return _TIME_BYTES + sum(len(text.encode()) for text in texts)


def _entry(event: Event) -> Entry:
    return {
        "Time": datetime.fromtimestamp(event.at_s, UTC),
        "Source": SOURCE,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail, separators=(",", ":")),
    }
