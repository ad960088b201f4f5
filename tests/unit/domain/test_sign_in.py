"""Codes, PKCE, users' ids, and what a tenant decides about sign-in."""

from dataclasses import replace

import pytest

from tests.support.fakes import TENANT
from weir.domain.auth_callbacks import read_callback
from weir.domain.auth_codes import (
    CODE_LIFE_MS,
    AuthCode,
    KeyTerms,
    challenge_of,
    is_challenge,
    is_token,
    proves,
    token,
    token_hash,
    user_id,
)
from weir.domain.auth_requests import AuthRequest
from weir.domain.errors import InvalidRequestError
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.sign_in_settings import KeyBounds, is_endpoint
from weir.domain.sign_ins import form_token
from weir.domain.tenants import TenantId

USD = 10**9
NOW_MS = 1_795_003_200_000
# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_challenge_is_that_of_rfc_7636() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    assert is_challenge(CHALLENGE)
    assert proves(VERIFIER, challenge=CHALLENGE)


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        VERIFIER[:-1],
        VERIFIER + "x",
        VERIFIER.swapcase(),
        CHALLENGE,
        "a" * 42,
        "a" * 129,
        "é" * 43,
        VERIFIER[:-1] + "+",
    ],
)
def test_nothing_is_proved_when_the_verifier_is_another(verifier: str | None) -> None:
    assert not proves(verifier, challenge=CHALLENGE)
    if verifier is not None:
        # Not even when its challenge was made of it: RFC 7636 bounds its form.
        in_form = 43 <= len(verifier) <= 128 and verifier.isascii() and "+" not in verifier
        assert proves(verifier, challenge=challenge_of(verifier)) is in_form


@pytest.mark.parametrize("text", ["", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "="])
def test_challenge_is_refused_when_it_is_no_digest(text: str) -> None:
    assert not is_challenge(text)
    assert not is_token(text)


def test_token_is_found_again_by_its_digest_alone() -> None:
    made = token(bytes(range(32)))

    assert is_token(made)
    assert token_hash(made) != token_hash(token(bytes(32)))
    assert made not in token_hash(made)


def test_code_expires_after_ten_minutes() -> None:
    code = AuthCode(
        code_hash="",
        tenant_id=TENANT.tenant_id,
        user=None,
        giver="",
        challenge=CHALLENGE,
        callback_url=None,
        terms=KeyTerms(label="app"),
        created_ms=NOW_MS,
    )

    assert not code.is_expired(now_ms=NOW_MS + CODE_LIFE_MS - 1)
    assert code.is_expired(now_ms=NOW_MS + CODE_LIFE_MS)


def test_user_has_one_id_in_a_tenant_and_another_one_elsewhere() -> None:
    other = replace(TENANT, namespace_key=b"o" * 32)

    assert user_id(TENANT, "ada") == user_id(TENANT, "ada")
    assert user_id(TENANT, "ada").startswith("user_")
    assert len({user_id(TENANT, "ada"), user_id(TENANT, "bob"), user_id(other, "ada")}) == 3


def test_form_belongs_to_one_session() -> None:
    assert form_token("a") == form_token("a") != form_token("b")


@pytest.mark.parametrize(
    ("callback", "app"),
    [
        (None, "App"),
        ("http://localhost:1/cb", "App"),
        ("https://app.example/cb", "app.example"),
    ],
)
def test_app_is_called_by_its_host_when_it_has_no_label(callback: str | None, app: str) -> None:
    request = AuthRequest(
        callback=None if callback is None else read_callback(callback),
        challenge=CHALLENGE,
        terms=KeyTerms(label="mine"),
    )
    other = replace(TENANT, tenant_id=TenantId("other"))

    assert request.app == app
    assert request.labelled("").terms.label == "mine"
    assert request.labelled("new").terms.label == "new"
    assert 0 <= request.app_id(TENANT) < 2**31
    assert request.app_id(TENANT) != request.app_id(other)


