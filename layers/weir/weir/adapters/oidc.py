"""OpenID Connect: a public client of the tenants' issuers. Authorization code, PKCE, nonce."""

from urllib.parse import urlencode

from weir.adapters.oidc_documents import OidcDocuments, unreachable
from weir.adapters.oidc_tokens import refused, verified_person
from weir.domain.auth_codes import METHOD, challenge_of
from weir.domain.ports import Clock
from weir.domain.sign_in_settings import OidcClient
from weir.domain.sign_ins import Login, Person

DEADLINE_MS = 3_000

_OK = 200
_BROKEN = 500


class OidcProvider:
    """Implements `IdentityProvider`.

    Args:
        documents: What issuers tell of themselves.
        clock: For the deadline of what one step of a sign-in may ask, in all.
    """

    def __init__(self, documents: OidcDocuments, *, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def sign_in_url(self, client: OidcClient, *, login: Login, state: str) -> str:
        """Return where a browser must go to sign in; see `IdentityProvider`."""
        found = self._documents.discovery(client.issuer, deadline_ms=self._deadline_ms())
        query = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": client.client_id,
            "redirect_uri": login.redirect_uri,
            "state": state,
            "nonce": login.nonce,
            "code_challenge": challenge_of(login.verifier),
            "code_challenge_method": METHOD,
        }
        joint = "&" if "?" in found.authorization_endpoint else "?"
        return f"{found.authorization_endpoint}{joint}{urlencode(query)}"

    def person(self, client: OidcClient, *, login: Login, code: str) -> Person:
        """Return who came back; see `IdentityProvider`.

        Raises:
            ForbiddenError: The issuer does not take the code, or its ID token proves nothing.
            ProviderError: The issuer cannot be asked.
        """
        deadline_ms = self._deadline_ms()
        found = self._documents.discovery(client.issuer, deadline_ms=deadline_ms)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": login.redirect_uri,
            "client_id": client.client_id,
            "code_verifier": login.verifier,
        }
        status, answer = self._documents.post(found.token_endpoint, form, deadline_ms=deadline_ms)
        if status >= _BROKEN:
            failure = unreachable()
            raise failure
        if status != _OK:
            refusal = refused()
            raise refusal
        return verified_person(
            answer.get("id_token"),
            client=client,
            nonce=login.nonce,
            keys_of=lambda key_id: self._documents.keys(
                found.jwks_uri, wanted=key_id, deadline_ms=deadline_ms
            ),
        )

    def _deadline_ms(self) -> int:
        return self._clock.now_ms() + DEADLINE_MS
