"""`python -m local`: bring the stack up, say how to talk to it, take it down on Ctrl-C or TERM."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from local.stack import STATE, LocalStack, StackOptions

DEFAULT_PORT = 8080
SMALL_MODEL = "weir/smollm2-135m"
OPENROUTER_MODEL = "openai/gpt-4o-mini"


def main() -> int:
    """Serve until told to stop; returns the exit code."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        port = int(os.environ.get("PORT") or DEFAULT_PORT)
    except ValueError:
        print(f"PORT must be a number, got {os.environ['PORT']!r}", file=sys.stderr)
        return 2
    options = StackOptions(
        port=port, upstream_key=os.environ.get("OPENROUTER_API_KEY") or None, say=_say
    )
    try:
        with LocalStack(options) as stack:
            state = _write_state(stack)
            try:
                print(_welcome(stack), flush=True)
                stopping.wait()
            finally:
                state.unlink(missing_ok=True)
                _say("stopping")
    except OSError as error:
        print(f"cannot serve on port {port}: {error}. Choose another: PORT=8081 make run")
        return 1
    return 0


def _say(line: str) -> None:
    print(f"==> {line}", flush=True)


def _model(stack: LocalStack) -> str:
    return SMALL_MODEL if stack.simulator else OPENROUTER_MODEL


def _write_state(stack: LocalStack) -> Path:
    """Write stack.json whole, or not at all; console and operator key are not built yet."""
    STATE.mkdir(parents=True, exist_ok=True)
    facts = {
        "base_url": stack.base_url,
        "api_key": stack.api_key,
        "management_key": stack.management_key,
        "operator_key": None,
        "console_url": None,
        "simulator_url": stack.simulator.url if stack.simulator else None,
        "model": _model(stack),
        "aws_endpoint_url": stack.aws.url,
        "tables": {
            name: stack.deployment.physical_ids[name]
            for name in ("AccountsTable", "UsageTable", "ControlTable")
        },
        "pid": os.getpid(),
    }
    path, draft = STATE / "stack.json", STATE / "stack.json.new"
    draft.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)
    return path


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
