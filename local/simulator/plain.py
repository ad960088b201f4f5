"""Plain answers: one JSON body, and the faults that break it."""

from collections.abc import Iterator
from typing import Any, Final

from local.simulator import completions
from local.simulator.echo import ModelError, Piece
from local.simulator.errors import RefusedError, provider_failure
from local.simulator.exchange import Exchange
from local.simulator.ledger import LedgerEntry, Status
from local.simulator.wire import ClientGoneError, encode_json

_DRIP_BYTES: Final = 64


def answer(exchange: Exchange) -> None:
    """Answer with one body; the ledger entry is final before its first byte is sent.

    Raises:
        RefusedError: The model broke down half-way.
    """
    try:
        body = _body(exchange)
    except ModelError as error:
        exchange.close(Status.ERROR, finish_reason="error")
        raise RefusedError(str(error), status=error.status) from error
    try:
        _send(exchange, encode_json(body))
    except ClientGoneError:
        exchange.wire.abandon()


def _body(exchange: Exchange) -> dict[str, Any]:
    if exchange.has("first-event-error"):
        exchange.close(Status.ERROR, finish_reason="error")
        return {"id": exchange.entry.id, "error": provider_failure()}
    pieces, entry = _generate(exchange)
    if entry.status is Status.ERROR:
        return completions.partial_result(entry, pieces)
    body = completions.result(entry, pieces)
    if exchange.has("no-usage"):
        del body["usage"]
    return body


def _generate(exchange: Exchange) -> tuple[list[Piece], LedgerEntry]:
    """Run the model to its end: a client that leaves meanwhile pays the whole answer."""
    pieces: list[Piece] = []
    finish_reason = None
    limit = exchange.fault.strikes_after if exchange.fault else 0
    for piece in exchange.produce(exchange.stopping.wait):
        pieces.append(piece)
        finish_reason = piece.finish_reason or finish_reason
        if exchange.has("mid-stream-error") and len(pieces) >= limit:
            return pieces, exchange.close(Status.ERROR, finish_reason="error")
    gone = exchange.wire.client_is_gone()
    status = Status.CANCELLED if gone else Status.COMPLETED
    return pieces, exchange.close(status, finish_reason=finish_reason)


def _send(exchange: Exchange, data: bytes) -> None:
    wire = exchange.wire
    headers = exchange.headers("application/json")
    sent = data[: len(data) // 2] if exchange.has("cut", "rst", "bad-json") else data
    promised = sent if exchange.has("bad-json") else data
    gzip = exchange.has("gzip")
    if not gzip and (exchange.fault is None or exchange.fault.content_length):
        headers["Content-Length"] = str(len(promised))
    wire.begin(200, headers, gzip=gzip)
    for part in _parts(exchange, sent):
        wire.write(part)
    if exchange.has("cut"):
        wire.abandon()
    elif exchange.has("rst"):
        wire.reset()
    else:
        wire.end()


def _parts(exchange: Exchange, data: bytes) -> Iterator[bytes]:
    fault = exchange.fault
    if fault is None or fault.name not in {"drip", "silence"}:
        yield data
        return
    if fault.name == "silence":
        exchange.wire.pause(fault.pause_s)
        yield data
        return
    step = 1 if fault.bytewise else _DRIP_BYTES
    for position in range(0, len(data), step):
        exchange.wire.pause(fault.interval_s)
        yield data[position : position + step]
