"""What each page of sign-in says."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from weir.domain.answers import Reply
from weir.domain.auth_callbacks import Callback
from weir.domain.auth_codes import MAX_LABEL_CHARS, KeyTerms
from weir.domain.auth_requests import AuthRequest
from weir.domain.errors import ProviderError, WeirError
from weir.domain.sign_ins import form_token
from weir.http.auth_html import (
    Look,
    button,
    code_box,
    facts,
    form,
    hidden,
    link_button,
    page,
    paragraph,
    text_field,
)
from weir.http.wire_values import RESETS, dollars

_MS_PER_S = 1_000
_MAX_SHOWN_STATUS = 499
_BROKEN = "Something went wrong here. Please try again in a moment."


def sign_in_page(look: Look, *, app: str, way: str | None) -> Reply:
    """Tell a user how to sign in; `way` leads to the issuer, None when links do it."""
    told = f"Sign in at {look.name} to decide whether {app} may use it."
    if way is not None:
        body = [paragraph(told), link_button("Sign in", to=way)]
    else:
        body = [
            paragraph(told),
            paragraph(
                f"You sign in with a one-time link that {look.name} gives you. Open it in this "
                "browser, then return to the app and start again."
            ),
        ]
    return page(look, title="Sign in to continue", body=body)


def consent_page(
    look: Look, *, request: AuthRequest, user: str, to: str, session_token: str
) -> Reply:
    """Ask a user whether an app may have a key."""
    callback, asks = request.callback, asking(request.callback)
    pairs = [
        ("Signed in as", user),
        ("The key goes to", _destination(callback)),
        *_terms(request.terms),
    ]
    body = [
        paragraph(
            "It gets an API key of its own. What it sends with that key is charged to "
            f"{look.name}, within the limits below."
        ),
        facts(pairs),
        form(
            hidden("form_token", form_token(session_token)),
            text_field(
                "key_label",
                label="Name of the key",
                value=request.terms.label,
                max_chars=MAX_LABEL_CHARS,
            ),
            button("Allow", name="decision", value="approve", kind="main"),
            button("Cancel", name="decision", value="deny"),
            button("This is not me", name="decision", value="leave", kind="quiet"),
            to=to,
        ),
    ]
    # Browsers hold the redirect that follows a form to the same rule as the form itself.
    targets = "" if callback is None else _source(callback)
    return page(look, title=f"Allow {asks} to use {look.name}?", body=body, form_targets=targets)


def is_from(fields: Mapping[str, str], *, session_token: str) -> bool:
    """Tell whether a form came from a page of the session."""
    given = fields.get("form_token", "").encode()
    return hmac.compare_digest(given, form_token(session_token).encode())


def code_page(look: Look, *, code: str) -> Reply:
    """Show a code to be carried to the app."""
    body = [
        paragraph("Copy this code and paste it into the app. It works once, for ten minutes."),
        code_box(code),
        paragraph("Give it to nobody else.", note=True),
    ]
    return page(look, title="Your code", body=body)


def denied_page(look: Look) -> Reply:
    """Tell that nothing was given to an app that waits for a code to be typed in."""
    body = [paragraph("The app has got no key. You can close this page.")]
    return page(look, title="Access was not given", body=body)


def not_signed_in_page(look: Look, *, again: str) -> Reply:
    """Tell that the issuer sent the browser back without a user."""
    body = [
        paragraph("The sign-in was cancelled or refused, so nothing was given to the app."),
        link_button("Try again", to=again),
    ]
    return page(look, title="You are not signed in", body=body, status=403)


def link_page(look: Look, *, user: str, token: str, to: str, browser_token: str) -> Reply:
    """Ask whoever opens a one-time link to go on."""
    body = [
        paragraph(f"This link signs you in to {look.name} as {user}. It works once."),
        form(
            hidden("token", token),
            hidden("form_token", form_token(browser_token)),
            button("Continue", name="decision", value="open", kind="main"),
            to=to,
        ),
        paragraph("Not you? Then close this page and tell whoever sent you the link.", note=True),
    ]
    return page(look, title=f"Sign in as {user}", body=body)


def signed_in_page(look: Look) -> Reply:
    """Tell that a link has signed a user in, when no app waits."""
    body = [paragraph("For ten minutes, apps can ask you for access in this browser.")]
    return page(look, title="You are signed in", body=body)


def error_page(look: Look, error: WeirError) -> Reply:
    """Tell what went wrong, on a page that is nobody's."""
    is_told = error.status <= _MAX_SHOWN_STATUS or isinstance(error, ProviderError)
    text = error.message if is_told else _BROKEN
    # The name of a parameter is said as it is.
    sentence = text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]
    body = [
        paragraph(sentence if sentence.endswith(".") else f"{sentence}."),
        paragraph("Nothing was given to any app. You can close this page.", note=True),
    ]
    return page(look, title="This did not work", body=body, status=error.status)


def asking(callback: Callback | None) -> str:
    """Tell who asks: all that is known of an app is where it is answered."""
    if callback is None:
        return "an app"
    return "a program on this device" if callback.is_loopback else callback.host


def _destination(callback: Callback | None) -> str:
    if callback is None:
        return "a code for you to copy"
    return "this device" if callback.is_loopback else callback.host


def _terms(terms: KeyTerms) -> list[tuple[str, str]]:
    spend, ends_ms = terms.spend_nano_usd, terms.expires_at_ms
    limit = "none of its own"
    if spend is not None:
        reset = RESETS.get(terms.period)
        limit = f"${dollars(spend):f}" + (f", {reset}" if reset else " in total")
    ends = "never"
    if ends_ms is not None:
        ends = f"{datetime.fromtimestamp(ends_ms // _MS_PER_S, UTC):%-d %B %Y, %H:%M} UTC"
    return [("Spending limit", limit), ("Expires", ends)]


def _source(callback: Callback) -> str:
    # A policy cannot name an IPv6 address; it can name the scheme.
    return "http:" if callback.host == "[::1]" else callback.origin
