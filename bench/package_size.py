"""The size of what is deployed for the chat function: its folder and the three layers, zipped."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Goal, Row
from bench.packages import installed_files, pinned_packages
from bench.processes import ROOT

_GOAL_MB = Goal(target=3.5, reject=6)
_OWN = ("layers/weir/weir", "layers/runtime/lambda_stream", "functions/chat")


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
    for name, path in installed_files(pinned_packages()):
        if path.is_file():
            yield str(name), path
