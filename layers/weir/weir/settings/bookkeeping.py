"""Settings of the functions that keep the books when no tenant waits."""

from dataclasses import dataclass
from typing import Self

from weir.settings.variables import Environment, base_url, milliseconds, percentages, switch, text


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleSettings:
    """Settings of the settle function."""

    accounts_table: str
    usage_table: str

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing; the message names it.
        """
        return cls(
            accounts_table=text(environment, "ACCOUNTS_TABLE"),
            usage_table=text(environment, "USAGE_TABLE"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """Settings of the sweep function.

    Attributes:
        hold_life_ms: The longest a request can live, and a margin.
    """

    accounts_table: str
    usage_table: str
    control_table: str
    ephemeral_table: str
    upstream_base_url: str
    upstream_secret_id: str
    hold_life_ms: int

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing or malformed; the message names it.
        """
        return cls(
            accounts_table=text(environment, "ACCOUNTS_TABLE"),
            usage_table=text(environment, "USAGE_TABLE"),
            control_table=text(environment, "CONTROL_TABLE"),
            ephemeral_table=text(environment, "EPHEMERAL_TABLE"),
            upstream_base_url=base_url(environment, "UPSTREAM_BASE_URL"),
            upstream_secret_id=text(environment, "UPSTREAM_SECRET_ID"),
            hold_life_ms=milliseconds(environment, "CHAT_TIMEOUT_S")
            + milliseconds(environment, "SWEEP_MARGIN_S"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupSettings:
    """Settings of the rollup function.

    Attributes:
        usage_events: Whether every usage record is published as an event.
        alert_thresholds: Percent of a budget at which an alert is published, ascending.
    """

    accounts_table: str
    usage_table: str
    rollups_table: str
    event_bus_name: str
    usage_events: bool
    alert_thresholds: tuple[int, ...]

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing or malformed; the message names it.
        """
        return cls(
            accounts_table=text(environment, "ACCOUNTS_TABLE"),
            usage_table=text(environment, "USAGE_TABLE"),
            rollups_table=text(environment, "ROLLUPS_TABLE"),
            event_bus_name=text(environment, "EVENT_BUS_NAME"),
            usage_events=switch(environment, "USAGE_EVENTS"),
            alert_thresholds=percentages(environment, "ALERT_THRESHOLDS"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings:
    """Settings of the reconcile function.

    Attributes:
        upstream_management_secret_id: A secret that may be empty.
        hold_life_ms: The longest a request can live, and a margin: how long after midnight a day
            may still get records.
    """

    accounts_table: str
    usage_table: str
    control_table: str
    rollups_table: str
    upstream_base_url: str
    upstream_secret_id: str
    upstream_management_secret_id: str
    hold_life_ms: int

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing or malformed; the message names it.
        """
        return cls(
            accounts_table=text(environment, "ACCOUNTS_TABLE"),
            usage_table=text(environment, "USAGE_TABLE"),
            control_table=text(environment, "CONTROL_TABLE"),
            rollups_table=text(environment, "ROLLUPS_TABLE"),
            upstream_base_url=base_url(environment, "UPSTREAM_BASE_URL"),
            upstream_secret_id=text(environment, "UPSTREAM_SECRET_ID"),
            upstream_management_secret_id=text(environment, "UPSTREAM_MANAGEMENT_SECRET_ID"),
            hold_life_ms=milliseconds(environment, "CHAT_TIMEOUT_S")
            + milliseconds(environment, "SWEEP_MARGIN_S"),
        )
