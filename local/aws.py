"""The embedded AWS: moto's server on a loopback port, one request at a time.

moto loses updates when writers overlap, so one lock serialises its requests; with it the ledger's
conditional writes behave as DynamoDB's do (ADR 0006).
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from typing_extensions import override
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

REGION = "us-east-1"

_WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive: a worker's warm call opens no connection
    disable_nagle_algorithm = True

    @override
    def log_request(self, *_: object) -> None:
        """Say nothing; a request of the embedded AWS is no news."""


class EmbeddedAws:
    """An AWS endpoint in this process; holds nothing on disk.

    Attributes:
        calls: The last operations it was asked for, oldest first, e.g. `DynamoDB.UpdateItem`.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.calls: deque[str] = deque(maxlen=10_000)
        self._lock = threading.Lock()
        self._host = host
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start serving."""
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            self._host,
            self._port,
            self._one_at_a_time(application),
            threaded=True,
            request_handler=_QuietHandler,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="embedded-aws")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving and forget everything."""
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Return the endpoint URL for the AWS SDK."""
        assert self._server is not None
        return f"http://{self._host}:{self._server.server_port}"

    def environment(self) -> Mapping[str, str]:
        """Return the variables that point an AWS SDK here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }

    def client(self, service: str) -> Any:
        """Return a low-level boto3 client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",
        )

    def _one_at_a_time(self, application: _WsgiApp) -> _WsgiApp:
        def serialised(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            with self._lock:
                # `DynamoDB_20120810.UpdateItem`: service, API version, operation.
                service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
                self.calls.append(f"{service.partition('_')[0]}.{operation}")
                return list(application(environ, start_response))

        return serialised
