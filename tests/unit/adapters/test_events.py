"""EventBridge: what is taken in one call, and what is told to be tried again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from weir.adapters.events import EventBridgeBus
from weir.domain.events import Event

MAX_BYTES = 256 * 1024


@dataclass
class Client:
    """Stands in for boto3's client; refuses the events whose id it is told."""

    refuses: Callable[[str], bool] = lambda _event_id: False
    raises: Exception | None = None
    calls: list[list[dict[str, Any]]] = field(default_factory=list)

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.calls.append(Entries)
        if self.raises:
            raise self.raises
        results = [self._result(json.loads(entry["Detail"])["id"]) for entry in Entries]
        return {
            "FailedEntryCount": sum("ErrorCode" in result for result in results),
            "Entries": results,
        }

    def _result(self, event_id: str) -> dict[str, str]:
        if self.refuses(event_id):
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slower"}
        return {"EventId": "11111111-2222-3333-4444-555555555555"}


def make_event(event_id: str, *, detail: str = "") -> Event:
    return Event(
        event_id=event_id,
        detail_type="weir.usage.recorded",
        at_s=1_795_003_200,
        detail={"id": event_id, "text": detail, "amount": 10**17 + 1},
    )


def bus_over(client: Client) -> EventBridgeBus:
    return EventBridgeBus(lambda: client, bus_name="metering")


def test_event_is_an_entry_of_the_bus() -> None:
    client = Client()

    assert not bus_over(client).publish([make_event("a")])

    ((entry,),) = client.calls
    assert entry["EventBusName"] == "metering"
    assert (entry["Source"], entry["DetailType"]) == ("weir", "weir.usage.recorded")
    assert entry["Time"] == datetime(2026, 11, 18, 12, tzinfo=UTC)
    assert json.loads(entry["Detail"])["amount"] == 10**17 + 1


def test_no_call_is_made_for_no_events() -> None:
    def no_client() -> Client:
        raise AssertionError

    assert not EventBridgeBus(no_client, bus_name="metering").publish([])


def test_ten_events_go_in_a_call() -> None:
    client = Client()

    bus_over(client).publish([make_event(str(n)) for n in range(21)])

    assert [len(call) for call in client.calls] == [10, 10, 1]


def test_no_call_is_larger_than_eventbridge_takes() -> None:
    client = Client()
    events = [make_event(str(n), detail="é" * 10_000) for n in range(9)]

    bus_over(client).publish(events)

    sizes = [
        sum(
            14 + sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))
            for entry in call
        )
        for call in client.calls
    ]
    assert sum(len(call) for call in client.calls) == 9
    assert all(size < MAX_BYTES for size in sizes)
    assert len(sizes) == 3


def test_event_that_is_too_large_goes_alone() -> None:
    client = Client()

    bus_over(client).publish(
        [make_event("a"), make_event("b", detail="x" * MAX_BYTES), make_event("c")]
    )

    assert [len(call) for call in client.calls] == [1, 1, 1]


def test_only_refused_events_are_told() -> None:
    client = Client(refuses={"3", "11"}.__contains__)

    failed = bus_over(client).publish([make_event(str(n)) for n in range(12)])

    assert failed == {"3", "11"}


def test_all_events_of_a_call_are_told_when_it_fails() -> None:
    refused = ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutEvents")
    late = ReadTimeoutError(endpoint_url="https://events.example")

    for error in (refused, late):
        client = Client(raises=error)
        assert bus_over(client).publish([make_event("a"), make_event("b")]) == {"a", "b"}
