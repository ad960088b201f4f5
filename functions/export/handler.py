"""The export function: a tenant's usage as CSV, streamed because it has any size."""

import os

import boto3
from botocore.config import Config

from lambda_stream import StreamingResponse
from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.key_register import DynamoDBKeyRegister
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.key_cache import CachedApiKeyStore
from weir.http.access import Gate
from weir.http.events import ProxyEvent
from weir.http.routes import Routes
from weir.http.usage_reports import UsageEndpoints
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.usage_reports import UsageReports
from weir.settings import ExportSettings

settings = ExportSettings.read(os.environ)
clock = SystemClock()
aws = Config(
    connect_timeout=1, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
reports = UsageReports(
    rollups=DynamoDBRollups(database, table=settings.rollups_table),
    register=DynamoDBKeyRegister(database, control_table=settings.control_table),
)
routes = Routes(
    table=UsageEndpoints(reports=reports).streamed_routes(),
    gate=Gate(
        keys=CachedApiKeyStore(
            DynamoDBKeys(database, control_table=settings.control_table), clock=clock
        ),
        key_prefix=settings.key_prefix,
    ),
    clock=clock,
    journal=RequestJournal(structured_logger()),
)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> StreamingResponse:
    """Answer one GET /api/v1/usage.csv."""
    reply = routes.reply(event, request_id=context.aws_request_id)
    return StreamingResponse(reply.body, status=reply.status, headers=dict(reply.headers))
