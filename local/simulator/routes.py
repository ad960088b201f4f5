"""The public routes under /api/v1, by method and path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from local.simulator import account, catalogue
from local.simulator.catalogue import Catalogue, ModelCard
from local.simulator.chat import Chat
from local.simulator.errors import RefusedError
from local.simulator.ledger import Kind, Ledger
from local.simulator.requests import ReceivedRequest
from local.simulator.wire import Wire

PREFIX: Final = "/api/v1"
_BEARER: Final = "bearer "
_KINDS: Final = {"/chat/completions": Kind.CHAT, "/completions": Kind.TEXT}
_MANAGEMENT: Final = frozenset({"/credits", "/activity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Answers what clients of OpenRouter ask.

    `keys` returns the keys accepted now; `management_keys` read the account's books and call no
    model; a closed entry resolves `generation_delay_s` later.
    """

    chat: Chat
    catalogue: Catalogue
    ledger: Ledger
    keys: Callable[[], frozenset[str]]
    management_keys: frozenset[str]
    generation_delay_s: float
    clock_s: Callable[[], float]

    def answer(self, received: ReceivedRequest, wire: Wire) -> None:
        """Answer one request.

        Raises:
            RefusedError: The answer is an error status.
            ClientGoneError: The client left.
        """
        url = urlsplit(received.path)
        path = unquote(url.path).rstrip("/")
        if not path.startswith(PREFIX + "/"):
            raise RefusedError("Not Found", status=404)
        path = path.removeprefix(PREFIX)
        query = dict(parse_qsl(url.query))
        if received.method == "POST" and path in _KINDS:
            if self._authenticate(received) in self.management_keys:
                raise RefusedError("Management keys cannot call models", status=403)
            self.chat.answer(received, wire, kind=_KINDS[path])
            return
        if received.method != "GET":
            raise RefusedError("Not Found", status=404)
        body = self._catalogue_body(path, query)
        if body is None:
            body = self._account_body(path, query, presented=self._authenticate(received))
        wire.send_json(200, body)

    def _authenticate(self, received: ReceivedRequest) -> str:
        header = received.header("Authorization")
        if header is None:
            raise RefusedError("No cookie auth credentials found", status=401)
        presented = header[len(_BEARER) :] if header.lower().startswith(_BEARER) else ""
        accepted = self.keys() | self.management_keys
        if not any(compare_digest(presented.encode(), key.encode()) for key in accepted):
            raise RefusedError("User not found.", status=401)
        return presented

    def _catalogue_body(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the body of a public route, or None when the route is not public.

        Raises:
            RefusedError: A query or an id that means nothing.
        """
        if path == "/models":
            try:
                return self.catalogue.models(query)
            except ValueError as error:
                raise RefusedError(str(error), status=400) from error
        fixed = {
            "/models/count": self.catalogue.count,
            "/endpoints/zdr": self.catalogue.zdr,
            "/providers": catalogue.providers,
        }
        if path in fixed:
            return fixed[path]()
        if path.startswith("/models/") and path.endswith("/endpoints"):
            return catalogue.endpoints(self._card(path[len("/models/") : -len("/endpoints")]))
        if path.startswith("/model/"):
            return {"data": self._card(path.removeprefix("/model/")).as_json()}
        return None

    def _card(self, model_id: str) -> ModelCard:
        card = self.catalogue.find(model_id)
        if card is None:
            raise RefusedError(f"Model {model_id} not found", status=404)
        return card

    def _account_body(
        self, path: str, query: Mapping[str, str], *, presented: str
    ) -> dict[str, Any]:
        if path in _MANAGEMENT and presented not in self.management_keys:
            raise RefusedError("Only management keys can perform this operation", status=403)
        match path:
            case "/generation":
                return self._generation(query.get("id", ""))
            case "/credits":
                return account.credit(self.ledger.entries())
            case "/key" | "/auth/key":
                manages = presented in self.management_keys
                return account.key(presented, self.ledger.entries(), manages=manages)
            case "/activity":
                return account.activity(self.ledger.entries(), date=query.get("date"))
            case _:
                raise RefusedError("Not Found", status=404)

    def _generation(self, generation_id: str) -> dict[str, Any]:
        if not generation_id:
            raise RefusedError("'id' is required", status=400)
        entry = self.ledger.find(generation_id)
        if (
            entry is None
            or not entry.final
            or self.clock_s() < entry.closed_at_s + self.generation_delay_s + entry.hidden_s
        ):
            raise RefusedError(f"Generation {generation_id} not found", status=404)
        return account.generation(entry)
