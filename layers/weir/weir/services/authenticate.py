"""Who is asking: from a bearer token to a stored API key."""

from weir.domain.api_keys import ApiKey, KeyKind, is_well_formed, key_hash
from weir.domain.errors import ForbiddenError, InvalidApiKeyError
from weir.domain.ports import ApiKeyStore


def authenticate(bearer: str | None, *, keys: ApiKeyStore, prefix: str, now_ms: int) -> ApiKey:
    """Return the inference key behind a bearer token, see `identify`.

    Raises:
        InvalidApiKeyError: No token, or one that is malformed, unknown, disabled or expired.
        ForbiddenError: A management key, which cannot call completion endpoints.
        StoreUnavailableError: The key store cannot answer.
    """
    key = identify(bearer, keys=keys, prefix=prefix, now_ms=now_ms)
    if key.kind is not KeyKind.INFERENCE:
        raise ForbiddenError("Management keys cannot call completion endpoints; use an API key")
    return key


def identify(bearer: str | None, *, keys: ApiKeyStore, prefix: str, now_ms: int) -> ApiKey:
    """Return the key behind a bearer token, of either kind; a garbled one costs no look-up.

    Every refusal of a presented key reads the same, so that nobody can tell which keys exist.

    Raises:
        InvalidApiKeyError: No token, or one that is malformed, unknown, disabled, expired, or of a
            tenant that is closed.
        StoreUnavailableError: The key store cannot answer.
    """
    if bearer is None:
        raise InvalidApiKeyError("Missing Authentication header: send Authorization: Bearer <key>")
    key = keys.find(key_hash(bearer)) if is_well_formed(bearer, prefix=prefix) else None
    if key is None or key.disabled or key.is_expired(now_ms=now_ms) or key.tenant.is_closed:
        raise InvalidApiKeyError("Invalid API key: it is unknown, disabled or expired")
    return key
