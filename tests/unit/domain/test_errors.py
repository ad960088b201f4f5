import pytest

from weir.domain.errors import RETRY_AFTER_S, ProviderError, UpstreamTimeoutError


@pytest.mark.parametrize("status", [None, 408, 502, 503, 504, 524, 529])
def test_client_is_told_when_to_come_back_when_the_failure_passes_by_itself(
    status: int | None,
) -> None:
    error = ProviderError("down", cost_is_zero=True, status=status)

    assert error.retry_after_s == RETRY_AFTER_S
    assert UpstreamTimeoutError("slow", cost_is_zero=False).retry_after_s == RETRY_AFTER_S


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 429, 499, 500])
def test_client_is_told_nothing_when_waiting_may_not_help(status: int) -> None:
    assert ProviderError("no", cost_is_zero=True, status=status).retry_after_s is None


@pytest.mark.parametrize("given", [0, 1, 600])
def test_upstreams_own_word_counts_when_it_says_when_to_come_back(given: int) -> None:
    error = ProviderError("down", cost_is_zero=True, status=503, retry_after_s=given)

    assert error.retry_after_s == given
