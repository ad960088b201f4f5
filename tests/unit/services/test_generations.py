"""A tenant reads its own ended requests, with what was found out about them later."""

from dataclasses import dataclass

import pytest

from tests.support.ledger_values import ACME, make_adjustment, make_hold, make_record, new_id
from weir.domain.errors import NotFoundError
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.generations import find_generation


@dataclass
class Records:
    rows: tuple[UsageRecord, ...]
    asked: int = 0

    def find(self, tenant_id: TenantId, generation_id: GenerationId) -> UsageRecord | None:
        self.asked += 1
        for row in self.rows:
            if (row.tenant_id, row.generation_id) == (tenant_id, generation_id):
                return row
        return None


def test_a_request_is_told_as_it_was_recorded() -> None:
    record = make_record(make_hold())

    assert find_generation(Records((record,)), ACME, named=record.generation_id) == record


def test_an_unknown_request_is_told_at_the_price_that_was_found_out() -> None:
    unknown = make_record(make_hold(), cost=0, status=RecordStatus.UNKNOWN)
    later = make_adjustment(unknown, cost=77, provider="Maker", finish_reason="stop")
    unknown = make_record(
        make_hold(generation_id=unknown.generation_id),
        cost=0,
        status=RecordStatus.UNKNOWN,
        adjusted_by=later.generation_id,
    )

    found = find_generation(Records((unknown, later)), ACME, named=unknown.generation_id)

    assert (found.generation_id, found.price_nano_usd) == (unknown.generation_id, 77)
    assert (found.provider, found.finish_reason) == ("Maker", "stop")
    assert found.usage == later.usage


def test_what_is_not_the_tenants_reads_like_what_does_not_exist() -> None:
    theirs = make_record(make_hold(), tenant_id=TenantId("other"))
    adjustment = make_adjustment(make_record(make_hold()), cost=1)

    for named in (theirs.generation_id, adjustment.generation_id, new_id()):
        with pytest.raises(NotFoundError) as caught:
            find_generation(Records((theirs, adjustment)), ACME, named=named)
        assert caught.value.message == f"Generation {named} not found"


@pytest.mark.parametrize("named", ["gen-1", "", "é" * 30, "../keys"])
def test_a_malformed_id_costs_no_read(named: str) -> None:
    records = Records(())

    with pytest.raises(NotFoundError):
        find_generation(records, ACME, named=named)

    assert records.asked == 0
