"""The story of a chat request: authenticate, admit, forward, record, settle."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weir.domain.errors import ProviderError
from weir.domain.generations import GenerationId
from weir.domain.ports import ApiKeyStore, Provider, Translation
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.services.admit import Admission
from weir.services.authenticate import authenticate
from weir.services.meter import Metering


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it came in, not yet trusted.

    Attributes:
        deadline_ms: Epoch milliseconds by which upstream must have finished.
        read: Parses and validates the body for the tenant; raises InvalidRequestError.
        translate: Makes the translation of the upstream body for an accepted request.
    """

    bearer: str | None
    deadline_ms: int
    read: Callable[[Tenant], ChatRequest]
    translate: Callable[[GenerationId, ChatRequest], Translation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: a body of one piece, or of as many as upstream sends.

    The body must be exhausted or closed: the request is recorded and settled as it ends.
    """

    generation_id: GenerationId
    model: str
    stream: bool
    body: Iterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Answers chat requests, each one metered."""

    keys: ApiKeyStore
    key_prefix: str
    admission: Admission
    provider: Provider
    metering: Metering

    def answer(self, call: Call) -> Answer:
        """Answer one request; a plain one is settled on return, a stream when its body ends.

        Raises:
            ProviderError: Upstream refused the request or failed before the first byte.
            WeirError: The request was refused here; nothing was sent.
        """
        started_ms = self.metering.clock.now_ms()
        key = authenticate(call.bearer, keys=self.keys, prefix=self.key_prefix, now_ms=started_ms)
        request = call.read(key.tenant)
        hold = self.admission.admit(key, request=request, now_ms=started_ms)
        meter = self.metering.start(key.tenant.tenant_id, hold=hold, stream=request.stream)
        try:
            response = self.provider.send(request, deadline_ms=call.deadline_ms)
            body = meter.relay(response, call.translate(hold.generation_id, request))
            if not request.stream:
                body = iter((b"".join(body),))
        except ProviderError as error:
            meter.close(error)
            error.generation_id = hold.generation_id
            raise
        except BaseException:
            meter.close(None)  # whatever it was: a hold without an owner must not stay
            raise
        return Answer(
            generation_id=hold.generation_id, model=hold.model, stream=request.stream, body=body
        )
