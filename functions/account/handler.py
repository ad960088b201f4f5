"""The account function: what a tenant asks about its account and its generations."""

import os

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.cancellations import DynamoDBCancellations
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.usage_records import DynamoDBUsageRecords
from weir.adapters.key_cache import CachedApiKeyStore
from weir.http import cancel
from weir.http.cancel import CancelEndpoint
from weir.http.events import ProxyEvent
from weir.http.routes import ProxyResult, Routes
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.cancel import Cancelling
from weir.settings import AccountSettings

settings = AccountSettings.read(os.environ)
clock = SystemClock()
aws = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
cancelling = Cancelling(
    keys=CachedApiKeyStore(
        DynamoDBKeys(database, control_table=settings.control_table), clock=clock
    ),
    key_prefix=settings.key_prefix,
    ledger=DynamoDBLedger(
        database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
    ),
    records=DynamoDBUsageRecords(database, usage_table=settings.usage_table),
    requests=DynamoDBCancellations(database, ephemeral_table=settings.ephemeral_table),
)
routes = Routes(
    endpoints={cancel.ROUTE: CancelEndpoint(cancelling=cancelling, clock=clock).respond},
    journal=RequestJournal(structured_logger()),
)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> ProxyResult:
    """Answer one request of the routes above, in one piece."""
    return routes.respond(event, request_id=context.aws_request_id)
