"""Minute counters whose minute is over, so that a settle can remove them.

Nobody can name them blindly: after a pause they belong to the minute of whatever request came
last. But every reserve gets the whole item back, so the process knows them when it settles, and
removing them rides on that write: no read, no job, no write of its own. What a crashed request
leaves behind, the next one finds.
"""

import threading
from collections import OrderedDict

from weir.adapters.dynamodb.schema import minute_requests, minute_tokens
from weir.domain import periods
from weir.domain.accounts import Account, AccountId

# Clocks that are off by up to 90 seconds, one fast and one slow, differ by up to three minutes.
_KEPT_MINUTES = 3
_REMEMBERED_ACCOUNTS = 256


class StaleCounters:
    """The minute counters last seen on each account lane; forgets the lanes least recently seen.

    Only a memory of what may be tidied: losing it loses nothing, and removing a counter that is
    gone already is no error.
    """

    def __init__(self) -> None:
        self._minutes: OrderedDict[tuple[AccountId, int], frozenset[int]] = OrderedDict()
        self._changing = threading.Lock()

    def note(self, account: Account) -> None:
        """Remember the minute counters of an account as it was just read."""
        key = (account.account_id, account.lane)
        with self._changing:
            self._minutes[key] = frozenset(account.requests_by_minute)
            self._minutes.move_to_end(key)
            if len(self._minutes) > _REMEMBERED_ACCOUNTS:
                self._minutes.popitem(last=False)

    def names(self, account_id: AccountId, *, lane: int, now_ms: int) -> tuple[str, ...]:
        """Return the attributes whose minute is over for every clock, oldest first."""
        oldest = periods.minute(now_ms) - _KEPT_MINUTES
        seen = self._minutes.get((account_id, lane), frozenset())
        return tuple(
            name
            for minute in sorted(seen)
            if minute < oldest
            for name in (minute_requests(minute), minute_tokens(minute))
        )
