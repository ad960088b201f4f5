"""API keys as their tenant, or the operator, manages them: made, shown, changed, replaced, deleted.

A tenant manages inference keys only: its management keys are the operator's to give.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from weir.domain.accounts import Account, key_account
from weir.domain.api_keys import ApiKey, KeyKind, key_hash
from weir.domain.audit_log import RANDOM_BYTES as ENTRY_BYTES
from weir.domain.audit_log import Action, Actor, AuditEntry, Deed, difference, new_entry
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.key_registers import KeyRegister, LimitChanges
from weir.domain.key_standings import KeyChange, KeyStanding, NewKey, standing, wished_limits
from weir.domain.ledgers import CreditLedger
from weir.domain.limits import AccountLimits
from weir.domain.metering import Budgets
from weir.domain.spending import Spending
from weir.domain.tenant_standings import key_facts
from weir.domain.tenants import Tenant
from weir.services.key_mints import KeyMint
from weir.services.spending import SpendingBook

PAGE = 100

_ATTEMPTS = 5
_MS_PER_S = 1_000
_ABSENT = "API key not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyDesk:
    """Manages the keys of tenants. Every method may raise StoreUnavailableError.

    Attributes:
        mint: Makes the keys.
        random: Makes that many random bytes.
        kinds: Of the keys that are managed; others are as if they were absent.
    """

    register: KeyRegister
    mint: KeyMint
    ledger: CreditLedger
    limits: LimitChanges
    budgets: Budgets
    spendings: SpendingBook
    random: Callable[[int], bytes]
    kinds: Collection[KeyKind] = (KeyKind.INFERENCE,)

    def show(self, keys: Sequence[ApiKey], *, now_ms: int) -> list[KeyStanding]:
        """Return keys of one tenant with what they have spent and may spend."""
        if not keys:
            return []
        accounts = self._accounts(keys)
        spent = self.spendings.of(keys, accounts=accounts, now_ms=now_ms)
        return [
            standing(
                key, account=accounts.get(key.key_id), spending=spent[key.key_id], now_ms=now_ms
            )
            for key in keys
        ]

    def page(
        self, tenant: Tenant, *, offset: int, with_disabled: bool, with_expired: bool, now_ms: int
    ) -> list[KeyStanding]:
        """Return up to `PAGE` keys of a tenant, the newest first."""
        listed = [
            key
            for key in self.register.keys_of(tenant)
            if key.kind in self.kinds
            and (with_disabled or not key.disabled)
            and (with_expired or not key.is_expired(now_ms=now_ms))
        ]
        listed.sort(key=lambda key: (key.created_ms, key.key_hash), reverse=True)
        return self.show(listed[offset : offset + PAGE], now_ms=now_ms)

    def find(self, tenant: Tenant, *, named: str, now_ms: int) -> KeyStanding:
        """Return one key of a tenant.

        Raises:
            NotFoundError: The tenant has no such key.
        """
        return self._shown(self._found(tenant, named), now_ms)

    def create(
        self, tenant: Tenant, *, wish: NewKey, by: Actor, now_ms: int
    ) -> tuple[KeyStanding, str]:
        """Make a key; it is returned this once and exists nowhere else.

        Raises:
            ConflictError: A free short name was not found; trying again helps.
        """
        made, secret = self.mint.make(tenant, wish=wish, by=by, now_ms=now_ms)
        # It has spent nothing; finding that out would read a month of the whole tenant's usage.
        account = self._accounts([made]).get(made.key_id)
        return standing(made, account=account, spending=Spending(), now_ms=now_ms), secret

    def change(
        self, tenant: Tenant, *, named: str, change: KeyChange, by: Actor, now_ms: int
    ) -> KeyStanding:
        """Change a key; other functions notice within half a minute.

        Raises:
            NotFoundError: The tenant has no such key.
            ConflictError: Others change it all the time.
        """
        for _ in range(_ATTEMPTS):
            key = self._found(tenant, named)
            account = self._accounts([key]).get(key.key_id)
            changed, limits = change.applied(key, now_ms=now_ms), None
            if change.concerns_limits:
                limits = wished_limits(change, account=account)
            if limits is not None:
                changed = replace(changed, limit_period=limits.period)
            deed = _changing(key, changed, account=account, limits=limits)
            if limits is not None:
                # Limits are in another table; the log must know of them before they change.
                self.register.note(self._entry(key, deed, by, now_ms))
                self._limit(changed, account, limits, now_ms)
            deed = replace(deed, action=Action.KEY_CHANGED)
            entry = self._entry(key, deed, by, now_ms)
            if self.register.change(key, changed=changed, entry=entry):
                return self._shown(changed, now_ms)
        raise ConflictError("The key is being changed; try again", retry_after_s=1)

    def delete(self, tenant: Tenant, *, named: str, by: Actor, now_ms: int) -> None:
        """Delete a key; it is refused at once, by functions that remember it within half a minute.

        Raises:
            NotFoundError: The tenant has no such key.
        """
        key = self._found(tenant, named)
        account = self._accounts([key]).get(key.key_id)
        deed = Deed(
            action=Action.KEY_DELETED,
            subject=key.key_hash,
            before=key_facts(key, limits=account.limits if account else None),
        )
        entry = self._entry(key, deed, by, now_ms)
        if not self.register.delete(tenant.tenant_id, key_hash=key.key_hash, entry=entry):
            raise NotFoundError(_ABSENT)

    def rotate(
        self, tenant: Tenant, *, named: str, overlap_s: int, by: Actor, now_ms: int
    ) -> tuple[KeyStanding, str]:
        """Make a key that takes another's place: the same limits, account and usage.

        Args:
            tenant: Whose key.
            named: The hash of the key that is to go.
            overlap_s: How long that one still works, unless it expires before.
            by: Who asks.
            now_ms: Epoch milliseconds.

        Raises:
            NotFoundError: The tenant has no such key.
            ConflictError: The key has expired, or others change it all the time.
        """
        for _ in range(_ATTEMPTS):
            key = self._found(tenant, named)
            if key.is_expired(now_ms=now_ms):
                raise ConflictError("The key has expired or was rotated before")
            secret = self.mint.secret()
            successor = replace(
                key.touched(now_ms),
                key_hash=key_hash(secret),
                label=self.mint.label(secret),
                succeeds=key.key_id,
            )
            ends_ms = now_ms + overlap_s * _MS_PER_S
            ended = replace(
                key.touched(now_ms), expires_at_ms=min(key.expires_at_ms or ends_ms, ends_ms)
            )
            entry = self._entry(key, _rotating(key, ended, successor), by, now_ms)
            if self.register.succeed(key, changed=ended, successor=successor, entry=entry):
                return self._shown(successor, now_ms), secret
        raise ConflictError("The key is being changed; try again", retry_after_s=1)

    def _limit(
        self, key: ApiKey, account: Account | None, limits: AccountLimits, now_ms: int
    ) -> None:
        """Give the key's account the wanted limits; it is opened when there is none yet."""
        account_id = key_account(key.tenant.tenant_id, key.key_id)
        self.ledger.open_account(account_id, limits=limits)
        known = {} if account is None else {key.key_id: account}
        spent = self.spendings.of([key], accounts=known, now_ms=now_ms)[key.key_id]
        self.limits.set_limits(
            account_id,
            limits=limits,
            now_ms=now_ms,
            spent_nano_usd=spent.within(limits.period),
        )

    def _entry(self, key: ApiKey, deed: Deed, by: Actor, now_ms: int) -> AuditEntry:
        return new_entry(
            deed,
            tenant_id=key.tenant.tenant_id,
            actor=by,
            at_ms=now_ms,
            random=self.random(ENTRY_BYTES),
        )

    def _accounts(self, keys: Sequence[ApiKey]) -> Mapping[str, Account]:
        found = {}
        for key in keys:
            if key.limit_period is not None and key.key_id not in found:
                for lane in self.budgets.lanes(key_account(key.tenant.tenant_id, key.key_id)):
                    found[key.key_id] = lane
        return found

    def _found(self, tenant: Tenant, named: str) -> ApiKey:
        key = self.register.key_of(tenant, key_hash=named)
        if key is None or key.kind not in self.kinds:
            raise NotFoundError(_ABSENT)
        return key

    def _shown(self, key: ApiKey, now_ms: int) -> KeyStanding:
        (shown,) = self.show([key], now_ms=now_ms)
        return shown


def _changing(
    key: ApiKey, changed: ApiKey, *, account: Account | None, limits: AccountLimits | None
) -> Deed:
    """Return the deed of a change; without new limits the old ones stay."""
    old = account.limits if account else None
    before, after = difference(key_facts(key, limits=old), key_facts(changed, limits=limits or old))
    return Deed(action=Action.KEY_CHANGING, subject=key.key_hash, before=before, after=after)


def _rotating(key: ApiKey, ended: ApiKey, successor: ApiKey) -> Deed:
    return Deed(
        action=Action.KEY_ROTATED,
        subject=key.key_hash,
        before={"expires_at_ms": key.expires_at_ms},
        after={"expires_at_ms": ended.expires_at_ms, "successor": successor.key_hash},
    )
