"""A tenant with nothing set, one with everything set, its price plan, and a key."""

from dataclasses import replace

from weir.domain.api_keys import ApiKey, KeyKind, key_hash
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd, PicoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.policies import DataCollection, Policy
from weir.domain.price_plans import PricePlan, TokenPrices
from weir.domain.tenants import PromptBound, Tenant, TenantId

TENANT = Tenant(tenant_id=TenantId("acme"), namespace_key=bytes(range(32)))
PLAN = PricePlan(
    version=3,
    multiplier_ppm=1_150_000,
    models={
        "a/free": 0,
        "a/fixed": TokenPrices(
            prompt_pico_usd=PicoUsd(1), completion_pico_usd=PicoUsd(2), request_pico_usd=PicoUsd(3)
        ),
    },
)
FULL_TENANT = replace(
    TENANT,
    default_max_tokens=1,
    prompt_bound=PromptBound.TYPICAL,
    unpriced_hold_nano_usd=NanoUsd(5),
    lanes=4,
    limit_period=LimitPeriod.WEEKLY,
    end_user_limits=AccountLimits(
        requests_per_minute=1,
        tokens_per_minute=2,
        in_flight=3,
        spend_nano_usd=NanoUsd(4),
        period=LimitPeriod.DAILY,
    ),
    plan=PLAN,
    policy=Policy(
        models=("a/*", "b/c:free"),
        providers=("openai",),
        data_collection=DataCollection.DENY,
        zdr=True,
        max_tokens=1_000,
    ),
)
KEY = ApiKey(
    key_hash=key_hash("sk-weir-v1-demo"),
    tenant=TENANT,
    kind=KeyKind.INFERENCE,
    label="sk-weir-v1-abc...1234",
    disabled=False,
    expires_at_ms=None,
    created_ms=1_795_000_000_000,
)
