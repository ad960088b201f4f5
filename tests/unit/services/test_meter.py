"""Every way a request can end: what is recorded, what is settled, what the client sees."""

from functools import partial

import pytest

from tests.support.fakes import TENANT, USAGE, FakeArchive, FakeReading, FakeResponse
from tests.support.ledger_values import make_record
from tests.support.metering import HOLD, Bench
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.usage import RecordStatus, Usage


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_stream_is_settled_before_its_last_bytes(bench: Bench) -> None:
    body = bench.relay(b"a", b"usage")

    relayed = [next(body), next(body)]
    open_before = not bench.is_settled
    last = next(body)

    assert (relayed, open_before, last) == ([b"a", b"usage"], True, b"[DONE]")
    assert bench.is_settled
    assert bench.record.status is RecordStatus.COMPLETED
    assert bench.record.usage == USAGE
    assert bench.journal.lines == [("forwarded", "gen-up"), ("settled", RecordStatus.COMPLETED)]


def test_facts_of_the_answer_reach_the_record(bench: Bench) -> None:
    bench.translation.reading = FakeReading(
        model="acme/real", provider="Acme", finish_reason="stop"
    )

    wait = partial(bench.wait, 40)

    list(bench.relay(wait, b"", b"a", wait, b"usage"))

    record = bench.record
    assert (record.model, record.provider, record.finish_reason) == ("acme/real", "Acme", "stop")
    assert (record.latency_ms, record.generation_ms) == (40, 40)
    assert (record.key_id, record.streamed, record.http_status) == (HOLD.key_id, True, 200)
    assert record.upstream_generation_id == "gen-up"
    assert (record.levels, record.estimate_nano_usd) == (HOLD.levels, HOLD.estimate_nano_usd)


def test_the_tenant_owes_what_its_plan_makes_of_the_cost_of_the_model_that_answered(
    bench: Bench,
) -> None:
    bench.plan = PricePlan(version=1, multiplier_ppm=1_200_000, models={"acme/real": 2_000_000})
    bench.translation.reading = FakeReading(model="acme/real")

    list(bench.relay(b"usage"))

    assert bench.record.usage.cost_nano_usd == USAGE.cost_nano_usd
    assert bench.record.price_nano_usd == 2 * USAGE.cost_nano_usd
    assert bench.is_settled


def test_an_error_event_ends_a_broken_stream_and_upstream_tells_the_cost(bench: Bench) -> None:
    bench.archive = FakeArchive([None, USAGE])

    relayed = list(bench.relay(b"a", b"error"))

    assert relayed == [b"a", b"[ERROR]"]
    assert bench.record.status is RecordStatus.INTERRUPTED
    assert bench.record.usage == USAGE
    assert bench.clock.pauses == [0, 250]
    assert bench.is_settled


def test_final_usage_counts_when_the_stream_breaks_afterwards(bench: Bench) -> None:
    bench.translation.reading = FakeReading(finish_reason="stop")

    list(bench.relay(b"usage", ProviderError("cut", cost_is_zero=False)))

    assert bench.record.status is RecordStatus.INTERRUPTED
    assert bench.record.usage == USAGE
    assert bench.archive.asked == []


def test_a_body_that_ends_early_is_an_error(bench: Bench) -> None:
    bench.translation.ends_cleanly = False
    bench.archive = FakeArchive([USAGE])

    assert list(bench.relay(b"a")) == [b"a", b"[ERROR]"]
    assert bench.is_settled


def test_the_hold_stays_for_the_sweeper_when_upstream_does_not_know_the_cost(
    bench: Bench,
) -> None:
    list(bench.relay(b"a"))

    assert bench.open_hold is not None
    assert bench.open_hold.upstream_generation_id == "gen-up"
    assert bench.ledger.stored(HOLD.generation_id) is None
    assert bench.journal.lines[-1][0] == "unsettled"


def test_the_hold_stays_when_upstreams_ledger_cannot_be_asked(bench: Bench) -> None:
    bench.archive = FakeArchive([ProviderError("down", cost_is_zero=True)])

    list(bench.relay(b"a"))

    assert len(bench.archive.asked) == 1
    assert bench.open_hold is not None


def test_a_client_that_leaves_is_still_metered(bench: Bench) -> None:
    bench.archive = FakeArchive([USAGE])
    response = FakeResponse([b"a", b"b"])
    body = bench.start().relay(response, bench.translation)
    next(body)

    body.close()  # type: ignore[attr-defined]  # it is a generator

    assert response.closed
    assert bench.record.status is RecordStatus.INTERRUPTED
    assert bench.is_settled


def test_a_plain_answer_that_breaks_raises(bench: Bench) -> None:
    bench.archive = FakeArchive([USAGE])

    with pytest.raises(ProviderError, match="cut"):
        list(bench.relay(ProviderError("cut", cost_is_zero=False), stream=False))

    assert bench.is_settled


