"""Request headers that travel upstream; every other one is left behind."""

from collections.abc import Mapping

from weir.domain.errors import InvalidRequestError
from weir.http.namespaces import namespaced

SESSION_HEADER = "X-Session-Id"

_MAX_CHARS = 256
_FORWARDED = {
    "HTTP-Referer": 1024,
    "X-Title": _MAX_CHARS,
    "X-OpenRouter-Title": _MAX_CHARS,
    "X-OpenRouter-Categories": _MAX_CHARS,
    "X-OpenRouter-App-Visibility": _MAX_CHARS,
    "X-OpenRouter-Metadata": _MAX_CHARS,
    "X-OpenRouter-Experimental-Metadata": _MAX_CHARS,
    "x-anthropic-beta": _MAX_CHARS,
    SESSION_HEADER: _MAX_CHARS,
}


def forwarded_headers(headers: Mapping[str, str], *, namespace_key: bytes) -> dict[str, str]:
    """Return the allow-listed headers of a request, the session id namespaced.

    Raises:
        InvalidRequestError: One of them is too long or not printable ASCII.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    forwarded = {}
    for name, max_chars in _FORWARDED.items():
        value = given.get(name.lower())
        if value:
            _check(name, value, max_chars=max_chars)
            forwarded[name] = value
    if SESSION_HEADER in forwarded:
        forwarded[SESSION_HEADER] = namespaced(
            forwarded[SESSION_HEADER], field="session_id", namespace_key=namespace_key
        )
    return forwarded


def _check(name: str, value: str, *, max_chars: int) -> None:
    if len(value) > max_chars:
        raise InvalidRequestError(
            f"Header {name} must have at most {max_chars} characters, got {len(value)}"
        )
    if not (value.isascii() and value.isprintable()):
        raise InvalidRequestError(f"Header {name} must be printable ASCII")
