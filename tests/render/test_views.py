from __future__ import annotations

import json

import pytest

from auditkit.errors import InputError
from auditkit.render import views


@pytest.mark.parametrize("view", ["verdict", "findings", "methods", "evidence"])
def test_a_view_travels_with_data_html_and_text(report, parsed, view):
    data = views.view_data(view, report, "AK101" if view == "evidence" else None)
    bundle = views.bundle(view, data)
    assert bundle[views.MIME] == {"view": view, "data": data}
    assert set(bundle) == {views.MIME, "text/html", "text/plain"}
    assert not parsed(bundle["text/html"]).scripts
    assert bundle["text/plain"].strip()
    json.dumps(bundle, allow_nan=False)


@pytest.mark.parametrize("view", ["verdict", "findings", "methods"])
def test_a_slim_view_draws_what_the_whole_report_draws(report, view):
    assert views.draw(view, views.view_data(view, report)) == views.draw(view, report)


def test_slim_evidence_draws_what_the_whole_report_draws(report):
    slim = views.view_data("evidence", report, "AK201")
    assert views.draw("evidence", slim) == views.draw("evidence", {**report, "code": "AK201"})


def test_a_figure_travels_as_plotly_without_html(each_table):
    bundle = views.bundle("figure", each_table["rates"])
    assert set(bundle) == {views.MIME, views.PLOTLY, "text/plain"}
    assert bundle["text/plain"].endswith("Men are selected 2.7 times as often as women.")


def test_a_figure_that_is_better_a_table_travels_as_html(each_table):
    assert "text/html" in views.bundle("figure", each_table["slices"])


def test_unknown_views_and_missing_codes_are_errors(report):
    with pytest.raises(InputError, match="Did you mean 'verdict'"):
        views.bundle("verdit", report)
    with pytest.raises(InputError, match="AK101, AK102"):
        views.draw("evidence", report)


def test_hostile_views_are_dead(hostile_report, parsed):
    for view in ("verdict", "findings", "methods"):
        parsed(views.bundle(view, hostile_report)["text/html"])
