"""The auth function: users sign in and give apps keys of their own. ADR 0020."""

import os
import secrets

import boto3
from botocore.config import Config

from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.key_register import DynamoDBKeyRegister
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.sign_in_settings import DynamoDBSignInSettings
from weir.adapters.dynamodb.sign_ins import DynamoDBAuthCodes, DynamoDBSignIns
from weir.adapters.dynamodb.tenants import DynamoDBTenants
from weir.adapters.key_cache import CachedApiKeyStore
from weir.adapters.oidc import OidcProvider
from weir.adapters.oidc_documents import OidcDocuments
from weir.http.access import Gate
from weir.http.auth_keys import AuthKeyEndpoints
from weir.http.auth_pages import AuthPages
from weir.http.auth_settings_bodies import settings_facts
from weir.http.events import ProxyEvent
from weir.http.routes import ProxyResult, Routes
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.auth_codes import AuthCodeDesk
from weir.services.auth_settings import SignInSettingsDesk
from weir.services.key_mints import KeyMint
from weir.services.sign_in import SignIn
from weir.settings import AuthSettings
from weir.settings.sign_in import is_local

settings = AuthSettings.read(os.environ)
loopback = is_local(os.environ)
clock = SystemClock()
journal = RequestJournal(structured_logger())
aws = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
tenants = DynamoDBTenants(database, control_table=settings.control_table)
kept = DynamoDBSignInSettings(database, control_table=settings.control_table)
codes = AuthCodeDesk(
    codes=DynamoDBAuthCodes(database, ephemeral_table=settings.ephemeral_table),
    tenants=tenants,
    mint=KeyMint(
        register=DynamoDBKeyRegister(database, control_table=settings.control_table),
        ledger=DynamoDBLedger(
            database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
        ),
        random=secrets.token_bytes,
        key_prefix=settings.key_prefix,
    ),
    random=secrets.token_bytes,
)
sign_in = SignIn(
    sign_ins=DynamoDBSignIns(database, ephemeral_table=settings.ephemeral_table),
    provider=OidcProvider(OidcDocuments(clock=clock, loopback=loopback), clock=clock),
    random=secrets.token_bytes,
)
pages = AuthPages(
    sign_in=sign_in,
    codes=codes,
    tenants=tenants,
    settings=kept,
    journal=journal,
    usual_tenant=settings.usual_tenant,
    random=secrets.token_bytes,
)
endpoints = AuthKeyEndpoints(
    codes=codes,
    sign_in=sign_in,
    settings=SignInSettingsDesk(store=kept, random=secrets.token_bytes, facts=settings_facts),
    loopback=loopback,
)
routes = Routes(
    table={**pages.routes(), **endpoints.routes()},
    gate=Gate(
        keys=CachedApiKeyStore(
            DynamoDBKeys(database, control_table=settings.control_table), clock=clock
        ),
        key_prefix=settings.key_prefix,
    ),
    clock=clock,
    journal=journal,
)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> ProxyResult:
    """Answer one request of the routes above, in one piece."""
    return routes.respond(event, request_id=context.aws_request_id)
