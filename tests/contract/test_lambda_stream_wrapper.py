"""The script Lambda is told to start the process through."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lambda_stream

WRAPPER = Path(lambda_stream.__file__).parents[1] / "stream-wrapper"
SHOW_ORIGIN = "import awslambdaric, pinned, function\nprint(awslambdaric.ORIGIN, function.ORIGIN)\n"


def write_module(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_layer_wins_over_managed_runtime_when_wrapper_starts_the_process(tmp_path: Path) -> None:
    layer, managed, task = tmp_path / "opt/python", tmp_path / "runtime", tmp_path / "task"
    site_packages = layer / "lib" / Path(sys.executable).name / "site-packages"
    write_module(layer / "lambda_stream.py", SHOW_ORIGIN)
    write_module(layer / "awslambdaric.py", "ORIGIN = 'layer'")
    write_module(managed / "awslambdaric.py", "ORIGIN = 'managed runtime'")
    write_module(managed / "function.py", "ORIGIN = 'managed runtime'")
    write_module(task / "function.py", "ORIGIN = 'function'")
    write_module(site_packages / "pinned.py", "")
    wrapper = shutil.copy2(WRAPPER, layer / "stream-wrapper")

    process = subprocess.run(
        [wrapper, sys.executable, "/var/runtime/bootstrap.py"],
        env={"LAMBDA_TASK_ROOT": str(task), "LAMBDA_RUNTIME_DIR": str(managed)},
        cwd=task,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.stdout, process.stderr) == ("layer function\n", "")


def test_wrapper_can_be_executed_when_copied_into_the_layer() -> None:
    assert os.access(WRAPPER, os.X_OK)
