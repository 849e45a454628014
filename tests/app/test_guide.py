"""Terms in running text, and the words of the tour."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from app import content, front
from app.look import STYLES
from app.views.terms import glossary, with_terms
from app.words import guide


def marked(html: str) -> list[tuple[str, str]]:
    """(term, as it stands in the text) of everything that can be asked about."""
    return re.findall(r'<dfn class="pag-term" tabindex="0" data-term="([^"]+)">([^<]+)</dfn>', html)


def without_tags(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_the_first_mention_of_a_term_is_marked_and_nothing_else_changes() -> None:
    text = "Ponder cost: every gated layer has a gate. <b>Budgets</b> and a budget, exact."
    html = with_terms(text)
    assert marked(html) == [
        ("ponder cost", "Ponder cost"),
        ("gate", "gated"),
        ("budget", "Budgets"),
        ("exact", "exact"),
    ]
    assert without_tags(html) == without_tags(text)


def test_only_whole_words_outside_of_tags_are_terms() -> None:
    for text in ("exactly", "investigate", '<i title="budget">x</i>', "&lt;gatehouse&gt;"):
        assert with_terms(text) == text


def test_hints_keep_their_words() -> None:
    for hint in (content.GATES_HINT, content.COST_HINT, content.PONDER_HINT, content.POOLING_HINT):
        assert without_tags(with_terms(hint)) == without_tags(hint)
        assert marked(with_terms(hint))


def test_the_glossary_has_every_term() -> None:
    text = without_tags(glossary())
    for term, meaning in guide.TERMS.items():
        assert f"{term[0].upper()}{term[1:]}" in text
        assert meaning in text


def test_the_script_has_the_words_and_the_styles_are_served() -> None:
    script = front.script()
    for _, _, title, text in guide.STEPS:
        assert title in script
        assert text in script
    assert 5 <= len(guide.STEPS) <= 6
    assert sorted(STYLES) == sorted(Path(front.__file__).parent.glob("*.css"))
