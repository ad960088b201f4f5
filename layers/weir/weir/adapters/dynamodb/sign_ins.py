"""Sign-ins and authorization codes in the ephemeral table, found by the SHA-256 of a token."""

from weir.adapters.dynamodb.schema import flag
from weir.adapters.dynamodb.sign_in_items import (
    code_key,
    decode_code,
    decode_link,
    decode_login,
    decode_session,
    encode_code,
    encode_link,
    encode_login,
    encode_session,
    link_key,
    login_key,
    session_key,
)
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, applied
from weir.domain.auth_codes import AuthCode
from weir.domain.sign_ins import Link, Login, Session

# Of two that come at once, one finds the row and the other does not.
ROW_IS_THERE = "attribute_exists(pk)"
CODE_IS_UNUSED = "attribute_exists(pk) AND attribute_not_exists(us)"
USE_CODE = "SET us = :yes"


class DynamoDBSignIns:
    """`SignIns` on DynamoDB.

    Args:
        db: The transport.
        ephemeral_table: Name of the ephemeral table.
    """

    def __init__(self, db: DynamoDB, *, ephemeral_table: str) -> None:
        self._db = db
        self._table = ephemeral_table

    def put_login(self, state_hash: str, login: Login) -> None:
        """Store a login; see `SignIns`."""
        self._put(encode_login(state_hash, login))

    def take_login(self, state_hash: str) -> Login | None:
        """Return and remove a login; see `SignIns`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = self._taken(login_key(state_hash))
        return decode_login(row) if row else None

    def put_link(self, link_hash: str, link: Link) -> None:
        """Store a link; see `SignIns`."""
        self._put(encode_link(link_hash, link))

    def link(self, link_hash: str) -> Link | None:
        """Return a link; see `SignIns`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = _row(self._db, self._table, link_key(link_hash))
        return decode_link(row) if row else None

    def take_link(self, link_hash: str) -> Link | None:
        """Return and remove a link; see `SignIns`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = self._taken(link_key(link_hash))
        return decode_link(row) if row else None

    def put_session(self, session_hash: str, session: Session) -> None:
        """Store a session; see `SignIns`."""
        self._put(encode_session(session_hash, session))

    def session(self, session_hash: str) -> Session | None:
        """Return a session; see `SignIns`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = _row(self._db, self._table, session_key(session_hash))
        return decode_session(row) if row else None

    def end_session(self, session_hash: str) -> None:
        """Remove a session; see `SignIns`."""
        payload = {"TableName": self._table, "Key": session_key(session_hash)}
        self._db.call("DeleteItem", payload)

    def _put(self, item: Item) -> None:
        self._db.call("PutItem", {"TableName": self._table, "Item": item})

    def _taken(self, key: Item) -> Item:
        """Remove a row and return it; empty when it is gone.

        A removal whose acknowledgement is lost counts as somebody else's.
        """
        payload = {
            "TableName": self._table,
            "Key": key,
            "ConditionExpression": ROW_IS_THERE,
            "ReturnValues": "ALL_OLD",
        }
        try:
            found: Item = self._db.call("DeleteItem", payload)["Attributes"]
        except ConditionFailedError:
            return {}
        return found


class DynamoDBAuthCodes:
    """`AuthCodes` on DynamoDB.

    Args:
        db: The transport.
        ephemeral_table: Name of the ephemeral table.
    """

    def __init__(self, db: DynamoDB, *, ephemeral_table: str) -> None:
        self._db = db
        self._table = ephemeral_table

    def put(self, code: AuthCode) -> None:
        """Store a new code; see `AuthCodes`."""
        self._db.call("PutItem", {"TableName": self._table, "Item": encode_code(code)})

    def find(self, code_hash: str) -> AuthCode | None:
        """Return a code; see `AuthCodes`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = _row(self._db, self._table, code_key(code_hash))
        return decode_code(row) if row else None

    def use(self, code_hash: str) -> bool:
        """Mark a code as used; see `AuthCodes`.

        A mark whose acknowledgement is lost counts as somebody else's: the user agrees once more.
        """
        payload = {
            "TableName": self._table,
            "Key": code_key(code_hash),
            "UpdateExpression": USE_CODE,
            "ConditionExpression": CODE_IS_UNUSED,
            "ExpressionAttributeValues": {":yes": flag(value=True)},
        }
        return applied(self._db, "UpdateItem", payload)


def _row(db: DynamoDB, table: str, key: Item) -> Item:
    payload = {"TableName": table, "Key": key, "ConsistentRead": True}
    found: Item = db.call("GetItem", payload).get("Item", {})
    return found
