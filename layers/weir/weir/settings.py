"""Settings of each function, read once from a mapping that handler.py passes in.

A missing or malformed setting fails while the function is initialised, not in a request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

Environment = Mapping[str, str]

_LOOPBACK = {"127.0.0.1", "localhost", "host.docker.internal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """Settings of the chat function."""

    accounts_table: str
    usage_table: str
    control_table: str
    upstream_base_url: str
    upstream_secret_id: str
    key_prefix: str
    upstream_deadline_ms: int
    checkpoint_after_ms: int

    @classmethod
    def read(cls, environment: Environment) -> Self:
        """Read the settings.

        Raises:
            ValueError: A variable is missing or malformed; the message names it.
        """
        return cls(
            accounts_table=_text(environment, "ACCOUNTS_TABLE"),
            usage_table=_text(environment, "USAGE_TABLE"),
            control_table=_text(environment, "CONTROL_TABLE"),
            upstream_base_url=_base_url(environment, "UPSTREAM_BASE_URL"),
            upstream_secret_id=_text(environment, "UPSTREAM_SECRET_ID"),
            key_prefix=_text(environment, "KEY_PREFIX"),
            upstream_deadline_ms=_milliseconds(environment, "UPSTREAM_DEADLINE_S"),
            checkpoint_after_ms=_milliseconds(environment, "CHECKPOINT_AFTER_S"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """Settings of the sweep function.

    Attributes:
        hold_life_ms: The longest a request can live, and a margin.
    """

    accounts_table: str
    usage_table: str
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
            accounts_table=_text(environment, "ACCOUNTS_TABLE"),
            usage_table=_text(environment, "USAGE_TABLE"),
            upstream_base_url=_base_url(environment, "UPSTREAM_BASE_URL"),
            upstream_secret_id=_text(environment, "UPSTREAM_SECRET_ID"),
            hold_life_ms=_milliseconds(environment, "CHAT_TIMEOUT_S")
            + _milliseconds(environment, "SWEEP_MARGIN_S"),
        )


def _text(environment: Environment, name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set")
    return value


def _milliseconds(environment: Environment, name: str) -> int:
    text = _text(environment, name)
    try:
        milliseconds = int(float(text) * 1000)
    except ValueError as error:
        raise ValueError(f"{name} must be a number of seconds, got {text!r}") from error
    if milliseconds < 0:
        raise ValueError(f"{name} must not be negative, got {text!r}")
    return milliseconds


def _base_url(environment: Environment, name: str) -> str:
    url = _text(environment, name).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"{name} must be an https URL (http only on this machine), got {url!r}")
    return url
