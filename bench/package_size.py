"""The size of what is deployed for the chat function: its folder and the three layers, zipped."""

import io
import re
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from bench.figures import Goal, Row
from bench.processes import ROOT

_GOAL_MB = Goal(target=3.5, reject=6)
_PINNED = re.compile(r"^([\w.-]+)==", re.MULTILINE)
_OWN = ("layers/weir/weir", "layers/runtime/lambda_stream", "functions/chat")
_LAYERS = ("layers/dependencies", "layers/runtime")


def measure() -> Row:
    """Return the row; sources only, because byte code depends on the interpreter."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(_deployed()):
            archive.write(path, name)
    return Row(
        name="package and layers, zipped, sources",
        unit="MB",
        weir=len(packed.getvalue()) / 1e6,
        goal=_GOAL_MB,
    )


def _deployed() -> Iterator[tuple[str, Path]]:
    for folder in _OWN:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(ROOT)), path
    for name in pinned_packages():
        for file in distribution(name).files or ():
            path = Path(str(file.locate()))
            if path.is_file() and "__pycache__" not in file.parts and ".." not in file.parts:
                yield str(file), path


def pinned_packages() -> set[str]:
    """Return the names of the packages that the layers install."""
    texts = ((ROOT / layer / "requirements.txt").read_text() for layer in _LAYERS)
    return {name for text in texts for name in _PINNED.findall(text)}
