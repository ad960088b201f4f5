"""Upstream's account-wide sums, read over HTTP with a management key."""

import json
from typing import Any

import pytest

from tests.support.fakes import FakeClock
from tests.support.fault_server import FaultServer, Script, answer
from tests.support.upstream import CANARY, FakeSecret, upstream
from weir.adapters.upstream.books import UpstreamSums
from weir.adapters.upstream.keys import UpstreamKeys
from weir.domain.errors import ProviderError

DAY = "2026-11-18"


def rows(*usages: Any, day: object = DAY) -> Script:
    return answer(body=json.dumps({"data": [{"date": day, "usage": u} for u in usages]}).encode())


def asked(script: Script, what: str, *arguments: str) -> tuple[int, str]:
    """Return the sum, and what upstream was asked."""
    with FaultServer(script) as server, upstream(server) as weir:
        keys = UpstreamKeys(weir.secret, clock=FakeClock())
        amount: int = getattr(UpstreamSums(weir.api, keys=keys), what)(*arguments)
        assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    return amount, server.requests[0].line


def test_day_is_summed_exactly_and_rounded_once() -> None:
    amount, line = asked(rows(0.1, 0.2, 0.0000000004, 0.0000000004), "day_cost", DAY)

    assert amount == 300_000_001
    assert line == f"GET /api/v1/activity?date={DAY} HTTP/1.1"


def test_day_costs_nothing_when_there_was_no_activity() -> None:
    assert asked(rows(), "day_cost", DAY)[0] == 0


@pytest.mark.parametrize(
    ("day", "amount"), [(DAY + " 00:00:00", 10**9), ("2026-11-17", 0), (None, 0)]
)
def test_only_rows_of_the_day_count(day: object, amount: int) -> None:
    assert asked(rows(1, day=day), "day_cost", DAY)[0] == amount


def test_total_is_exact() -> None:
    script = answer(body=b'{"data": {"total_credits": 100.5, "total_usage": 25.750000001}}')

    assert asked(script, "total_cost") == (25_750_000_001, "GET /api/v1/credits HTTP/1.1")


@pytest.mark.parametrize(
    "script",
    [
        answer(403),
        answer(500),
        answer(body=b"{"),
        answer(body=b'{"data": {}}'),
        answer(body=b'{"data": [7]}'),
        rows(None),
        rows("0.1"),
        rows([True]),
        answer(body=b'{"data": [{"date": "2026-11-18", "usage": true}]}'),
        rows(-1),
    ],
)
def test_error_is_raised_when_the_activity_cannot_be_read(script: Script) -> None:
    with pytest.raises(ProviderError):
        asked(script, "day_cost", DAY)


@pytest.mark.parametrize(
    "script", [answer(403), answer(body=b'{"data": []}'), answer(body=b'{"data": {}}')]
)
def test_error_is_raised_when_the_credits_cannot_be_read(script: Script) -> None:
    with pytest.raises(ProviderError):
        asked(script, "total_cost")


def test_redirect_is_not_followed_with_the_key() -> None:
    with FaultServer(answer(500)) as other:
        script = answer(307, headers={"Location": other.url + "/credits"})
        with pytest.raises(ProviderError):
            asked(script, "total_cost")
        assert other.connections == 0


@pytest.mark.parametrize("day", ["today", "2026-11-18&user_id=1", ""])
def test_upstream_is_not_asked_when_it_is_no_day(day: str) -> None:
    with FaultServer(answer(500)) as server, upstream(server) as weir:
        keys = UpstreamKeys(weir.secret, clock=FakeClock())
        with pytest.raises(ValueError):
            UpstreamSums(weir.api, keys=keys).day_cost(day)
        assert server.connections == 0


@pytest.mark.parametrize(("stored", "are_open"), [(CANARY, True), ("", False)])
def test_books_are_open_when_there_is_a_management_key(stored: str, are_open: bool) -> None:  # noqa: FBT001
    keys = UpstreamKeys(FakeSecret(current=stored), clock=FakeClock())
    with FaultServer(answer(500)) as server, upstream(server) as weir:
        assert UpstreamSums(weir.api, keys=keys).are_open() is are_open
        assert server.connections == 0
