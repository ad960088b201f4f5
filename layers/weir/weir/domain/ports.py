"""What the services need from the outside, by role. Adapters implement these; tests fake them."""

from collections.abc import Iterator
from typing import Protocol

from weir.domain.api_keys import ApiKey
from weir.domain.errors import WeirError
from weir.domain.generations import GenerationId
from weir.domain.price_plans import PricePlan
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import TenantId
from weir.domain.usage import ArchivedGeneration, Usage, UsageRecord


class Clock(Protocol):
    """The time, for services that live as long as a stream."""

    def now_ms(self) -> int:
        """Return epoch milliseconds."""
        ...

    def pause(self, duration_ms: int) -> None:
        """Wait; only ever called when upstream's ledger is about to know a cost."""
        ...


class ApiKeyStore(Protocol):
    """Finds API keys by their hash."""

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with its tenant, or None when no such key exists.

        Raises:
            StoreUnavailableError: The store cannot answer.
        """
        ...


class OperatorKeys(Protocol):
    """Knows the operator's keys, which belong to no tenant."""

    def holder(self, presented: str) -> str | None:
        """Return who holds a credential, as the operator named it; None when it is no such key.

        Raises:
            StoreUnavailableError: The keys cannot be read.
        """
        ...


class PriceList(Protocol):
    """Knows what a model costs at most."""

    def price(self, model: str) -> ModelPrice | None:
        """Return the price of a model, or None when it has no known price.

        Raises:
            ProviderError: The catalogue cannot be read and nothing is remembered of the model.
        """
        ...


class ProviderResponse(Protocol):
    """An upstream answer whose status was 2xx; its body is read as it arrives."""

    @property
    def generation_id(self) -> str | None:
        """Upstream's `X-Generation-Id`, if it sent one."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; b"" when upstream has been silent for a while.

        Raises:
            ProviderError: The connection broke, or the deadline or the byte cap was reached.
        """
        ...

    def close(self) -> None:
        """Drop the connection if the body was not read to its end. Never raises."""
        ...


class Provider(Protocol):
    """The upstream API, called with the operator's key."""

    def send(self, request: ChatRequest, *, deadline_ms: int) -> ProviderResponse:
        """Forward a request and return once upstream's 2xx headers are there.

        Args:
            deadline_ms: Epoch milliseconds by which headers and body must be complete.

        Raises:
            ProviderError: Upstream answered an error status or could not be reached.
            UpstreamTimeoutError: No headers within the deadline.
        """
        ...


class GenerationArchive(Protocol):
    """Upstream's own ledger of finished generations."""

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        """Return what a generation was, or None when upstream does not know it (yet).

        Raises:
            ProviderError: Upstream could not be asked.
        """
        ...


class Cancellations(Protocol):
    """Requests that their tenant wants stopped."""

    def is_cancelled(self, tenant_id: TenantId, generation_id: GenerationId) -> bool:
        """Tell whether a running request is to stop.

        Raises:
            StoreUnavailableError: The store cannot answer.
        """
        ...


class CancellationRequests(Protocol):
    """Where a tenant's wish to stop a request is left for it."""

    def cancel(self, tenant_id: TenantId, generation_id: GenerationId, *, now_ms: int) -> None:
        """Ask a running request to stop; asking again is harmless.

        Raises:
            StoreUnavailableError: The store cannot take it.
        """
        ...


class PricePlans(Protocol):
    """Every version of every tenant's price plan."""

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        """Return one version of a tenant's price plan; version 0 is always `AT_COST`.

        Raises:
            StoreUnavailableError: The store cannot answer.
        """
        ...


class SettleQueue(Protocol):
    """Where a record goes that the ledger did not take: it is written a little later."""

    def put(self, record: UsageRecord) -> None:
        """Hand a record over, to be stored and settled.

        Raises:
            StoreUnavailableError: The queue does not take it either.
        """
        ...


class Translation(Protocol):
    """Turns one upstream body into the client's, reading usage on the way; bytes in, bytes out."""

    def feed(self, chunk: bytes) -> bytes:
        """Take what arrived (b"" after a silence) and return what may be sent now.

        Raises:
            ProviderError: The body is an error, or is no answer at all.
        """
        ...

    def end(self) -> None:
        """Tell that upstream's body is over.

        Raises:
            ProviderError: It ended without its terminal state.
        """
        ...

    def ending(self, error: Exception | None) -> bytes:
        """Return the last bytes to send, once the request is recorded: `[DONE]` or the error."""
        ...

    @property
    def is_complete(self) -> bool:
        """Tell whether upstream's answer is known to be over before its body ends."""
        ...

    @property
    def reading(self) -> "Reading":
        """What has been learnt about the generation so far."""
        ...


class Reading(Protocol):
    """Facts read from an upstream body; None until they appear."""

    upstream_generation_id: str | None
    usage: Usage | None
    model: str | None
    provider: str | None
    finish_reason: str | None


class Journal(Protocol):
    """Where the story of a request is told: one line when it is forwarded, one when it ends."""

    def forwarded(self, *, generation_id: GenerationId, upstream_generation_id: str | None) -> None:
        """Upstream accepted the request; the pair lets an operator find its cost after a crash."""
        ...

    def refused(self, *, error: WeirError) -> None:
        """The request was answered with an error before the first byte."""
        ...

    def replayed(self, *, generation_id: GenerationId) -> None:
        """A kept answer was sent again, free of charge."""
        ...

    def degraded(self, *, generation_id: GenerationId, reason: str) -> None:
        """Something that a request can do without did not work."""
        ...

    def queued(self, *, generation_id: GenerationId, reason: str) -> None:
        """The ledger did not take the record; the settle queue did."""
        ...

    def unsettled(self, *, generation_id: GenerationId, reason: str) -> None:
        """A hold stays open, or the cost is not known yet: the sweeper will repair it."""
        ...

    def settled(self, *, record: UsageRecord) -> None:
        """The request has its usage record and its hold is gone."""
        ...
