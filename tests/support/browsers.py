"""A browser without a window: pages and forms over HTTP, with a cookie jar."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

CALLBACK = "https://app.example/back"


@dataclass
class App:
    """An app that lets users sign in: it keeps the verifier.

    Attributes:
        base_url: Of the API.
    """

    base_url: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def page(self, tenant: str, **changes: str) -> str:
        """The URL of the consent page."""
        query = {
            "tenant": tenant,
            "callback_url": CALLBACK,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{urljoin(self.base_url, '/auth')}?{urlencode(query)}"

    def exchange(self, code: str, **changes: Any) -> requests.Response:
        """Exchange a code for a key."""
        body = {"code": code, "code_verifier": self.verifier, **changes}
        return requests.post(f"{self.base_url}/auth/keys", json=body, timeout=20)


@dataclass
class Browser:
    """Keeps cookies, follows redirects within the gateway and its issuer."""

    session: requests.Session = field(default_factory=requests.Session)
    page: str = ""
    url: str = ""

    def open(self, url: str) -> requests.Response:
        answer = self.session.get(url, timeout=20)
        self.page, self.url = answer.text, answer.url
        return answer

    def click(self) -> requests.Response:
        """Follow the page's one link."""
        return self.open(urljoin(self.url, self._find('class="button main" href')))

    def submit(self, **fields: str) -> requests.Response:
        """Send the page's form; a redirect is not followed."""
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', self.page))
        return self.session.post(
            urljoin(self.url, self._find("action")),
            data={**hidden, **fields},
            allow_redirects=False,
            timeout=20,
        )

    @property
    def cookie(self) -> Cookie:
        """The one cookie that it keeps."""
        (kept,) = [*self.session.cookies]
        assert isinstance(kept, Cookie)
        return kept

    def _find(self, attribute: str) -> str:
        found = re.search(f'{attribute}="([^"]+)"', self.page)
        assert found, self.page
        return unescape(found[1])


def code_in(answer: requests.Response) -> str:
    """The code that a redirect carries."""
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]
