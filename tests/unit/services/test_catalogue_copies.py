"""Fresh where possible, stale where not: which copy is served, and who asks upstream."""

from dataclasses import dataclass, field

import pytest

from tests.support.catalogue_values import FakeLeases, FakeShared, FakeSource, model_topic
from tests.support.fakes import FakeClock
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.domain.catalogue import FRESH_MS, MODELS, USABLE_MS, Copy
from weir.domain.errors import InvalidRequestError, ProviderError
from weir.services.catalogue_copies import (
    ABSENT_MS,
    READ_MS,
    RECHECK_MS,
    REFRESH_LEASE_MS,
    CatalogueCopies,
)

DOWN = ProviderError("Upstream cannot be reached.", cost_is_zero=True)
ABSENT = model_topic("no/such")


@dataclass
class World:
    """One upstream and the stores that processes share."""

    clock: FakeClock = field(default_factory=FakeClock)
    shared: FakeShared = field(default_factory=FakeShared)
    leases: FakeLeases = field(default_factory=FakeLeases)
    source: FakeSource = field(init=False)

    def __post_init__(self) -> None:
        self.source = FakeSource(contents={MODELS: ["first"]}, clock=self.clock)

    def process(self) -> CatalogueCopies:
        """Start a process that remembers nothing."""
        return CatalogueCopies(
            memory=CatalogueMemory(clock=self.clock),
            shared=self.shared,
            source=self.source,
            leases=self.leases,
            clock=self.clock,
        )

    def get(self, process: CatalogueCopies) -> object:
        return process.get(MODELS, deadline_ms=self.clock.ms + 20_000).content


def test_upstream_is_asked_once_in_ten_minutes() -> None:
    world = World()
    process = world.process()

    for _ in range(3):
        assert world.get(process) == ["first"]
        world.clock.ms += FRESH_MS // 2

    assert len(world.source.asked) == 2


def test_another_process_is_served_the_shared_copy_until_it_is_stale() -> None:
    world = World()
    world.get(world.process())
    world.clock.ms += FRESH_MS - 1

    other = world.process()
    assert world.get(other) == ["first"]
    assert len(world.source.asked) == 1

    world.clock.ms += RECHECK_MS + 1
    world.source.contents[MODELS] = ["second"]
    assert world.get(other) == ["second"]


def test_one_process_renews_a_stale_copy_while_the_others_are_served_it() -> None:
    world = World()
    first, second = world.process(), world.process()
    world.get(first)
    world.get(second)
    world.clock.ms += FRESH_MS
    world.leases.taken["catalogue/models//"] = world.clock.ms + REFRESH_LEASE_MS

    assert world.get(second) == ["first"]
    assert len(world.source.asked) == 1

    world.shared.copies[MODELS] = Copy(content=["second"], read_ms=world.clock.ms)
    assert world.get(second) == ["first"]  # it looks for a newer one a little later
    world.clock.ms += RECHECK_MS
    assert world.get(second) == ["second"]
    assert len(world.source.asked) == 1


def test_a_stale_copy_is_served_for_a_day_when_upstream_is_down() -> None:
    world = World()
    process = world.process()
    world.get(process)
    world.source.failure = DOWN
    world.clock.ms += USABLE_MS - RECHECK_MS - 1

    assert world.get(process) == ["first"]
    assert world.get(world.process()) == ["first"]

    world.clock.ms += RECHECK_MS + 1
    for each in (process, world.process()):
        with pytest.raises(ProviderError) as caught:
            world.get(each)
        assert (caught.value.status, caught.value.retry_after_s) == (503, 10)


def test_upstream_is_asked_again_only_after_the_lease_when_it_is_down() -> None:
    world = World()
    world.get(world.process())
    world.source.failure = DOWN
    world.clock.ms += FRESH_MS

    for _ in range(5):
        world.get(world.process())
    assert len(world.source.asked) == 2

    world.clock.ms += REFRESH_LEASE_MS
    world.get(world.process())
    assert len(world.source.asked) == 3


def test_a_stale_copy_is_renewed_when_the_leases_are_out_of_reach() -> None:
    world = World(leases=FakeLeases(is_down=True))
    world.get(world.process())
    world.clock.ms += FRESH_MS
    world.source.contents[MODELS] = ["second"]

    assert world.get(world.process()) == ["second"]


def test_upstream_has_the_time_that_is_left_and_never_more_than_one_answer_may_take() -> None:
    world = World()
    now_ms = world.clock.ms

    world.process().get(ABSENT, deadline_ms=now_ms + READ_MS + 1)
    world.process().get(ABSENT, deadline_ms=now_ms + 1)

    assert world.source.deadlines_ms == [now_ms + READ_MS, now_ms + 1]


def test_an_absent_model_is_believed_for_a_minute_and_never_shared() -> None:
    world = World()
    process = world.process()

    def found() -> object:
        return process.get(ABSENT, deadline_ms=world.clock.ms + 1).content

    assert found() is found() is None
    assert len(world.source.asked) == 1
    assert world.shared.copies == {}

    world.clock.ms += ABSENT_MS
    world.source.contents[ABSENT] = {"id": "no/such"}
    assert found() == {"id": "no/such"}


def test_the_others_are_told_when_a_model_is_gone() -> None:
    world = World()
    world.source.contents[ABSENT] = {"id": "no/such"}
    deadline_ms = world.clock.ms + USABLE_MS
    world.process().get(ABSENT, deadline_ms=deadline_ms)
    del world.source.contents[ABSENT]
    world.clock.ms += FRESH_MS

    assert world.process().get(ABSENT, deadline_ms=deadline_ms).content is None

    world.source.failure = DOWN
    with pytest.raises(ProviderError):
        world.process().get(ABSENT, deadline_ms=deadline_ms)


def test_a_filter_that_upstream_refuses_is_the_clients_error() -> None:
    world = World()
    world.source.failure = InvalidRequestError("no such filter")

    with pytest.raises(InvalidRequestError):
        world.get(world.process())
