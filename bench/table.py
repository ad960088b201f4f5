"""The table, as Markdown that also reads well in a terminal."""

from collections.abc import Sequence

from bench.figures import Row

_HEAD = ("figure", "unit", "Weir", "bare", "added", "ratio", "target", "reject", "verdict")
_NONE = "-"
_TEXT_COLUMNS = 2


def rendered(rows: Sequence[Row]) -> str:
    """Return the table of the rows."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [_line(line, widths) for line in cells]
    rule = "|".join(
        "-" * (width + 1) + ("-" if column < _TEXT_COLUMNS else ":")
        for column, width in enumerate(widths)
    )
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    goal = row.goal
    return (
        row.name,
        row.unit,
        _number(row.weir),
        _number(row.bare),
        _number(row.added),
        _NONE if row.ratio is None else f"{row.ratio:.2f}",
        _NONE if goal is None else f"{goal.target:g}",
        _NONE if goal is None else f"{goal.reject:g}",
        _NONE if goal is None else goal.verdict(row.weir),
    )


def _number(value: float | None) -> str:
    if value is None:
        return _NONE
    if value == int(value):
        return str(int(value))
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"  # noqa: PLR2004 - three digits


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = (
        cell.ljust(width) if column < _TEXT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join(texts) + " |"
