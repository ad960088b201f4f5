"""What the chat function loads: a list of modules, not milliseconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "ACCOUNTS_TABLE": "accounts",
    "USAGE_TABLE": "usage",
    "CONTROL_TABLE": "control",
    "EPHEMERAL_TABLE": "ephemeral",
    "ANSWERS_BUCKET": "answers",
    "SETTLE_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/settle",
    "UPSTREAM_BASE_URL": "https://openrouter.ai/api/v1",
    "UPSTREAM_SECRET_ID": "secret",
    "KEY_PREFIX": "sk-weir-v1-",
    "UPSTREAM_DEADLINE_S": "840",
    "CHECKPOINT_AFTER_S": "2",
    "CANCEL_POLL_S": "1",
    "POWERTOOLS_SERVICE_NAME": "chat",
    "POWERTOOLS_METRICS_NAMESPACE": "Weir",
    "AWS_DEFAULT_REGION": "us-east-1",
}
FORBIDDEN = {
    "aws_xray_sdk",
    "fastjsonschema",
    "jsonschema",
    "moto",
    "nacl",
    "pydantic",
    "samtranslator",
}
FORBIDDEN_PARTS = (
    "aws_lambda_powertools.utilities.validation",
    "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.event_handler",
)


def loaded_by(statement: str) -> set[str]:
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_chat_function_loads_nothing_heavy() -> None:
    modules = loaded_by("import functions.chat.handler")

    assert "weir.services.chat" in modules
    assert not {module.partition(".")[0] for module in modules} & FORBIDDEN
    assert not [module for module in modules if module.startswith(FORBIDDEN_PARTS)]


def test_importing_the_package_opens_no_client() -> None:
    modules = loaded_by("import weir.http.chat, weir.services.chat, weir.domain.ports")

    assert "boto3" not in modules
    assert "botocore" not in modules
    assert "requests" not in modules
