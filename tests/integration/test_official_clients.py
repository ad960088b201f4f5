"""Clients nobody here wrote, unmodified but for the base URL; `tests/clients` runs them."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from local.stack import LocalStack
from tests.clients.checks import check
from tests.clients.programs import PROGRAMS, Program
from tests.clients.stage import watch

CASES = [
    pytest.param(program, case, id=f"{program.slug}: {case}")
    for program in PROGRAMS
    for case in program.cases
]

Watch = Callable[[Program], dict[str, Any]]


@pytest.fixture(scope="module")
def seen(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """Return what runs a program, once in the whole session, whichever worker asks for it first."""
    home = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        home = home.parent

    def run_once(program: Program) -> dict[str, Any]:
        return told_once(home / f"client-{program.slug}.json", lambda: watch(program, stack))

    return run_once


def told_once(path: Path, tell: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what is in a file; who comes first writes it, and the others wait for that."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if text := file.read():
            found: dict[str, Any] = json.loads(text)
            return found
        told = tell()
        json.dump(told, file)
        return told


@pytest.mark.parametrize(("program", "case"), CASES)
def test_a_client_gets_what_the_books_say(program: Program, case: str, seen: Watch) -> None:
    check(case, seen(program))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.slug)
def test_every_case_is_declared(program: Program, seen: Watch) -> None:
    assert sorted(seen(program)["cases"]) == sorted(program.cases)


def test_the_generation_header_equals_the_bodys_id(stack: LocalStack) -> None:
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="weir/echo", messages=[{"role": "user", "content": "one two three"}]
        )

    assert raw.headers["X-Generation-Id"] == raw.parse().id
    assert raw.headers["Access-Control-Allow-Origin"] == "*"
    assert raw.headers["Content-Type"] == "application/json"
