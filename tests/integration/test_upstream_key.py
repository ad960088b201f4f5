"""The operator rotates the upstream key: tenants notice nothing, or get a 502, never a 401."""

import secrets
from collections.abc import Iterator

import pytest
import requests

from local.secret_values import fill_secret
from local.stack import LocalStack
from tests.support.stacks import kill_workers, simulator

SECRET_CALL = "secretsmanager.GetSecretValue"


def ask(stack: LocalStack) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json={"model": "weir/echo", "messages": [{"role": "user", "content": "hello"}]},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )


def new_key() -> str:
    return f"sk-or-v1-{secrets.token_hex(32)}"


def store(stack: LocalStack, key: str) -> None:
    fill_secret(stack.deployment, aws=stack.aws, name="UpstreamSecret", value=key)


@pytest.fixture
def rotating(stack: LocalStack) -> Iterator[LocalStack]:
    """The stack with cold workers, which know no key yet, and a good key again afterwards."""
    kill_workers(stack)
    yield stack
    good = new_key()
    simulator(stack).accept_keys({good})
    store(stack, good)
    kill_workers(stack)


def test_a_rotated_key_is_fetched_when_upstream_refuses_the_old_one(
    rotating: LocalStack,
) -> None:
    assert ask(rotating).status_code == 200
    fresh = new_key()
    store(rotating, fresh)
    simulator(rotating).accept_keys({fresh})
    before = len(rotating.aws.calls)

    assert ask(rotating).status_code == 200

    assert rotating.aws.calls[before:].count(SECRET_CALL) == 1


def test_the_previous_key_serves_when_the_current_one_is_refused(rotating: LocalStack) -> None:
    good = new_key()
    simulator(rotating).accept_keys({good})
    store(rotating, good)
    store(rotating, new_key())

    assert ask(rotating).status_code == 200


def test_a_tenant_never_sees_upstreams_401(rotating: LocalStack) -> None:
    simulator(rotating).accept_keys({new_key()})

    response = ask(rotating)

    error = response.json()["error"]
    assert response.status_code == error["code"] == 502
    assert "upstream key" in error["message"]
    assert "X-Generation-Id" in response.headers
