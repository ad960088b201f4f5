"""What an environment variable may hold: each reader names the variable that is wrong."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

Environment = Mapping[str, str]

_LOOPBACK = {"127.0.0.1", "localhost", "host.docker.internal"}
_SWITCH = {"on": True, "off": False}
_PERCENTAGE = re.compile(r"100|[1-9][0-9]?", re.ASCII)


def text(environment: Environment, name: str) -> str:
    """Return the variable without surrounding blanks.

    Raises:
        ValueError: It is missing or blank.
    """
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set")
    return value


def milliseconds(environment: Environment, name: str) -> int:
    """Return a number of seconds in milliseconds.

    Raises:
        ValueError: It is missing, no number, or negative.
    """
    value = text(environment, name)
    try:
        found = int(float(value) * 1000)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be a number of seconds, got {value!r}") from error
    if found < 0:
        raise ValueError(f"{name} must not be negative, got {value!r}")
    return found


def base_url(environment: Environment, name: str) -> str:
    """Return a URL without a trailing slash.

    Raises:
        ValueError: It is missing, or would carry a key over a network in clear text.
    """
    url = text(environment, name).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"{name} must be an https URL (http only on this machine), got {url!r}")
    return url


def switch(environment: Environment, name: str) -> bool:
    """Tell whether a switch is on.

    Raises:
        ValueError: It is missing, or neither `on` nor `off`.
    """
    value = text(environment, name)
    if value not in _SWITCH:
        raise ValueError(f"{name} must be on or off, got {value!r}")
    return _SWITCH[value]


def percentages(environment: Environment, name: str) -> tuple[int, ...]:
    """Return percentages with commas between them, as `50,80,100`: ascending, each one once.

    Raises:
        ValueError: It is missing, or holds anything but whole numbers from 1 to 100.
    """
    value = text(environment, name)
    parts = [part.strip() for part in value.split(",")]
    if not all(_PERCENTAGE.fullmatch(part) for part in parts):
        raise ValueError(f"{name} must be percentages from 1 to 100, got {value!r}")
    return tuple(sorted({int(part) for part in parts}))
