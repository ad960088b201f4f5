"""Who may call a route: each declares which keys it takes, and here alone that is checked."""

from dataclasses import dataclass
from enum import StrEnum

from weir.domain.api_keys import ApiKey, KeyKind
from weir.domain.errors import ForbiddenError
from weir.domain.ports import ApiKeyStore, OperatorKeys
from weir.http.events import ProxyEvent, bearer
from weir.services.authenticate import identify


class Access(StrEnum):
    """Which keys a route takes.

    NONE: no credential is looked at. OPTIONAL: none is needed, one that is sent must be good.
    INFERENCE, MANAGEMENT: a tenant's key of that kind. ANY: a tenant's key of either kind.
    OPERATOR: the operator's key, and no tenant's.
    """

    NONE = "none"
    OPTIONAL = "optional"
    INFERENCE = "inference"
    MANAGEMENT = "management"
    ANY = "any"
    OPERATOR = "operator"


_REFUSED_KINDS = {
    Access.INFERENCE: KeyKind.MANAGEMENT,
    Access.MANAGEMENT: KeyKind.INFERENCE,
}
_REFUSALS = {
    Access.INFERENCE: "Management keys cannot perform this operation; use an API key",
    Access.MANAGEMENT: "Only management keys can perform this operation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who was let through.

    Attributes:
        key: A tenant's key; None for the operator, and for a caller who sent none and needs none.
        operator: Name of the operator's key that was sent; None for everybody else.
    """

    key: ApiKey | None = None
    operator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets callers through, or not.

    Attributes:
        operator: None where no route is the operator's; such a route then admits nobody.
    """

    keys: ApiKeyStore
    key_prefix: str
    operator: OperatorKeys | None = None

    def admit(self, event: ProxyEvent, *, access: Access, now_ms: int) -> Caller:
        """Return a caller whom the route takes.

        Raises:
            InvalidApiKeyError: No key where one is needed, or one that is not good.
            ForbiddenError: A good key of another kind than the route takes.
            StoreUnavailableError: The key cannot be looked up.
        """
        if access is Access.NONE:
            return Caller()
        token = bearer(event)
        if access is Access.OPTIONAL and token is None:
            return Caller()
        if access is Access.OPERATOR and (holder := self._operator(token)) is not None:
            return Caller(operator=holder)
        key = identify(token, keys=self.keys, prefix=self.key_prefix, now_ms=now_ms)
        if access is Access.OPERATOR:
            raise ForbiddenError("Only the operator can perform this operation")
        if key.kind is _REFUSED_KINDS.get(access):
            raise ForbiddenError(_REFUSALS[access])
        return Caller(key=key)

    def _operator(self, token: str | None) -> str | None:
        return None if token is None or self.operator is None else self.operator.holder(token)
