"""How a request ended, from what its answer tells and from upstream's ledger."""

import pytest

from tests.support.fakes import USAGE, FakeArchive, FakeClock, FakeReading
from weir.domain.errors import CancelledGenerationError, ProviderError
from weir.domain.usage import NO_USAGE, RecordStatus, Usage
from weir.services.outcomes import ARCHIVE_PAUSES_MS, Outcome, Outcomes

BROKEN = ProviderError("cut", cost_is_zero=False)
REFUSED = ProviderError("no", cost_is_zero=True)
CANCELLED = CancelledGenerationError("stopped", cost_is_zero=False)


def outcomes(*answers: Usage | ProviderError | None) -> Outcomes:
    return Outcomes(archive=FakeArchive(list(answers)), clock=FakeClock())


@pytest.mark.parametrize(
    ("reading", "error", "upstream_id", "expected"),
    [
        (FakeReading(usage=USAGE), None, "gen-up", (RecordStatus.COMPLETED, USAGE)),
        (
            FakeReading(usage=USAGE, finish_reason="stop"),
            BROKEN,
            "gen-up",
            (RecordStatus.INTERRUPTED, USAGE),
        ),
        (
            FakeReading(usage=USAGE, finish_reason="stop"),
            CANCELLED,
            "gen-up",
            (RecordStatus.CANCELLED, USAGE),
        ),
        (FakeReading(usage=USAGE), BROKEN, "gen-up", None),
        (FakeReading(), None, "gen-up", None),
        (None, REFUSED, None, (RecordStatus.FAILED, NO_USAGE)),
        (None, BROKEN, "gen-up", None),
        (None, BROKEN, None, (RecordStatus.UNKNOWN, NO_USAGE)),
        (None, None, None, (RecordStatus.UNKNOWN, NO_USAGE)),
    ],
    ids=[
        "complete",
        "broken after the finish",
        "cancelled after the finish",
        "running count",
        "no usage",
        "refused",
        "broken with an id",
        "broken without an id",
        "nothing known",
    ],
)
def test_the_answer_tells_the_outcome_or_upstream_must_be_asked(
    reading: FakeReading | None,
    error: ProviderError | None,
    upstream_id: str | None,
    expected: tuple[RecordStatus, Usage] | None,
) -> None:
    known = outcomes(None).known(
        reading, error=error, is_whole=error is None, upstream_generation_id=upstream_id
    )

    assert (known and (known.status, known.usage)) == expected


@pytest.mark.parametrize(
    ("finish_reason", "status"), [(None, None), ("stop", RecordStatus.INTERRUPTED)]
)
def test_usage_counts_only_after_the_finish_when_the_client_is_gone(
    finish_reason: str | None, status: RecordStatus | None
) -> None:
    reading = FakeReading(usage=USAGE, finish_reason=finish_reason)

    known = outcomes(None).known(
        reading, error=None, is_whole=False, upstream_generation_id="gen-up"
    )

    assert (known and known.status) == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, RecordStatus.INTERRUPTED),
        (BROKEN, RecordStatus.INTERRUPTED),
        (CANCELLED, RecordStatus.CANCELLED),
    ],
)
def test_upstreams_ledger_is_asked_until_it_knows(
    error: ProviderError | None, status: RecordStatus
) -> None:
    asking = outcomes(None, None, USAGE)

    found = asking.archived("gen-up", error=error)

    assert found == Outcome(status=status, usage=USAGE)


def test_nothing_is_known_when_upstreams_ledger_lags_for_too_long() -> None:
    clock, archive = FakeClock(), FakeArchive([None])

    found = Outcomes(archive=archive, clock=clock).archived("gen-up", error=BROKEN)

    assert found is None
    assert clock.pauses == list(ARCHIVE_PAUSES_MS)


def test_nothing_is_known_when_upstreams_ledger_cannot_be_asked() -> None:
    archive = FakeArchive([REFUSED])

    found = Outcomes(archive=archive, clock=FakeClock()).archived("gen-up", error=BROKEN)

    assert found is None
    assert len(archive.asked) == 1
