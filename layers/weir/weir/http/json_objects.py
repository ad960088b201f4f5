"""JSON objects whose top-level members keep their place in the text, so a body can be spliced.

Strictness is the decoder's: `strict_json` reads clients, `upstream_json` reads upstream.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder, dumps
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")


class MalformedJsonError(ValueError):
    """The text is not the JSON object it should be.

    Attributes:
        reason: What is wrong; quotes nothing of the text.
        position: Character offset.
        member: Name of the top-level member it is in; None outside of one.
    """

    def __init__(self, reason: str, *, position: int, member: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.member = member


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The value of one member; `text[start:end]` is how it is written."""

    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonObject:
    """A parsed object beside its text.

    Attributes:
        members: The top-level members in their order.
        closing: Character offset of the closing brace.
    """

    text: str
    members: Mapping[str, Member]
    closing: int

    def get(self, name: str) -> Any:
        """Return the value of a member, None when it is absent or null."""
        member = self.members.get(name)
        return None if member is None else member.value


def scan_object(text: str, *, decoder: JSONDecoder) -> JsonObject:
    """Read a text that is one JSON object.

    Raises:
        MalformedJsonError: It is something else, has a member twice, or the decoder refuses it.
    """
    members: dict[str, Member] = {}
    at = _skip(text, _expect(text, _skip(text, 0), mark="{"))
    if text[at : at + 1] != "}":
        at = _read_member(text, at, decoder=decoder, members=members)
        while text[at : at + 1] == ",":
            at = _read_member(text, _skip(text, at + 1), decoder=decoder, members=members)
    end = _expect(text, at, mark="}")
    rest = _skip(text, end)
    if rest != len(text):
        raise MalformedJsonError("data after the end of the object", position=rest)
    return JsonObject(text=text, members=members, closing=end - 1)


def splice(document: JsonObject, *, replacements: Mapping[str, str]) -> bytes:
    """Put values into an object's text; every other byte stays as it was.

    `replacements` is JSON text by member name; an absent member is added at the end. Bytes that
    were decoded with `surrogateescape` come back as they were.
    """
    edits = []
    added = []
    for name, value in replacements.items():
        member = document.members.get(name)
        if member is None:
            added.append(f"{dumps(name)}:{value}")
        else:
            edits.append((member.start, member.end, value))
    if added:
        comma = "," if document.members else ""
        edits.append((document.closing, document.closing, comma + ",".join(added)))
    pieces: list[str] = []
    at = 0
    for start, end, value in sorted(edits):
        pieces += (document.text[at:start], value)
        at = end
    pieces.append(document.text[at:])
    return "".join(pieces).encode("utf-8", "surrogateescape")


def _read_member(text: str, at: int, *, decoder: JSONDecoder, members: dict[str, Member]) -> int:
    if text[at : at + 1] != '"':
        raise MalformedJsonError("a member name in double quotes is expected", position=at)
    name, end = _decode(text, at, decoder=decoder, member=None)
    if name in members:
        raise MalformedJsonError("the member appears twice", position=at, member=name)
    start = _skip(text, _expect(text, _skip(text, end), mark=":"))
    value, end = _decode(text, start, decoder=decoder, member=name)
    members[name] = Member(value=value, start=start, end=end)
    return _skip(text, end)


def _decode(text: str, at: int, *, decoder: JSONDecoder, member: str | None) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except JSONDecodeError as error:
        raise MalformedJsonError(error.msg, position=error.pos, member=member) from error
    except ValueError as error:
        raise MalformedJsonError(str(error), position=at, member=member) from error
    except RecursionError as error:
        raise MalformedJsonError("too deeply nested", position=at, member=member) from error


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, *, mark: str) -> int:
    if text[at : at + 1] != mark:
        found = "something else" if at < len(text) else "the end"
        raise MalformedJsonError(f"'{mark}' is expected, not {found}", position=at)
    return at + 1
