"""The sweep function: repairs, on a schedule, the holds that crashed requests left behind."""

import os
from dataclasses import asdict

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.secrets import SecretsManagerReader
from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.generations import UpstreamGenerations
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.session import UpstreamSession
from weir.observability import LambdaContext, emit, structured_logger
from weir.services.sweep import sweep
from weir.settings import SweepSettings

settings = SweepSettings.read(os.environ)
logger = structured_logger()
clock = SystemClock()
aws = Config(
    connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)
secret = SecretsManagerReader(
    lambda: boto3.client("secretsmanager", config=aws), secret_id=settings.upstream_secret_id
)
archive = UpstreamGenerations(
    UpstreamApi(
        UpstreamSession(settings.upstream_base_url, clock=clock),
        keys=UpstreamKeys(secret, clock=clock),
        clock=clock,
    )
)
ledger = DynamoDBLedger(
    BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws)),
    accounts_table=settings.accounts_table,
    usage_table=settings.usage_table,
)


def lambda_handler(_event: object, _context: LambdaContext) -> dict[str, int]:
    """Settle every hold older than the longest request; returns and logs the counts."""
    report = sweep(
        ledger, archive=archive, now_ms=clock.now_ms(), hold_life_ms=settings.hold_life_ms
    )
    counts = asdict(report)
    logger.info("swept", **counts)
    emit(
        {"Swept": report.settled, "UnknownCost": report.unknown, "Postponed": report.postponed},
        outcome="swept",
    )
    return counts
