from decimal import Decimal

from tests.support.audit_values import ALICE, make_entry
from tests.support.tenant_values import FULL_TENANT, TENANT
from weir.domain.audit_log import Action, Deed, difference, new_entry
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenant_standings import grant_facts, tenant_facts


def test_only_what_is_not_the_same_in_both_differs() -> None:
    before = {"same": 1, "changed": [1], "gone": None}
    after = {"same": 1, "changed": [2], "new": {}}

    assert difference(before, after) == (
        {"changed": [1], "gone": None},
        {"changed": [2], "new": {}},
    )


def test_entries_are_in_the_order_of_their_time() -> None:
    entries = [make_entry(at_ms=at_ms) for at_ms in (1, 999, 1_795_003_200_000)]

    assert [entry.entry_id for entry in entries] == sorted(entry.entry_id for entry in entries)
    assert len({len(entry.entry_id) for entry in entries}) == 1


def test_what_is_announced_comes_before_what_is_done_in_the_same_millisecond() -> None:
    ids = [
        new_entry(
            Deed(action=action, subject="k"),
            tenant_id=TENANT.tenant_id,
            actor=ALICE,
            at_ms=5,
            random=random,
        ).entry_id
        for action, random in (
            (Action.KEY_CHANGING, b"\xff" * 6),
            (Action.KEY_CHANGED, b"\x00" * 6),
        )
    ]

    assert ids == sorted(ids)


def test_facts_of_a_tenant_are_plain_and_exact() -> None:
    limits = AccountLimits(spend_nano_usd=NanoUsd(1), in_flight=2)

    assert tenant_facts(FULL_TENANT, limits=limits) == {
        "name": "acme",
        "status": "active",
        "default_max_tokens": 1,
        "prompt_bound": "typical",
        "unpriced_hold": Decimal("0.000000005"),
        "lanes": 4,
        "limits": {
            "requests_per_minute": None,
            "tokens_per_minute": None,
            "in_flight": 2,
            "spend": Decimal("0.000000001"),
            "reset": "monthly",
        },
        "end_user_limits": {
            "requests_per_minute": 1,
            "tokens_per_minute": 2,
            "in_flight": 3,
            "spend": Decimal("0.000000004"),
            "reset": "daily",
        },
        "price_plan": {
            "version": 3,
            "multiplier": Decimal("1.15"),
            "models": {
                "a/free": 0,
                "a/fixed": {
                    "prompt": Decimal("0.000000000001"),
                    "completion": Decimal("0.000000000002"),
                    "request": Decimal("0.000000000003"),
                },
            },
        },
        "policy": {
            "models": ["a/*", "b/c:free"],
            "providers": ["openai"],
            "data_collection": "deny",
            "zdr": True,
            "max_tokens": 1_000,
        },
    }


def test_facts_of_a_tenant_with_nothing_set_have_nothing() -> None:
    facts = tenant_facts(TENANT, limits=AccountLimits(spend_nano_usd=NanoUsd(UNLIMITED)))

    assert (facts["unpriced_hold"], facts["end_user_limits"]) == (None, None)
    assert facts["policy"] == {
        "models": None,
        "providers": None,
        "data_collection": None,
        "zdr": False,
        "max_tokens": None,
    }
    assert grant_facts(10**9) == {"amount": 1}
