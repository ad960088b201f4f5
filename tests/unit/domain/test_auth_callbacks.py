import pytest

from weir.domain.auth_callbacks import is_allowed, read_allowed, read_callback
from weir.domain.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("https://App.Example:8443/a/b?c=d", "https://app.example:8443"),
        ("https://app.example:443/", "https://app.example"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ("http://[::1]:1/cb", "http://[::1]:1"),
        ("http://localhost:80/cb", "http://localhost"),
        ("https://xn--bcher-kva.example/cb", "https://xn--bcher-kva.example"),
    ],
)
def test_callback_is_taken_when_it_is_https_or_on_the_users_machine(url: str, origin: str) -> None:
    callback = read_callback(url)

    assert callback.url == url
    assert callback.origin == origin
    assert callback.is_loopback is origin.startswith("http:")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example",
        "//app.example",
        "/cb",
        "https:/app.example",
        "https:///app.example",
        "https:app.example",
        "http://app.example/cb",
        "HTTPS://app.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp://cb",
        "ftp://app.example",
        "https://user@app.example",
        "https://user:pass@app.example",
        "https://app.example@evil.example",
        "https://app.example\\@evil.example",
        "https://app.example\\.evil.example",
        "https://app.example/#fragment",
        "https://app.example/cb#",
        "https://app.example/a/../b",
        "https://app.example/a/./b",
        "https://app.example/a/%2e%2e/b",
        "https://app.example/a/b%2f..%2f..%2fc",
        "https://app.example/a/b%2F%2E%2E%2Fc",
        "https://app.example/a/b%5c..%5Cc",
        "https://app.example/..",
        "https://app.example:0/",
        "https://app.example:65536/",
        "https://app.example:99999/",
        "https://app.example:/",
        "https://app.example:80a/",
        "https://app..example/",
        "https://.example/",
        "https://bücher.example/",
        "https://app.example/ü",
        "https://app.example/a b",
        "https://app.example/a\nLocation: x",
        "https://app.example/\r\n",
        "https://app.example/<script>",
        'https://app.example/"',
        "https://app.example/cb?code=1",
        "https://app.example/cb?a=1&state=2",
        "https://app.example/cb?error",
        "https://app.example/cb?%63ode=1",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://127.1/",
        "http://2130706433/",
        "http://[::]/",
        "http://[::1/",
        "https://[::1]/",
        "https://app.example/" + "a" * 2_048,
    ],
)
def test_callback_is_refused_when_a_code_must_not_go_there(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="callback_url"):
        read_callback(url)


@pytest.mark.parametrize(
    ("url", "answered"),
    [
        ("https://app.example", "https://app.example?code=c+1&state=s%26t"),
        ("https://app.example/cb", "https://app.example/cb?code=c+1&state=s%26t"),
        ("https://app.example/cb?a=b", "https://app.example/cb?a=b&code=c+1&state=s%26t"),
        ("https://app.example/cb?", "https://app.example/cb?code=c+1&state=s%26t"),
        ("https://app.example/cb?a&", "https://app.example/cb?a&code=c+1&state=s%26t"),
    ],
)
def test_answer_is_added_to_the_query_that_is_there(url: str, answered: str) -> None:
    assert read_callback(url).answered(code="c 1", state="s&t", error=None) == answered


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("https://app.example", "https://app.example", True),
        ("https://app.example", "https://app.example/any/path?q=1", True),
        ("https://app.example/", "https://APP.example:443/any", True),
        ("https://app.example", "https://app.example:8443/", False),
        ("https://app.example", "https://app.example.evil.example/", False),
        ("https://app.example", "https://evil.example/app.example", False),
        ("https://app.example", "http://localhost/", False),
        ("https://app.example/cb", "https://app.example/cb", True),
        ("https://app.example/cb", "https://app.example/cb?q=1", True),
        ("https://app.example/cb", "https://app.example/cb/deeper", True),
        ("https://app.example/cb", "https://app.example/cbx", False),
        ("https://app.example/cb", "https://app.example/", False),
        ("https://app.example/cb/", "https://app.example/cb/deeper", True),
        ("https://app.example/cb/", "https://app.example/cb", False),
        ("http://localhost", "http://localhost:1234/cb", True),
        ("http://localhost:1", "http://localhost:2/cb", False),
        ("http://localhost", "http://127.0.0.1:1234/cb", False),
    ],
)
def test_callback_is_allowed_when_it_begins_as_an_entry_does(
    entry: str, url: str, *, allowed: bool
) -> None:
    assert is_allowed(read_callback(url), allowed=("https://other.example", entry)) is allowed


def test_every_callback_is_allowed_when_there_is_no_list() -> None:
    assert is_allowed(read_callback("https://any.example"), allowed=())


def test_entry_is_refused_when_it_has_a_query() -> None:
    assert read_allowed("https://app.example/cb").path == "/cb"
    with pytest.raises(InvalidRequestError, match="query"):
        read_allowed("https://app.example/cb?a=b")
