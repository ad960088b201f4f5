"""POST /api/v1/chat/completions and /completions: an event to a call, an answer to a reply."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from weir.domain.answers import Answer, Reply
from weir.domain.errors import NotFoundError, WeirError
from weir.domain.generations import GenerationId, created_s
from weir.domain.ports import Journal, Translation
from weir.domain.price_plans import PricePlan
from weir.domain.requests import ChatRequest, Mode
from weir.http.body_translation import BodyTranslation
from weir.http.chat_request import read_chat_request
from weir.http.cors import CORS_HEADERS
from weir.http.errors import error_event, error_response, internal_error, unexpected
from weir.http.events import ProxyEvent, bearer, body_bytes, headers
from weir.http.idempotency import idempotency_key, request_digest
from weir.http.stream_translation import StreamTranslation
from weir.http.unforeseen import log_frames
from weir.services.chat import Call, Chat

MODES: Mapping[str, Mode] = {
    "POST /api/v1/chat/completions": Mode.CHAT,
    "POST /api/v1/completions": Mode.TEXT,
}
"""The routes, by method and resource as the template has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEndpoint:
    """Speaks OpenRouter's wire format for `Chat`."""

    chat: Chat
    journal: Journal

    def respond(self, event: ProxyEvent, *, deadline_ms: int, request_id: str) -> Reply:
        """Answer one proxy event; every failure becomes an error envelope.

        Args:
            deadline_ms: Epoch milliseconds by which upstream must have finished.
            request_id: Shown to the client when something unforeseen happens.
        """
        try:
            return self.chat.answer(_call(event, deadline_ms=deadline_ms))
        except WeirError as error:
            self.journal.refused(error=error)
            return _error_reply(error)
        except Exception as failure:  # noqa: BLE001  the outermost edge: nothing may leak out of here
            log_frames(failure)
            status, fields, body = internal_error(request_id)
        return Reply(status=status, headers=fields, body=(body,))


def _call(event: ProxyEvent, *, deadline_ms: int) -> Call:
    mode = MODES.get(f"{event.get('httpMethod')} {event.get('resource')}")
    if mode is None:
        raise NotFoundError("Not Found")
    fields = headers(event)
    return Call(
        bearer=bearer(event),
        deadline_ms=deadline_ms,
        idempotency_key=idempotency_key(fields),
        digest=lambda: request_digest(event, fields),
        read=lambda tenant: read_chat_request(body_bytes(event), fields, tenant=tenant, mode=mode),
        translate=_translation,
        reply=lambda answer: _reply(answer, mode),
        error_reply=_error_reply,
    )


def _translation(generation_id: GenerationId, request: ChatRequest, plan: PricePlan) -> Translation:
    model = request.models[0]
    if request.stream:
        return StreamTranslation(
            generation_id,
            model=model,
            created=created_s(generation_id),
            plan=plan,
            mode=request.mode,
        )
    return BodyTranslation(generation_id, model=model, plan=plan)


def _reply(answer: Answer, mode: Mode) -> Reply:
    kind, body = {"Content-Type": "application/json"}, answer.body
    if answer.stream:
        kind = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        body = _guarded(answer, mode)
    fields = {**kind, **CORS_HEADERS, "X-Generation-Id": answer.generation_id}
    return Reply(status=200, headers=fields, body=body)


def _error_reply(error: WeirError) -> Reply:
    status, fields, body = error_response(error)
    return Reply(status=status, headers=fields, body=(body,))


def _guarded(answer: Answer, mode: Mode) -> Iterator[bytes]:
    """Relay a stream; an unforeseen fault in it ends in an error event, not in a cut."""
    try:
        yield from answer.body
    except Exception as failure:  # noqa: BLE001  the same edge, once the first byte is out
        log_frames(failure)
        yield error_event(
            unexpected(),
            generation_id=answer.generation_id,
            model=answer.model,
            created=created_s(answer.generation_id),
            provider=None,
            mode=mode,
        )
