"""Samples to figures: medians over rounds, and A against B taken in the same round."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What `performance` asks of a figure: the target, and what is rejected.

    Attributes:
        compared: False when a known deviation makes the figure another one than the goal's.
    """

    target: float
    reject: float
    compared: bool = True

    def verdict(self, figure: float) -> str:
        """Judge a figure, of which less is better."""
        if figure <= self.target:
            reached = "reached"
        elif figure <= self.reject:
            reached = "missed"
        else:
            reached = "rejected"
        return reached if self.compared else f"({reached})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; None where there is nothing to compare with."""

    name: str
    unit: str
    weir: float
    bare: float | None = None
    added: float | None = None
    ratio: float | None = None
    goal: Goal | None = None


def alone(name: str, unit: str, weir: Sequence[float], *, goal: Goal | None = None) -> Row:
    """Make a row of a figure that the bare handler does not have."""
    return Row(name=name, unit=unit, weir=median(weir), goal=goal)


def compared(
    name: str,
    unit: str,
    weir: Sequence[float],
    bare: Sequence[float],
    *,
    goal: Goal | None = None,
) -> Row:
    """Make a row of samples taken in turns.

    Difference and ratio are the medians over the rounds, because the noise of a shared machine
    changes from round to round and is much the same within one.
    """
    pairs = list(zip(weir, bare, strict=True))
    has_ratio = all(limit > 0 for _, limit in pairs)
    return Row(
        name=name,
        unit=unit,
        weir=median(weir),
        bare=median(bare),
        added=median(ours - limit for ours, limit in pairs),
        ratio=median(ours / limit for ours, limit in pairs) if has_ratio else None,
        goal=goal,
    )


def less(samples: Sequence[float], floor: Sequence[float]) -> list[float]:
    """Take the floor of the same round off each sample."""
    return [sample - own for sample, own in zip(samples, floor, strict=True)]
