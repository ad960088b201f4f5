"""local/.state/stack.json: where the stack that is up can be found, and by which keys."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def published(
    facts: Mapping[str, Any], *, path: Path, warn: Callable[[str], object]
) -> Iterator[None]:
    """Keep the file while the block runs, unless another live stack has it.

    Args:
        facts: Its content; this process's id is added.
        warn: Gets a line when the file stays the other's.
    """
    owner = live_owner(path)
    if owner not in {None, os.getpid()}:
        warn(f"{path} stays that of the stack with process id {owner}")
        yield
        return
    _write({**facts, "pid": os.getpid()}, path=path)
    try:
        yield
    finally:
        if _owner(path) == os.getpid():
            path.unlink()


def live_owner(path: Path) -> int | None:
    """Return the process id in the file, if that process lives."""
    owner = _owner(path)
    if owner is None:
        return None
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # it lives, as another user
        return owner
    return owner


def _owner(path: Path) -> int | None:
    """Return the process id in the file; a file that is absent or of another form has none."""
    try:
        owner = json.loads(path.read_bytes())["pid"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return owner if isinstance(owner, int) and owner > 0 else None


def _write(content: Mapping[str, Any], *, path: Path) -> None:
    """Write the file whole or not at all, for its owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
