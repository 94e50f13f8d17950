"""The pages of the checks stand at the end of a report, and findings lead there."""

from __future__ import annotations

from auditkit.render.notebook import notebook_html
from auditkit.render.pages import place, plan_of
from auditkit.render.views import bundle, view_data


def book(report, *views):
    outputs = [
        {"output_type": "display_data", "data": bundle(v, view_data(v, report)), "metadata": {}}
        for v in views
    ]
    return {
        "cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs": outputs}],
        "metadata": {},
    }


def codes(report):
    return [one["code"] for one in report["provenance"]["plan"]]


def test_every_link_of_a_finding_leads_to_a_place_on_the_page(report, parsed):
    pages = {
        code: f"# About {code}\n\nWhat it asks.\n\n```python\n# a comment, no heading\n```\n"
        for code in codes(report)
    }
    page = parsed(notebook_html(book(report, "verdict", "findings"), pages=pages))
    ids = {attributes["id"] for _, attributes in page.found if attributes.get("id")}
    links = {a["href"][1:] for t, a in page.found if t == "a" and a.get("href", "").startswith("#page-")}
    assert links
    assert links <= ids
    assert {place(code) for code in codes(report)} <= ids


def test_without_pages_nothing_is_added(report):
    assert "How the checks work" not in notebook_html(book(report, "verdict", "findings"))


def test_the_notebook_given_is_left_as_it_was(report):
    given = book(report, "findings")
    before = [
        one["page"]
        for one in plan_of(
            given["cells"][0]["outputs"][0]["data"]["application/vnd.auditkit.view+json"]
        ).values()
    ]
    notebook_html(given, pages=dict.fromkeys(codes(report), "text"))
    after = [
        one["page"]
        for one in plan_of(
            given["cells"][0]["outputs"][0]["data"]["application/vnd.auditkit.view+json"]
        ).values()
    ]
    assert before == after


def test_a_hostile_page_runs_nothing(report):
    hostile = "# x\n<script>alert(1)</script>\n[a](javascript:alert(1)) <img src=x onerror=alert(1)>"
    html = notebook_html(book(report, "findings"), pages=dict.fromkeys(codes(report), hostile))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


def test_damaged_views_are_no_plan():
    assert plan_of(None) == plan_of({"data": 3}) == plan_of({"data": {"provenance": {"plan": "x"}}}) == {}
