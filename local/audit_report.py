"""The report of an audit, as Markdown that also reads well in a terminal."""

from collections import Counter
from collections.abc import Sequence

from weir.domain.invariants import INVARIANTS
from weir.domain.money import NanoUsd, usd
from weir.services.audit import AuditReport

_SHOWN_VIOLATIONS = 50
_NOT_CHECKED = "-"


def rendered(report: AuditReport, *, name: str) -> str:
    """Return the tables of an audit, its violations, and one line that sums it up."""
    parts = [_table(_INVARIANT_HEAD, _invariant_rows(report))]
    if report.tenants:
        parts.append(_table(_TENANT_HEAD, _tenant_rows(report)))
    parts += report.violations[:_SHOWN_VIOLATIONS]
    hidden = len(report.violations) - _SHOWN_VIOLATIONS
    if hidden > 0:
        parts.append(f"… and {hidden} more")
    parts.append(
        f"{name}: {report.accounts} account lanes, {report.records} usage records, "
        f"{report.unknown} of unknown cost; {len(report.violations)} violations"
    )
    return "\n\n".join(parts)


_INVARIANT_HEAD = ("", "invariant", "checked", "violations")
_TENANT_HEAD = (
    *("tenant", "lanes", "credit USD", "available", "held", "spent"),
    *("in flight", "records", "unknown", "upstream's cost"),
)


def _invariant_rows(report: AuditReport) -> list[tuple[str, ...]]:
    found = Counter(sentence.split()[0] for sentence in report.violations)
    return [
        (
            number,
            meaning,
            str(report.checked.get(number, _NOT_CHECKED)),
            str(found[number]) if number in report.checked else _NOT_CHECKED,
        )
        for number, meaning in INVARIANTS.items()
    ]


def _tenant_rows(report: AuditReport) -> list[tuple[str, ...]]:
    return [
        (
            tenant_id,
            str(sums.lanes),
            *map(
                _usd,
                (
                    sums.credit_nano_usd,
                    sums.available_nano_usd,
                    sums.held_nano_usd,
                    sums.spent_nano_usd,
                ),
            ),
            *map(str, (sums.open_holds, sums.records, sums.unknown)),
            _usd(sums.cost_nano_usd),
        )
        for tenant_id, sums in report.tenants.items()
    ]


def _usd(amount: NanoUsd) -> str:
    return f"{usd(amount):.9f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[place]) for line in (head, *rows)) for place in range(len(head))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in (head, *rows)
    ]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
