"""Faults that show before there is a generation: nothing is charged and no id ever resolves."""

import time
from typing import Final

from local.simulator import completions, errors
from local.simulator.faults import Fault
from local.simulator.ledger import new_generation_id
from local.simulator.wire import Wire

_NEVER_S: Final = 60.0
_HTML: Final = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>\n"


def strike_early(
    fault: Fault, *, wire: Wire, model_id: str, streamed: bool, redirect_url: str
) -> bool:
    """Let a fault show at once, if it is of that kind; True when the request is over.

    Raises:
        RefusedError: The fault is an error status.
        ClientGoneError: The client left meanwhile.
    """
    match fault.name:
        case "status":
            refused = errors.refusal(fault, model_id=model_id)
            raise refused
        case "html":
            wire.send(fault.status, _HTML, headers={}, content_type="text/html; charset=utf-8")
        case "redirect":
            location = {"Location": fault.location or redirect_url}
            wire.send(307, b"", headers=location, content_type="text/plain")
        case "never":
            wire.pause(_NEVER_S)
            wire.abandon()
        case "error-in-200":
            _send_error_in_200(wire, streamed=streamed)
        case "rst" if fault.strikes_after == 0:
            wire.reset()
        case "slow-headers":
            wire.pause(fault.delay_s)
            return False
        case _:
            return False
    return True


def _send_error_in_200(wire: Wire, *, streamed: bool) -> None:
    generation_id = new_generation_id(int(time.time()))
    body = {"id": generation_id, "error": errors.provider_failure()}
    headers = {"X-Generation-Id": generation_id}
    if not streamed:
        wire.send_json(200, body, headers=headers)
        return
    wire.begin(200, {**headers, "Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    wire.write(completions.event(body))
    wire.end()
