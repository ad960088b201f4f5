"""`python -m local.compatibility`: every field that is served here beside OpenRouter's own.

The samples are in `tests/samples`: full bodies as OpenRouter sends them. A field that differs must
have a reason in `local/field_reasons.json`. With `--write` the table in `docs/compatibility.md` is
written anew.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from local.field_comparison import FieldVerdict, Verdict, compare
from local.isolation import isolate_from_shell
from local.served_bodies import Served, served_bodies
from local.stack import ROOT, LocalStack, StackOptions

SAMPLES = ROOT / "tests" / "samples"
REASONS = ROOT / "local" / "field_reasons.json"
DOCUMENT = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- fields: python -m local.compatibility --write -->", "<!-- /fields -->"

_SECTION = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
# Answers that are made as another is, and have no sample of their own.
_SAMPLES = {"models_user": "models", "keys_update": "keys_get"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of one endpoint; `why` is None where it is the same, or nobody gave a reason."""

    name: str
    endpoint: str
    field: str
    verdict: Verdict
    why: str | None

    @property
    def is_unexplained(self) -> bool:
        """Whether it differs without a reason."""
        return self.verdict is not Verdict.SAME and self.why is None


def rows(served: Mapping[str, Served]) -> Iterator[Row]:
    """Compare every body that has a sample, field by field."""
    reasons = read_reasons()
    for body in served.values():
        path = SAMPLES / f"{_SAMPLES.get(body.name, body.name)}.json"
        if path.exists():
            sample = json.loads(path.read_text(encoding="utf-8"))
            for found in compare(sample, body.body):
                yield Row(
                    name=body.name,
                    endpoint=_endpoint(body),
                    field=found.field,
                    verdict=found.verdict,
                    why=_why(reasons, body.name, found),
                )


def read_reasons() -> Sequence[Mapping[str, str]]:
    """Return why fields differ: patterns of bodies and fields, the verdict, and the reason."""
    reasons: Sequence[Mapping[str, str]] = json.loads(REASONS.read_text(encoding="utf-8"))
    return reasons


def unused_reasons(compared: Iterable[Row]) -> list[Mapping[str, str]]:
    """Return the reasons that no field needs."""
    differing = [row for row in compared if row.verdict is not Verdict.SAME]
    return [
        reason
        for reason in read_reasons()
        if not any(_fits(reason, row.name, row.field, row.verdict) for row in differing)
    ]


def section(compared: Sequence[Row]) -> str:
    """Return the table of the document: all that is the same in one row for each endpoint."""
    lines = [BEGIN, "", "| endpoint | field | here | why |", "|---|---|---|---|"]
    for endpoint in dict.fromkeys(row.endpoint for row in compared):
        mine = [row for row in compared if row.endpoint == endpoint]
        same = [f"`{row.field}`" for row in mine if row.verdict is Verdict.SAME]
        lines.append(f"| {endpoint} | {', '.join(same)} | same | |")
        groups: dict[tuple[Verdict, str | None], list[str]] = {}
        for row in mine:
            if row.verdict is not Verdict.SAME:
                groups.setdefault((row.verdict, row.why), []).append(f"`{row.field}`")
        for (verdict, why), fields in groups.items():
            lines.append(f"| {endpoint} | {', '.join(fields)} | {verdict} | {why or '?'} |")
    return "\n".join([*lines, "", END])


def with_section(document: str, compared: Sequence[Row]) -> str:
    """Return the document with its table as it must be.

    Raises:
        ValueError: The document has no place for it.
    """
    if not _SECTION.search(document):
        raise ValueError(f"{DOCUMENT} lacks the marks {BEGIN} and {END}")
    return _SECTION.sub(lambda _: section(compared), document)


def main(arguments: Sequence[str]) -> int:
    """Print the comparison; returns 1 when a field differs and nobody says why."""
    isolate_from_shell()
    with tempfile.TemporaryDirectory() as logs, LocalStack(_options(Path(logs))) as stack:
        compared = list(rows(served_bodies(stack)))
    for row in compared:
        print(f"{row.endpoint:58} {row.field:60} {row.verdict:16} {row.why or ''}".rstrip())
    unexplained = [row for row in compared if row.is_unexplained]
    same = sum(row.verdict is Verdict.SAME for row in compared)
    print(
        f"\n{len(compared)} fields: {same} same, {len(compared) - same} differ, "
        f"{len(unexplained)} of them without a reason"
    )
    if "--write" in arguments:
        document = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(with_section(document, compared), encoding="utf-8")
    return 1 if unexplained else 0


def _options(logs: Path) -> StackOptions:
    return StackOptions(
        model="echo", schedules=False, pumps=False, logs=logs, say=lambda _line: None
    )


def _endpoint(body: Served) -> str:
    return f"`{body.route}`" + (", streamed" if isinstance(body.body, list) else "")


def _why(reasons: Sequence[Mapping[str, str]], name: str, found: FieldVerdict) -> str | None:
    for reason in reasons:
        if _fits(reason, name, found.field, found.verdict):
            return reason["why"]
    return None


def _fits(reason: Mapping[str, Any], name: str, field: str, verdict: Verdict) -> bool:
    return (
        reason["verdict"] == verdict
        and fnmatchcase(name, reason["body"])
        and any(_matches(field, pattern) for pattern in reason["fields"].split())
    )


def _matches(field: str, pattern: str) -> bool:
    # `[]` means itself here, not a set of characters.
    return fnmatchcase(field, pattern.replace("[]", "[[]]"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
