"""Controls on the page: a quiet line beside each finding, and the appendix; hostile catalogues stay words."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.controls import Catalogue, Control, Framework, load_catalogue
from auditkit.controls.shown import MOST_ROWS, by_check, on_page
from auditkit.render import page
from auditkit.render._controls import section
from auditkit.render.notebook import notebook_html
from auditkit.render.status import NOT_JUDGED
from auditkit.render.views import MIME, bundle, view_data

PROMISES = re.compile(r"complian|compliant|conform|satisfies", re.IGNORECASE)


def book(report, *views, **own):
    outputs = [
        {"output_type": "display_data", "data": bundle(v, view_data(v, report)), "metadata": {}}
        for v in views
    ]
    for one in outputs:
        one["data"][MIME]["data"].update(own)
    return {
        "cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs": outputs}],
        "metadata": {},
    }


def said(parsed, html):
    return " ".join(" ".join(parsed(html).text).split())


def test_a_finding_says_which_controls_it_is_evidence_relevant_to(report, parsed):
    html = page.findings({**report, "controls": by_check(report)})
    words = said(parsed, html)
    assert (
        "Evidence relevant to: NIST AI RMF MEASURE 2.11; EU AI Act Art. 13(3)(b), Annex IV 2(g), Annex IV 3; and 4 more"
        in words
    )
    assert "Uniform Guidelines 1607.4(D); GDPR Art. 35(7)" in words


def test_what_is_no_evidence_has_no_line(report, parsed):
    # AK102 gave no value, AK202 did not apply, AK301 broke; AK302 has none either
    report["evidence"] = [e for e in report["evidence"] if e["check"] != "AK201"]
    report["findings"] = [f for f in report["findings"] if f["check"] != "AK101"]
    html = page.findings({**report, "controls": by_check({**report, "evidence": report["evidence"][1:-1]})})
    assert "Evidence relevant to" not in said(parsed, html)


def test_an_error_of_a_check_that_gave_something_else_has_no_line(report):
    report["findings"] = [{**report["findings"][1], "status": "error", "measurement": None, "reason": "no"}]
    mapped = by_check(report)
    assert "AK101" in mapped
    assert "Evidence relevant to" not in page.findings({**report, "controls": mapped})


def test_without_controls_the_findings_are_as_they_were(report):
    assert "Evidence relevant to" not in page.findings(report)
    assert "Controls" not in notebook_html(book(report, "verdict", "findings"))


def test_the_appendix_stands_by_framework_with_editions_and_days(report, parsed):
    html = notebook_html(book(report, "verdict", "findings"), controls=on_page)
    words = said(parsed, html)
    assert 'aria-label="Controls"' in html
    assert (
        "Reg. (EU) 2024/1689 as amended by the Digital Omnibus on AI (Council 29 Jun 2026); Annex III from 2027-12-02"
        in words
    )
    assert "Uniform Guidelines (contested)" in words.replace(" )", ")").replace("( ", "(")
    assert "it does not say that any requirement is met" in words
    assert "Catalogue 2026-11" in words
    # language models were not asked about; forms alone are no evidence
    assert re.search(r"No evidence here: [^.]*NIST AI 600-1", words)
    assert PROMISES.search(words) is None


def test_the_first_screen_stays_as_it_was(report):
    given = book(report, "verdict", "findings", "methods")
    before, after = notebook_html(given), notebook_html(given, controls=on_page)
    first = [html[html.index("<main") : html.index('aria-label="Findings"')] for html in (before, after)]
    assert first[0] == first[1]
    assert len(after) - len(before) < 250_000


def test_codes_lead_to_the_evidence_of_their_checks(report, parsed):
    given = book(report, "verdict", "findings")
    more = bundle("evidence", view_data("evidence", report, "AK101"))
    given["cells"][0]["outputs"].append({"output_type": "display_data", "data": more, "metadata": {}})
    found = parsed(notebook_html(given, controls=on_page)).found
    links = [a["href"][1:] for tag, a in found if tag == "a" and a.get("href", "").startswith("#check-")]
    ids = {a["id"] for _, a in found if a.get("id")}
    assert "check-ak101" in links
    assert set(links) <= ids


def test_what_a_notebook_brings_as_controls_is_not_taken_over(report):
    own = {"AK101": {"first": ["PCI DSS 1"], "more": [], "count": 0}}
    for controls in (None, on_page):
        assert "PCI DSS" not in notebook_html(book(report, "findings", controls=own), controls=controls)


@pytest.mark.parametrize(
    "damage",
    [{"evidence": [7]}, {"evidence": 7}, {"provenance": []}, {"subject": "x"}, {"findings": {"a": 1}}],
)
def test_a_damaged_notebook_still_makes_a_page(report, damage):
    html = notebook_html(book(report, "verdict", "findings", **damage), controls=on_page)
    assert "</html>" in html


class Elements(HTMLParser):
    """Reads HTML into its elements."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


