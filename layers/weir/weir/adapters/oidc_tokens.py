"""ID tokens: verified with PyJWT against the keys of their issuer, and refused for any doubt.

Only RS256 and ES256 are taken, each with the one key that is made for it. Nothing of a token is
believed before its signature, but for the id of the key that it is to be verified with.
"""

import hmac
from collections.abc import Callable, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from weir.adapters.oidc_documents import Document
from weir.domain.errors import ForbiddenError
from weir.domain.sign_in_settings import OidcClient
from weir.domain.sign_ins import MAX_USER_CHARS, Person

LEEWAY_S = 60
MAX_TOKEN_CHARS = 16_384

_MIN_RSA_BITS = 2_048
_MAX_KEY_ID_CHARS = 256
_KEY_TYPES = {"RS256": ("RSA", None), "ES256": ("EC", "P-256")}
_REQUIRED = ("iss", "aud", "exp", "iat", "sub", "nonce")
_UNPROVEN = "The sign-in service does not confirm this sign-in; start again"

KeysOf = Callable[[str | None], Sequence[Document]]
"""Returns the keys of the issuer, among them the one of this id if there is one."""


def verified_person(id_token: Any, *, client: OidcClient, nonce: str, keys_of: KeysOf) -> Person:
    """Return whom an ID token is about.

    Args:
        id_token: As the issuer's token endpoint sent it.
        client: Whose issuer, and as whom this gateway asked.
        nonce: That of the login.
        keys_of: Finds the keys of the issuer.

    Raises:
        ForbiddenError: The token proves nothing; whatever is wrong, it reads the same.
        ProviderError: The keys cannot be had.
    """
    try:
        claims = _claims(id_token, client=client, keys_of=keys_of)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        claims = {}
    subject, given = claims.get("sub"), claims.get("nonce")
    is_ours = isinstance(given, str) and given.isascii() and hmac.compare_digest(given, nonce)
    if not is_ours or not _is_name(subject) or not _is_for(client, claims):
        raise ForbiddenError(_UNPROVEN)
    email = claims.get("email")
    return Person(subject=str(subject), shown=str(email if _is_name(email) else subject))


def refused() -> ForbiddenError:
    """Return the error of a sign-in that its issuer does not confirm."""
    return ForbiddenError(_UNPROVEN)


def _claims(id_token: Any, *, client: OidcClient, keys_of: KeysOf) -> dict[str, Any]:
    if not isinstance(id_token, str) or len(id_token) > MAX_TOKEN_CHARS:
        raise ValueError("the ID token is no text, or too long")
    header = jwt.get_unverified_header(id_token)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in _KEY_TYPES or "crit" in header or _type(header) != "jwt":
        raise ValueError("the ID token is signed in no way that is taken here")
    if key_id is not None and not 0 < len(key_id) <= _MAX_KEY_ID_CHARS:
        raise ValueError("the ID token names no key")
    (key,) = (key for key in keys_of(key_id) if _fits(key, algorithm=algorithm, key_id=key_id))
    public = jwt.PyJWK(dict(key), algorithm=algorithm).key
    if isinstance(public, RSAPublicKey) and public.key_size < _MIN_RSA_BITS:
        raise ValueError("the key is too short to prove anything")
    return jwt.decode(
        id_token,
        key=public,
        algorithms=[algorithm],
        audience=client.client_id,
        issuer=client.issuer,
        leeway=LEEWAY_S,
        options={"require": list(_REQUIRED)},
    )


def _type(header: dict[str, Any]) -> str:
    """Return the type of a token; an access token (`at+jwt`) is none that tells who signed in."""
    return str(header.get("typ", "JWT")).lower()


def _fits(key: Document, *, algorithm: str, key_id: str | None) -> bool:
    kind, curve = _KEY_TYPES[algorithm]
    return (
        (key_id is None or key.get("kid") == key_id)
        and key.get("kty") == kind
        and key.get("crv") == curve
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _is_for(client: OidcClient, claims: dict[str, Any]) -> bool:
    """Tell whether the token was made for this client and not for another one beside it."""
    audience = claims.get("aud")
    is_only = isinstance(audience, str) or len(audience or ()) == 1
    party = claims.get("azp", client.client_id if is_only else None)
    return bool(party == client.client_id)


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_USER_CHARS
        and value.isascii()
        and value.isprintable()
    )
