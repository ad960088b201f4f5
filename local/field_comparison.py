"""Two JSON bodies field by field: which fields are the same, and how the others differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What becomes of a field.

    SAME: there, and of one kind; null counts as any kind where the other body has it.
    """

    SAME = "same"
    ABSENT = "not here"
    NULL = "null here"
    MORE = "only here"
    OTHER = "of another kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldVerdict:
    """What becomes of one field; `field` is a path such as `data[].pricing.prompt`."""

    field: str
    verdict: Verdict


def compare(sample: Any, served: Any) -> list[FieldVerdict]:
    """Return a verdict for every field of either body, those of the sample first.

    The members of what is not there, or null, are not told one by one.
    """
    ours, theirs = kinds(served), kinds(sample)
    verdicts = [
        FieldVerdict(field=field, verdict=_verdict(kind, ours.get(field)))
        for field, kind in theirs.items()
    ]
    verdicts += [
        FieldVerdict(field=field, verdict=Verdict.MORE) for field in ours if field not in theirs
    ]
    gone = {each.field for each in verdicts if each.verdict is not Verdict.SAME}
    return [each for each in verdicts if not _is_within(each.field, gone)]


def kinds(body: Any) -> Mapping[str, frozenset[str]]:
    """Return the fields of a body, and of which kinds of JSON value each is."""
    found: dict[str, set[str]] = {}
    for field, kind in _walk(body, ""):
        found.setdefault(field, set()).add(kind)
    return {field: frozenset(kind) for field, kind in found.items()}


def _verdict(theirs: frozenset[str], ours: frozenset[str] | None) -> Verdict:
    if ours is None:
        return Verdict.ABSENT
    if ours == {"null"} != theirs:
        return Verdict.NULL
    if ours - {"null"} <= theirs or theirs == {"null"}:
        return Verdict.SAME
    return Verdict.OTHER


def _is_within(field: str, parents: set[str]) -> bool:
    return any(field.startswith((f"{parent}.", f"{parent}[")) for parent in parents)


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if path:
        yield path, _kind(value)
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, f"{path}[]")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
    return "number"
