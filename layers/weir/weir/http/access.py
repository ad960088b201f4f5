"""Who may call a route: each declares which keys it takes, and here alone that is checked."""

from dataclasses import dataclass
from enum import StrEnum

from weir.domain.api_keys import ApiKey, KeyKind
from weir.domain.errors import ForbiddenError
from weir.domain.ports import ApiKeyStore, OperatorKey
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
class Gate:
    """Lets callers through, or not.

    Attributes:
        operator: None where no route is the operator's; such a route then admits nobody.
    """

    keys: ApiKeyStore
    key_prefix: str
    operator: OperatorKey | None = None

    def admit(self, event: ProxyEvent, *, access: Access, now_ms: int) -> ApiKey | None:
        """Return the key of a caller whom the route takes.

        Returns:
            None for the operator, and for a caller who sent no key and needs none.

        Raises:
            InvalidApiKeyError: No key where one is needed, or one that is not good.
            ForbiddenError: A good key of another kind than the route takes.
            StoreUnavailableError: The key cannot be looked up.
        """
        if access is Access.NONE:
            return None
        token = bearer(event)
        if access is Access.OPTIONAL and token is None:
            return None
        if access is Access.OPERATOR and self._is_operator(token):
            return None
        key = identify(token, keys=self.keys, prefix=self.key_prefix, now_ms=now_ms)
        if access is Access.OPERATOR:
            raise ForbiddenError("Only the operator can perform this operation")
        if key.kind is _REFUSED_KINDS.get(access):
            raise ForbiddenError(_REFUSALS[access])
        return key

    def _is_operator(self, token: str | None) -> bool:
        return token is not None and self.operator is not None and self.operator.is_that(token)
