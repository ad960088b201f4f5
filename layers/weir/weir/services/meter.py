"""Metering one request: relay the body, learn its cost, record it once, settle its holds.

Whatever happens — an answer, an error, a client that leaves, a store that is down — the request
ends with its usage record and without its holds, or with a hold that the sweeper can repair.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from weir.domain.errors import CancelledGenerationError, ProviderError, StoreUnavailableError
from weir.domain.ports import Cancellations, Clock, Journal, ProviderResponse, Reading, Translation
from weir.domain.tenants import Tenant
from weir.domain.usage import RecordSource, UsageRecord, price
from weir.services.admit import Admitted
from weir.services.outcomes import Outcome, Outcomes
from weir.services.settlement import Settlement

CHECKPOINT_RETRY_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """Starts a meter for each admitted request.

    Attributes:
        checkpoint_after_ms: Upstream's generation id is written into the hold of an answer that
            takes longer, so that a crash leaves the sweeper something to ask for.
        cancel_poll_ms: How often a running request looks whether it is to stop.
    """

    settlement: Settlement
    outcomes: Outcomes
    cancellations: Cancellations
    clock: Clock
    journal: Journal
    checkpoint_after_ms: int
    cancel_poll_ms: int

    def start(self, tenant: Tenant, *, admitted: Admitted, stream: bool) -> "Meter":
        """Return the meter of one request."""
        return Meter(self, tenant=tenant, admitted=admitted, stream=stream)


class Meter:
    """The state of one request in flight; used by one thread, once."""

    def __init__(
        self, ports: Metering, *, tenant: Tenant, admitted: Admitted, stream: bool
    ) -> None:
        self._ports = ports
        self._tenant = tenant
        self._holds = admitted.holds
        self._hold = admitted.hold
        self._stream = stream
        self._closed = False
        self._is_whole = False
        self._checkpointed = False
        self._started_ms = ports.clock.now_ms()
        self._first_byte_ms: int | None = None
        self._checkpoint_at_ms = self._started_ms + ports.checkpoint_after_ms
        self._cancel_poll_at_ms = self._started_ms + ports.cancel_poll_ms
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

    def _pump(self, response: ProviderResponse, translation: Translation) -> Iterator[bytes]:
        try:
            for chunk in response.chunks():
                self._look_around(chunk)
                if ready := translation.feed(chunk):
                    yield ready
                # Reading on to the body's end keeps the connection; silence is not waited for.
                if translation.is_complete and not chunk:
                    break
        except ProviderError:
            if not translation.is_complete:
                raise
        translation.end()
        self._is_whole = True

    def _look_around(self, chunk: bytes) -> None:
        now_ms = self._ports.clock.now_ms()
        if chunk and self._first_byte_ms is None:
            self._first_byte_ms = now_ms
        if now_ms >= self._checkpoint_at_ms and self._upstream_generation_id is not None:
            self._checkpoint_at_ms = now_ms + CHECKPOINT_RETRY_MS
            self._checkpoint()
        if now_ms >= self._cancel_poll_at_ms:
            self._cancel_poll_at_ms = now_ms + self._ports.cancel_poll_ms
            self._stop_when_cancelled()

    def _stop_when_cancelled(self) -> None:
        tenant_id, generation_id = self._tenant.tenant_id, self._hold.generation_id
        try:
            is_cancelled = self._ports.cancellations.is_cancelled(tenant_id, generation_id)
        except StoreUnavailableError as failure:
            reason = f"cancellation: {failure.message}"
            self._ports.journal.degraded(generation_id=generation_id, reason=reason)
            return
        if is_cancelled:
            raise CancelledGenerationError("The generation was cancelled.", cost_is_zero=False)

    @property
    def is_closed(self) -> bool:
        """Tell whether the request has ended: its last bytes follow, or it failed."""
        return self._closed

    def close(self, error: ProviderError | None) -> None:
        """Record what the request cost and settle its holds; does nothing the second time."""
        if self._closed:
            return
        self._closed = True
        if error is not None and self._header_generation_id is None:
            self._header_generation_id = error.upstream_generation_id
        outcome = self._outcome(error)
        if outcome is None:
            self._leave_to_sweeper("upstream does not know the cost yet")
            return
        now_ms = self._ports.clock.now_ms()
        record = self._record(outcome, http_status=error.status if error else 200, now_ms=now_ms)
        if not self._ports.settlement.settle(record, holds=self._holds, now_ms=now_ms):
            self._checkpoint()

    def _outcome(self, error: ProviderError | None) -> Outcome | None:
        upstream_generation_id = self._upstream_generation_id
        known = self._ports.outcomes.known(
            self._reading,
            error=error,
            is_whole=self._is_whole,
            upstream_generation_id=upstream_generation_id,
        )
        if known is not None or upstream_generation_id is None:
            return known
        # First, because asking may outlast this process; then the sweeper asks.
        self._checkpoint()
        return self._ports.outcomes.archived(upstream_generation_id, error=error)

    def _record(self, outcome: Outcome, *, http_status: int, now_ms: int) -> UsageRecord:
        hold, reading, first_byte_ms = self._hold, self._reading, self._first_byte_ms
        model = (reading.model if reading else None) or outcome.model or hold.model
        return UsageRecord(
            tenant_id=self._tenant.tenant_id,
            generation_id=hold.generation_id,
            status=outcome.status,
            source=RecordSource.REQUEST,
            usage=outcome.usage,
            price_nano_usd=price(outcome.usage, model=model, plan=self._tenant.plan),
            plan_version=hold.plan_version,
            estimate_nano_usd=hold.estimate_nano_usd,
            key_id=hold.key_id,
            end_user=hold.end_user,
            levels=hold.levels,
            model=model,
            upstream_generation_id=self._upstream_generation_id,
            provider=(reading.provider if reading else None) or outcome.provider,
            finish_reason=(reading.finish_reason if reading else None) or outcome.finish_reason,
            streamed=self._stream,
            http_status=http_status,
            latency_ms=first_byte_ms - self._started_ms if first_byte_ms else None,
            generation_ms=now_ms - first_byte_ms if first_byte_ms else None,
        )

    def _leave_to_sweeper(self, reason: str) -> None:
        self._checkpoint()
        self._ports.settlement.left_to_sweeper(self._hold.generation_id, reason=reason)

    @property
    def _upstream_generation_id(self) -> str | None:
        if self._header_generation_id is not None:
            return self._header_generation_id
        return self._reading.upstream_generation_id if self._reading else None

    def _checkpoint(self) -> None:
        upstream_generation_id = self._upstream_generation_id
        if self._checkpointed or upstream_generation_id is None:
            return
        try:
            self._ports.settlement.ledger.checkpoint(
                self._tenant.tenant_id,
                hold=self._hold,
                upstream_generation_id=upstream_generation_id,
            )
        except StoreUnavailableError as failure:
            # Best effort: correctness of the budget never depends on it, only exactness of a crash.
            self._ports.journal.degraded(
                generation_id=self._hold.generation_id, reason=f"checkpoint: {failure.message}"
            )
        else:
            self._checkpointed = True
