"""Forged and stale credentials: what can be made of a good key, and of one that was good once."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.support.stacks import CANARY_KEY
from weir.domain.api_keys import key_hash, masked, mint

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleKeys:
    """A tenant's keys, good and stale."""

    good: str
    disabled: str
    expired: str
    deleted: str
    rotated: str


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def garbled(key: str, place: int) -> str:
    """Return a key with one digit changed."""
    other = "0" if key[place] != "0" else "1"
    return key[:place] + other + key[place:][1:]


def jwt(key: str) -> str:
    parts = ({"alg": "none"}, {"sub": key_hash(key), "exp": 4_000_000_000})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)


TAIL = len("sk-weir-v1-")

# No stored key can look so: nothing may be looked up for it.
MALFORMED: Mapping[str, Callable[[str], Headers]] = {
    "a garbled checksum": lambda key: bearer(garbled(key, -1)),
    "a garbled digit": lambda key: bearer(garbled(key, TAIL)),
    "two digits swapped": lambda key: bearer(key[:-2] + key[-1] + key[-2] + "0"),
    "another prefix": lambda key: bearer("sk-or-v1-" + key[TAIL:]),
    "no prefix": lambda key: bearer(key[TAIL:]),
    "truncated": lambda key: bearer(key[:-1]),
    "half": lambda key: bearer(key[: len(key) // 2]),
    "the prefix alone": lambda _: bearer("sk-weir-v1-"),
    "one digit more": lambda key: bearer(f"{key}0"),
    "padded by a dot": lambda key: bearer(f"{key}."),
    "a blank within": lambda key: bearer(f"{key[:30]} {key[30:]}"),
    "upper case": lambda key: bearer(key.upper()),
    "upper digits": lambda key: bearer(key[:TAIL] + key[TAIL:].upper()[:-1] + "A"),
    "a tab before it": lambda key: {"Authorization": f"Bearer \t{key}"},
    "quoted": lambda key: bearer(f'"{key}"'),
    "percent-encoded": lambda key: bearer(key.replace("-", "%2D")),
    "two keys": lambda key: bearer(f"{key},{key}"),
    "an upstream key": lambda _: bearer(f"sk-or-v1-{'ab' * 32}"),
    "the upstream key": lambda _: bearer(CANARY_KEY),
    "its hash": lambda key: bearer(key_hash(key)),
    "the hash behind the prefix": lambda key: bearer(f"sk-weir-v1-{key_hash(key)}"),
    "its label": lambda key: bearer(masked(key)),
    "its name": lambda _: bearer("demo"),
    "the tenant's id": lambda _: bearer("forged"),
    "zeros": lambda _: bearer(f"sk-weir-v1-{'0' * 64}"),
    "a JWT": lambda key: bearer(jwt(key)),
    "Basic": lambda key: {
        "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    },
    "Basic, as if it were Bearer": lambda key: {"Authorization": f"Basic {key}"},
    "no scheme": lambda key: {"Authorization": key},
    "a joined scheme": lambda key: {"Authorization": f"Bearer{key}"},
    "a colon": lambda key: {"Authorization": f"Bearer: {key}"},
    "Token": lambda key: {"Authorization": f"Token {key}"},
    "an empty Bearer": lambda _: {"Authorization": "Bearer"},
    "a blank Bearer": lambda _: {"Authorization": "Bearer     "},
    "null": lambda _: bearer("null"),
    "undefined": lambda _: bearer("undefined"),
    "not ASCII": lambda key: {"Authorization": f"Bearer {key[:-1]}é"},
    "a no-break space": lambda key: {"Authorization": f"Bearer\xa0{key}"},
    "20 KB": lambda key: bearer(key + "0" * 20_000),
    "an injection": lambda _: bearer("'||'1'='1"),
    "a wildcard": lambda _: bearer("sk-weir-v1-*"),
}
STALE: Mapping[str, Callable[[StaleKeys], str]] = {
    "never issued": lambda _: mint(random=hashlib.sha256(b"never").digest()[:28]),
    "disabled": lambda keys: keys.disabled,
    "expired": lambda keys: keys.expired,
    "deleted": lambda keys: keys.deleted,
    "rotated, after the overlap": lambda keys: keys.rotated,
}
# The key is good, but in a place where none is looked for.
MISPLACED: Mapping[str, Callable[[str], tuple[Headers, str, str]]] = {
    "in X-Api-Key": lambda key: ({"X-Api-Key": key}, "", ""),
    "in Api-Key": lambda key: ({"Api-Key": key}, "", ""),
    "in a cookie": lambda key: ({"Cookie": f"Authorization=Bearer {key}; api_key={key}"}, "", ""),
    "in Proxy-Authorization": lambda key: ({"Proxy-Authorization": f"Bearer {key}"}, "", ""),
    "in X-Forwarded-Authorization": lambda key: (
        {"X-Forwarded-Authorization": f"Bearer {key}"}, "", "",
    ),
    "in the query": lambda key: ({}, f"api_key={key}&key={key}&access_token={key}", ""),
    "in the body": lambda key: ({}, "", key),
    "nowhere": lambda _: ({}, "", ""),
    "an empty header": lambda _: ({"Authorization": ""}, "", ""),
    "a tenant's id in a header": lambda _: ({"X-Tenant-Id": "forged", "X-User-Id": "demo"}, "", ""),
}  # fmt: skip
