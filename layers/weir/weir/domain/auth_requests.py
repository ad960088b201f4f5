"""What an app asks a user, or its tenant, to agree to."""

import hashlib
from dataclasses import dataclass, replace

from weir.domain.auth_callbacks import Callback
from weir.domain.auth_codes import KeyTerms
from weir.domain.tenants import Tenant

_APP_ID_BYTES = 4
_NAMELESS = "App"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequest:
    """What an app asks a user, or its tenant, to agree to.

    Attributes:
        callback: Where the code goes; None when the user carries it.
        challenge: Of S256.
    """

    callback: Callback | None
    challenge: str
    terms: KeyTerms

    @property
    def app(self) -> str:
        """Return what the app is called where it has no label: the host it is answered at."""
        if self.callback is None or self.callback.is_loopback:
            return _NAMELESS
        return self.callback.host

    def labelled(self, label: str) -> "AuthRequest":
        """Return the request with another name for the key; "" keeps the one it has."""
        return replace(self, terms=replace(self.terms, label=label or self.terms.label))

    def app_id(self, tenant: Tenant) -> int:
        """Return a number that stands for the app: one for each origin of a tenant's callbacks."""
        origin = "" if self.callback is None else self.callback.origin
        digest = hashlib.sha256(f"app\0{tenant.tenant_id}\0{origin}".encode()).digest()
        return int.from_bytes(digest[:_APP_ID_BYTES]) >> 1
