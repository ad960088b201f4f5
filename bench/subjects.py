"""What is measured: the chat function, the bare handler, the empty one; and what they talk to."""

import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from bench.packages import link
from bench.processes import ROOT, Function, Stub
from bench.tenant import ACCOUNTS_TABLE, CONTROL_TABLE, EPHEMERAL_TABLE, USAGE_TABLE


class Subject(StrEnum):
    """The three functions of a comparison."""

    WEIR = "weir"
    BARE = "bare"
    EMPTY = "empty"


_CODE = {
    Subject.WEIR: (ROOT / "functions" / "chat", "handler.lambda_handler"),
    Subject.BARE: (ROOT / "bench", "bare_handler.lambda_handler"),
    Subject.EMPTY: (ROOT / "bench", "empty_handler.lambda_handler"),
}
_LAYERS = (ROOT / "layers" / "runtime", ROOT / "layers" / "weir")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The stand-ins, and a way to start functions that use them."""

    upstream: Stub
    aws: Stub
    folder: Path
    stack: ExitStack

    @classmethod
    def open(cls, stack: ExitStack) -> Self:
        """Start the stand-ins; `stack` stops everything."""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-bench-")))
        link(folder / "packages")
        upstream = Stub("bench.upstream")
        stack.callback(upstream.close)
        aws = Stub("bench.aws_stub")
        stack.callback(aws.close)
        return cls(upstream=upstream, aws=aws, folder=folder, stack=stack)

    def start(self, subject: Subject) -> Function:
        """Start a function; the caller closes it."""
        log = self.folder / f"{subject}.log"
        return Function(subject, environment=self._environment(subject), log=log)

    def keep(self, subject: Subject) -> Function:
        """Start a function that lives as long as the bench."""
        function = self.start(subject)
        self.stack.callback(function.close)
        return function

    def _environment(self, subject: Subject) -> dict[str, str]:
        code, handler = _CODE[subject]
        path = (code, *_LAYERS, self.folder / "packages")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            # Byte code is compiled beforehand, as in the package, and outside of the source tree.
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "PYTHONPATH": os.pathsep.join(str(entry) for entry in path),
            "LAMBDA_TASK_ROOT": str(code),
            "_HANDLER": handler,
            **_LAMBDA,
            "AWS_ENDPOINT_URL": self.aws.url,
            "UPSTREAM_BASE_URL": f"{self.upstream.url}/api/v1",
            **_SETTINGS,
        }


_LAMBDA = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_LEVEL": "INFO",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/weir/bench/chat",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
}
# The variables that template.yaml gives the chat function.
_SETTINGS = {
    "ACCOUNTS_TABLE": ACCOUNTS_TABLE,
    "USAGE_TABLE": USAGE_TABLE,
    "CONTROL_TABLE": CONTROL_TABLE,
    "EPHEMERAL_TABLE": EPHEMERAL_TABLE,
    "ANSWERS_BUCKET": "bench-answers",
    "SETTLE_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/bench",
    "UPSTREAM_SECRET_ID": "arn:aws:secretsmanager:us-east-1:123456789012:secret:bench",
    "KEY_PREFIX": "sk-weir-v1-",
    "UPSTREAM_DEADLINE_S": "840",
    # A checkpoint is one write more for a long stream; here it would be counted as chunks.
    "CHECKPOINT_AFTER_S": "60",
    # So is a look for a cancellation, one read each.
    "CANCEL_POLL_S": "60",
    "POWERTOOLS_METRICS_NAMESPACE": "Weir",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "chat",
}
