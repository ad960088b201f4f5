"""The chat function: settings → adapters → service, wired once while Lambda initialises."""

import os
import secrets

import boto3
from botocore.config import Config

from lambda_stream import StreamingResponse
from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.clock import SystemClock
from weir.adapters.dynamodb.answers import DynamoDBAnswers
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.cancellations import DynamoDBCancellations
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.key_cache import CachedApiKeyStore
from weir.adapters.secrets import SecretsManagerReader
from weir.adapters.settle_queue import SqsSettleQueue
from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.catalogue import UpstreamPrices
from weir.adapters.upstream.generations import UpstreamGenerations
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.provider import UpstreamProvider
from weir.adapters.upstream.session import UpstreamSession
from weir.domain.generations import LANES
from weir.http.chat import ChatEndpoint
from weir.http.events import ProxyEvent
from weir.observability import LambdaContext, RequestJournal, structured_logger
from weir.services.admit import Admission
from weir.services.chat import Chat
from weir.services.idempotency import Idempotency
from weir.services.meter import Metering
from weir.services.outcomes import Outcomes
from weir.services.settlement import Settlement
from weir.settings import ChatSettings

# Upstream must be done this long before Lambda stops us: recording and settling need the rest.
SETTLE_RESERVE_MS = 10_000
KEY_JITTER_MS = 30_000
# No function lives longer than 15 minutes; the clocks of two may differ.
CLAIM_LIFE_MS = (15 + 1) * 60_000

settings = ChatSettings.read(os.environ)
journal = RequestJournal(structured_logger())
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
ledger = DynamoDBLedger(
    database, accounts_table=settings.accounts_table, usage_table=settings.usage_table
)
chat = Chat(
    keys=CachedApiKeyStore(
        DynamoDBKeys(database, control_table=settings.control_table), clock=clock
    ),
    key_prefix=settings.key_prefix,
    idempotency=Idempotency(
        answers=DynamoDBAnswers(
            database,
            table=settings.ephemeral_table,
            bucket=AnswersBucket(
                lambda: boto3.client("s3", config=aws), name=settings.answers_bucket
            ),
        ),
        clock=clock,
        journal=journal,
        random=secrets.token_bytes,
        claim_life_ms=CLAIM_LIFE_MS,
    ),
    admission=Admission(
        prices=UpstreamPrices(upstream, clock=clock),
        ledger=ledger,
        journal=journal,
        random=secrets.token_bytes,
        lane=secrets.randbelow(LANES),
    ),
    provider=UpstreamProvider(upstream),
    metering=Metering(
        settlement=Settlement(
            ledger=ledger,
            queue=SqsSettleQueue(
                lambda: boto3.client("sqs", config=aws), queue_url=settings.settle_queue_url
            ),
            journal=journal,
        ),
        outcomes=Outcomes(archive=UpstreamGenerations(upstream), clock=clock),
        cancellations=DynamoDBCancellations(database, ephemeral_table=settings.ephemeral_table),
        clock=clock,
        journal=journal,
        checkpoint_after_ms=settings.checkpoint_after_ms,
        cancel_poll_ms=settings.cancel_poll_ms,
    ),
)
endpoint = ChatEndpoint(chat=chat, journal=journal)


def lambda_handler(event: ProxyEvent, context: LambdaContext) -> StreamingResponse:
    """Answer one POST /api/v1/chat/completions or /completions, streamed or not."""
    remaining_ms = context.get_remaining_time_in_millis() - SETTLE_RESERVE_MS
    reply = endpoint.respond(
        event,
        deadline_ms=clock.now_ms() + min(settings.upstream_deadline_ms, remaining_ms),
        request_id=context.aws_request_id,
    )
    return StreamingResponse(reply.body, status=reply.status, headers=dict(reply.headers))
