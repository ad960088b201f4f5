"""The books of a deployment, and the tenants and keys that a fresh local stack begins with."""

import secrets
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.aws import EmbeddedAws
from local.deploy import Deployment
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.credits import DynamoDBCredits
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.limits import DynamoDBLimits
from weir.adapters.dynamodb.price_plans import DynamoDBPricePlans
from weir.adapters.dynamodb.tenant_register import DynamoDBTenantRegister
from weir.adapters.dynamodb.tenants import DynamoDBTenants
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.accounts import key_account
from weir.domain.api_keys import RANDOM_BYTES, ApiKey, KeyKind, key_hash, masked, mint
from weir.domain.audit_log import RANDOM_BYTES as ENTRY_BYTES
from weir.domain.audit_log import Action, Actor, AuditEntry, Deed, new_entry
from weir.domain.limits import AccountLimits
from weir.domain.money import nano_usd
from weir.domain.tenants import Tenant, TenantId

DEMO_TENANT = TenantId("demo")
DEMO_CREDIT_USD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The tables of a deployment, opened for whoever operates this machine.

    Attributes:
        tenants: Their profiles, and the directory of them.
        register: Creates and changes them.
        keys: The API keys of all tenants.
        plans: Every version of every price plan.
        credits: Adds credit, suspends.
        limits: Changes the limits of accounts.
        ledger: What requests do, and the reading of all of it.
        key_prefix: What the deployment's keys begin with.
    """

    tenants: DynamoDBTenants
    register: DynamoDBTenantRegister
    keys: DynamoDBKeys
    plans: DynamoDBPricePlans
    credits: DynamoDBCredits
    limits: DynamoDBLimits
    ledger: DynamoDBLedger
    key_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNames:
    """Names of the tables that the books are in."""

    accounts: str
    usage: str
    control: str


def open_books(deployment: Deployment, *, aws: EmbeddedAws) -> Books:
    """Open the deployment's tables."""
    names = deployment.physical_ids
    return books_over(
        BotoDynamoDB(lambda: aws.client("dynamodb")),
        tables=TableNames(
            accounts=names["AccountsTable"],
            usage=names["UsageTable"],
            control=names["ControlTable"],
        ),
        key_prefix=deployment.functions["ChatFunction"].environment["KEY_PREFIX"],
    )


def books_over(db: DynamoDB, *, tables: TableNames, key_prefix: str) -> Books:
    """Open tables of these names, wherever they are."""
    return Books(
        tenants=DynamoDBTenants(db, control_table=tables.control),
        register=DynamoDBTenantRegister(
            db, control_table=tables.control, accounts_table=tables.accounts
        ),
        keys=DynamoDBKeys(db, control_table=tables.control),
        plans=DynamoDBPricePlans(db, control_table=tables.control),
        credits=DynamoDBCredits(db, accounts_table=tables.accounts, control_table=tables.control),
        limits=DynamoDBLimits(db, accounts_table=tables.accounts),
        ledger=DynamoDBLedger(db, accounts_table=tables.accounts, usage_table=tables.usage),
        key_prefix=key_prefix,
    )


def seed_tenant(
    books: Books,
    *,
    tenant_id: TenantId,
    credit_usd: Decimal | int,
    limits: AccountLimits | None = None,
    **policy: Any,
) -> Tenant:
    """Create a tenant with its account and its credit.

    Args:
        books: Where.
        tenant_id: Must be new.
        credit_usd: Of all lanes together.
        limits: Of its account, all lanes together; None: no limit.
        policy: Fields of `Tenant` that are not as usual, such as `lanes`, `plan`,
            `end_user_limits`.

    Raises:
        ValueError: There is such a tenant.
    """
    whole = limits or AccountLimits()
    tenant = Tenant(
        tenant_id=tenant_id,
        namespace_key=secrets.token_bytes(32),
        limit_period=whole.period,
        created_ms=_now_ms(),
        **policy,
    )
    created = _entry(tenant, Action.TENANT_CREATED)
    if not books.register.create(tenant, limits=whole, entry=created):
        raise ValueError(f"there is a tenant {tenant_id} already")
    if credit_usd:
        books.credits.grant(
            tenant,
            amount_nano_usd=nano_usd(credit_usd),
            reference="seed",
            entry=_entry(tenant, Action.CREDIT_GRANTED),
        )
    return tenant


def issue_key(
    books: Books, tenant: Tenant, *, kind: KeyKind, label: str, limits: AccountLimits | None = None
) -> str:
    """Mint a key of the tenant, store its hash and return it; it exists nowhere else.

    A key with limits of its own gets an account of its own, below the tenant's.
    """
    while True:
        key = mint(random=secrets.token_bytes(RANDOM_BYTES), prefix=books.key_prefix)
        api_key = ApiKey(
            key_hash=key_hash(key),
            tenant=tenant,
            kind=kind,
            label=masked(key, prefix=books.key_prefix),
            name=label,
            disabled=False,
            expires_at_ms=None,
            created_ms=_now_ms(),
            limit_period=None if limits is None else limits.period,
        )
        if limits is not None:
            account_id = key_account(tenant.tenant_id, api_key.key_id)
            books.ledger.open_account(account_id, limits=limits)
        if books.keys.put_key(api_key):
            return key


def _entry(tenant: Tenant, action: Action) -> AuditEntry:
    return new_entry(
        Deed(action=action, subject=tenant.tenant_id),
        tenant_id=tenant.tenant_id,
        actor=Actor(who="seed", request_id="-"),
        at_ms=_now_ms(),
        random=secrets.token_bytes(ENTRY_BYTES),
    )


def _now_ms() -> int:
    return int(time.time() * 1000)
