"""Paper: whatever the words are, Markdown shows them as they stand and a page escapes them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from markdown_it import MarkdownIt

from auditkit.exports.paper import Paper, Points, Rows, Section, Words, as_html, as_markdown, in_markdown
from auditkit.render.text import one_line

from .conftest import HOSTILE, hostile_text

MARKDOWN = MarkdownIt("commonmark").enable("table")
FOREIGN = {"html_inline", "html_block", "link_open", "image"}
AUTOLINK = re.compile(r"https?://|www\.|@", re.IGNORECASE)


def inline(text):
    """Return the tokens of Markdown, those within others too."""
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or ()


def told(text):
    return "".join(t.content for t in inline(text) if t.type in ("text", "code_inline"))


def held(markdown):
    """Hold Markdown to showing words alone: no HTML, link or picture, and nothing that a reader makes a link of."""
    tokens = list(inline(markdown))
    assert not FOREIGN & {t.type for t in tokens}
    assert not [t.content for t in tokens if t.type == "text" and AUTOLINK.search(t.content)]


@given(hostile_text)
@example(HOSTILE)
@example("1. one")
@example("@@www.@")
@example("\\`@`")
def test_any_line_is_shown_as_it_stands(text):
    made = in_markdown(text)
    held(made)
    assert told(made) == one_line(text)


@given(hostile_text)
@example(HOSTILE)
def test_a_paper_has_the_shape_it_was_given(text):
    rows = Rows((text, "n"), ((text, "1"), (text, "2")), ("n",), title=text)
    made = as_markdown(Paper(text, (text,), (Section(text, (Words(text), Points((text, text)), rows)),)))
    held(made)
    kinds = [t.type for t in inline(made)]
    count = kinds.count
    assert (count("heading_open"), count("tr_open"), count("td_open"), count("list_item_open")) == (
        2,
        3,
        4,
        2,
    )


def test_a_page_escapes_what_a_person_typed():
    made = as_html(Paper(HOSTILE, (HOSTILE,), (Section(HOSTILE, (Words(HOSTILE), Points((HOSTILE,)), Rows((HOSTILE,), ((HOSTILE,),)))),)))  # fmt: skip
    assert "<img" not in made
    assert "</script><" not in made
    assert made.count("&lt;img src=x") == 9


@pytest.mark.parametrize("block", [Rows(("a",), ()), Points(())])
def test_what_is_empty_leaves_nothing(block):
    assert as_markdown(Paper("t", (), (Section("s", (block,)),))) == "# t\n\n## s\n"
