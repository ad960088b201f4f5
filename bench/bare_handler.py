"""The limit: the same upstream call and the same runtime layer; no key, no checks, no ledger."""

import os
from collections.abc import Generator
from typing import Any

import requests

from lambda_stream import StreamingResponse

_READ_BYTES = 65_536
_TIMEOUT_S = (5, 60)

url = os.environ["UPSTREAM_BASE_URL"] + "/chat/completions"
session = requests.Session()
session.trust_env = False
session.headers.update({"Authorization": "Bearer sk-bench", "Accept-Encoding": "identity"})


def lambda_handler(event: dict[str, Any], context: object) -> StreamingResponse:
    """Forward the body and relay the answer."""
    del context
    answer = session.post(
        url,
        data=event["body"].encode(),
        headers={"Content-Type": "application/json"},
        stream=True,
        allow_redirects=False,
        timeout=_TIMEOUT_S,
    )
    headers = {"Content-Type": answer.headers["Content-Type"]}
    return StreamingResponse(_relay(answer), status=answer.status_code, headers=headers)


def _relay(answer: requests.Response) -> Generator[bytes]:
    try:
        while data := answer.raw.read1(_READ_BYTES, decode_content=False):
            yield data
    finally:
        answer.close()
