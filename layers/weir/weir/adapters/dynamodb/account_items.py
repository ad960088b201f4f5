"""Accounts and holds as items. Attribute names are explained in `schema`."""

import re
from urllib.parse import quote, unquote

from weir.adapters.dynamodb.schema import (
    MalformedItemError,
    account_key,
    counters,
    held_id,
    integer,
    mapping,
    number,
    string,
    text,
)
from weir.adapters.dynamodb.wire import Item
from weir.domain import generations
from weir.domain.accounts import Account, AccountId, AccountLimits, AccountStatus
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.money import NanoUsd

_FIELD = ";"
_OWN_SHAPE = re.compile(r"gen-(\d{10})-([0-9A-Za-z]{20})")
_SHORT_SHAPE = re.compile(r"\^(-?\d+)-([0-9A-Za-z]{20})")


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
        "rpm": integer(limits.requests_per_minute),
        "tpm": integer(limits.tokens_per_minute),
        "maxc": integer(limits.in_flight),
        "mlim": integer(limits.monthly_nano_usd),
        "holds": {"M": {}},
        "grants": {"M": {}},
    }


def decode_account(item: Item) -> Account:
    """Return the account lane of an item.

    Raises:
        MalformedItemError: The item is not what this schema writes.
    """
    account_id, _, lane = string(item, "pk").rpartition("#")
    holds = mapping(item, "holds")
    return Account(
        account_id=AccountId(account_id),
        lane=int(lane),
        status=AccountStatus(string(item, "st")),
        credit_nano_usd=NanoUsd(number(item, "credit")),
        available_nano_usd=NanoUsd(number(item, "avail")),
        spent_nano_usd=NanoUsd(number(item, "spent")),
        in_flight=number(item, "infl"),
        sequence=number(item, "seq"),
        limits=AccountLimits(
            requests_per_minute=number(item, "rpm"),
            tokens_per_minute=number(item, "tpm"),
            in_flight=number(item, "maxc"),
            monthly_nano_usd=NanoUsd(number(item, "mlim")),
        ),
        holds={held_id(name): decode_hold(held_id(name), string(holds, name)) for name in holds},
        requests_by_minute={int(key): count for key, count in counters(item, "w").items()},
        tokens_by_minute={int(key): count for key, count in counters(item, "t").items()},
        remaining_by_month=counters(item, "m"),
        requests_by_day=counters(item, "n"),
        spent_by_day=counters(item, "c"),
    )


def encode_hold(hold: Hold) -> str:
    """Return a hold as `<estimate>;<key id>;<upstream id>;<model>`.

    The model comes last because it is the client's own text and may hold any character. An
    upstream id of OpenRouter's shape is cut to the seconds since our own id and its random part;
    any other is percent-encoded, so that it holds neither a separator nor the mark `^`.
    """
    upstream = _shortened(hold.upstream_generation_id or "", hold.generation_id)
    return _FIELD.join((str(hold.estimate_nano_usd), hold.key_id, upstream, hold.model))


def decode_hold(generation_id: GenerationId, encoded: str) -> Hold:
    """Return the hold of a request.

    Raises:
        MalformedItemError: The text is not what `encode_hold` writes.
    """
    try:
        estimate, key_id, upstream, model = encoded.split(_FIELD, 3)
        return Hold(
            generation_id=generation_id,
            estimate_nano_usd=NanoUsd(int(estimate)),
            key_id=key_id,
            model=model,
            upstream_generation_id=_lengthened(upstream, generation_id) or None,
        )
    except ValueError as error:
        raise MalformedItemError(f"the hold of {generation_id} is unreadable") from error


def _shortened(upstream: str, generation_id: GenerationId) -> str:
    if not (shape := _OWN_SHAPE.fullmatch(upstream)):
        return quote(upstream, errors="replace")
    return f"^{int(shape[1]) - generations.created_s(generation_id)}-{shape[2]}"


def _lengthened(short: str, generation_id: GenerationId) -> str:
    if not (shape := _SHORT_SHAPE.fullmatch(short)):
        return unquote(short)
    return f"gen-{generations.created_s(generation_id) + int(shape[1]):010d}-{shape[2]}"
