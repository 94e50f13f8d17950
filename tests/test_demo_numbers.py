"""The README's first command, and its numbers computed again by other people's code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditkit.loading import load_subject
from auditkit.report import load_report

pytestmark = pytest.mark.kernel


AGES = ["under 25", "25 to under 40", "40 to under 60", "60 or more"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The one run of the demo: where, and what it said."""
    where = tmp_path_factory.mktemp("demo")
    command = [str(Path(sys.executable).with_name("auditkit")), "demo"]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return where, done


@pytest.fixture(scope="module")
def folder(ran):
    return ran[0] / "auditkit-demo"


@pytest.fixture(scope="module")
def report(folder):
    return load_report(folder / "report.json")


@pytest.fixture(scope="module")
def subject(folder):
    return load_subject(folder / "adult.toml")


@pytest.fixture(scope="module")
def answers(folder, subject):
    """Labels and scores straight from the model, not through auditkit."""
    test = pd.read_parquet(folder / "test.parquet")
    model = subject.model.inner.estimator
    inputs = test.drop(columns=["income"])
    return test, model.predict(inputs), model.predict_proba(inputs)[:, 1], model


def test_the_demo_leaves_its_files_and_says_where(ran, folder):
    where, done = ran
    reports = ["report.html", "report.ipynb", "report.json"]
    models = ["adult.skops", "adult.toml"]
    assert sorted(p.name for p in folder.iterdir()) == [*models, *reports, "test.parquet", "train.parquet"]
    assert [p.name for p in where.iterdir()] == ["auditkit-demo"]
    assert all(str(folder / name) in done.stdout for name in reports)
    first, start, *lines, last = done.stderr.splitlines()
    assert first == "Training a gradient-boosting model on the Adult census data ..."
    assert start.endswith(" full: starting a kernel")
    assert last.endswith(" every check has ended; writing the report")
    timings = json.loads((folder / "report.json").read_text())["provenance"]["timings"]
    ended = [
        one for one in lines if not re.fullmatch(r"\S+ AK\d+ \w+: .+", one)
    ]  # else how far a long one is
    told = [re.fullmatch(r"\S+ (\d+)/(\d+) (AK\d+) \w+: .+, ([0-9.]+) s", one) for one in ended]
    assert [one and int(one[1]) for one in told] == [*range(1, len(timings) + 1)]
    assert {one[3]: float(one[4]) for one in told if one} == pytest.approx(timings, abs=0.051)


def rng_of(report, check):
    """The generator a check drew from: the branch of the seed that its code names."""
    branch = np.random.SeedSequence(report.provenance["seed"], spawn_key=(zlib.crc32(check.encode()),))
    return np.random.default_rng(branch)


def value(report, check, metric, group=None):
    return report.of(check).measurement(metric, group).value


def test_the_page_is_one_small_file(folder):
    assert (folder / "report.html").stat().st_size < 2_600_000
    assert {"report.html", "report.ipynb", "report.json"} <= {p.name for p in folder.iterdir()}


@pytest.mark.parametrize("feature", ["sex", "race", "age"])
def test_rates_and_gaps_are_fairlearns(report, answers, feature):
    from fairlearn import metrics

    test, labels, _, _ = answers
    truth, said = (test["income"] == ">50K").to_numpy(), labels == ">50K"
    groups = test[feature] if feature != "age" else pd.cut(test["age"], [-1, 24, 39, 59, 200], labels=AGES)
    by_group = metrics.MetricFrame(
        metrics=metrics.selection_rate, y_true=truth, y_pred=said, sensitive_features=groups
    ).by_group
    for group, rate in by_group.items():
        assert value(report, "AK101", "selection_rate", f"{feature}={group}") == pytest.approx(
            rate, abs=1e-12
        )
    wanted = {
        ("AK101", "demographic_parity_difference"): metrics.demographic_parity_difference,
        ("AK101", "demographic_parity_ratio"): metrics.demographic_parity_ratio,
        ("AK102", "equalized_odds_difference"): metrics.equalized_odds_difference,
        ("AK102", "equal_opportunity_difference"): metrics.equal_opportunity_difference,
    }
    for (check, metric), function in wanted.items():
        expected = function(truth, said, sensitive_features=groups)
        assert value(report, check, metric, feature) == pytest.approx(expected, abs=1e-12)


def test_performance_is_scikit_learns(report, answers):
    from sklearn import metrics

    test, labels, scores, _ = answers
    truth = test["income"] == ">50K"
    overall = {m.metric: m.value for m in report.of("AK001").measurements if m.group is None}
    assert overall["accuracy"] == pytest.approx(metrics.accuracy_score(test["income"], labels), abs=1e-12)
    assert overall["auc"] == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    assert overall["brier_score"] == pytest.approx(metrics.brier_score_loss(truth, scores), abs=1e-12)


@pytest.mark.filterwarnings("ignore:LightGBM binary classifier:UserWarning")  # shap's note on its own shapes
def test_shap_importance_is_shaps(report, answers):
    import shap

    test, _, _, model = answers
    inputs = test.drop(columns=["income"])
    used = report.of("AK401").rows["used"]
    rows = np.sort(rng_of(report, "AK401").choice(len(test), size=used, replace=False))
    encoded = model[:-1].transform(inputs.iloc[rows])
    values = np.asarray(shap.TreeExplainer(model[-1]).shap_values(encoded))
    values = values[-1] if values.ndim == 3 else values
    order = [name.split("__")[-1] for name in model[:-1].get_feature_names_out()]
    for name, size in zip(order, np.abs(values).mean(axis=0), strict=True):
        assert value(report, "AK401", "shap_importance", name) == pytest.approx(size, rel=1e-6, abs=1e-9)


def test_attack_auc_is_scikit_learns_on_the_same_scores(folder, report, answers):
    from sklearn.metrics import roc_auc_score

    test, _, _, model = answers
    train = pd.read_parquet(folder / "train.parquet")
    rng, rows = rng_of(report, "AK201"), report.of("AK201").params["rows"]

    def log_likelihood(frame):
        proba = model.predict_proba(frame.drop(columns=["income"], errors="ignore"))
        return np.log(np.clip(np.where(frame["income"] == ">50K", proba[:, 1], proba[:, 0]), 1e-300, None))

    order = rng.permutation(len(test))  # non-members are drawn first, then members
    members = np.sort(rng.choice(len(train), size=rows, replace=False))
    scores = np.concatenate([log_likelihood(train)[members], log_likelihood(test)[order[:rows]]])
    expected = roc_auc_score(np.repeat([1, 0], [rows, rows]), scores)
    assert value(report, "AK201", "attack_auc") == pytest.approx(expected, abs=1e-9)


def test_the_report_says_what_was_not_examined(report):
    assert report.provenance["not_examined"]
    assert {e.check for e in report.evidence} == {one["code"] for one in report.provenance["plan"]}


def test_the_demo_changes_nothing_that_is_protected_and_names_no_feature_it_cannot_see(report):
    held = next(note for note in report.of("AK303").notes if note.startswith("Allowed:"))
    named = held.partition("not changed: ")[2].rstrip(".").split(", ")
    assert {"age", "race", "sex", "marital_status"} <= set(named)
    assert [f for f in report.findings if f.check in ("AK112", "AK403") and f.status == "inconclusive"] == []
