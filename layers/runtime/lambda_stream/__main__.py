"""The process that Lambda starts through `stream-wrapper`.

It lives beside the classes and not with them: what runs as `__main__` exists twice, and the handler
must return the very class that the loop tests for.
"""

import os

from lambda_stream.runtime import run

run(os.environ)  # noqa: TID251  # Lambda hands its settings to the process in no other way
