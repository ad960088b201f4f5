"""Settings of the functions that answer a tenant."""

from dataclasses import dataclass
from typing import Self

from weir.settings.variables import Environment, base_url, milliseconds, text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """Settings of the chat function.

    Attributes:
        cancel_poll_ms: How often a request in flight looks whether it was cancelled.
    """

    accounts_table: str
    usage_table: str
    control_table: str
    ephemeral_table: str
    answers_bucket: str
    settle_queue_url: str
    upstream_base_url: str
    upstream_secret_id: str
    key_prefix: str
    upstream_deadline_ms: int
    checkpoint_after_ms: int
    cancel_poll_ms: int

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
            answers_bucket=text(environment, "ANSWERS_BUCKET"),
            settle_queue_url=text(environment, "SETTLE_QUEUE_URL"),
            upstream_base_url=base_url(environment, "UPSTREAM_BASE_URL"),
            upstream_secret_id=text(environment, "UPSTREAM_SECRET_ID"),
            key_prefix=text(environment, "KEY_PREFIX"),
            upstream_deadline_ms=milliseconds(environment, "UPSTREAM_DEADLINE_S"),
            checkpoint_after_ms=milliseconds(environment, "CHECKPOINT_AFTER_S"),
            cancel_poll_ms=milliseconds(environment, "CANCEL_POLL_S"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """Settings of the account function."""

    accounts_table: str
    usage_table: str
    control_table: str
    rollups_table: str
    ephemeral_table: str
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
            ephemeral_table=text(environment, "EPHEMERAL_TABLE"),
            key_prefix=text(environment, "KEY_PREFIX"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Settings of the export function."""

    control_table: str
    rollups_table: str
    key_prefix: str

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing; the message names it.
        """
        return cls(
            control_table=text(environment, "CONTROL_TABLE"),
            rollups_table=text(environment, "ROLLUPS_TABLE"),
            key_prefix=text(environment, "KEY_PREFIX"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSettings:
    """Settings of the catalog function."""

    control_table: str
    ephemeral_table: str
    answers_bucket: str
    upstream_base_url: str
    upstream_secret_id: str
    key_prefix: str

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing or malformed; the message names it.
        """
        return cls(
            control_table=text(environment, "CONTROL_TABLE"),
            ephemeral_table=text(environment, "EPHEMERAL_TABLE"),
            answers_bucket=text(environment, "ANSWERS_BUCKET"),
            upstream_base_url=base_url(environment, "UPSTREAM_BASE_URL"),
            upstream_secret_id=text(environment, "UPSTREAM_SECRET_ID"),
            key_prefix=text(environment, "KEY_PREFIX"),
        )
