"""Reports of usage: JSON in one piece, CSV in as many as it takes."""

import calendar
import csv
import io
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from typing_extensions import override

from tests.support.account_gateway import HOLDER, STRANGER, AccountGateway
from tests.support.fake_keys import FakeRegister
from tests.support.fakes import make_key
from tests.support.requests import request
from tests.support.rollup_fakes import FakeRollups
from tests.support.usage_figures import cell, put_closed, put_open, sums
from weir.domain.api_keys import KeyKind, key_hash
from weir.domain.errors import StoreUnavailableError
from weir.domain.rollups import Bucket, BucketFigure, Family, days_between
from weir.domain.tenants import TenantId
from weir.http import usage_reports
from weir.http.usage_reports import UsageEndpoints
from weir.services.usage_reports import UsageReports

MANAGER = make_key(kind=KeyKind.MANAGEMENT)
HASH = key_hash(HOLDER)
HEADER = "requests,usage,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens"


@pytest.fixture
def gateway() -> AccountGateway:
    made = AccountGateway()
    of_ann = cell(family=Family.END_USER, end_user="ann", key_id=HASH[:8], model="b")
    put_closed(made.rollups, "2026-10-31", cell(model="a"), 1_000_000_000)
    put_closed(made.rollups, "2026-11-17", cell(key_id=HASH[:8], model="b"), 20)
    put_open(made.rollups, "2026-11-18", cell(key_id=HASH[:8], model="b"), 300)
    put_open(made.rollups, "2026-11-18", of_ann, 300)
    return made


class LongRollups(FakeRollups):
    """One cell of every day; the reading breaks off after so many."""

    def __init__(self, *, breaks_after: int | None = None) -> None:
        super().__init__()
        self.taken = 0
        self.breaks_after = breaks_after

    @override
    def buckets(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[BucketFigure]:
        for day in days_between(first, last):
            if self.taken == self.breaks_after:
                raise StoreUnavailableError("the rollups table is away")
            self.taken += 1
            start_s = calendar.timegm(time.strptime(day, "%Y-%m-%d"))
            place = Bucket(tenant_id=tenant_id, lane=0, start_s=start_s)
            yield BucketFigure(bucket=place, cell=cell(family=family), sums=sums(1))


def export(rollups: LongRollups) -> Iterator[bytes]:
    """Ask for the report of 1,052 days."""
    reports = UsageReports(rollups=rollups, register=FakeRegister())
    asked = request(caller=MANAGER, query={"start_date": "2024-01-02", "end_date": "2026-11-18"})
    return iter(UsageEndpoints(reports=reports).export(asked).body)


def test_usage_is_by_day_when_nothing_else_is_asked(gateway: AccountGateway) -> None:
    answer = gateway.ask("GET /usage")

    assert (answer.status, list(answer.body)) == (
        200,
        ["data", "start_date", "end_date", "group_by"],
    )
    assert (answer.body["start_date"], answer.body["end_date"]) == ("2026-10-20", "2026-11-18")
    assert [(row["day"], row["usage"]) for row in answer.data] == [
        ("2026-10-31", 1),
        ("2026-11-17", Decimal("0.00000002")),
        ("2026-11-18", Decimal("0.0000003")),
    ]
    assert answer.data[0] == {
        "day": "2026-10-31",
        "requests": 1,
        "usage": 1,
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "reasoning_tokens": 2,
        "cached_tokens": 1,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"group_by": "month"}, [["2026-10", 1], ["2026-11", 2]]),
        ({"group_by": "model"}, [["a", 1], ["b", 2]]),
        ({"group_by": "key,model"}, [["0123abcd", "a", 1], [HASH, "b", 2]]),
        ({"group_by": "end_user"}, [["ann", 1]]),
        ({"group_by": "model", "start_date": "2026-11-18"}, [["b", 1]]),
        ({"group_by": "model", "end_date": "2026-11-01"}, [["a", 1]]),
        ({"group_by": "month", "model": "b"}, [["2026-11", 2]]),
        ({"group_by": "model", "end_user": "ann"}, [["b", 1]]),
        ({"group_by": "model", "api_key_hash": HASH}, [["b", 2]]),
    ],
    ids=str,
)
def test_usage_is_grouped_and_filtered(
    gateway: AccountGateway, query: dict[str, str], expected: list[Any]
) -> None:
    rows = gateway.ask("GET /usage", **query).data

    columns = ["api_key_hash" if g == "key" else g for g in query["group_by"].split(",")]
    assert [[row[name] for name in (*columns, "requests")] for row in rows] == expected


