"""The story of a chat request: authenticate, admit, forward, record, settle."""

from collections.abc import Callable
from dataclasses import dataclass

from weir.domain.answers import Answer, Reply
from weir.domain.api_keys import ApiKey
from weir.domain.errors import ProviderError, WeirError
from weir.domain.generations import GenerationId
from weir.domain.ports import ApiKeyStore, Provider, Translation
from weir.domain.price_plans import PricePlan
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.services.admit import Admission
from weir.services.authenticate import authenticate
from weir.services.idempotency import Idempotency
from weir.services.meter import Metering


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it came in, not yet trusted, and how to speak to who sent it.

    Attributes:
        deadline_ms: Epoch milliseconds by which upstream must have finished.
        idempotency_key: As the client sent it; None when it sent none.
        digest: Returns the SHA-256 of all that decides what is asked.
        read: Parses and validates the body for the tenant; raises InvalidRequestError.
        translate: Makes the translation of upstream's body, which shows the prices of a plan.
        reply: Makes the reply of an answer.
        error_reply: Makes the reply of an error.
    """

    bearer: str | None
    deadline_ms: int
    idempotency_key: str | None
    digest: Callable[[], bytes]
    read: Callable[[Tenant], ChatRequest]
    translate: Callable[[GenerationId, ChatRequest, PricePlan], Translation]
    reply: Callable[[Answer], Reply]
    error_reply: Callable[[WeirError], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Answers chat requests, each one metered."""

    keys: ApiKeyStore
    key_prefix: str
    idempotency: Idempotency
    admission: Admission
    provider: Provider
    metering: Metering

    def answer(self, call: Call) -> Reply:
        """Answer one request; a plain one is settled on return, a stream when its body ends.

        Raises:
            WeirError: It was refused, or upstream (ProviderError) failed before the first byte.
        """
        now_ms = self.metering.clock.now_ms()
        key = authenticate(call.bearer, keys=self.keys, prefix=self.key_prefix, now_ms=now_ms)
        request = call.read(key.tenant)
        if call.idempotency_key is None:
            return call.reply(self._metered(call, key=key, request=request))
        claim = self.idempotency.claim(key.tenant, key=call.idempotency_key, digest=call.digest())
        if isinstance(claim, Reply):
            return claim
        try:
            answer = self._metered(call, key=key, request=request)
        except WeirError as error:
            self.idempotency.failed(claim, error=error, reply=call.error_reply(error))
            raise
        return self.idempotency.keeping(claim, reply=call.reply(answer), answer=answer)

    def _metered(self, call: Call, *, key: ApiKey, request: ChatRequest) -> Answer:
        now_ms = self.metering.clock.now_ms()
        admitted = self.admission.admit(key, request=request, now_ms=now_ms)
        generation_id = admitted.hold.generation_id
        meter = self.metering.start(key.tenant, admitted=admitted, stream=request.stream)
        try:
            response = self.provider.send(request, deadline_ms=call.deadline_ms)
            body = meter.relay(response, call.translate(generation_id, request, key.tenant.plan))
            if not request.stream:
                body = iter((b"".join(body),))
        except ProviderError as error:
            meter.close(error)
            error.generation_id = generation_id
            raise
        except BaseException:
            meter.close(None)  # whatever it was: a hold without an owner must not stay
            raise
        return Answer(
            generation_id=generation_id,
            model=admitted.hold.model,
            stream=request.stream,
            body=body,
            is_over=lambda: meter.is_closed,
        )
