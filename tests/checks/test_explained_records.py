"""Records asked for by their numbers: the same ones under the same name in AK401 and AK407, and none unasked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability._goal import goal_of
from auditkit.checks.explainability._records import borderline
from auditkit.data import make_regression
from auditkit.errors import InputError


def loans(n=300, *, labels_only=False, index=None):
    """Return loans that hang on income and debt."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"income": rng.normal(3000, 800, n), "debt": rng.normal(0, 1, n), "note": rng.normal(0, 1, n)}
    )
    y = np.where((X["income"] - 3000) / 800 - X["debt"] + rng.normal(0, 0.3, n) > 0, "granted", "refused")
    model = LogisticRegression(max_iter=2000).fit(X, y)
    if index is not None:
        X.index = index
    answer = (lambda frame: model.predict(frame)) if labels_only else model
    return Subject("loans", answer, Dataset(X, y), positive="granted")


def waterfalls_of(evidence):
    return [t for name, t in evidence.tables.items() if name.startswith("record_")]


def named(tables):
    return [t.title.split(":")[0].removeprefix("Record ").split(" (row ")[0] for t in tables]


def refused_of(subject):
    return np.flatnonzero(subject.answers().labels == "refused")


def test_the_same_records_bear_the_same_pseudonyms_in_both_checks():
    subject = loans()
    first, granted = (
        int(refused_of(subject)[-1]),
        int(np.flatnonzero(subject.answers().labels == "granted")[0]),
    )
    asked = [first, granted]
    ids = subject.test.record_ids(np.array(asked))
    for seed in (0, 1):  # of the data, and not of the luck
        report = Audit(
            {
                "shap_importance": {"rows": 20, "records": asked, "examples": 3},
                "counterfactuals": {"rows": 20, "records": asked},
            }
        ).run(subject, seed=seed)
        assert named(waterfalls_of(report.of("AK401"))) == ids  # in the order asked, in place of examples
        ways = report.of("AK407")
        assert set(ways.tables["shown"].columns["record"]) == {ids[0]}
        assert (
            f"These have the wanted answer already, and need no way: {ids[1]} (row {granted})." in ways.notes
        )
        assert set(ways.tables["shown"].columns["row"]) == {first}
        titles = [table.title for table in waterfalls_of(report.of("AK401"))]
        assert titles[0].startswith(f"Record {ids[0]} (row {first}): ")


def test_a_record_that_nobody_named_has_a_call_that_tells_its_row():
    subject = loans()
    table = Audit({"counterfactuals": {"rows": 20, "examples": 2}}).run(subject).of("AK407").tables["shown"]
    assert "row" not in table.columns
    call = table.summary.split("`")[1]
    row = eval(call, {"subject": subject})
    assert subject.test.record_ids([row]) == [table.columns["record"][0]]


def test_a_waterfall_is_of_the_record_that_was_asked_for():
    subject = loans()
    evidence = Audit({"shap_importance": {"rows": 20, "records": [7]}}).run(subject).of("AK401")
    (table,) = waterfalls_of(evidence)
    label, value = table.columns["label"], table.columns["value"]
    row = subject.test.X.iloc[7]
    assert any(
        word.startswith("note = ") and word.endswith(f"{row['note']:.3f}".lstrip("-")) for word in label
    )
    assert sum(value[:-1]) == pytest.approx(value[-1])
    # log odds, by the model itself
    p = subject.scores()[7]
    assert value[-1] == pytest.approx(np.log(p / (1 - p)), rel=1e-6)


@pytest.mark.parametrize("check", ["shap_importance", "counterfactuals"])
def test_records_shown_do_not_move_the_figures_over_rows(check):
    subject = loans()
    least = refused_of(subject)[:2].tolist()
    plain, shown = (
        Audit({check: {"rows": 50} | more}).run(subject).findings for more in ({}, {"records": least})
    )
    assert [f.measurement.n for f in plain if f.measurement] == [
        f.measurement.n for f in shown if f.measurement
    ]
    values = [[f.measurement.value for f in found if f.measurement] for found in (plain, shown)]
    assert values[0] == pytest.approx(values[1], rel=0.05, nan_ok=True)


def test_examples_are_those_that_missed_the_answer_by_least():
    subject = loans()
    p, refused = subject.scores(), refused_of(subject)
    least = refused[np.argsort(-p[refused])][:3]  # nearest to 1/2 from below
    ids = subject.test.record_ids(least)
    report = Audit(
        {"shap_importance": {"rows": 20, "examples": 3}, "counterfactuals": {"rows": 20, "examples": 3}}
    ).run(subject)
    assert named(waterfalls_of(report.of("AK401"))) == ids
    assert list(dict.fromkeys(report.of("AK407").tables["shown"].columns["record"])) == ids


def test_without_probabilities_examples_are_the_first_that_missed_it():
    subject = loans(labels_only=True)
    goal = goal_of(subject, None, None, None)
    assert borderline(goal, 3).tolist() == refused_of(subject)[:3].tolist()


def test_examples_of_a_model_that_refuses_nobody_are_those_it_grants_by_least():
    X = pd.DataFrame({"a": np.linspace(0.6, 0.9, 40)})
    subject = Subject(
        "kind", lambda f: np.column_stack([1 - f["a"], f["a"]]), Dataset(X, np.tile([0, 1], 20)), positive=1
    )
    evidence = Audit({"shap_importance": {"examples": 2}}).run(subject).of("AK401")
    assert named(waterfalls_of(evidence)) == subject.test.record_ids(np.array([0, 1]))


def test_no_record_is_shown_unasked():
    report = Audit({"shap_importance": {"rows": 20}, "counterfactuals": {"rows": 20}}).run(loans())
    assert not waterfalls_of(report.of("AK401"))
    assert "shown" not in report.of("AK407").tables


def test_a_record_of_a_regression_without_a_way_is_named():
    subject = make_regression(n_train=120, n_test=80)
    low = int(np.argmin(subject.answers().labels))
    asked = {"records": [low], "at_least": float(subject.answers().labels.max()), "radius": 1e-6, "rows": 10}
    table = Audit({"counterfactuals": asked}).run(subject).of("AK407").tables["shown"]
    (name,) = subject.test.record_ids(np.array([low]))
    assert len(table.columns["record"]) == 0
    assert table.summary.endswith(f"No way was found for {name} (row {low}).")


@pytest.mark.parametrize("check", ["shap_importance", "counterfactuals"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, r"records=3: .*; type records=\[3\]"),
        ("3, 17", r"; type records=\[3, 17\]"),
        ([], r"expected row numbers, got none; type records=\[0\]"),
        ([3, 3, 4], r"row 3 stands there twice; type records=\[3, 4\]"),
        (list(range(12)), r"expected 10 rows at most, got 12"),
        ([1.5], r"expected row numbers, whole and from 0, got 1.5; type records=\[0\]"),
        (["a"], "whole and from 0, got 'a'"),
        ([True], "whole and from 0, got True"),
    ],
)
def test_rows_that_cannot_be_are_refused_when_the_plan_is_made(check, given, said):
    with pytest.raises(InputError, match=said):
        Audit({check: {"records": given}})


def test_rows_that_are_not_there_are_refused_before_work_starts():
    subject = loans(index=np.arange(300) + 5000)
    with pytest.raises(
        InputError, match=r"from 0 to 299, got 5007; if .* type records=\[X.index.get_loc\(5007\)\]"
    ):
        Audit({"shap_importance": {"records": [2, 5007]}}).run(subject)
    with pytest.raises(InputError, match=r"got -1; type records=\[299\]"):
        Audit({"counterfactuals": {"records": [-1]}}).run(subject)
