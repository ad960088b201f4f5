"""A claim tells keys, tenants and requests apart and gives nothing away; a stream stays one."""

from dataclasses import replace

from tests.support.fakes import TENANT
from weir.domain.answers import Claim, KeptAnswer, claim_of
from weir.domain.tenants import Tenant, TenantId

OTHER = Tenant(tenant_id=TenantId("globex"), namespace_key=b"m" * 32)


def make_claim(tenant: Tenant = TENANT, *, key: str = "order-17", digest: bytes = b"d") -> Claim:
    return claim_of(tenant, key=key, digest=digest, owner="o", now_ms=1_000, life_ms=500)


def test_a_claim_lapses_when_its_request_can_no_longer_live() -> None:
    claim = make_claim()

    assert (claim.claimed_ms, claim.lapses_ms) == (1_000, 1_500)


def test_the_same_request_has_the_same_claim() -> None:
    assert make_claim() == make_claim()


def test_another_body_differs_in_its_fingerprint_only() -> None:
    first, second = make_claim(), make_claim(digest=b"e")

    assert first.fingerprint != second.fingerprint
    assert replace(second, fingerprint=first.fingerprint) == first


def test_another_key_has_another_place_and_another_secret() -> None:
    first, second = make_claim(), make_claim(key="order-18")

    assert first.key_digest != second.key_digest
    assert first.secret != second.secret


def test_another_tenant_with_the_same_key_has_another_secret_and_fingerprint() -> None:
    ours, theirs = make_claim(), make_claim(OTHER)

    assert ours.tenant_id != theirs.tenant_id
    assert ours.secret != theirs.secret
    assert ours.fingerprint != theirs.fingerprint


def test_what_is_stored_of_a_claim_does_not_give_its_secret_away() -> None:
    claim = make_claim(digest=b"order-17")

    assert len(claim.secret) == 32
    assert claim.secret != claim.fingerprint
    assert repr(claim.secret) not in repr(claim)
    assert "order-17" not in repr(claim)


def kept(body: bytes, *, stream: bool) -> KeptAnswer:
    return KeptAnswer(status=200, headers={}, stream=stream, body=body)


def test_a_plain_answer_comes_at_once() -> None:
    assert list(kept(b"a\n\nb", stream=False).pieces()) == [b"a\n\nb"]


def test_a_stream_comes_event_by_event_to_its_very_end() -> None:
    events = [b": PROCESSING\n\n", b"data: 1\n\n", b"data: [DONE]\n\n"]

    assert list(kept(b"".join(events), stream=True).pieces()) == events


def test_a_stream_that_broke_off_keeps_its_last_bytes() -> None:
    assert list(kept(b"data: 1\n\ndat", stream=True).pieces()) == [b"data: 1\n\n", b"dat"]
