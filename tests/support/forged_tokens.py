"""ID tokens that prove nothing, each made of the claims of a good one."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from tests.support.oidc_issuer import CLIENT_ID, Claims, SigningKey, ec_key, rsa_key

RSA, STRANGER = rsa_key("rsa"), rsa_key("rsa")


def _raw(header: dict[str, Any], claims: Claims, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _public_pem(key: SigningKey) -> bytes:
    made: bytes = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return made


def _hmac_with_public_key(claims: Claims) -> str:
    """The confusion of RS256 with HS256: the published key taken for a secret."""
    unsigned = _raw({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims).rpartition(".")[0]
    made = hmac.digest(_public_pem(RSA), unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def _changed(**changes: Any) -> Callable[[Claims], str]:
    def sign(claims: Claims) -> str:
        values = {**claims, **changes}
        return RSA.sign({name: value for name, value in values.items() if value is not None})

    return sign


def _headed(**header: Any) -> Callable[[Claims], str]:
    return lambda claims: RSA.sign(claims, **header)


def _tampered(claims: Claims) -> str:
    head, _, tail = RSA.sign(claims).split(".")
    body = _raw({}, {**claims, "sub": "eve"}).split(".")[1]
    return f"{head}.{body}.{tail}"


NOW = int(time.time())
FORGERIES: dict[str, Callable[[Claims], Any]] = {
    "none": lambda claims: _raw({"alg": "none", "typ": "JWT"}, claims),
    "none with a key id": lambda claims: _raw({"alg": "none", "kid": "rsa"}, claims),
    "HS256 with the public key": _hmac_with_public_key,
    "HS256": lambda claims: jwt.encode(claims, "s" * 32, headers={"kid": "rsa"}),
    "RS512": lambda claims: jwt.encode(claims, RSA.private, "RS512", headers={"kid": "rsa"}),
    "PS256": lambda claims: jwt.encode(claims, RSA.private, "PS256", headers={"kid": "rsa"}),
    "ES256 under an RSA key's id": lambda claims: ec_key("rsa").sign(claims),
    "another key under this id": STRANGER.sign,
    "unknown key id": _headed(kid="unknown"),
    "empty key id": _headed(kid=""),
    "long key id": _headed(kid="k" * 257),
    "a key in the header": _headed(kid="unknown", jwk=STRANGER.jwk),
    "a key elsewhere": _headed(kid="unknown", jku="https://evil.example/jwks"),
    "critical extension": _headed(crit=["x"], x=1),
    "access token": _headed(typ="at+jwt"),
    "tampered": _tampered,
    "no signature": lambda claims: RSA.sign(claims).rpartition(".")[0] + ".",
    "two parts": lambda claims: RSA.sign(claims).rpartition(".")[0],
    "no token": lambda _claims: None,
    "number": lambda _claims: 5,
    "garbage": lambda _claims: "x.y.z",
    "too long": _changed(filler="x" * 17_000),
    "other issuer": _changed(iss="https://mallory.example"),
    "issuer with a slash": lambda claims: RSA.sign({**claims, "iss": claims["iss"] + "/"}),
    "no issuer": _changed(iss=None),
    "other audience": _changed(aud="other"),
    "no audience": _changed(aud=None),
    "empty audience": _changed(aud=[]),
    "audience with others and no party": _changed(aud=[CLIENT_ID, "other"]),
    "other party": _changed(azp="other"),
    "expired": _changed(exp=NOW - 61),
    "no expiry": _changed(exp=None),
    "expiry that is text": _changed(exp="never"),
    "expiry that is infinite": _changed(exp=float("inf")),
    "made in the future": _changed(iat=NOW + 86_400),
    "no time of making": _changed(iat=None),
    "not yet valid": _changed(nbf=NOW + 86_400),
    "other nonce": _changed(nonce="another"),
    "no nonce": _changed(nonce=None),
    "nonce that is a number": _changed(nonce=5),
    "nonce that is no text": lambda claims: _raw_signed({**claims, "nonce": "\ud800"}),
    "no subject": _changed(sub=None),
    "empty subject": _changed(sub=""),
    "subject that is a number": lambda claims: _raw_signed({**claims, "sub": 5}),
    "long subject": _changed(sub="x" * 256),
    "subject with a line break": _changed(sub="ada\nadmin"),
}


def _raw_signed(claims: Claims) -> str:
    """Sign what PyJWT would not encode."""
    payload = json.dumps(claims).encode()
    return jwt.api_jws.PyJWS().encode(payload, RSA.private, "RS256", headers={"kid": "rsa"})
