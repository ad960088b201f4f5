"""What a query parameter takes is what the API's document says of it."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

from weir.domain.errors import InvalidRequestError
from weir.http import queries
from weir.http.catalogue_queries import (
    COUNT_PARAMETERS,
    MAX_WORDS,
    MODEL_PARAMETERS,
    count_query,
    model_query,
)
from weir.http.events import ProxyEvent
from weir.http.schemas import Schema

Reader = Callable[[ProxyEvent], Any]
KNOWN = ("day", "month")
READERS: dict[str, tuple[Schema, Reader]] = {
    "text": (queries.TEXT, lambda event: queries.text(event, "text")),
    "whole": (
        queries.whole_schema(low=1, high=20),
        lambda event: queries.whole(event, "whole", low=1, high=20),
    ),
    "switch": (queries.SWITCH, lambda event: queries.switch(event, "switch")),
    "day": (queries.DAY, lambda event: queries.day(event, "day")),
    "words": (
        queries.words_schema(KNOWN),
        lambda event: queries.words(event, "words", known=KNOWN),
    ),
    **{name: (schema, model_query) for name, schema in MODEL_PARAMETERS.items()},
    **{f"count {name}": (schema, count_query) for name, schema in COUNT_PARAMETERS.items()},
}
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,12})?", re.ASCII)

texts = st.one_of(
    st.text(max_size=4),
    st.integers(-2, 1_001).map(str),
    st.decimals(-1, 10**13, places=3, allow_nan=False).map(lambda number: f"{number:f}"),
    st.dates().map(str),
    st.from_regex(r"2[0-9]{3}-[0-1][0-9]-[0-3][0-9]", fullmatch=True),
    st.lists(st.sampled_from([*KNOWN, "x", "day"]), max_size=3).map(",".join),
    st.sampled_from(
        [
            *("true", "false", "True", "False", "TRUE", "1", "0", "01", "1.0", "1e1"),
            *(word for schema in MODEL_PARAMETERS.values() for word in schema.get("enum", ())),
            *("x" * 512, "x" * 513, "9" * 18, "9" * 19, "999999999999.5", "1000000000000"),
        ]
    ).map(str),
)


def readings(text: str, schema: Schema) -> Iterator[Any]:
    """Yield what a text on the wire may stand for."""
    yield text
    if schema.get("type") == "array":
        yield text.split(",")
    if text in {"true", "false"}:
        yield text == "true"
    if NUMBER.fullmatch(text) and ("." not in text or schema.get("type") == "number"):
        yield json.loads(text)


def is_allowed(text: str, schema: Schema) -> bool:
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    # An empty parameter counts as absent.
    return text == "" or any(validator.is_valid(value) for value in readings(text, schema))


def is_taken(text: str, *, name: str, reader: Reader) -> bool:
    event: ProxyEvent = {
        "queryStringParameters": {name: text},
        "multiValueQueryStringParameters": {name: [text]},
    }
    try:
        reader(event)
    except InvalidRequestError:
        return False
    return True


@pytest.mark.parametrize("parameter", READERS)
@given(text=texts)
@example(text="")
@settings(max_examples=30)
def test_a_parameter_is_taken_when_the_document_allows_it(parameter: str, text: str) -> None:
    schema, reader = READERS[parameter]
    name = parameter.removeprefix("count ")
    # Blanks round words and words that are empty are forgiven.
    words = text.split(",") if schema.get("type") == "array" else []
    if any(word != word.strip() or not word for word in words) or text.count(",") >= MAX_WORDS:
        return

    assert is_taken(text, name=name, reader=reader) == is_allowed(text, schema)
