"""API keys as their tenant manages them: made, shown, changed, replaced, deleted.

Only inference keys are managed here: a tenant's management keys are the operator's to give.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from weir.domain.accounts import Account, key_account
from weir.domain.api_keys import RANDOM_BYTES, ApiKey, KeyKind, key_hash, masked, mint
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.key_registers import KeyRegister, LimitChanges
from weir.domain.key_standings import KeyChange, KeyStanding, NewKey, standing, wished_limits
from weir.domain.ledgers import CreditLedger
from weir.domain.metering import Budgets
from weir.domain.tenants import Tenant
from weir.services.spending import SpendingBook

PAGE = 100

_ATTEMPTS = 5
_MS_PER_S = 1_000
_ABSENT = "API key not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyDesk:
    """Manages the keys of tenants. Every method may raise StoreUnavailableError.

    Attributes:
        random: Makes that many random bytes.
    """

    register: KeyRegister
    ledger: CreditLedger
    limits: LimitChanges
    budgets: Budgets
    spendings: SpendingBook
    random: Callable[[int], bytes]
    key_prefix: str

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
            if key.kind is KeyKind.INFERENCE
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

    def create(self, tenant: Tenant, *, wish: NewKey, now_ms: int) -> tuple[KeyStanding, str]:
        """Make a key; it is returned this once and exists nowhere else.

        Raises:
            ConflictError: A free short name was not found; trying again helps.
        """
        for _ in range(_ATTEMPTS):
            secret, made = self._minted(tenant, wish=wish, now_ms=now_ms)
            if wish.limits is not None:
                account_id = key_account(tenant.tenant_id, made.key_id)
                self.ledger.open_account(account_id, limits=wish.limits)
            if self.register.put_key(made):
                return self._shown(made, now_ms), secret
        raise ConflictError("The key could not be made; try again", retry_after_s=1)

    def change(self, tenant: Tenant, *, named: str, change: KeyChange, now_ms: int) -> KeyStanding:
        """Change a key; other functions notice within half a minute.

        Raises:
            NotFoundError: The tenant has no such key.
            ConflictError: Others change it all the time.
        """
        for _ in range(_ATTEMPTS):
            key = self._found(tenant, named)
            changed = change.applied(key, now_ms=now_ms)
            if change.concerns_limits:
                changed = self._limited(changed, change, now_ms)
            if self.register.change(key, changed=changed):
                return self._shown(changed, now_ms)
        raise ConflictError("The key is being changed; try again", retry_after_s=1)

    def delete(self, tenant: Tenant, *, named: str) -> None:
        """Delete a key; it is refused at once, by functions that remember it within half a minute.

        Raises:
            NotFoundError: The tenant has no such key.
        """
        key = self._found(tenant, named)
        if not self.register.delete(tenant.tenant_id, key_hash=key.key_hash):
            raise NotFoundError(_ABSENT)

    def rotate(
        self, tenant: Tenant, *, named: str, overlap_s: int, now_ms: int
    ) -> tuple[KeyStanding, str]:
        """Make a key that takes another's place: the same limits, account and usage.

        Args:
            tenant: Whose key.
            named: The hash of the key that is to go.
            overlap_s: How long that one still works, unless it expires before.
            now_ms: Epoch milliseconds.

        Raises:
            NotFoundError: The tenant has no such key.
            ConflictError: The key has expired, or others change it all the time.
        """
        for _ in range(_ATTEMPTS):
            key = self._found(tenant, named)
            if key.is_expired(now_ms=now_ms):
                raise ConflictError("The key has expired or was rotated before")
            secret = self._secret()
            successor = replace(
                key.touched(now_ms),
                key_hash=key_hash(secret),
                label=masked(secret, prefix=self.key_prefix),
                succeeds=key.key_id,
            )
            ends_ms = now_ms + overlap_s * _MS_PER_S
            ended = replace(
                key.touched(now_ms), expires_at_ms=min(key.expires_at_ms or ends_ms, ends_ms)
            )
            if self.register.succeed(key, changed=ended, successor=successor):
                return self._shown(successor, now_ms), secret
        raise ConflictError("The key is being changed; try again", retry_after_s=1)

    def _limited(self, key: ApiKey, change: KeyChange, now_ms: int) -> ApiKey:
        """Give the key's account the wanted limits; it is opened when there is none yet."""
        account = self._accounts([key]).get(key.key_id)
        limits = wished_limits(change, account=account)
        if limits is None:
            return key
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
        return replace(key, limit_period=limits.period)

    def _accounts(self, keys: Sequence[ApiKey]) -> Mapping[str, Account]:
        found = {}
        for key in keys:
            if key.limit_period is not None and key.key_id not in found:
                for lane in self.budgets.lanes(key_account(key.tenant.tenant_id, key.key_id)):
                    found[key.key_id] = lane
        return found

    def _found(self, tenant: Tenant, named: str) -> ApiKey:
        key = self.register.key_of(tenant, key_hash=named)
        if key is None or key.kind is not KeyKind.INFERENCE:
            raise NotFoundError(_ABSENT)
        return key

    def _shown(self, key: ApiKey, now_ms: int) -> KeyStanding:
        (shown,) = self.show([key], now_ms=now_ms)
        return shown

    def _minted(self, tenant: Tenant, *, wish: NewKey, now_ms: int) -> tuple[str, ApiKey]:
        secret = self._secret()
        key = ApiKey(
            key_hash=key_hash(secret),
            tenant=tenant,
            kind=KeyKind.INFERENCE,
            label=masked(secret, prefix=self.key_prefix),
            name=wish.name,
            disabled=False,
            expires_at_ms=wish.expires_at_ms,
            created_ms=now_ms,
            creator=wish.creator,
            external_user=wish.external_user,
            includes_byok=wish.includes_byok,
            limit_period=None if wish.limits is None else wish.limits.period,
        )
        return secret, key

    def _secret(self) -> str:
        return mint(random=self.random(RANDOM_BYTES), prefix=self.key_prefix)
