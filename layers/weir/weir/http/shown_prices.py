"""What an answer shows of money: the tenant's own price, and nothing of upstream's cost.

Only a tenant whose plan differs from upstream's prices sees other bytes than upstream sent; then
the values of members that tell money are replaced in the text, and all else stays as it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from json import loads
from typing import Any

from weir.domain.money import NanoUsd, usd_text
from weir.domain.price_plans import PricePlan
from weir.domain.usage import Usage, price
from weir.http.json_objects import JsonObject, splice
from weir.http.reading import cost_of, read_usage
from weir.http.upstream_json import read_text, value_end

# The words of OpenRouter's own members: usage.cost, cost_details.server_tool_cost, cost_usd of a
# pipeline stage, cache_discount, pricing. A name of tomorrow most likely holds one of them.
_MONEY = re.compile(r"cost|pric|usd|discount|spend|credit", re.IGNORECASE)
_MONEY_BYTES = re.compile(_MONEY.pattern.encode(), re.IGNORECASE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:\s*)?', re.DOTALL)
_NOTHING = "null"
# What the model says and the client's own tools are named: no words of upstream's.
_CONTENT = "choices"
_PROMPT_PART = "upstream_inference_prompt_cost"
_COMPLETION_PART = "upstream_inference_completions_cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPrices:
    """Shows one tenant's prices in place of upstream's costs.

    Attributes:
        model: Asked for first; priced as long as upstream does not name the one that answers.
    """

    plan: PricePlan
    model: str

    def concerns(self, payload: bytes) -> bool:
        """Tell whether an answer may hold a member that must not be shown as it is."""
        return not self.plan.is_at_cost and _MONEY_BYTES.search(payload) is not None

    def members(self, answer: JsonObject, *, model: str | None) -> dict[str, str]:
        """Return the JSON texts of the top-level members that are shown otherwise.

        Args:
            answer: A whole answer, or a chunk of one.
            model: Which answers, None when upstream has not said so yet.

        Raises:
            MalformedJsonError: The usage has a member twice.
        """
        if self.plan.is_at_cost:
            return {}
        usage = read_usage(answer.get("usage"))
        owed = None
        if usage is not None:
            owed = price(usage, model=model or self.model, plan=self.plan)
        shown = {}
        for name, member in answer.members.items():
            written = answer.text[member.start : member.end]
            if name == "usage" and isinstance(member.value, dict):
                shown[name] = _shown_usage(written, usage=usage, owed=owed)
            elif name != _CONTENT:
                shown[name] = _hidden(name, written)
        return shown


def _shown_usage(written: str, *, usage: Usage | None, owed: NanoUsd | None) -> str:
    document = read_text(written)
    shown = {}
    for name, member in document.members.items():
        value = document.text[member.start : member.end]
        if name == "cost" and owed is not None:
            shown[name] = usd_text(owed)
        elif name == "cost_details" and usage is not None and isinstance(member.value, dict):
            parts = _parts(member.value, cost=usage.cost_nano_usd, owed=owed or 0)
            shown[name] = _shown_details(value, parts=parts)
        else:
            shown[name] = _hidden(name, value)
    return _spliced(document, shown)


def _shown_details(written: str, *, parts: Mapping[str, str]) -> str:
    document = read_text(written)
    return _spliced(document, {name: parts.get(name, _NOTHING) for name in document.members})


def _parts(details: Mapping[str, Any], *, cost: int, owed: int) -> dict[str, str]:
    """Return the price of prompt and completion: clients refuse an answer without these two.

    Each is to the price what upstream's part is to its cost. With a provider key of the operator's
    own, the parts add up to more than upstream charges; then they share the price between them.
    Every other detail may be null, and has no counterpart in a price plan.
    """
    costs = {name: cost_of(details.get(name)) for name in (_PROMPT_PART, _COMPLETION_PART)}
    known = {name: part for name, part in costs.items() if part is not None}
    whole = max(cost, sum(known.values()), 1)
    return {name: usd_text(NanoUsd(owed * part // whole)) for name, part in known.items()}


def _hidden(name: str, written: str) -> str:
    """Return a member's value without money: null in place of whatever a telling name has."""
    if _MONEY.search(name):
        return _NOTHING
    pieces: list[str] = []
    kept = at = 0
    while (string := _STRING.search(written, at)) is not None:
        at = string.end()
        if string[2] is not None and _MONEY.search(loads(f'"{string[1]}"', strict=False)):
            pieces += (written[kept:at], _NOTHING)
            kept = at = value_end(written, at)
    return "".join((*pieces, written[kept:]))


def _spliced(document: JsonObject, shown: Mapping[str, str]) -> str:
    return splice(document, replacements=shown).decode("utf-8", "surrogateescape")
