"""The template's roles against what the functions of a stack really asked AWS for."""

from local.aws import EmbeddedAws
from local.deploy import Deployment
from tests.support import template as views

EVENT_BUS = "event-bus/${EventBusName}"


def ungranted(deployment: Deployment, *, aws: EmbeddedAws) -> set[tuple[str, str, str]]:
    """Return what a function did without a grant: its logical id, the action, the resource."""
    names = {
        physical.rpartition("/")[2]: name for name, physical in deployment.physical_ids.items()
    }
    granted = {
        function: {(action, _plain(target)) for action, target in _grants(deployment, function)}
        for function in deployment.functions
    }
    asked = {
        (function, action, names.get(resource, resource))
        for function, action, resource in aws.accesses
        if function in granted
    }
    return {access for access in asked if access[1:] not in granted[access[0]]}


def _grants(deployment: Deployment, function: str) -> set[tuple[str, str]]:
    return views.grants(deployment.template, function)


def _plain(target: str) -> str:
    """Return the resource of `${Resource.Arn}/part/*`, and the default bus of the ARN of a bus."""
    if target.endswith(EVENT_BUS):
        return "default"
    return target.removeprefix("${").partition(".Arn}/")[0]
