"""`python -m local`: bring the stack up, say how to talk to it, take it down on Ctrl-C or TERM."""

import json
import os
import socket
import sys
from typing import Any

from local.aws import EmbeddedAwsError
from local.isolation import isolate_from_shell
from local.stack import STATE, LocalStack, StackOptions
from local.state_file import published
from local.stop_signals import StopSignals

HOST = "127.0.0.1"
MAX_PORT = 65_535
DEFAULT_PORT = 8080
SMALL_MODEL = "weir/smollm2-135m"
OPENROUTER_MODEL = "openai/gpt-4o-mini"


def main() -> int:
    """Serve until told to stop; returns the exit code."""
    signals = StopSignals()
    signals.listen()
    isolate_from_shell()
    try:
        port = _port(os.environ.get("PORT") or DEFAULT_PORT)
        # Before the model is loaded; the gateway binds it in earnest when all else is up.
        socket.create_server((HOST, port)).close()
    except ValueError as error:
        return _fail(str(error), code=2)
    except OSError as error:
        reason = error.strerror
        return _fail(f"cannot serve on port {port}: {reason}. Choose another: PORT=8081 make run")
    key = os.environ.get("OPENROUTER_API_KEY") or None
    try:
        _serve(StackOptions(port=port, upstream_key=key, say=_say), signals=signals)
    except EmbeddedAwsError as error:
        return _fail(f"cannot start: {error}")
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(options: StackOptions, *, signals: StopSignals) -> None:
    with LocalStack(options) as stack:
        signals.no_longer_interrupt()
        with published(_facts(stack), path=STATE / "stack.json", warn=_warn):
            print(_welcome(stack), flush=True)
            signals.wait()
        _say("stopping")


def _port(text: str | int) -> int:
    """Return PORT as a number.

    Raises:
        ValueError: It is no port; the message says so.
    """
    try:
        port = int(text)
    except ValueError as error:
        raise ValueError(f"PORT must be a number, got {text!r}") from error
    if not 0 <= port <= MAX_PORT:
        raise ValueError(f"PORT must be from 0 to {MAX_PORT}, got {port}")
    return port


def _fail(message: str, *, code: int = 1) -> int:
    _warn(message)
    return code


def _warn(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _say(line: str) -> None:
    print(f"==> {line}", flush=True)


def _model(stack: LocalStack) -> str:
    return SMALL_MODEL if stack.simulator else OPENROUTER_MODEL


def _facts(stack: LocalStack) -> dict[str, Any]:
    """Return what stack.json says; the console is not built yet."""
    return {
        "base_url": stack.base_url,
        "api_key": stack.api_key,
        "management_key": stack.management_key,
        "operator_key": stack.operator_key,
        "console_url": None,
        "simulator_url": stack.simulator.url if stack.simulator else None,
        "model": _model(stack),
        "aws_endpoint_url": stack.aws.url,
        "tables": dict(stack.tables),
    }


def _welcome(stack: LocalStack) -> str:
    body = {"model": _model(stack), "messages": [{"role": "user", "content": "Say hello."}]}
    return f"""
Weir is up. Base URL {stack.base_url}, key {stack.api_key}

  curl {stack.base_url}/chat/completions \\
    -H 'Authorization: Bearer {stack.api_key}' \\
    -H 'Content-Type: application/json' \\
    -d '{json.dumps(body)}'

Add "stream": true (and curl -N) to see it arrive token by token. Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main())
