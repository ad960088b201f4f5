"""The answers kept for Idempotency-Keys: one row per key, and an object for a large answer.

    claim       PutItem if the key is free                     row F, lapses with its ttl
    keep        PutItem if the claim is still this owner's     row A, B or L, for a day
    release     DeleteItem if the claim is still this owner's  no row

The owner is random and written with the claim. So a request that is slower than its claim lives
cannot touch what the next owner of the key has stored, and an unacknowledged claim that is sent
again recognises itself.
"""

from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.dynamodb.answer_items import (
    MAX_SEALED_BYTES,
    State,
    binary,
    decode_answer,
    encode_answer,
    object_key,
    row,
    row_key,
    state_of,
)
from weir.adapters.dynamodb.schema import integer, string, text
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, applied
from weir.adapters.sealing import load_cipher
from weir.domain.answers import KEPT_MS, Claim, KeptAnswer, Standing

# Free: never used, or lapsed. DynamoDB may take days to remove a row whose ttl is over.
KEY_IS_FREE = "attribute_not_exists(pk) OR #ttl <= :now"
# Not more: to repeat an unacknowledged write of the same owner must succeed.
CLAIM_IS_OURS = "o = :owner"

_MS_PER_S = 1_000


class DynamoDBAnswers:
    """`Answers` on DynamoDB and S3.

    Args:
        db: The transport.
        table: Name of the ephemeral table.
        bucket: Takes the answers that are too large for an item.
    """

    def __init__(self, db: DynamoDB, *, table: str, bucket: AnswersBucket) -> None:
        self._db = db
        self._table = table
        self._bucket = bucket

    def claim(self, claim: Claim) -> KeptAnswer | Standing:
        """Claim a key; see `Answers`.

        Raises:
            StoreUnavailableError: Nobody knows; the request must not start.
            MalformedItemError: What is stored cannot be read.
        """
        load_cipher()
        payload = {
            "TableName": self._table,
            "Item": row(claim, state=State.IN_FLIGHT, expires_ms=claim.lapses_ms),
            "ConditionExpression": KEY_IS_FREE,
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":now": integer(claim.claimed_ms // _MS_PER_S)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self._db.call("PutItem", payload)
        except ConditionFailedError as taken:
            return self._standing(taken.item, claim)
        return Standing.CLAIMED

    def keep(self, claim: Claim, *, answer: KeptAnswer | None, now_ms: int) -> bool:
        """Store the answer; see `Answers`.

        Raises:
            StoreUnavailableError: The claim stays until it lapses.
        """
        state, content = State.TOO_LARGE, {}
        if answer is not None:
            sealed = encode_answer(answer, secret=claim.secret)
            state, content = State.ANSWERED, {"z": {"B": sealed}}
            if len(sealed) > MAX_SEALED_BYTES:
                # Before the row that leads to it: whoever finds the row finds the object.
                self._bucket.put(object_key(claim, owner=claim.owner), sealed)
                state, content = State.ANSWERED_IN_BUCKET, {}
        item = {**row(claim, state=state, expires_ms=now_ms + KEPT_MS), **content}
        return applied(self._db, "PutItem", self._ours(claim, {"Item": item}))

    def release(self, claim: Claim) -> bool:
        """Free the key; see `Answers`.

        Raises:
            StoreUnavailableError: The claim stays until it lapses.
        """
        return applied(self._db, "DeleteItem", self._ours(claim, {"Key": row_key(claim)}))

    def _ours(self, claim: Claim, write: Item) -> Item:
        return {
            "TableName": self._table,
            **write,
            "ConditionExpression": CLAIM_IS_OURS,
            "ExpressionAttributeValues": {":owner": text(claim.owner)},
        }

    def _standing(self, item: Item, claim: Claim) -> KeptAnswer | Standing:
        state, owner = state_of(item), string(item, "o")
        if owner == claim.owner:
            return Standing.CLAIMED
        if binary(item, "f") != claim.fingerprint:
            return Standing.OTHER_REQUEST
        if state is State.IN_FLIGHT:
            return Standing.IN_FLIGHT
        if state is State.TOO_LARGE:
            return Standing.NOT_KEPT
        in_bucket = state is State.ANSWERED_IN_BUCKET
        sealed = (
            self._bucket.get(object_key(claim, owner=owner)) if in_bucket else binary(item, "z")
        )
        return decode_answer(sealed, secret=claim.secret)
