"""Messages of a chat request: their checks, and how much media they carry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from weir.domain.errors import InvalidRequestError
from weir.http.checks import (
    Check,
    array,
    by_member,
    by_type,
    described,
    nullable,
    record,
    text,
)


@described(lambda: {"type": "null"})
def _no_file_id(path: str, value: Any) -> None:
    # It would name an object of the operator's account, which all tenants share.
    if value is not None:
        raise InvalidRequestError(f"{path} is not supported: send the file itself in file_data")


_CACHE_CONTROL = record({"type": text()}, required=("type",))
_IMAGE = {
    "image_url": record({"url": text(), "detail": nullable(text())}, required=("url",)),
}
_VIDEO = {"video_url": record({"url": text()}, required=("url",))}
_AUDIO = {
    "input_audio": record({"data": text(), "format": text()}, required=("data", "format")),
}
_FILE = {
    "file": record(
        {
            "filename": nullable(text()),
            "file_data": nullable(text()),
            "file_id": _no_file_id,
        }
    ),
}
_TEXT = {
    "text": text(),
    "cache_control": nullable(_CACHE_CONTROL),
    "prompt_cache_breakpoint": nullable(record()),
}


def _part(members: Mapping[str, Check], *required: str) -> Check:
    return record({**members, "file_id": _no_file_id}, required=required)


_PARTS: dict[str, Check] = {
    "text": _part(_TEXT, "text"),
    "image_url": _part(_IMAGE, *_IMAGE),
    "input_audio": _part(_AUDIO, *_AUDIO),
    "video_url": _part(_VIDEO, *_VIDEO),
    "input_video": _part(_VIDEO, *_VIDEO),
    "file": _part(_FILE, *_FILE),
}
_MEDIA = _PARTS.keys() - {"text"}
_TYPE = {"type": text(min_chars=1)}

part = by_member("type", _PARTS, otherwise=_part(_TYPE))
"""Check of a content part; one of an unknown type passes as it is."""

_TYPED = record(_TYPE, required=("type",))
_CONTENT = by_type("a string or an array of content parts", {str: text(), list: array(part)})
_FUNCTION_CALL = record({"name": text(), "arguments": text()}, required=("name", "arguments"))
_TOOL_CALL = record(
    {"id": text(), "type": text(), "function": _FUNCTION_CALL},
    required=("id", "type"),
)
_NAMED: dict[str, Check] = {"content": _CONTENT, "name": nullable(text())}
_ASSISTANT: dict[str, Check] = {
    "content": nullable(_CONTENT),
    "name": nullable(text()),
    "model": nullable(text()),
    "refusal": nullable(text()),
    "reasoning": nullable(text()),
    "reasoning_content": nullable(text()),
    "reasoning_details": nullable(array(_TYPED)),
    "tool_calls": nullable(array(_TOOL_CALL)),
    "annotations": nullable(array(record())),
    "images": nullable(array(part)),
    "audio": nullable(record()),
}
_TOOL: dict[str, Check] = {"content": _CONTENT, "tool_call_id": text()}
_ROLES: dict[str, Check] = {
    "system": record(_NAMED, required=("content",)),
    "developer": record(_NAMED, required=("content",)),
    "user": record(_NAMED, required=("content",)),
    "assistant": record(_ASSISTANT),
    "tool": record(_TOOL, required=("content", "tool_call_id")),
}

message = by_member("role", _ROLES)
"""Check of one message, by the table of its role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """How many media parts there are, and the bytes of those that are embedded."""

    parts: int
    bytes: int


def media(messages: list[dict[str, Any]]) -> Media:
    """Count the media in checked messages."""
    payloads = [_payload(entry) for message in messages for entry in _media_parts(message)]
    return Media(parts=len(payloads), bytes=sum(map(_utf8_bytes, payloads)))


def _media_parts(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for member in ("content", "images"):
        entries = message.get(member)
        if isinstance(entries, list):
            yield from (entry for entry in entries if entry["type"] in _MEDIA)


def _payload(entry: dict[str, Any]) -> str:
    """Return the embedded data of a media part; nothing when it is a reference."""
    kind = entry["type"]
    if kind == "input_audio":
        return str(entry["input_audio"]["data"])
    if kind == "file":
        source = entry["file"].get("file_data") or ""
    else:
        source = entry["image_url" if kind == "image_url" else "video_url"]["url"]
    return source if source[:5].lower() == "data:" else ""


def _utf8_bytes(payload: str) -> int:
    return len(payload) if payload.isascii() else len(payload.encode())
