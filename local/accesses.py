"""What a request to the embedded AWS needs as a permission: who, which action, which resource.

The embedded AWS grants everything; noted, its requests can be held against the template's roles.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

Access = tuple[str, str, str]

_PRINCIPAL = re.compile(r"Credential=([^/]+)/")
_S3_ACTIONS = {"GET": "s3:GetObject", "PUT": "s3:PutObject"}
_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


def accesses(environ: Mapping[str, Any], body: bytes) -> Iterator[Access]:
    """Yield who does what to which physical resource; nothing for what functions never ask for.

    Args:
        environ: The request, as WSGI has it.
        body: Its body, which is JSON unless S3 is asked.
    """
    found = _PRINCIPAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    principal = found[1] if found else ""
    target, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if target:
        payload = json.loads(body or b"{}")
        for action, resource in _asked(target.partition("_")[0], operation, payload):
            yield principal, action, resource
    elif environ["REQUEST_METHOD"] in _S3_ACTIONS:
        bucket = environ["PATH_INFO"].split("/")[1]
        yield principal, _S3_ACTIONS[environ["REQUEST_METHOD"]], bucket


def _asked(service: str, operation: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    match service:
        case "DynamoDB":
            for action, table in _tables(operation, payload):
                yield f"dynamodb:{action}", table
        case "AmazonSQS":
            yield f"sqs:{operation}", urlsplit(payload.get("QueueUrl", "")).path.rpartition("/")[2]
        case "AWSEvents":
            for entry in payload.get("Entries", ()):
                yield f"events:{operation}", entry.get("EventBusName", "default")
        case _:
            yield f"{service}:{operation}", payload.get("SecretId", "")


def _tables(operation: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    match operation:
        case "TransactWriteItems":
            for part in payload["TransactItems"]:
                for kind, write in part.items():
                    yield _TRANSACTED.get(kind, kind), write["TableName"]
        case "BatchGetItem":
            for table in payload["RequestItems"]:
                yield operation, table
        case _:
            yield operation, payload.get("TableName", "")
