"""POST /chat/completions and /completions: choose model and fault, enter the ledger, answer."""

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace

from local.simulator import plain
from local.simulator.catalogue import PROVIDER, SMALL_MODEL_ID, Catalogue, ModelCard
from local.simulator.chat_requests import ChatRequest, read_request
from local.simulator.choices import answered
from local.simulator.early_faults import strike_early
from local.simulator.echo import EchoModel, Model, ModelError, Piece, spoken
from local.simulator.errors import RefusedError
from local.simulator.exchange import Exchange
from local.simulator.faults import Fault, FaultQueue, fault_of_model
from local.simulator.ledger import Kind, Ledger, LedgerEntry
from local.simulator.requests import ReceivedRequest
from local.simulator.streaming import stream
from local.simulator.wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Answers requests. `redirect_url` is where the redirect fault points by default."""

    catalogue: Catalogue
    ledger: Ledger
    faults: FaultQueue
    small_model: Model
    token_interval_s: float
    stopping: threading.Event
    redirect_url: str

    def answer(self, received: ReceivedRequest, wire: Wire, *, kind: Kind) -> None:
        """Answer one request; a queued fault meets the first model only, not the fallbacks.

        Raises:
            RefusedError: No model answers; the error is the last one's.
            ClientGoneError: The client left before there was a generation.
        """
        request = read_request(received, kind=kind)
        queued = self.faults.take()
        for model_id in request.models[:-1]:
            try:
                self._serve(request, wire, model_id=model_id, queued=queued)
            except RefusedError:
                queued = None
            else:
                return
        self._serve(request, wire, model_id=request.models[-1], queued=queued)

    def _serve(
        self, request: ChatRequest, wire: Wire, *, model_id: str, queued: Fault | None
    ) -> None:
        card = self.catalogue.find(model_id)
        if card is None:
            raise RefusedError(f"{model_id} is not a valid model ID", status=400)
        fault = queued
        if fault is None and model_id.startswith("fault/"):
            fault = fault_of_model(model_id.removeprefix("fault/"))
        if fault is not None and strike_early(
            fault,
            wire=wire,
            model_id=model_id,
            streamed=request.stream,
            redirect_url=self.redirect_url,
        ):
            return
        pieces = self._pieces(card, request, fault=fault)
        with closing(pieces):
            exchange = Exchange(
                entry=self._open(card, request, model_id=model_id, fault=fault),
                ledger=self.ledger,
                wire=wire,
                pieces=pieces,
                token_interval_s=self._interval_s(card, fault, streamed=request.stream),
                stopping=self.stopping,
                fault=fault,
            )
            (stream if request.stream else plain.answer)(exchange)

    def _pieces(
        self, card: ModelCard, request: ChatRequest, *, fault: Fault | None
    ) -> Generator[Piece]:
        """Start the model; its first piece shows that it accepts the prompt.

        Raises:
            RefusedError: The model refuses the prompt.
        """
        endless = replace(request.prompts[0], max_tokens=None)
        if fault is not None and fault.name == "drip":
            return spoken(["drip "] * fault.cap, endless)
        if fault is not None and fault.name == "huge":
            return spoken(["x" * fault.size_bytes], endless)
        model = self.small_model if card.id == SMALL_MODEL_ID else EchoModel()
        pieces = answered(model, request.prompts, n=request.n, best_of=request.best_of)
        try:
            first = next(pieces)
        except ModelError as error:
            raise RefusedError(str(error), status=error.status) from error
        return _resumed(first, pieces)

    def _open(
        self, card: ModelCard, request: ChatRequest, *, model_id: str, fault: Fault | None
    ) -> LedgerEntry:
        return self.ledger.open(
            lambda generation_id, created: LedgerEntry(
                id=generation_id,
                created=created,
                model=model_id,
                price=card.price,
                provider=PROVIDER,
                streamed=request.stream,
                caller=request.caller,
                kind=request.kind,
                hidden_s=fault.hides_s if fault else 0.0,
            )
        )

    def _interval_s(self, card: ModelCard, fault: Fault | None, *, streamed: bool) -> float:
        if fault is not None and fault.name == "drip":
            return fault.interval_s if streamed and not fault.bytewise else 0.0
        if card.token_interval_s is not None:
            return card.token_interval_s
        return 0.0 if card.id == SMALL_MODEL_ID else self.token_interval_s


def _resumed(first: Piece, rest: Generator[Piece]) -> Generator[Piece]:
    with closing(rest):
        yield first
        yield from rest
