"""JSON Schemas of the bodies that the gateway answers with, read from their `TypedDict`s."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from weir.http.schemas import JSON_TYPES, Schema, any_of, or_null

REFERENCE = "#/components/schemas/"

_ARRAYS = (list, tuple, Sequence)
_MAPS = (dict, Mapping)


class BodySchemas:
    """Collects the schemas of bodies; each `TypedDict` becomes a component of its own name."""

    def __init__(self) -> None:
        self._kinds: dict[str, Any] = {}
        self._components: dict[str, Schema] = {}

    @property
    def components(self) -> Mapping[str, Schema]:
        """Return the components by name, in the order of the alphabet."""
        return dict(sorted(self._components.items()))

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type.

        Raises:
            TypeError: A type that bodies have no use for, or two `TypedDict`s of one name.
        """
        if is_typeddict(kind):
            return self._reference(kind)
        if kind is Any:
            return {}
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return {"type": "string", "enum": [str(member) for member in kind]}
        if kind in JSON_TYPES:
            return {"type": JSON_TYPES[kind]}
        return self._composed(kind)

    def _composed(self, kind: Any) -> Schema:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            types = any_of([{"type": JSON_TYPES[type(value)]} for value in arguments])
            return {**types, "enum": list(arguments)}
        if origin in {Union, UnionType}:
            others = any_of([self.of(one) for one in arguments if one is not NoneType])
            return or_null(others) if NoneType in arguments else others
        if origin in _ARRAYS:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin in _MAPS:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        raise TypeError(f"{kind} is no type of a body")

    def _reference(self, kind: Any) -> Schema:
        name: str = kind.__name__
        if name not in self._kinds:
            self._kinds[name] = kind  # at once: it may contain itself
            self._components[name] = self._object(kind)
        known = self._kinds[name]
        if known is not kind:
            raise TypeError(f"{known.__module__} and {kind.__module__} both have a {name}")
        return {"$ref": f"{REFERENCE}{name}"}

    def _object(self, kind: Any) -> Schema:
        hints = get_type_hints(kind)
        return {
            "description": getdoc(kind),
            "type": "object",
            "properties": {name: self.of(hint) for name, hint in hints.items()},
            "required": [name for name in hints if name in kind.__required_keys__],
        }
