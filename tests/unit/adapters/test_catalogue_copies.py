"""Copies of the catalogue in the bucket: whatever is wrong with one, it is only absent."""

import logging
import zlib
from typing import Any

import pytest
from typing_extensions import override

from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.catalogue_copies import PREFIX, CatalogueObjects, object_key
from weir.domain.catalogue import MODELS, PROVIDERS, Copy, Subject, Topic
from weir.domain.errors import StoreUnavailableError


class FakeBucket(AnswersBucket):
    """Objects in memory, or a bucket out of reach."""

    def __init__(self, objects: dict[str, bytes] | None = None, *, is_down: bool = False) -> None:
        self.objects = objects if objects is not None else {}
        self.is_down = is_down

    @override
    def put(self, key: str, content: bytes) -> None:
        if self.is_down:
            raise StoreUnavailableError("down")
        self.objects[key] = content

    @override
    def get(self, key: str) -> bytes:
        if self.is_down or key not in self.objects:
            raise StoreUnavailableError("absent, or down")
        return self.objects[key]


def test_a_copy_is_read_as_it_was_written_and_small() -> None:
    bucket = FakeBucket()
    copy = Copy(content=[{"id": "a/é\ud800", "n": 0.1, "x": None}] * 500, read_ms=7)

    CatalogueObjects(bucket).put(MODELS, copy)

    assert CatalogueObjects(bucket).get(MODELS) == copy
    assert CatalogueObjects(bucket).get(PROVIDERS) is None
    ((name, content),) = bucket.objects.items()
    assert name.startswith(f"{PREFIX}models/")
    assert len(content) < 500


def test_every_topic_has_an_object_of_its_own_whatever_it_is_named() -> None:
    topics = [
        Topic(subject=subject, name=name, value=value)
        for subject in Subject
        for name in ("", "a/b", "../a", "a" * 2000)
        for value in ("", "b")
    ]

    names = {object_key(topic) for topic in topics}

    assert len(names) == len(topics)
    assert all(len(name) < 100 and ".." not in name for name in names)


@pytest.mark.parametrize(
    "stored",
    [b"", b"{}", zlib.compress(b"{"), zlib.compress(b"{}"), zlib.compress(b"[]")],
)
def test_a_damaged_copy_is_absent(stored: bytes, caplog: pytest.LogCaptureFixture) -> None:
    bucket = FakeBucket({object_key(MODELS): stored})

    with caplog.at_level(logging.WARNING, logger="weir"):
        assert CatalogueObjects(bucket).get(MODELS) is None

    assert "damaged" in caplog.text


def test_a_copy_is_not_shared_when_the_bucket_is_out_of_reach(
    caplog: pytest.LogCaptureFixture,
) -> None:
    objects: Any = CatalogueObjects(FakeBucket(is_down=True))

    objects.put(MODELS, Copy(content=[], read_ms=0))

    assert "could not be shared" in caplog.text
    assert objects.get(MODELS) is None
