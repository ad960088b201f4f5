import pytest

from weir.settings import ChatSettings, SweepSettings

SWEEP = {
    "ACCOUNTS_TABLE": "accounts",
    "USAGE_TABLE": "usage",
    "UPSTREAM_BASE_URL": "https://openrouter.ai/api/v1/",
    "UPSTREAM_SECRET_ID": "arn:secret",
    "CHAT_TIMEOUT_S": "900",
    "SWEEP_MARGIN_S": "60",
}
CHAT = SWEEP | {
    "CONTROL_TABLE": "control",
    "KEY_PREFIX": "sk-weir-v1-",
    "UPSTREAM_DEADLINE_S": "840",
    "CHECKPOINT_AFTER_S": "0.5",
}


def test_seconds_become_milliseconds_and_the_url_loses_its_slash() -> None:
    chat, sweep = ChatSettings.read(CHAT), SweepSettings.read(SWEEP)

    assert (chat.upstream_deadline_ms, chat.checkpoint_after_ms) == (840_000, 500)
    assert chat.upstream_base_url == sweep.upstream_base_url == "https://openrouter.ai/api/v1"
    assert sweep.hold_life_ms == 960_000


@pytest.mark.parametrize("name", sorted(CHAT.keys() - {"CHAT_TIMEOUT_S", "SWEEP_MARGIN_S"}))
def test_a_missing_chat_setting_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ChatSettings.read(CHAT | {name: " "})


@pytest.mark.parametrize("name", sorted(SWEEP))
def test_a_missing_sweep_setting_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SweepSettings.read(SWEEP | {name: " "})


@pytest.mark.parametrize("value", ["soon", "-1", "1s"])
def test_a_malformed_number_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="SWEEP_MARGIN_S"):
        SweepSettings.read(SWEEP | {"SWEEP_MARGIN_S": value})


@pytest.mark.parametrize("url", ["http://openrouter.ai/api/v1", "ftp://x", "openrouter.ai"])
def test_a_key_never_travels_in_clear_text(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        ChatSettings.read(CHAT | {"UPSTREAM_BASE_URL": url})


def test_this_machine_may_be_reached_over_http() -> None:
    settings = ChatSettings.read(CHAT | {"UPSTREAM_BASE_URL": "http://127.0.0.1:9000/api/v1"})

    assert settings.upstream_base_url == "http://127.0.0.1:9000/api/v1"
