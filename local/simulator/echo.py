"""The deterministic model: it answers with the words of the last user message, one per token."""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

_WORD: Final = re.compile(r"\s*\S+")
_NOTHING_TO_ECHO: Final = "(silence)"
_TOKENS_PER_MESSAGE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model gets to see of a request; `sampling` holds the parameters it may honour."""

    messages: Sequence[dict[str, Any]]
    max_tokens: int | None
    sampling: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A bit of an answer. Token counts are totals so far; the last piece has a finish reason."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    finish_reason: str | None = None


class Model(Protocol):
    """Produces an answer piece by piece; closing the generator stops the work."""

    def answer(self, prompt: Prompt) -> Generator[Piece]:
        """Yield the pieces; only the last one has a finish reason.

        Raises:
            ModelError: The model refuses the prompt or broke down.
        """
        ...


class ModelError(Exception):
    """A model cannot answer; `status` is the HTTP status that says why."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class EchoModel:
    """One token per word; a prompt has one token per word and three per message."""

    def answer(self, prompt: Prompt) -> Generator[Piece]:
        """Yield the last user message's words, at most `max_tokens` of them."""
        words = _WORD.findall(_last_user_text(prompt.messages)) or [_NOTHING_TO_ECHO]
        yield from spoken(words, prompt)


def spoken(words: Sequence[str], prompt: Prompt) -> Generator[Piece]:
    """Yield *words* as one token each, at most `max_tokens` of them, then the finish."""
    prompt_tokens = count_prompt_tokens(prompt.messages)
    limit = prompt.max_tokens or len(words)
    said = words[:limit]
    for number, word in enumerate(said, 1):
        yield Piece(text=word, prompt_tokens=prompt_tokens, completion_tokens=number)
    yield Piece(
        text="",
        prompt_tokens=prompt_tokens,
        completion_tokens=len(said),
        finish_reason="length" if limit < len(words) else "stop",
    )


def count_prompt_tokens(messages: Sequence[dict[str, Any]]) -> int:
    """Count a prompt's tokens as the echo model does."""
    return sum(
        _TOKENS_PER_MESSAGE + len(_WORD.findall(text_of(message.get("content"))))
        for message in messages
    )


def text_of(content: object) -> str:
    """Return the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return " ".join(text for text in texts if isinstance(text, str))


def _last_user_text(messages: Sequence[dict[str, Any]]) -> str:
    users = [message for message in messages if message.get("role") == "user"]
    return text_of(users[-1].get("content")) if users else ""
