"""The event source mappings of the deployed template: which function is fed from where, and how."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAPPING = "AWS::Lambda::EventSourceMapping"
_QUEUE = "AWS::SQS::Queue"


class EventSourceError(ValueError):
    """The template uses something of event source mappings that is not served here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """A queue that feeds a function.

    Attributes:
        function: Logical id.
        queue_url: Where to receive.
        reports_failures: Whether the function's answer names the messages that failed.
    """

    function: str
    queue_url: str
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """A table's stream that feeds a function.

    Attributes:
        function: Logical id.
        table: The table's name.
        starting_position: TRIM_HORIZON or LATEST.
        max_retries: How often a batch is tried again before it is given up.
        bisects: Whether a batch that fails is tried again in halves.
        reports_failures: Whether the function's answer names where it stopped.
        patterns: Filters, one of which a record must match; none lets every record through.
        on_failure_url: The queue that is told of records given up; None tells nobody.
    """

    function: str
    table: str
    starting_position: str
    batch_size: int
    max_retries: int
    bisects: bool
    reports_failures: bool
    patterns: tuple[Mapping[str, Any], ...]
    on_failure_url: str | None

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Tell whether the function is shown a record."""
        return not self.patterns or any(_matches(pattern, record) for pattern in self.patterns)


EventSource = QueueSource | StreamSource


def read_event_sources(
    template: Mapping[str, Any], *, physical_ids: Mapping[str, str]
) -> list[EventSource]:
    """Read every event source mapping of a SAM-transformed template.

    Raises:
        EventSourceError: One of them needs what is not served here.
    """
    resources = template["Resources"]
    sources: list[EventSource] = []
    for resource in resources.values():
        if resource["Type"] == _MAPPING:
            properties = resource["Properties"]
            name, attribute = properties["EventSourceArn"]["Fn::GetAtt"]
            if resources[name]["Type"] == _QUEUE:
                sources.append(_queue(properties, queue_url=physical_ids[name]))
            elif attribute == "StreamArn":
                sources.append(_stream(properties, table=name, physical_ids=physical_ids))
            else:
                raise EventSourceError(f"{name}.{attribute} feeds no function here")
    return sources


def _queue(properties: Mapping[str, Any], *, queue_url: str) -> QueueSource:
    return QueueSource(
        function=properties["FunctionName"]["Ref"],
        queue_url=queue_url,
        batch_size=properties.get("BatchSize", 10),
        reports_failures=_reports(properties),
    )


def _stream(
    properties: Mapping[str, Any], *, table: str, physical_ids: Mapping[str, str]
) -> StreamSource:
    return StreamSource(
        function=properties["FunctionName"]["Ref"],
        table=physical_ids[table],
        starting_position=properties["StartingPosition"],
        batch_size=properties.get("BatchSize", 100),
        max_retries=properties["MaximumRetryAttempts"],
        bisects=properties.get("BisectBatchOnFunctionError", False),
        reports_failures=_reports(properties),
        patterns=_patterns(properties),
        on_failure_url=_on_failure(properties, physical_ids),
    )


def _reports(properties: Mapping[str, Any]) -> bool:
    return "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ())


def _patterns(properties: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    filters = properties.get("FilterCriteria", {}).get("Filters", ())
    patterns = tuple(json.loads(entry["Pattern"]) for entry in filters)
    for pattern in patterns:
        _check(pattern)
    return patterns


def _check(pattern: Any) -> None:
    """Refuse everything but lists of texts, however deep.

    Raises:
        EventSourceError: There is something else.
    """
    for value in pattern.values():
        if isinstance(value, dict):
            _check(value)
        elif not all(isinstance(literal, str) for literal in value):
            raise EventSourceError(f"only texts are compared here, not {value}")


def _matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    for name, wanted in pattern.items():
        found = record.get(name)
        if isinstance(wanted, dict):
            if not isinstance(found, dict) or not _matches(wanted, found):
                return False
        elif found not in wanted:
            return False
    return True


def _on_failure(properties: Mapping[str, Any], physical_ids: Mapping[str, str]) -> str | None:
    destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return physical_ids[destination["Fn::GetAtt"][0]] if destination else None
