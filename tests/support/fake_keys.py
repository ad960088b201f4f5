"""A register of API keys in memory; it obeys what the one on DynamoDB is tested for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from weir.domain.api_keys import ApiKey, short_id
from weir.domain.audit_log import AuditEntry
from weir.domain.tenants import Tenant, TenantId


@dataclass
class FakeRegister:
    """`KeyRegister` and `ApiKeyStore`.

    Attributes:
        meanwhile: Happens once, before the next write.
        always: Happens before every write.
        taken: How many of the next new keys find their short id taken.
        log: Every entry of the audit log, in the order they were written.
    """

    stored: dict[str, ApiKey] = field(default_factory=dict)
    ids: dict[tuple[TenantId, str], tuple[str, str]] = field(default_factory=dict)
    meanwhile: Callable[[], object] | None = None
    always: Callable[[], object] | None = None
    taken: int = 0
    log: list[AuditEntry] = field(default_factory=list)

    def find(self, key_hash: str) -> ApiKey | None:
        return self.stored.get(key_hash)

    def put_key(self, api_key: ApiKey, *, entry: AuditEntry | None = None) -> bool:
        self._interrupt()
        place = (api_key.tenant.tenant_id, short_id(api_key.key_hash))
        self.taken -= 1
        if self.taken >= 0 or api_key.key_hash in self.stored or place in self.ids:
            return False
        self.stored[api_key.key_hash] = api_key
        self.ids[place] = (api_key.key_hash, api_key.key_id)
        self.log += [entry] if entry else []
        return True

    def keys_of(self, tenant: Tenant) -> Iterator[ApiKey]:
        return iter([key for key in self.stored.values() if key.tenant == tenant])

    def key_of(self, tenant: Tenant, *, key_hash: str) -> ApiKey | None:
        key = self.stored.get(key_hash)
        return key if key is not None and key.tenant == tenant else None

    def note(self, entry: AuditEntry) -> None:
        self.log.append(entry)

    def change(self, api_key: ApiKey, *, changed: ApiKey, entry: AuditEntry) -> bool:
        self._interrupt()
        if self.stored.get(api_key.key_hash) != api_key:
            return False
        self.stored[api_key.key_hash] = changed
        self.log.append(entry)
        return True

    def succeed(
        self, api_key: ApiKey, *, changed: ApiKey, successor: ApiKey, entry: AuditEntry
    ) -> bool:
        self._interrupt()
        place = (successor.tenant.tenant_id, short_id(successor.key_hash))
        if place in self.ids or not self.change(api_key, changed=changed, entry=entry):
            return False
        return self.put_key(successor)

    def delete(self, tenant_id: TenantId, *, key_hash: str, entry: AuditEntry) -> bool:
        self._interrupt()
        key = self.stored.get(key_hash)
        if key is None or key.tenant.tenant_id != tenant_id:
            return False
        del self.stored[key_hash]
        self.log.append(entry)
        return True

    def key_id_of(self, tenant_id: TenantId, *, key_hash: str) -> str | None:
        stored, key_id = self.ids.get((tenant_id, short_id(key_hash)), ("", ""))
        return key_id if stored == key_hash else None

    def hashes(self, tenant_id: TenantId) -> Mapping[str, str]:
        return {
            key_id: key_hash
            for (owner, short), (key_hash, key_id) in self.ids.items()
            if owner == tenant_id and short == key_id
        }

    def _interrupt(self) -> None:
        if self.always is not None:
            self.always()
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
