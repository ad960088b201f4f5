"""`python -m local.audit`: check every invariant of the books, here or of a deployed stack.

Reads whole tables, so it costs read units and takes its time on a large stack; it writes nothing.
Ends with 1 when an invariant is violated, with 2 when the books cannot be read.
"""

import argparse
import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.audit_report import rendered
from local.aws import REGION
from local.state_file import live_owner
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.schema import MalformedItemError
from weir.domain.errors import StoreUnavailableError
from weir.domain.money import NanoUsd
from weir.services.audit import AuditReport, audit

STATE_FILE = Path(__file__).resolve().parent / ".state" / "stack.json"
_TABLES = ("AccountsTable", "UsageTable", "RollupsTable")


class NoBooksError(Exception):
    """There is nothing to audit; the message says what to do."""


_UNREADABLE = (
    NoBooksError,
    StoreUnavailableError,
    MalformedItemError,  # of the rollups; one of the ledger is a finding
    BotoCoreError,
    ClientError,
    OSError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedBooks:
    """The books of one stack.

    Attributes:
        name: What the report calls them.
        client: A boto3 client of the DynamoDB that has them.
        tables: Their names by logical id.
        upstream: Upstream's own ledger, when this machine simulates it.
    """

    name: str
    client: Any
    tables: Mapping[str, str]
    upstream: Mapping[str, NanoUsd] | None = None


def main(arguments: Sequence[str] | None = None, *, state_file: Path = STATE_FILE) -> int:
    """Audit and print; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.stack:
            books = deployed_books(options.stack, region=options.region)
        else:
            books = local_books(state_file)
        report = checked(books, swept=options.swept, limits_unchanged=options.limits_unchanged)
    except _UNREADABLE as error:
        print(f"cannot audit: {error}", file=sys.stderr)
        return 2
    print(rendered(report, name=books.name))
    return 1 if report.violations else 0


def local_books(state_file: Path) -> AuditedBooks:
    """Find the stack that is up on this machine.

    Raises:
        NoBooksError: None is up.
    """
    if live_owner(state_file) is None:
        raise NoBooksError(
            "no stack is up on this machine. Start one with make run, or name a deployed one: "
            'make audit AUDIT="--stack <name>"'
        )
    facts = json.loads(state_file.read_bytes())
    client = boto3.client(
        "dynamodb",
        endpoint_url=facts["aws_endpoint_url"],
        region_name=REGION,
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",
    )
    simulator = facts["simulator_url"]
    return AuditedBooks(
        name="the stack on this machine",
        client=client,
        tables=facts["tables"],
        upstream=_simulated_ledger(simulator) if simulator else None,
    )


def deployed_books(stack: str, *, region: str | None) -> AuditedBooks:
    """Find a deployed stack's tables, with the credentials of the shell.

    Args:
        stack: Its name.
        region: Where it is; None takes the shell's.

    Raises:
        NoBooksError: The stack has no such tables.
        ClientError: CloudFormation refuses to tell.
        BotoCoreError: AWS cannot be reached.
    """
    resources = boto3.client("cloudformation", region_name=region)
    pages = resources.get_paginator("list_stack_resources").paginate(StackName=stack)
    tables = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["LogicalResourceId"] in _TABLES
    }
    resources.close()
    if missing := set(_TABLES) - tables.keys():
        raise NoBooksError(f"the stack {stack} has no {', '.join(sorted(missing))}")
    client = boto3.client("dynamodb", region_name=region)
    return AuditedBooks(name=f"the stack {stack}", client=client, tables=tables)


def checked(books: AuditedBooks, *, swept: bool, limits_unchanged: bool) -> AuditReport:
    """Audit books; see `weir.services.audit`.

    Raises:
        StoreUnavailableError: They cannot be read.
    """
    database = BotoDynamoDB(lambda: books.client)
    ledger = DynamoDBLedger(
        database,
        accounts_table=books.tables["AccountsTable"],
        usage_table=books.tables["UsageTable"],
    )
    try:
        return audit(
            ledger,
            upstream=books.upstream,
            swept=swept,
            limits_unchanged=limits_unchanged,
            rollups=DynamoDBRollups(database, table=books.tables["RollupsTable"]),
        )
    finally:
        books.client.close()


def _simulated_ledger(simulator_url: str) -> dict[str, NanoUsd]:
    parts = urlsplit(simulator_url)
    address = f"{parts.scheme}://{parts.netloc}/_simulator/ledger"
    with urllib.request.urlopen(address, timeout=10) as answer:
        entries = json.load(answer)["data"]
    return {entry["id"]: NanoUsd(entry["cost_nano_usd"]) for entry in entries}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.audit", description="Check every invariant of the books."
    )
    parser.add_argument("--stack", help="a deployed stack; default: the one on this machine")
    parser.add_argument("--region", help="where the deployed stack is; default: the shell's")
    parser.add_argument(
        "--swept",
        action="store_true",
        help="nothing is in flight and a sweep has run: every hold is a violation",
    )
    parser.add_argument(
        "--limits-unchanged",
        action="store_true",
        help="no limit was ever changed, so that they can be checked",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
