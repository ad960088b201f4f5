"""What API Gateway answers by itself: the gateway responses of the template."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EXTENSION = "x-amazon-apigateway-gateway-responses"
DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'
_HEADER = "gatewayresponse.header."


class Refusal(StrEnum):
    """Why the gateway answers itself, in API Gateway's words."""

    BAD_REQUEST = "BAD_REQUEST_SYNTAX"
    HEAD_TOO_LARGE = "REQUEST_HEADER_FIELDS_TOO_LARGE"
    INTEGRATION_FAILURE = "INTEGRATION_FAILURE"
    INTEGRATION_TIMEOUT = "INTEGRATION_TIMEOUT"
    MISSING_AUTHENTICATION_TOKEN = "MISSING_AUTHENTICATION_TOKEN"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"


# Status unless the template sets one, and the message. A Lambda that crashes or answers in no known
# form is a 502; an unknown route is, in API Gateway's words, one without a token.
_DEFAULTS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.BAD_REQUEST: (400, "Bad Request"),
    Refusal.HEAD_TOO_LARGE: (431, "Request Header Fields Too Large"),
    Refusal.INTEGRATION_FAILURE: (502, "Internal server error"),
    Refusal.INTEGRATION_TIMEOUT: (504, "Endpoint request timed out"),
    Refusal.MISSING_AUTHENTICATION_TOKEN: (403, "Missing Authentication Token"),
    Refusal.REQUEST_TOO_LARGE: (413, "Request Too Long"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """One entry of the template; None means that it leaves the default."""

    status: int | None
    headers: tuple[tuple[str, str], ...]
    template: str | None


class GatewayResponses:
    """Finds and fills the template's gateway responses."""

    def __init__(self, configured: Mapping[str, GatewayResponse]) -> None:
        self._configured = configured

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "GatewayResponses":
        """Read the extension of an OpenAPI body whose intrinsic functions are resolved."""
        entries: Mapping[str, Mapping[str, Any]] = body.get(EXTENSION, {})
        return cls({kind: _parse(entry) for kind, entry in entries.items()})

    def answer(self, refusal: Refusal, *, request_id: str) -> Answer:
        """Return the response for a refusal."""
        status, message = _DEFAULTS[refusal]
        family = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"  # noqa: PLR2004 (where 5xx begins)
        entry = self._configured.get(refusal) or self._configured.get(family)
        if entry is None:
            entry = GatewayResponse(status=None, headers=(), template=None)
        values = {
            "$context.error.messageString": json.dumps(message),
            "$context.error.message": message,
            "$context.error.responseType": refusal.value,
            "$context.requestId": request_id,
        }
        # Longest first: `message` is the beginning of `messageString`.
        names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))
        body = re.sub(names, lambda match: values[match[0]], entry.template or DEFAULT_TEMPLATE)
        return Answer(
            status=entry.status or status,
            headers=(("Content-Type", "application/json"), *entry.headers),
            body=body.encode(),
        )


def _parse(entry: Mapping[str, Any]) -> GatewayResponse:
    status = entry.get("statusCode")
    return GatewayResponse(
        status=None if status is None else int(status),
        headers=static_headers(entry.get("responseParameters", {}), prefix=_HEADER),
        template=entry.get("responseTemplates", {}).get("application/json"),
    )


def static_headers(parameters: Mapping[str, str], *, prefix: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that response parameters set to quoted literals.

    Raises:
        ValueError: A parameter is mapped from something else, which is not supported here.
    """
    headers = []
    for name, value in parameters.items():
        if not (name.startswith(prefix) and re.fullmatch(r"'[^'$]*'", value)):
            raise ValueError(f"only quoted header values are supported, not {name}: {value}")
        headers.append((name.removeprefix(prefix), value[1:-1]))
    return tuple(headers)
