"""Reports add up what they are asked, and never more than what is asked."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.usage_figures import cell, sums
from weir.domain.rollups import DayFigure, Family, Sums
from weir.domain.usage_reports import Grouping, UsageQuery, UsageRow, rows

DAYS = ("2026-10-31", "2026-11-01", "2026-11-02")
FIGURES = st.lists(
    st.builds(
        lambda day, key, model, price: DayFigure(
            day=day, cell=cell(key_id=key, model=model), sums=sums(price)
        ),
        st.sampled_from(DAYS),
        st.sampled_from(["0123abcd", "ffff0000"]),
        st.sampled_from(["a/one", "b/two"]),
        st.integers(0, 1_000),
    )
).map(lambda found: sorted(found, key=lambda figure: figure.day))
GROUPS = st.lists(st.sampled_from(Grouping), unique=True).map(tuple)


def query(*groups: Grouping, **changes: str) -> UsageQuery:
    return UsageQuery(groups=groups, first=DAYS[0], last=DAYS[-1], **changes)


def total(found: list[UsageRow]) -> Sums:
    return sum((row.sums for row in found), Sums())


@given(figures=FIGURES, groups=GROUPS)
def test_rows_add_up_to_the_figures_whatever_they_are_grouped_by(
    figures: list[DayFigure], groups: tuple[Grouping, ...]
) -> None:
    found = list(rows(figures, query=query(*groups)))

    assert total(found) == sum((figure.sums for figure in figures), Sums())
    names = [tuple(row.about.items()) for row in found]
    assert len(set(names)) == len(names)
    assert all(tuple(row.about) == groups for row in found)


@given(figures=FIGURES)
def test_a_filter_takes_its_part_and_no_other(figures: list[DayFigure]) -> None:
    parts = [
        total(list(rows(figures, query=query(model=model, key_id=key))))
        for model in ("a/one", "b/two")
        for key in ("0123abcd", "ffff0000")
    ]

    assert sum(parts, Sums()) == sum((figure.sums for figure in figures), Sums())


def test_rows_come_day_by_day_or_month_by_month() -> None:
    figures = [DayFigure(day=day, cell=cell(), sums=sums(1)) for day in DAYS]

    by_day = rows(iter(figures), query=query(Grouping.MODEL, Grouping.DAY))
    by_month = list(rows(figures, query=query(Grouping.MONTH)))

    assert [row.about[Grouping.DAY] for row in by_day] == list(DAYS)
    assert [row.about[Grouping.MONTH] for row in by_month] == ["2026-10", "2026-11"]
    assert [row.sums.price_nano_usd for row in by_month] == [1, 2]


def test_end_users_are_told_apart_by_their_own_cells_alone() -> None:
    assert query(Grouping.DAY).family is Family.KEY
    assert query(Grouping.END_USER).family is Family.END_USER
    assert query(Grouping.DAY, end_user="ann").family is Family.END_USER
    of_ann = cell(family=Family.END_USER, end_user="ann", provider=None)
    figures = [DayFigure(day=DAYS[0], cell=of_ann, sums=sums(5))]

    (row,) = rows(figures, query=query(Grouping.END_USER, Grouping.PROVIDER, end_user="ann"))

    assert row.about == {Grouping.END_USER: "ann", Grouping.PROVIDER: ""}
    assert list(rows(figures, query=query(Grouping.END_USER, end_user="bob"))) == []
