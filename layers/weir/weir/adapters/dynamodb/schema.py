"""Keys, attribute names and values of the ledger's tables: the only place that spells them.

Names are short because an account item must stay within 1 KB, one write unit, with eight requests
in flight. Money is nano-USD, times are epoch seconds unless the name says `ms`.

accounts, pk `<account>#<lane>`
    st status A|S        avail left to hold, over all holds     credit granted in total
    spent settled        infl requests in flight                seq holds ever taken
    rpm tpm maxc         limits: requests and tokens per minute, in flight
    lim per              spending limit, and its period t|d|w|m
    holds                map of request → hold                  p<period> left of its limit
    w<minute> t<minute>  requests, tokens of an epoch minute, which is named in five base62 digits
    n<yymmdd> c<yymmdd>  requests, price of a day
    f fn                 price, requests of the days whose counters are gone
    An account below a tenant's has lane 0 and a credit of `UNLIMITED`: only its limits bind.
    A request is named by its id without the prefix, its seconds in six base62 digits. A hold is
    `<period><levels><estimate>.<plan>;<key id>;<upstream id>;<end user>;<model>`: period and levels
    are letters, version 0 of the plan is left out with its dot; `account_items.encode_hold` says
    how foreign texts are written.
usage, pk `<tenant>#<yyyy-mm-dd>#<lane>`, sk generation id
    st status            src who wrote it   c upstream's cost   p price, absent when equal to it
    est the hold         v version of the price plan, absent when 0
    it ot rt ct          prompt, completion, reasoning, cached tokens
    k key id             u end user   l levels   m model   pv provider   g upstream's generation id
    fr finish reason     sm streamed   hs HTTP status   lm gm latency, generation ms
    a request adjusted   aj its adjustment
control, pk / sk (all but this row is explained in `control_items`)
    T#<tenant> / GRANT#<digest of the reference>  ref reference  amt amount  at epoch ms
ephemeral, pk; ttl epoch seconds
    MOVE#<tenant>#<id>   proof of a transfer between lanes
    C#<tenant>#<generation id>   the request is to stop
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from weir.adapters.dynamodb.wire import Item
from weir.domain import generations
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId

GRANTS = "GRANT#"

_WHOLE = re.compile(r"-?\d+")
_PERIOD_REMAINDER = re.compile(r"p(t|[dwm]\d+)")
_MINUTE_COUNTER = re.compile(r"[wt][0-9A-Za-z]{5}")
_DAY_COUNTER = re.compile(r"[nc]\d{6}")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECONDS_DIGITS = 6
_MINUTE_DIGITS = 5
_TAIL_CHARACTERS = 20


class MalformedItemError(ValueError):
    """A stored item is not what this schema writes: a missing attribute, or a number not whole."""


def account_key(account_id: str, *, lane: int) -> Item:
    """Return the key of an account lane."""
    return {"pk": text(f"{account_id}#{lane}")}


def usage_key(tenant_id: TenantId, generation_id: GenerationId) -> Item:
    """Return the key of a usage record; day and lane follow from the id."""
    day, lane = generations.day(generation_id), generations.lane(generation_id)
    return {"pk": text(f"{tenant_id}#{day}#{lane}"), "sk": text(generation_id)}


def grant_key(tenant_id: TenantId, reference: str) -> Item:
    """Return the key of a grant; a digest, because payment references are long and foreign."""
    digest = hashlib.sha256(reference.encode()).hexdigest()
    return {"pk": text(f"T#{tenant_id}"), "sk": text(f"{GRANTS}{digest}")}


def transfer_key(tenant_id: TenantId, transfer_id: str) -> Item:
    """Return the key of the proof of a transfer."""
    return {"pk": text(f"MOVE#{tenant_id}#{transfer_id}")}


def cancellation_key(tenant_id: TenantId, generation_id: GenerationId) -> Item:
    """Return the key of the wish to stop a request."""
    return {"pk": text(f"C#{tenant_id}#{generation_id}")}


def hold_name(generation_id: GenerationId) -> str:
    """Return the name of a request's hold in the map: its id in 26 characters."""
    seconds, tail = generations.created_s(generation_id), generation_id[-_TAIL_CHARACTERS:]
    return _base62(seconds, width=_SECONDS_DIGITS) + tail


