"""Making API keys: all that it takes, for those who make keys and may not look at any."""

from collections.abc import Callable
from dataclasses import dataclass

from weir.domain.accounts import key_account
from weir.domain.api_keys import RANDOM_BYTES, ApiKey, key_hash, masked, mint
from weir.domain.audit_log import RANDOM_BYTES as ENTRY_BYTES
from weir.domain.audit_log import Action, Actor, Deed, new_entry
from weir.domain.errors import ConflictError
from weir.domain.key_registers import KeyRegister
from weir.domain.key_standings import NewKey
from weir.domain.ledgers import CreditLedger
from weir.domain.tenant_standings import key_facts
from weir.domain.tenants import Tenant

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMint:
    """Makes keys. Every method may raise StoreUnavailableError.

    Attributes:
        random: Makes that many random bytes.
    """

    register: KeyRegister
    ledger: CreditLedger
    random: Callable[[int], bytes]
    key_prefix: str

    def make(self, tenant: Tenant, *, wish: NewKey, by: Actor, now_ms: int) -> tuple[ApiKey, str]:
        """Make a key; it is returned this once and exists nowhere else.

        Raises:
            ConflictError: A free short name was not found; trying again helps.
        """
        for _ in range(_ATTEMPTS):
            secret = self.secret()
            made = self._minted(tenant, secret=secret, wish=wish, now_ms=now_ms)
            if wish.limits is not None:
                account_id = key_account(tenant.tenant_id, made.key_id)
                self.ledger.open_account(account_id, limits=wish.limits)
            deed = Deed(
                action=Action.KEY_CREATED,
                subject=made.key_hash,
                after=key_facts(made, limits=wish.limits),
            )
            entry = new_entry(
                deed,
                tenant_id=tenant.tenant_id,
                actor=by,
                at_ms=now_ms,
                random=self.random(ENTRY_BYTES),
            )
            if self.register.put_key(made, entry=entry):
                return made, secret
        raise ConflictError("The key could not be made; try again", retry_after_s=1)

    def secret(self) -> str:
        """Return a key that nobody has."""
        return mint(random=self.random(RANDOM_BYTES), prefix=self.key_prefix)

    def label(self, secret: str) -> str:
        """Return what a key is called in public."""
        return masked(secret, prefix=self.key_prefix)

    def _minted(self, tenant: Tenant, *, secret: str, wish: NewKey, now_ms: int) -> ApiKey:
        return ApiKey(
            key_hash=key_hash(secret),
            tenant=tenant,
            kind=wish.kind,
            label=self.label(secret),
            name=wish.name,
            disabled=False,
            expires_at_ms=wish.expires_at_ms,
            created_ms=now_ms,
            creator=wish.creator,
            external_user=wish.external_user,
            includes_byok=wish.includes_byok,
            limit_period=None if wish.limits is None else wish.limits.period,
        )
