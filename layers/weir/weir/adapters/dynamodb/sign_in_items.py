"""Rows of sign-ins and codes in the ephemeral table: the only place that spells them.

    LOGIN#<sha256 of the state>      tn tenant   is issuer   nc nonce   vf verifier
                                     br SHA-256 of the browser's token   ru redirect URI
                                     q what the app asked for
    LINK#<sha256 of the token>       tn tenant   u user   q as there, absent when nothing
    SESSION#<sha256 of the token>    tn tenant   u user   sh what the user is called
    CODE#<sha256 of the code>        tn tenant   u user   gv giver   ch challenge
                                     cb callback URL   lb label
                                     lim spending limit   per its period   exp expiry of the key,
                                     epoch ms   ct creation, epoch ms   us used

All have `ttl`, all but codes `until`, epoch ms: DynamoDB may take days to remove a row.
"""

from weir.adapters.dynamodb.schema import integer, number, present, string, text
from weir.adapters.dynamodb.wire import Item
from weir.domain.auth_codes import AuthCode, KeyTerms
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.sign_ins import Link, Login, Session
from weir.domain.tenants import TenantId

# An expired code is told from an unknown one for that long.
CODE_KEPT_S = 24 * 60 * 60

_MS_PER_S = 1_000
_CODE = "CODE#"


def login_key(state_hash: str) -> Item:
    """Return the key of a login."""
    return {"pk": text(f"LOGIN#{state_hash}")}


def link_key(link_hash: str) -> Item:
    """Return the key of a link."""
    return {"pk": text(f"LINK#{link_hash}")}


def session_key(session_hash: str) -> Item:
    """Return the key of a session."""
    return {"pk": text(f"SESSION#{session_hash}")}


def code_key(code_hash: str) -> Item:
    """Return the key of a code."""
    return {"pk": text(f"{_CODE}{code_hash}")}


def encode_login(state_hash: str, login: Login) -> Item:
    """Return the row of a login."""
    return {
        **login_key(state_hash),
        "tn": text(login.tenant_id),
        "is": text(login.issuer),
        "nc": text(login.nonce),
        "vf": text(login.verifier),
        "br": text(login.browser_hash),
        "ru": text(login.redirect_uri),
        "q": text(login.query),
        **_until(login.until_ms),
    }


def decode_login(item: Item) -> Login:
    """Return the login of a row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return Login(
        tenant_id=TenantId(string(item, "tn")),
        issuer=string(item, "is"),
        nonce=string(item, "nc"),
        verifier=string(item, "vf"),
        browser_hash=string(item, "br"),
        redirect_uri=string(item, "ru"),
        query=string(item, "q"),
        until_ms=number(item, "until"),
    )


def encode_link(link_hash: str, link: Link) -> Item:
    """Return the row of a link."""
    item = {
        **link_key(link_hash),
        "tn": text(link.tenant_id),
        "u": text(link.user),
        "q": text(link.query) if link.query else None,
        **_until(link.until_ms),
    }
    return present(item)


def decode_link(item: Item) -> Link:
    """Return the link of a row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return Link(
        tenant_id=TenantId(string(item, "tn")),
        user=string(item, "u"),
        query=string(item, "q") if "q" in item else "",
        until_ms=number(item, "until"),
    )


def encode_session(session_hash: str, session: Session) -> Item:
    """Return the row of a session."""
    return {
        **session_key(session_hash),
        "tn": text(session.tenant_id),
        "u": text(session.user),
        "sh": text(session.shown),
        **_until(session.until_ms),
    }


def decode_session(item: Item) -> Session:
    """Return the session of a row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return Session(
        tenant_id=TenantId(string(item, "tn")),
        user=string(item, "u"),
        shown=string(item, "sh"),
        until_ms=number(item, "until"),
    )


def encode_code(code: AuthCode) -> Item:
    """Return the row of a new code."""
    terms = code.terms
    spend, expires_at_ms = terms.spend_nano_usd, terms.expires_at_ms
    item = {
        **code_key(code.code_hash),
        "tn": text(code.tenant_id),
        "u": None if code.user is None else text(code.user),
        "gv": text(code.giver),
        "ch": text(code.challenge),
        "cb": None if code.callback_url is None else text(code.callback_url),
        "lb": text(terms.label),
        "lim": None if spend is None else integer(spend),
        "per": text(terms.period),
        "exp": None if expires_at_ms is None else integer(expires_at_ms),
        "ct": integer(code.created_ms),
        "ttl": integer(code.created_ms // _MS_PER_S + CODE_KEPT_S),
    }
    return present(item)


def decode_code(item: Item) -> AuthCode:
    """Return the code of a row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return AuthCode(
        code_hash=string(item, "pk").removeprefix(_CODE),
        tenant_id=TenantId(string(item, "tn")),
        user=string(item, "u") if "u" in item else None,
        giver=string(item, "gv"),
        challenge=string(item, "ch"),
        callback_url=string(item, "cb") if "cb" in item else None,
        terms=KeyTerms(
            label=string(item, "lb"),
            spend_nano_usd=NanoUsd(number(item, "lim")) if "lim" in item else None,
            period=LimitPeriod(string(item, "per")),
            expires_at_ms=number(item, "exp") if "exp" in item else None,
        ),
        created_ms=number(item, "ct"),
        is_used="us" in item,
    )


def _until(until_ms: int) -> Item:
    return {"until": integer(until_ms), "ttl": integer(until_ms // _MS_PER_S + 1)}
