"""Filters and orders of the list of models."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.catalogue_values import make_model
from weir.domain.model_queries import ModelQuery, Order, Range, ordered

NOW_MS = 1_790_000_000_000 + 10 * 86_400_000
SCORED = {
    "artificial_analysis": {"intelligence_index": 70, "coding_index": 60.5, "agentic_index": None},
    "design_arena": [{"elo": 1200}, {"elo": 1385.2}, {"elo": None}, "broken"],
}
MULTIMODAL = {
    "tokenizer": "Claude",
    "input_modalities": ["text", "image"],
    "output_modalities": ["text", "audio"],
}


def selects(query: ModelQuery, **facts: Any) -> bool:
    return query.selects(make_model("anthropic/claude", **facts), now_ms=NOW_MS)


def test_a_model_of_text_is_selected_when_nothing_is_asked() -> None:
    assert selects(ModelQuery())
    assert not selects(ModelQuery(), architecture={"output_modalities": ["image"]})
    assert not selects(ModelQuery(), architecture=None)


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        (ModelQuery(output_modalities=None), True),
        (ModelQuery(output_modalities=frozenset({"image", "audio"})), True),
        (ModelQuery(output_modalities=frozenset({"image"})), False),
        (ModelQuery(input_modalities=frozenset({"text", "image"})), True),
        (ModelQuery(input_modalities=frozenset({"text", "file"})), False),
        (ModelQuery(supported_parameters=frozenset({"temperature"})), True),
        (ModelQuery(supported_parameters=frozenset({"temperature", "tools"})), False),
        (ModelQuery(architecture="claude"), True),
        (ModelQuery(architecture="gpt"), False),
        (ModelQuery(authors=frozenset({"anthropic", "openai"})), True),
        (ModelQuery(authors=frozenset({"openai"})), False),
        (ModelQuery(text="c/claude"), True),
        (ModelQuery(text="name of"), True),
        (ModelQuery(text="gpt"), False),
        (ModelQuery(context_tokens=Range(low=Decimal(128_000))), True),
        (ModelQuery(context_tokens=Range(low=Decimal(128_001))), False),
        (ModelQuery(prompt_price=Range(low=Decimal("0.15"), high=Decimal("0.15"))), True),
        (ModelQuery(prompt_price=Range(high=Decimal("0.149"))), False),
        (ModelQuery(completion_price=Range(low=Decimal("0.61"))), False),
        (ModelQuery(age_days=Range(low=Decimal(10), high=Decimal(10))), True),
        (ModelQuery(age_days=Range(high=Decimal("9.99"))), False),
        (ModelQuery(scores={"coding_index": Range(low=Decimal("60.5"))}), True),
        (ModelQuery(scores={"coding_index": Range(low=Decimal("60.6"))}), False),
        (ModelQuery(scores={"agentic_index": Range(low=Decimal(0))}), False),
        (ModelQuery(scores={"agentic_index": Range()}), True),
    ],
)
def test_a_model_is_selected_when_it_has_what_is_asked(
    query: ModelQuery, *, selected: bool
) -> None:
    assert selects(query, architecture=MULTIMODAL, benchmarks=SCORED) is selected


@pytest.mark.parametrize(
    ("query", "facts"),
    [
        (ModelQuery(prompt_price=Range(low=Decimal(0))), {"pricing": {"prompt": "-1"}}),
        (ModelQuery(context_tokens=Range(low=Decimal(1))), {"context_length": None}),
        (ModelQuery(age_days=Range(low=Decimal(0))), {"created": True}),
        (ModelQuery(scores={"coding_index": Range(low=Decimal(0))}), {}),
    ],
)
def test_a_model_is_not_selected_when_it_does_not_say(
    query: ModelQuery, facts: dict[str, Any]
) -> None:
    assert not selects(query, **facts)


def test_an_alias_is_of_the_author_it_is_named_after() -> None:
    query = ModelQuery(authors=frozenset({"openai"}))

    assert query.selects(make_model("~openai/latest"), now_ms=NOW_MS)


def order_of(order: Order, models: dict[str, dict[str, Any]]) -> str:
    found = ordered([make_model(f"a/{name}", **facts) for name, facts in models.items()], order)
    return "".join(str(model["id"])[-1] for model in found)


def index(name: str, value: float | None) -> dict[str, Any]:
    return {"benchmarks": {"artificial_analysis": {f"{name}_index": value}}}


def elo(*figures: float) -> dict[str, Any]:
    return {"benchmarks": {"design_arena": [{"elo": figure} for figure in figures]}}


CHEAP, DEAR = {"prompt": "0.1", "completion": "0.3"}, {"prompt": "0.3", "completion": "0.2"}


@pytest.mark.parametrize(
    ("order", "models", "expected"),
    [
        (Order.NEWEST, {"x": {"created": None}, "y": {"created": 1}, "z": {"created": 2}}, "zyx"),
        (
            Order.CHEAPEST,
            {
                "x": {"pricing": {"prompt": "-1", "completion": "0"}},
                "y": {"pricing": DEAR},
                "z": {"pricing": CHEAP},
                "w": {"pricing": {"prompt": "0"}},
            },
            "zyxw",
        ),
        (
            Order.DEAREST,
            {"x": {"pricing": CHEAP}, "y": {"pricing": None}, "z": {"pricing": DEAR}},
            "zxy",
        ),
        (
            Order.LONGEST,
            {"x": {"context_length": 1}, "y": {"context_length": 2}, "z": {"context_length": 1}},
            "yxz",
        ),
        (
            Order.MOST_INTELLIGENT,
            {"x": index("intelligence", 1), "y": index("intelligence", 2.5)},
            "yx",
        ),
        (Order.BEST_CODER, {"x": {}, "y": index("coding", 1), "z": index("coding", None)}, "yxz"),
        (Order.BEST_AGENT, {"x": index("agentic", 1), "y": index("agentic", 2)}, "yx"),
        (Order.BEST_DESIGNER, {"w": elo(), "x": elo(5, 1), "y": elo(3, 9.5), "z": {}}, "yxwz"),
    ],
)
def test_models_are_in_the_order_asked_for_and_those_that_do_not_say_come_last(
    order: Order, models: dict[str, dict[str, Any]], expected: str
) -> None:
    assert order_of(order, models) == expected
