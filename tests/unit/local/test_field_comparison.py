from typing import Any

import pytest

from local.field_comparison import Verdict, compare


def verdicts(sample: Any, served: Any) -> dict[str, Verdict]:
    return {each.field: each.verdict for each in compare(sample, served)}


@pytest.mark.parametrize(
    ("sample", "served", "verdict"),
    [
        (1, 2.5, Verdict.SAME),
        (None, "x", Verdict.SAME),
        (None, None, Verdict.SAME),
        ("x", None, Verdict.NULL),
        ("x", 1, Verdict.OTHER),
        (True, 1, Verdict.OTHER),
        (None, {"a": 1}, Verdict.SAME),
    ],
)
def test_a_field_gets_a_verdict_when_both_bodies_have_it(
    sample: Any, served: Any, verdict: Verdict
) -> None:
    assert verdicts({"f": sample}, {"f": served})["f"] is verdict


def test_a_field_is_told_when_only_one_body_has_it() -> None:
    found = verdicts({"a": 1, "b": {"c": 1}}, {"a": 1, "d": {"e": 1}})

    assert found == {"a": Verdict.SAME, "b": Verdict.ABSENT, "d": Verdict.MORE}


def test_items_of_a_list_count_together_when_they_differ() -> None:
    sample = [{"a": 1}, {"a": None, "b": "x"}]

    assert verdicts(sample, [{"a": None}, {"a": 3, "b": "y"}]) == {
        "[]": Verdict.SAME, "[].a": Verdict.SAME, "[].b": Verdict.SAME,
    }  # fmt: skip
    assert verdicts(sample, [])["[]"] is Verdict.ABSENT
