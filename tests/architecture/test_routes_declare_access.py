"""Every deployed route says which keys it takes, and every declared route is deployed."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from local.route_tables import deployed
from tests.support import template as views
from weir.http.access import Access

SHOW = """
import json
from local.route_tables import declared
print(json.dumps({
    function: {name: route.access for name, route in table.items()}
    for function, table in declared().items()
}))
"""


@pytest.fixture(scope="module")
def declared() -> Mapping[str, Mapping[str, str]]:
    """Who may call, by function and route."""
    # In a process of its own: a handler takes over the logging of the one it is imported in.
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=views.ROOT, stdout=subprocess.PIPE, check=True
    )
    found: Mapping[str, Mapping[str, str]] = json.loads(shown.stdout.splitlines()[-1])
    return found


def test_every_deployed_route_declares_which_keys_it_takes(
    declared: Mapping[str, Mapping[str, str]],
) -> None:
    assert sum(map(len, deployed().values())) > 25
    for function, routes in deployed().items():
        assert routes == declared[function].keys(), f"{function} declares other routes"
        for route in routes:
            assert declared[function][route] in set(Access), route
