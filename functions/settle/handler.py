"""The settle function: records and settles what a request could not, from the settle queue."""

import os
import secrets
from collections.abc import Sequence
from typing import TypedDict

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.adjustments import DynamoDBAdjustments
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.settle_messages import decode_record
from weir.http.unforeseen import log_frames
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.late_settlement import LateSettlement
from weir.settings import SettleSettings


class SqsMessage(TypedDict):
    """A message as Lambda hands it over."""

    messageId: str
    body: str


class SqsEvent(TypedDict):
    """A batch of messages."""

    Records: Sequence[SqsMessage]


class BatchResult(TypedDict):
    """The messages that are to come again; the others are deleted from the queue."""

    batchItemFailures: list[dict[str, str]]


settings = SettleSettings.read(os.environ)
logger = structured_logger()
clock = SystemClock()
# Two attempts: a batch of failures must end before the function does, and the queue comes again.
aws = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
settlement = LateSettlement(
    ledger=DynamoDBLedger(
        database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
    ),
    adjustments=DynamoDBAdjustments(
        database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
    ),
    journal=RequestJournal(logger),
    random=secrets.token_bytes,
)


def lambda_handler(event: SqsEvent, _context: LambdaContext) -> BatchResult:
    """Settle a batch; what fails comes again, until it is a dead letter and an alarm."""
    failed = [message["messageId"] for message in event["Records"] if not _is_settled(message)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_settled(message: SqsMessage) -> bool:
    try:
        return settlement.settle(decode_record(message["body"]), now_ms=clock.now_ms())
    except Exception as failure:  # noqa: BLE001  one bad message must not hold up the others
        logger.error(  # noqa: TRY400  the cause may quote the message
            "not settled", message_id=message["messageId"], error=type(failure).__name__
        )
        log_frames(failure)
        return False
