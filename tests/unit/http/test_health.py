"""GET /health: status, body, and nothing about the account."""

import json
from typing import Any

import pytest

from tests.support.catalogue_values import FakeShared
from tests.support.fakes import FakeClock, FakeJournal, FakeKeys
from weir import VERSION
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.domain.api_keys import ApiKey
from weir.domain.catalogue import MODELS, Copy
from weir.domain.errors import StoreUnavailableError
from weir.domain.ports import ApiKeyStore
from weir.http.access import Gate
from weir.http.health import HealthEndpoint
from weir.http.routes import Routes
from weir.services.health import Health

CLOCK = FakeClock()


class NoKeys:
    def find(self, key_hash: str) -> ApiKey | None:
        raise StoreUnavailableError("table weir-ControlTable-1 of account 123456789012 is down")


def ask(
    keys: ApiKeyStore, shared: FakeShared | None = None, *, path: str = "/health"
) -> tuple[int, dict[str, str], Any]:
    health = Health(
        keys=keys,
        memory=CatalogueMemory(clock=CLOCK),
        shared=shared or FakeShared(),
        clock=CLOCK,
    )
    routes = Routes(
        table=HealthEndpoint(health=health).routes(),
        gate=Gate(keys=FakeKeys({}), key_prefix="sk-weir-v1-"),
        clock=CLOCK,
        journal=FakeJournal(),
    )
    result = routes.respond({"httpMethod": "GET", "resource": path}, request_id="request-1")
    return result["statusCode"], dict(result["headers"]), json.loads(result["body"])


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_it_is_ok_when_the_tables_answer(path: str) -> None:
    shared = FakeShared(copies={MODELS: Copy(content=[], read_ms=CLOCK.ms - 61_999)})

    status, headers, body = ask(FakeKeys({}), shared, path=path)

    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert body == {
        "status": "ok",
        "version": VERSION,
        "checks": {
            "tables": {"status": "ok"},
            "catalogue": {"status": "ok", "age_seconds": 61},
        },
    }


def test_it_says_when_to_ask_again_when_the_tables_do_not_answer() -> None:
    status, headers, body = ask(NoKeys())

    assert status == 503
    assert headers["Retry-After"] == "5"
    assert body["status"] == "unavailable"
    assert body["checks"] == {
        "tables": {"status": "unreachable"},
        "catalogue": {"status": "absent", "age_seconds": None},
    }
    assert "Control" not in str(body)
