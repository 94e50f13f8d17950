from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.render.tables import table_html


def cells(page, tag):
    return [attributes for name, attributes in page.found if name == tag]


def test_a_table_has_a_caption_and_scoped_headers(each_table, parsed):
    page = parsed(table_html(each_table["rates"]))
    assert len(cells(page, "caption")) == 1
    assert {a["scope"] for a in cells(page, "th")} == {"col", "row"}
    assert "selection rate [interval]" in page.text
    assert "0.304 [0.294, 0.314]" in page.text
    assert "10,860" in page.text
    assert "undefined" in page.text


def test_pictures_are_a_row_each(each_table, parsed):
    page = parsed(table_html(each_table["digits"]))
    assert len(cells(page, "tr")) == 4
    assert "1: called a three" in page.text


def test_a_swarm_is_a_row_a_label(each_table, parsed):
    page = parsed(table_html(each_table["swarm"]))
    assert len(cells(page, "tr")) == 3
    assert {"age", "dots", "least", "middle", "greatest"} <= {text.strip() for text in page.text}


def test_long_tables_say_how_long(parsed):
    html = table_html({"title": "t", "columns": {"a": list(range(1000))}}, most=50)
    assert len(cells(parsed(html), "tr")) == 51
    assert "50 of 1,000 rows shown" in html


def test_a_column_called_items_or_keys_is_a_column(parsed):
    assert "7" in parsed(table_html({"title": "t", "columns": {"items": ["x"], "keys": [7]}})).text


WORDS = st.text(alphabet=st.sampled_from(list("<>&/\"'=! ab-x\u202e\x00")), max_size=40)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(WORDS, WORDS, min_size=1, max_size=5), WORDS)
def test_any_words_stay_words(words, title):
    html = table_html({"title": title, "columns": {name: [word] for name, word in words.items()}})
    tags = set(re.findall(r"<(/?[^\s>]*)", html))
    assert tags <= {
        t
        for name in ["div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"]
        for t in (name, "/" + name)
    }
    assert "\u202e" not in html
    assert "\x00" not in html


def test_a_p_value_too_small_for_the_machine_is_not_written_as_0(parsed):
    columns = {
        "label": ["a"],
        "fisher_p": [0.0],
        "p (Holm)": [0.0],
        "p_value": [1e-5],
        "share": [0.0],
        "bayes": [2.0**500],
    }
    shown = parsed(table_html({"title": "t", "columns": columns})).text
    assert shown.count("< 1e-300") == 2
    assert {"1e-05", "0.000", "3.3e+150"} <= set(shown)


def test_a_value_without_an_interval_stands_alone(parsed):
    columns = {"label": ["a", "b"], "value": [0.5, 0.25], "low": [None, 0.1], "high": [None, None]}
    text = " ".join(parsed(table_html({"title": "t", "columns": columns})).text)
    assert "[undefined, undefined]" not in text
    assert "0.250 [0.100, undefined]" in text
