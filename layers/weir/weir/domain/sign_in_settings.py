"""What a tenant decides about sign-in: its brand, who signs in, which callbacks, which keys."""

import re
from dataclasses import dataclass, field, replace
from typing import Protocol

from weir.domain.audit_log import AuditEntry
from weir.domain.auth_callbacks import PORT
from weir.domain.auth_codes import KeyTerms
from weir.domain.errors import InvalidRequestError
from weir.domain.money import NanoUsd, usd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant, TenantId

DEFAULT_ACCENT = "#1d4ed8"
DEFAULT_BACKGROUND = "#f1f3f6"

_REST = PORT + r"(?:/[!$&'()*+,./0-9:;=?@A-Z_a-z~%-]{0,1023})?"
ENDPOINT = r"https://(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z][A-Za-z0-9-]{0,62}" + _REST
"""A URL with a public name: no address in any notation, which could be a machine nearby."""

_ENDPOINT = re.compile(ENDPOINT)
_LOOPBACK_ENDPOINT = re.compile(r"http://(?:localhost|127\.0\.0\.1)" + _REST)
_MS_PER_S = 1_000
_STRICTNESS = (LimitPeriod.TOTAL, LimitPeriod.MONTHLY, LimitPeriod.WEEKLY, LimitPeriod.DAILY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """How the pages look.

    Attributes:
        name: None: the tenant's id is shown.
        logo_url: https.
        accent: Of the main button, `#rrggbb`; the colour of its text follows from it.
        background: Behind the card, `#rrggbb`.
        support_url: https; where users may turn to.
    """

    name: str | None = None
    logo_url: str | None = None
    accent: str = DEFAULT_ACCENT
    background: str = DEFAULT_BACKGROUND
    support_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcClient:
    """An OpenID Connect issuer, and what this gateway is called there: a public client.

    Attributes:
        issuer: As its ID tokens name it, without a slash at the end unless they have one.
    """

    issuer: str
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBounds:
    """What a tenant gives to a key whose app asks for nothing, and what no app may exceed.

    Attributes:
        limit_nano_usd: Spending limit of a key that asks for none; None: no limit.
        period: Of that limit, and the shortest that an app may ask for.
        max_limit_nano_usd: None: any.
        life_s: Seconds until a key that asks for no expiry expires; None: never.
        max_life_s: None: any.
    """

    limit_nano_usd: NanoUsd | None = None
    period: LimitPeriod = LimitPeriod.TOTAL
    max_limit_nano_usd: NanoUsd | None = None
    life_s: int | None = None
    max_life_s: int | None = None

    def applied(self, terms: KeyTerms, *, now_ms: int) -> KeyTerms:
        """Return the terms of a key as it will be made.

        Raises:
            InvalidRequestError: The app asks for more than the tenant allows.
        """
        return self._limited(self._lasting(terms, now_ms))

    def _limited(self, terms: KeyTerms) -> KeyTerms:
        most = self.max_limit_nano_usd
        if terms.spend_nano_usd is None:
            usual = most if self.limit_nano_usd is None else self.limit_nano_usd
            return replace(terms, spend_nano_usd=usual, period=self.period)
        if most is None:
            return terms
        if terms.spend_nano_usd > most:
            raise InvalidRequestError(f"limit must be at most {usd(most).normalize():f}")
        if _STRICTNESS.index(terms.period) > _STRICTNESS.index(self.period):
            raise InvalidRequestError("usage_limit_type must not reset more often than allowed")
        return terms

    def _lasting(self, terms: KeyTerms, now_ms: int) -> KeyTerms:
        if terms.expires_at_ms is None:
            life_s = self.max_life_s if self.life_s is None else self.life_s
            ends_ms = None if life_s is None else now_ms + life_s * _MS_PER_S
            return replace(terms, expires_at_ms=ends_ms)
        if terms.expires_at_ms <= now_ms:
            raise InvalidRequestError("expires_at must be in the future")
        if self.max_life_s and terms.expires_at_ms > now_ms + self.max_life_s * _MS_PER_S:
            raise InvalidRequestError(f"expires_at must be within {self.max_life_s} seconds")
        return terms


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """A tenant's settings.

    Attributes:
        oidc: None: users sign in by links that the tenant gives them.
        callbacks: Origins and URLs that callbacks must begin with; empty: any.
    """

    brand: Brand = field(default_factory=Brand)
    oidc: OidcClient | None = None
    callbacks: tuple[str, ...] = ()
    bounds: KeyBounds = field(default_factory=KeyBounds)


def is_endpoint(url: str, *, loopback: bool) -> bool:
    """Tell whether a URL of an issuer may be asked: https with a public name.

    Args:
        url: From a tenant, or from a document of an issuer.
        loopback: Whether this machine may be named too, over http: on Lambda it never may, because
            the runtime itself listens there.
    """
    if loopback and _LOOPBACK_ENDPOINT.fullmatch(url):
        return True
    return _ENDPOINT.fullmatch(url) is not None


class SignInSettingsStore(Protocol):
    """Where settings are kept. Every method may raise StoreUnavailableError."""

    def settings(self, tenant_id: TenantId) -> SignInSettings:
        """Return a tenant's settings, consistently read; the usual ones when it has set none."""
        ...

    def replace(
        self, tenant_id: TenantId, *, old: SignInSettings, new: SignInSettings, entry: AuditEntry
    ) -> bool:
        """Replace a tenant's settings and write the entry of the audit log, both or none.

        Returns:
            False when they are no more as they were read.
        """
        ...


class TenantFinder(Protocol):
    """Finds tenants by their id."""

    def find(self, tenant_id: TenantId) -> Tenant | None:
        """Return a tenant, consistently read; None when there is none.

        Raises:
            StoreUnavailableError: The store cannot answer.
        """
        ...
