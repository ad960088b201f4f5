"""Alerts: published once per threshold, at least once whatever fails."""

from dataclasses import replace

from tests.support.honest_books import HonestBooks
from tests.support.rollup_fakes import FakeBudgets, FakeBus, FakeRollups
from weir.domain.accounts import Account
from weir.domain.events import BUDGET_THRESHOLD
from weir.domain.holds import Level
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.services.alerts import AlertDesk

LIMIT = AccountLimits(spend_nano_usd=NanoUsd(1_000))


class Stage:
    """Books whose only budgets are the limits, and the desk over them."""

    def __init__(self, *prices: int, level: Level | None = None) -> None:
        self.books = HonestBooks(limits=LIMIT)
        for price in prices:
            levels = frozenset[Level]() if level is None else frozenset({level})
            self.books.add(price=price, levels=levels, end_user="ann")
        self.bus = FakeBus()
        self.marks = FakeRollups()
        self.budgets = FakeBudgets([self.accounts()])
        self.desk = AlertDesk(
            self.budgets, marks=self.marks, bus=self.bus, thresholds=(50, 80, 100)
        )

    def accounts(self) -> list[Account]:
        endless = NanoUsd(UNLIMITED)
        return [replace(account, credit_nano_usd=endless) for account in self.books.accounts]

    def spend(self, price: int) -> None:
        self.books.add(price=price)
        self.budgets.readings = [self.accounts()]


def test_alert_is_published_once_per_threshold() -> None:
    stage = Stage(500)
    counts = [stage.desk.look_after(stage.books.records).published for _ in range(3)]
    stage.spend(290)
    counts.append(stage.desk.look_after(stage.books.records).published)
    stage.spend(210)
    counts += [stage.desk.look_after(stage.books.records).published for _ in range(2)]

    assert counts == [1, 0, 0, 0, 2, 0]
    assert stage.bus.ids == ["acme#m2611:1000#50", "acme#m2611:1000#80", "acme#m2611:1000#100"]


def test_alert_event_says_how_much_of_what() -> None:
    stage = Stage(500)

    stage.desk.look_after(stage.books.records)

    (event,) = stage.bus.taken
    assert event.detail_type == BUDGET_THRESHOLD
    assert event.detail["id"] == event.event_id
    assert event.detail["threshold_percent"] == 50
    assert (event.detail["spent_nano_usd"], event.detail["spent_usd"]) == (500, "0.0000005")
    assert (event.detail["limit_nano_usd"], event.detail["limit_usd"]) == (1_000, "0.000001")
    assert event.detail["held_nano_usd"] == 0


def test_accounts_below_have_alerts_of_their_own() -> None:
    stage = Stage(500, level=Level.END_USER)

    report = stage.desk.look_after(stage.books.records)

    assert report.published == 2
    assert {event.detail["end_user"] for event in stage.bus.taken} == {None, "ann"}


def test_alert_is_published_again_when_it_could_not_be_marked() -> None:
    stage = Stage(500)
    stage.marks.fails = lambda: True

    broken = stage.desk.look_after(stage.books.records)
    stage.marks.fails = lambda: False
    again = stage.desk.look_after(stage.books.records)

    assert broken.failed == {stage.books.records[0].generation_id}
    assert (again.published, again.failed) == (1, frozenset())
    assert stage.bus.ids == ["acme#m2611:1000#50"] * 2


def test_alert_is_not_marked_when_the_bus_refuses_it() -> None:
    stage = Stage(800)
    stage.bus.refuses = "acme#m2611:1000#80".__eq__

    report = stage.desk.look_after(stage.books.records)

    assert report.published == 1
    assert report.failed == {stage.books.records[0].generation_id}
    assert stage.marks.marks == {"acme#m2611:1000#50"}


def test_other_accounts_are_looked_after_when_one_cannot_be_read() -> None:
    stage = Stage(500, level=Level.KEY)
    failing = iter([True, False, False])
    stage.budgets.fails = lambda: next(failing)

    report = stage.desk.look_after(stage.books.records)

    assert report.published == 1
    assert report.failed == {stage.books.records[0].generation_id}


def test_alert_that_only_one_of_two_readings_shows_is_none() -> None:
    stage = Stage(500)
    moving = [replace(stage.accounts()[0], credit_nano_usd=NanoUsd(400))]
    stage.budgets.readings = [moving, stage.accounts()]

    stage.desk.look_after(stage.books.records)

    assert stage.bus.ids == ["acme#m2611:1000#50"]


def test_nothing_is_published_when_nothing_is_reached() -> None:
    stage = Stage(499)

    report = stage.desk.look_after(stage.books.records)

    assert (report.published, report.failed) == (0, frozenset())
    assert not stage.bus.taken
