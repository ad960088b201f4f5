"""What an upstream error status means to the tenant: one table.

The tenant's own mistakes and upstream's troubles pass with their status. What concerns the
operator's account is hidden: the tenant can neither see nor mend it. A refusal costs nothing, but
for the statuses by which an edge gives up on an origin that may go on and bill.
"""

import logging
import re
from collections.abc import Mapping

from weir.adapters.upstream.error_bodies import ErrorBody
from weir.domain.errors import ProviderError

_PASSED = frozenset({
    400, 403, 404, 408, 409, 410, 412, 413, 422, 429,
    500, 502, 503, 504, 524, 529,
})  # fmt: skip
_GAVE_UP = frozenset({408, 504, 524})
_PAYMENT_REQUIRED = 402
_FORBIDDEN = 403
_FIRST_SERVER_ERROR = 500
_KEEP_RETRY_AFTER = frozenset({429, 502, 503, 529})
_UNPAID_RETRY_AFTER_S = 60
# Not 0: clients that do as they are told would repeat without a pause.
_SECONDS = re.compile(r"[1-9][0-9]{0,4}")

logger = logging.getLogger(__name__)


def refusal(status: int, *, headers: Mapping[str, str], body: ErrorBody) -> ProviderError:
    """Return the error that an upstream answer with a status other than 2xx means."""
    retry_after_s = _retry_after_s(headers)
    if status == _PAYMENT_REQUIRED or (status == _FORBIDDEN and body.is_operators_limit):
        logger.error("upstream: the operator's account or key is out of credit (HTTP %d)", status)
        return ProviderError(
            "The gateway's upstream account cannot pay for this request right now.",
            status=503,
            cost_is_zero=True,
            retry_after_s=retry_after_s or _UNPAID_RETRY_AFTER_S,
        )
    if status not in _PASSED:
        logger.warning("upstream: unexpected HTTP %d", status)
        return ProviderError(f"Upstream answered with HTTP {status}.", cost_is_zero=True)
    # A bare 403 speaks of the operator's key; moderation and guardrails come with metadata.
    hidden = status == _FORBIDDEN and not body.metadata
    return ProviderError(
        (not hidden and body.message) or _generic(status),
        status=status,
        cost_is_zero=status not in _GAVE_UP,
        metadata=body.metadata,
        retry_after_s=retry_after_s if status in _KEEP_RETRY_AFTER else None,
    )


def _generic(status: int) -> str:
    if status >= _FIRST_SERVER_ERROR:
        return "Provider returned error"
    return f"Upstream refused the request (HTTP {status})."


def _retry_after_s(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Retry-After", "").strip()
    return int(text) if _SECONDS.fullmatch(text) else None
