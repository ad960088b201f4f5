"""The one tenant of the bench, as the tables hold it: written by the adapters themselves."""

from collections.abc import Iterator

from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.control_items import encode_tenant
from weir.adapters.dynamodb.credits import opened_lanes
from weir.adapters.dynamodb.wire import Item, Payload
from weir.domain.api_keys import RANDOM_BYTES, ApiKey, KeyKind, key_hash, masked, mint
from weir.domain.limits import AccountLimits
from weir.domain.money import nano_usd
from weir.domain.tenants import Tenant, TenantId

ACCOUNTS_TABLE = "bench-accounts"
USAGE_TABLE = "bench-usage"
CONTROL_TABLE = "bench-control"
EPHEMERAL_TABLE = "bench-ephemeral"

API_KEY = mint(random=bytes(range(RANDOM_BYTES)))
TENANT = Tenant(tenant_id=TenantId("bench"), namespace_key=bytes(32))
CREDIT_USD = 1_000


class WrittenItems:
    """A `DynamoDB` that keeps the first item of the last transaction."""

    def __init__(self) -> None:
        self.first: Item = {}

    def call(self, operation: str, payload: Payload) -> Item:
        assert operation == "TransactWriteItems", operation
        self.first = dict(payload["TransactItems"][0]["Put"]["Item"])
        return {}

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        yield self.call(operation, payload)


def account_item() -> Item:
    """Return the tenant's account before any request."""
    (opened,) = opened_lanes(
        TENANT.tenant_id,
        table=ACCOUNTS_TABLE,
        credit_nano_usd=nano_usd(CREDIT_USD),
        limits=AccountLimits(),
        lanes=1,
    )
    item: Item = opened["Put"]["Item"]
    return item


def profile_item() -> Item:
    """Return the tenant's profile."""
    return encode_tenant(TENANT)


def api_key_item() -> Item:
    """Return the row of the tenant's key."""
    written = WrittenItems()
    DynamoDBKeys(written, control_table=CONTROL_TABLE).put_key(
        ApiKey(
            key_hash=key_hash(API_KEY),
            tenant=TENANT,
            kind=KeyKind.INFERENCE,
            label=masked(API_KEY),
            disabled=False,
            expires_at_ms=None,
            created_ms=1_795_000_000_000,
        )
    )
    return written.first
