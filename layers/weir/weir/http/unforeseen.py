"""What the log is told of an exception that nobody expected."""

import logging
import traceback

_log = logging.getLogger(__name__)


def log_frames(failure: Exception) -> None:
    """Log where it was raised, and no more: its own text may quote the request or its headers."""
    frames = traceback.format_tb(failure.__traceback__)
    _log.error("unforeseen %s\n%s", type(failure).__name__, "".join(frames))
