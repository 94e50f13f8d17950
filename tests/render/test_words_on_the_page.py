"""Words on the page: which audit it was, its verdict in a word, and what stands once instead of many times."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import auditkit as ak
from auditkit.render import page, views
from auditkit.render.figures import figure
from auditkit.render.notebook import notebook_html
from auditkit.render.tables import table_html
from auditkit.render.text import method_words, words

BROKE = {"status": "error", "severity": None, "measurement": None, "criterion": None,
         "reason": "ModelError: the model failed on 9 rows: x"}  # fmt: skip
PLAN = [
    {"code": c, "name": c.lower(), "title": t} for c, t in (("AK001", "Performance"), ("AK101", "Groups"))
]


def report(findings, **more):
    return {
        "verdict": "undecided", "findings": findings, "subject": {"name": "m", "task": "binary"},
        "evidence": [{"check": f["check"], "reason": f["reason"]} for f in findings],
        "provenance": {"plan": PLAN}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "word"),
    [("fail", "Not met."), ("undecided", "Undecided."), ("pass", "Met."), ("not_judged", "Nothing judged.")],
)
def test_the_first_screen_says_which_audit_and_how_it_ended(verdict, word):
    shown = {"view": "verdict", "data": report([], verdict=verdict)}
    cells = [
        {"cell_type": "markdown", "source": "# Bias audit\n\n**Purpose.** To measure."},
        {"cell_type": "code", "source": "", "execution_count": 1, "outputs": [{"output_type": "display_data", "data": {views.MIME: shown}}]},
    ]  # fmt: skip
    html = notebook_html({"cells": cells, "metadata": {}})
    assert '<p class="ak-kicker">Bias audit</p>' in html
    assert f"<b>{word}</b>" in html


def test_one_failing_model_is_one_text_on_the_page():
    found = report([{"check": c, **BROKE} for c in ("AK001", "AK101")])
    html = page.findings(found)
    assert html.count("the model failed on 9 rows") == 1
    assert "as AK001 says" in html
    second = page.evidence({**found, **views.view_data("evidence", found, "AK101")}, "AK101")
    assert "As AK001 says." in second
    assert "failed on 9 rows" not in second


def test_what_is_not_judged_is_one_list_and_a_remark_of_the_policy_is_no_finding():
    unjudged = {
        **BROKE,
        "status": "not_applicable",
        "reason": "measured, not judged: no criterion speaks of it",
    }
    remark = {**BROKE, "status": "not_applicable", "check": "policy",
              "reason": "the policy also speaks of what this audit did not measure: train_test_gap, attack_auc"}  # fmt: skip
    html = page.findings(report([{**unjudged, "check": c} for c in ("AK001", "AK101")] + [remark]))
    assert html.count("ak-unjudged") == 1
    assert html.count("<details") == 2
    assert "AK001 · Performance" in html
    assert "did not measure (2)" in html
    assert "train-test gap, attack AUC." in html
    counted = page.verdict(report([{**unjudged, "check": "AK001"}, remark]))
    assert "1 check measured but not judged" in counted
    assert "not applicable, " not in counted


def test_the_policy_names_only_what_such_a_task_has():
    audit = ak.Audit(["model_performance"])
    for subject, gone, kept in (
        (
            ak.data.make_credit(n_train=60, n_test=60),
            "standardised_mean_error_difference",
            "demographic_parity_ratio",
        ),
        (
            ak.data.make_regression(n_train=60, n_test=60),
            "demographic_parity_ratio",
            "standardised_mean_error_difference",
        ),
    ):
        told = next(f.reason for f in audit.run(subject).findings if f.shown is None)
        assert gone not in told
        assert kept in told


def test_names_are_written_as_readers_know_them():
    assert words("train_test_gap") == "train-test gap"
    assert words("brier_score") == "Brier score"
    assert method_words("mover-r wilson, 2 groups") == "MOVER-R Wilson, 2 groups"
    subject = ak.data.make_credit(n_train=80, n_test=80)
    overall = ak.Audit(["model_performance"]).run(subject).of("model_performance").tables["overall"]
    html = table_html(overall.to_dict())
    assert "train_test_gap" not in html
    assert html.count("Brier score") == 1


def test_the_line_of_reference_says_what_it_is():
    subject = ak.data.make_credit(n_train=80, n_test=80)
    table = ak.Audit(["demographic_parity"]).run(subject).of("demographic_parity").tables["sex"]
    said = figure(table.to_dict())["layout"]["annotations"][0]["text"]
    rate = np.mean(subject.answers().labels == "repaid")
    assert said.startswith("all records 0.")
    assert float(said.removeprefix("all records ")) == pytest.approx(rate, abs=0.0006)


def test_one_call_is_no_plural():
    from auditkit.render._methods import _calls

    assert _calls({"model_calls": 1, "model_rows": 20, "refits": 1}) == "1 model call, 20 model rows, 1 refit"


def test_a_wrong_column_of_scores_is_told_before_the_rows_are_counted(tmp_path):
    import pandas as pd

    X = pd.DataFrame({"a": np.arange(10.0), "y": [0, 1] * 5})
    X.to_csv(tmp_path / "test.csv", index=False)
    pd.DataFrame({"p": [0.5] * 4}).to_csv(tmp_path / "said.csv", index=False)
    file = tmp_path / "s.toml"
    file.write_text(
        '[model]\npredictions = {path = "said.csv", score = "q"}\n[data.test]\npath = "test.csv"\ntarget = "y"\n'
    )
    with pytest.raises(ak.InputError if hasattr(ak, "InputError") else ValueError, match="no column 'q'"):
        ak.load_subject(file)


def test_a_model_that_was_fitted_is_described_alike_twice():
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    made = [ak.Subject("m", LogisticRegression().fit(X, y), ak.Dataset(X, y)).describe() for _ in range(2)]
    assert made[0] == made[1]
