"""Accounts and holds as items. Attribute names are explained in `schema`."""

import re
from urllib.parse import quote, unquote

from weir.adapters.dynamodb.schema import (
    MalformedItemError,
    account_key,
    day_counters,
    held_id,
    integer,
    mapping,
    minute_counters,
    number,
    remainders,
    string,
    text,
)
from weir.adapters.dynamodb.wire import Item
from weir.domain import generations
from weir.domain.accounts import Account, AccountId, AccountStatus
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

_FIELD = ";"
_NAMELESS = "%"  # an end user who is called "", which no encoded name looks like
_OWN_SHAPE = re.compile(r"gen-(\d{10})-([0-9A-Za-z]{20})")
_SHORT_SHAPE = re.compile(r"\^(-?\d+)([0-9A-Za-z]{20})")
_HEAD = re.compile(r"([tdwm])([ku]*)(\d+)(?:\.(\d+))?")


def new_account(
    account_id: AccountId, *, lane: int, credit_nano_usd: int, limits: AccountLimits
) -> Item:
    """Return the item of an account lane that nothing has happened to yet."""
    return {
        **account_key(account_id, lane=lane),
        "st": text(AccountStatus.ACTIVE),
        "avail": integer(credit_nano_usd),
        "credit": integer(credit_nano_usd),
        "spent": integer(0),
        "infl": integer(0),
        "seq": integer(0),
        "f": integer(0),
        "fn": integer(0),
        "holds": {"M": {}},
        **encode_limits(limits),
    }


def encode_limits(limits: AccountLimits) -> Item:
    """Return the attributes that hold an account's limits."""
    return {
        "rpm": integer(limits.requests_per_minute),
        "tpm": integer(limits.tokens_per_minute),
        "maxc": integer(limits.in_flight),
        "lim": integer(limits.spend_nano_usd),
        "per": text(limits.period),
    }


def decode_account(item: Item) -> Account:
    """Return the account lane of an item.

    Raises:
        MalformedItemError: The item is not what this schema writes.
    """
    account_id, _, lane = string(item, "pk").rpartition("#")
    return Account(
        account_id=AccountId(account_id),
        lane=int(lane),
        status=AccountStatus(string(item, "st")),
        credit_nano_usd=NanoUsd(number(item, "credit")),
        available_nano_usd=NanoUsd(number(item, "avail")),
        spent_nano_usd=NanoUsd(number(item, "spent")),
        in_flight=number(item, "infl"),
        sequence=number(item, "seq"),
        limits=_limits(item),
        holds=_holds(item),
        requests_by_minute=minute_counters(item, "w"),
        tokens_by_minute=minute_counters(item, "t"),
        remaining_by_period=remainders(item),
        requests_by_day=day_counters(item, "n"),
        spent_by_day=day_counters(item, "c"),
        folded_nano_usd=NanoUsd(number(item, "f")),
        folded_requests=number(item, "fn"),
    )


def encode_hold(hold: Hold) -> str:
    """Return a hold as the text that `schema` describes.

    The model comes last because it is the client's own text and may hold any character; what an
    end user is called is percent-encoded. An upstream id of OpenRouter's shape is cut to the
    seconds since our own id and its random part; any other is percent-encoded, so that it holds
    neither a separator nor the mark `^`.
    """
    head = f"{hold.period}{encode_levels(hold.levels)}{hold.estimate_nano_usd}"
    upstream = _shortened(hold.upstream_generation_id or "", hold.generation_id)
    end_user = "" if hold.end_user is None else quote(hold.end_user, safe="") or _NAMELESS
    plan = f".{hold.plan_version}" if hold.plan_version else ""
    return _FIELD.join((head + plan, hold.key_id, upstream, end_user, hold.model))


def decode_hold(generation_id: GenerationId, encoded: str) -> Hold:
    """Return the hold of a request.

    Raises:
        MalformedItemError: The text is not what `encode_hold` writes.
    """
    try:
        head, key_id, upstream, end_user, model = encoded.split(_FIELD, 4)
        period, levels, estimate, plan = _head(head)
        return Hold(
            generation_id=generation_id,
            estimate_nano_usd=NanoUsd(int(estimate)),
            key_id=key_id,
            model=model,
            upstream_generation_id=_lengthened(upstream, generation_id) or None,
            end_user=unquote(end_user.removesuffix(_NAMELESS)) if end_user else None,
            levels=decode_levels(levels),
            plan_version=int(plan or 0),
            period=LimitPeriod(period),
        )
    except ValueError as error:
        raise MalformedItemError(f"the hold of {generation_id} is unreadable") from error


def encode_levels(levels: frozenset[Level]) -> str:
    """Return the letters of the accounts below the tenant's."""
    return "".join(sorted(levels))


def decode_levels(letters: str) -> frozenset[Level]:
    """Return the accounts below the tenant's that the letters stand for."""
    return frozenset(Level(letter) for letter in letters)


def _limits(item: Item) -> AccountLimits:
    return AccountLimits(
        requests_per_minute=number(item, "rpm"),
        tokens_per_minute=number(item, "tpm"),
        in_flight=number(item, "maxc"),
        spend_nano_usd=NanoUsd(number(item, "lim")),
        period=LimitPeriod(string(item, "per")),
    )


def _holds(item: Item) -> dict[GenerationId, Hold]:
    holds = mapping(item, "holds")
    return {held_id(name): decode_hold(held_id(name), string(holds, name)) for name in holds}


def _head(head: str) -> tuple[str, str, str, str | None]:
    if not (shape := _HEAD.fullmatch(head)):
        raise ValueError(head)
    return shape[1], shape[2], shape[3], shape[4]


def _shortened(upstream: str, generation_id: GenerationId) -> str:
    if not (shape := _OWN_SHAPE.fullmatch(upstream)):
        return quote(upstream, errors="replace")
    return f"^{int(shape[1]) - generations.created_s(generation_id)}{shape[2]}"


def _lengthened(short: str, generation_id: GenerationId) -> str:
    if not (shape := _SHORT_SHAPE.fullmatch(short)):
        return unquote(short)
    return f"gen-{generations.created_s(generation_id) + int(shape[1]):010d}-{shape[2]}"
