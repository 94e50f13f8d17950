from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re

import pytest

from auditkit.render import sanitize, views
from auditkit.render._found import found
from auditkit.render._packing import LETTERS
from auditkit.render.document import _plotly
from auditkit.render.notebook import notebook_html

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()


def code(*outputs, source="1", tags=(), run=True):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "execution_count": 1 if run else None,
        "outputs": list(outputs),
    }


def text(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def shown(**data):
    return {
        "output_type": "display_data",
        "data": {k.replace("__", "/"): v for k, v in data.items()},
        "metadata": {},
    }


def bundle(view, data):
    return {"output_type": "display_data", "data": views.bundle(view, data), "metadata": {}}


def notebook(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def said(parsed, html):
    return " ".join(" ".join(parsed(html).text).split())


def audit(report, each_table):
    """Return a notebook as the templates write it: the verdict at its end."""
    evidence = [
        code(bundle("evidence", views.view_data("evidence", report, e["check"]))) for e in report["evidence"]
    ]
    return notebook(
        text("# An audit\n\nIntroduction."), *evidence, code(bundle("figure", each_table["rates"])), text("## Verdict"),
        *(code(bundle(view, views.view_data(view, report))) for view in ("verdict", "findings", "methods")),
    )  # fmt: skip


def test_the_verdict_comes_first_and_methods_last(report, each_table, parsed):
    html = notebook_html(audit(report, each_table))
    parts = [
        'aria-label="Verdict"',
        'aria-label="Findings"',
        "Introduction.",
        "Population threshold attack</h3",
        'aria-label="Methods',
    ]
    places = [html.index(part.split("</h3")[0], html.index("<main")) for part in parts]
    assert places[:3] == sorted(places[:3])
    assert places[-1] == max(places)
    assert "<title>Audit of credit</title>" in html
    assert html.count("<h2>Verdict</h2>") == 0


def test_one_bundle_for_all_figures_within_three_megabytes(report, each_table, parsed):
    html = notebook_html(audit(report, each_table))
    kinds = [kind for kind, _ in parsed(html).scripts]
    assert kinds.count("application/gzip+base85") == 2  # plotly.js, and the data of all figures
    assert html.count('class="ak-plot"') == 8
    assert kinds.count("") == 1
    assert len(html.encode()) < 3_000_000


def test_no_figure_no_bundle_no_script(report, parsed):
    html = notebook_html(notebook(code(bundle("verdict", views.view_data("verdict", report)))))
    assert not parsed(html).scripts
    assert any("script-src 'none'" in a.get("content", "") for _, a in parsed(html).found)
    assert "unsafe-inline" not in html
    assert len(html) < 40_000


def test_the_policy_allows_our_two_scripts_by_hash_and_nothing_else(report, each_table, parsed):
    page = parsed(notebook_html(audit(report, each_table)))
    policy = next(a["content"] for tag, a in page.found if a.get("http-equiv") == "Content-Security-Policy")
    own = next(source for kind, source in page.scripts if not kind)
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'"
        for s in (own, _plotly()[0])
    }
    assert set(re.search(r"script-src ([^;]*);", policy)[1].split()) == hashes
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"(script-src|style-src) [^;]*unsafe", policy)
    assert "img-src data:" in policy


def unpacked(letters):
    """Read what travels in a page by hand: five letters are a number of four bytes, the last ones fewer."""
    value = {letter: i for i, letter in enumerate(LETTERS)}
    found = bytearray()
    for at in range(0, len(letters), 5):
        part = letters[at : at + 5]
        four = 0
        for letter in part.ljust(5, LETTERS[84]):
            four = four * 85 + value[letter]
        found += four.to_bytes(4, "big")[: len(part) - 1]
    return gzip.decompress(bytes(found)).decode()


def test_figures_are_json_that_cannot_close_its_element(hostile_report, each_table, parsed):
    page = parsed(notebook_html(audit(hostile_report, each_table)))
    letters = [source for kind, source in page.scripts if kind == "application/gzip+base85"]
    assert len(letters) == 2
    assert not set("".join(letters)) & set("<>&'\"\\")
    drawings = json.loads(unpacked(letters[1]))
    assert [set(drawing) for drawing in drawings] == [{"data", "layout"}] * 8


def test_no_code_unless_asked(parsed):
    book = notebook(
        text("# T"),
        code({"output_type": "stream", "name": "stdout", "text": "out"}, source="secret_code = 1"),
    )
    assert "secret_code" not in notebook_html(book)
    assert "secret_code = 1" in said(parsed, notebook_html(book, include_code=True))


