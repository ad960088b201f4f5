import logging
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from weir.adapters.answers_bucket import AnswersBucket
from weir.domain.errors import StoreUnavailableError

FAILURES = [
    ClientError({"Error": {"Code": "AccessDenied", "Message": "secret-bucket"}}, "PutObject"),
    EndpointConnectionError(endpoint_url="https://secret-bucket"),
]


@dataclass
class FakeS3:
    """An S3 client that answers with one object, or fails."""

    failure: Exception | None = None

    def put_object(self, **_: Any) -> dict[str, Any]:
        return self._answer({})

    def get_object(self, **_: Any) -> dict[str, Any]:
        return self._answer({"Body": BytesIO(b"content")})

    def _answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        return answer


def test_one_client_is_made_and_only_when_it_is_needed() -> None:
    made: list[FakeS3] = []

    def make() -> FakeS3:
        made.append(FakeS3())
        return made[-1]

    bucket = AnswersBucket(make, name="answers")
    before = len(made)
    bucket.put("a", b"content")

    assert bucket.get("a") == b"content"
    assert (before, len(made)) == (0, 1)


@pytest.mark.parametrize("failure", FAILURES, ids=["refused", "out of reach"])
def test_a_failure_is_told_without_naming_what_failed(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bucket = AnswersBucket(lambda: FakeS3(failure), name="secret-bucket")

    for attempt in (lambda: bucket.put("a", b""), lambda: bucket.get("a")):
        with pytest.raises(StoreUnavailableError) as caught:
            attempt()
        assert caught.value.retry_after_s == 5
        assert "secret-bucket" not in caught.value.message

    assert "secret-bucket" not in caplog.text
    assert "s3 get_object failed" in caplog.text
