"""Names of models that may become a path, and the age of copies."""

import pytest

from weir.domain.catalogue import FRESH_MS, USABLE_MS, Copy, Subject, Topic, model_topic


@pytest.mark.parametrize(
    ("author", "slug"),
    [("openai", "gpt-4o"), ("~openai", "gpt-latest"), ("Meta", "llama-3.1_8b:free"), ("a", "1.5")],
)
def test_a_model_has_a_topic_when_its_name_is_one(author: str, slug: str) -> None:
    topic = model_topic(Subject.MODEL, author=author, slug=slug)

    assert topic == Topic(subject=Subject.MODEL, name=f"{author}/{slug}")


@pytest.mark.parametrize(
    ("author", "slug"),
    [
        ("", "gpt"),
        ("openai", ""),
        ("openai", ".."),
        ("openai", "a..b"),
        ("..", "models"),
        ("openai", "gpt/endpoints"),
        ("openai", "gpt?x=1"),
        ("openai", "gpt#x"),
        ("openai", "gpt%2F"),
        ("openai", "gpt:"),
        ("openai", "gpt:a:b"),
        ("openai", "gpt\n"),
        ("openai", "gpt é"),
        ("open ai", "gpt"),
        ("openai", "g" * 300),
    ],
)
def test_a_model_has_no_topic_when_its_name_would_climb_out_of_the_route(
    author: str, slug: str
) -> None:
    assert model_topic(Subject.MODEL, author=author, slug=slug) is None


def test_a_copy_is_fresh_for_ten_minutes_and_usable_for_a_day() -> None:
    copy = Copy(content=[], read_ms=1_000)

    assert copy.is_fresh(now_ms=1_000 + FRESH_MS - 1)
    assert not copy.is_fresh(now_ms=1_000 + FRESH_MS)
    assert copy.is_usable(now_ms=1_000 + USABLE_MS - 1)
    assert not copy.is_usable(now_ms=1_000 + USABLE_MS)
