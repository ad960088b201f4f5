"""How routes become the document: who may call, what is read, what is answered."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from local.openapi_bodies import BodySchemas
from local.openapi_document import document
from local.route_tables import Declared
from weir.http.access import Access
from weir.http.checks import record, text
from weir.http.operations import Operation
from weir.http.queries import words_schema


class Colour(StrEnum):
    RED = "red"


class Leaf(TypedDict):
    """A leaf."""

    colour: Colour
    twig: NotRequired["Twig | None"]


class Twig(TypedDict):
    """A twig."""

    name: str | None
    weight: Decimal
    count: int
    dead: Literal[True]
    leaves: list[Leaf]
    notes: dict[str, Any]
    nothing: None


OTHER = TypedDict("OTHER", {"a": int})  # noqa: UP013  the next one has its name
SAME = TypedDict("OTHER", {"a": str})  # type: ignore[name-match]  # noqa: UP013


def shown(route: str, *, access: Access = Access.NONE, **about: Any) -> dict[str, Any]:
    told = Operation(**{"summary": "Do it", "replies": {200: Twig}, **about})
    made = document({route: Declared(access=access, about=told)})
    (methods,) = made["paths"].values()
    (operation,) = methods.values()
    return dict(operation)


def test_a_body_is_a_component_of_its_name() -> None:
    bodies = BodySchemas()

    assert bodies.of(Twig) == {"$ref": "#/components/schemas/Twig"}
    assert bodies.components == {
        "Leaf": {
            "description": "A leaf.",
            "type": "object",
            "properties": {
                "colour": {"type": "string", "enum": ["red"]},
                "twig": {"anyOf": [{"$ref": "#/components/schemas/Twig"}, {"type": "null"}]},
            },
            "required": ["colour"],
        },
        "Twig": {
            "description": "A twig.",
            "type": "object",
            "properties": {
                "name": {"type": ["string", "null"]},
                "weight": {"type": "number"},
                "count": {"type": "integer"},
                "dead": {"type": "boolean", "enum": [True]},
                "leaves": {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}},
                "notes": {"type": "object", "additionalProperties": {}},
                "nothing": {"type": "null"},
            },
            "required": ["name", "weight", "count", "dead", "leaves", "notes", "nothing"],
        },
    }


@pytest.mark.parametrize("kind", [complex, set[int]])
def test_a_type_that_no_body_has_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError, match="no type of a body"):
        BodySchemas().of(kind)


def test_two_bodies_of_one_name_are_refused() -> None:
    bodies = BodySchemas()
    bodies.of(OTHER)

    with pytest.raises(TypeError, match="both have a OTHER"):
        bodies.of(SAME)


@pytest.mark.parametrize(
    ("access", "keys", "refusals"),
    [
        (Access.NONE, [], set()),
        (Access.OPTIONAL, [{}, {"apiKey": []}, {"managementKey": []}], {"401"}),
        (Access.INFERENCE, [{"apiKey": []}], {"401", "403"}),
        (Access.MANAGEMENT, [{"managementKey": []}], {"401", "403"}),
        (Access.ANY, [{"apiKey": []}, {"managementKey": []}], {"401"}),
        (Access.OPERATOR, [{"operatorKey": []}], {"401", "403"}),
    ],
)
def test_who_may_call_says_which_keys_and_refusals_there_are(
    access: Access, keys: list[Any], refusals: set[str]
) -> None:
    operation = shown("GET /api/v1/things", access=access)

    assert operation["security"] == keys
    everybodys = {"200", "400", "429", "500", "502", "503", "504"}
    assert operation["responses"].keys() == everybodys | refusals


def test_what_a_route_reads_says_how_it_can_fail() -> None:
    operation = shown(
        "PUT /api/v1/things/{id}",
        query={"q": {"type": "string"}, "words": words_schema(["a"])},
        required=("q",),
        body=record({"name": text(3)}),
        form={"type": "object"},
        refusals=(409,),
    )

    assert operation["operationId"] == "putThingsId"
    assert operation["tags"] == ["things"]
    assert {"404", "409", "413"} <= operation["responses"].keys()
    path, query, words = operation["parameters"]
    assert (path["name"], path["in"], path["required"]) == ("id", "path", True)
    assert (query["name"], query["in"], query["required"]) == ("q", "query", True)
    assert "allowEmptyValue" not in query
    assert (words["required"], words["allowEmptyValue"], words["explode"]) == (False, True, False)
    content = operation["requestBody"]["content"]
    body = content["application/json"]["schema"]
    assert body["properties"] == {"name": {"type": "string", "maxLength": 3}}
    assert content["application/x-www-form-urlencoded"] == {"schema": {"type": "object"}}


def test_a_route_of_the_origin_has_a_name_of_its_own() -> None:
    assert shown("GET /health")["operationId"] == "getOriginHealth"
    assert shown("GET /api/v1/health")["operationId"] == "getHealth"


def test_bodies_of_several_kinds_stand_side_by_side() -> None:
    replies = {
        200: (Leaf, "text/event-stream"),
        303: "application/json",
        304: None,
        403: "text/html",
        503: Leaf,
    }
    responses = shown("GET /api/v1/things", replies=replies)["responses"]

    leaf = {"$ref": "#/components/schemas/Leaf"}
    assert responses["200"]["content"] == {
        "application/json": {"schema": leaf},
        "text/event-stream": {"schema": {"type": "string"}},
    }
    assert responses["304"] == {"description": "Not Modified"}
    assert responses["303"]["content"] == {"application/json": {}}
    error = {"$ref": "#/components/schemas/Error"}
    assert responses["403"]["content"] == {
        "text/html": {"schema": {"type": "string"}},
        "application/json": {"schema": error},
    }
    either = {"anyOf": [leaf, error]}
    assert responses["503"]["content"] == {"application/json": {"schema": either}}
    assert responses["500"] == {"$ref": "#/components/responses/Error500"}


def test_what_no_list_of_statuses_has_is_described() -> None:
    about = Operation(summary="Do it", replies={}, refusals=(429, 524))
    made = document({"GET /a": Declared(access=Access.NONE, about=about)})
    responses = made["components"]["responses"]

    assert responses["Error524"]["description"] == "Upstream timed out"
    for status in (429, 502, 503, 504, 524):
        assert "Retry-After" in responses[f"Error{status}"]["headers"]


def test_a_header_that_a_route_reads_is_a_parameter_that_may_be_left_out() -> None:
    schema = {"type": "string", "maxLength": 8}

    (parameter,) = shown("POST /a", headers={"X-Token": schema})["parameters"]

    assert parameter == {"name": "X-Token", "in": "header", "required": False, "schema": schema}
