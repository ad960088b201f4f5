"""awslambdaric's own loop, with the two seams replaced through which a response leaves it.

Handler loading, context, logging, telemetry, X-Ray and SnapStart stay awslambdaric's. The seams are
`marshaller.marshal_response` and `post_invocation_result`; they moved at 4.0 and at 4.1, which is
why the layer pins the package.
"""

import http.client
import logging
from collections.abc import Mapping
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_config import LambdaConfigProvider
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient, LambdaRuntimeClientError
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from lambda_stream.posting import INTEGRATION_RESPONSE, OpenedStream, post
from lambda_stream.response import StreamingResponse

_logger = logging.getLogger(__name__)


class StreamingMarshaller(LambdaMarshaller):  # type: ignore[misc]  # awslambdaric has no types
    """Opens a streaming response; whatever fails here is an ordinary error of the invocation."""

    def __init__(self, *, can_stream: bool) -> None:
        super().__init__()
        self._can_stream = can_stream

    def marshal_response(self, response: Any) -> tuple[Any, str]:
        """Return what `post_invocation_result` gets, with its content type."""
        if isinstance(response, StreamingResponse):
            if self._can_stream:
                return OpenedStream.open(response), INTEGRATION_RESPONSE
            response = response.joined()
        result: tuple[Any, str] = super().marshal_response(response)
        return result


class StreamingClient(LambdaRuntimeClient):  # type: ignore[misc]  # awslambdaric has no types
    """Posts an opened stream in streaming mode and everything else as awslambdaric does."""

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: Any,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        """Send the result of one invocation.

        A connection that breaks off ends the invocation, not the process: the body is closed, and
        the loop asks for the next event. A refusal is fatal, as it is in awslambdaric.

        Raises:
            LambdaRuntimeClientError: The Runtime API does not accept the response.
        """
        if not isinstance(result_data, OpenedStream):
            super().post_invocation_result(invoke_id, result_data, content_type, invocation_id)
            return
        path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
        headers = {"Lambda-Runtime-Invocation-Id": invocation_id} if invocation_id else {}
        try:
            status, answer = post(
                self.lambda_runtime_address, path=path, stream=result_data, headers=headers
            )
        except (OSError, http.client.HTTPException):
            _logger.exception("the Runtime API broke off the response")
            return
        finally:
            result_data.close()
        if status != http.HTTPStatus.ACCEPTED:
            raise LambdaRuntimeClientError(path, status, answer)


def run(environ: Mapping[str, str]) -> None:
    """Serve invocations until the environment is frozen for good.

    Args:
        environ: Lambda's variables. `AWS_SAM_LOCAL=true` makes every response a plain one, because
            `sam local` reads a single JSON document.
    """
    config = LambdaConfigProvider(["lambda_stream", environ["_HANDLER"]], environ)
    client = StreamingClient(config.api_address, config.use_thread_polling)
    client.marshaller = StreamingMarshaller(can_stream=environ.get("AWS_SAM_LOCAL") != "true")
    bootstrap.run(config.handler, client)
