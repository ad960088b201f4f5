"""Rollups as items: their keys, their attribute names, their values.

rollups, pk `<tenant>#<yyyy-mm>`
    B#<family>#<yyyy-mm-dd>T<hh:mm>#<lane>#<cell>   a cell of a ten-minute bucket, by its start
    D#<family>#<yyyy-mm-dd>#<cell>                  a cell of a day
    X#C#<yyyy-mm-dd>                                the close of a day
rollups, pk `<tenant>#alerts`
    X#A#<account>#<period or credit>:<budget>#<threshold>   an alert that has been published
Attributes of a cell, and of a close, whose cell is the whole day
    n rows, the guard    r requests   c upstream's cost   p price
    it ot rt ct          prompt, completion, reasoning, cached tokens
    k key id             m model      pv provider         u end user
Attributes of a close
    un                   ids of requests with an unknown cost, as many as fit   unn all of them

`<cell>` is a digest of the family and the dimensions, because models, providers and end users are
foreign text of any length.
"""

import hashlib
import json
from datetime import UTC, datetime

from weir.adapters.dynamodb.schema import integer, number, present, string, text
from weir.adapters.dynamodb.wire import Item
from weir.domain.alerts import Alert
from weir.domain.closes import Close
from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.rollups import Bucket, BucketFigure, Cell, DayFigure, Family, Sums
from weir.domain.tenants import TenantId

_DIGEST_DIGITS = 24
_MONTH_DIGITS = 7
_AFTER_ANY_DIGEST = "~"


def month_key(tenant_id: TenantId, day: str) -> str:
    """Return the partition of a day `yyyy-mm-dd`."""
    return f"{tenant_id}#{day[:_MONTH_DIGITS]}"


def bucket_key(bucket: Bucket, cell: Cell) -> Item:
    """Return the key of a cell of a bucket."""
    start = datetime.fromtimestamp(bucket.start_s, UTC).strftime("%Y-%m-%dT%H:%M")
    return {
        "pk": text(month_key(bucket.tenant_id, bucket.day)),
        "sk": text(f"B#{cell.family}#{start}#{bucket.lane}#{_digest(cell)}"),
    }


def bucket_range(family: Family, *, first: str, last: str) -> tuple[str, str]:
    """Return the sort keys between which all buckets of some days of one month lie."""
    return f"B#{family}#{first}T", f"B#{family}#{last}T{_AFTER_ANY_DIGEST}"


def day_key(tenant_id: TenantId, figure: DayFigure) -> Item:
    """Return the key of a cell of a day."""
    return {
        "pk": text(month_key(tenant_id, figure.day)),
        "sk": text(f"D#{figure.cell.family}#{figure.day}#{_digest(figure.cell)}"),
    }


def day_range(family: Family, *, first: str, last: str) -> tuple[str, str]:
    """Return the sort keys between which all cells of some days of one month lie."""
    return f"D#{family}#{first}#", f"D#{family}#{last}#{_AFTER_ANY_DIGEST}"


def close_key(tenant_id: TenantId, day: str) -> Item:
    """Return the key of the close of a day."""
    return {"pk": text(month_key(tenant_id, day)), "sk": text(f"X#C#{day}")}


def close_range(*, first: str, last: str) -> tuple[str, str]:
    """Return the sort keys between which the closes of some days of one month lie."""
    return f"X#C#{first}", f"X#C#{last}"


def alert_key(alert: Alert) -> Item:
    """Return the key of the mark of an alert."""
    return {"pk": text(f"{alert.tenant_id}#alerts"), "sk": text(f"X#A#{alert.identity}")}


def encode_cell(cell: Cell, sums: Sums) -> Item:
    """Return the attributes of a cell."""
    item = {
        **_encode_sums(sums),
        "k": text(cell.key_id),
        "m": text(cell.model),
        "pv": None if cell.provider is None else text(cell.provider),
        "u": None if cell.end_user is None else text(cell.end_user),
    }
    return present(item)


def decode_bucket(item: Item) -> BucketFigure:
    """Return the stored cell of a bucket.

    Raises:
        MalformedItemError: The item is not what this module writes.
    """
    tenant_id, _, _month = string(item, "pk").rpartition("#")
    _kind, family, start, lane, _cell = string(item, "sk").split("#")
    moment = datetime.strptime(start, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    bucket = Bucket(tenant_id=TenantId(tenant_id), lane=int(lane), start_s=int(moment.timestamp()))
    return BucketFigure(
        bucket=bucket, cell=_decode_cell(item, Family(family)), sums=_decode_sums(item)
    )


def decode_day(item: Item) -> DayFigure:
    """Return the stored cell of a day.

    Raises:
        MalformedItemError: The item is not what this module writes.
    """
    _kind, family, day, _cell = string(item, "sk").split("#")
    return DayFigure(day=day, cell=_decode_cell(item, Family(family)), sums=_decode_sums(item))


def encode_close(close: Close) -> Item:
    """Return the item of a close."""
    return {
        **close_key(close.tenant_id, close.day),
        **_encode_sums(close.total),
        "un": {"L": [text(generation_id) for generation_id in close.unknown]},
        "unn": integer(close.unknown_requests),
    }


def decode_close(item: Item) -> Close:
    """Return the close of an item.

    Raises:
        MalformedItemError: The item is not what this module writes.
    """
    tenant_id, _, _month = string(item, "pk").rpartition("#")
    return Close(
        tenant_id=TenantId(tenant_id),
        day=string(item, "sk").rpartition("#")[2],
        total=_decode_sums(item),
        unknown=tuple(GenerationId(name["S"]) for name in item["un"]["L"]),
        unknown_requests=number(item, "unn"),
    )


def _digest(cell: Cell) -> str:
    named = [cell.family, cell.key_id, cell.model, cell.provider, cell.end_user]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:_DIGEST_DIGITS]


def _decode_cell(item: Item, family: Family) -> Cell:
    return Cell(
        family=family,
        key_id=string(item, "k"),
        model=string(item, "m"),
        provider=string(item, "pv") if "pv" in item else None,
        end_user=string(item, "u") if "u" in item else None,
    )


def _encode_sums(sums: Sums) -> Item:
    return {
        "n": integer(sums.rows),
        "r": integer(sums.requests),
        "c": integer(sums.cost_nano_usd),
        "p": integer(sums.price_nano_usd),
        "it": integer(sums.prompt_tokens),
        "ot": integer(sums.completion_tokens),
        "rt": integer(sums.reasoning_tokens),
        "ct": integer(sums.cached_tokens),
    }


def _decode_sums(item: Item) -> Sums:
    return Sums(
        rows=number(item, "n"),
        requests=number(item, "r"),
        cost_nano_usd=NanoUsd(number(item, "c")),
        price_nano_usd=NanoUsd(number(item, "p")),
        prompt_tokens=number(item, "it"),
        completion_tokens=number(item, "ot"),
        reasoning_tokens=number(item, "rt"),
        cached_tokens=number(item, "ct"),
    )