def test_outputs_are_shown_in_their_safe_form(parsed):
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "HBox()"}
    html = notebook_html(
        notebook(
            code(
                {
                    "output_type": "stream",
                    "name": "stdout",
                    "text": ["\x1b[32mgreen\x1b[0m <i>\n", "1%\r99%\n"],
                },
                {"output_type": "stream", "name": "stderr", "text": "a warning"},
                shown(text__html="<table><tr><td>cell</td></tr></table><script>x</script>"),
                shown(image__png=PNG),
                {"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}},
                {"output_type": "display_data", "data": widget},
                {"output_type": "display_data", "data": {"application/x-odd": 1}},
                {"output_type": "execute_result", "data": {"text/plain": "<Obj>"}, "execution_count": 1},
            )
        )
    )
    words = said(parsed, html)
    for part in ("green <i> 99%", "Messages and warnings", "cell", "were removed from this output", "An SVG image was left out",
                 "An interactive widget was left out", "its forms: application/x-odd", "<Obj>"):  # fmt: skip
        assert part in words
    assert "data:image/png;base64," in html


def test_an_error_is_shown_as_an_error_and_said_first(parsed):
    error = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "bad <b>",
        "traceback": ["\x1b[31mTraceback\x1b[0m", "line"],
    }
    words = said(parsed, notebook_html(notebook(code(error), code(run=False))))
    assert words.index("what stands below is incomplete") < words.index(
        "This cell stopped with an error. ValueError: bad <b>"
    )
    assert "1 cell was not run" in words
    assert "holds no verdict" in words


def test_a_notebook_that_was_not_run_says_so(parsed):
    assert "it holds no results" in said(parsed, notebook_html(notebook(text("# T"), code(run=False))))


def test_a_broken_view_is_a_note_and_the_rest_stands(parsed):
    odd = [
        {"view": "evidence", "data": {}},
        {"view": "pie", "data": {}},
        {"view": "figure", "data": {"kind": "estimates", "columns": {"x": [1]}}},
        7,
    ]
    html = notebook_html(
        notebook(
            *(code({"output_type": "display_data", "data": {views.MIME: one}}) for one in odd),
            text("The rest."),
        )
    )
    assert html.count("could not be drawn") == 4
    assert "The rest." in html


@pytest.mark.parametrize("source", ["a = [1, 'x']\nb = '<b>'", "a = __import__('os').system('x')\nb = '<b>'"])
def test_parameters_are_read_and_never_run(parsed, source):
    html = notebook_html(notebook(code(source=source, tags=["injected-parameters"])))
    words = said(parsed, html)
    assert "Parameters of this run" in words
    assert "'<b>'" in words


def test_parameters_come_from_the_record_where_there_is_one(report, parsed):
    book = notebook(
        code(bundle("methods", views.view_data("methods", report))),
        papermill={"parameters": {"epsilon": 0.5, "note": "<i>"}},
    )
    assert "epsilon 0.5 note <i>" in said(parsed, notebook_html(book))


def test_a_cell_that_is_no_python_is_not_shown_as_parameters(parsed):
    assert "could not be read" in said(
        parsed, notebook_html(notebook(code(source="a = = 1", tags=["injected-parameters"])))
    )


def test_a_foreign_figure_is_drawn_and_a_map_is_not(parsed):
    bar = {"data": [{"type": "bar", "y": [1]}], "layout": {"title": {"text": "<b>T</b>"}, "sliders": [{}]}}
    html = notebook_html(
        notebook(
            code(shown(**{views.PLOTLY: bar}), shown(**{views.PLOTLY: {"data": [{"type": "scattermap"}]}}))
        )
    )
    words = said(parsed, html)
    assert "Left out of this figure: sliders." in words
    assert "A figure was left out: maps" in words


def test_hostile_cells_are_dead(hostile_words, parsed):
    safe = [w.replace("evil.example", "good.example") for w in hostile_words]
    cells = [text(w) for w in safe] + [
        code(shown(text__html=w), shown(text__plain=w), shown(text__markdown=w), shown(image__png=w),
             {"output_type": "stream", "name": w, "text": w}, {"output_type": "error", "ename": w, "evalue": w, "traceback": [w]},
             {"output_type": "display_data", "data": {w: w}}, source=w)
        for w in safe
    ]  # fmt: skip
    parsed(notebook_html(notebook(*cells), include_code=True, title=safe[0]))