def test_nothing_is_charged_when_upstream_refused(bench: Bench) -> None:
    bench.start(stream=False).close(ProviderError("no", cost_is_zero=True, status=429))

    assert bench.record.status is RecordStatus.FAILED
    assert (bench.record.usage.cost_nano_usd, bench.record.http_status) == (0, 429)
    assert bench.is_settled


def test_the_cost_is_unknown_when_upstream_never_named_the_generation(bench: Bench) -> None:
    bench.start().close(ProviderError("timed out", cost_is_zero=False))

    assert bench.record.status is RecordStatus.UNKNOWN
    assert bench.is_settled
    assert bench.archive.asked == []


def test_the_generation_may_be_named_by_the_body_only(bench: Bench) -> None:
    bench.archive = FakeArchive([USAGE])
    bench.translation.reading = FakeReading(upstream_generation_id="gen-body")

    list(bench.start().relay(FakeResponse([b"a"], generation_id=None), bench.translation))

    assert bench.archive.asked == ["gen-body"]


def test_closing_twice_records_once(bench: Bench) -> None:
    meter = bench.start()

    meter.close(ProviderError("no", cost_is_zero=True))
    meter.close(ProviderError("no", cost_is_zero=True))

    assert bench.ledger.calls.count("record") == 1


def test_a_meter_tells_that_it_is_closed_before_the_last_bytes(bench: Bench) -> None:
    meter = bench.start()
    body = meter.relay(FakeResponse([b"usage"]), bench.translation)

    told = [(piece, meter.is_closed) for piece in body]

    assert told == [(b"usage", False), (b"[DONE]", True)]


@pytest.mark.parametrize("method", ["record", "settle"])
@pytest.mark.parametrize("applied", [False, True])
def test_the_record_is_queued_when_the_ledger_fails_at_the_end(
    bench: Bench, method: str, *, applied: bool
) -> None:
    bench.ledger.fail_next(method, applied=applied)

    relayed = list(bench.relay(b"usage"))

    assert relayed[-1] == b"[DONE]"
    assert bench.journal.lines[-1][0] == "queued"
    assert [record.usage for record in bench.queue.records] == [USAGE]
    assert "checkpoint" not in bench.ledger.calls


def test_the_sweeper_gets_upstreams_id_when_the_queue_fails_as_well(bench: Bench) -> None:
    bench.ledger.fail_next("record")
    bench.queue.is_down = True

    relayed = list(bench.relay(b"usage"))

    assert relayed[-1] == b"[DONE]"
    assert bench.journal.lines[-1][0] == "unsettled"
    assert bench.open_hold is not None
    assert bench.open_hold.upstream_generation_id == "gen-up"


def test_a_record_that_was_there_first_decides_the_price(bench: Bench) -> None:
    meter = bench.start()
    swept = make_record(HOLD, cost=USAGE.cost_nano_usd, tenant_id=TENANT.tenant_id)
    bench.ledger.record(swept)
    bench.translation.usage = Usage(cost_nano_usd=NanoUsd(1))

    list(meter.relay(FakeResponse([b"usage"]), bench.translation))

    assert bench.record == swept
    assert bench.is_settled


def test_a_cancelled_stream_stops_with_an_error_and_upstream_tells_the_cost(bench: Bench) -> None:
    bench.archive = FakeArchive([USAGE])
    bench.cancellations.answers = [False, True]
    response = FakeResponse(
        [b"a", partial(bench.wait, 1_000), b"b", partial(bench.wait, 1_000), b"", b"never read"]
    )

    relayed = list(bench.start().relay(response, bench.translation))

    assert relayed == [b"a", b"b", b"[ERROR]"]
    assert response.closed
    assert (bench.record.status, bench.record.http_status) == (RecordStatus.CANCELLED, 499)
    assert bench.record.usage == USAGE
    assert bench.is_settled
    assert bench.cancellations.asked == [(TENANT.tenant_id, HOLD.generation_id)] * 2


def test_a_cancelled_plain_request_raises(bench: Bench) -> None:
    bench.archive = FakeArchive([USAGE])
    bench.cancellations.answers = [True]

    with pytest.raises(ProviderError, match="cancelled") as caught:
        list(bench.relay(partial(bench.wait, 1_000), b"a", stream=False))

    assert caught.value.status == 499
    assert bench.record.status is RecordStatus.CANCELLED


def test_a_short_request_never_asks_whether_it_is_cancelled(bench: Bench) -> None:
    list(bench.relay(partial(bench.wait, 999), b"usage"))

    assert bench.cancellations.asked == []


def test_a_request_goes_on_when_nobody_knows_whether_it_is_cancelled(bench: Bench) -> None:
    bench.cancellations.answers = [StoreUnavailableError("down")]

    relayed = list(bench.relay(partial(bench.wait, 1_000), b"usage"))

    assert relayed == [b"usage", b"[DONE]"]
    assert ("degraded", "cancellation: down") in bench.journal.lines
