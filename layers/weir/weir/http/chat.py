"""POST /api/v1/chat/completions: an API Gateway event to a call, an answer to a reply."""

import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from weir.domain.errors import WeirError
from weir.domain.generations import GenerationId, created_s
from weir.domain.ports import Journal, Translation
from weir.domain.requests import ChatRequest
from weir.http.body_translation import BodyTranslation
from weir.http.chat_request import read_chat_request
from weir.http.cors import CORS_HEADERS
from weir.http.errors import error_event, error_response, internal_error, unexpected
from weir.http.events import ProxyEvent, bearer, body_bytes, headers
from weir.http.stream_translation import StreamTranslation
from weir.services.chat import Answer, Call, Chat

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the function returns: status and headers first, then the body as it comes."""

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes]


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
            return _reply(self.chat.answer(_call(event, deadline_ms=deadline_ms)))
        except WeirError as error:
            self.journal.refused(error=error)
            status, fields, body = error_response(error)
        except Exception as failure:  # noqa: BLE001  the outermost edge: nothing may leak out of here
            _log_frames(failure)
            status, fields, body = internal_error(request_id)
        return Reply(status=status, headers=fields, body=(body,))


def _call(event: ProxyEvent, *, deadline_ms: int) -> Call:
    fields = headers(event)
    return Call(
        bearer=bearer(event),
        deadline_ms=deadline_ms,
        read=lambda tenant: read_chat_request(body_bytes(event), fields, tenant=tenant),
        translate=_translation,
    )


def _translation(generation_id: GenerationId, request: ChatRequest) -> Translation:
    if request.stream:
        return StreamTranslation(
            generation_id, model=request.models[0], created=created_s(generation_id)
        )
    return BodyTranslation(generation_id)


def _reply(answer: Answer) -> Reply:
    kind, body = {"Content-Type": "application/json"}, answer.body
    if answer.stream:
        kind = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        body = _guarded(answer)
    fields = {**kind, **CORS_HEADERS, "X-Generation-Id": answer.generation_id}
    return Reply(status=200, headers=fields, body=body)


def _guarded(answer: Answer) -> Iterator[bytes]:
    """Relay a stream; an unforeseen fault in it ends in an error event, not in a cut."""
    try:
        yield from answer.body
    except Exception as failure:  # noqa: BLE001  the same edge, once the first byte is out
        _log_frames(failure)
        yield error_event(
            unexpected(),
            generation_id=answer.generation_id,
            model=answer.model,
            created=created_s(answer.generation_id),
            provider=None,
        )


def _log_frames(failure: Exception) -> None:
    # Frames only: an exception's own text may quote the request or hold its headers.
    frames = traceback.format_tb(failure.__traceback__)
    _log.error("unforeseen %s\n%s", type(failure).__name__, "".join(frames))
