"""Usage records as items. Attribute names are explained in `schema`."""

from weir.adapters.dynamodb.account_items import decode_levels, encode_levels
from weir.adapters.dynamodb.schema import (
    boolean,
    flag,
    integer,
    number,
    present,
    string,
    text,
    usage_key,
)
from weir.adapters.dynamodb.wire import Item
from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord


def encode_record(record: UsageRecord) -> Item:
    """Return the item of a usage record."""
    usage = record.usage
    item = {
        **usage_key(record.tenant_id, record.generation_id),
        "st": text(record.status),
        "src": text(record.source),
        "c": integer(usage.cost_nano_usd),
        "p": _unless(record.price_nano_usd, usage.cost_nano_usd),
        "v": _unless(record.plan_version, 0),
        "it": integer(usage.prompt_tokens),
        "ot": integer(usage.completion_tokens),
        "rt": integer(usage.reasoning_tokens),
        "ct": integer(usage.cached_tokens),
        "est": integer(record.estimate_nano_usd),
        "k": text(record.key_id),
        "u": _optional_text(record.end_user),
        "l": _optional_text(encode_levels(record.levels) or None),
        "m": text(record.model),
        "g": _optional_text(record.upstream_generation_id),
        "pv": _optional_text(record.provider),
        "fr": _optional_text(record.finish_reason),
        "sm": None if record.streamed is None else flag(record.streamed),
        "hs": _optional_integer(record.http_status),
        "lm": _optional_integer(record.latency_ms),
        "gm": _optional_integer(record.generation_ms),
        "a": _optional_text(record.adjusts),
        "aj": _optional_text(record.adjusted_by),
    }
    return present(item)


def decode_record(item: Item) -> UsageRecord:
    """Return the usage record of an item.

    Raises:
        MalformedItemError: The item is not what this schema writes.
    """
    tenant_id, _day, _lane = string(item, "pk").rsplit("#", 2)
    return UsageRecord(
        tenant_id=TenantId(tenant_id),
        generation_id=GenerationId(string(item, "sk")),
        status=RecordStatus(string(item, "st")),
        source=RecordSource(string(item, "src")),
        usage=_usage(item),
        price_nano_usd=NanoUsd(number(item, "p" if "p" in item else "c")),
        plan_version=_number_or_none(item, "v") or 0,
        estimate_nano_usd=NanoUsd(number(item, "est")),
        key_id=string(item, "k"),
        end_user=_string_or_none(item, "u"),
        levels=decode_levels(_string_or_none(item, "l") or ""),
        model=string(item, "m"),
        upstream_generation_id=_string_or_none(item, "g"),
        provider=_string_or_none(item, "pv"),
        finish_reason=_string_or_none(item, "fr"),
        streamed=boolean(item, "sm") if "sm" in item else None,
        http_status=_number_or_none(item, "hs"),
        latency_ms=_number_or_none(item, "lm"),
        generation_ms=_number_or_none(item, "gm"),
        adjusts=_id_or_none(item, "a"),
        adjusted_by=_id_or_none(item, "aj"),
    )


def _usage(item: Item) -> Usage:
    return Usage(
        cost_nano_usd=NanoUsd(number(item, "c")),
        prompt_tokens=number(item, "it"),
        completion_tokens=number(item, "ot"),
        reasoning_tokens=number(item, "rt"),
        cached_tokens=number(item, "ct"),
    )


def _optional_text(value: str | None) -> Item | None:
    return None if value is None else text(value)


def _unless(value: int, usual: int) -> Item | None:
    """Leave out what most records have in common."""
    return None if value == usual else integer(value)


def _optional_integer(value: int | None) -> Item | None:
    return None if value is None else integer(value)


def _string_or_none(item: Item, name: str) -> str | None:
    return string(item, name) if name in item else None


def _number_or_none(item: Item, name: str) -> int | None:
    return number(item, name) if name in item else None


def _id_or_none(item: Item, name: str) -> GenerationId | None:
    return GenerationId(string(item, name)) if name in item else None
