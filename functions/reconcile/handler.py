"""The reconcile function: closes the days that are over, and compares the books with upstream's."""

import os
import secrets
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.adjustments import DynamoDBAdjustments
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.folds import DynamoDBFolds
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.price_plans import DynamoDBPricePlans
from weir.adapters.dynamodb.reconciliations import DynamoDBBaselines
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.tenants import DynamoDBTenants
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.adapters.dynamodb.usage_records import DynamoDBUsageRecords
from weir.adapters.secrets import SecretsManagerReader
from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.books import UpstreamSums
from weir.adapters.upstream.generations import UpstreamGenerations
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.session import UpstreamSession
from weir.domain.reconciliation import read_pairs
from weir.observability import LambdaContext, emit, structured_logger
from weir.services.close import close_days
from weir.services.compare import Comparing
from weir.services.findings import figures, findings, is_alarming
from weir.services.reconcile import Reconciliation
from weir.services.resolve import Resolving
from weir.services.survey import Surveying
from weir.settings import ReconcileSettings

# What the comparison and the last answer of upstream's may take.
RESERVE_MS = 90_000

settings = ReconcileSettings.read(os.environ)
logger = structured_logger()
clock = SystemClock()
aws = Config(
    connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)
db = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
usage = UsageQueries(db, table=settings.usage_table)
rollups = DynamoDBRollups(db, table=settings.rollups_table)


def _keys(secret_id: str) -> UpstreamKeys:
    secret = SecretsManagerReader(
        lambda: boto3.client("secretsmanager", config=aws), secret_id=secret_id
    )
    return UpstreamKeys(secret, clock=clock)


session = UpstreamSession(settings.upstream_base_url, clock=clock)
management_keys = _keys(settings.upstream_management_secret_id)
reconciliation = Reconciliation(
    surveying=Surveying(
        tenants=DynamoDBTenants(db, control_table=settings.control_table),
        rollups=rollups,
        partitions=usage,
        records=DynamoDBUsageRecords(db, usage_table=settings.usage_table),
    ),
    resolving=Resolving(
        archive=UpstreamGenerations(
            UpstreamApi(session, keys=_keys(settings.upstream_secret_id), clock=clock)
        ),
        adjustments=DynamoDBAdjustments(
            db, accounts_table=settings.accounts_table, usage_table=settings.usage_table
        ),
        plans=DynamoDBPricePlans(db, control_table=settings.control_table),
        random=secrets.token_bytes,
        clock=clock,
    ),
    comparing=Comparing(
        books=UpstreamSums(
            UpstreamApi(session, keys=management_keys, clock=clock), keys=management_keys
        ),
        baselines=DynamoDBBaselines(db, rollups_table=settings.rollups_table),
    ),
    clock=clock,
)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, object]:
    """Close, resolve, compare; returns and logs the findings.

    An operator may name requests of which only the log knows upstream's id:
    `{"resolve": [{"generation_id": "gen-…", "upstream_generation_id": "gen-…"}]}`.
    """
    pairs = read_pairs(event.get("resolve"))
    ends_ms = clock.now_ms() + context.get_remaining_time_in_millis() - RESERVE_MS
    closed = close_days(
        DynamoDBLedger(
            db, accounts_table=settings.accounts_table, usage_table=settings.usage_table
        ),
        folds=DynamoDBFolds(db, accounts_table=settings.accounts_table),
        usage=usage,
        rollups=rollups,
        now_ms=clock.now_ms(),
        hold_life_ms=settings.hold_life_ms,
    )
    report = reconciliation.reconcile(pairs=pairs, ends_ms=ends_ms)
    told = findings(closed, report)
    (logger.warning if is_alarming(closed, report) else logger.info)("reconciled", extra=told)
    emit(figures(closed, report), outcome="reconciled")
    return told
