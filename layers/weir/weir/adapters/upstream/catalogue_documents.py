"""Upstream's catalogue, topic by topic: what its answers must have to be believed.

An answer that lacks what everybody relies on is no answer: an older copy is better than that.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.session import UpstreamRequest
from weir.domain.catalogue import Copy, Entry, Subject, Topic
from weir.domain.errors import InvalidRequestError, ProviderError
from weir.domain.ports import Clock

MAX_BYTES = 24_000_000

_UNKNOWN_MODEL = frozenset({400, 404})
_BAD_FILTER = 400
_ALL = "/models?output_modalities=all"


class UpstreamCatalogue:
    """Implements `CatalogueSource` over upstream's public routes."""

    def __init__(self, api: UpstreamApi, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    def read(self, topic: Topic, *, deadline_ms: int) -> Copy:
        """Ask upstream; see `CatalogueSource`.

        Raises:
            ProviderError: Upstream could not be asked, or its answer cannot be used.
            InvalidRequestError: Upstream does not take the filter of a SELECTION.
        """
        read_ms = self._clock.now_ms()
        try:
            data = self._data(_path(topic), deadline_ms=deadline_ms)
        except ProviderError as error:
            if topic.subject is Subject.SELECTION and error.status == _BAD_FILTER:
                raise InvalidRequestError(f"Upstream does not filter by {topic.name}") from error
            if not _is_of_one_model(topic) or error.status not in _UNKNOWN_MODEL:
                raise
            return Copy(content=None, read_ms=read_ms)
        try:
            content = _CHECKS[topic.subject](data)
        except (KeyError, TypeError, ValueError) as error:
            unreadable = _unreadable()
            raise unreadable from error
        return Copy(content=content, read_ms=read_ms)

    def _data(self, path: str, *, deadline_ms: int) -> Any:
        request = UpstreamRequest(method="GET", path=path, headers={"Accept": "application/json"})
        response = self._api.open(request, deadline_ms=deadline_ms)
        body = bytearray()
        try:
            for chunk in response.chunks():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise _unreadable()
        finally:
            response.close()
        try:
            return json.loads(body, parse_float=_finite, parse_constant=_finite)["data"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _unreadable() from error


def _path(topic: Topic) -> str:
    match topic.subject:
        case Subject.MODELS:
            return _ALL
        case Subject.PROVIDERS:
            return "/providers"
        case Subject.ZDR:
            return "/endpoints/zdr"
        case Subject.MODEL:
            return f"/model/{topic.name}"
        case Subject.ENDPOINTS:
            return f"/models/{topic.name}/endpoints"
    return f"{_ALL}&{topic.name}={quote(topic.value, safe=',')}"


def _is_of_one_model(topic: Topic) -> bool:
    return topic.subject in {Subject.MODEL, Subject.ENDPOINTS}


def _finite(written: str) -> float:
    # Python's reader takes NaN and infinity; the clients' readers take neither.
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written[:20]} is no number of JSON")
    return number


def _rows(data: object, *names: str) -> list[Entry]:
    """Return a list of objects that have these texts.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(data, list):
        raise ValueError("no list")  # noqa: TRY004 - of upstream's, not of a caller's
    return [_entry(row, *names) for row in data]


def _entry(row: object, *names: str) -> Entry:
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in names):
        raise ValueError(f"no object with {', '.join(names)}")
    return row


def _models(data: object) -> list[Entry]:
    rows = _rows(data, "id")
    if not rows:
        raise ValueError("a catalogue without models")
    return rows


def _with_endpoints(data: object) -> Entry:
    model = _entry(data, "id")
    return {**model, "endpoints": _rows(model["endpoints"], "tag")}


_CHECKS: Mapping[Subject, Callable[[object], Any]] = {
    Subject.MODELS: _models,
    Subject.PROVIDERS: lambda data: _rows(data, "name", "slug"),
    Subject.ZDR: lambda data: _rows(data, "model_id", "tag"),
    Subject.MODEL: lambda data: _entry(data, "id"),
    Subject.ENDPOINTS: _with_endpoints,
    Subject.SELECTION: lambda data: [row["id"] for row in _rows(data, "id")],
}


def _unreadable() -> ProviderError:
    return ProviderError("Upstream's catalogue cannot be read.", cost_is_zero=True)
