"""Requests made from the API's document: as it asks for them, and as it forbids them."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

Endpoint: TypeAlias = APIOperation[Any, Any, Any, Any]
"""A route as the document has it."""

SEED = 20_261_123
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody with keys, by the name that the document has for their kind."""

    keys: Mapping[str, str]


@dataclass(kw_only=True)
class Fuzz:
    """Sends requests to a gateway and checks the answers against its document.

    Attributes:
        url: Of the gateway.
        callers: Each takes some of the requests.
        named: By the part of the path before a parameter and that parameter, what exists; by route
            in place of that part, what this route alone may spoil.
        members: By route, what allowed bodies or queries have, each time one of these, so that
            not all are refused.
        statuses: What was answered how often.
    """

    url: str
    callers: list[Caller]
    named: Mapping[tuple[str, str], list[str]]
    members: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)

    def send(self, operation: Endpoint, mode: GenerationMode, *, examples: int) -> None:
        """Send requests to one route.

        Raises:
            FailureGroup: An answer is not what the document says.
        """

        @seed(SEED)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def sent(case: Case[Endpoint], data: st.DataObject) -> None:
            if mode is GenerationMode.POSITIVE:
                members = data.draw(st.sampled_from(self.members.get(operation.label, [{}])))
                (case.body if isinstance(case.body, dict) else case.query).update(members)
            self._send(case, data)

        sent()

    def _send(self, case: Case[Endpoint], data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            route, before = case.operation.label, _before(case.operation.path, name)
            known = self.named.get((route, name)) or self.named.get((before, name), [])
            # As often as not what exists; of the rest, most is nobody's.
            chosen: str | None = data.draw(
                st.sampled_from([*known, *[None] * len(known)] or [None])
            )
            if chosen is not None:
                case.path_parameters[name] = chosen
        key = data.draw(st.sampled_from(self._keys(case.operation)))
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        response = case.call(base_url=self.url, headers=headers)
        self.statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS, headers=headers)

    def _keys(self, operation: Endpoint) -> list[str | None]:
        """Return the keys that a route takes, and None when it needs none."""
        security: list[Mapping[str, Any]] = operation.definition.raw["x-security"]
        words = [word for one in security for word in one]
        keys = [
            caller.keys[word] for caller in self.callers for word in words if word in caller.keys
        ]
        return [*keys, None] if {} in security or not security else [*keys]


def operations(document: Mapping[str, Any]) -> Iterator[Endpoint]:
    """Yield the operations of a document; credentials are not made up, but chosen."""
    told = copy.deepcopy(dict(document))
    for methods in told["paths"].values():
        for operation in methods.values():
            operation["x-security"] = operation.pop("security")
    for found in schemathesis.openapi.from_dict(told).get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


def _before(path: str, name: str) -> str:
    """Return the part of a path that says of what a parameter is the name."""
    return path.partition(f"/{{{name}}}")[0].removeprefix("/api/v1/")