def test_groups_may_be_repeated_parameters() -> None:
    asked = request(caller=MANAGER)
    asked.event["multiValueQueryStringParameters"] = {"group_by": ["day", "model"]}
    reports = UsageReports(rollups=FakeRollups(), register=FakeRegister())

    reply = UsageEndpoints(reports=reports).export(asked)

    assert b"".join(reply.body).startswith(b"day,model,requests,")


@pytest.mark.parametrize(
    "query",
    [
        {"group_by": "colour"},
        {"group_by": "day,day"},
        {"start_date": "2026-11-18", "end_date": "2026-11-17"},
        {"start_date": "2020-01-01"},
        {"start_date": "soon"},
        {"end_date": "0001-01-05"},
        {"end_date": "2026-11-31"},
        {"start_date": "2026-W47-1"},
    ],
    ids=str,
)
@pytest.mark.parametrize("route", ["GET /usage", "GET /usage.csv"])
def test_a_report_is_refused_when_the_query_is_not_clear(
    gateway: AccountGateway, route: str, query: dict[str, str]
) -> None:
    assert gateway.ask(route, **query).status == 400


@pytest.mark.parametrize("route", ["GET /usage", "GET /usage.csv"])
def test_a_key_of_another_tenant_is_not_found(gateway: AccountGateway, route: str) -> None:
    assert gateway.ask(route, api_key_hash=key_hash(STRANGER)).status == 404
    assert gateway.ask(route, api_key_hash=HASH, key=STRANGER).status == 404


def test_a_tenant_sees_its_own_usage_alone(gateway: AccountGateway) -> None:
    assert gateway.ask("GET /usage", key=STRANGER).data == []
    assert gateway.ask("GET /usage.csv", key=STRANGER).text == f"day,{HEADER}\r\n"


def test_csv_tells_what_json_tells(gateway: AccountGateway) -> None:
    query = {"group_by": "day,key,model"}

    answer = gateway.ask("GET /usage.csv", **query)

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    shown = gateway.ask("GET /usage", **query).data
    assert [[*map(str, row.values())] for row in rows] == [
        [f"{value:f}" if isinstance(value, Decimal) else str(value) for value in row.values()]
        for row in shown
    ]
    assert list(rows[0]) == list(shown[0])
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="usage-2026-10-20-2026-11-18.csv"'
    )


def test_foreign_text_is_no_formula_in_a_spreadsheet(gateway: AccountGateway) -> None:
    nasty = cell(family=Family.END_USER, end_user='=cmd|"x"!A1', model="m")
    put_open(gateway.rollups, "2026-11-18", nasty, 1)

    text = gateway.ask("GET /usage.csv", group_by="end_user").text

    names = [row["end_user"] for row in csv.DictReader(io.StringIO(text))]
    assert names == ['\'=cmd|"x"!A1', "ann"]


def test_a_report_of_many_rows_is_for_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_reports, "MAX_ROWS", 10)
    gateway = AccountGateway()
    for number in range(11):
        put_open(gateway.rollups, "2026-11-18", cell(model=f"m{number}"), 1)

    refused = gateway.ask("GET /usage", group_by="model")

    assert refused.status == 400
    assert "/api/v1/usage.csv" in refused.body["error"]["message"]
    assert len(gateway.ask("GET /usage.csv", group_by="model").text.splitlines()) == 12
    assert gateway.ask("GET /usage", group_by="model", model="m1").status == 200


def test_csv_is_sent_while_it_is_read() -> None:
    rollups = LongRollups()

    body = export(rollups)
    first = next(body)

    assert first.count(b"\n") == 500
    assert rollups.taken <= 501
    assert sum(chunk.count(b"\n") for chunk in body) == 1_052 + 1 - 500


def test_csv_fails_before_its_status_when_nothing_can_be_read() -> None:
    with pytest.raises(StoreUnavailableError):
        export(LongRollups(breaks_after=0))


def test_csv_breaks_off_when_the_reading_does() -> None:
    body = export(LongRollups(breaks_after=700))

    next(body)
    with pytest.raises(StoreUnavailableError):
        next(body)
