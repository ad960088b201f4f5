"""The deployment's secrets, filled as an operator fills them."""

import time

from local.aws import EmbeddedAws
from local.deploy import Deployment


def fill_secret(deployment: Deployment, *, aws: EmbeddedAws, name: str, value: str) -> None:
    """Write a secret's value.

    Args:
        name: Logical id, e.g. `UpstreamSecret`.
    """
    client = aws.client("secretsmanager")
    client.put_secret_value(
        SecretId=deployment.physical_ids[name],
        SecretString=value,
        ClientRequestToken=f"{time.time_ns():032d}",
    )
    client.close()
