"""A tenant's policy in its profile, attribute `po`; absent when it allows everything.

m models   p providers, lists; absent: all of them   dc data collection   z zdr   mt max_tokens
"""

from weir.adapters.dynamodb.schema import (
    boolean,
    flag,
    integer,
    mapping,
    number,
    present,
    string,
    text,
)
from weir.adapters.dynamodb.wire import Item
from weir.domain.policies import ANYTHING, DataCollection, Policy

ATTRIBUTE = "po"


def encode_policy(policy: Policy) -> Item | None:
    """Return the map of a policy, None for the one that allows everything."""
    if policy == ANYTHING:
        return None
    collection, max_tokens = policy.data_collection, policy.max_tokens
    item = {
        "m": _encode_list(policy.models),
        "p": _encode_list(policy.providers),
        "dc": None if collection is None else text(collection),
        "z": flag(policy.zdr),
        "mt": None if max_tokens is None else integer(max_tokens),
    }
    return {"M": present(item)}


def decode_policy(profile: Item) -> Policy:
    """Return the policy of a profile.

    Raises:
        MalformedItemError: The row is not what this schema writes.
        ValueError: The policy is none that may be stored.
    """
    if ATTRIBUTE not in profile:
        return ANYTHING
    item = mapping(profile, ATTRIBUTE)
    return Policy(
        models=_decode_list(item, "m"),
        providers=_decode_list(item, "p"),
        data_collection=DataCollection(string(item, "dc")) if "dc" in item else None,
        zdr=boolean(item, "z"),
        max_tokens=number(item, "mt") if "mt" in item else None,
    )


def _encode_list(entries: tuple[str, ...] | None) -> Item | None:
    return None if entries is None else {"L": [text(entry) for entry in entries]}


def _decode_list(item: Item, name: str) -> tuple[str, ...] | None:
    return None if name not in item else tuple(entry["S"] for entry in item[name]["L"])
