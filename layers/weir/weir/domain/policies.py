"""Policies: what a tenant's requests may reach, set by the operator and not relaxed by anybody.

Model names, as clients write them: `author/slug` with any number of `:variant`; `~author/slug` is
an alias that stands for another model, today this one and tomorrow that. Names with an `@` are
presets, and models of the author `openrouter` may be routers: both choose a model by themselves.
ADR 18.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

MAX_ENTRIES = 500
"""A policy is stored with its tenant, and read with it."""
MAX_MAX_TOKENS = 10**9

_ROUTERS = "openrouter"
# They choose among models, which are then called with the request's own provider preferences.
_PLAIN_ROUTERS = frozenset({"openrouter/auto", "openrouter/auto-code", "openrouter/free"})
# A model with one of these is the same model: they say where, how and with what it is called.
_SAME_MODEL = frozenset({"exacto", "extended", "floor", "free", "nitro", "online", "thinking"})
_SEARCHES = "online"
MODEL_ENTRY = re.compile(r"~?[a-z0-9][a-z0-9._-]*/(\*|[a-z0-9][a-z0-9._-]*(:[a-z0-9-]+)?)")
_ASKED_MODEL = re.compile(r"~?[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*(:[a-z0-9-]+)*")
PROVIDER_ENTRY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9._-]+)*")
MAX_ENTRY_CHARS = 256


class DataCollection(StrEnum):
    """Whether providers that keep prompts may answer, OpenRouter's `provider.data_collection`."""

    ALLOW = "allow"
    DENY = "deny"


class PolicyName(StrEnum):
    """What a refusal calls the part of a policy that it goes by."""

    MODELS = "models"
    PROVIDERS = "providers"
    DATA_COLLECTION = "data_collection"
    ZDR = "zdr"
    MAX_TOKENS = "max_tokens"


PRIVACY = (PolicyName.DATA_COLLECTION, PolicyName.ZDR)
"""Policies on who may see what is asked."""
ENDPOINTS = (PolicyName.PROVIDERS, *PRIVACY)
"""Policies on who may answer for a model: they hold for calls that the request itself makes."""
ROUTING = (PolicyName.MODELS, *ENDPOINTS)
"""Policies that nothing may slip by: what nobody here knows is against each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one tenant may use.

    Attributes:
        models: Names of allowed models in lower case, or `author/*`; None allows every model.
        providers: Slugs of allowed providers in lower case; None allows every provider.
        data_collection: Forced on every request when it is DENY; nothing is stricter than ALLOW,
            which leaves it to the request like None.
        zdr: Only endpoints with zero data retention may answer.
        max_tokens: The most tokens a request may ask for; None sets no bound.
    """

    models: tuple[str, ...] | None = None
    providers: tuple[str, ...] | None = None
    data_collection: DataCollection | None = None
    zdr: bool = False
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse a policy that cannot be meant, before anybody relies on it.

        Raises:
            ValueError: An entry is no name or pattern, there are more than `MAX_ENTRIES`, or
                `max_tokens` is out of range.
        """
        _check_entries("models", self.models, pattern=MODEL_ENTRY)
        _check_entries("providers", self.providers, pattern=PROVIDER_ENTRY)
        if self.max_tokens is not None and not 1 <= self.max_tokens <= MAX_MAX_TOKENS:
            raise ValueError(f"max_tokens must be from 1 to {MAX_MAX_TOKENS}")

    @property
    def forced(self) -> tuple[PolicyName, ...]:
        """Return the names of what is forced; none when everything is allowed."""
        is_forced = (
            (PolicyName.MODELS, self.models is not None),
            (PolicyName.PROVIDERS, self.providers is not None),
            (PolicyName.DATA_COLLECTION, self.data_collection is DataCollection.DENY),
            (PolicyName.ZDR, self.zdr),
            (PolicyName.MAX_TOKENS, self.max_tokens is not None),
        )
        return tuple([name for name, applies in is_forced if applies])

    def allows_model(self, name: str) -> bool:
        """Tell whether a model may be used; `name` is as a client asks for it, in any case."""
        return self.forbids_model(name) is None

    def forbids_model(self, name: str) -> PolicyName | None:
        """Tell what forbids a model.

        A name that is listed is allowed with the variants that are the same model; any other
        variant only when it is listed itself. `author/*` allows all models of the author, any
        variant of them included. What stands for a model that others choose is allowed by no
        pattern: routers and aliases only when they are listed themselves, a preset never.

        Args:
            name: As a client asks for it, in any case.

        Returns:
            The name of the policy; None when the model may be used.
        """
        is_plain = name.isascii() and _ASKED_MODEL.fullmatch(name.lower()) is not None
        if not is_plain:
            # It may stand for anything, and nobody here knows how upstream reads it.
            return self.first_forced(ROUTING)
        name = name.lower()
        if self.models is not None and not _lists(self.models, name):
            return PolicyName.MODELS
        base, *variants = name.split(":")
        if base.startswith(f"{_ROUTERS}/") and base not in _PLAIN_ROUTERS:
            # It may call several models at once, with tools that nothing in the request speaks of.
            return self.first_forced(ENDPOINTS)
        return self.first_forced(PRIVACY) if _SEARCHES in variants else None

    def allows_provider(self, slug: str) -> bool:
        """Tell whether a provider may answer; `deepinfra` allows `deepinfra/fp8` as well."""
        if self.providers is None:
            return True
        if not slug.isascii():
            return False
        slug = slug.lower()
        return any(slug == allowed or slug.startswith(f"{allowed}/") for allowed in self.providers)

    def bounded(self, tokens: int) -> int:
        """Return a number of tokens, or the most that may be asked for when that is less."""
        return tokens if self.max_tokens is None else min(tokens, self.max_tokens)

    def first_forced(self, names: Collection[PolicyName]) -> PolicyName | None:
        """Return the first of some parts of a policy that is forced, None when none is."""
        return next((name for name in self.forced if name in names), None)


def _lists(models: tuple[str, ...], name: str) -> bool:
    names = tuple(_same_models(name))
    if not frozenset(names).isdisjoint(models):
        return True
    author, _, _ = name.partition("/")
    is_authors_own = author != _ROUTERS and not author.startswith("~")
    return is_authors_own and f"{author}/*" in models


def _same_models(name: str) -> Iterator[str]:
    """Yield a name, and what is left of it without the variants that are the same model."""
    yield name
    rest, _, variant = name.rpartition(":")
    while variant in _SAME_MODEL:
        yield rest
        rest, _, variant = rest.rpartition(":")


def _check_entries(name: str, entries: tuple[str, ...] | None, *, pattern: re.Pattern[str]) -> None:
    if entries is None:
        return
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f"a policy lists at most {MAX_ENTRIES} {name}")
    for entry in entries:
        if len(entry) > MAX_ENTRY_CHARS or not pattern.fullmatch(entry):
            raise ValueError(f"{entry!r} is no entry for a policy's {name}")


ANYTHING = Policy()
"""The default policy: every model, every provider."""
