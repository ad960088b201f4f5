"""How a request ended and what upstream charged: from its answer, or from upstream's books."""

from dataclasses import dataclass

from weir.domain.errors import CancelledGenerationError, ProviderError
from weir.domain.ports import Clock, GenerationArchive, Reading
from weir.domain.usage import NO_USAGE, RecordStatus, Usage

# Upstream's ledger lags a broken-off generation by a moment; then it is the sweeper's.
ARCHIVE_PAUSES_MS = (0, 250, 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended, and what it used.

    `model`, `provider` and `finish_reason` are what upstream's ledger says of a generation that had
    to be looked up there; None when the answer itself told the outcome.
    """

    status: RecordStatus
    usage: Usage
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Finds the outcome of requests."""

    archive: GenerationArchive
    clock: Clock

    def known(
        self,
        reading: Reading | None,
        *,
        error: ProviderError | None,
        is_whole: bool,
        upstream_generation_id: str | None,
    ) -> Outcome | None:
        """Return the outcome that the answer itself tells.

        Args:
            reading: What the answer said; None when there was none.
            error: What upstream ended it early with; None when nothing, or nothing of upstream's.
            is_whole: Whether it was read to its proper end.
            upstream_generation_id: What upstream's ledger could be asked for.

        Returns:
            None when upstream's ledger must be asked; UNKNOWN when it cannot be.
        """
        if reading is not None and reading.usage is not None:
            if is_whole:
                return Outcome(status=RecordStatus.COMPLETED, usage=reading.usage)
            # Usage of an unfinished answer may only be a running count.
            if reading.finish_reason is not None:
                return Outcome(status=_broken_off(error), usage=reading.usage)
        if error is not None and error.cost_is_zero:
            return Outcome(status=RecordStatus.FAILED, usage=NO_USAGE)
        if upstream_generation_id is None:
            return Outcome(status=RecordStatus.UNKNOWN, usage=NO_USAGE)
        return None

    def archived(
        self, upstream_generation_id: str, *, error: ProviderError | None
    ) -> Outcome | None:
        """Ask upstream's ledger, patiently for a moment; None when it does not know (yet)."""
        for pause_ms in ARCHIVE_PAUSES_MS:
            self.clock.pause(pause_ms)
            try:
                generation = self.archive.generation(upstream_generation_id)
            except ProviderError:
                return None  # the hold stays, and the sweeper asks again
            if generation is not None:
                return Outcome(
                    status=_broken_off(error),
                    usage=generation.usage,
                    model=generation.model,
                    provider=generation.provider,
                    finish_reason=generation.finish_reason,
                )
        return None


def _broken_off(error: ProviderError | None) -> RecordStatus:
    if isinstance(error, CancelledGenerationError):
        return RecordStatus.CANCELLED
    return RecordStatus.INTERRUPTED
