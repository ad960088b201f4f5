"""The third-party packages that the chat function finds on Lambda, and no others.

The development environment holds more, and botocore imports what it finds (awscrt, pyOpenSSL):
start and memory measured in it would be those of another program.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackagePath, distribution
from pathlib import Path

from bench.processes import ROOT

# Part of the managed runtime; the layers leave it out. jmespath and urllib3 are in both.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "python-dateutil", "six")

_LAYERS = ("layers/dependencies", "layers/runtime")
_PINNED = re.compile(r"^([\w.-]+)==", re.MULTILINE)


def pinned_packages() -> set[str]:
    """Return the names of the packages that the layers install."""
    texts = ((ROOT / layer / "requirements.txt").read_text() for layer in _LAYERS)
    return {name for text in texts for name in _PINNED.findall(text)}


def installed_files(names: Iterable[str]) -> Iterator[tuple[PackagePath, Path]]:
    """Yield the files of packages, by their name in site-packages, and where they are."""
    for name in names:
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                yield file, Path(str(file.locate()))


def link(folder: Path) -> Path:
    """Fill a folder with links to the packages; return it."""
    folder.mkdir()
    for file, path in installed_files({*pinned_packages(), *RUNTIME_PACKAGES}):
        top = folder / file.parts[0]
        if not top.exists():
            top.symlink_to(path.parents[len(file.parts) - 2] if len(file.parts) > 1 else path)
    return folder
