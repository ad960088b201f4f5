import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.state_file import live_owner, published

FACTS = {"base_url": "http://127.0.0.1:8080/api/v1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".state" / "stack.json"


@pytest.fixture
def other() -> Iterator[int]:
    """Yield the id of another process that lives."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def write(path: Path, content: Any) -> None:
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_file_is_there_while_the_stack_is_up_for_its_owner_alone(path: Path) -> None:
    with published(FACTS, path=path, warn=pytest.fail):
        assert json.loads(path.read_bytes()) == {**FACTS, "pid": os.getpid()}
        assert path.stat().st_mode & 0o777 == 0o600
        assert live_owner(path) == os.getpid()

    assert list(path.parent.iterdir()) == []


def test_the_file_stays_when_another_live_stack_has_it(path: Path, other: int) -> None:
    write(path, {"pid": other})
    warnings: list[str] = []

    with published(FACTS, path=path, warn=warnings.append):
        assert json.loads(path.read_bytes()) == {"pid": other}

    assert live_owner(path) == other
    assert str(other) in warnings[0]


def test_the_file_stays_when_another_stack_took_it_meanwhile(path: Path, other: int) -> None:
    with published(FACTS, path=path, warn=pytest.fail):
        path.write_text(json.dumps({"pid": other}))

    assert live_owner(path) == other


@pytest.mark.parametrize("stale", ["", "[]", "{}", '{"pid": null}', '{"pid": 0}', "dead"])
def test_a_stale_file_is_replaced(path: Path, stale: str) -> None:
    write(path, {"pid": dead_pid()} if stale == "dead" else stale)
    assert live_owner(path) is None

    with published(FACTS, path=path, warn=pytest.fail):
        assert live_owner(path) == os.getpid()
