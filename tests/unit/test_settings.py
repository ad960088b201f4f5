from typing import Any

import pytest

from weir.settings import (
    AccountSettings,
    AuthSettings,
    CatalogSettings,
    ChatSettings,
    ExportSettings,
    OperatorSettings,
    ReconcileSettings,
    RollupSettings,
    SettleSettings,
    SweepSettings,
)
from weir.settings.sign_in import is_local

LEDGER = {"ACCOUNTS_TABLE": "accounts", "USAGE_TABLE": "usage"}
CONTROL = {"CONTROL_TABLE": "control"}
EPHEMERAL = {"EPHEMERAL_TABLE": "ephemeral"}
ROLLUPS = {"ROLLUPS_TABLE": "rollups"}
UPSTREAM = {
    "UPSTREAM_BASE_URL": "https://openrouter.ai/api/v1/",
    "UPSTREAM_SECRET_ID": "arn:secret",
}
HOLD_LIFE = {"CHAT_TIMEOUT_S": "900", "SWEEP_MARGIN_S": "60"}
CHAT = {
    **LEDGER,
    **CONTROL,
    **EPHEMERAL,
    **UPSTREAM,
    "ANSWERS_BUCKET": "answers",
    "SETTLE_QUEUE_URL": "https://sqs/settle",
    "KEY_PREFIX": "sk-weir-v1-",
    "UPSTREAM_DEADLINE_S": "840",
    "CHECKPOINT_AFTER_S": "0.5",
    "CANCEL_POLL_S": "1",
}
ACCOUNT = {**LEDGER, **CONTROL, **ROLLUPS, **EPHEMERAL, "KEY_PREFIX": "sk-weir-v1-"}
OPERATOR = {
    **LEDGER,
    **CONTROL,
    **ROLLUPS,
    "OPERATOR_SECRET_ID": "arn:secret",
    "KEY_PREFIX": "sk-weir-v1-",
}
AUTH = {**LEDGER, **CONTROL, **EPHEMERAL, "KEY_PREFIX": "sk-weir-v1-"}
EXPORT = {**CONTROL, **ROLLUPS, "KEY_PREFIX": "sk-weir-v1-"}
CATALOG = {
    **CONTROL,
    **EPHEMERAL,
    **UPSTREAM,
    "ANSWERS_BUCKET": "answers",
    "KEY_PREFIX": "sk-weir-v1-",
}
SWEEP = {**LEDGER, **CONTROL, **EPHEMERAL, **UPSTREAM, **HOLD_LIFE}
ROLLUP = {
    **LEDGER,
    **ROLLUPS,
    "EVENT_BUS_NAME": "default",
    "USAGE_EVENTS": "off",
    "ALERT_THRESHOLDS": "50,80,100",
}
RECONCILE = {
    **LEDGER,
    **CONTROL,
    **ROLLUPS,
    **UPSTREAM,
    **HOLD_LIFE,
    "UPSTREAM_MANAGEMENT_SECRET_ID": "arn:management",
}
EACH: tuple[tuple[Any, dict[str, str]], ...] = (
    (ChatSettings, CHAT),
    (AccountSettings, ACCOUNT),
    (AuthSettings, AUTH),
    (ExportSettings, EXPORT),
    (OperatorSettings, OPERATOR),
    (CatalogSettings, CATALOG),
    (SettleSettings, LEDGER),
    (SweepSettings, SWEEP),
    (RollupSettings, ROLLUP),
    (ReconcileSettings, RECONCILE),
)


def test_sign_in_is_of_one_tenant_or_of_all_and_local_where_aws_is() -> None:
    assert AuthSettings.read(AUTH).usual_tenant is None
    assert AuthSettings.read(AUTH | {"SIGN_IN_TENANT": " acme "}).usual_tenant == "acme"
    assert is_local({"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"})
    assert not is_local({"AWS_ENDPOINT_URL": ""})
    assert not is_local({})


def test_seconds_become_milliseconds_and_the_url_loses_its_slash() -> None:
    chat, sweep = ChatSettings.read(CHAT), SweepSettings.read(SWEEP)

    assert (chat.upstream_deadline_ms, chat.checkpoint_after_ms) == (840_000, 500)
    assert chat.cancel_poll_ms == 1000
    assert chat.upstream_base_url == sweep.upstream_base_url == "https://openrouter.ai/api/v1"
    assert sweep.hold_life_ms == ReconcileSettings.read(RECONCILE).hold_life_ms == 960_000


@pytest.mark.parametrize(
    ("settings", "environment", "name"),
    [
        pytest.param(settings, environment, name, id=f"{settings.__name__}-{name}")
        for settings, environment in EACH
        for name in environment
    ],
)
def test_a_missing_setting_is_named(settings: Any, environment: dict[str, str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings.read(environment | {name: " "})


@pytest.mark.parametrize("value", ["soon", "-1", "1s", "inf", "nan"])
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


@pytest.mark.parametrize(("value", "on"), [("on", True), ("off", False)])
def test_usage_events_are_on_or_off(value: str, *, on: bool) -> None:
    assert RollupSettings.read(ROLLUP | {"USAGE_EVENTS": value}).usage_events is on


@pytest.mark.parametrize("value", ["yes", "true", "ON", "1"])
def test_a_malformed_switch_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="USAGE_EVENTS"):
        RollupSettings.read(ROLLUP | {"USAGE_EVENTS": value})


@pytest.mark.parametrize(
    ("value", "thresholds"),
    [
        ("50,80,100", (50, 80, 100)),
        (" 1 , 99 ", (1, 99)),
        ("100", (100,)),
        ("80,50,80", (50, 80)),
    ],
)
def test_alert_thresholds_are_percentages_in_any_order(
    value: str, thresholds: tuple[int, ...]
) -> None:
    assert RollupSettings.read(ROLLUP | {"ALERT_THRESHOLDS": value}).alert_thresholds == thresholds


@pytest.mark.parametrize("value", ["0", "101", "50;80", "50,", "half", "5.5", "²"])
def test_malformed_alert_thresholds_are_named(value: str) -> None:
    with pytest.raises(ValueError, match="ALERT_THRESHOLDS"):
        RollupSettings.read(ROLLUP | {"ALERT_THRESHOLDS": value})
