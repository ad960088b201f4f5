"""Sign-ins, codes and settings in memory; they obey what those on DynamoDB are tested for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from weir.domain.audit_log import AuditEntry
from weir.domain.auth_codes import AuthCode
from weir.domain.errors import WeirError
from weir.domain.sign_in_settings import OidcClient, SignInSettings
from weir.domain.sign_ins import Link, Login, Person, Session
from weir.domain.tenants import Tenant, TenantId


@dataclass
class FakeSignIns:
    """`SignIns`."""

    logins: dict[str, Login] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    def put_login(self, state_hash: str, login: Login) -> None:
        self.logins[state_hash] = login

    def take_login(self, state_hash: str) -> Login | None:
        return self.logins.pop(state_hash, None)

    def put_link(self, link_hash: str, link: Link) -> None:
        self.links[link_hash] = link

    def link(self, link_hash: str) -> Link | None:
        return self.links.get(link_hash)

    def take_link(self, link_hash: str) -> Link | None:
        return self.links.pop(link_hash, None)

    def put_session(self, session_hash: str, session: Session) -> None:
        self.sessions[session_hash] = session

    def session(self, session_hash: str) -> Session | None:
        return self.sessions.get(session_hash)

    def end_session(self, session_hash: str) -> None:
        self.sessions.pop(session_hash, None)


@dataclass
class FakeAuthCodes:
    """`AuthCodes`.

    Attributes:
        meanwhile: Happens once, before the next code is marked as used.
    """

    stored: dict[str, AuthCode] = field(default_factory=dict)
    meanwhile: Callable[[], object] | None = None

    def put(self, code: AuthCode) -> None:
        self.stored[code.code_hash] = code

    def find(self, code_hash: str) -> AuthCode | None:
        return self.stored.get(code_hash)

    def use(self, code_hash: str) -> bool:
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        code = self.stored.get(code_hash)
        if code is None or code.is_used:
            return False
        self.stored[code_hash] = replace(code, is_used=True)
        return True


@dataclass
class FakeSettings:
    """`SignInSettingsStore`.

    Attributes:
        meanwhile: Happens before each of the next replacements, the last one first.
    """

    stored: dict[TenantId, SignInSettings] = field(default_factory=dict)
    log: list[AuditEntry] = field(default_factory=list)
    meanwhile: list[SignInSettings] = field(default_factory=list)

    def settings(self, tenant_id: TenantId) -> SignInSettings:
        return self.stored.get(tenant_id, SignInSettings())

    def replace(
        self, tenant_id: TenantId, *, old: SignInSettings, new: SignInSettings, entry: AuditEntry
    ) -> bool:
        if self.meanwhile:
            self.stored[tenant_id] = self.meanwhile.pop()
        if self.settings(tenant_id) != old:
            return False
        self.stored[tenant_id] = new
        self.log.append(entry)
        return True


@dataclass
class FakeTenants:
    """`TenantFinder`."""

    stored: dict[TenantId, Tenant]

    def find(self, tenant_id: TenantId) -> Tenant | None:
        return self.stored.get(tenant_id)


@dataclass
class FakeIssuer:
    """`IdentityProvider`: whoever comes back is the outcome."""

    outcome: str | WeirError = "ada"
    asked: list[tuple[OidcClient, Login, str]] = field(default_factory=list)

    def sign_in_url(self, client: OidcClient, *, login: Login, state: str) -> str:
        if isinstance(self.outcome, WeirError):
            raise self.outcome
        return f"{client.issuer}/authorize?{urlencode({'state': state})}"

    def person(self, client: OidcClient, *, login: Login, code: str) -> Person:
        self.asked.append((client, login, code))
        if isinstance(self.outcome, WeirError):
            raise self.outcome
        return Person(subject=self.outcome, shown=f"{self.outcome}@example.com")
