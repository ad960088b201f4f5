"""Builds the real upstream adapters against a loopback server, and closes them afterwards."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.fault_server import FaultServer
from weir.adapters.clock import SystemClock
from weir.adapters.secrets import Stage
from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.provider import UpstreamProvider
from weir.adapters.upstream.session import UpstreamSession
from weir.domain.errors import StoreUnavailableError
from weir.domain.ports import Clock

CANARY = "sk-or-v1-CANARY0123456789"


@dataclass
class FakeSecret:
    """A secret whose versions tests change; `reads` tells which were read, in order."""

    current: str | None = CANARY
    previous: str | None = None
    is_down: bool = False
    reads: list[Stage] = field(default_factory=list)

    def read(self, stage: Stage) -> str | None:
        self.reads.append(stage)
        if self.is_down:
            raise StoreUnavailableError("down", retry_after_s=5)
        return self.current if stage == "AWSCURRENT" else self.previous


@dataclass
class Upstream:
    """The adapters as a handler wires them."""

    session: UpstreamSession
    secret: FakeSecret
    api: UpstreamApi
    provider: UpstreamProvider


@contextlib.contextmanager
def upstream(
    server: FaultServer,
    *,
    secret: FakeSecret | None = None,
    clock: Clock | None = None,
    tls: ssl.SSLContext | None = None,
    idle_s: float = 10.0,
    max_body_bytes: int = 1_000_000,
) -> Iterator[Upstream]:
    clock = clock or SystemClock()
    secret = secret or FakeSecret()
    session = UpstreamSession(
        server.url, clock=clock, tls=tls, idle_s=idle_s, max_body_bytes=max_body_bytes
    )
    api = UpstreamApi(session, keys=UpstreamKeys(secret, clock=clock), clock=clock)
    try:
        yield Upstream(session=session, secret=secret, api=api, provider=UpstreamProvider(api))
    finally:
        session.close()


def soon(seconds: float, *, clock: Clock | None = None) -> int:
    """Return a deadline this far from now."""
    return (clock or SystemClock()).now_ms() + int(seconds * 1000)