def test_markdown_in_navigation_is_text(parsed):
    html = notebook_html(notebook(text("## A `code` <script>x</script> ![i](https://x)"), code()))
    assert sanitize.headings("## A `code` <script>x</script>") == ["A code <script>x</script>"]
    parsed(html)


def test_a_notebook_without_prose_gets_a_heading_for_each_dimension(report, parsed):
    cells = [
        code(bundle("evidence", views.view_data("evidence", report, e["check"]))) for e in report["evidence"]
    ]
    page = parsed(notebook_html(notebook(*cells)))
    assert sum(tag == "h2" for tag, _ in page.found) == 3
    words = " ".join(page.text)
    assert words.index("Bias") < words.index("Membership") < words.index("Robustness")


def test_a_damaged_verdict_is_a_note_and_the_rest_stands():
    broken = {
        "output_type": "display_data",
        "data": {views.MIME: {"view": "verdict", "data": {"subject": 3}}},
    }
    html = notebook_html(notebook(code(broken), text("The rest.")))
    assert "could not be drawn" in html
    assert "The rest." in html


def test_the_command_to_run_it_again_names_the_template(report, each_table, parsed):
    book = audit(report, each_table) | {"metadata": {"auditkit": {"template": "bias"}}}
    assert "auditkit run bias --subject" in said(parsed, notebook_html(book))
    book["metadata"] = {"auditkit": {"template": "x; rm -r ~"}}
    assert "auditkit run TEMPLATE --subject" in said(parsed, notebook_html(book))


def test_the_command_that_was_run_is_shown_whole(report, each_table, parsed):
    words = [
        "auditkit",
        "run",
        "bias",
        "--subject",
        "my file.toml",
        "-p",
        "x=<b>",
        "--seed",
        "3",
        "--out",
        "reports",
    ]
    book = audit(report, each_table) | {"metadata": {"auditkit": {"template": "bias", "command": words}}}
    shown = said(parsed, notebook_html(book))
    assert "auditkit run bias --subject 'my file.toml' -p 'x=<b>' --seed 3 --out reports" in shown
    assert "SUBJECT.toml" not in shown


@pytest.mark.parametrize(
    "command",
    [
        ["curl", "evil"],
        ["auditkit", "demo"],
        "auditkit run x",
        ["auditkit", "run", 3],
        ["auditkit", "run", "x" * 5000],
    ],
)
def test_what_is_no_command_of_a_run_is_not_shown(report, each_table, parsed, command):
    book = audit(report, each_table) | {"metadata": {"auditkit": {"template": "bias", "command": command}}}
    assert "auditkit run bias --subject SUBJECT.toml" in said(parsed, notebook_html(book))


def test_a_hostile_word_of_a_command_stays_one_quoted_word(report, each_table, parsed):
    command = ["auditkit", "run", "bias", "--subject", "a.toml; rm -r ~", "$(id)", "it's"]
    book = audit(report, each_table) | {"metadata": {"auditkit": {"command": command}}}
    shown = said(parsed, notebook_html(book))
    assert """'a.toml; rm -r ~' '$(id)' 'it'"'"'s'""" in shown


def test_people_sign_after_the_methods_and_before_the_pages(report, each_table, parsed):
    html = notebook_html(audit(report, each_table), pages={"AK101": "# AK101"})
    places = [
        html.index(part)
        for part in ('aria-label="Methods', 'aria-label="Signatures"', "How the checks work</h2>")
    ]
    assert places == sorted(places)
    shown = said(parsed, html)
    for part in ("To be filled in by people", "Audited by", "Reviewed by", "Date", "Signature"):
        assert part in shown


def test_without_a_verdict_there_is_nothing_to_sign(parsed):
    assert "Signatures" not in said(parsed, notebook_html(notebook(text("# T"), code())))


def told(report, **cells):
    """Return a notebook with a question over each check, one chapter, and what travels with the findings."""
    asked = [
        part
        for e in report["evidence"]
        for part in (
            text(f"### Is {e['check']} so?"),
            code(bundle("evidence", views.view_data("evidence", report, e["check"]))),
        )
    ]
    findings = code(bundle("findings", views.view_data("findings", report)))
    return notebook(*cells.get("before", []), text("## Chapter"), *asked, text("## Findings"), findings)


def test_what_was_found_leads_to_each_check_and_what_is_not_met_is_not_folded(report, parsed):
    html = notebook_html(told(report))
    box = html[html.index('aria-label="What was found"') : html.index('aria-label="Findings"')]
    saying = [e["check"] for e in report["evidence"] if e["says"]]
    assert saying
    for check in saying:
        assert box.count(f'href="#check-{check.lower()}"') == 1
        assert html.count(f'id="check-{check.lower()}"') == 1
    open_part = box.split("<details>", maxsplit=1)[0]
    failed = {f["check"] for f in report["findings"] if f["status"] == "fail"} & set(saying)
    assert failed
    assert all(f"#check-{check.lower()}" in open_part for check in failed)
    assert "Not met: " in open_part


