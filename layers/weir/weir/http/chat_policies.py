"""A tenant's policy on a request: refused when it reaches further, completed where it is silent.

All of it is decided from the request, before anything is held or sent. ADR 18.
"""

from collections.abc import Iterable, Iterator

from weir.domain.errors import ForbiddenError
from weir.domain.policies import Policy, PolicyName
from weir.domain.policy_refusals import allowed, blocked
from weir.http.chat_provider import forced_provider
from weir.http.chat_reaches import findings, named_models, quoted
from weir.http.checks import whole_number
from weir.http.json_objects import JsonObject


def forced_members(request: JsonObject, *, models: Iterable[str], policy: Policy) -> dict[str, str]:
    """Return what a policy puts into a checked request: JSON text by top-level member.

    `max_tokens` is not among it: that is for whoever knows the tenant's default.

    Args:
        models: Every model that `model` and `models` name.

    Raises:
        ForbiddenError: The request reaches further than the policy; the message names the policy,
            and what it allows or why it does not.
    """
    if not policy.forced:
        return {}
    error = next(_errors(request, models, policy), None)
    if error is not None:
        raise error
    provider = forced_provider(request, policy=policy)
    return {} if provider is None else {"provider": provider}


def _errors(request: JsonObject, models: Iterable[str], policy: Policy) -> Iterator[ForbiddenError]:
    for model in models:
        field = "model" if model == request.get("model") else "models"
        yield from _of_model(model, policy, field=field)
    for finding in findings(request):
        against = policy.first_forced(finding.reach.against)
        if against is not None:
            why = finding.reach.why
            yield blocked(against, what=finding.what, field=finding.field, why=why)
    for path, named in named_models(request):
        yield from _of_named(named, policy, field=path)
    if policy.max_tokens is not None:
        yield from _of_tokens(request, max_tokens=policy.max_tokens)


def _of_model(model: str, policy: Policy, *, field: str) -> Iterator[ForbiddenError]:
    name = policy.forbids_model(model)
    if name is PolicyName.MODELS and policy.models is not None:
        yield blocked(name, what=f"model {quoted(model)}", field=field, why=allowed(policy.models))
    elif name is not None:
        why = "it may search, or call models, with others than the providers that are allowed"
        yield blocked(name, what=f"model {quoted(model)}", field=field, why=why)


def _of_named(model: str | None, policy: Policy, *, field: str) -> Iterator[ForbiddenError]:
    if model is not None:
        yield from _of_model(model, policy, field=field)
    elif policy.models is not None:
        why = "it may name a model, and is no name"
        yield blocked(PolicyName.MODELS, what=f"field {quoted(field)}", field=field, why=why)


def _of_tokens(request: JsonObject, *, max_tokens: int) -> Iterator[ForbiddenError]:
    reasoning = request.get("reasoning") or {}
    asked = {
        "max_tokens": request.get("max_tokens"),
        "max_completion_tokens": request.get("max_completion_tokens"),
        "reasoning.max_tokens": reasoning.get("max_tokens"),
    }
    for field, value in asked.items():
        tokens = whole_number(value)
        if tokens is not None and tokens > max_tokens:
            why = f"it allows at most {max_tokens}"
            yield blocked(PolicyName.MAX_TOKENS, what=f"{field} {tokens}", field=field, why=why)
