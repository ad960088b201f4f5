"""Streamed answers: server-sent events over a chunked body, and the faults that break them."""

from typing import Any

from local.simulator import completions
from local.simulator.echo import ModelError, Piece
from local.simulator.exchange import Exchange, StruckError
from local.simulator.faults import Fault
from local.simulator.ledger import LedgerEntry, Status
from local.simulator.wire import ClientGoneError, Wire

_STRIKING = frozenset(
    {"first-event-error", "mid-stream-error", "cut", "rst", "silence", "bad-json"}
)


def stream(exchange: Exchange) -> None:
    """Answer with a stream; the ledger entry is final when this returns."""
    try:
        _Stream(exchange).run()
    except ClientGoneError:
        exchange.close(Status.CANCELLED)
        exchange.wire.abandon()
    except StruckError:
        pass  # the fault has closed the books and the connection
    except ModelError:
        _fail(exchange)


class _Stream:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._wire = exchange.wire
        self._armed = exchange.fault if exchange.has(*_STRIKING) else None

    def run(self) -> None:
        headers = {
            **self._exchange.headers("text/event-stream"),
            "Cache-Control": "no-cache",
        }
        self._wire.begin(200, headers, gzip=self._exchange.has("gzip"))
        self._write(completions.PROCESSING)
        finishes = self._tokens()
        last = finishes[-1]
        entry = self._exchange.close(Status.COMPLETED, finish_reason=last.finish_reason)
        for finish in finishes:
            self._event(completions.chunk(entry, finish))
        self._ending(entry, last)
        self._wire.end()

    def _tokens(self) -> list[Piece]:
        """Send the tokens and return the finish of each choice."""
        finishes = []
        sent = 0
        self._strike_after(0)
        for piece in self._exchange.produce(self._wire.pause):
            if piece.finish_reason is not None:
                finishes.append(piece)
            elif piece.text or piece.tool_call:
                self._event(completions.chunk(self._exchange.entry, piece))
                sent += 1
                self._strike_after(sent)
        if self._armed is not None:  # the answer was shorter than the fault's patience
            self._strike_after(self._armed.strikes_after)
        assert finishes, "a model's last piece has a finish reason"
        return finishes

    def _ending(self, entry: LedgerEntry, last: Piece) -> None:
        if not self._exchange.has("no-usage"):
            self._event(completions.usage_chunk(entry, last))
        if not self._exchange.has("no-done"):
            self._write(completions.DONE)

    def _event(self, body: dict[str, Any]) -> None:
        self._write(completions.event(body))

    def _write(self, data: bytes) -> None:
        fault = self._exchange.fault
        if fault is None or not (fault.name == "drip" and fault.bytewise):
            self._wire.write(data)
            return
        for position in range(len(data)):
            self._wire.write(data[position : position + 1])
            self._wire.pause(fault.interval_s)

    def _strike_after(self, sent: int) -> None:
        if self._armed is None or sent != self._armed.strikes_after:
            return
        fault, self._armed = self._armed, None
        if fault.name == "silence":
            self._wire.pause(fault.pause_s)
            return
        _strike(self._exchange, fault)
        raise StruckError


def _strike(exchange: Exchange, fault: Fault) -> None:
    if fault.name in {"first-event-error", "mid-stream-error"}:
        _fail(exchange)
        return
    exchange.close(Status.CUT)
    wire: Wire = exchange.wire
    if fault.name == "cut":
        wire.abandon()
    elif fault.name == "rst":
        wire.reset()
    else:
        wire.write(b'data: {"id": "gen-\n\n')
        wire.end()


def _fail(exchange: Exchange) -> None:
    """End the stream with an error event; the tokens so far are charged."""
    entry = exchange.close(Status.ERROR, finish_reason="error")
    try:
        exchange.wire.write(completions.event(completions.error_chunk(entry)))
        exchange.wire.end()
    except ClientGoneError:
        exchange.wire.abandon()
