"""The documents name what they promise to describe."""

import ast
import re
from pathlib import Path

from tests.support.template import ROOT, deployed, of_type

ADAPTERS = ROOT / "layers/weir/weir/adapters/dynamodb"
_DECODERS = re.compile(r"number|string|boolean|mapping|binary|counters|_\w+_or_none")
_ATTRIBUTE = re.compile(r"[a-z]{1,6}")


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def decoded(path: Path) -> set[str]:
    """Every attribute that a module decodes: `number(item, "avail")`."""
    return {
        str(node.args[1].value)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and _DECODERS.fullmatch(node.func.id)
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and _ATTRIBUTE.fullmatch(str(node.args[1].value))
    }


def test_every_attribute_is_in_the_data_model_when_an_adapter_reads_it() -> None:
    named = set(re.findall(r"`([a-z]+)(?:<\w+>)?`", document("data-model.md")))
    attributes = {name for path in ADAPTERS.glob("*.py") for name in decoded(path)}

    assert len(attributes) > 60
    assert attributes - named == set()


def test_every_table_and_row_is_in_the_data_model_when_the_template_or_a_schema_has_it() -> None:
    text = document("data-model.md")
    tables = [name.removesuffix("Table") for name in of_type(deployed(), "AWS::DynamoDB::Table")]
    rows = {
        row
        for path in ADAPTERS.glob("*.py")
        for row in re.findall(r'[fr]?"((?:[A-Z]+#)+)', path.read_text(encoding="utf-8"))
    }

    assert [table for table in tables if f"\n## {table.lower()}\n" not in text] == []
    assert {"KEY#", "T#", "PLAN#", "GRANT#", "MOVE#", "C#", "I#", "K#"} <= rows
    assert [row for row in rows if f"`{row}" not in text] == []


def test_every_alarm_is_in_the_operators_manual_when_the_template_has_it() -> None:
    rows = re.findall(r"^\| `(\w+Alarm)` \|", document("operations.md"), re.MULTILINE)

    assert sorted(rows) == sorted(of_type(deployed(), "AWS::CloudWatch::Alarm"))


def test_every_section_exists_when_the_operators_manual_links_to_it() -> None:
    text = document("operations.md")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-").replace("'", "") for heading in headings}

    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= anchors
