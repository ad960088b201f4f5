"""The pages of sign-in: HTML without scripts, every value escaped, looks from the tenant's brand.

Text on a colour of a tenant's is black or white, whichever is easier to read (WCAG 2.2, contrast).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from weir.domain.answers import Reply
from weir.domain.sign_in_settings import Brand

_STYLE = """
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;
justify-content:center;padding:24px 16px;background:%(background)s;color:#16181d;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%%;max-width:440px;background:#fff;border:1px solid #d6dae1;border-radius:14px;
padding:32px;box-shadow:0 8px 28px rgba(22,24,29,.08)}
header{display:flex;align-items:center;gap:12px;margin-bottom:24px}
header img{height:36px;max-width:120px;object-fit:contain}
header strong{font-size:17px;overflow-wrap:anywhere}
h1{font-size:22px;line-height:1.3;margin:0 0 8px;overflow-wrap:anywhere}
p{margin:0 0 16px;overflow-wrap:anywhere}
p.note{color:#555b66;font-size:14px}
dl{margin:0 0 20px;border:1px solid #d6dae1;border-radius:10px}
dl div{display:flex;justify-content:space-between;gap:16px;padding:10px 14px}
dl div+div{border-top:1px solid #d6dae1}
dt{color:#555b66;flex:none}
dd{margin:0;text-align:right;font-weight:600;overflow-wrap:anywhere}
label{display:block;font-weight:600;margin-bottom:6px}
input[type=text]{width:100%%;font:inherit;color:inherit;padding:10px 12px;margin-bottom:20px;
border:1px solid #767d8a;border-radius:8px;background:#fff}
.button{display:block;width:100%%;font:inherit;font-weight:600;text-align:center;
text-decoration:none;padding:12px 16px;margin-bottom:10px;border-radius:8px;cursor:pointer;
background:#fff;color:#16181d;border:1px solid #767d8a}
.main{background:%(accent)s;color:%(on_accent)s;border-color:%(edge)s}
.quiet{border-color:transparent;color:#3d434d;font-weight:400;text-decoration:underline;margin:0}
:focus-visible{outline:3px solid #16181d;outline-offset:2px}
code{display:block;padding:12px 14px;margin-bottom:16px;background:#f1f3f6;border-radius:8px;
overflow-wrap:anywhere;font:15px/1.4 ui-monospace,Consolas,monospace;user-select:all}
@media (max-width:440px){main{padding:24px 20px}dl div{display:block;padding:8px 14px}
dd{text-align:left}h1{font-size:20px}header{margin-bottom:16px}}
footer{margin-top:16px;font-size:14px;color:%(on_background)s}
footer a{color:inherit}
"""
_BLACK, _WHITE = "#000000", "#ffffff"
_FAINT = 0.4
# Below it, a channel of sRGB is linear (IEC 61966-2-1).
_DIM = 0.04045

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Whose page it is.

    Attributes:
        name: Of the tenant; "" on a page that is nobody's.
        nonce: Admits the page's own style sheet and no other.
    """

    name: str
    brand: Brand
    nonce: str


def page(
    look: Look, *, title: str, body: Sequence[str], status: int = 200, form_targets: str = ""
) -> Reply:
    """Return a page.

    Args:
        look: Whose it is.
        title: Its heading, as text.
        body: What follows, as HTML.
        status: Of the answer.
        form_targets: Sources beside this one that a form may lead to, redirects included.
    """
    brand = look.brand
    image = f"img-src {_origin(brand.logo_url)}; " if brand.logo_url else ""
    policy = (
        f"default-src 'none'; style-src 'nonce-{look.nonce}'; {image}"
        f"form-action 'self'{form_targets and ' '}{form_targets}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    text = "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            '<meta name="robots" content="noindex">',
            f"<title>{escape(' - '.join(filter(None, (title, look.name))))}</title>",
            f'<style nonce="{look.nonce}">{_style(brand)}</style></head><body><main>',
            _head(look),
            f"<h1>{escape(title)}</h1>",
            *body,
            f"</main>{_foot(brand)}</body></html>",
        )
    )
    headers = {**PAGE_HEADERS, "Content-Security-Policy": policy}
    return Reply(status=status, headers=headers, body=(text.encode(),))


def paragraph(text: str, *, note: bool = False) -> str:
    """Return a paragraph of plain text."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{escape(text)}</p>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a list of names with what they stand for."""
    rows = (f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f"<dl>{''.join(rows)}</dl>"


def link_button(text: str, *, to: str) -> str:
    """Return a link that looks like the page's main button."""
    return f'<a class="button main" href="{escape(to)}">{escape(text)}</a>'


def form(*parts: str, to: str) -> str:
    """Return a form that is posted."""
    return f'<form method="post" action="{escape(to)}">{"".join(parts)}</form>'


def hidden(name: str, value: str) -> str:
    """Return a field that nobody sees."""
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def text_field(name: str, *, label: str, value: str, max_chars: int) -> str:
    """Return a field for one line of text."""
    return (
        f'<label for="{escape(name)}">{escape(label)}</label>'
        f'<input type="text" id="{escape(name)}" name="{escape(name)}" value="{escape(value)}" '
        f'maxlength="{max_chars}" autocomplete="off" spellcheck="false">'
    )


def button(text: str, *, name: str, value: str, kind: str = "") -> str:
    """Return a button that sends its form; `kind` is `main`, `quiet`, or plain."""
    return (
        f'<button class="button {kind}" name="{escape(name)}" value="{escape(value)}">'
        f"{escape(text)}</button>"
    )


def code_box(code: str) -> str:
    """Return a code that is easily copied."""
    return f"<code>{escape(code)}</code>"


def _head(look: Look) -> str:
    if not look.name:
        return ""
    logo = look.brand.logo_url
    image = f'<img src="{escape(logo)}" alt="" referrerpolicy="no-referrer">' if logo else ""
    return f"<header>{image}<strong>{escape(look.name)}</strong></header>"


def _foot(brand: Brand) -> str:
    if not brand.support_url:
        return ""
    return (
        f'<footer><a href="{escape(brand.support_url)}" rel="noreferrer">Help and contact</a>'
        "</footer>"
    )


def _style(brand: Brand) -> str:
    is_faint = _luminance(brand.accent) > _FAINT
    return _STYLE % {
        "background": brand.background,
        "accent": brand.accent,
        "on_accent": _readable_on(brand.accent),
        "on_background": _readable_on(brand.background),
        "edge": "#767d8a" if is_faint else brand.accent,
    }


def _readable_on(colour: str) -> str:
    """Return black or white: one of them always has a contrast of 4.5 or more."""
    luminance = _luminance(colour)
    return _BLACK if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else _WHITE


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= _DIM else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
