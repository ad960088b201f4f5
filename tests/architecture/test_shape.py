"""The house keeps its shape: files of a readable size, no drawer for everything."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("layers", "functions", "local", "bench", "tests")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
DRAWERS = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


def sources() -> Iterator[Path]:
    for folder in SOURCES:
        yield from (ROOT / folder).rglob("*.py")


@pytest.mark.parametrize("path", [*sources()], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert path.stem not in DRAWERS
    if "tests" not in path.parts:
        assert not [
            node.name
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
        ]


def test_the_six_files_of_a_request_are_short_and_linked() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    story = readme.partition("## Follow one request")[2].partition("\n## ")[0]
    linked = [part.partition(")")[0] for part in story.split("](")[1:]]

    assert len(linked) == 6
    for name in linked:
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) < 200
