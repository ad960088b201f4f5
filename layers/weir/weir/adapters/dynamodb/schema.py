"""Keys, attribute names and values of the ledger's tables: the only place that spells them.

Names are short because an account item must stay within 1 KB, one write unit, with eight requests
in flight. Money is nano-USD, times are epoch seconds unless the name says `ms`.

accounts, pk `<account>#<lane>`
    st status A|S        avail left to hold, over all holds     credit granted in total
    spent settled        infl requests in flight                seq holds ever taken
    rpm tpm maxc mlim    limits: requests and tokens per minute, in flight, per month
    holds                map of generation id → hold            grants  map of reference → amount
    w<minute> t<minute>  requests, tokens of an epoch minute    m<yymm> left of the month's limit
    n<yymmdd> c<yymmdd>  requests, cost of a day
usage, pk `<tenant>#<yyyy-mm-dd>#<lane>`, sk generation id
    st status            src written by request or sweep        c cost   est the hold
    it ot rt ct          prompt, completion, reasoning, cached tokens
    k key id             m model   pv provider   g upstream's generation id
    fr finish reason     sm streamed   hs HTTP status   lm gm latency, generation ms
control, pk / sk
    KEY#<sha256> / KEY   tn tenant  kd kind  lb label  off disabled  exp expiry, epoch ms
    T#<tenant> / PROFILE ns namespace key, hex  mt default max_tokens  pb prompt bound
                         uh unpriced hold       ln lanes
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from weir.adapters.dynamodb.wire import Item
from weir.domain import generations
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId

_WHOLE = re.compile(r"-?\d+")
_GENERATION_PREFIX = "gen-"


class MalformedItemError(ValueError):
    """A stored item is not what this schema writes: a missing attribute, or a number not whole."""


def account_key(account_id: str, *, lane: int) -> Item:
    """Return the key of an account lane."""
    return {"pk": text(f"{account_id}#{lane}")}


def usage_key(tenant_id: TenantId, generation_id: GenerationId) -> Item:
    """Return the key of a usage record; day and lane follow from the id."""
    day, lane = generations.day(generation_id), generations.lane(generation_id)
    return {"pk": text(f"{tenant_id}#{day}#{lane}"), "sk": text(generation_id)}


def api_key_key(key_hash: str) -> Item:
    """Return the key of an API key's row."""
    return {"pk": text(f"KEY#{key_hash}"), "sk": text("KEY")}


def profile_key(tenant_id: TenantId) -> Item:
    """Return the key of a tenant's profile."""
    return {"pk": text(f"T#{tenant_id}"), "sk": text("PROFILE")}


def hold_name(generation_id: GenerationId) -> str:
    """Return the name of a hold in the map: the id without the prefix that all ids share."""
    return generation_id.removeprefix(_GENERATION_PREFIX)


def held_id(name: str) -> GenerationId:
    """Return the generation id of a hold in the map."""
    return GenerationId(_GENERATION_PREFIX + name)


def grant_name(reference: str) -> str:
    """Return the name of a grant in the map: a digest, because references are long and foreign."""
    return hashlib.sha256(reference.encode()).hexdigest()[:16]


def minute_requests(minute: int) -> str:
    """Name the counter of requests in an epoch minute."""
    return f"w{minute}"


def minute_tokens(minute: int) -> str:
    """Name the counter of tokens in an epoch minute."""
    return f"t{minute}"


def month_remainder(month: str) -> str:
    """Name what is left of a month's limit (`yymm`)."""
    return f"m{month}"


def day_requests(day: str) -> str:
    """Name the counter of requests in a day (`yymmdd`)."""
    return f"n{day}"


def day_cost(day: str) -> str:
    """Name the cost of a day (`yymmdd`)."""
    return f"c{day}"


def counters(item: Item, prefix: str) -> dict[str, int]:
    """Read the counters whose name is a prefix and digits: period → count."""
    return {
        name[len(prefix) :]: number(item, name)
        for name in item
        if name.startswith(prefix) and name[len(prefix) :].isdigit()
    }


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
