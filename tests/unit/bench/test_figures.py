import pytest

from bench.figures import Goal, compared, less
from bench.table import rendered


def test_difference_and_ratio_are_taken_within_each_round_when_the_noise_changes() -> None:
    weir, bare = [3.0, 30.0, 300.0], [1.0, 28.0, 297.0]

    row = compared("wall", "ms", weir, bare)

    assert (row.weir, row.bare) == (30.0, 28.0)
    assert row.added == 2.0
    assert row.ratio == pytest.approx(30 / 28)


def test_there_is_no_ratio_when_the_limit_is_zero_in_a_round() -> None:
    row = compared("init CPU", "ms", [2.0, 3.0, 4.0], [1.0, 0.0, 1.0])

    assert row.ratio is None
    assert row.added == 3.0


def test_the_floor_is_taken_off_round_by_round() -> None:
    assert less([5.0, 7.0], [1.0, 2.0]) == [4.0, 5.0]


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [(1.0, "reached"), (1.01, "missed"), (2.0, "missed"), (2.01, "rejected")],
)
def test_a_goal_judges_a_figure(figure: float, verdict: str) -> None:
    assert Goal(target=1, reject=2).verdict(figure) == verdict
    assert Goal(target=1, reject=2, compared=False).verdict(figure) == f"({verdict})"


def test_the_table_is_aligned_markdown_when_cells_differ_in_width() -> None:
    rows = [
        compared("wall", "ms", [12.345], [1.5], goal=Goal(target=1, reject=3)),
        compared("a much longer name", "ms", [3.0], [0.0]),
    ]

    lines = rendered(rows).split("\n")

    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        *("wall", "ms", "12.3", "1.50", "10.8", "8.23", "1", "3", "rejected")
    ]
    assert [cell.strip() for cell in lines[3].strip("|").split("|")] == [
        *("a much longer name", "ms", "3", "0", "3", "-", "-", "-", "-")
    ]
