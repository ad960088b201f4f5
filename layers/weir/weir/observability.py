"""Logs and metrics of a function: one structured line and one EMF set per request.

Imported by functions only. Content (prompts, completions, keys) is never handed to it; the
formatter still masks whatever looks like a key, as the last wall.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from typing_extensions import override

from weir.domain.errors import WeirError
from weir.domain.generations import GenerationId
from weir.domain.ports import Journal
from weir.domain.usage import RecordStatus, UsageRecord

_KEY = re.compile(r"\bsk-[\w-]{12,}")
# At DEBUG these print whole responses, a fetched secret among them.
_TALKATIVE = ("boto3", "botocore", "urllib3")


class LambdaContext(Protocol):
    """What the handlers use of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda stops the invocation."""
        ...


class MaskingFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines with anything that looks like a key masked."""

    @override
    def serialize(self, log: dict[str, Any]) -> str:  # type: ignore[override]  # LogRecord is Any there
        return _KEY.sub("sk-***", super().serialize(log))


def structured_logger() -> Logger:
    """Return the function's logger and make it carry every `weir.*` line as well.

    Name and level come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logger = Logger(logger_formatter=MaskingFormatter())
    package = logging.getLogger("weir")
    package.handlers = list(logger.handlers)
    package.setLevel(logger.log_level)
    package.propagate = False
    return logger


class RequestJournal(Journal):
    """Tells the story of each request to the logs and to CloudWatch metrics."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    @override
    def forwarded(self, *, generation_id: GenerationId, upstream_generation_id: str | None) -> None:
        self._logger.info(
            "forwarded",
            generation_id=generation_id,
            upstream_generation_id=upstream_generation_id,
        )

    @override
    def refused(self, *, error: WeirError) -> None:
        self._logger.info(
            "refused",
            status=error.status,
            error=type(error).__name__,
            generation_id=error.generation_id,
        )
        emit({"Refused": 1}, outcome=str(error.status))

    @override
    def replayed(self, *, generation_id: GenerationId) -> None:
        self._logger.info("replayed", generation_id=generation_id)
        emit({"Replayed": 1}, outcome="replayed")

    @override
    def degraded(self, *, generation_id: GenerationId, reason: str) -> None:
        self._logger.warning("degraded", generation_id=generation_id, reason=reason)

    @override
    def queued(self, *, generation_id: GenerationId, reason: str) -> None:
        self._logger.warning("queued", generation_id=generation_id, reason=reason)
        emit({"Queued": 1}, outcome="queued")

    @override
    def unsettled(self, *, generation_id: GenerationId, reason: str) -> None:
        self._logger.warning("unsettled", generation_id=generation_id, reason=reason)
        emit({"Unsettled": 1}, outcome="unsettled")

    @override
    def settled(self, *, record: UsageRecord) -> None:
        self._logger.info("settled", extra=_line(record))
        usage = record.usage
        figures = {
            "Requests": 1,
            "CostNanoUsd": usage.cost_nano_usd,
            "PriceNanoUsd": record.price_nano_usd,
            "PromptTokens": usage.prompt_tokens,
            "CompletionTokens": usage.completion_tokens,
        }
        if record.status is RecordStatus.UNKNOWN:
            figures["UnknownCost"] = 1
        emit(figures, outcome=record.status)


def emit(figures: Mapping[str, int], *, outcome: str) -> None:
    """Print one EMF set. The tenant is no dimension: cardinality would be cost.

    Namespace and service come from POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME.
    """
    metrics = Metrics()
    metrics.add_dimension(name="outcome", value=outcome)
    for name, value in figures.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


def _line(record: UsageRecord) -> dict[str, object]:
    facts = asdict(record)
    facts |= facts.pop("usage")
    facts["levels"] = sorted(record.levels) or None
    del facts["end_user"]  # a person's name or address, in the tenant's own words
    return {name: value for name, value in facts.items() if value is not None}
