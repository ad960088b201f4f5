"""Translation of a plain answer: one JSON object, sent on when it is complete and recorded."""

from json import dumps

from weir.domain.errors import ProviderError, WeirError
from weir.domain.generations import GenerationId
from weir.domain.price_plans import AT_COST, PricePlan
from weir.http.errors import error_response, unexpected
from weir.http.json_objects import JsonObject, MalformedJsonError, splice
from weir.http.provider_errors import reported_error
from weir.http.reading import GenerationReading
from weir.http.shown_prices import ShownPrices
from weir.http.upstream_json import read_members

MAX_BODY_BYTES = 32 * 1024 * 1024

_NOT_JSON = "The provider's answer is not JSON, or not all of it"


class BodyTranslation:
    """A `Translation` that holds the body back until its end."""

    def __init__(
        self, generation_id: GenerationId, *, model: str | None = None, plan: PricePlan = AT_COST
    ) -> None:
        """Start; `model` stands in when upstream names none, `plan` is the tenant's."""
        self._generation_id = generation_id
        self._prices = ShownPrices(plan=plan, model=model or "")
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self._answer: JsonObject | None = None
        self._replacements: dict[str, str] = {}
        self._reading = GenerationReading()

    @property
    def reading(self) -> GenerationReading:
        """What the body told; empty before its end."""
        return self._reading

    @property
    def is_complete(self) -> bool:
        """Never true: the end of the body is the only end of the answer."""
        return False

    def feed(self, chunk: bytes) -> bytes:
        """Collect what arrived; nothing can be sent yet.

        Raises:
            ProviderError: The body is above `MAX_BODY_BYTES`.
        """
        self._chunks.append(chunk)
        self._size_bytes += len(chunk)
        if self._size_bytes > MAX_BODY_BYTES:
            raise ProviderError("The provider's answer is too large", cost_is_zero=False)
        return b""

    def end(self) -> None:
        """Read the complete body.

        Raises:
            ProviderError: It is not JSON, has no choices, or is an error despite its status 200.
        """
        try:
            answer = read_members(b"".join(self._chunks))
        except MalformedJsonError as error:
            raise ProviderError(_NOT_JSON, cost_is_zero=False) from error
        self._reading.update({name: member.value for name, member in answer.members.items()})
        if not isinstance(answer.get("choices"), list):
            failure = _failure(answer)
            raise failure
        try:
            shown = self._prices.members(answer, model=self._reading.model)
        except MalformedJsonError as error:
            raise ProviderError(_NOT_JSON, cost_is_zero=False) from error
        self._replacements = {**shown, "id": dumps(self._generation_id)}
        self._answer = answer

    def ending(self, error: Exception | None) -> bytes:
        """Return the whole body under our generation id and prices, or the error's envelope."""
        if error is None and self._answer is not None:
            return splice(self._answer, replacements=self._replacements)
        _, _, body = error_response(error if isinstance(error, WeirError) else unexpected())
        return body


def _failure(answer: JsonObject) -> ProviderError:
    if answer.get("error") is not None:
        return reported_error(answer.get("error"))
    return ProviderError("The provider's answer has no choices", cost_is_zero=False)
