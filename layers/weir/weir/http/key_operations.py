"""What clients are told of the routes of API keys."""

from typing import Literal, TypedDict

from weir.http import queries
from weir.http.key_bodies import KeyBody, OwnKeyBody
from weir.http.key_wishes import KEY_CHANGE, NEW_KEY, ROTATION
from weir.http.operations import Operation

MAX_OFFSET = 1_000_000


class OwnKey(TypedDict):
    """The key that asks."""

    data: OwnKeyBody


class Key(TypedDict):
    """One key of the tenant."""

    data: KeyBody


class Keys(TypedDict):
    """A page of the tenant's keys, the newest first."""

    data: list[KeyBody]


class MadeKey(TypedDict):
    """A new key, and what it is: shown this once."""

    data: KeyBody
    key: str


class Deleted(TypedDict):
    """It is gone."""

    deleted: Literal[True]


OWN = Operation(summary="Show the key of the request", replies={200: OwnKey})
PAGE = Operation(
    summary="List the tenant's API keys",
    replies={200: Keys},
    query={
        "offset": queries.whole_schema(low=0, high=MAX_OFFSET),
        "include_disabled": queries.SWITCH,
        "include_expired": queries.SWITCH,
        "workspace_id": queries.TEXT,
    },
)
CREATE = Operation(
    summary="Make an API key, which is shown this once", replies={201: MadeKey}, body=NEW_KEY
)
FIND = Operation(summary="Show an API key", replies={200: Key})
CHANGE = Operation(
    summary="Change an API key: what is absent stays, what is null is cleared",
    replies={200: Key},
    refusals=(409,),
    body=KEY_CHANGE,
)
DELETE = Operation(summary="Delete an API key", replies={200: Deleted})
ROTATE = Operation(
    summary="Make an API key that takes another's place, after an overlap",
    replies={201: MadeKey},
    refusals=(409,),
    body=ROTATION,
)
