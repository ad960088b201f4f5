"""Response streaming for Python on the managed Lambda runtime.

A handler returns a `StreamingResponse`; `python -m lambda_stream` is the process that knows what to
do with it. This package knows nothing of the product, only of Lambda.
"""

from lambda_stream.response import StreamingResponse

__all__ = ["StreamingResponse"]
