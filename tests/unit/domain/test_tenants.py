"""What a tenant may be called."""

import pytest

from weir.domain.accounts import key_account
from weir.domain.tenants import Tenant, TenantId, is_tenant_id


@pytest.mark.parametrize("name", ["", "acme/eu", key_account(TenantId("acme"), "0123abcd")])
def test_a_tenant_is_refused_when_its_id_may_name_an_account_of_another(name: str) -> None:
    with pytest.raises(ValueError, match="no tenant's id"):
        Tenant(tenant_id=TenantId(name), namespace_key=b"n" * 32)


@pytest.mark.parametrize("name", ["acme", "acme-2", "acme#1", "t" * 64])
def test_a_tenant_may_have_any_other_id(name: str) -> None:
    assert Tenant(tenant_id=TenantId(name), namespace_key=b"n" * 32).tenant_id == name


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("acme", True),
        ("0", True),
        ("a-b-", True),
        ("t" * 63, True),
        ("t" * 64, False),
        ("", False),
        ("-a", False),
        ("Acme", False),
        ("a_b", False),
        ("a/b", False),
        ("acme\n", False),
        ("é", False),
    ],
)
def test_the_operator_gives_ids_of_a_plain_form(name: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    assert is_tenant_id(name) is is_one
