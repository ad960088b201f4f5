"""Moments as clients write them: in UTC, with seconds."""

import re
from datetime import UTC, datetime
from typing import Any

from weir.http.checks import described, refuse

_UTC_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|\+00:00)"
_MS_PER_S = 1_000


@described(lambda: {"type": "string", "format": "date-time", "pattern": f"^{_UTC_MOMENT}$"})
def moment(path: str, value: Any) -> None:
    """Check a moment."""
    if epoch_ms(value) is None:
        refuse(path, value, expected="a moment in UTC with seconds, 2027-12-31T23:59:59Z")


def epoch_ms(value: Any) -> int | None:
    """Return a moment's epoch milliseconds, in whole seconds; None when it is none."""
    if not isinstance(value, str) or not re.fullmatch(_UTC_MOMENT, value):
        return None
    try:
        found = datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(found.timestamp()) * _MS_PER_S
