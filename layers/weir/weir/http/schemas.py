"""JSON Schemas of draft 2020-12, as OpenAPI 3.1 has them, put together from parts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Schema = Mapping[str, Any]
"""A JSON Schema."""

JSON_TYPES: Mapping[type, str] = {
    int: "integer",
    Decimal: "number",
    str: "string",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}
"""What JSON calls the types of parsed values."""


def bounded(kind: str, **bounds: Any) -> dict[str, Any]:
    """Return the schema of a type within the bounds that are not None."""
    return {"type": kind, **{word: bound for word, bound in bounds.items() if bound is not None}}


def or_null(schema: Schema) -> Schema:
    """Return the schema of the same values and null."""
    if not schema:
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):
        return any_of([*schema.get("anyOf", [schema]), {"type": "null"}])
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [kind, "null"], **values}


def any_of(schemas: Sequence[Schema]) -> Schema:
    """Return the schema of what one of several takes; of a single one, that one itself."""
    different = [schema for place, schema in enumerate(schemas) if schema not in schemas[:place]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def narrowed(schema: Schema, *, name: str, to: Schema) -> Schema:
    """Return the schema of those objects whose member of this name is there, and is such."""
    properties = dict(schema.get("properties", {}))
    properties[name] = {**properties.get(name, {}), **to}
    required = dict.fromkeys((name, *schema.get("required", ())))
    return {"type": "object", **schema, "properties": properties, "required": list(required)}
