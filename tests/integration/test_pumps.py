"""The deployed template's queue and stream feed real worker processes; events can be read."""

import contextlib
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from local.aws import EmbeddedAws
from local.deploy import Deployment, deploy
from local.gateway import running
from local.ministack import MiniStack
from local.published_events import PublishedEvents
from local.pumps import Pumps, open_pumps
from local.routes import read_routes
from tests.support.gateway_functions import wait_until
from tests.support.template import TEMPLATE

FUNCTIONS = ("RollupFunction", "SettleFunction")
HANDLER = """
    import json, os, pathlib

    folder = pathlib.Path(os.environ["FOLDER"])

    def lambda_handler(event, context):
        function = context.function_name
        with (folder / function).open("a") as seen:
            seen.write(json.dumps(event) + "\\n")
        bad = folder / "bad"
        word = bad.read_text() if bad.exists() else "nothing is bad"
        if word == "everything":
            raise ValueError("everything is bad")
        return {"batchItemFailures": [
            {"itemIdentifier": record.get("messageId") or record["dynamodb"]["SequenceNumber"]}
            for record in event["Records"] if word in json.dumps(record)
        ]}
"""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A deployment whose functions note what they are shown."""

    aws: EmbeddedAws
    deployment: Deployment
    pumps: Pumps
    folder: Path

    def send(self, *bodies: str) -> None:
        with contextlib.closing(self.aws.client("sqs")) as client:
            for body in bodies:
                url = self.deployment.physical_ids["SettleQueue"]
                client.send_message(QueueUrl=url, MessageBody=body)

    def record(self, *names: str) -> None:
        with contextlib.closing(self.aws.client("dynamodb")) as client:
            for name in names:
                item = {"pk": {"S": "acme#2026-11-22#0"}, "sk": {"S": name}}
                client.put_item(TableName=self.deployment.tables["UsageTable"], Item=item)

    def be_bad(self, word: str) -> None:
        (self.folder / "bad").write_text(word)

    def seen(self, function: str) -> list[dict[str, Any]]:
        """Return the records a function was shown, in order and as often as it was."""
        path = self.folder / function
        lines = path.read_text().splitlines() if path.exists() else []
        return [record for line in lines for record in json.loads(line)["Records"]]

    def bodies(self) -> list[str]:
        return [record["body"] for record in self.seen("SettleFunction")]

    def sort_keys(self) -> list[str]:
        records = self.seen("RollupFunction")
        return [record["dynamodb"]["Keys"]["sk"]["S"] for record in records]

    def waiting(self, queue: str) -> int:
        with contextlib.closing(self.aws.client("sqs")) as client:
            name = "ApproximateNumberOfMessages"
            url = self.deployment.physical_ids[queue]
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            return int(answer["Attributes"][name])


@contextlib.contextmanager
def plant(folder: Path, *, threads: bool = False, dynamodb: str | None = None) -> Iterator[Plant]:
    """Deploy template.yaml and put functions that take notes behind its queue and its stream."""
    (folder / "handler.py").write_text(textwrap.dedent(HANDLER))
    with EmbeddedAws(dynamodb_url=dynamodb) as aws:
        deployment = deploy(TEMPLATE, aws=aws, parameters={})
        functions = {
            name: replace(
                deployment.functions[name], code=folder, environment={"FOLDER": str(folder)}
            )
            for name in FUNCTIONS
        }
        routes = read_routes(deployment.template)
        with running(functions, routes, log_dir=folder) as gateway:
            pumps = open_pumps(deployment.event_sources, aws=aws, invoke=gateway.invoke)
            with Pumps(pumps, threads=threads) as running_pumps:
                running_pumps.start()
                yield Plant(aws=aws, deployment=deployment, pumps=running_pumps, folder=folder)


def test_queue_and_stream_reach_their_functions_when_pumped_by_hand(tmp_path: Path) -> None:
    with plant(tmp_path) as works:
        works.send("a", "b")
        works.record("one", "two")

        assert works.pumps.run_dry() == 2

        assert sorted(works.bodies()) == ["a", "b"]
        assert works.sort_keys() == ["one", "two"]
        assert works.seen("RollupFunction")[0]["eventName"] == "INSERT"
        assert works.pumps.run_dry() == 0


@pytest.mark.chaos
def test_queue_and_stream_reach_their_functions_by_themselves(tmp_path: Path) -> None:
    with plant(tmp_path, threads=True) as works:
        works.send("a")
        works.record("one")

        wait_until(lambda: works.bodies() == ["a"] and works.sort_keys() == ["one"])


@pytest.mark.chaos
def test_what_fails_is_set_aside_and_the_rest_gets_through(tmp_path: Path) -> None:
    with plant(tmp_path) as works:
        works.be_bad("broken")
        works.send("a", "broken", "b")
        works.record("one", "broken", "two")

        works.pumps.run_dry()

        bodies, keys = works.bodies(), works.sort_keys()
        assert {body: bodies.count(body) for body in bodies} == {"a": 1, "b": 1, "broken": 5}
        assert {"one", "two"} <= set(keys)
        assert keys.count("two") < keys.count("broken")
        assert works.waiting("SettleDeadLetters") == works.waiting("RollupDeadLetters") == 1


@pytest.mark.chaos
def test_everything_gets_through_when_the_functions_recover(tmp_path: Path) -> None:
    with plant(tmp_path, threads=True) as works:
        works.be_bad("everything")
        works.send("a")
        works.record("one")
        wait_until(lambda: "a" in works.bodies() and "one" in works.sort_keys())
        works.be_bad("nothing is bad")

        wait_until(lambda: len(works.bodies()) > 1 and len(works.sort_keys()) > 1)
        assert set(works.bodies()) == {"a"}
        assert set(works.sort_keys()) == {"one"}
        assert works.waiting("SettleDeadLetters") == works.waiting("RollupDeadLetters") == 0


@pytest.mark.chaos
def test_stream_of_ministack_reaches_its_function(tmp_path: Path) -> None:
    with MiniStack() as ministack, plant(tmp_path, dynamodb=ministack.url) as works:
        works.record("one", "two", "one")

        works.pumps.run_dry()

        assert works.sort_keys() == ["one", "two"]
        assert works.seen("RollupFunction")[0]["eventSource"] == "aws:dynamodb"


@pytest.mark.chaos
def test_events_of_a_deployment_can_be_read(tmp_path: Path) -> None:
    entry = {"Source": "weir", "DetailType": "budget alert", "Detail": json.dumps({"percent": 80})}
    with (
        plant(tmp_path) as works,
        contextlib.closing(works.aws.client("events")) as client,
        PublishedEvents(works.aws) as events,
    ):
        for _ in range(2):
            assert client.put_events(Entries=[entry] * 6)["FailedEntryCount"] == 0

        taken = events.take()

        assert len(taken) == 12
        assert (taken[0]["source"], taken[0]["detail-type"]) == ("weir", "budget alert")
        assert taken[0]["detail"] == {"percent": 80}
        assert events.take() == []
