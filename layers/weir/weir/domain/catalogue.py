"""The catalogue: what upstream says of its models, endpoints and providers, and how old that is.

Entries are JSON objects as upstream sent them: members that nobody here knows pass through.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Entry = Mapping[str, Any]
"""A model, endpoint or provider as upstream describes it."""

FRESH_MS = 600_000
"""For so long a copy is served as it is."""
USABLE_MS = 86_400_000
"""For so long a copy is served when upstream cannot be asked."""

# Each segment starts with a letter or digit, so that none can be `..` or climb out of a route.
_AUTHOR = re.compile(r"~?[a-z0-9](?:[\w-]|\.(?!\.)){0,99}", re.ASCII | re.IGNORECASE)
_SLUG = re.compile(
    r"[a-z0-9](?:[\w-]|\.(?!\.)){0,199}(?::[a-z0-9-]{1,50})?", re.ASCII | re.IGNORECASE
)


class Subject(StrEnum):
    """What a topic is about."""

    MODELS = "models"
    PROVIDERS = "providers"
    ZDR = "zdr"
    MODEL = "model"
    ENDPOINTS = "endpoints"
    SELECTION = "selection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One thing that upstream can be asked.

    Attributes:
        name: The model of MODEL and ENDPOINTS, the filter of a SELECTION; else "".
        value: The value of that filter.
    """

    subject: Subject
    name: str = ""
    value: str = ""


MODELS = Topic(subject=Subject.MODELS)
"""All models: a list of entries."""
PROVIDERS = Topic(subject=Subject.PROVIDERS)
"""All providers: a list of entries."""
ZDR = Topic(subject=Subject.ZDR)
"""All endpoints with zero data retention: a list of entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What upstream said of a topic.

    Attributes:
        content: A list of entries; of a MODEL or ENDPOINTS one entry, None when upstream knows no
            such model; of a SELECTION the ids of its models in upstream's order.
        read_ms: When, epoch milliseconds.
    """

    content: Any
    read_ms: int

    def is_fresh(self, *, now_ms: int) -> bool:
        """Tell whether it can be served without another question."""
        return now_ms - self.read_ms < FRESH_MS

    def is_usable(self, *, now_ms: int) -> bool:
        """Tell whether it can be served when upstream cannot be asked."""
        return now_ms - self.read_ms < USABLE_MS


def model_topic(subject: Subject, *, author: str, slug: str) -> Topic | None:
    """Return the topic of one model, or None when there can be no model of this name."""
    if not (_AUTHOR.fullmatch(author) and _SLUG.fullmatch(slug)):
        return None
    return Topic(subject=subject, name=f"{author}/{slug}")


class CatalogueSource(Protocol):
    """Upstream's catalogue."""

    def read(self, topic: Topic, *, deadline_ms: int) -> Copy:
        """Ask upstream.

        Args:
            topic: What about.
            deadline_ms: Epoch milliseconds by which the whole answer must be there.

        Raises:
            ProviderError: Upstream could not be asked, or its answer is none.
            InvalidRequestError: Upstream does not take the filter of a SELECTION.
        """
        ...


class SharedCopies(Protocol):
    """Copies that all processes see. To be without them is slow, not wrong: no method fails."""

    def get(self, topic: Topic) -> Copy | None:
        """Return the copy, or None when there is none or it cannot be had."""
        ...

    def put(self, topic: Topic, copy: Copy) -> None:
        """Keep a copy, if that is possible."""
        ...


class RememberedCopies(Protocol):
    """Copies in the memory of this process, each with a time for which it may be believed."""

    def believed(self, topic: Topic) -> Copy | None:
        """Return the copy that can be served as it is, if there is one."""
        ...

    def last(self, topic: Topic) -> Copy | None:
        """Return the copy that was remembered last, believed or not."""
        ...

    def remember(self, topic: Topic, copy: Copy, *, for_ms: int) -> None:
        """Remember a copy, believed for a while."""
        ...


class Leases(Protocol):
    """Lets one of many processes do what needs doing once."""

    def take(self, name: str, *, now_ms: int, for_ms: int) -> bool:
        """Take a lease that lapses by itself; False when somebody has it.

        Raises:
            StoreUnavailableError: Nobody knows.
        """
        ...
