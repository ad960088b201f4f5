"""Requests of many sandboxes at once, straight on admission and ledger."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.support.ledger_tables import Tables
from tests.support.ledger_values import ACME, NOON_MS, make_record
from weir.domain.accounts import key_account
from weir.domain.api_keys import ApiKey, KeyKind, key_hash
from weir.domain.errors import WeirError
from weir.domain.limits import AccountLimits
from weir.domain.money import PicoUsd
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.domain.usage import UsageRecord
from weir.services.admit import Admission, Admitted
from weir.services.settlement import settle_record

MODEL = "maker/model-1"
ESTIMATE = 1_000
"""What `REQUEST` may cost at most, in nano-USD."""

TOKENS = 100
"""What `REQUEST` counts as, in tokens of a minute."""

REQUEST = ChatRequest(
    body=b"{}",
    headers={},
    models=(MODEL,),
    stream=False,
    prompt_bytes=34,
    messages=1,
    media_parts=0,
    media_bytes=0,
    web_searches=0,
    max_tokens=50,
    unpriced_feature=None,
)


class FlatPrices:
    """Every token costs the same."""

    def price(self, model: str) -> ModelPrice:
        pico_usd = PicoUsd(ESTIMATE * 1_000 // TOKENS)
        return ModelPrice(prompt_pico_usd=pico_usd, completion_pico_usd=pico_usd)


class SilentJournal:
    """Fails on every story but none: a store that is always there leaves nothing to tell."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the journal was told of {name}")


@dataclass(frozen=True)
class Refused:
    """Why a request was not admitted, as its client is told."""

    status: int
    source: str


def tenant(**changes: Any) -> Tenant:
    """The tenant of these storms."""
    values: dict[str, Any] = {"tenant_id": ACME, "namespace_key": bytes(32)}
    return Tenant(**{**values, **changes})


def key_of(owner: Tenant, *, limits: AccountLimits | None = None) -> ApiKey:
    """A key of the tenant."""
    return ApiKey(
        key_hash=key_hash("a key"),
        tenant=owner,
        kind=KeyKind.INFERENCE,
        label="storm",
        disabled=False,
        expires_at_ms=None,
        created_ms=NOON_MS,
        limit_period=None if limits is None else limits.period,
    )


def open_key_account(tables: Tables, key: ApiKey, *, limits: AccountLimits) -> None:
    """Open the account of a key with limits of its own."""
    account_id = key_account(key.tenant.tenant_id, key.key_id)
    assert tables.ledger().open_account(account_id, limits=limits)


class Sandbox:
    """One Lambda process: its ledger, its lane, its clock."""

    def __init__(self, tables: Tables, key: ApiKey, *, lane: int = 0) -> None:
        self.ledger = tables.ledger()
        self._key = key
        self._admission = Admission(
            prices=FlatPrices(),
            ledger=self.ledger,
            journal=SilentJournal(),
            random=os.urandom,
            lane=lane,
        )

    def admit(self, *, now_ms: int = NOON_MS, end_user: str | None = None) -> Admitted | Refused:
        """Ask for a request to start."""
        request = replace(REQUEST, end_user=end_user)
        try:
            return self._admission.admit(self._key, request=request, now_ms=now_ms)
        except WeirError as error:
            if error.metadata is None:
                raise  # no refusal: each of those tells which limit it is
            return Refused(error.status, str(error.metadata["limit_source"]))

    def finish(
        self, admitted: Admitted, *, cost: int = ESTIMATE, now_ms: int = NOON_MS, **changes: Any
    ) -> UsageRecord:
        """End a request; returns its stored record."""
        record = make_record(admitted.hold, cost=cost, **changes)
        return settle_record(self.ledger, record, holds=admitted.holds, now_ms=now_ms).record


@dataclass(frozen=True)
class Tally:
    """What a crowd of sandboxes was told."""

    admitted: tuple[Admitted, ...]
    refused: Counter[Refused]

    @override
    def __str__(self) -> str:
        told = ", ".join(
            f"{count} refused {why.status} ({why.source})" for why, count in self.refused.items()
        )
        return f"{len(self.admitted)} admitted, {told or 'nobody refused'}"


def tally(told: list[Admitted | Refused]) -> Tally:
    """Count who was admitted."""
    return Tally(
        tuple(one for one in told if isinstance(one, Admitted)),
        Counter(one for one in told if isinstance(one, Refused)),
    )
