"""Health: what is looked at, how often, and that upstream is never asked."""

from dataclasses import dataclass, field

import pytest

from tests.support.catalogue_values import FakeShared
from tests.support.fakes import FakeClock
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.domain.api_keys import ApiKey
from weir.domain.catalogue import FRESH_MS, MODELS, USABLE_MS, Copy
from weir.domain.errors import StoreUnavailableError
from weir.services.health import BELIEVED_MS, Health


@dataclass
class Keys:
    """Has no key, or cannot tell."""

    is_down: bool = False
    asked: list[str] = field(default_factory=list)

    def find(self, key_hash: str) -> ApiKey | None:
        self.asked.append(key_hash)
        if self.is_down:
            raise StoreUnavailableError("down")
        return None


@dataclass
class Patient:
    """A gateway whose health is looked at."""

    clock: FakeClock = field(default_factory=FakeClock)
    keys: Keys = field(default_factory=Keys)
    shared: FakeShared = field(default_factory=FakeShared)

    def __post_init__(self) -> None:
        self.memory = CatalogueMemory(clock=self.clock)
        self.health = Health(
            keys=self.keys, memory=self.memory, shared=self.shared, clock=self.clock
        )

    def copy(self, *, age_ms: int) -> Copy:
        return Copy(content=[], read_ms=self.clock.ms - age_ms)


def test_it_is_well_when_the_tables_answer() -> None:
    patient = Patient()

    assert patient.health.vitals().tables_answer is True
    assert len(patient.keys.asked) == 1


def test_it_is_ill_when_the_tables_do_not_answer() -> None:
    assert Patient(keys=Keys(is_down=True)).health.vitals().tables_answer is False


def test_nobody_makes_it_look_twice_when_the_last_look_is_recent() -> None:
    patient = Patient()
    first = patient.health.vitals()
    patient.clock.ms += BELIEVED_MS - 1

    assert patient.health.vitals() is first
    assert len(patient.keys.asked) == 1


def test_it_looks_again_when_the_last_look_is_old() -> None:
    patient = Patient(keys=Keys(is_down=True))
    patient.health.vitals()
    patient.keys.is_down = False
    patient.clock.ms += BELIEVED_MS

    assert patient.health.vitals().tables_answer is True


@pytest.mark.parametrize(
    ("remembered_ms", "shared_ms", "age_ms"),
    [
        (None, None, None),
        (5_000, None, 5_000),
        (None, 7_000, 7_000),
        (FRESH_MS, 7_000, 7_000),
        (FRESH_MS, FRESH_MS + 1, FRESH_MS),
        (None, USABLE_MS, None),
        (-1, None, 0),
    ],
    ids=[
        "none",
        "memory",
        "shared",
        "shared is newer",
        "memory is newer",
        "too old",
        "other clock",
    ],
)
def test_the_catalogue_is_as_old_as_its_newest_copy(
    remembered_ms: int | None, shared_ms: int | None, age_ms: int | None
) -> None:
    patient = Patient()
    if remembered_ms is not None:
        patient.memory.remember(MODELS, patient.copy(age_ms=remembered_ms), for_ms=1)
    if shared_ms is not None:
        patient.shared.put(MODELS, patient.copy(age_ms=shared_ms))

    assert patient.health.vitals().catalogue_age_ms == age_ms
