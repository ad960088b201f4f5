"""The member `provider` of a request under a policy: refused, or completed with what is forced."""

from collections.abc import Iterator, Mapping
from json import dumps
from typing import Any

from weir.domain.errors import ForbiddenError
from weir.domain.policies import DataCollection, Policy, PolicyName
from weir.domain.policy_refusals import allowed, blocked
from weir.http.chat_reaches import quoted
from weir.http.json_objects import JsonObject, splice
from weir.http.strict_json import parse_object

_MEMBER = "provider"


def forced_provider(request: JsonObject, *, policy: Policy) -> str | None:
    """Return the JSON text of `provider` as a policy wants it, None when it may stay.

    What the client wrote in it stays as it was written.

    Raises:
        ForbiddenError: It asks for what the policy does not allow.
    """
    given = request.get(_MEMBER) or {}
    error = next(_errors(given, policy), None)
    if error is not None:
        raise error
    forced = dict(_forced(given, policy))
    if not forced:
        return None
    member = request.members.get(_MEMBER)
    text = "{}" if not given or member is None else request.text[member.start : member.end]
    return splice(parse_object(text.encode()), replacements=forced).decode()


def _errors(given: Mapping[str, Any], policy: Policy) -> Iterator[ForbiddenError]:
    if policy.providers is not None:
        yield from _foreign(given, policy, providers=policy.providers)
    collection = given.get("data_collection")
    is_denied = PolicyName.DATA_COLLECTION in policy.forced
    if is_denied and collection not in (None, DataCollection.DENY):
        what = f"provider.data_collection {quoted(collection)}"
        field = "provider.data_collection"
        yield blocked(
            PolicyName.DATA_COLLECTION, what=what, field=field, why='it allows "deny" alone'
        )
    if policy.zdr and given.get("zdr") is False:
        what, why = "provider.zdr false", "it allows true alone"
        yield blocked(PolicyName.ZDR, what=what, field="provider.zdr", why=why)


def _foreign(
    given: Mapping[str, Any], policy: Policy, *, providers: tuple[str, ...]
) -> Iterator[ForbiddenError]:
    why = allowed(providers)
    for name in ("only", "order"):
        for index, slug in enumerate(given.get(name) or ()):
            if not policy.allows_provider(slug):
                field = f"provider.{name}[{index}]"
                what = f"provider {quoted(slug)}"
                yield blocked(PolicyName.PROVIDERS, what=what, field=field, why=why)
    if not providers:
        # An empty `only` would be read as no restriction at all.
        yield blocked(PolicyName.PROVIDERS, what="any provider", field=_MEMBER, why=why)


def _forced(given: Mapping[str, Any], policy: Policy) -> Iterator[tuple[str, str]]:
    if policy.providers is not None and not given.get("only"):
        yield "only", dumps(policy.providers)
    if PolicyName.DATA_COLLECTION in policy.forced and given.get("data_collection") is None:
        yield "data_collection", dumps(DataCollection.DENY)
    if policy.zdr and given.get("zdr") is None:
        yield "zdr", "true"
