"""The deterministic model: it answers with the words of the last message, or of the prompt."""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from local.simulator.tool_calls import ToolCall, wished_call

_WORD: Final = re.compile(r"\s*\S+")
_NOTHING_TO_ECHO: Final = "(silence)"
_TOKENS_PER_MESSAGE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model gets to see of a request; `sampling` holds the parameters it may honour.

    `text` stands in place of messages: text, or token ids. With `echo` the answer begins with it.
    `logprobs` is how many alternatives to tell of each token; None tells nothing of likelihood.
    `tools` are the names of the functions that it may call.
    """

    messages: Sequence[dict[str, Any]]
    max_tokens: int | None
    sampling: dict[str, Any]
    text: str | Sequence[int] | None = None
    echo: bool = False
    logprobs: int | None = None
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """How likely a token was, and which others were: natural logarithms of probabilities."""

    logprob: float
    alternatives: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A bit of an answer. Token counts are totals so far; the last piece has a finish reason.

    `index` is the choice it belongs to, `offset` the characters of that choice before it.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    finish_reason: str | None = None
    likelihood: Likelihood | None = None
    tool_call: ToolCall | None = None
    index: int = 0
    offset: int = 0


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
    """One token per word; a prompt has one token per word or id, and three per message."""

    def answer(self, prompt: Prompt) -> Generator[Piece]:
        """Yield the words of the prompt or the last message, at most `max_tokens` of them."""
        text = _last_text(prompt.messages) if prompt.text is None else plain(prompt.text)
        if call := wished_call(text, tools=prompt.tools):
            yield from _called(call, prompt)
            return
        if prompt.echo and text:
            yield Piece(text=text, prompt_tokens=count_prompt_tokens(prompt), completion_tokens=0)
        yield from spoken(_WORD.findall(text) or [_NOTHING_TO_ECHO], prompt)


def spoken(words: Sequence[str], prompt: Prompt) -> Generator[Piece]:
    """Yield *words* as one token each, at most `max_tokens` of them, then the finish."""
    prompt_tokens = count_prompt_tokens(prompt)
    limit = prompt.max_tokens or len(words)
    said = words[:limit]
    for number, word in enumerate(said, 1):
        yield Piece(
            text=word,
            prompt_tokens=prompt_tokens,
            completion_tokens=number,
            likelihood=_certain(word, told=prompt.logprobs),
        )
    yield Piece(
        text="",
        prompt_tokens=prompt_tokens,
        completion_tokens=len(said),
        finish_reason="length" if limit < len(words) else "stop",
    )


def _called(call: ToolCall, prompt: Prompt) -> Generator[Piece]:
    """Yield a tool call, which is one token, then the finish."""
    prompt_tokens = count_prompt_tokens(prompt)
    yield Piece(text="", prompt_tokens=prompt_tokens, completion_tokens=1, tool_call=call)
    yield Piece(
        text="", prompt_tokens=prompt_tokens, completion_tokens=1, finish_reason="tool_calls"
    )


def count_prompt_tokens(prompt: Prompt) -> int:
    """Count a prompt's tokens as the echo model does."""
    if prompt.text is not None:
        return len(_WORD.findall(plain(prompt.text)))
    return sum(
        _TOKENS_PER_MESSAGE + len(_WORD.findall(text_of(message.get("content"))))
        for message in prompt.messages
    )


def plain(text: str | Sequence[int]) -> str:
    """Return a text as the echo model reads it: a token id is a word to it."""
    return text if isinstance(text, str) else " ".join(map(str, text))


def text_of(content: object) -> str:
    """Return the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return " ".join(text for text in texts if isinstance(text, str))


def _certain(word: str, *, told: int | None) -> Likelihood | None:
    if told is None:
        return None
    return Likelihood(logprob=0.0, alternatives={word: 0.0} if told else {})


def _last_text(messages: Sequence[dict[str, Any]]) -> str:
    """Return what the user or a tool said last."""
    told = [message for message in messages if message.get("role") in {"user", "tool"}]
    return text_of(told[-1].get("content")) if told else ""
