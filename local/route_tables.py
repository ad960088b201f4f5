"""The routes that each deployed function declares, read from the functions' own handlers.

Importing a handler wires it up and takes over logging: do this in a process of its own.
"""

import importlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.transform import load
from weir.http.access import Access
from weir.http.chat_operations import OPERATIONS
from weir.http.operations import Operation

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
PIPELINE = "ChatFunction"
"""The metered pipeline admits its callers itself: reading a request needs to know its tenant."""

_FUNCTION = "AWS::Serverless::Function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a function declares of one of its routes."""

    access: Access
    about: Operation


def deployed() -> Mapping[str, frozenset[str]]:
    """Return the routes of the template by function's logical id, `GET /api/v1/key`."""
    routes = {name: frozenset(_routes(properties)) for name, properties in _functions()}
    return {name: found for name, found in routes.items() if found}


def declared() -> Mapping[str, Mapping[str, Declared]]:
    """Return what the functions that have routes declare, by logical id and route."""
    template = load(TEMPLATE)
    parameters: Mapping[str, Any] = template["Parameters"]
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    tables = {}
    for name, properties in _functions():
        if not frozenset(_routes(properties)):
            continue
        own = properties.get("Environment", {}).get("Variables", {})
        os.environ |= {
            variable: _text(value, parameters) for variable, value in {**shared, **own}.items()
        }
        tables[name] = _PIPELINE_ROUTES if name == PIPELINE else _table(properties["CodeUri"])
    return tables


_PIPELINE_ROUTES = {
    route: Declared(access=Access.INFERENCE, about=about) for route, about in OPERATIONS.items()
}


def _table(folder: str) -> Mapping[str, Declared]:
    handler = importlib.import_module(f"{folder.strip('/').replace('/', '.')}.handler")
    return {
        name: Declared(access=route.access, about=route.about)
        for name, route in handler.routes.table.items()
    }


def _functions() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in load(TEMPLATE)["Resources"].items():
        if resource["Type"] == _FUNCTION:
            yield name, resource["Properties"]


def _routes(properties: Mapping[str, Any]) -> Iterator[str]:
    for event in properties.get("Events", {}).values():
        if event["Type"] == "Api":
            yield f"{event['Properties']['Method']} {event['Properties']['Path']}"


def _text(value: Any, parameters: Mapping[str, Any]) -> str:
    """Return what a variable could hold: a parameter's default, or any text for the rest."""
    if not isinstance(value, dict):
        return str(value)
    return str(parameters.get(value.get("Ref", ""), {}).get("Default", "x"))
