"""The OpenAPI document of the routes: who may call each, what it reads, what it answers."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from local.openapi_bodies import REFERENCE, BodySchemas
from local.route_tables import Declared
from weir import VERSION
from weir.http.access import Access
from weir.http.events import MAX_BODY_BYTES
from weir.http.operations import Body, Operation
from weir.http.schemas import Schema, any_of

_ERRORS = 400
_RETRIED = {402, 403, 408, 409, 429, 502, 503, 504, 524, 529}
# API Gateway's own refusals, a defect of ours, and what is out of reach.
_EVERYBODYS = (400, 429, 500, 502, 503, 504)
_UNASSIGNED = {
    499: "The request was cancelled",
    524: "Upstream timed out",
    529: "Upstream is overloaded",
}
_KEYS = {
    "apiKey": "A tenant's API key",
    "managementKey": "A tenant's management key",
    "operatorKey": "The operator's key",
}
_ACCESS: Mapping[Access, tuple[list[dict[str, list[str]]], tuple[int, ...]]] = {
    Access.NONE: ([], ()),
    Access.OPTIONAL: ([{}, {"apiKey": []}, {"managementKey": []}], (401,)),
    Access.INFERENCE: ([{"apiKey": []}], (401, 403)),
    Access.MANAGEMENT: ([{"managementKey": []}], (401, 403)),
    Access.ANY: ([{"apiKey": []}, {"managementKey": []}], (401,)),
    Access.OPERATOR: ([{"operatorKey": []}], (401, 403)),
}
_ERROR: Schema = {
    "description": "What went wrong, in OpenRouter's envelope.",
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer", "description": "The status."},
                "message": {"type": "string"},
                "metadata": {"type": "object"},
            },
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


def document(routes: Mapping[str, Declared]) -> dict[str, Any]:
    """Return the document of routes by method and resource, without its servers."""
    bodies = BodySchemas()
    paths: dict[str, dict[str, Any]] = {}
    statuses: set[int] = set()
    for name in sorted(routes, key=lambda name: name.split()[::-1]):
        method, path = name.split()
        shown = _operation(name, routes[name], bodies)
        statuses |= {int(status) for status, reply in shown["responses"].items() if "$ref" in reply}
        paths.setdefault(path, {})[method.lower()] = shown
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Weir",
            "version": VERSION,
            "description": "A self-hosted, multi-tenant gateway that speaks OpenRouter's API.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **bodies.components},
            "responses": {f"Error{status}": _refusal(status) for status in sorted(statuses)},
            "securitySchemes": {
                name: {"type": "http", "scheme": "bearer", "description": description}
                for name, description in _KEYS.items()
            },
        },
    }


def _operation(name: str, route: Declared, bodies: BodySchemas) -> dict[str, Any]:
    about = route.about
    security, refusals = _ACCESS[route.access]
    parameters = [*_path_parameters(name), *_query_parameters(about), *_header_parameters(about)]
    shown: dict[str, Any] = {
        "operationId": _identifier(name),
        "summary": about.summary,
        "tags": [_tag(name)],
        "security": security,
    }
    if parameters:
        shown["parameters"] = parameters
    errors = {*refusals, *about.refusals, *_EVERYBODYS}
    if "{" in name:
        errors.add(404)
    if content := _request_content(about):
        description = f"At most {MAX_BODY_BYTES} bytes."
        shown["requestBody"] = {"required": True, "description": description, "content": content}
        errors.add(413)
    replies = {status: _reply(status, reply, bodies) for status, reply in about.replies.items()}
    references = {
        status: {"$ref": f"#/components/responses/Error{status}"}
        for status in errors - replies.keys()
    }
    shown["responses"] = {
        str(status): reply for status, reply in sorted({**replies, **references}.items())
    }
    return shown


def _request_content(about: Operation) -> dict[str, Any]:
    content = {}
    if about.body is not None:
        content["application/json"] = {"schema": about.body.schema}
    if about.form is not None:
        content["application/x-www-form-urlencoded"] = {"schema": about.form}
    return content


def _path_parameters(name: str) -> Iterator[dict[str, Any]]:
    for parameter in re.findall(r"\{(\w+)\}", name):
        schema = {"type": "string", "minLength": 1}
        yield {"name": parameter, "in": "path", "required": True, "schema": schema}


def _query_parameters(about: Operation) -> Iterator[dict[str, Any]]:
    for name, schema in about.query.items():
        required = name in about.required
        shown = {"name": name, "in": "query", "required": required, "schema": schema}
        if schema.get("type") == "array":
            shown |= {"style": "form", "explode": False}
        if not required:
            shown["allowEmptyValue"] = True
        yield shown


def _header_parameters(about: Operation) -> Iterator[dict[str, Any]]:
    for name, schema in about.headers.items():
        yield {"name": name, "in": "header", "required": False, "schema": schema}


def _reply(status: int, body: Body | tuple[Body, ...], bodies: BodySchemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for one in body if isinstance(body, tuple) else (body,):
        if isinstance(one, str):
            content[one] = {} if one.endswith("/json") else {"schema": {"type": "string"}}
        elif one is not None:
            content["application/json"] = {"schema": bodies.of(one)}
    if status >= _ERRORS:
        # API Gateway has such statuses too, and then in the envelope.
        own = [body["schema"] for name, body in content.items() if name == "application/json"]
        either = any_of([*own, {"$ref": f"{REFERENCE}Error"}])
        content["application/json"] = {"schema": either}
    shown: dict[str, Any] = {"description": _phrase(status)}
    return {**shown, "content": content} if content else shown


def _refusal(status: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": _phrase(status)}
    if status in _RETRIED:
        seconds = {"type": "integer", "minimum": 0}
        shown["headers"] = {"Retry-After": {"description": "Seconds.", "schema": seconds}}
    schema = {"$ref": f"{REFERENCE}Error"}
    return {**shown, "content": {"application/json": {"schema": schema}}}


def _phrase(status: int) -> str:
    return _UNASSIGNED.get(status) or HTTPStatus(status).phrase


def _words(name: str) -> list[str]:
    """Return the words of a route below its version: `get`, `keys`, `hash`."""
    method, path = name.split()
    return [method.lower(), *re.findall(r"\w+", path.removeprefix("/api/v1"))]


def _identifier(name: str) -> str:
    method, *words = _words(name)
    # The same route at the origin and under the version are two.
    prefix = "" if "/api/v1/" in name else "Origin"
    parts = [part.capitalize() for word in words for part in word.split("_")]
    return f"{method}{prefix}{''.join(parts)}"


def _tag(name: str) -> str:
    return _words(name)[1]
