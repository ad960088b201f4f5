"""The register of API keys on DynamoDB: no change is lost, and no tenant reaches another's key."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.audit_values import make_entry
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import NOON_MS
from tests.support.opened_tenants import PutTenants
from tests.support.tenant_values import KEY, TENANT
from weir.adapters.dynamodb.audit_log import DynamoDBAuditLog
from weir.adapters.dynamodb.key_register import DynamoDBKeyRegister
from weir.domain.api_keys import ApiKey, key_hash, short_id
from weir.domain.errors import StoreUnavailableError
from weir.domain.tenants import TenantId

OTHER = replace(TENANT, tenant_id=TenantId("other"))
CHANGED = replace(KEY, name="changed", updated_ms=7)
SUCCESSOR = replace(KEY, key_hash=key_hash("next"), succeeds=KEY.key_id, updated_ms=7)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


@pytest.fixture
def register(made: Tables) -> DynamoDBKeyRegister:
    tenants = PutTenants(made.db, control_table=made.control)
    tenants.put(TENANT)
    tenants.put(OTHER)
    found = DynamoDBKeyRegister(made.db, control_table=made.control)
    found.put_key(KEY, entry=make_entry())
    return found


def found(register: DynamoDBKeyRegister, key: ApiKey = KEY) -> ApiKey | None:
    return register.key_of(TENANT, key_hash=key.key_hash)


def test_a_key_is_found_by_its_own_tenant_alone(register: DynamoDBKeyRegister) -> None:
    assert found(register) == KEY
    assert register.key_of(OTHER, key_hash=KEY.key_hash) is None
    assert register.key_of(TENANT, key_hash=key_hash("absent")) is None


def test_a_change_is_stored_once_when_two_read_the_same(register: DynamoDBKeyRegister) -> None:
    assert register.change(KEY, changed=CHANGED, entry=make_entry())
    assert not register.change(KEY, changed=replace(CHANGED, name="late"), entry=make_entry())
    assert register.change(
        CHANGED, changed=replace(CHANGED, name="next", updated_ms=8), entry=make_entry()
    )

    stored = found(register)
    assert stored is not None
    assert stored.name == "next"


def test_a_deleted_key_stays_deleted_when_it_is_changed(register: DynamoDBKeyRegister) -> None:
    assert register.delete(TENANT.tenant_id, key_hash=KEY.key_hash, entry=make_entry())

    assert not register.change(KEY, changed=CHANGED, entry=make_entry())
    assert not register.delete(TENANT.tenant_id, key_hash=KEY.key_hash, entry=make_entry())
    assert found(register) is None
    assert list(register.keys_of(TENANT)) == []
    assert not register.put_key(replace(KEY, key_hash=KEY.key_id + "0" * 56), entry=make_entry())


def test_a_key_is_not_deleted_by_another_tenant(register: DynamoDBKeyRegister) -> None:
    assert not register.delete(OTHER.tenant_id, key_hash=KEY.key_hash, entry=make_entry())
    assert found(register) == KEY


def test_a_key_and_its_successor_are_stored_together_or_not_at_all(
    register: DynamoDBKeyRegister,
) -> None:
    assert register.succeed(KEY, changed=CHANGED, successor=SUCCESSOR, entry=make_entry())
    another = replace(SUCCESSOR, key_hash=key_hash("another"))
    assert not register.succeed(
        KEY, changed=replace(CHANGED, name="late"), successor=another, entry=make_entry()
    )

    assert {key.key_hash for key in register.keys_of(TENANT)} == {
        KEY.key_hash,
        SUCCESSOR.key_hash,
    }
    assert found(register) == CHANGED
    assert found(register, SUCCESSOR) == SUCCESSOR


def test_keys_are_told_by_the_id_they_are_counted_by_when_they_are_gone(
    register: DynamoDBKeyRegister,
) -> None:
    register.succeed(KEY, changed=CHANGED, successor=SUCCESSOR, entry=make_entry())
    for key in (KEY, SUCCESSOR):
        register.delete(TENANT.tenant_id, key_hash=key.key_hash, entry=make_entry())

    acme = TENANT.tenant_id
    assert register.key_id_of(acme, key_hash=KEY.key_hash) == KEY.key_id
    assert register.key_id_of(acme, key_hash=SUCCESSOR.key_hash) == KEY.key_id
    assert register.key_id_of(OTHER.tenant_id, key_hash=KEY.key_hash) is None
    lookalike = short_id(KEY.key_hash) + "f" * 56
    assert register.key_id_of(acme, key_hash=lookalike) is None
    assert register.hashes(acme) == {KEY.key_id: KEY.key_hash}
    assert register.hashes(OTHER.tenant_id) == {}


def test_all_keys_are_listed_when_they_do_not_fit_one_read(
    register: DynamoDBKeyRegister, made: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {key_hash(str(number)) for number in range(120)}
    for digits in hashes:
        assert register.put_key(replace(KEY, key_hash=digits), entry=make_entry())
    read, sizes = made.client.batch_get_item, []

    def reluctant(**payload: Any) -> Any:
        """Leave out what is beyond seventy, as DynamoDB does beyond 16 MB."""
        keys = payload["RequestItems"][made.control]["Keys"]
        sizes.append(len(keys))
        entry = payload["RequestItems"][made.control]
        answer = read(RequestItems={made.control: {**entry, "Keys": keys[:70]}})
        left = {made.control: {**entry, "Keys": keys[70:]}} if keys[70:] else {}
        return {**answer, "UnprocessedKeys": left}

    monkeypatch.setattr(made.client, "batch_get_item", reluctant)

    listed = {key.key_hash for key in register.keys_of(TENANT)}

    assert listed == hashes | {KEY.key_hash}
    assert sizes == [100, 30, 21]


def test_the_list_fails_when_the_table_never_gives_all_of_it(
    register: DynamoDBKeyRegister, made: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stubborn(**payload: Any) -> Any:
        return {"Responses": {}, "UnprocessedKeys": payload["RequestItems"]}

    monkeypatch.setattr(made.client, "batch_get_item", stubborn)

    with pytest.raises(StoreUnavailableError):
        list(register.keys_of(TENANT))


def test_an_entry_is_written_with_each_change_and_with_no_refused_one(
    register: DynamoDBKeyRegister, made: Tables
) -> None:
    log = DynamoDBAuditLog(made.db, control_table=made.control)
    entries = [make_entry(at_ms=NOON_MS + place) for place in range(4)]

    register.note(entries[0])
    register.change(KEY, changed=CHANGED, entry=entries[1])
    assert not register.change(KEY, changed=CHANGED, entry=make_entry(at_ms=NOON_MS + 9))
    register.succeed(CHANGED, changed=CHANGED.touched(8), successor=SUCCESSOR, entry=entries[2])
    register.delete(TENANT.tenant_id, key_hash=KEY.key_hash, entry=entries[3])
    assert not register.delete(
        TENANT.tenant_id, key_hash=KEY.key_hash, entry=make_entry(at_ms=NOON_MS + 9)
    )

    assert log.page(TENANT.tenant_id, before=None, count=4) == entries[::-1]
