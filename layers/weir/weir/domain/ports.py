"""What the services need from the outside, by role. Adapters implement these; tests fake them."""

from collections.abc import Iterator
from typing import Protocol

from weir.domain.accounts import Account
from weir.domain.api_keys import ApiKey
from weir.domain.errors import WeirError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import TenantId
from weir.domain.usage import Usage, UsageRecord


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


class PriceList(Protocol):
    """Knows what a model costs at most."""

    def price(self, model: str) -> ModelPrice | None:
        """Return the price of a model, or None when it has no known price.

        Raises:
            ProviderError: The catalogue cannot be read and nothing is remembered of the model.
        """
        ...


class CreditLedger(Protocol):
    """Reserve → record → settle, each one conditional write (ledger design, section 2)."""

    def reserve(self, tenant_id: TenantId, *, reservation: Reservation) -> Account:
        """Take the hold and return the account as it then is. Repeating it is harmless.

        Raises:
            ForbiddenError: The account is suspended.
            RateLimitExceededError: A rate or concurrency limit is reached.
            InsufficientCreditsError: Credit or the monthly cap does not cover the estimate.
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def checkpoint(self, tenant_id: TenantId, *, hold: Hold, upstream_generation_id: str) -> None:
        """Write upstream's generation id into an open hold; does nothing when it is gone.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def record(self, tenant_id: TenantId, *, record: UsageRecord) -> UsageRecord:
        """Store the usage record unless one exists; return the stored one (first writer wins).

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def settle(
        self, tenant_id: TenantId, *, hold: Hold, cost_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace the hold by the stored record's cost; False when it was settled before.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...


class LedgerReader(Protocol):
    """Reads the whole ledger, consistently; for the sweeper and the audit."""

    def accounts(self) -> Iterator[Account]:
        """Yield every account lane."""
        ...

    def records(self) -> Iterator[UsageRecord]:
        """Yield every usage record."""
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

    def usage(self, upstream_generation_id: str) -> Usage | None:
        """Return what a generation cost, or None when upstream does not know it (yet).

        Raises:
            ProviderError: Upstream could not be asked.
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

    def unsettled(self, *, generation_id: GenerationId, reason: str) -> None:
        """Record or settle failed, or the cost is not known yet: the sweeper will repair it."""
        ...

    def settled(self, *, record: UsageRecord) -> None:
        """The request has its usage record and its hold is gone."""
        ...
