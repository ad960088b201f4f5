import logging
from typing import Any

import pytest

from weir.http.provider_errors import reported_error

KEY = "sk-or-v1-0123456789abcdef_x"


@pytest.mark.parametrize(
    "content",
    [
        {"code": 402, "message": "secret"},
        {"code": 402, "message": "secret", "metadata": {"provider_name": "secret"}},
        {"code": 403, "message": "secret", "metadata": {"limit_source": "openrouter_credits"}},
        {"code": 403, "message": "secret", "metadata": {"limit_source": "openrouter_key_limit"}},
    ],
)
def test_error_is_hidden_and_logged_when_the_operator_cannot_pay(
    content: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    error = reported_error(content)

    assert (error.status, error.metadata, error.retry_after_s) == (503, None, 60)
    assert "secret" not in error.message
    assert not error.cost_is_zero
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("metadata", [None, [], {}, {"limit_source": "upstream"}, {"reasons": []}])
def test_error_is_the_tenants_when_a_403_is_not_about_the_operator(metadata: object) -> None:
    error = reported_error({"code": 403, "message": "Flagged", "metadata": metadata})

    assert (error.status, error.message) == (403, "Flagged")


def test_keys_are_masked_wherever_they_stand() -> None:
    metadata = {"raw": f'{{"key":"{KEY}"}}', "reasons": [KEY, "violence"], "provider_code": 7}

    error = reported_error({"code": 400, "message": f"no such key {KEY}.", "metadata": metadata})

    assert error.message == "no such key ***."
    assert error.metadata == {
        "raw": '{"key":"***"}',
        "reasons": ["***", "violence"],
        "provider_code": 7,
    }


def test_nothing_of_a_key_is_left_when_the_message_is_cut_within_it() -> None:
    error = reported_error({"code": 400, "message": "x" * 1015 + KEY})

    assert error.message == "x" * 1015 + "***"


def test_words_are_kept_when_they_only_begin_like_a_key() -> None:
    assert reported_error({"code": 400, "message": "task sk-short"}).message == "task sk-short"
