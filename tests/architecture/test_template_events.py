"""The files in events/ are what the deployed routes would send."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import template as views
from weir.domain.api_keys import is_well_formed
from weir.http.events import bearer, body_bytes

CHAT_EVENTS = sorted((views.ROOT / "events").glob("chat_completions*.json"))


def test_both_chat_events_are_there() -> None:
    assert [file.stem for file in CHAT_EVENTS] == ["chat_completions", "chat_completions_stream"]


@pytest.mark.parametrize("file", CHAT_EVENTS, ids=lambda file: file.stem)
def test_chat_event_is_for_the_deployed_route(file: Path) -> None:
    event = _read(file)

    paths = views.route(
        views.deployed(), path=event["resource"], method=event["httpMethod"].lower()
    )
    assert paths["type"] == "aws_proxy"
    assert event["requestContext"]["path"] == f"/{event['requestContext']['stage']}{event['path']}"


@pytest.mark.parametrize("file", CHAT_EVENTS, ids=lambda file: file.stem)
def test_chat_event_carries_a_well_formed_key_and_request(file: Path) -> None:
    event = _read(file)

    request = json.loads(body_bytes(event))

    assert is_well_formed(bearer(event) or "")
    assert request["messages"]
    assert request.get("stream", False) is file.stem.endswith("_stream")


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
