"""The query of `GET /models`: which parameters are read, and which can only be refused."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal

from weir.domain.errors import InvalidRequestError
from weir.domain.model_queries import DEFAULT_LIMIT, MAX_LIMIT, ModelQuery, Order, Range
from weir.http.events import ProxyEvent
from weir.http.queries import TEXT, text, whole, whole_schema
from weir.http.schemas import Schema

MAX_WORDS = 20

_MAX_OFFSET = 10**9
_MAX_CONTEXT = 10**12
_NUMBERS_END = 10**12
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?", re.ASCII)
_ALL = "all"
_SWITCH = ("true",)
# Neither the models nor upstream's answers to the queries below state what these go by.
_REFUSED = ("use_rss", "use_rss_chat_links", "min_tool_success_rate", "max_tool_success_rate")
# What only upstream knows of its models, with the values it takes: few enough to remember all.
_UPSTREAM_FILTERS = {
    "category": (
        "programming", "roleplay", "marketing", "marketing/seo", "technology", "science",
        "translation", "legal", "finance", "health", "trivia", "academia",
    ),
    "distillable": ("true", "false"),
    "region": ("eu", "us"),
}  # fmt: skip
_UPSTREAM_ORDERS = ("most-popular", "top-weekly", "throughput-high-to-low", "latency-low-to-high")
_ORDERS = (*Order, *_UPSTREAM_ORDERS)
_SCORES = ("intelligence_index", "coding_index", "agentic_index")
_RANGES = ("price", "output_price", "age_days", *_SCORES)

COUNT_PARAMETERS: Mapping[str, Schema] = {"output_modalities": TEXT}
"""What `count_query` reads."""
MODEL_PARAMETERS: Mapping[str, Schema] = {
    "offset": whole_schema(low=0, high=_MAX_OFFSET),
    "limit": whole_schema(low=1, high=MAX_LIMIT),
    "sort": {"type": "string", "enum": [*_ORDERS]},
    "q": TEXT,
    "arch": TEXT,
    **dict.fromkeys(
        (
            *("output_modalities", "input_modalities", "supported_parameters"),
            *("model_authors", "providers"),
        ),
        TEXT,
    ),
    "context": whole_schema(low=1, high=_MAX_CONTEXT),
    **{
        f"{end}_{name}": {"type": "number", "minimum": 0, "exclusiveMaximum": _NUMBERS_END}
        for name in _RANGES
        for end in ("min", "max")
    },
    **{name: {"type": "string", "enum": [*known]} for name, known in _UPSTREAM_FILTERS.items()},
    "distillable": {"type": "boolean"},
    "zdr": {"type": "boolean", "enum": [True]},
}
"""What `model_query` reads."""


def model_query(event: ProxyEvent) -> ModelQuery:
    """Read what a client asks of the list of models; an empty parameter is an absent one.

    Raises:
        InvalidRequestError: A value is none that the parameter takes, or the parameter is one that
            this gateway cannot honour: a list that ignores it would be wrong without a sign.
    """
    for name in _REFUSED:
        if text(event, name) not in {None, "false"}:
            raise InvalidRequestError(f"{name} is not supported by this gateway")
    offset = whole(event, "offset", low=0, high=_MAX_OFFSET)
    limit = whole(event, "limit", low=1, high=MAX_LIMIT)
    sort = _one_of(event, "sort", known=_ORDERS)
    context = whole(event, "context", low=1, high=_MAX_CONTEXT)
    return ModelQuery(
        offset=offset or 0,
        limit=DEFAULT_LIMIT if limit is None and offset is not None else limit,
        output_modalities=_output_modalities(event),
        input_modalities=_words(event, "input_modalities"),
        supported_parameters=_words(event, "supported_parameters"),
        authors=_words(event, "model_authors"),
        architecture=_lower(event, "arch"),
        text=_lower(event, "q"),
        context_tokens=Range(low=None if context is None else Decimal(context)),
        prompt_price=_range(event, "price"),
        completion_price=_range(event, "output_price"),
        age_days=_range(event, "age_days"),
        scores={name: _range(event, name) for name in _SCORES},
        order=None if sort is None or sort in _UPSTREAM_ORDERS else Order(sort),
        providers=tuple(sorted(_words(event, "providers"))),
        zdr=_one_of(event, "zdr", known=_SWITCH) is not None,
        selections=_selections(event, sort=sort),
    )


def count_query(event: ProxyEvent) -> ModelQuery:
    """Read what `GET /models/count` counts.

    Raises:
        InvalidRequestError: There are too many modalities.
    """
    return ModelQuery(output_modalities=_output_modalities(event))


def _output_modalities(event: ProxyEvent) -> frozenset[str] | None:
    words = _words(event, "output_modalities")
    return None if _ALL in words else words or ModelQuery().output_modalities


def _selections(event: ProxyEvent, *, sort: str | None) -> dict[str, str]:
    given = {name: _one_of(event, name, known=known) for name, known in _UPSTREAM_FILTERS.items()}
    given["sort"] = sort if sort in _UPSTREAM_ORDERS else None
    return {name: value for name, value in given.items() if value is not None}


def _one_of(event: ProxyEvent, name: str, *, known: Collection[str]) -> str | None:
    value = text(event, name)
    if value is not None and value not in known:
        raise InvalidRequestError(f"{name} must be one of: {', '.join(known)}")
    return value


def _range(event: ProxyEvent, name: str) -> Range:
    return Range(low=_number(event, f"min_{name}"), high=_number(event, f"max_{name}"))


def _number(event: ProxyEvent, name: str) -> Decimal | None:
    value = text(event, name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise InvalidRequestError(f"{name} must be a number that is not negative")
    return Decimal(value)


def _words(event: ProxyEvent, name: str) -> frozenset[str]:
    parts = (_lower(event, name) or "").split(",")
    found = frozenset(part.strip() for part in parts if part.strip())
    if len(found) > MAX_WORDS:
        raise InvalidRequestError(f"{name} may name at most {MAX_WORDS}")
    return found


def _lower(event: ProxyEvent, name: str) -> str | None:
    value = text(event, name)
    return None if value is None else value.lower()
