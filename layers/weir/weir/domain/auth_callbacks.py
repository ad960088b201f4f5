"""Callback URLs: where an app wants the answer of a sign-in, and which of them a tenant allows.

A callback is only ever compared and appended to, so what a browser and this module could read
differently is refused: user information, backslashes, dot segments, names beyond ASCII.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode

from weir.domain.errors import InvalidRequestError

MAX_CHARS = 2_048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

PORT = (
    r"(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)
"""The port of a URL, as a group; it may be absent."""

# No segment begins with a dot or a percent sign: none is . or .. in any spelling. Some servers
# take %2F and %5C for the end of one, and what follows could then be either.
_PATH = (
    r"((?:/(?:[A-Za-z0-9_~!$&'()*+,;=:@-]"
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[Ff]|5[Cc]))*)?)*)"
)
_QUERY = r"(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]*)?"
CALLBACK = (
    r"(https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    + PORT
    + _PATH
    + _QUERY
)
"""What a callback URL looks like: https, or http on the user's machine; and no fragment."""

_CALLBACK = re.compile(CALLBACK)
_USUAL_PORT = {"http": 80, "https": 443}
_OURS = frozenset({"code", "state", "error", "error_description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A callback URL that is safe to answer to.

    Attributes:
        url: As the app wrote it.
        scheme: `https`, or `http` on this machine.
        host: In lower case.
        port: As written; None when it is the usual one.
        path: "" or beginning with a slash.
    """

    url: str
    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def origin(self) -> str:
        """Return scheme, host and port as a browser writes them."""
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def is_loopback(self) -> bool:
        """Tell whether it leads to the machine of the user."""
        return self.host in LOOPBACK

    def answered(self, **parameters: str | None) -> str:
        """Return the URL with these parameters added to its query; None leaves one out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        joint = "&" if "?" in self.url else "?"
        return f"{self.url}{'' if self.url.endswith(('?', '&')) else joint}{urlencode(given)}"


def read_callback(text: str) -> Callback:
    """Return a callback URL.

    Raises:
        InvalidRequestError: It is none that a code may be sent to; the message says why.
    """
    found = _CALLBACK.fullmatch(text)
    if found is None or len(text) > MAX_CHARS:
        _refuse(
            "must be an https URL, or http on localhost, 127.0.0.1 or [::1]: in ASCII, at most "
            "2048 characters, without a user name, a fragment, %2F or %5C in the path, or . or % "
            "at the beginning of a path segment"
        )
    scheme, _, host = found[1].lower().partition("://")
    if any(name in _OURS for name, _ in parse_qsl((found[4] or "")[1:], keep_blank_values=True)):
        _refuse("must not have code, state or error in its query")
    port = int(found[2]) if found[2] else None
    return Callback(
        url=text,
        scheme=scheme,
        host=host,
        port=None if port == _USUAL_PORT[scheme] else port,
        path=found[3],
    )


def read_allowed(text: str) -> Callback:
    """Return an entry of a tenant's list: an origin, or a URL whose path begins those it allows.

    Raises:
        InvalidRequestError: It is no callback URL, or has a query.
    """
    entry = read_callback(text)
    if "?" in text:
        _refuse("must not have a query where it stands for others")
    return entry


def is_allowed(callback: Callback, *, allowed: Sequence[str]) -> bool:
    """Tell whether a tenant's list allows a callback; an empty list allows every one."""
    return not allowed or any(_covers(read_allowed(entry), callback) for entry in allowed)


def _covers(entry: Callback, callback: Callback) -> bool:
    if (entry.scheme, entry.host) != (callback.scheme, callback.host):
        return False
    # A program on the user's machine takes whichever port is free (RFC 8252, section 7.3).
    any_port = entry.is_loopback and entry.port is None
    if entry.port != callback.port and not any_port:
        return False
    stem = entry.path.rstrip("/")
    return callback.path == entry.path or (callback.path or "/").startswith(f"{stem}/")


def _refuse(reason: str) -> NoReturn:
    raise InvalidRequestError(f"callback_url {reason}")
