"""A request for an answer, as far as the gateway must understand it: what it prices and forbids.

Everything else in the body passes through byte-true and is not represented here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What is answered: a chat, or plain text. The value is upstream's path, below its base URL."""

    CHAT = "/chat/completions"
    TEXT = "/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One validated request, ready to be forwarded.

    Attributes:
        body: The bytes to send: the client's own, with spliced `max_tokens` and namespaced ids.
        headers: The allow-listed request headers to send along.
        models: Every model that may answer, the first choice first; never empty.
        prompt_bytes: UTF-8 bytes of everything that becomes prompt tokens, embedded media left out.
        messages: Number of messages and plain prompts; each adds template tokens.
        media_parts: Number of image, audio, video and file parts.
        media_bytes: Bytes of the media embedded in them (base64 text).
        web_searches: Upper bound of web searches the request may trigger.
        max_tokens: Bound of all its completions together, ≥ 1.
        unpriced_feature: Name of a feature it asks for whose price no catalogue bounds, such as
            `service_tier "priority"`; None when there is none.
        mode: Which of upstream's two ways answers it.
        prompts: How many prompts are answered, each by itself, ≥ 1; the messages of a chat are one.
        token_ids: Prompt tokens that the client sent as numbers; not among `prompt_bytes`.
        completions: How many completions it asks for, of all its prompts together, ≥ 1.
        end_user: Who asks, from the field `user`, as `end_users` stores it; None when not named.
    """

    body: bytes
    headers: Mapping[str, str]
    models: tuple[str, ...]
    stream: bool
    prompt_bytes: int
    messages: int
    media_parts: int
    media_bytes: int
    web_searches: int
    max_tokens: int
    unpriced_feature: str | None
    mode: Mode = Mode.CHAT
    prompts: int = 1
    token_ids: int = 0
    completions: int = 1
    end_user: str | None = None
