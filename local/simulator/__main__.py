"""`python -m local.simulator --port 8000 --key sk-or-v1-…`: the simulator for an operator."""

import argparse
import signal
import threading

from local.simulator.catalogue import ECHO_ID
from local.simulator.server import Simulator


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--key", action="append", required=True, help="accepted key; repeatable")
    parser.add_argument("--management-key", action="append", default=[], help="repeatable")
    parser.add_argument("--model", choices=("auto", "echo"), default="auto")
    parser.add_argument("--token-interval-s", type=float, default=0.0)
    parser.add_argument("--generation-delay-s", type=float, default=0.0)
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    simulator = Simulator(
        keys=arguments.key,
        management_keys=arguments.management_key,
        model=arguments.model,
        host=arguments.host,
        port=arguments.port,
        token_interval_s=arguments.token_interval_s,
        generation_delay_s=arguments.generation_delay_s,
    )
    with simulator:
        print(f"OpenRouter simulator: {simulator.url} (its books: {simulator.admin_url}/ledger)")
        print(
            f"curl {simulator.url}/chat/completions -H 'Authorization: Bearer {arguments.key[0]}' "
            f'-d \'{{"model": "{ECHO_ID}", "messages": [{{"role": "user", "content": "hi"}}]}}\'',
            flush=True,
        )
        stop.wait()


if __name__ == "__main__":
    main()
