"""What the local gateway must know of a deployed function to run it as real processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """One Lambda function, as the deployed template describes it.

    Attributes:
        name: Logical id in template.yaml, e.g. `ChatFunction`.
        code: Folder of `handler.py` (CodeUri).
        handler: `module.function`.
        layers: Folders that Lambda would put on the path as /opt/python.
        environment: Resolved variables, plus what points the AWS SDK at the embedded AWS.
        timeout_s: Function timeout; the worker is killed when it is reached.
        memory_mb: Shown to the function; not enforced here.
    """

    name: str
    code: Path
    handler: str
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
