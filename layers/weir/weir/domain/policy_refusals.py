"""Refusals of requests that reach further than a tenant's policy, in words a client can act on."""

from collections.abc import Sequence

from weir.domain.errors import ForbiddenError
from weir.domain.policies import PolicyName

_MAX_SHOWN = 10


def blocked(policy: PolicyName, *, what: str, field: str, why: str) -> ForbiddenError:
    """Build the refusal of something that a policy does not allow.

    Args:
        policy: Which part of the tenant's policy it is against.
        what: What is refused, such as `model "a/b"`; safe to show.
        field: Path of the request's field.
        why: A clause: the reason, or what is allowed instead.
    """
    return ForbiddenError(
        f'Request blocked: the policy "{policy}" of this tenant does not allow {what}: {why}.',
        metadata={"error_type": "permission_denied", "policy": policy.value, "field": field},
    )


def allowed(entries: Sequence[str]) -> str:
    """Say what a list allows; a long one is cut."""
    if not entries:
        return "it allows none"
    shown = ", ".join(entries[:_MAX_SHOWN])
    rest = len(entries) - _MAX_SHOWN
    return f"it allows {shown}" + (f" and {rest} more" if rest > 0 else "")
