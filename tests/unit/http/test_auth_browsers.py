"""Where a page is, as the browser sees it, and what it keeps there."""

import pytest

from weir.http.auth_browsers import cookie_of, place_of, set_cookie
from weir.http.events import ProxyEvent


def event(
    domain: str = "gateway.example", *, path: str = "/auth", resource: str = "/auth", **more: str
) -> ProxyEvent:
    return {
        "resource": resource,
        "pathParameters": {"tenant": "acme"} if "{tenant}" in resource else None,
        "requestContext": {"domainName": domain, "path": path},
        "headers": more,
    }


@pytest.mark.parametrize(
    ("path", "resource", "stem"),
    [
        ("/live/auth", "/auth", "/live"),
        ("/live/auth/", "/auth", "/live"),
        ("/auth", "/auth", ""),
        ("/base/live/auth/link", "/auth/link", "/base/live"),
        ("/live/auth/callback/acme", "/auth/callback/{tenant}", "/live"),
        ("/live/auth/callback/globex", "/auth/callback/{tenant}", ""),
        ("/other", "/auth", ""),
        ("//evil.example/auth", "/auth", ""),
        ('/"><script>/auth', "/auth", ""),
        ("", "/auth", ""),
    ],
)
def test_links_stay_behind_what_stands_before_the_routes(
    path: str, resource: str, stem: str
) -> None:
    place = place_of(event(path=path, resource=resource))

    assert place.stem == stem
    assert place.url("/auth/link") == f"https://gateway.example{stem}/auth/link"
    assert place.way_back("acme") == f"https://gateway.example{stem}/auth/callback/acme"
    assert place.path("/auth", "a=b") == f"{stem}/auth?a=b"


@pytest.mark.parametrize(
    ("domain", "host", "origin"),
    [
        ("gateway.example", "gateway.example", "https://gateway.example"),
        ("gateway.example", "gateway.example:8443", "https://gateway.example:8443"),
        ("gateway.example", "evil.example", "https://gateway.example"),
        ("gateway.example", "evil.example:80", "https://gateway.example"),
        ("gateway.example", "gateway.example:80@evil.example", "https://gateway.example"),
        ("127.0.0.1", "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost", "localhost:1", "http://localhost:1"),
    ],
)
def test_origin_is_that_of_the_api_whatever_the_client_says(
    domain: str, host: str, origin: str
) -> None:
    assert place_of(event(domain, Host=host)).origin == origin


def test_origin_is_this_machine_when_nobody_says() -> None:
    assert place_of({"resource": "/auth"}).origin == "http://localhost"


def test_cookie_is_bound_to_the_host_when_there_is_tls() -> None:
    place = place_of(event())

    assert set_cookie(place, "t") == {
        "Set-Cookie": "__Host-weir-sign-in=t; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
    }
    assert cookie_of(event(Cookie='b@d="x; a; __Host-weir-sign-in=t; c=d'), place) == "t"


def test_cookie_is_plain_when_there_is_no_tls() -> None:
    place = place_of(event("localhost"))

    assert set_cookie(place, "t") == {
        "Set-Cookie": "weir-sign-in=t; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
    }
    assert cookie_of(event(Cookie="weir-sign-in=t"), place) == "t"


@pytest.mark.parametrize("cookie", ["", "a=b", "weir-sign-in=t", "__Host-weir-sign-in", "\x00=;"])
def test_there_is_no_token_when_the_cookie_is_another(cookie: str) -> None:
    assert cookie_of(event(Cookie=cookie), place_of(event())) is None