@pytest.mark.parametrize(
    ("bounds", "asked", "given"),
    [
        (KeyBounds(), (None, "total", None), (None, "total", None)),
        (KeyBounds(), (7, "daily", 60), (7, "daily", 60)),
        (KeyBounds(limit_nano_usd=NanoUsd(5 * USD)), (None, "total", None), (5, "total", None)),
        (
            KeyBounds(limit_nano_usd=NanoUsd(5 * USD), period=LimitPeriod.WEEKLY),
            (None, "total", None),
            (5, "weekly", None),
        ),
        (KeyBounds(max_limit_nano_usd=NanoUsd(9 * USD)), (None, "total", None), (9, "total", None)),
        (KeyBounds(max_limit_nano_usd=NanoUsd(9 * USD)), (9, "total", None), (9, "total", None)),
        (
            KeyBounds(max_limit_nano_usd=NanoUsd(9 * USD), period=LimitPeriod.WEEKLY),
            (9, "monthly", None),
            (9, "monthly", None),
        ),
        (KeyBounds(life_s=100), (None, "total", None), (None, "total", 100)),
        (KeyBounds(life_s=100), (None, "total", 500), (None, "total", 500)),
        (KeyBounds(max_life_s=100), (None, "total", None), (None, "total", 100)),
        (KeyBounds(max_life_s=100), (None, "total", 100), (None, "total", 100)),
    ],
)
def test_key_gets_what_is_usual_when_its_app_asks_for_nothing(
    bounds: KeyBounds, asked: tuple[int | None, str, int | None], given: object
) -> None:
    terms = bounds.applied(_terms(*asked), now_ms=NOW_MS)

    spend, ends_ms = terms.spend_nano_usd, terms.expires_at_ms
    assert given == (
        None if spend is None else spend // USD,
        terms.period.name.lower(),
        None if ends_ms is None else (ends_ms - NOW_MS) // 1_000,
    )


@pytest.mark.parametrize(
    ("bounds", "asked", "named"),
    [
        (KeyBounds(max_limit_nano_usd=NanoUsd(9 * USD)), (10, "total", None), "at most 9"),
        (KeyBounds(max_limit_nano_usd=NanoUsd(9 * USD)), (9, "monthly", None), "usage_limit_type"),
        (
            KeyBounds(max_limit_nano_usd=NanoUsd(9 * USD), period=LimitPeriod.WEEKLY),
            (1, "daily", None),
            "usage_limit_type",
        ),
        (KeyBounds(max_life_s=100), (None, "total", 101), "within 100 seconds"),
        (KeyBounds(), (None, "total", 0), "future"),
    ],
)
def test_app_is_refused_when_it_asks_for_more_than_the_tenant_allows(
    bounds: KeyBounds, asked: tuple[int | None, str, int | None], named: str
) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        bounds.applied(_terms(*asked), now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("url", "taken", "taken_here"),
    [
        ("https://login.example.com", True, True),
        ("https://login.example.com:8443/realms/a", True, True),
        ("https://login.example.com:65535", True, True),
        ("http://127.0.0.1:9000/x", False, True),
        ("https://login.example.com:65536", False, False),
        ("https://login.example.com:0443", False, False),
        ("http://127.0.0.1:99999", False, False),
        ("http://localhost", False, True),
        ("http://login.example.com", False, False),
        ("https://127.0.0.1", False, False),
        ("https://169.254.169.254/latest", False, False),
        ("https://0x7f.1", False, False),
        ("https://127.0.0.0x1", False, False),
        ("https://2130706433", False, False),
        ("https://[::1]/", False, False),
        ("https://localhost", False, False),
        ("https://user@login.example.com", False, False),
        ("https://login.example.com#x", False, False),
        ("https://login.example.com\\x", False, False),
        ("https://login.example.com/a b", False, False),
        ("http://127.0.0.1.example.com", False, False),
        ("file:///etc/passwd", False, False),
    ],
)
def test_issuer_is_asked_when_it_has_a_public_name(
    url: str, *, taken: bool, taken_here: bool
) -> None:
    assert is_endpoint(url, loopback=False) is taken
    assert is_endpoint(url, loopback=True) is taken_here


def _terms(limit: int | None, period: str, life_s: int | None) -> KeyTerms:
    return KeyTerms(
        label="app",
        spend_nano_usd=None if limit is None else NanoUsd(limit * USD),
        period=LimitPeriod[period.upper()],
        expires_at_ms=None if life_s is None else NOW_MS + life_s * 1_000,
    )
