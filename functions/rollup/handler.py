"""The rollup function: new usage records lead to rollups, alerts and events."""

import os
from typing import Any

import boto3
from botocore.config import Config

from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.budgets import AccountReader
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_queries import UsageQueries, arrivals
from weir.adapters.events import EventBridgeBus
from weir.observability import LambdaContext, emit, structured_logger
from weir.services.alerts import AlertDesk
from weir.services.outbox import publish
from weir.services.rollups import refresh
from weir.settings import RollupSettings

settings = RollupSettings.read(os.environ)
logger = structured_logger()
aws = Config(
    connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)
db = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
usage = UsageQueries(db, table=settings.usage_table)
rollups = DynamoDBRollups(db, table=settings.rollups_table)
bus = EventBridgeBus(lambda: boto3.client("events", config=aws), bus_name=settings.event_bus_name)
alerts = AlertDesk(
    AccountReader(db, table=settings.accounts_table),
    marks=rollups,
    bus=bus,
    thresholds=settings.alert_thresholds,
)


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Follow a batch of the usage table's stream.

    All that can be done is done, whatever fails. Lambda begins again at the record that is named,
    which is the first one that failed or cannot be read, and gives up on it after some attempts.
    """
    arrived = arrivals(event)
    records = [arrival.record for arrival in arrived if arrival.record is not None]
    failed = set(refresh(records, usage=usage, rollups=rollups))
    if settings.usage_events:
        failed |= publish(records, bus=bus)
    report = alerts.look_after(records)
    failed |= report.failed
    unfinished = [
        arrival.sequence_number
        for arrival in arrived
        if arrival.record is None or arrival.record.generation_id in failed
    ]
    logger.info("rolled up", records=len(records), alerts=report.published, failed=len(unfinished))
    emit(
        {"Records": len(records), "Alerts": report.published, "Failed": len(unfinished)},
        outcome="rolled_up",
    )
    return {"batchItemFailures": [{"itemIdentifier": number} for number in unfinished[:1]]}
