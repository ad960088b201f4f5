"""The sweep function: repairs, on a schedule, the holds that crashed requests left behind."""

import os
import secrets
from dataclasses import asdict

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.price_plans import DynamoDBPricePlans
from weir.adapters.dynamodb.tenants import DynamoDBTenants
from weir.adapters.dynamodb.transfers import DynamoDBTransfers
from weir.adapters.secrets import SecretsManagerReader
from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.generations import UpstreamGenerations
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.session import UpstreamSession
from weir.observability import LambdaContext, emit, structured_logger
from weir.services.rebalance import rebalance
from weir.services.sweep import Sweeping
from weir.settings import SweepSettings

# Reporting and rebalancing need what is left by then.
RESERVE_MS = 60_000

settings = SweepSettings.read(os.environ)
logger = structured_logger()
clock = SystemClock()
aws = Config(
    connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
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
    database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
)
tenants = DynamoDBTenants(database, control_table=settings.control_table)
transfers = DynamoDBTransfers(
    database,
    accounts_table=settings.accounts_table,
    ephemeral_table=settings.ephemeral_table,
    now_ms=clock.now_ms,
)
sweeping = Sweeping(
    ledger=ledger,
    tenants=tenants,
    archive=archive,
    plans=DynamoDBPricePlans(database, control_table=settings.control_table),
    hold_life_ms=settings.hold_life_ms,
)


def lambda_handler(_event: object, context: LambdaContext) -> dict[str, int]:
    """Settle every hold older than the longest request, then even out the lanes.

    Returns and logs the counts.
    """
    report = sweeping.sweep(
        now_ms=clock.now_ms(),
        is_out_of_time=lambda: context.get_remaining_time_in_millis() < RESERVE_MS,
    )
    logger.info("swept", extra=asdict(report))
    figures = {
        "Swept": report.settled,
        "UnknownCost": report.unknown,
        "Postponed": report.postponed,
        "Failed": report.failed,
    }
    # Before anything else can fail: an unknown cost is told in this run or never.
    emit(figures, outcome="swept")
    rebalanced = rebalance(ledger, tenants=tenants, transfers=transfers, random=secrets.token_bytes)
    logger.info("rebalanced", transfers=rebalanced)
    emit({"Rebalanced": rebalanced}, outcome="swept")
    return {**asdict(report), "rebalanced": rebalanced}
