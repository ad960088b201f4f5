"""The account function: a tenant's keys, credits, generations and usage."""

import os
import secrets

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.budgets import AccountReader
from weir.adapters.dynamodb.cancellations import DynamoDBCancellations
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.key_register import DynamoDBKeyRegister
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.limits import DynamoDBLimits
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_records import DynamoDBUsageRecords
from weir.adapters.key_cache import CachedApiKeyStore
from weir.http.access import Gate
from weir.http.activity import ActivityEndpoint
from weir.http.api_keys import KeyEndpoints
from weir.http.cancel import CancelEndpoint
from weir.http.credits import CreditEndpoints
from weir.http.events import ProxyEvent
from weir.http.generations import GenerationEndpoint
from weir.http.routes import ProxyResult, Routes
from weir.http.usage_reports import UsageEndpoints
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.api_keys import ApiKeyDesk
from weir.services.cancel import Cancelling
from weir.services.key_mints import KeyMint
from weir.services.spending import SpendingBook
from weir.services.usage_reports import UsageReports
from weir.settings import AccountSettings

settings = AccountSettings.read(os.environ)
clock = SystemClock()
aws = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
ledger = DynamoDBLedger(
    database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
)
records = DynamoDBUsageRecords(database, usage_table=settings.usage_table)
rollups = DynamoDBRollups(database, table=settings.rollups_table)
budgets = AccountReader(database, table=settings.accounts_table)
register = DynamoDBKeyRegister(database, control_table=settings.control_table)
reports = UsageReports(rollups=rollups, register=register)
desk = ApiKeyDesk(
    register=register,
    mint=KeyMint(
        register=register,
        ledger=ledger,
        random=secrets.token_bytes,
        key_prefix=settings.key_prefix,
    ),
    ledger=ledger,
    limits=DynamoDBLimits(database, accounts_table=settings.accounts_table),
    budgets=budgets,
    spendings=SpendingBook(rollups),
    random=secrets.token_bytes,
)
cancelling = Cancelling(
    ledger=ledger,
    records=records,
    requests=DynamoDBCancellations(database, ephemeral_table=settings.ephemeral_table),
)
routes = Routes(
    table={
        **KeyEndpoints(desk=desk).routes(),
        **CreditEndpoints(budgets=budgets).routes(),
        **GenerationEndpoint(records=records).routes(),
        **CancelEndpoint(cancelling=cancelling).routes(),
        **ActivityEndpoint(reports=reports).routes(),
        **UsageEndpoints(reports=reports).routes(),
    },
    gate=Gate(
        keys=CachedApiKeyStore(
            DynamoDBKeys(database, control_table=settings.control_table), clock=clock
        ),
        key_prefix=settings.key_prefix,
    ),
    clock=clock,
    journal=RequestJournal(structured_logger()),
)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> ProxyResult:
    """Answer one request of the routes above, in one piece."""
    return routes.respond(event, request_id=context.aws_request_id)
