"""Records of a DynamoDB stream as Lambda shows them to a function, and the notice of failure."""

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from local.aws import REGION
from local.workers import ACCOUNT_ID


def stream_record(record: Mapping[str, Any], *, arn: str) -> dict[str, Any]:
    """Return a record of GetRecords as it stands in Lambda's event."""
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": _plain(record["dynamodb"]),
        "eventSourceARN": arn,
    }


def sequence_number(record: Mapping[str, Any]) -> str:
    """Return what names a record in its shard; ascending as a number."""
    return str(record["dynamodb"]["SequenceNumber"])


def given_up(
    records: Sequence[Mapping[str, Any]], *, function: str, shard: str, invocations: int
) -> dict[str, Any]:
    """Return what an on-failure destination is sent: where the records lie, not what they hold."""
    arn = records[0]["eventSourceARN"]
    return {
        "requestContext": {
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function}",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": _timestamp(dt.datetime.now(dt.UTC)),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": sequence_number(records[0]),
            "endSequenceNumber": sequence_number(records[-1]),
            "approximateArrivalOfFirstRecord": _arrival(records[0]),
            "approximateArrivalOfLastRecord": _arrival(records[-1]),
            "batchSize": len(records),
            "streamArn": arn,
        },
    }


def _arrival(record: Mapping[str, Any]) -> str:
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    return _timestamp(dt.datetime.fromtimestamp(created, dt.UTC))


def _timestamp(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _plain(value: Any) -> Any:
    """Turn what the SDK made of JSON back into JSON: bytes are base64, times are seconds."""
    match value:
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list() | set() | tuple():
            return [_plain(part) for part in value]
        case bytes():
            return base64.b64encode(value).decode()
        case dt.datetime():
            return value.timestamp()
        case _:
            return value
