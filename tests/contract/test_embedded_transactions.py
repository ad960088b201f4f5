"""A transaction of the embedded DynamoDB that fails leaves nothing behind, in tables or streams."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import EmbeddedAws

NEW = {"pk": {"S": "new"}, "sk": {"S": "1"}, "n": {"N": "1"}}
OLD = {"pk": {"S": "old"}, "sk": {"S": "1"}, "n": {"N": "1"}}
FLAT = {"pk": {"S": "flat"}, "n": {"N": "1"}}
UNMET = {"ConditionExpression": "attribute_exists(pk)", "Key": {"pk": {"S": "nobody"}}}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as running:
        yield running


@pytest.fixture
def client(aws: EmbeddedAws) -> Iterator[Any]:
    made = aws.client("dynamodb")
    for table, keys in (("pairs", ("pk", "sk")), ("flats", ("pk",))):
        made.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
    made.put_item(TableName="pairs", Item=OLD)
    made.put_item(TableName="flats", Item=FLAT)
    yield made
    for table in ("pairs", "flats"):
        made.delete_table(TableName=table)
    made.close()


def raised(table: str, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": table,
            "Key": {name: value for name, value in item.items() if name != "n"},
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


PARTS = [
    {"Put": {"TableName": "pairs", "Item": NEW}},
    raised("pairs", OLD),
    raised("flats", FLAT),
]


def contents(client: Any) -> list[dict[str, Any]]:
    found = [*client.scan(TableName="pairs")["Items"], *client.scan(TableName="flats")["Items"]]
    return sorted(found, key=str)


def streamed(aws: EmbeddedAws, client: Any, table: str) -> list[str]:
    arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams = aws.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    streams.close()
    return [record["eventName"] for record in records]


def test_nothing_has_changed_when_one_part_fails(aws: EmbeddedAws, client: Any) -> None:
    before = contents(client)

    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        client.transact_write_items(
            TransactItems=[*PARTS, {"ConditionCheck": {"TableName": "flats", **UNMET}}]
        )

    assert contents(client) == before
    assert streamed(aws, client, "pairs") == streamed(aws, client, "flats") == ["INSERT"]


def test_a_deleted_item_is_back_when_another_part_fails(aws: EmbeddedAws, client: Any) -> None:
    key = {"pk": OLD["pk"], "sk": OLD["sk"]}

    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        client.transact_write_items(
            TransactItems=[
                {"Delete": {"TableName": "pairs", "Key": key}},
                {"ConditionCheck": {"TableName": "flats", **UNMET}},
            ]
        )

    assert contents(client) == sorted([OLD, FLAT], key=str)
    assert streamed(aws, client, "pairs") == ["INSERT"]


def test_every_part_is_done_when_none_fails(aws: EmbeddedAws, client: Any) -> None:
    client.transact_write_items(TransactItems=PARTS)

    twice = {"n": {"N": "2"}}
    assert contents(client) == sorted([NEW, OLD | twice, FLAT | twice], key=str)
    assert streamed(aws, client, "pairs") == ["INSERT", "INSERT", "MODIFY"]
