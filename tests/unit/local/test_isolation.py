import os

import pytest

from local.isolation import isolate_from_shell


def test_proxies_and_aws_settings_are_forgotten_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in tuple(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)  # and so it is there again afterwards
    before = dict(os.environ)
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("OPENROUTER_API_KEY", "kept")

    isolate_from_shell()

    assert dict(os.environ) == {**before, "OPENROUTER_API_KEY": "kept"}
