"""Lambda's Python base image, or a stand-in where the public registry is out of reach.

The stand-in is busybox, one Python 3.13 with the libraries of this machine it is linked to,
and the interface client and boto3 that the managed runtime carries.
"""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

VERSION = "3.13"
PYTHON = f"python{VERSION}"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
IMAGE = f"public.ecr.aws/lambda/python:{VERSION}-{ARCHITECTURE}"
RUNTIME_PACKAGES = ("awslambdaric", "boto3")
_UNUSED = {"test", "idlelib", "tkinter", "ensurepip", "__pycache__", "site-packages", "turtledemo"}
_BOOTSTRAP = Path(__file__).with_name("bootstrap.sh")


class ImageUnavailableError(Exception):
    """Neither the base image nor what a stand-in is made of can be had; says what is missing."""


def install_runtime(folder: Path, *, python: Path) -> None:
    """Install what the managed runtime carries, in the locked versions."""
    pins = [f"{name}=={importlib.metadata.version(name)}" for name in RUNTIME_PACKAGES]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _output([*install, "--no-compile", "--root-user-action=ignore", f"--target={folder}", *pins])


def ensure_base_image(
    docker: Mapping[str, str], *, python: Path, managed_runtime: Path, work: Path
) -> None:
    """Have Lambda's base image for this processor in the daemon, pulled or made.

    Args:
        docker: Variables that reach the daemon.
        python: The Python 3.13 of a stand-in.
        managed_runtime: Its /var/runtime, as `install_runtime` makes it.
        work: Folder for the stand-in's files.

    Raises:
        ImageUnavailableError: No registry, and no busybox to make a stand-in of.
    """
    environment = {**os.environ, **docker}
    for command in (["docker", "image", "inspect", IMAGE], ["docker", "pull", "--quiet", IMAGE]):
        if not subprocess.run(
            command, env=environment, capture_output=True, check=False
        ).returncode:
            return
    busybox = shutil.which("busybox")
    if busybox is None:
        raise ImageUnavailableError(f"{IMAGE} cannot be pulled and busybox-static is not installed")
    root = work / "image"
    _userland(root, busybox=Path(busybox))
    _interpreter(root, python=python)
    _runtime(root, managed_runtime=managed_runtime)
    _import(root, environment=environment, archive=work / "image.tar")


def _userland(root: Path, *, busybox: Path) -> None:
    for folder in ("bin", "usr/bin", "etc", "tmp", "proc", "sys", "dev", "opt", "var/task"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy(busybox, root / "bin/busybox")
    for applet in _output([str(busybox), "--list"]).split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("/bin/busybox")
    (root / "usr/bin/env").symlink_to("/bin/env")
    users = "root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:993:990::/tmp:/bin/sh\n"
    (root / "etc/passwd").write_text(users)
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")


def _interpreter(root: Path, *, python: Path) -> None:
    prefix = Path(_output([str(python), "-c", "import sys; print(sys.base_prefix)"]).strip())
    for folder in ("bin", "lib"):
        shutil.copytree(
            prefix / folder,
            root / "var/lang" / folder,
            symlinks=True,
            ignore=shutil.ignore_patterns(*_UNUSED, "*.a"),
        )
    binaries = [prefix / "bin" / PYTHON, *(prefix / "lib" / PYTHON / "lib-dynload").glob("*.so")]
    _copy_libraries(root, [binary for binary in binaries if "tkinter" not in binary.name])


def _runtime(root: Path, *, managed_runtime: Path) -> None:
    runtime = root / "var/runtime"
    shutil.copytree(managed_runtime, runtime)
    _copy_libraries(root, sorted(runtime.glob("*.so")))
    bootstrap = Path(shutil.copy(_BOOTSTRAP, runtime / "bootstrap"))
    bootstrap.chmod(0o755)


def _copy_libraries(root: Path, binaries: Sequence[Path]) -> None:
    """Copy the shared libraries the binaries are linked to, under the paths they are looked for."""
    for library in sorted({library for binary in binaries for library in _linked(binary)}):
        target = root / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)


def _linked(binary: Path) -> Iterator[Path]:
    for line in _output(["ldd", str(binary)]).splitlines():
        yield from (Path(word) for word in line.split() if word.startswith("/"))


def _import(root: Path, *, environment: Mapping[str, str], archive: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        tar.add(root, arcname=".")
    settings = [
        "ENV PATH=/var/lang/bin:/usr/bin:/bin",
        "ENV LANG=C.UTF-8",
        "ENV LAMBDA_TASK_ROOT=/var/task",
        "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
        "ENV LD_LIBRARY_PATH=/var/lang/lib:/var/runtime:/var/task/lib:/opt/lib",
        "WORKDIR /var/task",
    ]
    changes = [word for setting in settings for word in ("--change", setting)]
    subprocess.run(
        ["docker", "import", *changes, str(archive), IMAGE],
        env=environment,
        capture_output=True,
        check=True,
    )
    archive.unlink()


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout
