"""The catalog function: upstream's models, endpoints and providers, and what this API is."""

import os
import secrets
from functools import partial
from pathlib import Path

import boto3
from botocore.config import Config

from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.catalogue_copies import CatalogueMemory, CatalogueObjects
from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.leases import DynamoDBLeases
from weir.adapters.key_cache import CachedApiKeyStore
from weir.adapters.secrets import SecretsManagerReader
from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.catalogue_documents import UpstreamCatalogue
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.session import UpstreamSession
from weir.http.access import Gate
from weir.http.catalogue import CatalogueEndpoints
from weir.http.events import ProxyEvent
from weir.http.health import HealthEndpoint
from weir.http.openapi import OpenApiEndpoint
from weir.http.routes import ProxyResult, Routes
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.catalogue import Catalogue
from weir.services.catalogue_copies import CatalogueCopies
from weir.services.health import Health
from weir.settings import CatalogSettings

KEY_JITTER_MS = 30_000
DOCUMENT = Path(__file__).with_name("openapi.json")

settings = CatalogSettings.read(os.environ)
clock = SystemClock()
aws = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)
database = BotoDynamoDB(lambda: boto3.client("dynamodb", config=aws))
secret = SecretsManagerReader(
    lambda: boto3.client("secretsmanager", config=aws), secret_id=settings.upstream_secret_id
)
upstream = UpstreamApi(
    UpstreamSession(settings.upstream_base_url, clock=clock),
    keys=UpstreamKeys(secret, clock=clock, jitter_ms=secrets.randbelow(KEY_JITTER_MS)),
    clock=clock,
)
keys = DynamoDBKeys(database, control_table=settings.control_table)
memory = CatalogueMemory(clock=clock)
shared = CatalogueObjects(
    AnswersBucket(lambda: boto3.client("s3", config=aws), name=settings.answers_bucket)
)
copies = CatalogueCopies(
    memory=memory,
    shared=shared,
    source=UpstreamCatalogue(upstream, clock=clock),
    leases=DynamoDBLeases(database, ephemeral_table=settings.ephemeral_table),
    clock=clock,
)
routes = Routes(
    table={
        **CatalogueEndpoints(catalogue=Catalogue(copies=copies, clock=clock)).table(),
        **HealthEndpoint(
            health=Health(keys=keys, memory=memory, shared=shared, clock=clock)
        ).routes(),
        **OpenApiEndpoint(read=partial(DOCUMENT.read_text, encoding="utf-8")).routes(),
    },
    gate=Gate(keys=CachedApiKeyStore(keys, clock=clock), key_prefix=settings.key_prefix),
    clock=clock,
    journal=RequestJournal(structured_logger()),
)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> ProxyResult:
    """Answer one request of the routes above, in one piece."""
    return routes.respond(event, request_id=context.aws_request_id)
