"""The child process of the small model: load it, report its port, serve until stdin closes."""

import json
import os
import sys
from typing import Final
from urllib.parse import urlsplit

_CONTEXT_TOKENS: Final = 4096
_PARALLEL: Final = 2


def main() -> None:
    """Serve the weights named on the command line; prints one line of JSON: a port or an error."""
    report = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # The pipe is for the report alone: nobody reads what the library may print.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    try:
        import xllamacpp  # noqa: PLC0415 (optional package; only this process loads it)

        parameters = xllamacpp.CommonParams()
        parameters.model.path = sys.argv[1]
        parameters.n_ctx = _CONTEXT_TOKENS
        parameters.n_parallel = _PARALLEL
        server = xllamacpp.Server(parameters)
    except (ImportError, RuntimeError, ValueError, OSError) as error:
        print(json.dumps({"error": repr(error)}), file=report, flush=True)
        return
    port = urlsplit(server.listening_address).port
    print(json.dumps({"port": port}), file=report, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
