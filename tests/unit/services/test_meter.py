"""Every way a request can end: what is recorded, what is settled, what the client sees."""

import pytest

from tests.support.fakes import TENANT, USAGE, FakeArchive, FakeReading, FakeResponse
from tests.support.metering import HOLD, Bench
from weir.domain.errors import ProviderError
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus


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

    def wait() -> None:
        bench.clock.ms += 40

    list(bench.relay(wait, b"", b"a", wait, b"usage"))

    record = bench.record
    assert (record.model, record.provider, record.finish_reason) == ("acme/real", "Acme", "stop")
    assert (record.latency_ms, record.generation_ms) == (40, 40)
    assert (record.key_id, record.streamed, record.http_status) == (HOLD.key_id, True, 200)
    assert record.upstream_generation_id == "gen-up"


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

    account = bench.ledger.account(TENANT.tenant_id)
    assert account.holds[HOLD.generation_id].upstream_generation_id == "gen-up"
    assert bench.ledger.stored(HOLD.generation_id) is None
    assert bench.journal.lines[-1][0] == "unsettled"


def test_the_hold_stays_when_upstreams_ledger_cannot_be_asked(bench: Bench) -> None:
    bench.archive = FakeArchive([ProviderError("down", cost_is_zero=True)])

    list(bench.relay(b"a"))

    assert len(bench.archive.asked) == 1
    assert HOLD.generation_id in bench.ledger.account(TENANT.tenant_id).holds


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


@pytest.mark.parametrize("method", ["record", "settle"])
@pytest.mark.parametrize("applied", [False, True])
def test_the_client_gets_its_answer_when_the_ledger_fails_afterwards(
    bench: Bench, method: str, *, applied: bool
) -> None:
    bench.ledger.fail_next(method, applied=applied)

    relayed = list(bench.relay(b"usage"))

    assert relayed[-1] == b"[DONE]"
    assert bench.journal.lines[-1][0] == "unsettled"


def test_a_record_that_was_there_first_decides_the_cost(bench: Bench) -> None:
    meter = bench.start()
    swept = meter._record(RecordStatus.UNKNOWN, usage=USAGE, http_status=200, now_ms=bench.clock.ms)
    bench.ledger.record(TENANT.tenant_id, record=swept)
    bench.translation.usage = type(USAGE)(cost_nano_usd=NanoUsd(1))

    list(meter.relay(FakeResponse([b"usage"]), bench.translation))

    assert bench.ledger.account(TENANT.tenant_id).spent_nano_usd == USAGE.cost_nano_usd
