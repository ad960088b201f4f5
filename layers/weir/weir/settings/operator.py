"""Settings of the operator function."""

from dataclasses import dataclass
from typing import Self

from weir.settings.variables import Environment, text


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """Settings of the operator function.

    Attributes:
        operator_secret_id: A secret that may be empty; then there is no operator.
    """

    accounts_table: str
    usage_table: str
    control_table: str
    rollups_table: str
    operator_secret_id: str
    key_prefix: str

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
            rollups_table=text(environment, "ROLLUPS_TABLE"),
            operator_secret_id=text(environment, "OPERATOR_SECRET_ID"),
            key_prefix=text(environment, "KEY_PREFIX"),
        )
