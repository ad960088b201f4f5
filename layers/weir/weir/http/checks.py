"""Checks of request fields: small things from which `chat_fields` builds its tables.

A check takes the path of a field and its value, and raises when the value is not what it should be.
It also states, as a JSON Schema, what it takes. Members that a table does not name are not looked
at: new ones ship upstream without notice.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from math import inf
from typing import Any, NoReturn

from weir.domain.errors import InvalidRequestError
from weir.http.schemas import JSON_TYPES, Schema, any_of, bounded, narrowed, or_null
from weir.http.shown_values import shown

_MAX_INTEGER_DIGITS = 19


Test = Callable[[str, Any], None]
"""Takes the path of a value, and the value."""


class Check:
    """A test of a value, called with the value's path, and the schema of what passes it.

    Args:
        test: Raises `InvalidRequestError` when the value is not what it should be. Checks that are
            made of others call it straight: of a long chat, thousands of values are tested.
        describe: Makes the schema. Only a document asks for it: nothing is made before.
    """

    __slots__ = ("_describe", "test")

    def __init__(self, test: Test, *, describe: Callable[[], Schema]) -> None:
        self.test = test
        self._describe = describe

    def __call__(self, path: str, value: Any) -> None:
        """Test a value, which an error names by its path.

        Raises:
            InvalidRequestError: It is not what it should be.
        """
        self.test(path, value)

    @property
    def schema(self) -> Schema:
        """Return what the check takes, as a JSON Schema."""
        return self._describe()


def described(describe: Callable[[], Schema]) -> Callable[[Test], Check]:
    """Make a check of a function that tests what no other check here does."""
    return lambda test: Check(test, describe=describe)


def refuse(path: str, value: Any, *, expected: str, quote: bool = False) -> NoReturn:
    """Refuse a value. With `quote` a short string is quoted back: never for prompt text.

    Raises:
        InvalidRequestError: Always; it names the field, what it must be, and what was given.
    """
    raise InvalidRequestError(f"{path} must be {expected}, got {shown(value, quote=quote)}")


def number(low: int, high: int, *, above_low: bool = False) -> Check:
    """Check a number from `low` to `high`; with `above_low`, `low` itself is excluded."""
    expected = f"a number {'above' if above_low else 'from'} {low}"
    expected += f", at most {high}" if above_low else f" to {high}"

    def check(path: str, value: Any) -> None:
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not is_number or not low <= value <= high or (above_low and value == low):
            refuse(path, value, expected=expected, quote=True)

    floor = "exclusiveMinimum" if above_low else "minimum"
    return Check(check, describe=lambda: {"type": "number", floor: low, "maximum": high})


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Check a whole number within the bounds that are given."""
    floor = -inf if low is None else low
    ceiling = inf if high is None else high
    expected = "an integer"
    if low is not None:
        expected += f" of at least {low}" if high is None else f" from {low} to {high}"

    def check(path: str, value: Any) -> None:
        whole = whole_number(value)
        if whole is None or whole < floor or whole > ceiling:
            refuse(path, value, expected=expected, quote=True)

    return Check(check, describe=lambda: bounded("integer", minimum=low, maximum=high))


