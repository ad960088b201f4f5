"""What a newcomer does: `make run`, paste the printed curl, stop it with Ctrl-C."""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.state_file import live_owner
from tests.support.stacks import wait_until
from tests.support.template import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

STACK_FILE = ROOT / "local" / ".state" / "stack.json"
FACTS = "base_url api_key management_key operator_key console_url simulator_url model pid"
STOP_TIMEOUT_S = 30
# How pip and uv reach their registry; everything else of this shell stays out. Proxies are gone by
# now, but `make e2e` has installed everything.
PASSED = re.compile(r"PATH|HOME|(PIP|SSL|UV)_.*|(REQUESTS|CURL)_CA_BUNDLE")
CURL = re.compile(r"^  (curl .*?)\n\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRun:
    """A running `make run`, the content of its stack.json, and the command it printed."""

    make: subprocess.Popen[bytes]
    facts: Mapping[str, Any]
    curl: str


@pytest.fixture
def run(tmp_path: Path) -> Iterator[MakeRun]:
    if owner := live_owner(STACK_FILE):
        pytest.skip(f"a `make run` with process id {owner} serves from here")
    environment = {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}
    with (log := tmp_path / "output").open("wb") as output:
        make = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env={**environment, "PORT": _free_port()},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: make.poll() is not None or "Ctrl-C" in log.read_text(), timeout_s=240)
        printed = CURL.search(log.read_text())
        assert printed is not None, log.read_text()
        assert "loaded weir/smollm2-135m" in log.read_text()
        facts = json.loads(STACK_FILE.read_bytes())
        assert facts["base_url"] in printed[1], "another `make run` has written stack.json"
        yield MakeRun(make=make, facts=facts, curl=printed[1])
    finally:
        if make.poll() is None:
            os.killpg(make.pid, signal.SIGKILL)
            STACK_FILE.unlink(missing_ok=True)
        make.wait()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_printed_curl_is_answered_when_pasted(run: MakeRun) -> None:
    command = run.curl + " --silent --show-error --write-out '\\n%{http_code}'"

    # None of this shell's variables: a proxy would be asked for 127.0.0.1.
    asked = ["env", "-i", f"PATH={os.environ['PATH']}", "bash", "-c", command]
    body, status = subprocess.check_output(asked, timeout=120).rsplit(b"\n", 1)

    assert status == b"200"
    assert json.loads(body)["choices"][0]["message"]["role"] == "assistant"


def test_answer_arrives_event_by_event_when_streamed(run: MakeRun) -> None:
    reads = list(_streamed(run.facts))

    assert reads[0].startswith(b"HTTP/1.1 200 ")
    assert b"".join(reads).count(b"data: [DONE]\n\n") == 1
    assert sum(b"data: {" in read for read in reads) >= 3


def test_nothing_is_left_when_interrupted_in_mid_stream(run: MakeRun) -> None:
    assert run.facts.keys() >= set(FACTS.split())

    with closing(_streamed(run.facts)) as stream:
        next(stream)
        family = _family(run.make.pid)
        os.killpg(run.make.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
        run.make.wait(STOP_TIMEOUT_S)

    _assert_gone(family)


def test_nothing_is_left_when_the_gateway_is_terminated(run: MakeRun) -> None:
    assert list(_streamed(run.facts))
    family = _family(run.make.pid)
    assert run.facts["pid"] in family

    os.kill(run.facts["pid"], signal.SIGTERM)

    assert run.make.wait(STOP_TIMEOUT_S) == 0
    _assert_gone(family)


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def _streamed(facts: Mapping[str, Any]) -> Generator[bytes]:
    """Ask for a stream on a bare socket and yield what each read brings."""
    url = urlsplit(facts["base_url"])
    said = [{"role": "user", "content": "Name the seven days of the week."}]
    body = json.dumps({"model": facts["model"], "messages": said, "stream": True, "max_tokens": 60})
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: {url.netloc}\r\n"
    head += f"Authorization: Bearer {facts['api_key']}\r\nConnection: close\r\n"
    with socket.create_connection((url.hostname, url.port), timeout=120) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        while read := client.recv(65536):
            yield read


def _family(leader: int) -> dict[int, int]:
    """Return a process and its descendants by id, each with a descriptor that tells its end."""
    family, unseen = {}, [leader]
    while unseen:
        pid = unseen.pop()
        family[pid] = os.pidfd_open(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            unseen += map(int, children.read_text().split())
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family]
    assert all(any(part in line for line in commands) for part in (b"lambda_stream", b"aws_server"))
    return family


def _assert_gone(family: Mapping[int, int]) -> None:
    assert not STACK_FILE.exists()
    wait_until(lambda: len(select.select(family.values(), [], [], 0)[0]) == len(family))
    for end in family.values():
        os.close(end)
