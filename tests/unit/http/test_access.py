"""The gate: which key passes where, and that every refusal of a bad key reads the same."""

import pytest

from tests.support.fakes import FakeKeys, make_key
from weir.domain.api_keys import KeyKind, key_hash, mint
from weir.domain.errors import ForbiddenError, InvalidApiKeyError, WeirError
from weir.http.access import Access, Caller, Gate
from weir.http.events import ProxyEvent

NOW_MS = 1_795_000_000_000
OPERATOR = "operator-secret"
KEYS = {name: mint(random=bytes([number]) * 28) for number, name in enumerate("imdex")}
STORED = {
    key_hash(KEYS["i"]): make_key(),
    key_hash(KEYS["m"]): make_key(kind=KeyKind.MANAGEMENT),
    key_hash(KEYS["d"]): make_key(disabled=True),
    key_hash(KEYS["e"]): make_key(expires_at_ms=NOW_MS),
}
SENT: dict[str, str | None] = {
    "nothing": None,
    "operator": OPERATOR,
    "garbled": KEYS["i"][:-1] + "g",
    **KEYS,
}
BAD = {"d", "e", "x", "garbled"}
PASSES: dict[Access, set[str]] = {
    Access.NONE: set(SENT),
    Access.OPTIONAL: {"nothing", "i", "m"},
    Access.INFERENCE: {"i"},
    Access.MANAGEMENT: {"m"},
    Access.ANY: {"i", "m"},
    Access.OPERATOR: {"operator"},
}


class Operator:
    def holder(self, presented: str) -> str | None:
        return "alice" if presented == OPERATOR else None


def event(sent: str | None) -> ProxyEvent:
    return {"headers": {} if sent is None else {"authorization": f"Bearer {sent}"}}


def gate() -> Gate:
    return Gate(keys=FakeKeys(STORED), key_prefix="sk-weir-v1-", operator=Operator())


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("access", Access)
def test_a_route_takes_the_keys_it_declares_and_no_others(access: Access, sent: str) -> None:
    try:
        gate().admit(event(SENT[sent]), access=access, now_ms=NOW_MS)
        passed = True
    except WeirError:
        passed = False

    assert passed is (sent in PASSES[access])


@pytest.mark.parametrize("access", [Access.INFERENCE, Access.MANAGEMENT, Access.ANY])
def test_the_endpoint_gets_the_key_of_the_caller(access: Access) -> None:
    name = next(iter(PASSES[access]))

    caller = gate().admit(event(KEYS[name]), access=access, now_ms=NOW_MS)

    assert caller.operator is None
    assert caller.key is STORED[key_hash(KEYS[name])]


def test_a_good_key_names_the_caller_when_none_is_needed() -> None:
    admit = gate().admit

    assert admit(event(KEYS["m"]), access=Access.OPTIONAL, now_ms=NOW_MS).key is not None
    assert admit(event(None), access=Access.OPTIONAL, now_ms=NOW_MS) == Caller()
    assert admit(event(KEYS["m"]), access=Access.NONE, now_ms=NOW_MS) == Caller()


def test_the_endpoint_learns_which_operator_called() -> None:
    caller = gate().admit(event(OPERATOR), access=Access.OPERATOR, now_ms=NOW_MS)

    assert caller == Caller(operator="alice")


@pytest.mark.parametrize(
    ("access", "sent", "told"),
    [
        (Access.MANAGEMENT, "i", "Only management keys can perform this operation"),
        (Access.INFERENCE, "m", "Management keys cannot perform"),
        (Access.OPERATOR, "m", "Only the operator"),
    ],
)
def test_a_key_of_another_kind_is_forbidden(access: Access, sent: str, told: str) -> None:
    with pytest.raises(ForbiddenError, match=told):
        gate().admit(event(KEYS[sent]), access=access, now_ms=NOW_MS)


@pytest.mark.parametrize("access", [Access.OPTIONAL, Access.ANY, Access.OPERATOR])
def test_every_bad_key_is_refused_in_the_same_words(access: Access) -> None:
    told = set()
    for sent in BAD:
        with pytest.raises(InvalidApiKeyError) as caught:
            gate().admit(event(SENT[sent]), access=access, now_ms=NOW_MS)
        told.add(caught.value.message)

    assert len(told) == 1


def test_nobody_is_the_operator_when_no_operator_is_known() -> None:
    ours = Gate(keys=FakeKeys(STORED), key_prefix="sk-weir-v1-")

    with pytest.raises(InvalidApiKeyError):
        ours.admit(event(OPERATOR), access=Access.OPERATOR, now_ms=NOW_MS)
