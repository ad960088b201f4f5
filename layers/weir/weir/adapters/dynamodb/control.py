"""API keys and tenant profiles: the control table. Attribute names are explained in `schema`."""

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.schema import boolean, flag, integer, number, present, string, text
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain.api_keys import ApiKey, KeyKind
from weir.domain.money import NanoUsd
from weir.domain.tenants import PromptBound, Tenant, TenantId

# A tenant or key is created once; changing one is another operation than creating it.
ROW_IS_NEW = "attribute_not_exists(pk)"


class DynamoDBKeys:
    """`ApiKeyStore` on DynamoDB, with the writes that create keys and tenants.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._db = db
        self._table = control_table

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with its tenant, or None when there is no such key; see `ApiKeyStore`.

        Two reads, not consistent: the caller caches the answer for longer than they lag.
        """
        key = self._get(schema.api_key_key(key_hash))
        if not key:
            return None
        profile = self._get(schema.profile_key(TenantId(string(key, "tn"))))
        return _decode_key(key, key_hash, _decode_tenant(profile)) if profile else None

    def put_tenant(self, tenant: Tenant) -> bool:
        """Create a tenant's profile; False when it exists, and then nothing changes.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        return self._create(_encode_tenant(tenant))

    def put_key(self, api_key: ApiKey) -> bool:
        """Create an API key of a tenant; False when it exists, and then nothing changes.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        return self._create(_encode_key(api_key))

    def _get(self, key: Item) -> Item:
        found: Item = self._db.call("GetItem", {"TableName": self._table, "Key": key}).get(
            "Item", {}
        )
        return found

    def _create(self, item: Item) -> bool:
        payload = {"TableName": self._table, "Item": item, "ConditionExpression": ROW_IS_NEW}
        return applied(self._db, "PutItem", payload)


def _encode_key(api_key: ApiKey) -> Item:
    expires_at_ms = api_key.expires_at_ms
    item = {
        **schema.api_key_key(api_key.key_hash),
        "tn": text(api_key.tenant.tenant_id),
        "kd": text(api_key.kind),
        "lb": text(api_key.label),
        "off": flag(api_key.disabled),
        "exp": None if expires_at_ms is None else integer(expires_at_ms),
    }
    return present(item)


def _decode_key(item: Item, key_hash: str, tenant: Tenant) -> ApiKey:
    return ApiKey(
        key_hash=key_hash,
        tenant=tenant,
        kind=KeyKind(string(item, "kd")),
        label=string(item, "lb"),
        disabled=boolean(item, "off"),
        expires_at_ms=number(item, "exp") if "exp" in item else None,
    )


def _encode_tenant(tenant: Tenant) -> Item:
    hold = tenant.unpriced_hold_nano_usd
    item = {
        **schema.profile_key(tenant.tenant_id),
        "ns": text(tenant.namespace_key.hex()),
        "mt": integer(tenant.default_max_tokens),
        "pb": text(tenant.prompt_bound),
        "uh": None if hold is None else integer(hold),
        "ln": integer(tenant.lanes),
    }
    return present(item)


def _decode_tenant(item: Item) -> Tenant:
    return Tenant(
        tenant_id=TenantId(string(item, "pk").removeprefix("T#")),
        namespace_key=bytes.fromhex(string(item, "ns")),
        default_max_tokens=number(item, "mt"),
        prompt_bound=PromptBound(string(item, "pb")),
        unpriced_hold_nano_usd=NanoUsd(number(item, "uh")) if "uh" in item else None,
        lanes=number(item, "ln"),
    )
