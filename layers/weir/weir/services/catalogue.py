"""The catalogue as a caller sees it: its prices, its policy, what it asked for, how old that is."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from weir.domain.catalogue import MODELS, PROVIDERS, ZDR, Copy, Entry, Subject, Topic, model_topic
from weir.domain.catalogue_prices import priced
from weir.domain.errors import InvalidRequestError, NotFoundError
from weir.domain.model_queries import ModelQuery, ordered
from weir.domain.policies import ANYTHING, Policy
from weir.domain.ports import Clock
from weir.domain.price_plans import PricePlan
from weir.services.catalogue_copies import CatalogueCopies

DEADLINE_MS = 20_000
"""The longest wait for all that one answer needs of upstream."""

_SORT = "sort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of entries.

    Attributes:
        total: Entries that match, on all pages.
        read_ms: When upstream said the oldest of what this is made of, epoch milliseconds.
    """

    entries: Sequence[Entry]
    total: int
    read_ms: int


@dataclass(slots=True, kw_only=True)
class _Visit:
    """One question of a caller, and the age of what answers it."""

    copies: CatalogueCopies
    now_ms: int
    read_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self.read_ms = self.now_ms

    def ask(self, topic: Topic) -> Copy:
        copy = self.copies.get(topic, deadline_ms=self.now_ms + DEADLINE_MS)
        self.read_ms = min(self.read_ms, copy.read_ms)
        return copy

    def entries(self, topic: Topic) -> Sequence[Entry]:
        found: Sequence[Entry] = self.ask(topic).content
        return found

    def selection(self, name: str, value: str) -> Sequence[str]:
        """Return the ids of the models that upstream selects."""
        found: Sequence[str] = self.ask(
            Topic(subject=Subject.SELECTION, name=name, value=value)
        ).content
        return found

    def listing(self, entries: Sequence[Entry], *, total: int) -> Listing:
        return Listing(entries=entries, total=total, read_ms=self.read_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Upstream's catalogue; a `ProviderError` of it is a 503 that says when to ask again."""

    copies: CatalogueCopies
    clock: Clock

    def models(self, query: ModelQuery, *, plan: PricePlan, policy: Policy = ANYTHING) -> Listing:
        """Return the models that a query selects and a policy allows.

        Args:
            query: What is asked for; goes by the prices of the plan.
            plan: What the caller pays.
            policy: What the caller may use.

        Raises:
            ProviderError: There is no catalogue.
            InvalidRequestError: It asks for a provider that there is not.
        """
        visit = self._visit()
        shown = (priced(model, model=model["id"], plan=plan) for model in visit.entries(MODELS))
        wanted = [model for model in shown if query.selects(model, now_ms=visit.now_ms)]
        for ids in (*_chosen(visit, query), *_permitted(visit, policy)):
            wanted = [model for model in wanted if not ids.isdisjoint(_names(model))]
        wanted = [model for model in wanted if policy.allows_model(model["id"])]
        wanted = _in_order(visit, query, wanted)
        end = None if query.limit is None else query.offset + query.limit
        return visit.listing(wanted[query.offset : end], total=len(wanted))

    def model(self, author: str, slug: str, *, plan: PricePlan) -> Listing:
        """Return one model, also by an alias or a variant that only upstream knows.

        Raises:
            NotFoundError: There is no such model.
            ProviderError: There is no catalogue.
        """
        visit = self._visit()
        topic = _topic_of(Subject.MODEL, author=author, slug=slug)
        listed = (model for model in visit.entries(MODELS) if model["id"] == topic.name)
        model = next(listed, None) or _described(visit, topic)
        return visit.listing([priced(model, model=model["id"], plan=plan)], total=1)

    def endpoints(self, author: str, slug: str, *, plan: PricePlan) -> Listing:
        """Return one model with its endpoints.

        Raises:
            NotFoundError: There is no such model.
            ProviderError: There is no catalogue.
        """
        visit = self._visit()
        model = _described(visit, _topic_of(Subject.ENDPOINTS, author=author, slug=slug))
        shown = [priced(row, model=model["id"], plan=plan) for row in model["endpoints"]]
        return visit.listing([{**model, "endpoints": shown}], total=1)

    def zdr(self, *, plan: PricePlan) -> Listing:
        """Return the endpoints with zero data retention.

        Raises:
            ProviderError: There is no catalogue.
        """
        visit = self._visit()
        rows = visit.entries(ZDR)
        shown = [priced(row, model=row["model_id"], plan=plan) for row in rows]
        return visit.listing(shown, total=len(shown))

    def providers(self) -> Listing:
        """Return the providers.

        Raises:
            ProviderError: There is no catalogue.
        """
        visit = self._visit()
        rows = visit.entries(PROVIDERS)
        return visit.listing(rows, total=len(rows))

    def _visit(self) -> _Visit:
        return _Visit(copies=self.copies, now_ms=self.clock.now_ms())


def _topic_of(subject: Subject, *, author: str, slug: str) -> Topic:
    topic = model_topic(subject, author=author, slug=slug)
    if topic is None:
        raise _no_model()
    return topic


def _described(visit: _Visit, topic: Topic) -> Entry:
    found: Entry | None = visit.ask(topic).content
    if found is None:
        raise _no_model()
    return found


def _no_model() -> NotFoundError:
    return NotFoundError("Model not found")


def _chosen(visit: _Visit, query: ModelQuery) -> Iterable[frozenset[str]]:
    """Yield the models of each filter that the models themselves do not answer.

    Raises:
        InvalidRequestError: There is no such provider.
    """
    if query.providers:
        named = _provider_names(visit, query.providers)
        missing = [word for word in query.providers if word.lower() not in named]
        if missing:
            raise InvalidRequestError(f"providers: there is no provider {missing[0]!r}")
        # Provider by provider: their sets are without number, and anybody may ask.
        of_each = (visit.selection("providers", name) for name in set(named.values()))
        yield frozenset().union(*of_each)
    if query.zdr:
        yield frozenset(row["model_id"] for row in visit.entries(ZDR))
    for name, value in query.selections.items():
        if name != _SORT:
            yield frozenset(visit.selection(name, value))


def _permitted(visit: _Visit, policy: Policy) -> Iterable[frozenset[str]]:
    """Yield the models that the allowed providers have."""
    if policy.providers is not None:
        bases = [slug.partition("/")[0] for slug in policy.providers]
        names = sorted(set(_provider_names(visit, bases).values()))
        yield frozenset(visit.selection("providers", ",".join(names)) if names else ())
    if policy.zdr:
        rows = visit.entries(ZDR)
        yield frozenset(row["model_id"] for row in rows if policy.allows_provider(row["tag"]))


def _provider_names(visit: _Visit, words: Collection[str]) -> dict[str, str]:
    """Return the names of providers by the word, a name or a slug in lower case, that was given."""
    wanted = {word.lower() for word in words}
    rows = visit.entries(PROVIDERS)
    by_word = {
        str(row[part]).lower(): str(row["name"]) for row in rows for part in ("name", "slug")
    }
    return {word: name for word, name in by_word.items() if word in wanted}


def _in_order(visit: _Visit, query: ModelQuery, models: list[Entry]) -> list[Entry]:
    if query.order is not None:
        return ordered(models, query.order)
    if _SORT not in query.selections:
        return models
    ids = visit.selection(_SORT, query.selections[_SORT])
    places = {model_id: place for place, model_id in enumerate(ids)}
    return sorted(models, key=lambda model: places.get(model["id"], len(places)))


def _names(model: Entry) -> set[str]:
    return {name for name in (model["id"], _alias_target(model)) if name is not None}


def _alias_target(model: Entry) -> str | None:
    target = model.get("alias_target")
    return str(target["slug"]) if isinstance(target, dict) and "slug" in target else None