def held_id(name: str) -> GenerationId:
    """Return the generation id of a hold in the map.

    Raises:
        MalformedItemError: The name is none.
    """
    if len(name) != _SECONDS_DIGITS + _TAIL_CHARACTERS:
        raise MalformedItemError(f"{name} names no hold")
    seconds = _from_base62(name[:_SECONDS_DIGITS])
    return GenerationId(f"gen-{seconds:010d}-{name[_SECONDS_DIGITS:]}")


def minute_requests(minute: int) -> str:
    """Name the counter of requests in an epoch minute."""
    return "w" + _base62(minute, width=_MINUTE_DIGITS)


def minute_tokens(minute: int) -> str:
    """Name the counter of tokens in an epoch minute."""
    return "t" + _base62(minute, width=_MINUTE_DIGITS)


def period_remainder(key: str) -> str:
    """Name what is left of the spending limit in a period (`periods.period_key`)."""
    return f"p{key}"


def day_requests(day: str) -> str:
    """Name the counter of requests in a day (`yymmdd`)."""
    return f"n{day}"


def day_cost(day: str) -> str:
    """Name the price of a day (`yymmdd`)."""
    return f"c{day}"


def minute_counters(item: Item, prefix: str) -> dict[int, int]:
    """Read the counters of epoch minutes, `w` of requests or `t` of tokens: minute → count."""
    return {
        _from_base62(name[1:]): number(item, name)
        for name in item
        if name[0] == prefix and _MINUTE_COUNTER.fullmatch(name)
    }


def day_counters(item: Item, prefix: str) -> dict[str, int]:
    """Read the counters of days, `n` of requests or `c` of prices: `yymmdd` → count."""
    return {
        name[1:]: number(item, name)
        for name in item
        if name[0] == prefix and _DAY_COUNTER.fullmatch(name)
    }


def remainders(item: Item) -> dict[str, int]:
    """Read what is left of the spending limit: period key → nano-USD."""
    return {name[1:]: number(item, name) for name in item if _PERIOD_REMAINDER.fullmatch(name)}


def text(value: str) -> dict[str, str]:
    """Encode a string."""
    return {"S": value}


def integer(value: int) -> dict[str, str]:
    """Encode a number. Only integers: a float never reaches a table.

    Raises:
        TypeError: The value is not an int.
    """
    if type(value) is not int:
        raise TypeError(f"{value!r} is not an integer")
    return {"N": str(value)}


def flag(value: bool) -> dict[str, bool]:  # noqa: FBT001 - a value to encode, no switch
    """Encode a boolean."""
    return {"BOOL": value}


def number(item: Item, name: str) -> int:
    """Decode a number that must be there and be whole.

    Raises:
        MalformedItemError: It is absent or has a fraction or an exponent.
    """
    value = _value(item, name, "N")
    if not _WHOLE.fullmatch(value):
        raise MalformedItemError(f"{name} of {_place(item)} is no integer: {value}")
    return int(value)


def string(item: Item, name: str) -> str:
    """Decode a string that must be there.

    Raises:
        MalformedItemError: It is absent.
    """
    return str(_value(item, name, "S"))


def boolean(item: Item, name: str) -> bool:
    """Decode a boolean that must be there.

    Raises:
        MalformedItemError: It is absent.
    """
    return bool(_value(item, name, "BOOL"))


def mapping(item: Item, name: str) -> Item:
    """Decode a map that must be there.

    Raises:
        MalformedItemError: It is absent.
    """
    found: Item = _value(item, name, "M")
    return found


def present(item: Mapping[str, Item | None]) -> Item:
    """Drop the attributes that have no value: absent is how None is stored."""
    return {name: value for name, value in item.items() if value is not None}


def _value(item: Item, name: str, kind: str) -> Any:
    if kind not in item.get(name, {}):
        raise MalformedItemError(f"{name} of {_place(item)} is missing or not of type {kind}")
    return item[name][kind]


def _place(item: Item) -> str:
    return "/".join(item[key]["S"] for key in ("pk", "sk") if key in item)


def _base62(number: int, *, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits


def _from_base62(digits: str) -> int:
    found = 0
    for digit in digits:
        found = found * len(_BASE62) + _BASE62.index(digit)
    return found
