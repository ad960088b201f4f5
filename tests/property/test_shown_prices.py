"""What a client is shown is what its account is charged, to the nano-dollar."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_money import PLANS
from tests.unit.http.chunks import OUR_ID, UPSTREAM_ID, chunk, event
from weir.domain.price_plans import PricePlan
from weir.domain.usage import price
from weir.http.body_translation import BodyTranslation
from weir.http.reading import GenerationReading
from weir.http.stream_translation import StreamTranslation

UNTIMED = settings(deadline=None)

MODELS = st.none() | st.sampled_from(["a/b", "a/b:free", "a/b:nitro", "c/d", "e/f", ""])
COSTS = st.decimals("0", "1000", places=12) | st.just(Decimal(0))
ASKED = "c/d"


def usage_text(cost: Decimal, tokens: tuple[int, int], parts: tuple[Decimal, Decimal]) -> str:
    return (
        f'{{"prompt_tokens":{tokens[0]},"completion_tokens":{tokens[1]},"cost":{cost:f},'
        f'"cost_details":{{"upstream_inference_cost":{cost:f},'
        f'"upstream_inference_prompt_cost":{parts[0]:f},'
        f'"upstream_inference_completions_cost":{parts[1]:f}}}}}'
    )


USAGES = st.builds(
    usage_text,
    cost=COSTS,
    tokens=st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)),
    parts=st.tuples(COSTS, COSTS),
)


def charged(reading: GenerationReading, plan: PricePlan) -> int:
    """The price of the usage record."""
    assert reading.usage is not None
    return price(reading.usage, model=reading.model or ASKED, plan=plan)


def nano(shown: Decimal) -> Fraction:
    return Fraction(shown) * 10**9


def check(shown: dict[str, Any], owed: int) -> None:
    assert nano(shown["cost"]) == owed
    details = shown["cost_details"]
    assert details["upstream_inference_cost"] is None
    prompt = nano(details["upstream_inference_prompt_cost"])
    completion = nano(details["upstream_inference_completions_cost"])
    assert prompt + completion <= owed


@UNTIMED
@given(usage=USAGES, plan=PLANS, model=MODELS)
def test_shown_cost_is_the_charged_price_when_an_answer_is_plain(
    usage: str, plan: PricePlan, model: str | None
) -> None:
    if plan.is_at_cost:
        return
    body = f'{{"choices":[],"model":{json.dumps(model)},"usage":{usage}}}'
    translation = BodyTranslation(OUR_ID, model=ASKED, plan=plan)
    translation.feed(body.encode())
    translation.end()

    shown = json.loads(translation.ending(None), parse_float=Decimal)

    check(shown["usage"], charged(translation.reading, plan))


@UNTIMED
@given(usages=st.lists(USAGES, min_size=1, max_size=4), plan=PLANS, models=st.lists(MODELS))
def test_last_shown_cost_is_the_charged_price_when_an_answer_is_streamed(
    usages: list[str], plan: PricePlan, models: list[str | None]
) -> None:
    if plan.is_at_cost:
        return
    translation = StreamTranslation(OUR_ID, model=ASKED, plan=plan)
    for model in models:
        translation.feed(event({**chunk({"content": "x"}), "model": model}))
    shown = {}
    for usage, model in zip(usages, [*models, *[None] * len(usages)], strict=False):
        body = f'{{"id":"{UPSTREAM_ID}","model":{json.dumps(model)},"usage":{usage}}}'
        sent = translation.feed(b"data: " + body.encode() + b"\n\n")
        shown = json.loads(sent.removeprefix(b"data: "), parse_float=Decimal)
    for model in reversed(models):
        translation.feed(event({**chunk({}, finish="stop"), "model": model}))

    check(shown["usage"], charged(translation.reading, plan))
