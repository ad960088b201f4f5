"""Keys and rows of the control table: the only place that spells them.

control, pk / sk
    KEY#<sha256> / KEY      tn tenant   kd kind   lb label   nm name   off disabled
                            exp expiry   ct creation   up last change, all three epoch ms
                            cu creator   xu external user   by counts BYOK   ki key id of the key
                            whose place it took   lp period of its own limit; absent: no account
    T#<tenant> / K#<8 hex>  h SHA-256 of the key that begins so   ki as there; stays when the key
                            is deleted: a tenant's key ids are unique for ever, and can be listed
    T#<tenant> / PROFILE    ns namespace key, hex   mt default max_tokens   pb prompt bound
                            uh unpriced hold   ln lanes   lp period of the tenant's limit
                            eu limits of each end user, a map: rpm tpm maxc lim per, as accounts
                            have them; absent: end users have no accounts
                            pv version of the current price plan   pl that plan, absent at cost
                            po policy, see `policy_items`; absent: everything is allowed
                            nm name   st status A|S|C, absent when active
                            ct creation   up last change, both epoch ms
    T#<tenant> / PLAN#<version, six digits>   pv version   pl plan; never changed
    TENANTS / <tenant>      the directory: one row for each tenant

A plan is a map: x multiplier, millionths; m model → multiplier, or a map: i o r pico-USD for a
token of the prompt, one of the completion, and a request. All amounts are integers.
"""

from weir.adapters.dynamodb.policy_items import decode_policy, encode_policy
from weir.adapters.dynamodb.schema import (
    integer,
    mapping,
    number,
    present,
    string,
    text,
)
from weir.adapters.dynamodb.wire import Item
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd, PicoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.price_plans import AT_COST, PricePlan, Rate, TokenPrices
from weir.domain.tenants import PromptBound, Tenant, TenantId, TenantStatus

DIRECTORY = "TENANTS"
KEY_IDS = "K#"

_TENANT = "T#"


def api_key_key(key_hash: str) -> Item:
    """Return the key of an API key's row."""
    return {"pk": text(f"KEY#{key_hash}"), "sk": text("KEY")}


def tenant_rows(tenant_id: TenantId) -> str:
    """Return the partition of everything that belongs to one tenant."""
    return f"{_TENANT}{tenant_id}"


def key_id_key(tenant_id: TenantId, key_id: str) -> Item:
    """Return the key of the row that makes a key id unique within its tenant."""
    return {"pk": text(tenant_rows(tenant_id)), "sk": text(f"{KEY_IDS}{key_id}")}


def profile_key(tenant_id: TenantId) -> Item:
    """Return the key of a tenant's profile."""
    return {"pk": text(tenant_rows(tenant_id)), "sk": text("PROFILE")}


def plan_key(tenant_id: TenantId, *, version: int) -> Item:
    """Return the key of one version of a tenant's price plan."""
    return {"pk": text(tenant_rows(tenant_id)), "sk": text(f"PLAN#{version:06d}")}


def directory_key(tenant_id: TenantId) -> Item:
    """Return the key of a tenant's row in the directory."""
    return {"pk": text(DIRECTORY), "sk": text(tenant_id)}


def encode_tenant(tenant: Tenant) -> Item:
    """Return the profile of a tenant."""
    hold, limits = tenant.unpriced_hold_nano_usd, tenant.end_user_limits
    item = {
        **profile_key(tenant.tenant_id),
        "ns": text(tenant.namespace_key.hex()),
        "mt": integer(tenant.default_max_tokens),
        "pb": text(tenant.prompt_bound),
        "uh": None if hold is None else integer(hold),
        "ln": integer(tenant.lanes),
        "lp": text(tenant.limit_period),
        "eu": None if limits is None else {"M": _encode_limits(limits)},
        "pv": integer(tenant.plan.version),
        "pl": encode_plan(tenant.plan) if tenant.plan.version else None,
        "po": encode_policy(tenant.policy),
        "nm": text(tenant.name) if tenant.name else None,
        "st": None if tenant.status is TenantStatus.ACTIVE else text(tenant.status),
        "ct": integer(tenant.created_ms),
        "up": None if tenant.updated_ms is None else integer(tenant.updated_ms),
    }
    return present(item)


def decode_tenant(item: Item) -> Tenant:
    """Return the tenant of a profile.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return Tenant(
        tenant_id=TenantId(string(item, "pk").removeprefix(_TENANT)),
        namespace_key=bytes.fromhex(string(item, "ns")),
        default_max_tokens=number(item, "mt"),
        prompt_bound=PromptBound(string(item, "pb")),
        unpriced_hold_nano_usd=NanoUsd(number(item, "uh")) if "uh" in item else None,
        lanes=number(item, "ln"),
        limit_period=LimitPeriod(string(item, "lp")),
        end_user_limits=_decode_limits(mapping(item, "eu")) if "eu" in item else None,
        plan=decode_plan(item),
        policy=decode_policy(item),
        name=string(item, "nm") if "nm" in item else "",
        status=TenantStatus(string(item, "st")) if "st" in item else TenantStatus.ACTIVE,
        created_ms=number(item, "ct"),
        updated_ms=number(item, "up") if "up" in item else None,
    )


def encode_plan(plan: PricePlan) -> Item:
    """Return the map of a price plan; its version stands beside it."""
    models = {model: _encode_rate(rate) for model, rate in plan.models.items()}
    return {"M": {"x": integer(plan.multiplier_ppm), "m": {"M": models}}}


def decode_plan(item: Item) -> PricePlan:
    """Return the price plan of a profile or of a plan's own row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
        ValueError: The plan is none that may be stored.
    """
    version = number(item, "pv")
    if version == 0:
        return AT_COST
    plan = mapping(item, "pl")
    rates = mapping(plan, "m")
    return PricePlan(
        version=version,
        multiplier_ppm=number(plan, "x"),
        models={model: _decode_rate(rates, model) for model in rates},
    )


def _encode_rate(rate: Rate) -> Item:
    if not isinstance(rate, TokenPrices):
        return integer(rate)
    prices = {
        "i": integer(rate.prompt_pico_usd),
        "o": integer(rate.completion_pico_usd),
        "r": integer(rate.request_pico_usd),
    }
    return {"M": prices}


def _decode_rate(rates: Item, model: str) -> Rate:
    if "M" not in rates[model]:
        return number(rates, model)
    prices = mapping(rates, model)
    return TokenPrices(
        prompt_pico_usd=PicoUsd(number(prices, "i")),
        completion_pico_usd=PicoUsd(number(prices, "o")),
        request_pico_usd=PicoUsd(number(prices, "r")),
    )


def _encode_limits(limits: AccountLimits) -> Item:
    return {
        "rpm": integer(limits.requests_per_minute),
        "tpm": integer(limits.tokens_per_minute),
        "maxc": integer(limits.in_flight),
        "lim": integer(limits.spend_nano_usd),
        "per": text(limits.period),
    }


def _decode_limits(values: Item) -> AccountLimits:
    return AccountLimits(
        requests_per_minute=number(values, "rpm"),
        tokens_per_minute=number(values, "tpm"),
        in_flight=number(values, "maxc"),
        spend_nano_usd=NanoUsd(number(values, "lim")),
        period=LimitPeriod(string(values, "per")),
    )
