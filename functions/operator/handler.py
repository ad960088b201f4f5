"""The operator function: tenants, their credit, their keys and their audit log."""

import os
import secrets

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.audit_log import DynamoDBAuditLog
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.budgets import AccountReader
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.credits import DynamoDBCredits
from weir.adapters.dynamodb.key_register import DynamoDBKeyRegister
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.limits import DynamoDBLimits
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.tenant_register import DynamoDBTenantRegister
from weir.adapters.key_cache import CachedApiKeyStore
from weir.adapters.operator_keys import SecretOperatorKeys
from weir.adapters.secrets import SecretsManagerReader
from weir.domain.api_keys import KeyKind
from weir.http.access import Gate
from weir.http.events import ProxyEvent
from weir.http.routes import ProxyResult, Routes
from weir.http.tenant_keys import TenantKeyEndpoints
from weir.http.tenants import TenantEndpoints
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.api_keys import ApiKeyDesk
from weir.services.key_mints import KeyMint
from weir.services.spending import SpendingBook
from weir.services.tenant_credits import CreditDesk
from weir.services.tenants import TenantDesk
from weir.settings import OperatorSettings

settings = OperatorSettings.read(os.environ)
clock = SystemClock()
aws = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
accounts, control = settings.accounts_table, settings.control_table
rollups = DynamoDBRollups(database, table=settings.rollups_table)
desk = TenantDesk(
    register=DynamoDBTenantRegister(database, control_table=control, accounts_table=accounts),
    rollups=rollups,
    random=secrets.token_bytes,
)
register = DynamoDBKeyRegister(database, control_table=control)
ledger = DynamoDBLedger(database, accounts_table=accounts, usage_table=settings.usage_table)
key_desk = ApiKeyDesk(
    register=register,
    mint=KeyMint(
        register=register,
        ledger=ledger,
        random=secrets.token_bytes,
        key_prefix=settings.key_prefix,
    ),
    ledger=ledger,
    limits=DynamoDBLimits(database, accounts_table=accounts),
    budgets=AccountReader(database, table=accounts),
    spendings=SpendingBook(rollups),
    random=secrets.token_bytes,
    kinds=tuple(KeyKind),
)
credit_desk = CreditDesk(
    tenants=desk,
    grants=DynamoDBCredits(database, accounts_table=accounts, control_table=control),
    random=secrets.token_bytes,
)
endpoints = TenantEndpoints(
    desk=desk,
    credits=credit_desk,
    log=DynamoDBAuditLog(database, control_table=control),
)
secret = SecretsManagerReader(
    lambda: boto3.client("secretsmanager", config=aws), secret_id=settings.operator_secret_id
)
routes = Routes(
    table={**endpoints.routes(), **TenantKeyEndpoints(desk=desk, keys=key_desk).routes()},
    gate=Gate(
        keys=CachedApiKeyStore(DynamoDBKeys(database, control_table=control), clock=clock),
        key_prefix=settings.key_prefix,
        operator=SecretOperatorKeys(secret, clock=clock),
    ),
    clock=clock,
    journal=RequestJournal(structured_logger()),
)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> ProxyResult:
    """Answer one request of the operator, in one piece."""
    return routes.respond(event, request_id=context.aws_request_id)
