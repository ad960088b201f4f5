"""ID tokens from a real issuer: who is believed, and the many who are not."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.support.forged_tokens import FORGERIES, RSA, STRANGER
from tests.support.oidc_issuer import CLIENT_ID, Claims, OidcIssuer, SigningKey, ec_key, rsa_key
from tests.support.oidc_visits import provider, sign_in
from weir.domain.errors import ForbiddenError


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.mark.parametrize("key", [RSA, ec_key("ec")], ids=["RS256", "ES256"])
def test_user_is_believed_when_the_issuer_says_so(issuer: OidcIssuer, key: SigningKey) -> None:
    issuer.rotate(key)
    issuer.user = "auth0|1234"

    assert sign_in(provider(), issuer).subject == "auth0|1234"


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": 50},
        {"exp": -50},
        {"nbf": 50},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"sub": "x" * 255},
    ],
    ids=str,
)
def test_token_is_believed_when_it_is_right_within_a_minute(
    issuer: OidcIssuer, changes: Claims
) -> None:
    issuer.token = lambda claims: issuer.key.sign(
        {
            **claims,
            **{
                name: int(time.time()) + value if isinstance(value, int) else value
                for name, value in changes.items()
            },
        }
    )

    assert sign_in(provider(), issuer).subject


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("ada@example.com", "ada@example.com"),
        (None, "ada"),
        (5, "ada"),
        ("a\nb", "ada"),
        ("", "ada"),
    ],
)
def test_user_is_called_by_an_address_when_there_is_one(
    issuer: OidcIssuer, email: object, shown: str
) -> None:
    issuer.token = lambda claims: issuer.key.sign({**claims, "email": email})

    assert sign_in(provider(), issuer).shown == shown


@pytest.mark.parametrize("name", FORGERIES)
def test_token_is_refused_when_it_proves_nothing(issuer: OidcIssuer, name: str) -> None:
    issuer.rotate(RSA)
    issuer.token = FORGERIES[name]

    with pytest.raises(ForbiddenError) as refusal:
        sign_in(provider(), issuer)

    assert refusal.value.message == (
        "The sign-in service does not confirm this sign-in; start again"
    )


@pytest.mark.parametrize(
    "published",
    [
        [],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}],
        [RSA.jwk, STRANGER.jwk],
        [{**RSA.jwk, "use": "enc"}],
        [{**RSA.jwk, "alg": "RS512"}],
        [{**RSA.jwk, "n": "!"}],
        [{**RSA.jwk, "kid": 5}],
        ["rsa"],
    ],
    ids=[
        "none",
        "secret",
        "two of one id",
        "encryption",
        "other algorithm",
        "broken",
        "id",
        "text",
    ],
)
def test_token_is_refused_when_no_one_key_fits(issuer: OidcIssuer, published: list[Any]) -> None:
    issuer.key, issuer.published = RSA, published or [ec_key("rsa").jwk]

    with pytest.raises(ForbiddenError):
        sign_in(provider(), issuer)


@pytest.mark.filterwarnings("ignore:The RSA key is:Warning")
def test_token_is_refused_when_its_key_is_short(issuer: OidcIssuer) -> None:
    issuer.rotate(rsa_key("short", bits=1024))

    with pytest.raises(ForbiddenError):
        sign_in(provider(), issuer)


def test_token_needs_no_key_id_when_there_is_one_key(issuer: OidcIssuer) -> None:
    key = issuer.key
    issuer.token = lambda claims: jwt.encode(claims, key.private, key.algorithm)

    assert sign_in(provider(), issuer).subject == "ada"
