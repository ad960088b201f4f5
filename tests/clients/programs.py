"""The client programs: how each one is run, and what it has cases for."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NPM_HOME = ROOT / ".tools/clients"
PYTHON_HOME = ROOT / ".tools/clients-python"
CHAT = (
    "chat", "chat, streamed", "tool call", "tool call, streamed", "structured output",
)  # fmt: skip
TEXT = ("completions", "completions, streamed")
REFUSALS = ("400", "401", "402", "403", "404", "429")
FAILURES = (*REFUSALS, "503, then an answer", "error in a stream")
# What each client raises at the refusals.
OPENAI = (
    "BadRequestError", "AuthenticationError", "APIStatusError", "PermissionDeniedError",
    "NotFoundError", "RateLimitError",
)  # fmt: skip
OPENAI_JS = (*OPENAI[:2], "APIError", *OPENAI[3:])
OPENROUTER = (
    "BadRequestResponseError", "UnauthorizedResponseError", "PaymentRequiredResponseError",
    "ForbiddenResponseError", "NotFoundResponseError", "TooManyRequestsResponseError",
)  # fmt: skip
AI = ("AI_APICallError",) * 6
LITELLM = (
    "BadRequestError", "AuthenticationError", "APIError", "APIError", "NotFoundError",
    "RateLimitError",
)  # fmt: skip
CATALOGUE = (
    "models", "models, counted", "models of a key", "model", "endpoints", "endpoints, ZDR",
    "providers",
)  # fmt: skip
BOOKS = ("key", "keys", "credits", "activity", "generation")
SIGN_IN = ("code exchanged for a key",)
FEATURES = (
    "chat", "chat, by asyncio", *CHAT[1:], *TEXT, *CATALOGUE, *BOOKS, *SIGN_IN,
    "page to sign in at", *FAILURES,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program of cases.

    Attributes:
        slug: Names it in tests and tenants.
        package: The client's name in its registry.
        lock: The lock that holds its version.
        command: What runs it; it reads where the gateway is from its standard input.
        cases: What it prints a line for.
        errors: What it raises at each of `REFUSALS`.
        retries: How often it repeats what met a 429.
    """

    slug: str
    package: str
    lock: Path
    command: tuple[str, ...]
    cases: tuple[str, ...]
    errors: tuple[str, ...]
    retries: int = 0

    @property
    def language(self) -> str:
        """What it is written in."""
        return "JavaScript" if self.lock.suffix == ".json" else "Python"

    @property
    def version(self) -> str:
        """The locked version."""
        pattern = (
            rf'"node_modules/{self.package}": {{\s*"version": "([^"]+)"'
            if self.lock.suffix == ".json"
            else rf"(?m)^{self.package}==(\S+)"
        )
        found = re.search(pattern, self.lock.read_text())
        assert found is not None, f"{self.package} is not in {self.lock}"
        return found[1]


def _python(slug: str, package: str, *, home: Path | None = None, **about: Any) -> Program:
    """Return a program in Python; with a home it runs there, away from our own packages."""
    return Program(
        slug=slug,
        package=package,
        lock=ROOT / ("requirements/clients.txt" if home else "requirements.lock"),
        command=(
            str(home / "bin/python") if home else sys.executable,
            "-m",
            f"tests.clients.{slug}_client",
        ),
        **about,
    )


def _node(slug: str, package: str, **about: Any) -> Program:
    """Return a program in JavaScript; by the symbolic link it finds the installed packages."""
    script = str(NPM_HOME / f"programs/{slug.removesuffix('-js')}.mjs")
    return Program(
        slug=slug,
        package=package,
        lock=ROOT / "requirements/clients/package-lock.json",
        command=(str(NPM_HOME / "node"), "--preserve-symlinks-main", script),
        **about,
    )


PROGRAMS = (
    _python(
        "openai",
        "openai",
        cases=("chat, by asyncio", *CHAT, *TEXT, "models", *FAILURES),
        errors=OPENAI,
        retries=1,
    ),
    _node(
        "openai-js",
        "openai",
        cases=(*CHAT, *TEXT, "models", *FAILURES),
        errors=OPENAI_JS,
        retries=1,
    ),
    _python(
        "openrouter",
        "openrouter",
        cases=("chat, by asyncio", *CHAT, *CATALOGUE, *BOOKS, *SIGN_IN, *FAILURES),
        errors=OPENROUTER,
    ),
    _node(
        "openrouter-js",
        "@openrouter/sdk",
        cases=(*CHAT, *CATALOGUE, *BOOKS, *SIGN_IN, "page to sign in at", *FAILURES),
        errors=OPENROUTER,
    ),
    _node(
        "ai-js",
        "@openrouter/ai-sdk-provider",
        cases=(*CHAT, *TEXT, *FAILURES),
        errors=AI,
        retries=1,
    ),
    _python(
        "langchain",
        "langchain-openrouter",
        cases=("chat, by asyncio", *CHAT, *FAILURES),
        errors=OPENROUTER,
        home=PYTHON_HOME,
    ),
    _python(
        "litellm",
        "litellm",
        cases=("chat, by asyncio", *CHAT, *TEXT, *FAILURES),
        errors=LITELLM,
        home=PYTHON_HOME,
    ),
)
