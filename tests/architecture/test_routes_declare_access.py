"""Every deployed route says which keys it takes, and every declared route is deployed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from tests.support import template as views
from weir.http.access import Access

# The metered pipeline admits its callers itself: reading a request needs to know its tenant.
PIPELINE = {"POST /api/v1/chat/completions": Access.INFERENCE}
FUNCTIONS = {"AccountFunction": "account", "CatalogFunction": "catalog", "ExportFunction": "export"}
# Every variable of every function; nothing is reached while a handler is imported.
VALUES = {"UPSTREAM_BASE_URL": "https://upstream.example/api/v1"}
READ_BY_LIBRARIES = {"AWS_ENDPOINT_URL", "AWS_LAMBDA_EXEC_WRAPPER", "POWERTOOLS_LOG_LEVEL"}
SHOW = """
import importlib, json, sys
table = importlib.import_module(sys.argv[1]).routes.table
print(json.dumps({name: route.access for name, route in table.items()}))
"""


def deployed() -> Iterator[tuple[str, str]]:
    """Yield function and route of every API event in the template."""
    for name, resource in views.source()["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "Api":
                path, method = event["Properties"]["Path"], event["Properties"]["Method"]
                yield name, f"{method} {path}"


@pytest.fixture(scope="module")
def declared() -> Mapping[str, Mapping[str, str]]:
    """What the functions declare, by function and route."""
    template = views.deployed()
    found = {}
    for function, folder in FUNCTIONS.items():
        names = views.environment(template, function).keys() - READ_BY_LIBRARIES
        variables = {name: VALUES.get(name, "x") for name in names}
        # In a process of its own: a handler takes over the logging of the one it is imported in.
        shown = subprocess.run(
            [sys.executable, "-c", SHOW, f"functions.{folder}.handler"],
            env={**os.environ, **variables, "AWS_DEFAULT_REGION": "us-east-1"},
            cwd=views.ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        found[function] = json.loads(shown.stdout)
    return found


def test_every_deployed_route_declares_which_keys_it_takes(
    declared: Mapping[str, Mapping[str, str]],
) -> None:
    for function, route in deployed():
        taken = PIPELINE if function == "ChatFunction" else declared[function]
        assert route in taken, f"{route} of {function} does not say which keys it takes"


def test_every_declared_route_is_deployed_to_its_function(
    declared: Mapping[str, Mapping[str, str]],
) -> None:
    routes = {(function, route) for function, table in declared.items() for route in table}

    assert routes <= set(deployed())
