"""The query of GET /models: what is read, and what is refused rather than ignored."""

from decimal import Decimal

import pytest

from weir.domain.errors import InvalidRequestError
from weir.domain.model_queries import ModelQuery, Order, Range
from weir.http.catalogue_queries import count_query, model_query
from weir.http.events import ProxyEvent

NO_SCORES = dict.fromkeys(("intelligence_index", "coding_index", "agentic_index"), Range())


def query(**parameters: str) -> ModelQuery:
    event: ProxyEvent = {"queryStringParameters": parameters}
    return model_query(event)


def test_the_whole_list_is_asked_for_when_nothing_is_given() -> None:
    assert (
        model_query({}) == query(q="", use_rss="false", unknown="x") == ModelQuery(scores=NO_SCORES)
    )


@pytest.mark.parametrize(
    ("parameters", "offset", "limit"),
    [
        ({"offset": "0"}, 0, 500),
        ({"offset": "7"}, 7, 500),
        ({"limit": "1000"}, 0, 1000),
        ({"offset": "0", "limit": "1"}, 0, 1),
    ],
)
def test_a_page_is_asked_for_when_offset_or_limit_is(
    parameters: dict[str, str], offset: int, limit: int
) -> None:
    found = query(**parameters)

    assert (found.offset, found.limit) == (offset, limit)


def test_filters_are_read() -> None:
    found = query(
        supported_parameters="tools, temperature",
        output_modalities="text,image",
        input_modalities="Image",
        arch="GPT",
        model_authors="OpenAI,",
        providers="OpenAI,azure",
        q="GPT 4",
        context="128000",
        min_price="0.1",
        max_output_price="2",
        min_age_days="1",
        max_coding_index="50.5",
        zdr="true",
        category="marketing/seo",
        region="eu",
        sort="newest",
    )

    assert found == ModelQuery(
        supported_parameters=frozenset({"tools", "temperature"}),
        output_modalities=frozenset({"text", "image"}),
        input_modalities=frozenset({"image"}),
        architecture="gpt",
        authors=frozenset({"openai"}),
        providers=("azure", "openai"),
        text="gpt 4",
        context_tokens=Range(low=Decimal(128000)),
        prompt_price=Range(low=Decimal("0.1")),
        completion_price=Range(high=Decimal(2)),
        age_days=Range(low=Decimal(1)),
        scores={**NO_SCORES, "coding_index": Range(high=Decimal("50.5"))},
        zdr=True,
        selections={"category": "marketing/seo", "region": "eu"},
        order=Order.NEWEST,
    )


def test_an_order_that_only_upstream_knows_is_a_selection() -> None:
    found = query(sort="top-weekly")

    assert (found.order, found.selections) == (None, {"sort": "top-weekly"})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("all", None),
        ("image,all", None),
        ("", frozenset({"text"})),
        ("audio", frozenset({"audio"})),
    ],
)
def test_models_of_text_are_meant_when_no_modality_is_given(
    written: str, read: frozenset[str] | None
) -> None:
    assert query(output_modalities=written).output_modalities == read
    event: ProxyEvent = {"queryStringParameters": {"output_modalities": written}}
    assert count_query(event) == ModelQuery(output_modalities=read)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offset", "-1"),
        ("offset", "x"),
        ("limit", "0"),
        ("limit", "1001"),
        ("context", "0"),
        ("sort", "best"),
        ("category", "sports"),
        ("region", "mars"),
        ("distillable", "yes"),
        ("zdr", "false"),
        ("min_price", "-1"),
        ("max_price", "1e3"),
        ("max_price", "nan"),
        ("min_age_days", "one"),
        ("use_rss", "true"),
        ("use_rss_chat_links", "1"),
        ("min_tool_success_rate", "0.9"),
        ("max_tool_success_rate", "1"),
        ("providers", ",".join(map(str, range(21)))),
        ("q", "x" * 600),
    ],
)
def test_a_parameter_that_cannot_be_honoured_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError, match=name):
        query(**{name: value})
