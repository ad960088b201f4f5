"""Whatever three tenants do, nobody sees anybody else's, and each one's sums are its own."""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from local.stack import LocalStack
from tests.support import template
from tests.support.tenant_stories import TenantStories

# A story is short enough to be read as it is; to shrink it over HTTP would take minutes.
STORIES = settings(
    phases=[Phase.generate],
    max_examples=6,
    stateful_step_count=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.chaos
@pytest.mark.parametrize("number", range(4))
def test_tenants_stay_apart_when_anything_happens(stack: LocalStack, number: int) -> None:
    (api,) = template.of_type(template.deployed(), "AWS::ApiGateway::RestApi").values()
    TenantStories.stack = stack
    TenantStories.completions = "/api/v1/completions" in api["Body"]["paths"]

    run_state_machine_as_test(seed(number)(TenantStories), settings=STORIES)
