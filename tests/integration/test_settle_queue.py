"""A request whose record the ledger did not take is settled through the queue, once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
import requests

from local.stack import LocalStack
from tests.support.stacks import assert_books_balance, echo_stack, records, sweep, upstream_costs
from weir.adapters.settle_messages import encode_record
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordSource, RecordStatus

# The chat function alone finds no usage table: it can hold, but not record.
NO_RECORDS = {"ChatFunction": {"USAGE_TABLE": "no-such-table"}}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("queue-logs")


@pytest.fixture(scope="module")
def forgetful(logs: Path) -> Iterator[LocalStack]:
    """A stack whose chat function cannot record."""
    pytest_socket.enable_socket()
    with echo_stack(logs, variables=NO_RECORDS) as running:
        yield running


@pytest.fixture
def sqs(forgetful: LocalStack) -> Iterator[Any]:
    client = forgetful.aws.client("sqs")
    yield client
    client.close()


def ask(stack: LocalStack, *, stream: bool = False) -> str:
    response = requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": stream,
        },
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )
    assert response.status_code == 200
    return response.headers["X-Generation-Id"]


def send(sqs: Any, stack: LocalStack, body: str) -> None:
    sqs.send_message(QueueUrl=stack.deployment.physical_ids["SettleQueue"], MessageBody=body)


def waiting(sqs: Any, stack: LocalStack, queue: str) -> int:
    asked = sqs.get_queue_attributes(
        QueueUrl=stack.deployment.physical_ids[queue],
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


@pytest.mark.parametrize("stream", [False, True])
def test_the_queue_settles_what_the_request_could_not(
    forgetful: LocalStack, *, stream: bool
) -> None:
    generation_id = ask(forgetful, stream=stream)
    assert generation_id not in records(forgetful)

    forgetful.pump_once()

    record = records(forgetful)[generation_id]
    assert (record.status, record.source) == (RecordStatus.COMPLETED, RecordSource.REQUEST)
    assert record.streamed is stream
    assert record.upstream_generation_id is not None
    assert record.usage.cost_nano_usd == upstream_costs(forgetful)[record.upstream_generation_id]
    assert_books_balance(forgetful, swept=True)


def test_a_message_that_comes_twice_is_charged_once(forgetful: LocalStack, sqs: Any) -> None:
    generation_id = ask(forgetful)
    forgetful.pump_once()
    record = records(forgetful)[generation_id]
    dearer = replace(record, price_nano_usd=NanoUsd(10**9))
    for message in (record, record, dearer):
        send(sqs, forgetful, encode_record(message))

    forgetful.pump_once()

    assert waiting(sqs, forgetful, "SettleQueue") == 0
    assert records(forgetful)[generation_id] == record
    assert_books_balance(forgetful, swept=True)


def test_a_message_is_charged_once_when_the_sweep_was_first_and_did_not_know(
    forgetful: LocalStack, sqs: Any
) -> None:
    generation_id = ask(forgetful)
    sweep(forgetful)
    swept = records(forgetful)[generation_id]
    assert (swept.source, swept.status) == (RecordSource.SWEEP, RecordStatus.UNKNOWN)

    forgetful.pump_once()

    stored = records(forgetful)
    adjusted_by = stored[generation_id].adjusted_by
    assert adjusted_by is not None
    assert stored[generation_id] == replace(swept, adjusted_by=adjusted_by)
    adjustment = stored[adjusted_by]
    assert adjustment.upstream_generation_id is not None
    assert (
        adjustment.usage.cost_nano_usd
        == upstream_costs(forgetful)[adjustment.upstream_generation_id]
    )
    repeated = replace(adjustment, generation_id=swept.generation_id, status=RecordStatus.COMPLETED)
    send(sqs, forgetful, encode_record(replace(repeated, adjusts=None)))
    forgetful.pump_once()
    assert records(forgetful) == stored
    assert_books_balance(forgetful, swept=True)


def test_a_message_that_cannot_be_read_becomes_a_dead_letter_and_holds_up_no_other(
    forgetful: LocalStack, sqs: Any, logs: Path
) -> None:
    send(sqs, forgetful, '{"version":1,"record":{"prompt":"SECRET-WORDS"}}')
    generation_id = ask(forgetful)

    forgetful.pump_once()

    assert generation_id in records(forgetful)
    assert waiting(sqs, forgetful, "SettleDeadLetters") == 1
    told = (logs / "SettleFunction.log").read_text()
    assert "not settled" in told
    assert "SECRET-WORDS" not in told
    assert_books_balance(forgetful, swept=True)
