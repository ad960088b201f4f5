"""Where copies of upstream's catalogue are kept: in memory, and in the bucket for all processes."""

import hashlib
import json
import logging
import zlib

from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.cache import TimedCache
from weir.domain.catalogue import USABLE_MS, Copy, Topic
from weir.domain.errors import StoreUnavailableError
from weir.domain.ports import Clock

MAX_REMEMBERED = 200
PREFIX = "catalogue/"

# A change of what a copy holds takes another number: processes of both releases run at once.
_FORMAT = 1

logger = logging.getLogger(__name__)


class CatalogueMemory:
    """Implements `RememberedCopies`; the copy that was unused longest makes room."""

    def __init__(self, *, clock: Clock) -> None:
        self._cache: TimedCache[Topic, Copy] = TimedCache(clock=clock, max_entries=MAX_REMEMBERED)

    def believed(self, topic: Topic) -> Copy | None:
        """Return the copy that can be served as it is; see `RememberedCopies`."""
        found = self._cache.get(topic)
        return None if found is None else found.value

    def last(self, topic: Topic) -> Copy | None:
        """Return the copy that was remembered last; see `RememberedCopies`."""
        found = self._cache.get(topic, grace_ms=USABLE_MS)
        return None if found is None else found.value

    def remember(self, topic: Topic, copy: Copy, *, for_ms: int) -> None:
        """Remember a copy; see `RememberedCopies`."""
        self._cache.put(topic, copy, ttl_ms=for_ms)


class CatalogueObjects:
    """Implements `SharedCopies` as compressed objects, which the bucket's lifecycle removes."""

    def __init__(self, bucket: AnswersBucket) -> None:
        self._bucket = bucket

    def get(self, topic: Topic) -> Copy | None:
        """Return the copy; see `SharedCopies`."""
        try:
            stored = json.loads(zlib.decompress(self._bucket.get(object_key(topic))))
            return Copy(content=stored["content"], read_ms=stored["read_ms"])
        except StoreUnavailableError:
            # Without the right to list, S3 does not tell an absent object from one out of reach.
            return None
        except (zlib.error, ValueError, KeyError, TypeError):
            logger.warning("the shared copy of the catalogue's %s is damaged", topic.subject)
            return None

    def put(self, topic: Topic, copy: Copy) -> None:
        """Keep a copy; see `SharedCopies`."""
        stored = {"read_ms": copy.read_ms, "content": copy.content}
        written = json.dumps(stored, ensure_ascii=True, separators=(",", ":")).encode()
        try:
            self._bucket.put(object_key(topic), zlib.compress(written))
        except StoreUnavailableError:
            logger.warning("the catalogue's %s could not be shared", topic.subject)


def object_key(topic: Topic) -> str:
    """Return the key of a topic's object; names come from clients, so it is a digest."""
    named = json.dumps([_FORMAT, topic.subject, topic.name, topic.value])
    return f"{PREFIX}{topic.subject}/{hashlib.sha256(named.encode()).hexdigest()}"
