"""Operations: what a client must know of a route, from which the OpenAPI document is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from weir.http.checks import Check
from weir.http.schemas import Schema

Body = type | str | None
"""The `TypedDict` of a JSON body, the media type of any other, or None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route as its clients see it; the error envelope and who may call are told elsewhere.

    Attributes:
        summary: One sentence without a full stop.
        replies: Status → its body, or its bodies when they differ in media type.
        refusals: Statuses of the errors that the route itself can answer in the error envelope;
            those of its access and of what it reads, 429, and 500 and above are everybody's.
        query: Schemas of the query parameters; an empty value counts as none.
        required: Those of them that must be there, and then with a value.
        headers: Schemas of request headers that only these routes read; all may be left out.
        body: What checks the JSON body; None where none is read.
        form: The schema of the fields that a page's form sends.
    """

    summary: str
    replies: Mapping[int, Body | tuple[Body, ...]]
    refusals: Sequence[int] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: Sequence[str] = ()
    headers: Mapping[str, Schema] = field(default_factory=dict)
    body: Check | None = None
    form: Schema | None = None
