"""What a check takes is what its schema takes: the API's document can be believed."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

import weir.http
from tests.support.near_misses import near
from weir.domain.errors import InvalidRequestError
from weir.http.chat_operations import OPERATIONS
from weir.http.checks import (
    Check,
    anything,
    array,
    boolean,
    by_member,
    by_type,
    integer,
    nullable,
    number,
    one_of,
    pairs,
    record,
    text,
)
from weir.http.key_wishes import KEY_CHANGE, NEW_KEY, ROTATION
from weir.http.operations import Operation
from weir.http.schemas import Schema

GOOD = {"model": "a/b", "messages": [{"role": "user", "content": ""}], "prompt": ""}
CHECKS = {
    "anything": anything,
    "boolean": boolean,
    "text": text(3, min_chars=1),
    "any text": text(),
    "whole": integer(1, 3),
    "any whole": integer(),
    "number": number(0, 2),
    "above": number(0, 2, above_low=True),
    "word": one_of(("a", "b")),
    "word or null": nullable(one_of(("a", "b"))),
    "array": array(text(2), min_items=1, max_items=2),
    "record": record({"a": text(2), "b": nullable(record())}, required=("a", "c")),
    "any record": record(),
    "pairs": pairs(number(-1, 1), max_pairs=2, max_name_chars=2),
    "any pairs": pairs(nullable(boolean)),
    "types": by_type("some", {str: text(2), int: anything, Decimal: anything, list: array()}),
    "types or null": nullable(by_type("some", {str: text(2), dict: record({"a": boolean})})),
    "closed": by_member("t", {"x": record({"a": text(1)}, required=("a",)), "y": record()}),
    "open": by_member("t", {"x": record({"a": text(1)})}, otherwise=record({"t": text(2)})),
    "same types": by_type("some", {str: text(2), bool: boolean, type(None): anything}),
    "POST /keys": NEW_KEY,
    "PATCH /keys": KEY_CHANGE,
    "POST rotate": ROTATION,
}


def bodies() -> Iterator[Operation]:
    """Yield every operation that reads a JSON body, but for the long ones of the pipeline."""
    for found in pkgutil.iter_modules(weir.http.__path__):
        if found.name.endswith("_operations"):
            values = vars(importlib.import_module(f"weir.http.{found.name}")).values()
            told = (value for value in values if isinstance(value, Operation))
            yield from (operation for operation in told if operation.body is not None)


BODIES = list(bodies())


def takes(check: Check, value: Any) -> bool:
    try:
        check("body", value)
    except InvalidRequestError:
        return False
    return True


def compare(check: Check, value: Any) -> None:
    """Compare whether a value passes by the check and by its schema."""
    written = json.dumps(value)
    note(written)
    passes = takes(check, json.loads(written, parse_float=Decimal))

    assert Draft202012Validator(check.schema).is_valid(json.loads(written)) == passes


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
@given(data=st.data())
@settings(max_examples=15)
def test_a_check_takes_what_its_schema_takes(check: Check, data: st.DataObject) -> None:
    compare(check, data.draw(near(check.schema)))


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_a_schema_is_one_of_its_dialect(check: Check) -> None:
    Draft202012Validator.check_schema(check.schema)


@pytest.mark.parametrize("route", OPERATIONS)
@given(data=st.data())
@settings(max_examples=50)
def test_a_request_for_an_answer_is_what_its_schema_says(route: str, data: st.DataObject) -> None:
    body = OPERATIONS[route].body
    assert body is not None
    members = body.schema["properties"]
    name = data.draw(st.sampled_from(sorted(members)))

    compare(body, {**data.draw(st.sampled_from([GOOD, {}])), name: data.draw(near(members[name]))})


@pytest.mark.parametrize("operation", BODIES, ids=lambda operation: operation.summary)
@given(data=st.data())
@settings(max_examples=15)
def test_a_body_is_refused_when_the_document_refuses_it(
    operation: Operation, data: st.DataObject
) -> None:
    assert operation.body is not None
    schema = operation.body.schema
    written = json.dumps(data.draw(near(schema)))
    note(written)

    if not Draft202012Validator(schema).is_valid(json.loads(written)):
        assert not takes(operation.body, json.loads(written, parse_float=Decimal))


def test_nothing_is_described_when_nobody_asks() -> None:
    asked: list[str] = []

    def describe() -> Schema:
        asked.append("asked")
        return {}

    check = Check(anything, describe=describe)
    nullable(array(record({"a": check})))("body", [{"a": 1}])

    assert asked == []
    assert check.schema == {}
    assert asked == ["asked"]
