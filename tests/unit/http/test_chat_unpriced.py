from typing import Any

import pytest

from tests.unit.http.chat_bodies import body, read

PDF_OCR = {"id": "file-parser", "pdf": {"engine": "mistral-ocr"}}


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        *(
            ({"service_tier": tier}, f'service_tier "{tier}"')
            for tier in ("fast", "priority", "scale", "ultrafast", "tomorrow", "Default", "")
        ),
        ({"preset": "mine"}, "preset"),
        ({"image_config": {}}, "image_config"),
        ({"modalities": ["text", "image"]}, 'modality "image"'),
        ({"modalities": ["audio"]}, 'modality "audio"'),
        ({"model": "a/b:nitro"}, 'model "a/b:nitro"'),
        ({"model": "a/b:free:NITRO"}, 'model "a/b:free:NITRO"'),
        ({"models": ["c/d", "e/f:nitro"]}, 'model "e/f:nitro"'),
        ({"model": "@preset/mine"}, 'model "@preset/mine"'),
        ({"model": "a/b@preset/mine"}, 'model "a/b@preset/mine"'),
        ({"provider": {"only": ["openai/priority"]}}, 'provider "openai/priority"'),
        ({"provider": {"order": ["azure", "openai/Fast"]}}, 'provider "openai/Fast"'),
        *(
            ({"plugins": [{"id": name}]}, f'plugin "{name}"')
            for name in ("fusion", "auto-router", "auto-beta-router", "pareto-router", "new", "Web")
        ),
        ({"plugins": [{"id": "web"}, {"id": "fusion", "enabled": True}]}, 'plugin "fusion"'),
        *(
            ({"tools": [{"type": kind}]}, f'tool "{kind}"')
            for kind in ("openrouter:web_search", "openrouter:datetime", "web_search_preview")
        ),
        ({"plugins": [PDF_OCR]}, 'the pdf engine of plugin "file-parser"'),
        (
            {"plugins": [{"id": "file-parser", "pdf": {"engine": ["native"]}}]},
            'the pdf engine of plugin "file-parser"',
        ),
        (
            {"plugins": [{"id": "file-parser", "pdf": "mistral-ocr"}]},
            'the pdf engine of plugin "file-parser"',
        ),
        ({"tools": [{"type": "openrouter:advisor"}]}, 'tool "openrouter:advisor"'),
        ({"tools": [{"type": "OpenRouter:web_search"}]}, 'tool "OpenRouter:web_search"'),
    ],
)
def test_feature_is_named_when_nothing_bounds_its_price(
    fields: dict[str, Any], feature: str
) -> None:
    assert read(body(**fields)).unpriced_feature == feature


@pytest.mark.parametrize(
    "fields",
    [
        {},
        *({"service_tier": tier} for tier in ("auto", "default", "flex", None)),
        {"preset": None, "image_config": None, "modalities": None, "provider": None},
        {"modalities": ["text"]},
        {"model": "nitro/b:floor", "models": ["c/d:free"]},
        {"provider": {"only": ["deepinfra/turbo", "priority"], "order": None}},
        {"plugins": [{"id": "fusion", "enabled": False}, {**PDF_OCR, "enabled": False}]},
        *(
            {"plugins": [{"id": name}]}
            for name in (
                "web",
                "web-fetch",
                "file-parser",
                "response-healing",
                "context-compression",
                "moderation",
            )
        ),
        *(
            {"plugins": [{"id": "file-parser", "pdf": pdf}]}
            for pdf in (None, {}, {"engine": None}, {"engine": "native"}, {"engine": "pdf-text"})
        ),
        {"tools": [{"type": "function", "function": {"name": "openrouter:advisor"}}]},
    ],
)
def test_no_feature_is_named_when_the_estimate_bounds_all(fields: dict[str, Any]) -> None:
    assert read(body(**fields)).unpriced_feature is None


A_FILE = {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "x"}}]}]}


@pytest.mark.parametrize(
    "plugins",
    [
        None,
        [],
        [{"id": "web"}],
        [{"id": "file-parser"}],
        [{"id": "file-parser", "pdf": {"engine": None}}],
        [{"id": "file-parser", "pdf": {"engine": "native"}, "enabled": False}],
        [{"id": "file-parser", "pdf": {"engine": "native"}}, {"id": "file-parser"}],
        [{"id": "file-parser", "pdf": {"engine": "native"}}, {**PDF_OCR, "enabled": False}],
    ],
)
def test_a_file_has_no_price_when_upstream_chooses_what_reads_it(plugins: Any) -> None:
    feature = read(body(**A_FILE, plugins=plugins)).unpriced_feature

    assert feature is not None
    assert feature.startswith("a file without a pdf engine")


def test_a_file_has_a_price_when_its_engine_is_named() -> None:
    plugins = [{"id": "file-parser", "pdf": {"engine": "pdf-text"}}]

    assert read(body(**A_FILE, plugins=plugins)).unpriced_feature is None


def test_name_is_short_ascii_when_the_client_writes_a_novel() -> None:
    feature = read(body(service_tier="é" * 100_000)).unpriced_feature

    assert feature == 'service_tier "' + "\\u00e9" * 64 + '"'
