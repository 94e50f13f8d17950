"""AK401: which inputs move the model's output most."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from scipy import stats
from scipy.special import expit
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks import explainability
from auditkit.checks.explainability import _pictures, importance
from auditkit.checks.explainability._behind import by_parts, sizes_behind
from auditkit.checks.explainability._explainers import Explanation
from auditkit.checks.explainability._shown import importances
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors import from_callable, from_predictions


def turned(data):
    """The same rows from the end, as training rows: equal splits are refused."""
    return data.take(np.arange(len(data))[::-1])


def run(subject, seed=0, **params):
    return explainability.shap_importance(subject, rng=np.random.default_rng(seed), **params)


def test_a_linear_model_has_the_importance_of_its_closed_form():
    subject = make_regression(n_train=300, n_test=200)
    found = run(subject, background=300)
    X, coef = subject.test.X.to_numpy(), subject.model.inner.estimator.coef_
    sizes = np.abs((X - subject.train.X.to_numpy().mean(axis=0)) * coef)
    for j, name in enumerate(subject.test.X.columns):
        m = found.measurement("shap_importance", name)
        assert m.value == pytest.approx(sizes[:, j].mean())
        # the background's mean moves every row's part alike: a size up or down with its sign; 300 rows in 20 parts of 15
        taken = subject.train.X[name].to_numpy()[np.random.default_rng(0).permutation(300)] * coef[j]
        parts = np.array([taken[part::20].mean() for part in range(20)])
        pull = np.sign(X[:, j] * coef[j] - taken.mean()).mean() * parts
        over_rows = stats.t.ppf(0.975, 199) * stats.sem(sizes[:, j])
        half = np.hypot(over_rows, stats.t.ppf(0.975, 19) * stats.sem(pull))
        ends = (m.value - half, m.value + half)
        assert (m.interval.low, m.interval.high) == pytest.approx(ends)
        assert m.n == 200
    assert found.measurement("shap_additivity_error").value < 1e-9


def test_the_table_leads_with_the_largest_and_names_the_explainer():
    found = run(make_regression(n_train=300, n_test=200))
    labels = found.tables["importance"].columns["label"]
    assert labels[:2] == ("x0", "x1")  # the outcome is 3 + 2 x0 - x1
    assert "closed form" in found.notes[0]
    direction = dict(
        zip(*(found.tables["dependence"].columns[c] for c in ("input", "rank correlation")), strict=True)
    )
    assert direction["x0"] == pytest.approx(1)
    assert direction["x1"] == pytest.approx(-1)


def test_several_classes_are_averaged():
    subject = make_multiclass(n_train=300, n_test=100)
    found = run(subject, background=300)
    model = subject.model.inner.estimator
    away = subject.test.X.to_numpy() - subject.train.X.to_numpy().mean(axis=0)
    expected = np.abs(away[:, :, np.newaxis] * model.coef_.T).mean(axis=(0, 2))
    assert [found.measurement("shap_importance", f"x{j}").value for j in range(4)] == pytest.approx(
        expected.tolist()
    )


def test_a_pipeline_is_explained_in_its_input_columns():
    subject = make_credit(n_train=200, n_test=120)
    found = run(subject)
    assert {m.group for m in found.measurements if m.group} == set(subject.test.X.columns)
    assert found.measurement("shap_additivity_error").value < 1e-9


def test_rows_are_drawn_and_said():
    found = run(make_regression(n_train=100, n_test=200), rows=50)
    assert found.rows == {
        "used": 50,
        "of": 200,
        "split": "test",
        "how": "drawn at random without replacement",
    }


def test_the_interval_covers_the_value_of_the_population():
    # |coef| E|x - mean| of a standard normal is |coef| sqrt(2 / pi); the model is fixed
    model = LinearRegression()
    model.coef_, model.intercept_, model.n_features_in_ = np.array([2.0, -1.0]), 0.0, 2
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(60, 2))
        zero = np.vstack([X, -X])  # a background whose mean is exactly 0
        subject = Subject("c", model, Dataset(X, X[:, 0]), Dataset(zero, zero[:, 0]), task="regression")
        m = run(subject, rows=60, background=120).measurement("shap_importance", "x0")
        covered += m.interval.low <= 2 * np.sqrt(2 / np.pi) <= m.interval.high
    # between the 0.1% and 99.9% quantiles of a binomial at 93.5%: the t interval of a skewed size covers a little less
    assert stats.binom.ppf(0.001, 200, 0.935) <= covered <= stats.binom.ppf(0.999, 200, 0.955)


def test_an_explanation_that_does_not_add_up_fails_the_criterion(monkeypatch):
    honest = importance.explain

    def broken(*args, **more):
        found = honest(*args, **more)
        return Explanation(0.8 * found.values, found.base, found.output, found.method, found.why, found.unit)

    subject = make_regression(n_train=100, n_test=100)
    criteria = [Criterion("shap_additivity_error", at_most=0.01)]
    audit = Audit(["shap_importance"], criteria)
    assert audit.run(subject).verdict == "pass"
    monkeypatch.setattr(importance, "explain", broken)
    (finding,) = audit.run(subject).findings
    assert finding.status == "fail"
    # a fifth of what the output lies away from its mean, at the farthest row, in spreads
    output = subject.answers().labels
    base = subject.model.predict(subject.train.X).mean()
    assert finding.measurement.value == pytest.approx(
        0.2 * np.abs(output - base).max() / output.std(), rel=0.2
    )


def asked(n=120, d=3, seed=0, **more):
    X = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, d)), columns=list("abcdefghij")[:d])
    rule = more.pop("rule", lambda f: expit(f["a"] * f["b"] * f["c"]).to_numpy())
    return Subject("f", rule, Dataset(X, (X["a"] * X["b"] > 0).astype(int)), **more)


def test_a_sampled_explanation_meets_the_default_criterion():
    subject = asked(rule=lambda f: expit(f["a"] * f["b"]).to_numpy())
    report = Audit({"shap_importance": {"permutations": 8}}).run(subject)
    assert report.verdict == "pass"
    assert "Mean standard error of an attribution from sampling" in report.evidence[0].notes[-1]
    assert report.of("AK401").measurement("shap_importance", "c").value == 0


def test_few_inputs_are_enumerated_and_need_no_error():
    found = run(asked())
    assert "every set of inputs (exact" in found.notes[0]
    assert not any("standard error" in note for note in found.notes)
    assert found.measurement("shap_importance", "a").interval.method == "t over rows and background"


def test_sampling_stops_at_the_target_and_the_cost_is_told():
    costs = []
    for target in (0.2, 0.02):
        subject = asked(d=8)
        report = Audit({"shap_importance": {"rows": 30, "target_error": target}}).run(subject)
        found = report.of("AK401")
        (cost,) = [note for note in found.notes if note.startswith("Estimated before")]
        assert f"Asked: {found.cost['model_calls']:,} calls about {found.cost['model_rows']:,} rows" in cost
        costs.append(found.cost["model_rows"])
        estimated = int(cost.split(" calls to the model about ")[1].split(" ")[0].replace(",", ""))
        assert found.cost["model_rows"] <= estimated
    assert costs[0] < costs[1]


def test_too_many_calls_are_lessened_by_a_stated_rule_and_then_refused():
    subject = asked(d=10, n=400)
    found = run(subject, rows=400, permutations=4096, max_calls=30)
    (cost,) = [note for note in found.notes if note.startswith("Estimated before")]
    assert "above max_calls=30: orders lessened to" in cost
    report = Audit({"shap_importance": {"rows": 400, "max_calls": 5}}).run(asked(d=10, n=8000))
    assert report.findings[0].status != "not_applicable"
    report = Audit({"shap_importance": {"rows": 8000, "max_calls": 5}}).run(asked(d=10, n=8000))
    assert report.findings[0].status == "not_applicable"
    assert "allow max_calls=" in report.findings[0].reason


@pytest.mark.parametrize("most", [5, 6, 7, 10, 25])
def test_the_calls_allowed_are_kept_to_exactly_or_refused_with_what_would_do(most):
    def ask(allowed, rows):
        check = {"rows": rows, "background": 20, "target_error": 1e-6, "max_calls": allowed}
        return Audit({"shap_importance": check}).run(asked(d=10, n=rows))

    for rows in (60, 2000):
        report = ask(most, rows)
        if report.findings[0].status == "not_applicable":
            most_needed = int(report.findings[0].reason.split("allow max_calls=")[1].split(",")[0])
            assert most_needed > most
            report = ask(most_needed, rows)
        else:
            most_needed = most
        assert report.of("AK401").cost["model_calls"] <= most_needed


def test_what_would_do_holds_the_calls_that_looking_for_slopes_takes():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 40)), columns=[f"f{i}" for i in range(40)])
    subject = Subject(
        "no slopes", lambda f: (f.to_numpy() ** 2) @ np.arange(40), Dataset(X, X["f0"]), task="regression"
    )
    with pytest.raises(NotApplicable, match="to look for slopes, and max_calls allows 22: allow") as refused:
        run(subject, rows=2000, max_calls=22)
    enough = int(re.search(r"allow max_calls=(\d+)", str(refused.value))[1])
    before = subject.model.calls
    run(subject, rows=2000, max_calls=enough)
    assert subject.model.calls - before <= enough


def test_the_note_tells_the_background_rows_that_were_met():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 30)), columns=[f"f{i}" for i in range(30)])
    subject = Subject("asked", lambda f: f.to_numpy() @ np.arange(30), Dataset(X, X["f0"]), task="regression")
    told = " ".join(run(subject, max_calls=5).notes)
    met = int(re.search(r"over (\d+) background rows", told)[1])
    assert met < 60
    assert f"Background: {met} of 60 test rows, drawn at random" in told


def test_the_interval_gives_up_what_noise_adds_to_a_size():
    # an input with no part of its own beside the others: noise alone must not look like importance
    subject = asked(d=6, rule=lambda f: expit(2 * f["a"] * f["b"] * f["c"] + f["d"]).to_numpy())
    for seed in range(3):
        same = {"background": 10, "rows": 60, "seed": seed}  # the same rows and background
        true = run(subject, permutations=2048, target_error=1e-6, **same)
        rough = run(subject, permutations=20, **same)
        for name in "abcdef":
            m = rough.measurement("shap_importance", name)
            known = true.measurement("shap_importance", name).value
            assert m.interval.low - 1e-9 <= known <= m.interval.high + 1e-9, (seed, name)
    assert (
        rough.measurement("shap_importance", "a").interval.method
        == "t over rows and background, less sampling noise"
    )


def test_the_interval_covers_what_another_background_would_give():
    """A linear model reads a rare 0/1 input: 40 background rows leave open what its mean is, and with it every part."""
    truth, covered, narrow = 2 * 0.1 * 0.9, 0, 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        X, B = ((rng.random((n, 1)) < 0.1).astype(float) for n in (300, 40))
        values, taken = X - B.mean(), B - B.mean()
        found = Explanation(values, B.mean(), X[:, 0], "", "", "", behind=by_parts(values, taken))
        for behind in (None, sizes_behind(found)):
            ends = importances("shap_importance", ["a"], np.abs(values), 0.95, behind)[0].interval
            held = ends.low <= truth <= ends.high
            covered, narrow = (covered, narrow + held) if behind is None else (covered + held, narrow)
    assert covered >= stats.binom.ppf(0.001, 150, 0.92)  # 20 parts of two rows, of a skew input
    assert narrow < covered - 40  # what the rows alone would give


def test_the_swarm_shows_ranks_and_no_values():
    subject = make_credit(n_train=200, n_test=900)
    found = run(subject, rows=900)
    table = found.tables["swarm"]
    assert table.kind == "beeswarm"
    assert len(table.columns["value"]) <= 1000
    known = [s for s in table.columns["strength"] if s is not None]
    assert known
    assert 0 <= min(known) <= max(known) <= 1
    leading = found.tables["importance"].columns["label"][0]
    assert table.columns["label"][0] == leading
    assert not any(name.startswith("record_") for name in found.tables)
    # the dots of a line run from the least attribution to the greatest
    own = [v for n, v in zip(table.columns["label"], table.columns["value"], strict=True) if n == leading]
    assert own == sorted(own)


def test_no_dot_of_the_swarm_is_of_one_record_alone():
    subject = make_regression(n_train=300, n_test=203)
    table = run(subject).tables["swarm"]
    own = np.array(
        [v for n, v in zip(table.columns["label"], table.columns["value"], strict=True) if n == "x0"]
    )
    assert len(own) == 203
    assert np.unique(own, return_counts=True)[1].min() >= 5
    # its parts are 2 (x0 - mean): the farthest dot is the mean of the last records, and not the last
    x, model = np.sort(subject.test.X["x0"].to_numpy()), subject.model.inner.estimator
    slope = model.coef_[list(subject.test.X.columns).index("x0")]
    assert own.max() - own.min() < slope * (x[-3] - x[2])


def test_the_dependence_of_a_linear_model_is_its_slope():
    found = run(make_regression(n_train=300, n_test=200))
    table = next(t for name, t in found.tables.items() if name.startswith("part by "))
    assert table.kind == "curve"
    x, value = (np.array(table.columns[c]) for c in ("x", "value"))
    assert np.polyfit(x, value, 1)[0] == pytest.approx(2, abs=0.1)  # the outcome is 3 + 2 x0 - x1
    assert min(table.columns["n"]) >= 5


def test_a_record_is_explained_only_if_asked_for():
    subject = make_regression(n_train=300, n_test=200)
    found = run(subject, examples=3)
    records = [table for name, table in found.tables.items() if name.startswith("record_")]
    assert [t.kind for t in records] == ["waterfall"] * 3
    outputs = []
    for table in records:
        label, value, role = (table.columns[c] for c in ("label", "value", "role"))
        assert (role[0], role[-1]) == ("base", "output")
        assert sum(value[:-1]) == pytest.approx(value[-1])
        assert any(text.startswith("x0 = ") for text in label)
        outputs.append(value[-1])
    answers = subject.answers().labels
    assert outputs == pytest.approx([answers.min(), np.sort(answers)[100], answers.max()], rel=1e-6)


def test_a_record_explained_in_log_odds_ends_in_the_probability_the_model_gives():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    y = np.where(X.a + rng.normal(size=120) > 0, "yes", "no")
    model = LogisticRegression().fit(X[:80], y[:80])
    data = [Dataset(X[at].reset_index(drop=True), y[at]) for at in (slice(80, 120), slice(80))]
    said = model.predict_proba(X[80:])[:, 1]
    lowest, row = said.min(), int(said.argmin())
    table = run(Subject("t", model, *data, positive="yes"), records=[row]).tables["record_A"]
    assert table.columns["probability"][-1] == pytest.approx(lowest, abs=1e-5)
    assert "of 'yes'" in table.labels["value"]
    assert f"{100 * lowest:.1f}%" in table.summary


def test_a_score_of_a_steeper_curve_is_not_called_log_odds():
    # with sigmoid=3 LightGBM's probability is expit(3 score): expit(score) would be another one
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    y = (X["a"] > 0).astype(int)
    model = LGBMClassifier(n_estimators=10, sigmoid=3.0, verbose=-1).fit(X, y)
    found = run(Subject("steep", model, Dataset(X, y), positive=1), records=[3])
    assert "Unit: raw score of '1'." in found.notes
    assert "probability" not in found.tables["record_A"].columns


def test_a_constant_model_is_undecided_not_passed():
    X = pd.DataFrame({"a": np.arange(30.0), "b": np.arange(30.0) % 3})
    subject = Subject("k", lambda f: np.full(len(f), 0.3), Dataset(X, (X["b"] > 0).astype(int)))
    report = Audit(["shap_importance"]).run(subject)
    finding = report.findings[0]
    assert finding.status == "inconclusive"
    assert "nothing to attribute" in finding.reason
    assert report.of("AK401").measurement("shap_importance", "a").value == 0
    assert report.of("AK401").says == "On 30 rows the output moves with no input."


def test_predictions_alone_cannot_be_explained():
    recorded = from_predictions(labels=[0, 1] * 20, classes=[0, 1])
    report = Audit(["shap_importance"]).run(Subject("p", recorded, Dataset(None, [0, 1] * 20)))
    finding = report.findings[0]
    assert finding.status == "not_applicable"
    assert "only recorded predictions" in finding.reason


def test_polars_rows_are_explained():
    pl = pytest.importorskip("polars")
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=80), "b": rng.normal(size=80)})
    y = (frame["a"].to_numpy() > 0).astype(int)
    data = Dataset(frame, y)
    found = run(Subject("pl", LogisticRegression().fit(frame, y), data, turned(data)))
    assert found.measurement("shap_additivity_error").value < 1e-9
    assert found.measurement("shap_importance", "a").value > found.measurement("shap_importance", "b").value


@pytest.mark.parametrize("library", ["lightgbm", "sklearn"])
def test_along_tree_paths_no_background_is_read_and_none_is_told(library):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    y = (X["a"] > 0).astype(int)
    model = LGBMClassifier(n_estimators=5, verbose=-1) if library == "lightgbm" else RandomForestClassifier(5)
    model.fit(X[:70], y[:70])
    subject = Subject("t", model, Dataset(X[70:], y[70:]), Dataset(X[:70], y[:70]))
    found = run(subject, examples=1, background=20)
    assert "path-dependent" in found.notes[0]
    assert any(note.startswith("Background: none is read") for note in found.notes)
    assert not any("20 of 70" in note for note in found.notes)
    assert "the mean over the rows the trees were grown on" in found.tables["record_A"].summary
    linear = run(make_regression(n_train=120, n_test=60), examples=1, background=20)
    assert any("Background: 20 of 120 training rows" in note for note in linear.notes)
    assert "the mean over the background" in linear.tables["record_A"].summary


@pytest.mark.parametrize("n", [1, 9])
def test_hardly_any_row_is_refused_with_what_is_needed(n):
    whole = make_credit(n_train=60, n_test=50)
    few = Dataset(whole.test.X.iloc[:n], whole.test.y[:n])
    report = Audit(["shap_importance"]).run(
        Subject("few", whole.model.inner.estimator, few, whole.train, positive=whole.positive)
    )
    assert report.findings[0].status == "not_applicable"
    assert "too few" in report.findings[0].reason
    assert "at least 10" in report.findings[0].reason


def test_a_part_by_whole_numbers_is_told_at_whole_numbers_with_a_minus():
    lines = [(49.129, -0.125, -0.2, 0.0, 9), (6.5, 0.25, 0.2, 0.3, 9)]
    said = _pictures._along("months", lines, words=False, whole=True)
    assert (
        said
        == "The part owed to months is smallest at about 49 (−0.12 on average) and largest at about 6 (+0.25)."
    )
    assert "about 6.5 (" in _pictures._along("months", lines, words=False, whole=False)


def test_the_first_sentence_has_its_unit():
    X = pd.DataFrame({"a": np.arange(40) % 2, "b": np.arange(40) % 3})
    model = lambda f: 0.25 + 0.5 * f["a"].to_numpy()  # noqa: E731
    data = Dataset(X, np.where(X["a"] == 1, "good", "bad"))
    chance = run(Subject("p", from_callable(model, classes=["bad", "good"]), data, positive="good"))
    assert chance.says.startswith("On 40 rows the chance of 'good' moves most with a (25.0 [")
    assert "] points), b (0.0" in chance.says
    value = run(Subject("v", model, Dataset(X, model(X)), task="regression"))
    assert value.says.startswith("On 40 rows the output moves most with a (0.250 [")
    assert value.says.endswith(": mean sizes, in the target's unit.")
