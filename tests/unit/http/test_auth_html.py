"""Pages that can be read, whatever colours a tenant chooses."""

import itertools

import pytest

from weir.domain.errors import InvalidRequestError, ProviderError, StoreUnavailableError, WeirError
from weir.domain.sign_in_settings import Brand
from weir.http.auth_html import Look, page
from weir.http.auth_views import error_page


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it, computed here once more."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


STEPS = ("00", "40", "77", "80", "c0", "ff")
COLOURS = ["#" + "".join(parts) for parts in itertools.product(STEPS, repeat=3)]


def test_text_can_be_read_on_every_colour() -> None:
    for colour in COLOURS:
        look = Look(name="x", brand=Brand(accent=colour, background=colour), nonce="n")
        text = b"".join(page(look, title="t", body=()).body).decode()

        on_accent = text.partition(f"background:{colour};color:")[2][:7]
        on_background = text.partition("footer{margin-top:16px;font-size:14px;color:")[2][:7]
        assert text.count(f"background:{colour};color:") >= 1
        assert contrast(colour, on_accent if on_accent != "#16181d" else on_background) >= 4.5
        assert contrast(colour, on_background) >= 4.5


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidRequestError("the form is old"), "The form is old."),
        (InvalidRequestError("key_label must be"), "key_label must be."),
        (ProviderError("it cannot be reached", cost_is_zero=True), "It cannot be reached."),
        (StoreUnavailableError("table x"), "Something went wrong here."),
        (WeirError("secret detail"), "Something went wrong here."),
    ],
)
def test_error_is_told_in_a_sentence(error: WeirError, told: str) -> None:
    reply = error_page(Look(name="", brand=Brand(), nonce="n"), error)
    text = b"".join(reply.body).decode()

    assert reply.status == error.status
    assert told in text
    assert "<header>" not in text
    assert "table x" not in text
    assert "secret" not in text
