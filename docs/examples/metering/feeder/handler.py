"""Feeds OpenMeter with Weir's usage events."""  # noqa: INP001 - a function's folder is no package

import json
import logging
import os
import urllib.error
import urllib.request
from functools import cache
from typing import Any

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

TIMEOUT_S = 10
NOT_WORTH_SPLITTING = {401, 403, 404, 408, 429}


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Pass on what the queue holds; what OpenMeter does not take goes back to the queue.

    Events may come twice. OpenMeter counts one per id and source, so repeating one is harmless.
    """
    messages = {record["messageId"]: _cloud_event(record["body"]) for record in event["Records"]}
    failed = _feed(messages)
    logger.info("passed on %d usage events of %d", len(messages) - len(failed), len(messages))
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _cloud_event(body: str) -> dict[str, Any]:
    """Return the CloudEvent of an EventBridge event: about a tenant, under the generation id."""
    envelope = json.loads(body)
    usage = envelope["detail"]
    return {
        "specversion": "1.0",
        "type": envelope["detail-type"],
        "source": envelope["source"],
        "id": usage["id"],
        "time": usage["created_at"],
        "subject": usage["tenant_id"],
        "data": {
            # An adjustment states what an earlier request turned out to cost: money, no request.
            "requests": 1 if usage["adjusts"] is None else 0,
            "price_nano_usd": usage["price_nano_usd"],
            "prompt_tokens": usage["prompt_tokens"],
            "completion_tokens": usage["completion_tokens"],
            "model": usage["model"],
            "key_id": usage["key_id"],
            "end_user": usage["end_user"],
        },
    }


def _feed(messages: dict[str, dict[str, Any]]) -> list[str]:
    """Send events in one call; when one of them is refused, find out which."""
    status = _post(list(messages.values()))
    if status is not None and status < 300:  # noqa: PLR2004 - success, as HTTP has it
        return []
    is_refused = status is not None and 400 <= status < 500  # noqa: PLR2004 - the request's fault
    if len(messages) == 1 or not is_refused or status in NOT_WORTH_SPLITTING:
        return list(messages)
    return [name for one in messages for name in _feed({one: messages[one]})]


def _post(events: list[dict[str, Any]]) -> int | None:
    """Return OpenMeter's status, or None when it cannot be reached."""
    request = urllib.request.Request(  # noqa: S310 - the operator's own setting
        os.environ["OPENMETER_URL"].rstrip("/") + "/api/v1/events",  # noqa: TID251 - a function's own
        data=json.dumps(events).encode(),
        headers={"Content-Type": "application/cloudevents-batch+json", **_authorization()},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            logger.warning("openmeter answered %d", error.code)
            return error.code
    except OSError as error:
        logger.warning("openmeter cannot be reached: %s", error)
        return None


@cache
def _authorization() -> dict[str, str]:
    secret_id = os.environ["OPENMETER_SECRET_ID"]  # noqa: TID251 - a function's own
    if not secret_id:
        return {}
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
    return {"Authorization": f"Bearer {secret.strip()}"}
