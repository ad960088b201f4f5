"""The embedded AWS as a process of its own: `python -m local.aws_server <host> <port>`.

moto keeps its state in module globals and loses updates when writers overlap; so it has a process
to itself, and one lock serialises its requests: with it the ledger's conditional writes behave as
DynamoDB's do (ADR 0006). `--note-calls` keeps the name of
every operation. Prints its URL when it serves, and ends with its standard input, so it
never outlives whoever started it.
"""

import contextlib
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from typing_extensions import override
from werkzeug.serving import WSGIRequestHandler, make_server

from local.accesses import Access, accesses
from local.aws_transactions import copy_only_what_transactions_touch

CALLS_PATH = "/_calls"
ACCESSES_PATH = "/_accesses"
NOTE_CALLS = "--note-calls"

_StartResponse = Callable[..., Any]
_WsgiApp = Callable[[dict[str, Any], _StartResponse], Iterable[bytes]]


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive: a worker's warm call opens no connection
    disable_nagle_algorithm = True

    @override
    def log_request(self, *_: object) -> None:
        """Say nothing; a request of the embedded AWS is no news."""


class OneAtATime:
    """A WSGI application in front of moto: serialises it, and may note what it is asked for."""

    def __init__(self, application: _WsgiApp, *, note_calls: bool) -> None:
        self._application = application
        self._note_calls = note_calls
        self._lock = threading.Lock()
        self._calls: list[str] = []
        self._accesses: set[Access] = set()

    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        """Answer one request; `CALLS_PATH` lists all operations noted, oldest first."""
        with self._lock:
            noted = {CALLS_PATH: self._calls, ACCESSES_PATH: sorted(self._accesses)}
            if environ["PATH_INFO"] in noted:
                start_response("200 OK", [("Content-Type", "application/json")])
                return [json.dumps(noted[environ["PATH_INFO"]]).encode()]
            if self._note_calls:
                self._note(environ)
            return list(self._application(environ, start_response))

    def _note(self, environ: dict[str, Any]) -> None:
        self._calls.append(_operation(environ))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if length:
            environ["wsgi.input"] = io.BytesIO(body)
        self._accesses |= set(accesses(environ, body))


def _operation(environ: dict[str, Any]) -> str:
    """Turn `DynamoDB_20120810.UpdateItem` into `DynamoDB.UpdateItem`; S3 has method and path."""
    if "HTTP_X_AMZ_TARGET" not in environ:
        return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    service, _, operation = environ["HTTP_X_AMZ_TARGET"].partition(".")
    return f"{service.partition('_')[0]}.{operation}"


def main(host: str, port: int, *, note_calls: bool) -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    copy_only_what_transactions_touch()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app), note_calls=note_calls)
    server = make_server(host, port, application, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with contextlib.suppress(BrokenPipeError):  # interrupted: nobody waits any more
        os.write(sys.stdout.fileno(), f"http://{host}:{server.server_port}\n".encode())
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), note_calls=NOTE_CALLS in sys.argv[3:])
