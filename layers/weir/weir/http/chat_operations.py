"""What clients are told of the routes that answer; the bodies are upstream's own."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from weir.domain.errors import InvalidRequestError
from weir.http.chat_fields import FIELDS
from weir.http.checks import Check, described, nullable, record
from weir.http.completion_fields import TEXT_FIELDS
from weir.http.idempotency import MAX_KEY_CHARS
from weir.http.operations import Operation
from weir.http.schemas import Schema, any_of


class AnswerBody(TypedDict):
    """What the gateway vouches for in an answer; the other members are as upstream wrote them."""

    id: str
    choices: list[dict[str, Any]]
    usage: NotRequired[dict[str, Any]]


# Of the gateway itself, and what upstream answers before the first byte.
_REFUSALS = (402, 404, 408, 409, 410, 412, 422, 499, 524, 529)
_HEADERS: Mapping[str, Schema] = {
    "Idempotency-Key": {
        "type": "string",
        "pattern": "^[ -~]+$",
        "minLength": 1,
        "maxLength": MAX_KEY_CHARS,
        "description": "The same request under the same key is charged once and answered alike"
        " for 24 hours.",
    }
}
_REPLIES = {200: (AnswerBody, "text/event-stream")}

_MODEL = ("model", "models")
# Null means absent, and so does an empty list of models.
_NOTHING: tuple[object, ...] = (None, [])


def _body(fields: Mapping[str, Check], *groups: tuple[str, ...]) -> Check:
    """Return the check of a body of which each group has a member that says something."""
    body = record({name: nullable(check) for name, check in fields.items()})

    def describe() -> Schema:
        says = {"not": {"enum": list(_NOTHING)}}
        cases = [
            [{"required": [name], "properties": {name: says}} for name in group] for group in groups
        ]
        return {**body.schema, "allOf": [any_of(case) for case in cases]}

    @described(describe)
    def check(path: str, value: Any) -> None:
        body(path, value)
        for group in groups:
            if all(value.get(name) in _NOTHING for name in group):
                raise InvalidRequestError(f"{path}.{' or '.join(group)} is required")

    return check


OPERATIONS: Mapping[str, Operation] = {
    "POST /api/v1/chat/completions": Operation(
        summary="Answer a chat, in one piece or streamed",
        replies=_REPLIES,
        refusals=_REFUSALS,
        headers=_HEADERS,
        body=_body(FIELDS, _MODEL, ("messages", "prompt")),
    ),
    "POST /api/v1/completions": Operation(
        summary="Complete a text, in one piece or streamed",
        replies=_REPLIES,
        refusals=_REFUSALS,
        headers=_HEADERS,
        body=_body(TEXT_FIELDS, _MODEL, ("prompt",)),
    ),
}
"""By method and resource as the template has them."""
