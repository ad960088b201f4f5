"""The API's document: that of the deployed routes, and one that tools can read."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.openapi import PATH
from local.route_tables import deployed
from tests.support import template as views
from weir import VERSION
from weir.adapters.upstream.error_bodies import ErrorBody
from weir.adapters.upstream.refusals import refusal

Document = Mapping[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    """The document as the catalog function has it."""
    found: Document = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def operations(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def schemas(node: Any) -> Iterator[Any]:
    """Yield every schema that stands under the word: the parts of schemas come with them."""
    if isinstance(node, dict):
        for name, part in node.items():
            if name == "schema":
                yield part
            else:
                yield from schemas(part)
    elif isinstance(node, list):
        for part in node:
            yield from schemas(part)


def test_the_document_is_the_one_that_the_routes_make() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "local.openapi", "--check"],
        cwd=views.ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert (made.returncode, made.stderr) == (0, "")


def test_every_deployed_route_is_documented_and_no_other(document: Document) -> None:
    routes = [route for found in deployed().values() for route in found]

    assert sorted(name for name, _ in operations(document)) == sorted(routes)


def test_the_document_is_valid(document: Document) -> None:
    OpenAPIV31SpecValidator(dict(document)).validate()


def test_every_schema_is_one_of_its_dialect(document: Document) -> None:
    found = [*document["components"]["schemas"].values(), *schemas(document)]

    assert len(found) > 100
    for schema in found:
        Draft202012Validator.check_schema(schema)


def test_every_operation_says_what_a_client_must_know(document: Document) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(set(names)) == len(names)
    for name, operation in operations(document):
        statuses = operation["responses"].keys()
        assert {"400", "429", "500", "502", "503", "504"} <= statuses, name
        assert ("401" in statuses) == bool(operation["security"]), name
        assert not operation["summary"].endswith("."), name


@pytest.mark.parametrize("route", ["chat/completions", "completions"])
def test_what_upstream_may_refuse_with_is_documented_when_it_passes(
    document: Document, route: str
) -> None:
    statuses = document["paths"][f"/api/v1/{route}"]["post"]["responses"].keys()

    for status in range(400, 600):
        passed = refusal(status, headers={}, body=ErrorBody()).status
        assert str(passed) in statuses, status


def test_no_secret_and_no_server_is_in_the_document(document: Document) -> None:
    assert "servers" not in document
    assert document["info"]["version"] == VERSION


def test_the_version_is_the_packages(document: Document) -> None:
    project = (views.ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'\nversion = "{VERSION}"\n' in project
