"""What a refusal by a policy says."""

import pytest

from weir.domain.policies import PolicyName
from weir.domain.policy_refusals import allowed, blocked


def test_a_refusal_names_the_policy_and_the_field() -> None:
    error = blocked(PolicyName.ZDR, what="provider.zdr false", field="provider.zdr", why="no")

    assert error.status == 403
    assert error.message == (
        'Request blocked: the policy "zdr" of this tenant does not allow provider.zdr false: no.'
    )
    assert error.metadata == {
        "error_type": "permission_denied",
        "policy": "zdr",
        "field": "provider.zdr",
    }
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "it allows none"),
        (2, "it allows m0, m1"),
        (10, "it allows m0, m1, m2, m3, m4, m5, m6, m7, m8, m9"),
        (12, "it allows m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more"),
    ],
)
def test_a_list_is_cut_when_it_is_long(count: int, said: str) -> None:
    assert allowed([f"m{number}" for number in range(count)]) == said
