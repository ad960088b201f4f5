"""Keys and rows of the answers kept for an Idempotency-Key: the only place that spells them.

ephemeral, pk; ttl epoch seconds
    I#<tenant>#<SHA-256 of the key>   st F in flight | A answered | B answered, content in the
                                      bucket | L answered, too large to be kept
                                      o owner of the claim   f fingerprint of the request, binary
                                      z the answer, sealed, binary; with st A only
    A claim's ttl is when it lapses, an answer's is a day later. DynamoDB removes rows up to days
    after their ttl, so every condition looks at it as well.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from weir.adapters.dynamodb.schema import MalformedItemError, integer, string, text
from weir.adapters.dynamodb.wire import Item
from weir.adapters.sealing import SealBrokenError, seal, unseal
from weir.domain.answers import Claim, KeptAnswer

# An item may have 400 KB; names, key and fingerprint need little of it.
MAX_SEALED_BYTES = 350_000

_MS_PER_S = 1_000
# A stream of small events shrinks tenfold at the fastest level; more would cost time, not money.
_LEVEL = 1
_HEAD_END = b"\n"


class State(StrEnum):
    """What a row says about its key. The stored letters."""

    IN_FLIGHT = "F"
    ANSWERED = "A"
    ANSWERED_IN_BUCKET = "B"
    TOO_LARGE = "L"


def row_key(claim: Claim) -> Item:
    """Return the key of the row of an Idempotency-Key."""
    return {"pk": text(f"I#{claim.tenant_id}#{claim.key_digest}")}


def object_key(claim: Claim, *, owner: str) -> str:
    """Return the name of the answer's object; the owner's, so that none can replace another's."""
    digest = hashlib.sha256(f"I#{claim.tenant_id}#{claim.key_digest}".encode()).hexdigest()
    return f"answers/{digest}/{owner}"


def row(claim: Claim, *, state: State, expires_ms: int) -> Item:
    """Return the row of a key, without an answer."""
    return {
        **row_key(claim),
        "st": text(state),
        "o": text(claim.owner),
        "f": {"B": claim.fingerprint},
        "ttl": integer(-(-expires_ms // _MS_PER_S)),  # rounded up: nothing lapses early
    }


def state_of(item: Item) -> State:
    """Decode the state of a row.

    Raises:
        MalformedItemError: There is none, or an unknown one.
    """
    try:
        return State(string(item, "st"))
    except ValueError as error:
        raise MalformedItemError(f"st of {string(item, 'pk')} is unknown") from error


def binary(item: Item, name: str) -> bytes:
    """Decode bytes that must be there.

    Raises:
        MalformedItemError: They are absent.
    """
    value: bytes | None = item.get(name, {}).get("B")
    if value is None:
        raise MalformedItemError(f"{name} of {string(item, 'pk')} is missing or not of type B")
    return value


def encode_answer(answer: KeptAnswer, *, secret: bytes) -> bytes:
    """Compress and seal an answer, its status and headers included."""
    head = {"status": answer.status, "headers": dict(answer.headers), "stream": answer.stream}
    packing = zlib.compressobj(_LEVEL)
    packed = packing.compress(json.dumps(head).encode() + _HEAD_END)
    packed += packing.compress(answer.body) + packing.flush()
    return seal(packed, secret=secret)


def decode_answer(sealed: bytes, *, secret: bytes) -> KeptAnswer:
    """Open an answer.

    Raises:
        MalformedItemError: It was changed, or sealed for another key.
    """
    try:
        content = zlib.decompress(unseal(sealed, secret=secret))
    except SealBrokenError as error:
        raise MalformedItemError("a kept answer cannot be opened") from error
    head, _, body = content.partition(_HEAD_END)
    facts: Mapping[str, Any] = json.loads(head)
    return KeptAnswer(
        status=facts["status"], headers=facts["headers"], stream=facts["stream"], body=body
    )
