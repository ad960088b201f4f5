"""What a client asks of the list of models: filters, order and page.

A model that does not state what a filter asks for does not pass it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from weir.domain.catalogue import Entry
from weir.domain.catalogue_prices import price

DEFAULT_LIMIT = 500
MAX_LIMIT = 1_000

_MS_PER_DAY = Decimal(86_400_000)
_TOKENS_PER_PRICE = 10**6
_TEXT = frozenset({"text"})


class Order(StrEnum):
    """The orders that follow from the models themselves."""

    NEWEST = "newest"
    CHEAPEST = "pricing-low-to-high"
    DEAREST = "pricing-high-to-low"
    LONGEST = "context-high-to-low"
    MOST_INTELLIGENT = "intelligence-high-to-low"
    BEST_CODER = "coding-high-to-low"
    BEST_AGENT = "agentic-high-to-low"
    BEST_DESIGNER = "design-arena-elo-high-to-low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included; None is no bound."""

    low: Decimal | None = None
    high: Decimal | None = None

    def holds(self, number: Decimal | None) -> bool:
        """Tell whether a number is in the range; one that is not known is only without bounds."""
        if self.low is None and self.high is None:
            return True
        if number is None:
            return False
        return (self.low is None or self.low <= number) and (
            self.high is None or number <= self.high
        )


ANY = Range()
"""No bound at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuery:
    """What is asked for; nothing else than given, and all of it when nothing is.

    Attributes:
        offset: How many models that match are left out.
        limit: How many are wanted at most; None wants them all.
        output_modalities: One of them is enough; None takes a model of any.
        input_modalities, supported_parameters: All of them are needed.
        authors, architecture, text: In lower case.
        prompt_price, completion_price: USD for a million tokens.
        scores: Ranges of Artificial Analysis' figures by name, as `coding_index`.
        order: None leaves the models in upstream's order.
        providers: Names or slugs; a model of one of them is wanted.
        selections: Filters and orders that only upstream knows the models of, by name.
    """

    offset: int = 0
    limit: int | None = None
    output_modalities: frozenset[str] | None = _TEXT
    input_modalities: frozenset[str] = frozenset()
    supported_parameters: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    architecture: str | None = None
    text: str | None = None
    context_tokens: Range = ANY
    prompt_price: Range = ANY
    completion_price: Range = ANY
    age_days: Range = ANY
    scores: Mapping[str, Range] = field(default_factory=dict)
    order: Order | None = None
    providers: tuple[str, ...] = ()
    zdr: bool = False
    selections: Mapping[str, str] = field(default_factory=dict)

    def selects(self, model: Entry, *, now_ms: int) -> bool:
        """Tell whether a model is wanted, as far as it says itself."""
        return self._has_kind(model) and self._has_name(model) and self._has_figures(model, now_ms)

    def _has_kind(self, model: Entry) -> bool:
        architecture = _object(model, "architecture")
        family = str(architecture.get("tokenizer")).lower()
        outputs = _words(architecture, "output_modalities")
        return (
            (self.output_modalities is None or not self.output_modalities.isdisjoint(outputs))
            and self.input_modalities <= _words(architecture, "input_modalities")
            and self.supported_parameters <= _words(model, "supported_parameters")
            and self.architecture in (None, family)
        )

    def _has_name(self, model: Entry) -> bool:
        slug = str(model["id"]).lower()
        name = str(model.get("name")).lower()
        author = slug.partition("/")[0].removeprefix("~")
        return (not self.authors or author in self.authors) and (
            self.text is None or self.text in slug or self.text in name
        )

    def _has_figures(self, model: Entry, now_ms: int) -> bool:
        created_s = _number(model.get("created"))
        age = None if created_s is None else (now_ms - created_s * 1000) / _MS_PER_DAY
        return (
            self.context_tokens.holds(_number(model.get("context_length")))
            and self.prompt_price.holds(_per_million(model, "prompt"))
            and self.completion_price.holds(_per_million(model, "completion"))
            and self.age_days.holds(age)
            and all(wanted.holds(_score(model, name)) for name, wanted in self.scores.items())
        )


def ordered(models: Iterable[Entry], order: Order) -> list[Entry]:
    """Return the models in an order; those that do not state what it goes by come last."""
    known, unknown = [], []
    for model in models:
        figure = _figure(model, order)
        if figure is None:
            unknown.append(model)
        else:
            known.append((figure, model))
    known.sort(key=lambda pair: pair[0], reverse=order is not Order.CHEAPEST)
    return [*(model for _, model in known), *unknown]


def _figure(model: Entry, order: Order) -> Decimal | None:
    match order:
        case Order.CHEAPEST | Order.DEAREST:
            prompt, completion = price(model, "prompt"), price(model, "completion")
            return None if prompt is None or completion is None else prompt + completion
        case Order.NEWEST:
            return _number(model.get("created"))
        case Order.LONGEST:
            return _number(model.get("context_length"))
        case Order.BEST_DESIGNER:
            return _best_elo(model)
        case _:
            return _score(model, f"{order.partition('-')[0]}_index")


def _score(model: Entry, name: str) -> Decimal | None:
    return _number(_object(_object(model, "benchmarks"), "artificial_analysis").get(name))


def _best_elo(model: Entry) -> Decimal | None:
    rows = _object(model, "benchmarks").get("design_arena")
    figures = [_number(row.get("elo")) for row in _objects(rows)]
    return max((figure for figure in figures if figure is not None), default=None)


def _per_million(model: Entry, name: str) -> Decimal | None:
    usd = price(model, name)
    return None if usd is None else usd * _TOKENS_PER_PRICE


def _object(parent: Entry, name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _words(parent: Entry, name: str) -> frozenset[str]:
    value = parent.get(name)
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))
