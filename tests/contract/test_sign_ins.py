"""Sign-ins, codes and settings on DynamoDB: each taken once, each found as it was stored."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.audit_values import make_entry
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS
from weir.adapters.dynamodb.audit_log import DynamoDBAuditLog
from weir.adapters.dynamodb.schema import MalformedItemError
from weir.adapters.dynamodb.sign_in_settings import DynamoDBSignInSettings
from weir.adapters.dynamodb.sign_ins import DynamoDBAuthCodes, DynamoDBSignIns
from weir.domain.audit_log import Action, Actor, AuditEntry, Deed
from weir.domain.auth_codes import AuthCode, KeyTerms
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.sign_in_settings import Brand, KeyBounds, OidcClient, SignInSettings
from weir.domain.sign_ins import Link, Login, Session

LOGIN = Login(
    tenant_id=ACME,
    issuer="https://issuer.example",
    nonce="n",
    verifier="v",
    browser_hash="b",
    redirect_uri="https://gateway.example/auth/callback/acme",
    query="tenant=acme",
    until_ms=NOON_MS,
)
LINK = Link(tenant_id=ACME, user="ada", query="tenant=acme", until_ms=NOON_MS)
SESSION = Session(tenant_id=ACME, user="ada", shown="Ada", until_ms=NOON_MS)
BARE = AuthCode(
    code_hash="bare",
    tenant_id=ACME,
    user=None,
    giver="sk-weir-v1-abc...1234",
    challenge="c",
    callback_url=None,
    terms=KeyTerms(label="app"),
    created_ms=NOON_MS,
)
FULL = AuthCode(
    code_hash="full",
    tenant_id=ACME,
    user="ada",
    giver="user_1",
    challenge="c",
    callback_url="https://app.example/cb",
    terms=KeyTerms(
        label="app",
        spend_nano_usd=NanoUsd(5),
        period=LimitPeriod.WEEKLY,
        expires_at_ms=NOON_MS + 1,
    ),
    created_ms=NOON_MS,
)
SET = SignInSettings(
    brand=Brand(
        name="Acme",
        logo_url="https://cdn.example.com/l",
        accent="#000000",
        background="#ffffff",
        support_url="https://acme.example.com",
    ),
    oidc=OidcClient(issuer="https://issuer.example", client_id="weir"),
    callbacks=("https://app.example", "http://localhost"),
    bounds=KeyBounds(
        limit_nano_usd=NanoUsd(1),
        period=LimitPeriod.DAILY,
        max_limit_nano_usd=NanoUsd(2),
        life_s=3,
        max_life_s=4,
    ),
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


@pytest.fixture
def sign_ins(made: Tables) -> DynamoDBSignIns:
    return DynamoDBSignIns(made.db, ephemeral_table=made.ephemeral)


@pytest.fixture
def codes(made: Tables) -> DynamoDBAuthCodes:
    return DynamoDBAuthCodes(made.db, ephemeral_table=made.ephemeral)


def test_login_is_taken_once(sign_ins: DynamoDBSignIns) -> None:
    sign_ins.put_login("hash", LOGIN)

    assert sign_ins.take_login("other") is None
    assert sign_ins.take_login("hash") == LOGIN
    assert sign_ins.take_login("hash") is None


@pytest.mark.parametrize("query", ["", "tenant=acme"])
def test_link_is_read_as_often_as_wanted_and_taken_once(
    sign_ins: DynamoDBSignIns, query: str
) -> None:
    link = Link(tenant_id=ACME, user="ada", query=query, until_ms=NOON_MS)
    sign_ins.put_link("hash", link)

    assert sign_ins.link("hash") == sign_ins.link("hash") == link
    assert sign_ins.take_link("hash") == link
    assert sign_ins.link("hash") is None
    assert sign_ins.take_link("hash") is None


def test_session_is_there_until_it_is_ended(sign_ins: DynamoDBSignIns) -> None:
    sign_ins.put_session("hash", SESSION)

    assert sign_ins.session("hash") == SESSION
    for _ in range(2):
        sign_ins.end_session("hash")
    assert sign_ins.session("hash") is None


@pytest.mark.parametrize("code", [BARE, FULL], ids=["bare", "full"])
def test_code_is_used_once_and_then_still_known(codes: DynamoDBAuthCodes, code: AuthCode) -> None:
    codes.put(code)

    assert codes.find(code.code_hash) == code
    assert codes.use(code.code_hash)
    assert not codes.use(code.code_hash)
    found = codes.find(code.code_hash)
    assert found is not None
    assert found.is_used


def test_absent_code_cannot_be_used(codes: DynamoDBAuthCodes) -> None:
    assert codes.find("absent") is None
    assert not codes.use("absent")
    assert codes.find("absent") is None


def test_one_of_many_uses_a_code_when_they_come_at_once(codes: DynamoDBAuthCodes) -> None:
    codes.put(FULL)
    barrier, won = threading.Barrier(8), []

    def use() -> None:
        barrier.wait()
        if codes.use(FULL.code_hash):
            won.append(1)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won == [1]


def test_every_row_is_removed_some_time(
    made: Tables, sign_ins: DynamoDBSignIns, codes: DynamoDBAuthCodes
) -> None:
    sign_ins.put_login("1", LOGIN)
    sign_ins.put_link("2", LINK)
    sign_ins.put_session("3", SESSION)
    codes.put(FULL)

    lives = [int(item["ttl"]["N"]) - NOON_MS // 1_000 for item in made.items(made.ephemeral)]
    assert sorted(lives) == [1, 1, 1, 86_400]


def test_no_row_is_taken_for_another_kind(
    sign_ins: DynamoDBSignIns, codes: DynamoDBAuthCodes
) -> None:
    sign_ins.put_link("hash", LINK)

    assert sign_ins.session("hash") is None
    assert sign_ins.take_login("hash") is None
    assert codes.find("hash") is None


def test_malformed_row_is_told(made: Tables, codes: DynamoDBAuthCodes) -> None:
    made.client.put_item(TableName=made.ephemeral, Item={"pk": {"S": "CODE#x"}})

    with pytest.raises(MalformedItemError):
        codes.find("x")


@pytest.mark.parametrize("settings", [SET, SignInSettings()], ids=["set", "usual"])
def test_settings_are_kept_with_their_entry_in_the_audit_log(
    made: Tables, settings: SignInSettings
) -> None:
    store = DynamoDBSignInSettings(made.db, control_table=made.control)
    entry = AuditEntry(
        entry_id="0000000000001-aa",
        tenant_id=ACME,
        at_ms=1,
        actor=Actor(who="key", request_id="r"),
        deed=Deed(action=Action.SIGN_IN_CHANGED, subject=ACME),
    )
    assert store.settings(ACME) == SignInSettings()

    assert store.replace(ACME, old=SignInSettings(), new=settings, entry=entry)

    assert store.settings(ACME) == settings
    log = DynamoDBAuditLog(made.db, control_table=made.control)
    assert log.page(ACME, before=None, count=5) == [entry]


def test_settings_are_replaced_when_they_are_as_they_were_read(made: Tables) -> None:
    store = DynamoDBSignInSettings(made.db, control_table=made.control)
    other = replace(SET, callbacks=())
    assert store.replace(ACME, old=SignInSettings(), new=SET, entry=make_entry())

    assert not store.replace(ACME, old=SignInSettings(), new=other, entry=make_entry())
    assert not store.replace(ACME, old=other, new=other, entry=make_entry())
    assert store.settings(ACME) == SET
    assert store.replace(ACME, old=SET, new=other, entry=make_entry())
    assert store.settings(ACME) == other
    log = DynamoDBAuditLog(made.db, control_table=made.control)
    assert len(log.page(ACME, before=None, count=5)) == 2
