"""What `sam build` makes: the layers' layout, their processor, handlers that can be imported."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e import sam
from tests.e2e.stand_in_image import ARCHITECTURE
from tests.support import template as views

pytestmark = pytest.mark.e2e

ELF_MACHINE = {"x86_64": 62, "arm64": 183}


@pytest.fixture(scope="session")
def foreign_architecture() -> str:
    (other,) = ELF_MACHINE.keys() - {ARCHITECTURE}
    return other


@pytest.fixture(scope="session")
def foreign_build(
    sam_environment: Mapping[str, str], work: Path, foreign_architecture: str
) -> Path:
    return sam.build(
        work / "foreign", environment=sam_environment, architecture=foreign_architecture
    )


def test_layers_hold_their_packages_where_python_looks(native_build: Path) -> None:
    for layer, entry in [
        ("WeirLayer", "weir/__init__.py"),
        ("RuntimeLayer", "lambda_stream/__main__.py"),
        ("RuntimeLayer", "awslambdaric/bootstrap.py"),
        ("SignInLayer", "jwt/__init__.py"),
        ("DependenciesLayer", "requests/__init__.py"),
        ("DependenciesLayer", "aws_lambda_powertools/__init__.py"),
    ]:
        assert (native_build / layer / "python" / entry).is_file(), entry


def test_the_document_of_the_api_lies_beside_what_serves_it(native_build: Path) -> None:
    assert (native_build / "CatalogFunction" / "openapi.json").is_file()


def test_wrapper_is_executable_where_the_template_says(native_build: Path) -> None:
    wrapper = views.environment(views.deployed(), "ChatFunction")["AWS_LAMBDA_EXEC_WRAPPER"]
    file = native_build / "RuntimeLayer" / wrapper.removeprefix("/opt/")

    assert file.stat().st_mode & 0o111 == 0o111


def test_layers_leave_to_the_managed_runtime_what_it_has(native_build: Path) -> None:
    assert not list(native_build.glob("*/python/boto*"))


def test_libraries_are_for_this_processor(native_build: Path) -> None:
    assert _machines(native_build) == {ELF_MACHINE[ARCHITECTURE]}


def test_libraries_are_for_the_other_processor_when_it_is_named(
    foreign_build: Path, foreign_architecture: str
) -> None:
    assert _machines(foreign_build) == {ELF_MACHINE[foreign_architecture]}


@pytest.mark.parametrize(
    "function", ["AuthFunction", "CatalogFunction", "ChatFunction", "SweepFunction"]
)
def test_handler_can_be_imported_from_the_build(
    function: str, native_build: Path, managed_runtime: Path, python313: Path
) -> None:
    layers = [native_build / layer / "python" for layer in _layers(function)]
    path = [native_build / function, *layers, managed_runtime]

    done = subprocess.run(
        [python313, "-S", "-c", "import handler; print(handler.lambda_handler.__name__)"],
        env=_environment(function) | {"PYTHONPATH": ":".join(map(str, path))},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "lambda_handler\n", done.stderr


def _machines(build: Path) -> set[int]:
    """Return the ELF machine of every shared library in the layers; it is at offset 18."""
    found = {
        int.from_bytes(library.read_bytes()[18:20], "little")
        for library in build.glob("*/python/**/*.so")
    }
    assert found, "no shared library at all"
    return found


def _layers(function: str) -> list[str]:
    layers = views.source()["Resources"][function]["Properties"]["Layers"]
    return [layer["Ref"] for layer in layers]


def _environment(function: str) -> dict[str, str]:
    """Return a deployed environment: parameters at their defaults, resources by logical id."""
    template = views.deployed()
    defaults = {name: entry.get("Default") for name, entry in template["Parameters"].items()}
    return {
        name: str(value)
        if isinstance(value, str | int)
        else str(defaults.get(value["Ref"], value["Ref"]))
        for name, value in views.environment(template, function).items()
        if not (isinstance(value, dict) and "Fn::If" in value)
    }
