"""The table of clients in docs/compatibility.md, and the locks that say which clients those are."""

import json

import pytest

from tests.clients.__main__ import table
from tests.clients.programs import FEATURES, PROGRAMS, ROOT, Program


def test_the_table_of_clients_is_the_one_that_is_printed() -> None:
    document = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
    kept = document.partition("<!-- clients: python -m tests.clients -->\n")[2]

    assert kept.partition("\n<!-- /clients -->")[0] == table()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.slug)
def test_every_case_of_a_client_is_a_row(program: Program) -> None:
    assert set(program.cases) <= set(FEATURES)
    assert len(set(program.cases)) == len(program.cases)


@pytest.mark.parametrize("name", ["clients", "dynalite"])
def test_an_npm_lock_names_no_registry_when_packages_are_pinned(name: str) -> None:
    folder = ROOT / "requirements" / name
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = {path: about for path, about in packages.items() if path}

    assert not [path for path, about in locked.items() if "resolved" in about]
    assert all(about["integrity"].startswith("sha512-") for about in locked.values())
    assert {locked[f"node_modules/{one}"]["version"] for one in wanted} == set(wanted.values())
