"""A tenant's settings of sign-in, one row of the control table. Its keys are in `control_items`.

T#<tenant> / SIGN_IN   bn name   lg logo   ac accent   bg background   su support, the brand
                       is issuer   ci client id, both absent without an issuer
                       cb list of allowed callbacks, absent: any
                       dl usual limit   ml most   per period   dx usual life   mx most, in seconds
                       hs SHA-256 of all that
"""

import hashlib
import json

from weir.adapters.dynamodb.audit_items import encode_entry
from weir.adapters.dynamodb.control import ControlTable
from weir.adapters.dynamodb.control_items import tenant_rows
from weir.adapters.dynamodb.schema import integer, number, present, string, text
from weir.adapters.dynamodb.wire import DynamoDB, Item
from weir.domain.audit_log import AuditEntry
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.sign_in_settings import Brand, KeyBounds, OidcClient, SignInSettings
from weir.domain.tenants import TenantId

# Of two replacements at once, the second would else be logged with a state that it did not find.
SETTINGS_ARE_AS_READ = "attribute_not_exists(pk) OR hs = :old"


class DynamoDBSignInSettings:
    """`SignInSettingsStore` on DynamoDB.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._table = ControlTable(db, name=control_table)

    def settings(self, tenant_id: TenantId) -> SignInSettings:
        """Return a tenant's settings; see `SignInSettingsStore`.

        Raises:
            MalformedItemError: The row is not what this schema writes.
        """
        row = self._table.row(_key(tenant_id))
        return _decoded(row) if row else SignInSettings()

    def replace(
        self, tenant_id: TenantId, *, old: SignInSettings, new: SignInSettings, entry: AuditEntry
    ) -> bool:
        """Replace a tenant's settings; see `SignInSettingsStore`."""
        put = {
            "TableName": self._table.name,
            "Item": {**_key(tenant_id), **_encoded(new), "hs": text(_digest(new))},
            "ConditionExpression": SETTINGS_ARE_AS_READ,
            "ExpressionAttributeValues": {":old": text(_digest(old))},
        }
        return self._table.write([{"Put": put}, self._table.new(encode_entry(entry))])


def _key(tenant_id: TenantId) -> Item:
    return {"pk": text(tenant_rows(tenant_id)), "sk": text("SIGN_IN")}


def _encoded(settings: SignInSettings) -> Item:
    brand, oidc, bounds = settings.brand, settings.oidc, settings.bounds
    callbacks = [text(entry) for entry in settings.callbacks]
    item = {
        "bn": _text(brand.name),
        "lg": _text(brand.logo_url),
        "ac": text(brand.accent),
        "bg": text(brand.background),
        "su": _text(brand.support_url),
        "is": None if oidc is None else text(oidc.issuer),
        "ci": None if oidc is None else text(oidc.client_id),
        "cb": {"L": callbacks} if callbacks else None,
        "dl": _integer(bounds.limit_nano_usd),
        "ml": _integer(bounds.max_limit_nano_usd),
        "per": text(bounds.period),
        "dx": _integer(bounds.life_s),
        "mx": _integer(bounds.max_life_s),
    }
    return present(item)


def _digest(settings: SignInSettings) -> str:
    return hashlib.sha256(json.dumps(_encoded(settings), sort_keys=True).encode()).hexdigest()


def _decoded(row: Item) -> SignInSettings:
    limit, most = _number(row, "dl"), _number(row, "ml")
    return SignInSettings(
        brand=Brand(
            name=_string(row, "bn"),
            logo_url=_string(row, "lg"),
            accent=string(row, "ac"),
            background=string(row, "bg"),
            support_url=_string(row, "su"),
        ),
        oidc=(
            OidcClient(issuer=string(row, "is"), client_id=string(row, "ci"))
            if "is" in row
            else None
        ),
        callbacks=tuple(entry["S"] for entry in row.get("cb", {}).get("L", ())),
        bounds=KeyBounds(
            limit_nano_usd=None if limit is None else NanoUsd(limit),
            period=LimitPeriod(string(row, "per")),
            max_limit_nano_usd=None if most is None else NanoUsd(most),
            life_s=_number(row, "dx"),
            max_life_s=_number(row, "mx"),
        ),
    )


def _text(value: str | None) -> Item | None:
    return None if value is None else text(value)


def _integer(value: int | None) -> Item | None:
    return None if value is None else integer(value)


def _string(row: Item, name: str) -> str | None:
    return string(row, name) if name in row else None


def _number(row: Item, name: str) -> int | None:
    return number(row, name) if name in row else None
