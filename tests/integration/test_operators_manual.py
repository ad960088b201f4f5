"""What the operator's manual tells to do with the API, done by a shell."""

import re
import subprocess
from pathlib import Path

from local.stack import LocalStack
from tests.support.operator_calls import Operator

MANUAL = Path(__file__).parents[2] / "docs/operations.md"


def test_the_manual_of_tenants_does_what_it_says(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "operator-key.txt").write_text(stack.operator_key)
    chapter = MANUAL.read_text().partition("\n## Tenants\n")[2].partition("\n## ")[0]
    # The first block fills the secret of a deployed stack.
    _, *blocks = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks)],
        cwd=tmp_path,
        env={"BASE_URL": stack.base_url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    operator = Operator(stack)
    shown = operator.done("GET /tenants/acme")["data"]
    assert (shown["name"], shown["status"]) == ("Acme Ltd", "closed")
    assert shown["credits"]["total"] == operator.done("GET /tenants/acme/credits")["data"]["total"]
    assert float(shown["credits"]["total"]) == 125.5
    assert (shown["limits"]["spend"], shown["end_user_limits"]["spend"]) == (500, 1)
    assert (shown["price_plan"]["version"], shown["policy"]["models"]) == (1, None)
    assert len(operator.done("GET /tenants/acme/audit")["data"]) == 13
