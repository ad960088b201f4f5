"""What a request leaves behind for the sweeper, and when it is over."""

from functools import partial

import pytest

from tests.support.fakes import USAGE, FakeArchive, FakeResponse
from tests.support.metering import Bench
from weir.domain.errors import ProviderError
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.usage import RecordStatus, Usage


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_long_stream_is_checkpointed_once(bench: Bench) -> None:
    wait = partial(bench.wait, 1_500)

    list(bench.relay(b"a", wait, b"b", wait, b"", wait, b"c", b"usage"))

    assert bench.ledger.calls == ["checkpoint", "record", "settle", "settle"]


def test_a_short_stream_is_recorded_and_settled_without_a_checkpoint(bench: Bench) -> None:
    list(bench.relay(b"a", b"usage"))

    assert bench.ledger.calls == ["record", "settle", "settle"]


def test_a_failed_checkpoint_is_tried_again_later(bench: Bench) -> None:
    bench.ledger.fail_next("checkpoint")

    wait = partial(bench.wait, 3_000)

    list(bench.relay(b"a", wait, b"b", wait, b"c", wait, b"d", b"usage"))

    assert bench.ledger.calls.count("checkpoint") == 2
    assert bench.journal.lines[1][0] == "degraded"
    assert bench.is_settled


def test_an_unforeseen_fault_leaves_the_request_to_the_sweeper(bench: Bench) -> None:
    with pytest.raises(RuntimeError):
        list(bench.relay(b"a", RuntimeError("bug")))

    assert bench.open_hold is not None
    assert bench.journal.lines[-1][0] == "unsettled"


def test_a_generation_that_nobody_named_cannot_be_checkpointed(bench: Bench) -> None:
    wait = partial(bench.wait, 9_000)

    response = FakeResponse([b"a", wait, b"b", b"usage"], generation_id=None)

    list(bench.start().relay(response, bench.translation))

    assert bench.ledger.calls == ["record", "settle", "settle"]


def test_a_checkpointed_hold_is_left_as_it_is(bench: Bench) -> None:
    wait = partial(bench.wait, 9_000)

    list(bench.relay(b"a", wait, b"b"))

    assert bench.ledger.calls == ["checkpoint"]
    assert bench.journal.lines[-1][0] == "unsettled"


def test_an_answer_that_cannot_be_read_is_priced_by_the_id_it_came_with(bench: Bench) -> None:
    bench.archive = FakeArchive([USAGE])
    error = ProviderError("compressed", cost_is_zero=False)
    error.upstream_generation_id = "gen-up"

    bench.start().close(error)

    assert bench.archive.asked == ["gen-up"]
    assert bench.record.usage == USAGE


def test_a_running_count_is_no_final_cost_when_the_stream_breaks(bench: Bench) -> None:
    final = Usage(cost_nano_usd=NanoUsd(9_000))
    bench.archive = FakeArchive([final])

    list(bench.relay(b"usage", ProviderError("cut", cost_is_zero=False)))

    assert bench.record.usage == final


def test_a_running_count_is_no_final_cost_when_the_client_leaves(bench: Bench) -> None:
    final = Usage(cost_nano_usd=NanoUsd(9_000))
    bench.archive = FakeArchive([final])
    body = bench.relay(b"usage", b"a")

    next(body)
    body.close()  # type: ignore[attr-defined]  # a generator, as every body is

    assert bench.record.usage == final
    assert bench.record.status is RecordStatus.INTERRUPTED


def test_what_upstreams_ledger_tells_is_priced_by_the_model_it_names(bench: Bench) -> None:
    bench.plan = PricePlan(version=1, models={"acme/fallback": 3_000_000})
    bench.archive = FakeArchive([USAGE], model="acme/fallback")

    list(bench.relay(b"error"))

    assert bench.record.model == "acme/fallback"
    assert bench.record.price_nano_usd == 3 * USAGE.cost_nano_usd


def test_an_answer_that_is_complete_cannot_break_any_more(bench: Bench) -> None:
    reset = ProviderError("reset", cost_is_zero=False)

    relayed = list(bench.relay(b"usage", b"complete", reset))

    assert relayed == [b"usage", b"[DONE]"]
    assert bench.record.status is RecordStatus.COMPLETED


def test_silence_after_the_end_is_not_waited_for(bench: Bench) -> None:
    relayed = list(bench.relay(b"usage", b"complete", b"", b"never read"))

    assert relayed == [b"usage", b"[DONE]"]


def test_the_hold_knows_upstreams_id_before_its_ledger_is_asked(bench: Bench) -> None:
    list(bench.relay(b"a", b"error"))

    assert bench.ledger.calls == ["checkpoint"]
    assert bench.archive.asked == ["gen-up"] * 3


def test_a_request_that_both_ledger_and_queue_refuse_is_checkpointed_only_once(
    bench: Bench,
) -> None:
    bench.queue.is_down = True
    bench.ledger.fail_next("record")

    list(bench.relay(b"a", partial(bench.wait, 2_000), b"usage"))

    assert bench.ledger.calls.count("checkpoint") == 1
    assert bench.journal.lines[-1][0] == "unsettled"
