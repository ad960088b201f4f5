"""What every client program in Python shares: where the gateway is, and one line per case.

A program runs in a process of its own, some with packages that cannot live beside ours, so this
imports nothing but the standard library.
"""

import json
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MODEL = "weir/echo"
SAID = "one two three"
WISH = 'call weather {"city": "Paris"}'
WEATHER = "sunny in Paris"
PLACE = '{"city": "Paris", "degrees": 21}'
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather", "parameters": PARAMETERS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where the gateway is, and keys for it; `capped_key` and `poor_key` can pay for nothing.

    `faults_url` takes what is to go wrong with upstream's next answer.
    """

    name: str
    base_url: str
    api_key: str
    management_key: str
    capped_key: str
    poor_key: str
    faults_url: str

    def marked(self, case: str) -> str:
        """Return a prompt by which this case's requests are counted upstream."""
        return f"{self.name} {case}"

    def fail_once(self, status: int) -> None:
        """Have upstream refuse the next request, and only that."""
        body = json.dumps([{"name": str(status)}]).encode()
        wish = urllib.request.Request(self.faults_url, body, method="PUT")
        urllib.request.urlopen(wish, timeout=20).close()


Case = Callable[[Gateway], Any]


def user(text: str = SAID) -> list[Any]:
    """Return the messages of a conversation that begins."""
    return [{"role": "user", "content": text}]


def run(cases: Mapping[str, Case], *, describe: Callable[[Exception], dict[str, Any]]) -> None:
    """Run the cases, and print what each one got, or what it raised."""
    gateway = Gateway(**json.load(sys.stdin))
    for name, case in cases.items():
        try:
            told = {"case": name, "got": case(gateway)}
        except Exception as error:  # noqa: BLE001 (what is raised is the finding)
            told = {"case": name, "raised": {"type": type(error).__name__, **describe(error)}}
        print(json.dumps(told), flush=True)  # noqa: T201 (the channel to the test)
