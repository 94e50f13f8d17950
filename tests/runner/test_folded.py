"""A page draws the first tables of a check, folds the next, and names the others: the record has all."""

import json

from auditkit.audit import Audit
from auditkit.data import make_credit
from auditkit.render.views import MIME
from auditkit.runner import notebook


def shown_of(monkeypatch, check):
    report = Audit([check]).run(make_credit(n_train=200, n_test=400))
    heard = []
    monkeypatch.setattr(notebook, "_display", heard.append)
    notebook.show(report, check)
    views = [one[MIME] for one in heard]
    return report.evidence[0], views[0]["data"]["evidence"][0], [view["data"] for view in views[1:]]


def test_what_a_page_does_not_hold_it_names(monkeypatch):
    evidence, about, figures = shown_of(monkeypatch, "threshold_sweep")
    titles = [table.title for table in evidence.tables.values()]
    assert len(titles) > notebook._SHOWN
    assert [figure["title"] for figure in figures] == titles[: notebook._SHOWN]
    assert about["notes"][-1] == f"In report.json besides: {'; '.join(titles[notebook._SHOWN :])}."
    assert [bool(figure.get("folded")) for figure in figures] == [False] * 4 + [True] * 2


def test_a_map_is_drawn_although_it_comes_late(monkeypatch):
    evidence, _, figures = shown_of(monkeypatch, "demographic_parity")
    kinds = {table.title: table.kind for table in evidence.tables.values()}
    drawn = {figure["title"]: figure["kind"] for figure in figures}
    assert any(kind == "matrix" for kind in drawn.values())
    assert all(drawn[title] == "matrix" for title in drawn if kinds[title] == "matrix")


def test_what_is_shown_can_be_saved(monkeypatch):
    _, _, figures = shown_of(monkeypatch, "demographic_parity")
    json.dumps(figures, allow_nan=False)
