"""Coverage looks away from foreign code that many tests spend their time in.

A traced call costs about as much again, whoever's code it is. Nothing of the product runs inside.
"""

import sys
from typing import Any

from botocore.client import BaseClient


def leave_botocore_untraced() -> None:
    """Stop tracing during each call of an AWS client, and with it inside the embedded AWS."""
    call = BaseClient._make_api_call

    def untraced(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return call(client, operation, parameters)
        finally:
            sys.settrace(tracer)

    BaseClient._make_api_call = untraced
