"""Authorization codes: given for a user's consent, exchanged once for an API key. ADR 0020."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from weir.domain.audit_log import Actor
from weir.domain.auth_callbacks import is_allowed
from weir.domain.auth_codes import (
    TOKEN_BYTES,
    AuthCode,
    AuthCodes,
    is_token,
    proves,
    token,
    token_hash,
    user_id,
)
from weir.domain.auth_requests import AuthRequest
from weir.domain.errors import ForbiddenError, InvalidRequestError
from weir.domain.key_standings import NewKey, spending_limits
from weir.domain.sign_in_settings import SignInSettings, TenantFinder
from weir.domain.tenants import Tenant
from weir.services.key_mints import KeyMint

# OpenRouter's own words, to the letter.
_UNKNOWN = "Invalid code"
_UNPROVEN = "Invalid code or code_verifier"
_EXPIRED = "Authorization code expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key that was made for a code.

    Attributes:
        secret: The key itself; exists nowhere else.
        user_id: Public id of the user; None when the tenant itself asked for the code.
    """

    secret: str
    user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthCodeDesk:
    """Gives codes out and takes them back. Every method may raise StoreUnavailableError.

    Attributes:
        mint: Makes the keys.
        random: Makes that many random bytes.
    """

    codes: AuthCodes
    tenants: TenantFinder
    mint: KeyMint
    random: Callable[[int], bytes]

    def agreed(self, request: AuthRequest, *, settings: SignInSettings, now_ms: int) -> AuthRequest:
        """Return a request within what its tenant allows, with what the tenant adds to it.

        Raises:
            InvalidRequestError: The callback or the key is not one that the tenant allows.
        """
        callback = request.callback
        if callback is not None and not is_allowed(callback, allowed=settings.callbacks):
            raise InvalidRequestError("callback_url is not one that is allowed here")
        terms = settings.bounds.applied(request.terms, now_ms=now_ms)
        return replace(request, terms=replace(terms, label=terms.label or request.app))

    def give(self, tenant: Tenant, *, request: AuthRequest, user: str, now_ms: int) -> str:
        """Make a user's code for a request that is `agreed`; it is returned this once."""
        giver = user_id(tenant, user)
        return self._given(tenant, request=request, user=user, giver=giver, now_ms=now_ms)

    def give_unasked(self, tenant: Tenant, *, request: AuthRequest, giver: str, now_ms: int) -> str:
        """Make a tenant's own code for a request that is `agreed`, without asking a user.

        Args:
            tenant: Whose.
            request: What the key shall be.
            giver: Label of the tenant's key that asks for the code.
            now_ms: Epoch milliseconds.
        """
        return self._given(tenant, request=request, user=None, giver=giver, now_ms=now_ms)

    def _given(
        self, tenant: Tenant, *, request: AuthRequest, user: str | None, giver: str, now_ms: int
    ) -> str:
        made = token(self.random(TOKEN_BYTES))
        callback = request.callback
        code = AuthCode(
            code_hash=token_hash(made),
            tenant_id=tenant.tenant_id,
            user=user,
            giver=giver,
            challenge=request.challenge,
            callback_url=None if callback is None else callback.url,
            terms=request.terms,
            created_ms=now_ms,
        )
        self.codes.put(code)
        return made

    def exchange(
        self, presented: str, *, verifier: str | None, request_id: str, now_ms: int
    ) -> IssuedKey:
        """Make the key that a code stands for.

        The first attempt uses the code up, whatever comes of it: a verifier cannot be guessed at,
        and of two exchanges at once one gets a key. After a crash in between there is no key, and
        the user agrees once more.

        Args:
            presented: The code, or anything else.
            verifier: Of PKCE.
            request_id: For the audit log.
            now_ms: Epoch milliseconds.

        Raises:
            InvalidRequestError: There is no such code, or it was used.
            ForbiddenError: It has expired, the verifier is not the right one, or the tenant is
                gone.
            ConflictError: No key could be made; the user must agree once more.
        """
        code = self._usable(presented, now_ms)
        if not self.codes.use(code.code_hash):
            raise InvalidRequestError(_UNKNOWN)
        if not proves(verifier, challenge=code.challenge):
            raise ForbiddenError(_UNPROVEN)
        tenant = self.tenants.find(code.tenant_id)
        if tenant is None or tenant.is_closed:
            raise ForbiddenError(_UNPROVEN)
        name = None if code.user is None else user_id(tenant, code.user)
        by = Actor(who=code.giver, request_id=request_id)
        _, secret = self.mint.make(tenant, wish=_wish(code, creator=name), by=by, now_ms=now_ms)
        return IssuedKey(secret=secret, user_id=name)

    def _usable(self, presented: str, now_ms: int) -> AuthCode:
        code = self.codes.find(token_hash(presented)) if is_token(presented) else None
        if code is None or code.is_used:
            raise InvalidRequestError(_UNKNOWN)
        if code.is_expired(now_ms=now_ms):
            raise ForbiddenError(_EXPIRED)
        return code


def _wish(code: AuthCode, *, creator: str | None) -> NewKey:
    terms = code.terms
    is_limited = terms.spend_nano_usd is not None
    return NewKey(
        name=terms.label,
        limits=spending_limits(terms.spend_nano_usd, period=terms.period if is_limited else None),
        expires_at_ms=terms.expires_at_ms,
        creator=creator,
        external_user=code.user,
    )
