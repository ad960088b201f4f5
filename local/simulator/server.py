"""The simulator as one object: start it, ask it, make it fail, read its books, stop it."""

import threading
import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from local.simulator import admin, routes
from local.simulator.admin import Admin
from local.simulator.catalogue import SMALL_MODEL_ID, Catalogue
from local.simulator.chat import Chat
from local.simulator.connections import Connections
from local.simulator.echo import EchoModel, Model
from local.simulator.errors import RefusedError, send_refusal
from local.simulator.faults import FaultQueue
from local.simulator.ledger import Ledger
from local.simulator.llama import LlamaModel, ModelUnavailableError
from local.simulator.requests import ReceivedRequest, RequestLog
from local.simulator.routes import Routes
from local.simulator.wire import Wire

_POLL_S: Final = 0.1
_REAL: Final = "SmolLM2 135M Instruct by Hugging Face, run by llama.cpp on this machine."
_STAND_IN: Final = "Served by the deterministic echo model, not by SmolLM2: {reason}."


class Simulator:
    """An OpenRouter on this machine.

    Args:
        keys: Upstream keys accepted at first; `accept_keys` replaces them.
        management_keys: Keys that read the account's books and call no model.
        model: "auto" loads the small model where its packages are installed; "echo" never does.
        port: 0 lets the system choose one.
        token_interval_s: Pause before each token of the echo model.
        generation_delay_s: How long after its end `/generation` still answers 404.
        announce: Gets one line of text for each long step.

    Attributes:
        ledger: The books; `faults`: the queue of faults; `requests` and `connections` tell what
            arrived.
    """

    def __init__(  # noqa: PLR0913 (an operator's settings, all optional but the first)
        self,
        *,
        keys: Collection[str],
        management_keys: Collection[str] = (),
        model: Literal["echo", "auto"] = "echo",
        host: str = "127.0.0.1",
        port: int = 0,
        token_interval_s: float = 0.0,
        generation_delay_s: float = 0.0,
        announce: Callable[[str], object] = print,
    ) -> None:
        self.ledger = Ledger()
        self.faults = FaultQueue()
        self._received = RequestLog()
        self._keys = frozenset(keys)
        self._management_keys = frozenset(management_keys)
        self._model = model
        self._address = (host, port)
        self._token_interval_s = token_interval_s
        self._generation_delay_s = generation_delay_s
        self._announce = announce
        self._llama: LlamaModel | None = None
        self._connections: Connections | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Load the model, if one is wanted, and serve.

        Raises:
            OSError: The port is in use.
        """
        assert self._connections is None, "the simulator is running"
        note = self._load_model()
        try:
            self._connections = Connections(self._address, answer=self._answer)
        except OSError:
            self._stop_model()
            raise
        self._admin = Admin(
            ledger=self.ledger,
            requests=self._received,
            faults=self.faults,
            accept_keys=self.accept_keys,
            connections=lambda: self.connections,
        )
        self._routes = self._make_routes(Catalogue(small_model_note=note))
        self._thread = threading.Thread(
            target=self._connections.serve_forever, args=(_POLL_S,), name="simulator"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving; no thread, socket or process is left. May be called twice."""
        self._stop_model()  # first: a request that waits for it ends at once
        if self._connections is not None and self._thread is not None:
            self._connections.close()
            self._thread.join()
            self._connections = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL for clients: `http://<host>:<port>/api/v1`."""
        return self._origin() + routes.PREFIX

    @property
    def admin_url(self) -> str:
        """Base URL of the operator's routes: `http://<host>:<port>/_simulator`."""
        return self._origin() + admin.PREFIX

    @property
    def connections(self) -> int:
        """How many TCP connections have been accepted since the start."""
        assert self._connections is not None, "the simulator is not running"
        return self._connections.accepted

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The latest requests, oldest first, without those to the operator's routes."""
        return self._received.all()

    def accept_keys(self, keys: Collection[str]) -> None:
        """Accept these upstream keys and no others from now on."""
        self._keys = frozenset(keys)

    def _answer(self, received: ReceivedRequest, wire: Wire) -> None:
        is_admin = urlsplit(received.path).path.startswith(admin.PREFIX)
        if not is_admin:
            self._received.add(received)
        try:
            if is_admin:
                wire.send_json(200, self._admin.answer(received))
            else:
                self._routes.answer(received, wire)
        except RefusedError as error:
            send_refusal(wire, error)

    def _make_routes(self, catalogue: Catalogue) -> Routes:
        assert self._connections is not None
        small_model: Model = self._llama or EchoModel()
        chat = Chat(
            catalogue=catalogue,
            ledger=self.ledger,
            faults=self.faults,
            small_model=small_model,
            token_interval_s=self._token_interval_s,
            stopping=self._connections.stopping,
            redirect_url=f"{self._origin()}/redirected",
        )
        return Routes(
            chat=chat,
            catalogue=catalogue,
            ledger=self.ledger,
            keys=lambda: self._keys,
            management_keys=self._management_keys,
            generation_delay_s=self._generation_delay_s,
            clock_s=time.monotonic,
        )

    def _origin(self) -> str:
        assert self._connections is not None, "the simulator is not running"
        host, port = self._connections.server_address[:2]
        return f"http://{host!s}:{port}"

    def _load_model(self) -> str:
        """Load the small model, if it is wanted; return what `/models` says about it."""
        if self._model == "echo":
            return _STAND_IN.format(reason="the simulator was started with the echo model only")
        self._announce(f"loading the model {SMALL_MODEL_ID} …")
        try:
            self._llama = LlamaModel()
        except ModelUnavailableError as error:
            self._announce(f"{SMALL_MODEL_ID} is served by the echo model: {error}")
            return _STAND_IN.format(reason=error)
        self._announce(f"loaded {SMALL_MODEL_ID}")
        return _REAL

    def _stop_model(self) -> None:
        if self._llama is not None:
            self._llama.stop()
            self._llama = None
