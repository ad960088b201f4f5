"""Metering one request: relay the body, learn its cost, record it once, settle its hold.

Whatever happens — an answer, an error, a client that leaves, a store that is down — the request
ends with its usage record and without its hold, or with a hold that the sweeper can repair.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.holds import Hold
from weir.domain.ports import (
    Clock,
    CreditLedger,
    GenerationArchive,
    Journal,
    ProviderResponse,
    Reading,
    Translation,
)
from weir.domain.tenants import TenantId
from weir.domain.usage import NO_USAGE, RecordSource, RecordStatus, Usage, UsageRecord

# Upstream's ledger lags a broken-off generation by a moment; then it is the sweeper's.
ARCHIVE_PAUSES_MS = (0, 250, 1_000)
CHECKPOINT_RETRY_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """Starts a meter for each admitted request.

    Attributes:
        checkpoint_after_ms: Upstream's generation id is written into the hold of an answer that
            takes longer, so that a crash leaves the sweeper something to ask for.
    """

    ledger: CreditLedger
    archive: GenerationArchive
    clock: Clock
    journal: Journal
    checkpoint_after_ms: int

    def start(self, tenant_id: TenantId, *, hold: Hold, stream: bool) -> "Meter":
        """Return the meter of one request."""
        return Meter(self, tenant_id=tenant_id, hold=hold, stream=stream)


class Meter:
    """The state of one request in flight; used by one thread, once."""

    def __init__(self, ports: Metering, *, tenant_id: TenantId, hold: Hold, stream: bool) -> None:
        self._ports = ports
        self._tenant_id = tenant_id
        self._hold = hold
        self._stream = stream
        self._closed = False
        self._checkpointed = False
        self._started_ms = ports.clock.now_ms()
        self._first_byte_ms: int | None = None
        self._checkpoint_at_ms = self._started_ms + ports.checkpoint_after_ms
        self._reading: Reading | None = None
        self._header_generation_id: str | None = None

    def relay(self, response: ProviderResponse, translation: Translation) -> Iterator[bytes]:
        """Return the client's body, which follows upstream's; settled before its last bytes.

        Raises:
            ProviderError: A plain (not streamed) answer failed; a stream ends in an error event.
        """
        self._reading = translation.reading
        self._header_generation_id = response.generation_id
        # Before the first byte is asked for: a crash from here on may cost money.
        self._ports.journal.forwarded(
            generation_id=self._hold.generation_id, upstream_generation_id=response.generation_id
        )
        return self._relayed(response, translation)

    def _relayed(self, response: ProviderResponse, translation: Translation) -> Iterator[bytes]:
        error: ProviderError | None = None
        try:
            yield from self._pump(response, translation)
        except ProviderError as cause:
            error = cause
        finally:
            # Also runs when the client is gone (GeneratorExit): its request still costs money.
            response.close()
            self.close(error)
        if error is not None and not self._stream:
            raise error
        yield translation.ending(error)

    def close(self, error: ProviderError | None) -> None:
        """Record what the request cost and settle its hold; does nothing the second time."""
        if self._closed:
            return
        self._closed = True
        if error is not None and self._header_generation_id is None:
            self._header_generation_id = error.upstream_generation_id
        status, usage = self._outcome(error)
        if usage is None:
            self._leave_to_sweeper("upstream does not know the cost yet")
            return
        try:
            self._settle(status, usage=usage, http_status=error.status if error else 200)
        except StoreUnavailableError as failure:
            self._leave_to_sweeper(failure.message)

    def _pump(self, response: ProviderResponse, translation: Translation) -> Iterator[bytes]:
        try:
            for chunk in response.chunks():
                if chunk and self._first_byte_ms is None:
                    self._first_byte_ms = self._ports.clock.now_ms()
                self._checkpoint_when_due()
                if ready := translation.feed(chunk):
                    yield ready
                # Reading on to the body's end keeps the connection; silence is not waited for.
                if translation.is_complete and not chunk:
                    break
        except ProviderError:
            if not translation.is_complete:
                raise
        translation.end()

    def _outcome(self, error: ProviderError | None) -> tuple[RecordStatus, Usage | None]:
        reading = self._reading
        if reading is not None and reading.usage is not None:
            if error is None:
                return RecordStatus.COMPLETED, reading.usage
            # Usage of an unfinished answer may only be a running count.
            if reading.finish_reason is not None:
                return RecordStatus.INTERRUPTED, reading.usage
        if error is not None and error.cost_is_zero:
            return RecordStatus.FAILED, NO_USAGE
        if self._upstream_generation_id is None:
            return RecordStatus.UNKNOWN, NO_USAGE
        # First, because asking may outlast this process; then the sweeper asks.
        self._checkpoint()
        return RecordStatus.INTERRUPTED, self._archived_usage(self._upstream_generation_id)

    def _archived_usage(self, upstream_generation_id: str) -> Usage | None:
        for pause_ms in ARCHIVE_PAUSES_MS:
            self._ports.clock.pause(pause_ms)
            try:
                usage = self._ports.archive.usage(upstream_generation_id)
            except ProviderError:
                return None  # the hold stays, and the sweeper asks again
            if usage is not None:
                return usage
        return None

    def _settle(self, status: RecordStatus, *, usage: Usage, http_status: int) -> None:
        now_ms = self._ports.clock.now_ms()
        record = self._ports.ledger.record(
            self._tenant_id,
            record=self._record(status, usage=usage, http_status=http_status, now_ms=now_ms),
        )
        # Always the stored cost: another writer (the sweeper) may have been first.
        self._ports.ledger.settle(
            self._tenant_id,
            hold=self._hold,
            cost_nano_usd=record.usage.cost_nano_usd,
            now_ms=now_ms,
        )
        self._ports.journal.settled(record=record)

    def _record(
        self, status: RecordStatus, *, usage: Usage, http_status: int, now_ms: int
    ) -> UsageRecord:
        reading, first_byte_ms = self._reading, self._first_byte_ms
        return UsageRecord(
            tenant_id=self._tenant_id,
            generation_id=self._hold.generation_id,
            status=status,
            source=RecordSource.REQUEST,
            usage=usage,
            estimate_nano_usd=self._hold.estimate_nano_usd,
            key_id=self._hold.key_id,
            model=(reading.model if reading else None) or self._hold.model,
            upstream_generation_id=self._upstream_generation_id,
            provider=reading.provider if reading else None,
            finish_reason=reading.finish_reason if reading else None,
            streamed=self._stream,
            http_status=http_status,
            latency_ms=first_byte_ms - self._started_ms if first_byte_ms else None,
            generation_ms=now_ms - first_byte_ms if first_byte_ms else None,
        )

    def _leave_to_sweeper(self, reason: str) -> None:
        self._checkpoint()
        self._ports.journal.unsettled(generation_id=self._hold.generation_id, reason=reason)

    @property
    def _upstream_generation_id(self) -> str | None:
        if self._header_generation_id is not None:
            return self._header_generation_id
        return self._reading.upstream_generation_id if self._reading else None

    def _checkpoint_when_due(self) -> None:
        if self._checkpointed or self._upstream_generation_id is None:
            return
        now_ms = self._ports.clock.now_ms()
        if now_ms >= self._checkpoint_at_ms:
            self._checkpoint_at_ms = now_ms + CHECKPOINT_RETRY_MS
            self._checkpoint()

    def _checkpoint(self) -> None:
        upstream_generation_id = self._upstream_generation_id
        if self._checkpointed or upstream_generation_id is None:
            return
        try:
            self._ports.ledger.checkpoint(
                self._tenant_id,
                hold=self._hold,
                upstream_generation_id=upstream_generation_id,
            )
        except StoreUnavailableError as failure:
            # Best effort: correctness of the budget never depends on it, only exactness of a crash.
            self._ports.journal.unsettled(
                generation_id=self._hold.generation_id, reason=f"checkpoint: {failure.message}"
            )
        else:
            self._checkpointed = True
