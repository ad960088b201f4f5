"""Operations: what a client must know of a route, from which the OpenAPI document is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from weir.http.checks import Check

Schema = Mapping[str, Any]
"""A JSON Schema, as OpenAPI 3.1 has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route as its clients see it; the error envelope and who may call are told elsewhere.

    Attributes:
        summary: One sentence without a full stop.
        replies: Status → the `TypedDict` of its JSON body, or the media type of any other body.
        refusals: Statuses of the errors that the route itself can answer; those of its access, 500
            and 503 are everybody's.
        query: Schemas of the query parameters.
        required: Those of them that must be there.
        body: What checks the JSON body; None where none is read.
    """

    summary: str
    replies: Mapping[int, type | str]
    refusals: Sequence[int] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: Sequence[str] = ()
    body: Check | None = None