def whole_number(value: Any) -> int | None:
    """Return a JSON number as an int (`4096.0` is one, as JSON has one number type), else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, Decimal) or value.adjusted() >= _MAX_INTEGER_DIGITS:
        return None
    return int(value) if value == value.to_integral_value() else None


@described(dict)
def anything(path: str, value: Any) -> None:
    """Accept every value."""


@described(lambda: {"type": "boolean"})
def boolean(path: str, value: Any) -> None:
    """Check true or false."""
    if not isinstance(value, bool):
        refuse(path, value, expected="a boolean", quote=True)


def text(max_chars: int | None = None, *, min_chars: int = 0) -> Check:
    """Check a string and its length in characters."""
    expected = "a string"
    if min_chars:
        expected = "a non-empty string"
    if max_chars is not None:
        expected += f" of at most {max_chars} characters"

    def check(path: str, value: Any) -> None:
        if not isinstance(value, str):
            refuse(path, value, expected=expected)
        if len(value) < min_chars or (max_chars is not None and len(value) > max_chars):
            raise InvalidRequestError(f"{path} must be {expected}, got {len(value)} characters")

    return Check(
        check,
        describe=lambda: bounded("string", minLength=min_chars or None, maxLength=max_chars),
    )


def one_of(values: Collection[str]) -> Check:
    """Check a string against a closed list."""
    expected = "one of " + ", ".join(f'"{value}"' for value in values)

    def check(path: str, value: Any) -> None:
        if not isinstance(value, str) or value not in values:
            refuse(path, value, expected=expected, quote=True)

    return Check(check, describe=lambda: {"type": "string", "enum": list(values)})


def array(item: Check = anything, *, min_items: int = 0, max_items: int | None = None) -> Check:
    """Check an array, its length, and each of its items."""
    expected = "an array"
    if min_items:
        expected += f" of at least {min_items} item{'s' if min_items > 1 else ''}"
    if max_items is not None:
        expected += f" of at most {max_items} items"
    test = item.test

    def check(path: str, value: Any) -> None:
        if not isinstance(value, list):
            refuse(path, value, expected=expected)
        if len(value) < min_items or (max_items is not None and len(value) > max_items):
            raise InvalidRequestError(f"{path} must be {expected}, got {len(value)} items")
        for index, entry in enumerate(value):
            test(f"{path}[{index}]", entry)

    return Check(
        check,
        describe=lambda: {
            **bounded("array", minItems=min_items or None, maxItems=max_items),
            "items": item.schema,
        },
    )


def record(members: Mapping[str, Check] | None = None, *, required: Collection[str] = ()) -> Check:
    """Check an object: the members that must be there, and each known one that is."""
    table = members or {}
    tests = [(name, member.test) for name, member in table.items()]

    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            refuse(path, value, expected="an object")
        for name in required:
            if name not in value:
                raise InvalidRequestError(f"{path}.{name} is required")
        for name, test in tests:
            if name in value:
                test(f"{path}.{name}", value[name])

    def describe() -> Schema:
        properties = {name: member.schema for name, member in table.items()}
        stated = {"properties": properties, "required": list(required)}
        return {"type": "object", **{word: value for word, value in stated.items() if value}}

    return Check(check, describe=describe)


def pairs(
    value_check: Check, *, max_pairs: int | None = None, max_name_chars: int | None = None
) -> Check:
    """Check an object used as a map: number of pairs, length of the names, each value."""
    test = value_check.test

    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            refuse(path, value, expected="an object")
        if max_pairs is not None and len(value) > max_pairs:
            raise InvalidRequestError(
                f"{path} must have at most {max_pairs} pairs, got {len(value)} pairs"
            )
        for name, entry in value.items():
            if max_name_chars is not None and len(name) > max_name_chars:
                raise InvalidRequestError(
                    f"{path} must have names of at most {max_name_chars} characters, "
                    f"got {len(name)} characters"
                )
            test(f"{path}.*", entry)

    def describe() -> Schema:
        names = None if max_name_chars is None else {"maxLength": max_name_chars}
        stated = bounded("object", maxProperties=max_pairs, propertyNames=names)
        return {**stated, "additionalProperties": value_check.schema}

    return Check(check, describe=describe)


def by_type(expected: str, checks: Mapping[type, Check]) -> Check:
    """Check a value that may have one of several JSON types, each with its own check."""
    tests = {kind: check.test for kind, check in checks.items()}

    def check(path: str, value: Any) -> None:
        chosen = tests.get(type(value))
        if chosen is None:
            refuse(path, value, expected=expected)
        chosen(path, value)

    def describe() -> Schema:
        # One number type in JSON: what int takes, Decimal takes.
        kinds = checks.keys() - ({int} if Decimal in checks else set())
        return any_of(
            [{"type": JSON_TYPES[kind], **checks[kind].schema} for kind in checks if kind in kinds]
        )

    return Check(check, describe=describe)


def by_member(name: str, checks: Mapping[str, Check], *, otherwise: Check | None = None) -> Check:
    """Check an object by the text of one of its members, which says what the object is.

    Args:
        name: The member; it must be there.
        checks: By that text, each the check of an object.
        otherwise: Checks an object of another text; None refuses it.
    """
    closed = one_of(tuple(checks))
    named = record({name: closed if otherwise is None else text()}, required=(name,)).test
    tests = {word: case.test for word, case in checks.items()}
    other = (otherwise or anything).test

    def check(path: str, value: Any) -> None:
        named(path, value)
        tests.get(value[name], other)(path, value)

    def describe() -> Schema:
        cases = [
            narrowed(case.schema, name=name, to={"const": word}) for word, case in checks.items()
        ]
        if otherwise is not None:
            rest = {"type": "string", "not": {"enum": list(checks)}}
            cases.append(narrowed(otherwise.schema, name=name, to=rest))
        return any_of(cases)

    return Check(check, describe=describe)


def nullable(check: Check) -> Check:
    """Let null pass: it means that the field is absent."""
    test = check.test

    def check_unless_null(path: str, value: Any) -> None:
        if value is not None:
            test(path, value)

    return Check(check_unless_null, describe=lambda: or_null(check.schema))
