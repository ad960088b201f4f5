"""Settings of the function that signs users in."""

from dataclasses import dataclass
from typing import Self

from weir.settings.variables import Environment, text

_EMULATED_AWS = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Settings of the auth function.

    Attributes:
        usual_tenant: Whose page is shown to apps that name no tenant; None: none.
    """

    accounts_table: str
    usage_table: str
    control_table: str
    ephemeral_table: str
    key_prefix: str
    usual_tenant: str | None

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing; the message names it.
        """
        return cls(
            accounts_table=text(environment, "ACCOUNTS_TABLE"),
            usage_table=text(environment, "USAGE_TABLE"),
            control_table=text(environment, "CONTROL_TABLE"),
            ephemeral_table=text(environment, "EPHEMERAL_TABLE"),
            key_prefix=text(environment, "KEY_PREFIX"),
            usual_tenant=environment.get("SIGN_IN_TENANT", "").strip() or None,
        )


def is_local(environment: Environment) -> bool:
    """Tell whether the stack runs on one machine: its AWS is an emulated one."""
    return bool(environment.get(_EMULATED_AWS, ""))
