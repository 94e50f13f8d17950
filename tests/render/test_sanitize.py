from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.render import sanitize

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()


def test_tables_survive_and_active_content_is_reported(parsed):
    kept, active = sanitize.html(
        "<table border=1 onclick=x style='a'><tr><th>a</th><td class=q>1</td></tr></table><script>1</script>"
    )
    assert kept == "<table><tbody><tr><th>a</th><td>1</td></tr></tbody></table>"
    assert active
    assert not sanitize.html("<p>x</p>")[1]


def test_hostile_html_is_dead(hostile_words, parsed):
    for word in hostile_words:
        kept, _ = sanitize.html(word.replace("evil.example", "good.example"))
        parsed(kept)


def test_markdown_keeps_prose_and_drops_markup(parsed):
    html = sanitize.markdown(
        "# T\n\n## S\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<b>x</b> ![alt](https://a.example/x.png) [l](https://a.example)"
    )
    page = parsed(html)
    assert [tag for tag, _ in page.found if tag[0] == "h"] == ["h2", "h2"]
    assert "[image not shown: alt]" in html
    assert "&lt;b&gt;" in html
    assert [a for tag, a in page.found if tag == "a"] == [
        {"href": "https://a.example", "rel": "noopener noreferrer"}
    ]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:x",
        "//x.example",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "&#106;avascript:x",
    ],
)
def test_markdown_links_to_nothing_else(parsed, target):
    assert not [a for tag, a in parsed(sanitize.markdown(f"[l]({target}) <{target}>")).found if a.get("href")]


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("<>&\"'=/![]()`*_#|\n abijmgsrconeload:-")), max_size=80))
def test_any_markdown_is_dead(source):
    from html.parser import HTMLParser

    class Names(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in ("script", "img", "svg", "iframe", "style", "object")
            assert not any(name.startswith("on") or name == "style" for name, _ in attrs)

    Names().feed(sanitize.markdown(source))


def test_terminal_text_is_bare():
    assert (
        sanitize.plain("\x1b[1;31mE\x1b[0m\x1b]8;;https://x\x07l\x1b]8;;\x07 10%\r100%\r\nnext")
        == "100%\nnext"
    )


def test_only_true_images_are_shown():
    assert sanitize.image_uri("image/png", PNG[:8] + "\n" + PNG[8:]) == "data:image/png;base64," + PNG
    for kind, data in [
        ("image/jpeg", PNG),
        ("image/svg+xml", PNG),
        ("image/png", '"><script>'),
        ("image/png", ""),
    ]:
        assert sanitize.image_uri(kind, data) is None


def test_foreign_figures_keep_bold_and_lose_links():
    drawing = sanitize.plotly_json(
        {
            "data": [{"type": "scattergl", "name": "<a href='x'>y</a><b>z</b>$t$"}],
            "layout": {"images": [{"source": "https://x"}], "sliders": [1]},
        }
    )
    assert drawing == {
        "data": [{"type": "scatter", "name": "&lt;a href='x'>y&lt;/a><b>z</b>&#36;t&#36;"}],
        "layout": {},
    }
    assert sanitize.plotly_json({"data": [{"type": "scattermap"}]}) is None
    assert sanitize.plotly_json({"data": "x"}) is None
    assert sanitize.caption({"layout": {"title": {"text": "<b>a</b> &lt;i>"}}}) == "a <i>"