HOSTILE_WORDS = [
    "<script>window.__pwned=1</script>", '"><svg onload=1>', "{{7*7}}{% raw %}", "a\u202eb\u2066c\x00\x1b[31m", "' onmouseover='1",
    "</details></table></section>", "&lt;i&gt;",
]  # fmt: skip
HOSTILE_ID = '<img src=x onerror="window.__pwned=1">'
HOSTILE = "</table></details><script>window.__pwned=2</script> {{7*7}} \\u202e"


def own(tmp_path, controls=1):
    rows = "".join(
        f"""
[[control]]
id = '{HOSTILE_ID}{n}'
framework = "{{framework}}"
title = '{HOSTILE}'
note = '{HOSTILE}'
topics = ["bias"]
strength = "direct"
evidence = ['{HOSTILE}']
aliases = ['{HOSTILE}']
"""
        for n in range(controls)
    ).replace("{framework}", "own")
    file = tmp_path / "own.toml"
    file.write_text(
        f"""
disclaimer = '{HOSTILE}'
[[framework]]
id = "own"
name = '{HOSTILE_ID}'
title = '{HOSTILE}'
edition = '{HOSTILE}'
status = '{HOSTILE}'
note = '{HOSTILE}'
{rows}""",
        "utf-8",
    )
    return load_catalogue(file)


def test_a_hostile_catalogue_stays_words(report, parsed, tmp_path):
    catalogue = own(tmp_path)
    html = notebook_html(book(report, "verdict", "findings"), controls=lambda data: on_page(data, catalogue))
    read = parsed(html)
    assert HOSTILE_ID in " ".join(read.text)
    assert not [a for tag, a in read.found if tag == "img" or "onerror" in a]
    assert not [text for _, text in read.scripts if "__pwned" in text]


SEEN = {"evidence": [{"check": "AK101", "measurements": [{"metric": "m", "value": 0.5}]}]}


def drawn(text):
    """Return the appendix and a finding's line of a catalogue that says this text wherever it may."""
    shipped = load_catalogue()
    framework = Framework("own", text, text, text, note=text, applies=((text, date(2026, 1, 1)),))
    control = Control(text, "own", text, ("bias",), "direct", (text,), note=text, aliases=(text,))
    made = Catalogue(text, text, (framework,), (control,), shipped.topics)
    [(_, html)] = section(on_page(SEEN, made), {})
    finding = {"check": "AK101", "status": "not_applicable", "reason": NOT_JUDGED, "fingerprint": "f"}
    return html + page.findings({**SEEN, "findings": [finding], "controls": by_check(SEEN, made)})


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=40) | st.sampled_from(HOSTILE_WORDS))
def test_no_text_of_a_catalogue_changes_what_the_page_is_made_of(text):
    def elements(html):
        return [(tag, sorted(attributes)) for tag, attributes in Elements(html).found]

    html = drawn(text)
    assert elements(html) == elements(drawn("x"))
    assert not re.search("[\u202e\u2066\x00\x1b]", html)


def test_a_large_catalogue_is_bounded_and_says_what_is_left(report, parsed, tmp_path):
    catalogue = own(tmp_path, controls=2000)
    html = notebook_html(book(report, "verdict", "findings"), controls=lambda data: on_page(data, catalogue))
    assert html.count('<th scope="row">') <= MOST_ROWS
    assert re.search(r"1,\d\d\d more are not shown", said(parsed, html))
    assert len(html) < 1_500_000
