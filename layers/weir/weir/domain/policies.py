"""Policies: what a tenant's requests may reach, set by the operator and not relaxed by anybody.

Model names, as clients write them: `author/slug` with an optional `:variant`; `~author/slug` is an
alias that stands for another model, today this one and tomorrow that. Names with an `@` are
presets, and models of the author `openrouter` may be routers: both choose a model by themselves.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_ENTRIES = 500
"""A policy is stored with its tenant, and read with it."""
MAX_MAX_TOKENS = 10**9

_ROUTERS = "openrouter"
_MODEL = re.compile(r"~?[a-z0-9][a-z0-9._-]*/(\*|[a-z0-9][a-z0-9._-]*(:[a-z0-9-]+)?)")
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9._-]+)*")
_MAX_CHARS = 256


class DataCollection(StrEnum):
    """Whether providers that keep prompts may answer, OpenRouter's `provider.data_collection`."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one tenant may use.

    Attributes:
        models: Names of allowed models in lower case, or `author/*`; None allows every model.
        providers: Slugs of allowed providers in lower case; None allows every provider.
        data_collection: Forced on every request; None leaves it to the request.
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
        _check_entries("models", self.models, pattern=_MODEL)
        _check_entries("providers", self.providers, pattern=_PROVIDER)
        if self.max_tokens is not None and not 1 <= self.max_tokens <= MAX_MAX_TOKENS:
            raise ValueError(f"max_tokens must be from 1 to {MAX_MAX_TOKENS}")

    def allows_model(self, name: str, *, alias_of: str | None = None) -> bool:
        """Tell whether a model may be used.

        A name that is listed is allowed with all its variants; a variant that is listed, alone.
        `author/*` allows the author's models. What stands for a model that others choose is allowed
        by no pattern: a router only when it is listed itself, an alias also when the model that it
        stands for is allowed, a preset never.

        Args:
            name: As a client asks for it, in any case.
            alias_of: The model that an alias stands for, when it is known.
        """
        if self.models is None:
            return True
        name = name.lower()
        if "@" in name:
            return False
        author, _, _ = name.partition("/")
        accepted = {name, name.partition(":")[0]}
        if author.startswith("~"):
            is_target_allowed = alias_of is not None and self.allows_model(alias_of)
            return is_target_allowed or not accepted.isdisjoint(self.models)
        if author != _ROUTERS:
            accepted.add(f"{author}/*")
        return not accepted.isdisjoint(self.models)

    def allows_provider(self, slug: str) -> bool:
        """Tell whether a provider may answer; `deepinfra` allows `deepinfra/fp8` as well."""
        if self.providers is None:
            return True
        slug = slug.lower()
        return any(slug == allowed or slug.startswith(f"{allowed}/") for allowed in self.providers)


def _check_entries(name: str, entries: tuple[str, ...] | None, *, pattern: re.Pattern[str]) -> None:
    if entries is None:
        return
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f"a policy lists at most {MAX_ENTRIES} {name}")
    for entry in entries:
        if len(entry) > _MAX_CHARS or not pattern.fullmatch(entry):
            raise ValueError(f"{entry!r} is no entry for a policy's {name}")


ANYTHING = Policy()
"""The default policy: every model, every provider."""
