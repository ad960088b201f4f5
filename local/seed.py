"""The demo tenant of a fresh local stack: credit, a profile, an API key and a management key."""

import secrets
import time
from dataclasses import dataclass

from local.aws import EmbeddedAws
from local.deploy import Deployment
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.domain.api_keys import RANDOM_BYTES, ApiKey, KeyKind, key_hash, masked, mint
from weir.domain.money import nano_usd
from weir.domain.tenants import Tenant, TenantId

DEMO_TENANT = TenantId("demo")
DEMO_CREDIT_USD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The tables of a deployment, opened for whoever operates this machine."""

    keys: DynamoDBKeys
    ledger: DynamoDBLedger
    key_prefix: str


def open_books(deployment: Deployment, *, aws: EmbeddedAws) -> Books:
    """Open the deployment's tables."""
    tables = deployment.physical_ids
    database = BotoDynamoDB(lambda: aws.client("dynamodb"))
    return Books(
        keys=DynamoDBKeys(database, control_table=tables["ControlTable"]),
        ledger=DynamoDBLedger(
            database,
            accounts_table=tables["AccountsTable"],
            usage_table=tables["UsageTable"],
        ),
        key_prefix=deployment.functions["ChatFunction"].environment["KEY_PREFIX"],
    )


def seed_tenant(books: Books, *, tenant_id: TenantId, credit_usd: int) -> Tenant:
    """Create a tenant with its account."""
    tenant = Tenant(tenant_id=tenant_id, namespace_key=secrets.token_bytes(32))
    books.keys.put_tenant(tenant)
    books.ledger.open_account(tenant_id, credit_nano_usd=nano_usd(credit_usd))
    return tenant


def issue_key(books: Books, tenant: Tenant, *, kind: KeyKind, label: str) -> str:
    """Mint a key of the tenant, store its hash and return it; it exists nowhere else."""
    key = mint(random=secrets.token_bytes(RANDOM_BYTES), prefix=books.key_prefix)
    books.keys.put_key(
        ApiKey(
            key_hash=key_hash(key),
            tenant=tenant,
            kind=kind,
            label=label or masked(key, prefix=books.key_prefix),
            disabled=False,
            expires_at_ms=None,
        )
    )
    return key


def put_upstream_key(deployment: Deployment, *, aws: EmbeddedAws, key: str) -> None:
    """Fill the upstream secret, as an operator does after a deployment."""
    client = aws.client("secretsmanager")
    client.put_secret_value(
        SecretId=deployment.physical_ids["UpstreamSecret"],
        SecretString=key,
        ClientRequestToken=f"{time.time_ns():032d}",
    )
    client.close()
