"""A tenant's settings of sign-in: shown, and replaced with an entry in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass

from weir.domain.audit_log import RANDOM_BYTES, Action, Actor, Deed, Facts, difference, new_entry
from weir.domain.errors import ConflictError
from weir.domain.sign_in_settings import SignInSettings, SignInSettingsStore
from weir.domain.tenants import TenantId

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettingsDesk:
    """Manages settings. Every method may raise StoreUnavailableError.

    Attributes:
        random: Makes that many random bytes.
        facts: Tells settings in the API's words.
    """

    store: SignInSettingsStore
    random: Callable[[int], bytes]
    facts: Callable[[SignInSettings], Facts]

    def show(self, tenant_id: TenantId) -> SignInSettings:
        """Return a tenant's settings."""
        return self.store.settings(tenant_id)

    def replace(
        self, tenant_id: TenantId, *, settings: SignInSettings, by: Actor, now_ms: int
    ) -> None:
        """Replace a tenant's settings; of two replacements at once the later one stays.

        Raises:
            ConflictError: Others replace them all the time.
        """
        for _ in range(_ATTEMPTS):
            old = self.store.settings(tenant_id)
            before, after = difference(self.facts(old), self.facts(settings))
            deed = Deed(
                action=Action.SIGN_IN_CHANGED, subject=tenant_id, before=before, after=after
            )
            entry = new_entry(
                deed,
                tenant_id=tenant_id,
                actor=by,
                at_ms=now_ms,
                random=self.random(RANDOM_BYTES),
            )
            if self.store.replace(tenant_id, old=old, new=settings, entry=entry):
                return
        raise ConflictError("The settings are being changed; try again", retry_after_s=1)
