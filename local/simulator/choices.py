"""Several answers in one: each prompt as often as asked for, one after the other."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from local.simulator.echo import Model, Piece, Prompt


def answered(model: Model, prompts: Sequence[Prompt], *, n: int, best_of: int) -> Generator[Piece]:
    """Yield the pieces of all answers; token counts run through, a prompt counts once.

    Of the `best_of` answers to a prompt the first `n` are shown: the others are pieces without
    text and without a finish reason.

    Raises:
        ModelError: The model refuses a prompt or broke down.
    """
    before = Piece(text="", prompt_tokens=0, completion_tokens=0)
    for number, prompt in enumerate(prompts):
        first: Piece | None = None
        for attempt in range(best_of):
            last = before
            with closing(_indexed(model, prompt, index=number * n + attempt)) as pieces:
                for piece in pieces:
                    last = _added(before, piece)
                    yield last if attempt < n else replace(last, text="", finish_reason=None)
            first = first or last
            before = replace(before, completion_tokens=last.completion_tokens)
        if first is not None:
            before = replace(
                before, prompt_tokens=first.prompt_tokens, cached_tokens=first.cached_tokens
            )


def _indexed(model: Model, prompt: Prompt, *, index: int) -> Generator[Piece]:
    offset = 0
    with closing(model.answer(prompt)) as pieces:
        for piece in pieces:
            yield replace(piece, index=index, offset=offset)
            offset += len(piece.text)


def _added(before: Piece, piece: Piece) -> Piece:
    """Return a piece whose counts are those of all answers so far."""
    return replace(
        piece,
        prompt_tokens=before.prompt_tokens + piece.prompt_tokens,
        completion_tokens=before.completion_tokens + piece.completion_tokens,
        cached_tokens=before.cached_tokens + piece.cached_tokens,
    )
