from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError
from moto import mock_aws

from weir.adapters.secrets import SecretsManagerReader
from weir.domain.errors import StoreUnavailableError

SECRET = "weir/upstream"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "secretsmanager",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


def test_versions_are_read_by_stage_when_the_secret_was_rotated(client: Any) -> None:
    client.create_secret(Name=SECRET, SecretString="first")
    client.put_secret_value(SecretId=SECRET, SecretString="second")
    reader = SecretsManagerReader(lambda: client, secret_id=SECRET)

    assert reader.read("AWSCURRENT") == "second"
    assert reader.read("AWSPREVIOUS") == "first"


def test_nothing_is_read_when_no_value_was_ever_stored(client: Any) -> None:
    client.create_secret(Name=SECRET)
    reader = SecretsManagerReader(lambda: client, secret_id=SECRET)

    assert reader.read("AWSCURRENT") is None
    assert reader.read("AWSPREVIOUS") is None


def test_nothing_is_read_when_the_secret_does_not_exist(client: Any) -> None:
    assert SecretsManagerReader(lambda: client, secret_id="absent").read("AWSCURRENT") is None


class RefusingClient:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_secret_value(self, **_: str) -> dict[str, str]:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue"),
        EndpointConnectionError(endpoint_url="https://secretsmanager.invalid"),
    ],
    ids=["refused", "unreachable"],
)
def test_store_is_unavailable_when_the_secret_cannot_be_read(error: Exception) -> None:
    reader = SecretsManagerReader(lambda: RefusingClient(error), secret_id=SECRET)

    with pytest.raises(StoreUnavailableError) as caught:
        reader.read("AWSCURRENT")

    assert caught.value.retry_after_s == 5
    assert SECRET not in caught.value.message


def test_store_is_unavailable_when_no_client_can_be_made() -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(StoreUnavailableError):
        SecretsManagerReader(make, secret_id=SECRET).read("AWSCURRENT")


def test_client_is_made_once_and_only_when_needed() -> None:
    made: list[object] = []

    class Client:
        def get_secret_value(self, **_: str) -> dict[str, str]:
            return {"SecretString": "key"}

    def make() -> Client:
        made.append(None)
        return Client()

    reader = SecretsManagerReader(make, secret_id=SECRET)
    assert not made

    reader.read("AWSCURRENT")
    reader.read("AWSCURRENT")

    assert len(made) == 1