@pytest.mark.parametrize(("low", "told"), [(0.25, True), (0.15, False)])
def test_a_confirmed_weak_spot_is_not_folded_and_construction_is_no_status_of_a_sentence(low, told):
    def measured(metric, value, low, **more):
        return {"metric": metric, "value": value, "interval": {"low": low, "high": 1.0}, **more}

    exact = measured("shap_additivity_error", 0.0, 0.0, by_construction=True)
    every = {
        "AK001": [measured("accuracy", 0.8, 0.7)],
        "AK003": [measured("error_rate", 0.2, 0.1), measured("leaf_error_rate", 0.4, low)],
        "AK401": [measured("shap_importance", 0.1, 0.0), exact],
        "AK409": [exact],
    }
    evidence = [{"check": code, "says": f"It is {code}.", "measurements": of} for code, of in every.items()]
    findings = [{"check": code, "measurement": exact, "status": "pass"} for code in ("AK401", "AK409")]
    report = {"findings": findings, "evidence": evidence}
    for data in (report, views.view_data("findings", report)):
        box = str(found(data, [("Chapter", code, f"#{code}") for code in every]))
        assert ("It is AK003." in box.split("<details>", maxsplit=1)[0]) == told
        assert "It is AK001." in box.split("<details>", maxsplit=1)[0]
        assert box.count("holds by construction") == 1  # AK409


def test_what_was_found_stands_before_what_was_audited(report, parsed):
    verdict = code(bundle("verdict", views.view_data("verdict", report)))
    html = notebook_html(told(report, before=[verdict]))
    marks = ("<h1>", 'aria-label="What was found"', "What was audited</h2>", 'aria-label="Findings"')
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)
    assert html.count("<h1>") == html.count("What was audited</h2>") == 1


def test_a_question_over_a_check_is_not_asked_twice(report, parsed):
    question = report["provenance"]["plan"][0]["question"]
    first = {**report, "evidence": report["evidence"][:1]}
    assert question not in said(parsed, notebook_html(told(first)))
    bare = code(bundle("evidence", views.view_data("evidence", report, report["evidence"][0]["check"])))
    assert question in said(parsed, notebook_html(notebook(bare)))


def test_a_long_note_is_told_once_and_then_referred_to(report, parsed):
    one, other = ({**e, "notes": ["Explainer: paths. It can be read."]} for e in report["evidence"][:2])
    words = said(parsed, notebook_html(told({**report, "evidence": [one, other]})))
    assert words.count("It can be read.") == 1
    assert f"Explainer: paths; see {one['check']}." in words


def test_settings_subject_and_plan_are_folded_and_an_error_in_them_is_not(parsed):
    stopped = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": []}
    cells = [{**text("## Settings\n\nAll of them."), "id": "about-settings"}]
    calm = notebook_html(notebook(*cells, code(shown(text__plain="out")), text("## Rest\n\nThe rest.")))
    folded = re.search(
        r'<details class="ak-fold"><summary><h2>Settings</h2></summary>(.*?)</details>', calm, re.DOTALL
    )
    assert folded
    assert "All of them." in folded[1]
    assert "out" in folded[1]
    assert "The rest." not in folded[1]
    assert '<details class="ak-fold" open>' in notebook_html(notebook(*cells, code(stopped)))


def test_what_was_found_names_what_could_not_be_measured_and_the_reason_stands_over_it(report, parsed):
    gap = {"metric": "train_test_gap", "value": None, "n": 0, "interval": None, "reason": "no training data"}
    asked = {"metric": "train_test_gap", "at_most": 0.05}
    lacking = {"check": "AK101", "status": "inconclusive", "severity": "high", "reason": gap["reason"], "measurement": gap, "criterion": asked}  # fmt: skip
    report["findings"] = [report["findings"][1], lacking]
    verdict = code(bundle("verdict", views.view_data("verdict", report)))
    html = notebook_html(told(report, before=[verdict]))
    first_screen = said(parsed, html[html.index("<h1>") : html.index("What was audited</h2>")])
    assert first_screen.count("no training data") == 1
    assert "Not met: demographic parity difference" in first_screen
    assert "Could not be measured: train-test gap." in first_screen
