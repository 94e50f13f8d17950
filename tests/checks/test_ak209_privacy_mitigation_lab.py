"""AK209: leaks of a known kind are reduced by what helps and by nothing else, and innocent models are promised nothing."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit, Dataset, Subject
from auditkit.checks.mitigation import _leakage, _remedies, privacy, privacy_mitigation_lab
from auditkit.checks.mitigation._attackers import ATTACKS, Answered, Yard, answered, reference_models
from auditkit.checks.mitigation._leakage import Path
from auditkit.data import make_multiclass, make_regression
from auditkit.errors import Cancelled, InputError, NotApplicable
from auditkit.predictors import from_callable


def observe(subject, seed=0, **options):
    return privacy_mitigation_lab(subject, rng=np.random.default_rng(seed), **options)


def noisy(n, rng, columns=8, noise=1.0):
    X = rng.normal(size=(n, columns))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + noise * rng.logistic(size=n) > 0).astype(int)
    return Dataset(pd.DataFrame(X, columns=[f"x{i}" for i in range(columns)]), y)


def planted(model, seed=1, n=700):
    rng = np.random.default_rng(seed)
    train, test = noisy(n, rng), noisy(2 * n, rng)
    return Subject("planted", model.fit(train.X, train.y), test, train)


@functools.cache
def guilty(kind):
    model = (
        DecisionTreeClassifier(random_state=0)
        if kind == "tree"
        else RandomForestClassifier(30, random_state=0)
    )
    remedies = ["regularisation", "label smoothing", "rounding", "top label", "distillation on held-out rows"]
    return observe(planted(model, n=1000), remedies=remedies, points=1)


def change(evidence, remedy, metric="attack_auc_reduction", attack="strongest attack"):
    return evidence.measurement(metric, f"{remedy}, {attack}")


# guilty twins


def test_regularising_an_unpruned_tree_takes_the_leak_away_nearly_whole():
    evidence = guilty("tree")
    # a tree without limits knows every training row: its label alone gives (1 + error elsewhere) / 2
    before = evidence.measurement("attack_auc_before", "regularisation, label alone")
    teacher = evidence.tables["students"].frame()["accuracy"][0]
    assert before.value == pytest.approx((1 + 1 - teacher) / 2, abs=0.03)
    found = change(evidence, "regularisation")
    assert found.interval.low > 0.1
    assert change(evidence, "regularisation", "attack_auc_after").value < 0.6
    assert (
        "Regularisation (min_samples_leaf 1 to 50) reduced the AUC of the strongest attack from"
        in evidence.says
    )
    assert "points of accuracy" in evidence.says


def test_rounding_does_not_help_a_model_whose_labels_leak():
    evidence = guilty("tree")
    for attack in (*ATTACKS, "strongest attack"):
        found = change(evidence, "rounding", attack=attack)
        assert found.interval.low <= 0 <= found.interval.high
    for attack in ATTACKS:  # an unpruned tree says 0 or 1: there is nothing to round
        assert change(evidence, "rounding", attack=attack).value == 0
    assert "Rounding" not in evidence.says
    assert "could be told from none: label smoothing, rounding, top label" in evidence.says


def test_a_label_alone_hides_scores_and_not_labels():
    evidence = guilty("forest")
    label = change(evidence, "top label", attack="label alone")
    assert label.value == 0
    assert label.interval.low <= 0 <= label.interval.high
    assert change(evidence, "top label", attack="RMIA").interval.low > 0.1
    after = change(evidence, "top label", "attack_auc_after").value
    assert after >= change(evidence, "top label", "attack_auc_before", "label alone").value > 0.6
    assert evidence.measurement("accuracy_cost", "top label").value == 0
    assert evidence.measurement("brier_cost", "top label").interval.low > 0


def test_a_student_gives_less_away_and_stands_beside_its_teacher():
    evidence = guilty("forest")
    assert change(evidence, "distillation on held-out rows").interval.low > 0.2
    rows = evidence.tables["students"].frame().set_index("model")
    assert list(rows.index) == ["teacher", "student of held-out rows"]
    assert rows["parameters"].iloc[1] < rows["parameters"].iloc[0]  # half the rows, fewer leaves
    assert (rows["noise_low"] <= rows["accuracy_drop_noise"]).all()
    assert "times_as_fast" not in rows


def test_the_attacker_knows_of_the_remedy():
    """Against reference models trained without it, smoothing would look like a remedy; it makes matters worse."""
    subject = planted(LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1))
    evidence = observe(subject, remedies=["label smoothing"], points=1)
    assert change(evidence, "label smoothing").interval.high < 0
    assert "Label smoothing (0.25 of each target moved to the other labels) raised the AUC" in evidence.says
    assert "reduced" not in evidence.says
    bench = privacy._bench(subject, 4000, 2000, 4, np.random.default_rng(0))
    plain, smoothing = reference_models(bench, _remedies.Remedy()), _remedies.Smoothed(1.0)
    unaware = answered(bench, privacy._trained(bench, smoothing), plain, smoothing)
    seen = roc_auc_score(bench.yard.truth, unaware.scores["RMIA"])
    assert seen < change(evidence, "label smoothing", "attack_auc_before", "RMIA").value - 0.01
    assert seen < change(evidence, "label smoothing", "attack_auc_after", "RMIA").value - 0.03


# innocent twins


def claims(make, draws):
    found = 0
    for seed in range(draws):
        rng = np.random.default_rng([seed, 7])
        train, test = noisy(400, rng, columns=3), noisy(400, rng, columns=3)
        evidence = observe(Subject("clean", make().fit(train.X, train.y), test, train), seed, points=1)
        spans = [m.interval for m in evidence.measurements if m.metric == "attack_auc_reduction"]
        found += any(not one.low <= 0 <= one.high for one in spans)
        assert ("reduced" in evidence.says or "raised" in evidence.says) <= any(
            not one.low <= 0 <= one.high for one in spans
        )
    return found


def test_an_innocent_model_is_promised_nothing():
    assert claims(lambda: LogisticRegression(C=0.01), 20) <= stats.binom.ppf(0.999, 20, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: LogisticRegression(C=0.01),
        lambda: DecisionTreeClassifier(max_leaf_nodes=2, min_samples_leaf=100, random_state=0),
    ],
    ids=["linear", "stump"],
)
def test_innocent_models_are_promised_nothing_at_the_stated_rate(make):
    assert claims(make, 150) <= stats.binom.ppf(0.999, 150, 0.05)


def test_the_interval_of_the_strongest_attack_holds_though_it_is_picked():
    """Three attacks with known areas before and after; the largest of either side is known too."""
    shifts, later = (1.0, 0.9, 0.2), (0.5, 0.1, 0.5)
    area = [stats.norm.cdf(np.array(s) / np.sqrt(2)).max() for s in (shifts, later)]
    missed = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        truth = np.repeat([True, False], 150)
        common = rng.normal(size=300)
        one, other = (
            Answered(
                0.0,
                {
                    n: common + rng.normal(size=300) * 0.5 + s * 1.118 * truth
                    for n, s in zip(ATTACKS, by, strict=True)
                },
                np.ones(5, dtype=bool),
                np.zeros(5),
                "",
                None,
            )
            for by in (shifts, later)
        )
        yard = Yard(None, None, truth, None, None)
        found = _leakage._reductions("x", one, other, yard, _leakage.Family(0.95, 1))[-1]
        missed += not found.interval.low <= area[0] - area[1] <= found.interval.high
    assert missed <= stats.binom.ppf(0.999, 120, 0.05)


def test_all_changes_of_all_remedies_hold_together():
    """Two remedies that do nothing: AUC, rates, accuracy and Brier scores before and after are draws of one kind, so that every change is 0."""
    rng, wrong, draws = np.random.default_rng(5), 0, 400
    truth = np.repeat([True, False], 150)
    yard, family = Yard(None, None, truth, None, None), _leakage.Family(0.95, 2)

    def drawn():
        scores = {name: rng.normal(size=300) + truth for name in ATTACKS}
        return Answered(0.0, scores, rng.random(150) < 0.7, rng.normal(1, 0.2, 150), "", None)

    for _ in range(draws):
        found = [m for name in "ab" for m in _leakage.measured(Path(name, (drawn(), drawn())), yard, family)]
        changes = [m for m in found if m.metric.endswith(("_reduction", "_cost"))]
        assert len(changes) == 2 * (len(ATTACKS) + 1 + 2 + 1 + 1)
        wrong += any(not m.interval.low <= 0 <= m.interval.high for m in changes if m.interval is not None)
    assert wrong <= stats.binom.ppf(0.999, draws, 0.05)


# figures, a second way


def test_figures_are_those_of_a_model_trained_by_hand():
    subject = planted(DecisionTreeClassifier(random_state=0), n=300)
    evidence = observe(subject, remedies=["regularisation"], points=1)
    bench = privacy._bench(subject, 4000, 2000, 4, np.random.default_rng(0))
    yard, seed = bench.yard, bench.seeds[0]
    train = subject.train
    right = []
    for when, leaf in (("before", 1), ("after", 15)):
        model = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=seed).fit(train.X, train.y)
        X = yard.plan.X.iloc[yard.plan.attacked]
        own = model.predict_proba(X)[np.arange(len(X)), yard.index]
        found = evidence.measurement(f"attack_auc_{when}", "regularisation, loss")
        assert found.value == pytest.approx(roc_auc_score(yard.truth, own), abs=1e-12)
        right.append(model.predict(bench.subject.test.X) == bench.subject.test.y)
    cost = evidence.measurement("accuracy_cost", "regularisation")
    assert cost.value == pytest.approx(right[0].mean() - right[1].mean(), abs=1e-12)


def test_no_figure_rests_on_the_rows_a_student_learns_from():
    subject = planted(DecisionTreeClassifier(random_state=0), n=300)
    bench = privacy._bench(subject, 4000, 2000, 4, np.random.default_rng(0))
    seen = [
        set(map(tuple, part.to_numpy())) for part in (bench.transfer, bench.subject.test.X, bench.yard.plan.X)
    ]
    assert len(bench.transfer) == 150
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[0] & set(map(tuple, subject.train.X.to_numpy()))


def test_synthetic_rows_keep_values_and_no_relations():
    X = pd.DataFrame({"a": np.arange(500.0), "b": np.arange(500.0), "c": pd.Categorical(["u", "v"] * 250)})
    made = _remedies.independent_columns(X, 4000, np.random.default_rng(0))
    assert list(made.dtypes) == list(X.dtypes)
    assert set(made["a"]) <= set(X["a"])
    assert abs(made["a"].corr(made["b"])) < 0.06


def test_the_curve_starts_at_the_reference_and_ends_in_full():
    evidence = observe(
        planted(RandomForestClassifier(20, random_state=0), n=300), remedies=["early stopping"], points=2
    )
    curve = evidence.tables["trade_off"].frame()
    assert curve["strength"].tolist() == [0, 0, 0.5, 1]
    assert curve["x"].iloc[-1] == change(evidence, "early stopping", "attack_auc_after").value
    assert (curve["x_low"] <= curve["x"]).all()
    settings = evidence.tables["settings"].frame()["setting"].tolist()
    assert settings == ["n_estimators 20 to 6", "n_estimators 20 to 2"]
    assert "students" not in evidence.tables


# what is missing, and what is said of it


def test_a_model_without_weights_or_settings_is_tried_with_the_rest():
    evidence = observe(planted(KNeighborsClassifier(1), n=200), points=1)
    tried = set(evidence.tables["trade_off"].frame()["series"])
    assert "label smoothing" not in tried
    assert {"regularisation", "rounding", "distillation on held-out rows"} <= tried
    assert any("takes no sample_weight" in note for note in evidence.notes)
    assert any(note.startswith("early stopping could not be tried") for note in evidence.notes)


def test_a_function_that_can_be_trained_again_has_outputs_and_students():
    rng = np.random.default_rng(0)
    train, test = noisy(200, rng), noisy(400, rng)

    def fit(X, y, seed=0):
        return DecisionTreeClassifier(random_state=seed).fit(X, y).predict_proba

    model = from_callable(fit(train.X, train.y), output="proba", classes=[0, 1], refit=fit)
    evidence = observe(Subject("function", model, test, train), points=1)
    tried = set(evidence.tables["trade_off"].frame()["series"]) - {"original"}
    assert tried == {
        "rounding",
        "top label",
        "distillation on held-out rows",
        "distillation on synthetic rows",
    }
    assert np.isnan(evidence.tables["students"].frame()["parameters"]).all()


def test_a_search_in_a_pipeline_stands_for_the_best_it_found():
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [None]}, cv=2)
    evidence = observe(
        planted(make_pipeline(StandardScaler(), search), n=500),
        remedies=["regularisation", "label smoothing"],
        points=1,
    )
    assert evidence.tables["settings"].frame()["setting"][0] == "gridsearchcv__min_samples_leaf 1 to 25"
    assert change(evidence, "regularisation").interval.low > 0


def test_several_classes_have_a_first_label_with_its_score():
    evidence = observe(make_multiclass(n_train=200, n_test=300), remedies=["top label"])
    assert evidence.tables["settings"].frame()["setting"].tolist() == [
        "first label with its score",
        "label alone",
    ]


def test_speed_is_measured_where_it_is_asked_for():
    evidence = observe(
        planted(DecisionTreeClassifier(random_state=0), n=200),
        remedies=["distillation on held-out rows"],
        speed=True,
    )
    fast = evidence.tables["students"].frame()["times_as_fast"]
    assert fast[0] == 1
    assert np.isfinite(fast).all()


def test_what_cannot_be_audited_is_said():
    with pytest.raises(NotApplicable, match="regression"):
        observe(make_regression(n_train=60, n_test=60))
    subject = planted(DecisionTreeClassifier(), n=100)
    with pytest.raises(NotApplicable, match="no training data"):
        observe(Subject("a", subject.model, subject.test))
    small = Subject("b", subject.model, subject.test.take(np.arange(30)), subject.train)
    with pytest.raises(NotApplicable, match="too few test rows"):
        observe(small)
    with pytest.raises(NotApplicable, match="no remedy could be tried: early stopping"):
        observe(subject, remedies=["early stopping"])


def test_names_that_do_not_exist_are_told():
    subject = planted(DecisionTreeClassifier(), n=100)
    with pytest.raises(InputError, match=r"'roundin' is no remedy\. Did you mean 'rounding'"):
        observe(subject, remedies=["roundin"])
    with pytest.raises(InputError, match="no remedy named"):
        observe(subject, remedies=[])


def test_a_cancelled_audit_stops_and_is_no_failed_remedy(monkeypatch):
    def stop(*_):
        raise Cancelled("enough")

    monkeypatch.setitem(privacy._REMEDIES, "rounding", stop)
    with pytest.raises(Cancelled):
        observe(planted(DecisionTreeClassifier(), n=100), remedies=["rounding"])


def test_the_report_carries_it_and_counts_its_trainings():
    subject = planted(DecisionTreeClassifier(random_state=0), n=200)
    report = Audit({"privacy_mitigation_lab": {"points": 1, "remedies": ["regularisation", "rounding"]}}).run(
        subject
    )
    evidence = report.of("AK209")
    # the model and four references, once as they are and once regularised; rounding trains nothing
    assert evidence.cost["refits"] == 2 * (1 + 4)
    assert all(len(table.summary.split()) > 5 for table in evidence.tables.values())
    groups = {m.group for m in evidence.measurements if m.metric == "attack_auc_before"}
    assert {f"original, {a}" for a in (*ATTACKS, "strongest attack")} <= groups
    areas = [m for m in evidence.measurements if m.metric in ("attack_auc_before", "attack_auc_after")]
    assert all(m.bound == "lower" for m in areas)
