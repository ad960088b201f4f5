"""Translation of a stream: each event goes on once it is whole, under our id and our prices.

Work is on bytes and lines end at LF: text mode would split at U+2028 as well, and break characters
between two reads. A chunk is parsed only when it may tell something new; in all others the id is
replaced where the first chunk showed it to be.
"""

import re
from contextlib import suppress
from json import dumps

from weir.domain.errors import ProviderError, WeirError
from weir.domain.generations import GenerationId, created_s
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.requests import Mode
from weir.http.errors import error_event, unexpected
from weir.http.event_stream import DATA, EventBuffer, read_event
from weir.http.json_objects import JsonObject, MalformedJsonError, splice
from weir.http.provider_errors import reported_error
from weir.http.reading import GenerationReading
from weir.http.shown_prices import ShownPrices
from weir.http.upstream_json import read_members

KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"
MAX_EVENT_BYTES = 8 * 1024 * 1024

_CUT = "The provider's stream ended before it was complete"
_NO_EVENT = "The provider's stream holds what is no JSON event"
_TOO_LARGE = "An event of the provider's stream is too large"
_ID_KEYS = ('"id":', '"id": ')
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')


class StreamTranslation:
    """A `Translation` of server-sent events.

    An error never overtakes the events before it: when both arrive in one read, `feed` returns the
    events, and raises at its next call.
    """

    def __init__(
        self,
        generation_id: GenerationId,
        *,
        model: str | None = None,
        created: int | None = None,
        plan: PricePlan = AT_COST,
        mode: Mode = Mode.CHAT,
    ) -> None:
        """Start; `model` and `created` (epoch seconds) stand in until upstream names its own.

        Costs are shown as the prices of the tenant's `plan`; an error is told as a chunk of `mode`.
        """
        self._generation_id = generation_id
        self._mode = mode
        self._model = model
        self._prices = ShownPrices(plan=plan, model=model or "")
        self._created = created_s(generation_id) if created is None else created
        self._events = EventBuffer()
        self._upstream_member = b""
        self._our_member = b""
        self._is_done = False
        self._failure: ProviderError | None = None
        self._unsent = b""
        self._reading = GenerationReading()

    @property
    def reading(self) -> GenerationReading:
        """What the events so far told."""
        return self._reading

    @property
    def is_complete(self) -> bool:
        """Tell whether `[DONE]` was seen; whatever follows is ignored."""
        return self._is_done

    def feed(self, chunk: bytes) -> bytes:
        """Take what arrived and return the events that are whole, or a keep-alive comment.

        Raises:
            ProviderError: Upstream reported an error, or sent what is no event of a chat stream.
        """
        if self._failure is not None:
            raise self._failure
        if self._is_done:
            return b""
        if not chunk:
            return KEEP_ALIVE
        sent = b""
        try:
            for event in self._events.take(chunk):
                sent += self._event(event)
            _check_size(len(self._events))
        except MalformedJsonError as error:
            self._failure = ProviderError(_NO_EVENT, cost_is_zero=False)
            self._failure.__cause__ = error
        except ProviderError as error:
            self._failure = error
        if self._failure is not None and not sent:
            raise self._failure
        return sent

    def end(self) -> None:
        """Close the stream; the last event may lack its blank line.

        Raises:
            ProviderError: It ended in an error, or without `[DONE]` and without its usage.
        """
        if self._failure is not None:
            raise self._failure
        rest = self._events.rest().strip()
        # A torn event tells nothing; whether the stream was complete without it is decided below.
        with suppress(MalformedJsonError):
            self._unsent = self._event(rest + b"\n\n") if rest else b""
        reading = self._reading
        has_ended = reading.usage is not None and reading.finish_reason is not None
        if not (self._is_done or has_ended):
            raise ProviderError(_CUT, cost_is_zero=False)

    def ending(self, error: Exception | None) -> bytes:
        """Return `[DONE]`, or the event that tells the error."""
        if error is None:
            return self._unsent + DONE
        return self._unsent + error_event(
            error if isinstance(error, WeirError) else unexpected(),
            generation_id=self._generation_id,
            model=self._reading.model or self._model,
            created=self._created,
            provider=self._reading.provider,
            mode=self._mode,
        )

    def _event(self, event: bytes) -> bytes:
        """Return one event as it goes on; nothing once `[DONE]` came, or when it tells nothing."""
        if self._is_done:
            return b""
        _check_size(len(event))
        fields = read_event(event)
        sent = b""
        if fields.data is None:
            sent = fields.before
        elif fields.data.strip():
            written = self._chunk(fields.data).replace(b"\n", b"\n" + DATA)
            sent = fields.before + DATA + written + b"\n" + fields.after
        self._is_done = fields.is_last
        return sent

    def _chunk(self, payload: bytes) -> bytes:
        known = self._upstream_member
        at = payload.find(known) if known else -1
        if at < 0 or not payload.endswith(b"}") or self._must_be_read(payload):
            return self._read(payload)
        return payload[:at] + self._our_member + payload[at + len(known) :]

    def _must_be_read(self, payload: bytes) -> bool:
        return _tells_something(payload) or self._prices.concerns(payload)

    def _read(self, payload: bytes) -> bytes:
        chunk = read_members(payload)
        self._reading.update({name: member.value for name, member in chunk.members.items()})
        created = chunk.get("created")
        if isinstance(created, int) and not isinstance(created, bool):
            self._created = created
        if chunk.get("error") is not None:
            raise reported_error(chunk.get("error"))
        self._learn_id(chunk)
        shown = self._prices.members(chunk, model=self._reading.model)
        return splice(chunk, replacements={**shown, "id": dumps(self._generation_id)})

    def _learn_id(self, chunk: JsonObject) -> None:
        """Remember how the id is written, unless the same text also stands elsewhere before it."""
        member = chunk.members.get("id")
        if member is None:
            return
        for key in _ID_KEYS:
            start = member.start - len(key)
            written = chunk.text[max(start, 0) : member.end]
            if written.startswith(key) and chunk.text.find(written) == start:
                self._upstream_member = written.encode("utf-8", "surrogateescape")
                self._our_member = (key + dumps(self._generation_id)).encode()


def _tells_something(payload: bytes) -> bool:
    """Tell whether a chunk may carry usage, an error or the finish; tests are cheapest first."""
    return (
        b'"error"' in payload
        or (b'"usage"' in payload and _USAGE.search(payload) is not None)
        or _FINISHED.search(payload) is not None
    )


def _check_size(size_bytes: int) -> None:
    if size_bytes > MAX_EVENT_BYTES:
        raise ProviderError(_TOO_LARGE, cost_is_zero=False)
