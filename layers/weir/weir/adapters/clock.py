"""The wall clock; the only module under `layers/` that reads it."""

import time


class SystemClock:
    """Implements `Clock` with the machine's time."""

    def now_ms(self) -> int:
        """Return epoch milliseconds."""
        return int(time.time() * 1000)  # noqa: TID251 - the one home of the wall clock

    def pause(self, duration_ms: int) -> None:
        """Wait that long."""
        time.sleep(duration_ms / 1000)
