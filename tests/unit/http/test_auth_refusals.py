"""What brings nobody to a consent page: it is told on a page, and the browser goes nowhere."""

import re
from dataclasses import replace

import pytest

from tests.support.auth_gateway import CALLBACK, AuthGateway, asked
from tests.support.fakes import TENANT
from weir.domain.sign_in_settings import SignInSettings
from weir.domain.tenants import TenantStatus


@pytest.fixture
def gateway() -> AuthGateway:
    return AuthGateway()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"callback_url": "https://evil.example#x"}, "callback_url must be"),
        ({"callback_url": "http://app.example"}, "callback_url must be"),
        ({"code_challenge": None}, "code_challenge is required"),
        ({"code_challenge": "short"}, "code_challenge must be the 43 characters"),
        ({"code_challenge_method": None}, "must be S256"),
        ({"code_challenge_method": "plain"}, "must be S256"),
        ({"code_challenge_method": "s256"}, "must be S256"),
        ({"key_label": "x" * 101}, "key_label must be"),
        ({"limit": "-1"}, "imit must be"),
        ({"limit": "1_0"}, "imit must be"),
        ({"limit": "NaN"}, "imit must be"),
        ({"limit": "much"}, "imit must be"),
        ({"limit": "1e99"}, "imit must be"),
        ({"usage_limit_type": "yearly"}, "usage_limit_type must be"),
        ({"expires_at": "2027-13-31T23:59:59Z"}, "expires_at must be"),
        ({"expires_at": "tomorrow"}, "expires_at must be"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at must be in the future"),
        ({"state": "s" * 1_025}, "state must be"),
        ({"workspace_id": "w" * 2_049}, "workspace_id must have at most"),
        ({"required_workspace_id": "other"}, "required_workspace_id names another"),
        ({"tenant": None}, "enant is missing"),
        ({"tenant": "t" * 65}, "enant is missing"),
        ({"tenant": "nobody"}, "There is no such page"),
        ({"tenant": "acme/x"}, "There is no such page"),
    ],
)
def test_page_tells_what_is_wrong_and_sends_the_browser_nowhere(
    gateway: AuthGateway, changes: dict[str, str | None], told: str
) -> None:
    for path in ("/auth", "/auth/sign-in"):
        answer = gateway.browse(path, asked(**changes))

        assert answer.status == 400
        assert told in answer.text
        assert "Location" not in answer.headers
        assert "Acme" not in answer.text
    assert ("refused", 400) in gateway.journal.lines


def test_parameter_is_refused_when_it_is_there_twice(gateway: AuthGateway) -> None:
    event = {
        "httpMethod": "GET",
        "resource": "/auth",
        "queryStringParameters": asked(),
        "multiValueQueryStringParameters": {"callback_url": [CALLBACK, "https://evil.example"]},
    }

    result = gateway.routes.respond(event, request_id="r")  # type: ignore[arg-type]  # a test's own

    assert result["statusCode"] == 400
    assert "callback_url is there more than once" in result["body"]


def test_closed_tenant_has_no_page(gateway: AuthGateway) -> None:
    page = gateway.sign_in()
    closed = replace(TENANT, status=TenantStatus.CLOSED)
    gateway.tenants.stored[TENANT.tenant_id] = closed

    absent, gone = gateway.browse("/auth", asked(tenant="nobody")), gateway.answer(page)
    hidden = re.compile(r"nonce[-=\"]+[\w-]+")
    assert (gone.status, hidden.sub("", gone.text)) == (400, hidden.sub("", absent.text))
    assert gateway.codes.stored == {}


def test_callback_is_refused_when_the_tenant_does_not_list_it(gateway: AuthGateway) -> None:
    gateway.settings.stored[TENANT.tenant_id] = SignInSettings(callbacks=("https://own.example",))

    answer = gateway.browse("/auth", asked())

    assert (answer.status, "not one that is allowed" in answer.text) == (400, True)
    assert gateway.browse("/auth", asked(callback_url="https://own.example/x")).status == 200


def test_page_is_the_usual_tenants_when_the_app_names_none() -> None:
    gateway = AuthGateway(usual_tenant="acme")

    page = gateway.sign_in(tenant=None)

    assert page.status == 200
    assert gateway.answer(page).status == 303
