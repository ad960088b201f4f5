"""Feeds a function from a DynamoDB stream, as Lambda's event source mapping does."""

import json
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.event_sources import StreamSource
from local.gateway import GatewayStopsError
from local.queue_pump import Invoke, Progress, reported_failures
from local.stream_events import given_up, sequence_number, stream_record

_log = logging.getLogger(__name__)

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Records of one shard on their way through the function.

    Attributes:
        retries: How often it was tried again; halving a batch does not count.
        invocations: How often the function has seen its records.
    """

    shard: str
    records: Sequence[Record]
    retries: int = 0
    invocations: int = 0


class StreamPump:
    """One table's stream and its function; one batch at a time, in the order of the stream.

    Args:
        streams: A low-level client of DynamoDB Streams.
        arn: Of the stream.
        queues: A low-level SQS client, for what is given up.
        invoke: Runs a function with an event and returns its result; RuntimeError is a failure,
            but GatewayStopsError is none and ends the step.
    """

    def __init__(
        self, source: StreamSource, *, arn: str, streams: Any, queues: Any, invoke: Invoke
    ) -> None:
        self.name = source.function
        self._source = source
        self._arn = arn
        self._streams = streams
        self._queues = queues
        self._invoke = invoke
        self._iterators: dict[str, str | None] = {}
        self._waiting: deque[_Batch] = deque()

    def step(self) -> Progress:
        """Pass one batch on; what failed of it is the next in turn."""
        while not self._waiting and self._read():
            pass  # the filter kept all of it back
        if not self._waiting:
            return Progress.IDLE
        batch = self._waiting.popleft()
        rest = self._rest(batch)
        if not rest:
            return Progress.MOVED
        self._waiting.extendleft(reversed(rest))
        return Progress.FAILED

    def _read(self) -> int:
        """Read every shard once; what the filter lets through becomes batches.

        Returns:
            How many records there were.
        """
        described = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]
        count = 0
        for shard in described["Shards"]:
            shard_id = shard["ShardId"]
            if shard_id not in self._iterators:
                self._iterators[shard_id] = self._streams.get_shard_iterator(
                    StreamArn=self._arn,
                    ShardId=shard_id,
                    ShardIteratorType=self._source.starting_position,
                )["ShardIterator"]
            count += self._read_shard(shard_id)
        return count

    def _read_shard(self, shard: str) -> int:
        iterator = self._iterators[shard]
        if iterator is None:  # closed, and read to its end
            return 0
        answer = self._streams.get_records(ShardIterator=iterator, Limit=self._source.batch_size)
        self._iterators[shard] = answer.get("NextShardIterator")
        records = [stream_record(record, arn=self._arn) for record in answer["Records"]]
        taken = [record for record in records if self._source.takes(record)]
        if taken:
            self._waiting.append(_Batch(shard=shard, records=taken))
        return len(records)

    def _rest(self, batch: _Batch) -> list[_Batch]:
        """Invoke the function; return what is to be tried again, in order."""
        failed = self._failed(batch.records)
        if not failed:
            return []
        invocations = batch.invocations + 1
        advanced = len(failed) < len(batch.records)
        if self._source.bisects and len(failed) > 1 and not advanced:
            half = len(failed) // 2
            return [
                _Batch(
                    shard=batch.shard, records=part, retries=batch.retries, invocations=invocations
                )
                for part in (failed[:half], failed[half:])
            ]
        # Cutting a batch where the function stopped is a split as well, and costs no retry.
        retries = batch.retries if advanced else batch.retries + 1
        if retries > self._source.max_retries:
            self._give_up(batch.shard, failed, invocations=invocations)
            return []
        return [_Batch(shard=batch.shard, records=failed, retries=retries, invocations=invocations)]

    def _failed(self, records: Sequence[Record]) -> Sequence[Record]:
        """Invoke the function; return the records from the first it could not take care of.

        Raises:
            GatewayStopsError: The gateway stops.
        """
        try:
            answer = self._invoke(self._source.function, {"Records": list(records)})
        except GatewayStopsError:
            raise
        except RuntimeError as failure:
            _log.warning("%s failed on %d records: %s", self.name, len(records), failure)
            return records
        if not self._source.reports_failures:
            return []
        reported = reported_failures(answer)
        if not reported:
            return []
        numbers = [sequence_number(record) for record in records]
        if not reported <= set(numbers):  # malformed: the whole batch failed
            return records
        return records[min(numbers.index(number) for number in reported) :]

    def _give_up(self, shard: str, records: Sequence[Record], *, invocations: int) -> None:
        _log.warning("%s: %d records are given up", self.name, len(records))
        if self._source.on_failure_url is not None:
            notice = given_up(records, function=self.name, shard=shard, invocations=invocations)
            self._queues.send_message(
                QueueUrl=self._source.on_failure_url, MessageBody=json.dumps(notice)
            )
