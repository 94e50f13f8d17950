"""AK114: reductions at a cost, held against planted gaps, innocent subjects, and fairlearn's own rules."""

from __future__ import annotations

import functools

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from lightgbm import LGBMClassifier
from scipy import stats
from sklearn.compose import make_column_selector as columns
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from auditkit import Audit, Dataset, Subject
from auditkit.checks._common import groupings
from auditkit.checks._numbers import numbers
from auditkit.checks.mitigation import _changes, _fair, _mitigated, mitigation_lab
from auditkit.checks.mitigation import fairness as module
from auditkit.data import load_german_credit, make_credit, make_multiclass, make_regression
from auditkit.errors import Cancelled, InputError, NotApplicable

ALL = ("threshold optimisation", "exponentiated gradient", "correlation remover", "reweighing")


def observe(subject, seed=0, **options):
    return mitigation_lab(subject, rng=np.random.default_rng(seed), **options)


def planted(shift, seed, n=2400, model=None, k=2):
    """Return a subject that knows the group and learnt from labels that favour it by `shift` on the log-odds scale."""
    rng = np.random.default_rng([seed, k])

    def draw(n, shift):
        who = rng.integers(k, size=n)
        merit = rng.normal(size=n)
        X = pd.DataFrame({"merit": merit, "noise": rng.normal(size=n), "group": who.astype(float)})
        y = (merit + shift * (who == 0) - shift / 2 + rng.logistic(size=n) / 2 > 0).astype(int)
        return Dataset(X, y, {"who": np.array(list("ABCDE"))[who]})

    train, test = draw(n, shift), draw(n, shift)
    model = LogisticRegression() if model is None else model
    return Subject("planted", model.fit(train.X, train.y), test, train)


@functools.cache
def german(kind):
    train, test = load_german_credit()
    prepare = make_column_transformer(
        (StandardScaler(), columns(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), columns(dtype_exclude="number")),
    )
    learner = (
        LogisticRegression(max_iter=2000) if kind == "linear" else LGBMClassifier(n_estimators=15, verbose=-1)
    )
    model = LGBMClassifier(n_estimators=15, verbose=-1) if kind == "bare" else make_pipeline(prepare, learner)
    return Subject("german", model.fit(train.X, train.y), test, train, positive="good")


# guilty and innocent twins


@pytest.mark.parametrize("model", [LogisticRegression(), LGBMClassifier(n_estimators=20, verbose=-1)])
def test_reweighing_narrows_a_gap_of_known_size(model):
    subject = planted(1.2, 1, n=6000, model=model)
    evidence = observe(subject, mitigations=["reweighing"])
    was, now, less = (
        evidence.measurement(name, "who, reweighing") for name in ("gap_before", "gap_after", "gap_reduction")
    )
    if isinstance(model, LogisticRegression):
        # a linear score of two standard normal columns and the group crosses 0 with a probability that is known
        (merit, noise, group), constant = model.coef_[0], model.intercept_[0]
        rate = stats.norm.cdf((constant + group * np.arange(2)) / np.hypot(merit, noise))
        assert was.interval.low <= rate[0] - rate[1] <= was.interval.high
        assert was.reason.startswith("who=B")  # B is the less selected
    assert less.value == pytest.approx(was.value - now.value, abs=1e-12)
    assert less.interval.low > 0.1
    cost = evidence.measurement("accuracy_cost")
    assert cost.interval.low > 0  # the labels are as they are, and merit alone explains them less well
    assert "Reweighing reduced the demographic parity difference of who from" in evidence.says
    assert "at a cost of" in evidence.says


@pytest.mark.parametrize("name", ALL)
def test_every_mitigation_narrows_the_gap_of_a_linear_model(name):
    evidence = observe(planted(1.2, 2, n=4000), mitigations=[name])
    assert evidence.measurement("gap_reduction").interval.low > 0.05
    before = evidence.measurement("gap_before", f"who, {name}")
    assert evidence.measurement("gap_after").value < before.value


@pytest.mark.parametrize("name", ["threshold optimisation", "exponentiated gradient"])
def test_equalized_odds_are_narrowed_too(name):
    evidence = observe(planted(1.2, 3, n=4000), mitigations=[name], constraint="equalized_odds")
    assert evidence.measurement("gap_reduction").interval.low > 0.05
    assert {"true_positive_rate", "false_positive_rate"} <= set(evidence.tables)
    assert "equalized odds difference of who" in evidence.says


def claims(k, draws, **options):
    """Return in how many innocent subjects some change of a gap is stated."""
    found = 0
    for seed in range(draws):
        evidence = observe(planted(0.0, seed, n=600, k=k), seed, points=1, **options)
        spans = [m.interval for m in evidence.measurements if m.metric == "gap_reduction"]
        found += any(not span.low <= 0 <= span.high for span in spans)
        assert ("told from none" in evidence.says) == any(s.low <= 0 <= s.high for s in spans)
    return found


@pytest.mark.parametrize("k", [2, 4])
def test_an_innocent_subject_is_promised_nothing(k, monkeypatch):
    monkeypatch.setattr(_changes, "REPLICATES", 1000)
    quick = ["threshold optimisation", "correlation remover", "reweighing"]
    assert claims(k, 40, mitigations=quick) <= stats.binom.ppf(0.999, 40, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("constraint", ["demographic_parity", "equalized_odds"])
def test_innocent_subjects_are_promised_nothing_at_the_stated_rate(k, constraint):
    assert claims(k, 200, constraint=constraint) <= stats.binom.ppf(0.999, 200, 0.05)


def two_rules(seed, k, n, was, now, churn=0.2):
    """Return a yardstick and the decisions of two rules whose rates run over `was` and `now`."""
    rng = np.random.default_rng([seed, k, n])
    who = rng.integers(k, size=n)
    place, first = np.linspace(-0.5, 0.5, k)[who], rng.random(n)
    second = np.where(rng.random(n) < churn, rng.random(n), first)
    (grouping,) = groupings(Dataset(None, who, {"g": who}), None, intersections=False)
    yard = _mitigated.Yardstick(grouping, rng.random(n) < 0.5, "demographic_parity", 0.95)
    return yard, first < 0.4 + was * place, second < 0.4 + now * place, rng


def missed(k, n, was, now, draws):
    """Return how often the interval of the reduction lies above the truth, and below it."""
    above = below = 0
    for seed in range(draws):
        yard, first, last, rng = two_rules(seed, k, n, was, now)
        path = _mitigated.Path("x", (_mitigated.Point(0.0, first), _mitigated.Point(1.0, last)))
        (found,) = [m for m in _changes.measured(path, yard, rng, 1) if m.metric == "gap_reduction"]
        above += found.interval.low > was - now + 1e-9
        below += found.interval.high < was - now - 1e-9
    return above, below


@pytest.mark.parametrize(("was", "now"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.1), (0.2, 0.2)])
def test_the_interval_of_a_reduction_holds_its_level(was, now, monkeypatch):
    monkeypatch.setattr(_changes, "REPLICATES", 1000)
    for k in (2, 5):
        above, below = missed(k, 600, was, now, 80)
        assert above <= stats.binom.ppf(0.999, 80, 0.025)
        assert below <= stats.binom.ppf(0.999, 80, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("n", [300, 3000])
@pytest.mark.parametrize(("was", "now"), [(0.0, 0.0), (0.2, 0.2), (0.2, 0.0), (0.2, 0.1), (0.2, 0.05)])
def test_the_interval_of_a_reduction_holds_its_level_on_a_grid(k, n, was, now):
    above, below = missed(k, n, was, now, 600)
    assert above <= stats.binom.ppf(0.999, 600, 0.035)
    assert below <= stats.binom.ppf(0.999, 600, 0.05)


def test_a_rule_that_changes_nothing_is_not_shown_to_change_nothing():
    yard, first, _, rng = two_rules(0, 2, 3000, 0.3, 0.3)
    path = _mitigated.Path("x", (_mitigated.Point(0.0, first), _mitigated.Point(1.0, first)))
    found = {m.metric: m for m in _changes.measured(path, yard, rng, 1)}
    assert found["gap_reduction"].value == 0
    sizes = np.sort(yard.grouping.sizes)
    exact = sum(1 - 0.025 ** (1 / size) for size in sizes)  # Clopper and Pearson for none of n
    assert found["gap_reduction"].interval.high == pytest.approx(exact)
    assert found["gap_reduction"].interval.low == -found["gap_reduction"].interval.high
    assert found["gap_reduction"].interval.method == "Clopper-Pearson of changes that no record showed"
    assert found["accuracy_cost"].interval.low < 0 < found["accuracy_cost"].interval.high


def few_changed(seed, n, turned, constraint):
    """Return a yardstick and two rules, the second of which no longer selects a few records of the first group."""
    rng = np.random.default_rng(seed)
    who = np.repeat([0, 1], n)
    (grouping,) = groupings(Dataset(None, who, {"g": who}), None, intersections=False)
    first = rng.random(2 * n) < np.where(who == 0, 0.65, 0.35)
    last = first & ~((who == 0) & (rng.random(2 * n) < turned / 0.65))
    return _mitigated.Yardstick(grouping, rng.random(2 * n) < 0.5, constraint, 0.95), first, last, rng


@pytest.mark.parametrize("constraint", ["demographic_parity", "equalized_odds"])
def test_a_reduction_by_few_changed_records_is_covered(constraint, monkeypatch):
    """Resampling alone misses one per cent of 400 in 10% of draws, by ends that lie below it."""
    monkeypatch.setattr(_changes, "REPLICATES", 400)
    missed = 0
    for seed in range(200):
        yard, first, last, rng = few_changed(seed, 400, 0.01, constraint)
        found = _changes.reduction(first, last, yard, rng, 1, "g")
        missed += not found.interval.low <= 0.01 <= found.interval.high
    assert missed <= stats.binom.ppf(0.999, 200, 0.05)


def test_a_reduction_is_no_surer_than_its_two_paired_changes():
    """By hand: 3 of 100 of the one group are no longer selected, and none of the other changed."""
    who = np.repeat([0, 1], 100)
    (grouping,) = groupings(Dataset(None, who, {"g": who}), None, intersections=False)
    first = np.concatenate([np.arange(100) < 80, np.arange(100) < 30])
    last = first.copy()
    last[:3] = False
    yard = _mitigated.Yardstick(grouping, np.arange(200) % 2 == 0, "demographic_parity", 0.95)
    found = _changes.reduction(first, last, yard, np.random.default_rng(0), 1, "g")
    z, ends = stats.norm.ppf(0.975), []
    for lost in (3, 0):
        p, q = (lost + 1) / 102, 1 / 102
        half = z * np.sqrt((p + q - (p - q) ** 2) / 102)
        ends.append((lost / 100 - (p - q - half), p - q + half - lost / 100))
    assert found.value == pytest.approx(0.03)
    assert found.interval.low == pytest.approx(0.03 - np.hypot(ends[0][0], ends[1][1]))
    assert found.interval.high == pytest.approx(0.03 + np.hypot(ends[0][1], ends[1][0]))
    assert found.interval.method == "paired bootstrap of counts, no shorter than Bonett-Price and MOVER"


def test_where_another_pair_sets_the_gap_afterwards_only_resampling_is_named():
    """By hand: rates 0.8 and 0.3 before, 0.1 and 0.3 after: the highest and the lowest group change places."""
    who = np.repeat([0, 1], 100)
    (grouping,) = groupings(Dataset(None, who, {"g": who}), None, intersections=False)
    before = np.concatenate([np.arange(100) < 80, np.arange(100) < 30])
    after = np.concatenate([np.arange(100) < 10, np.arange(100) < 30])
    yard = _mitigated.Yardstick(grouping, np.arange(200) % 2 == 0, "demographic_parity", 0.95)
    found = _changes.reduction(before, after, yard, np.random.default_rng(0), 3, "g")
    assert found.value == pytest.approx(0.5 - 0.2)
    assert found.interval.method == "paired bootstrap of counts, Bonferroni over 3 mitigations"


# side by side


def balanced(truth, first, last):
    """Return the measured cost in balanced accuracy of turning the first decisions into the last."""
    n = len(truth)
    data = Dataset({"x": np.arange(float(n))}, np.resize([0, 1], n), {"who": np.resize(["A", "B"], n)})
    (grouping,) = groupings(data, None, intersections=False)
    yard = _mitigated.Yardstick(grouping, truth, "demographic_parity", 0.95)
    path = _mitigated.Path("turned", (_mitigated.Point(0.0, first), _mitigated.Point(1.0, last)))
    return _changes.measured(path, yard, np.random.default_rng(0), 1)[-1]


def test_a_balanced_cost_of_few_changed_records_is_covered(monkeypatch):
    monkeypatch.setattr(_changes, "REPLICATES", 200)
    right, turned, missed, unchanged = 0.8, 0.02, 0, 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        truth = rng.permutation(np.repeat([True, False], [20, 280]))
        first = np.where(rng.random(300) < right, truth, ~truth)
        last = first ^ (rng.random(300) < turned)
        m = balanced(truth, first, last)
        cost = balanced_accuracy_score(truth, first) - balanced_accuracy_score(truth, last)
        assert m.value == pytest.approx(cost, abs=1e-12)
        expected = turned * (right - (1 - right))
        missed += not m.interval.low <= expected <= m.interval.high
        unchanged += m.interval.low == m.interval.high
    assert missed <= stats.binom.ppf(0.999, 150, 0.05)
    assert unchanged == 0


def test_a_balanced_cost_is_the_mean_of_two_paired_differences():
    """By hand: of 10 positives 3 are lost and 1 won, of 30 negatives 2 are lost and none won."""
    truth = np.repeat([True, False], [10, 30])
    first, last = truth.copy(), truth.copy()
    first[3], last[:3], last[10:12] = False, False, True
    m = balanced(truth, first, last)
    assert m.value == pytest.approx((0.2 + 2 / 30) / 2)
    ends = []
    for lost, won, n in ((3, 1, 10), (2, 0, 30)):
        p, q = (lost + 1) / (n + 2), (won + 1) / (n + 2)
        half = stats.norm.ppf(0.975) * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
        ends.append(((lost - won) / n - (p - q - half), p - q + half - (lost - won) / n))
    below, above = (np.hypot(*side) for side in zip(*ends, strict=True))
    assert m.interval.low == pytest.approx(m.value - below / 2)
    assert m.interval.high == pytest.approx(m.value + above / 2)


def test_threshold_decisions_are_fairlearns_own_from_the_scores_of_unseen_rows():
    subject = planted(1.0, 4, n=900)
    bench, _, _ = module._set_up(
        subject, None, "demographic_parity", (1.0,), 5, 10_000, 0.95, np.random.default_rng(0)
    )
    path = _fair._thresholds(bench, (bench.original, bench.original), 9)

    class Recorded(LogisticRegression):
        def predict(self, X):
            return np.asarray(X)[:, 0]

    rng = np.random.default_rng(9)
    codes = np.unique(bench.who, return_inverse=True)[1]
    fold = _fair.mitigation.cross_folds(2 * codes + bench.y, 3, rng)
    scores = np.empty(900)
    for one in range(3):
        model = LogisticRegression().fit(subject.train.X[fold != one], subject.train.y[fold != one])
        scores[fold == one] = model.predict_proba(subject.train.X[fold == one])[:, 1]
    own = ThresholdOptimizer(
        estimator=Recorded().fit(scores[:, None], bench.y), prefit=True, predict_method="predict"
    )
    own.fit(scores[:, None], bench.y, sensitive_features=bench.who)
    said = own.predict(subject.scores()[:, None], sensitive_features=bench.new_who, random_state=9)
    np.testing.assert_array_equal(path.points[-1].decisions, said == 1)


@pytest.mark.parametrize("constraint", ["demographic_parity", "equalized_odds"])
def test_figures_of_reweighing_are_those_of_sklearn_and_fairlearn(constraint):
    subject = planted(1.0, 5, n=1500, k=3)
    train, test = subject.train, subject.test
    who, y = train.sensitive_features["who"].to_numpy(), train.y
    share = {(g, c): ((who == g) & (y == c)).mean() for g in "ABC" for c in (0, 1)}
    weights = [(who == g).mean() * (y == c).mean() / share[g, c] for g, c in zip(who, y, strict=True)]
    plain = LogisticRegression().fit(train.X, y).predict(test.X)
    said = LogisticRegression().fit(train.X, y, sample_weight=weights).predict(test.X)
    evidence = observe(subject, mitigations=["reweighing"], constraint=constraint)
    gap = getattr(fl, f"{constraint}_difference")
    groups = test.sensitive_features["who"]
    before, after = (gap(test.y, part, sensitive_features=groups) for part in (plain, said))
    for name, value in (("gap_after", after), ("gap_reduction", before - after)):
        assert evidence.measurement(name).value == pytest.approx(value, abs=1e-12)
    cost = (plain == test.y).mean() - (said == test.y).mean()
    assert evidence.measurement("accuracy_cost").value == pytest.approx(cost, abs=1e-12)
    cost = balanced_accuracy_score(test.y, plain) - balanced_accuracy_score(test.y, said)
    assert evidence.measurement("balanced_accuracy_cost").value == pytest.approx(cost, abs=1e-12)


@pytest.mark.parametrize("kind", ["linear", "trees", "bare"])
def test_german_credit_is_tried_with_every_mitigation(kind):
    evidence = observe(german(kind), points=1, iterations=2)
    curve = evidence.tables["trade_off"].frame()
    assert list(dict.fromkeys(curve["series"])) == ["original", *ALL]
    assert not [note for note in evidence.notes if "could not be tried" in note]
    for name in ALL:
        last = curve[(curve["series"] == name) & (curve["strength"] == 1)]
        assert last["x"].item() == evidence.measurement("gap_after", f"sex, {name}").value
    rates = evidence.tables["selection_rate"].frame()
    assert len(rates) == 5 * 2
    original = german(kind).answers().labels == "good"
    female = german(kind).test.sensitive_features["sex"] == "female"
    row = rates[(rates["series"] == "original") & (rates["label"] == "sex=female")]
    assert row["value"].item() == pytest.approx(original[female].mean())


def test_the_reference_of_what_trains_is_the_recipe_on_the_same_rows():
    subject = planted(1.0, 6, n=2000)
    evidence = observe(subject, mitigations=["reweighing"], rows=100)
    assert any("trained again on 100 of 2,000 training rows" in note for note in evidence.notes)
    curve = evidence.tables["trade_off"].frame()
    start = curve[(curve["series"] == "reweighing") & (curve["strength"] == 0)]
    assert evidence.measurement("gap_before", "who, reweighing").value == start["x"].item()
    assert evidence.measurement("gap_before", "who").value == curve["x"][0]
    assert start["x"].item() != curve["x"][0]


def test_a_mitigation_does_not_depend_on_which_others_are_tried():
    subject = planted(0.8, 7, n=800)
    alone = observe(subject, mitigations=["exponentiated gradient"])
    beside = observe(subject)
    name = "who, exponentiated gradient"
    assert alone.measurement("gap_after", name) == beside.measurement("gap_after", name)
    one, many = (e.measurement("gap_reduction", name).interval for e in (alone, beside))
    assert many.high - many.low > one.high - one.low  # Bonferroni
    assert "over 4 mitigations" in many.method


def test_chance_is_stated():
    evidence = observe(
        planted(1.0, 8, n=800), mitigations=["threshold optimisation"], constraint="equalized_odds"
    )
    assert any("decides by chance: another draw" in note for note in evidence.notes)


# unknown never reads as narrowed


def test_a_mitigation_that_fails_is_named_and_the_rest_stand():
    subject = planted(1.0, 9, n=600, model=KNeighborsClassifier())
    evidence = observe(subject)
    names = {m.group for m in evidence.measurements if m.metric == "gap_after"}
    assert names == {"who, threshold optimisation", "who, correlation remover"}
    for name in ("reweighing", "exponentiated gradient"):
        assert any(note.startswith(f"{name} could not be tried") for note in evidence.notes)
    with pytest.raises(
        NotApplicable, match=r"no mitigation could be tried: reweighing .* takes no sample_weight"
    ):
        observe(subject, mitigations=["reweighing"])


def test_a_group_unknown_to_the_training_rows_keeps_its_decisions():
    subject = planted(1.0, 10, n=600)
    test = subject.test
    who = test.sensitive_features["who"].to_numpy().astype(object)
    who[:30] = None
    other = Subject("gap", subject.model, Dataset(test.X, test.y, {"who": who}), subject.train)
    evidence = observe(other, mitigations=["threshold optimisation"])
    assert any("no training row drawn has who=missing" in note for note in evidence.notes)
    rates = evidence.tables["selection_rate"].frame()
    kept = rates[rates["label"] == "who=missing"]["value"]
    assert kept.nunique() == 1


def test_a_group_without_positives_has_no_equalized_odds_and_says_so():
    subject = planted(1.0, 11, n=600)
    test = subject.test
    y = np.where(test.sensitive_features["who"] == "A", 0, test.y)
    other = Subject("none", subject.model, Dataset(test.X, y, test.sensitive_features), subject.train)
    evidence = observe(other, mitigations=["reweighing"], constraint="equalized_odds")
    m = evidence.measurement("gap_reduction")
    assert np.isnan(m.value)
    assert "undefined" in m.reason
    assert "told from none: reweighing" in evidence.says


def test_weights_are_not_used_and_that_is_said():
    subject = planted(1.0, 12, n=400)
    test = subject.test
    data = Dataset(test.X, test.y, test.sensitive_features, sample_weight=np.ones(len(test)))
    evidence = observe(Subject("w", subject.model, data, subject.train), mitigations=["reweighing"])
    assert any("sample_weight" in note for note in evidence.notes)


class Counted(LogisticRegression):
    """Writes down how many threads it may train on."""

    seen: list[int] = []  # noqa: RUF012 - shared by the copies that are trained

    def fit(self, X, y, sample_weight=None):
        pools = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "openmp"]
        self.seen.append(max(pools, default=1))
        return super().fit(X, y, sample_weight)


def test_models_are_trained_on_one_thread_each():
    """Boosted trees took three times as long with more, on two cores."""
    subject = planted(0.5, 0, n=300, model=Counted())
    Counted.seen.clear()
    with threadpool_limits(2, user_api="openmp"):
        observe(subject, mitigations=["reweighing"])
    assert set(Counted.seen) == {1}


def test_what_is_missing_is_said():
    subject = planted(1.0, 13, n=300)
    test, train = subject.test, subject.train
    cases = {
        "no training data": Subject("a", subject.model, test),
        "training rows do not say who": Subject("b", subject.model, test, Dataset(train.X, train.y)),
        "no sensitive features": Subject("c", subject.model, Dataset(test.X, test.y), train),
        "one group of g": Subject(
            "d",
            subject.model,
            Dataset(test.X, test.y, {"g": np.zeros(300)}),
            Dataset(train.X, train.y, {"g": np.zeros(300)}),
        ),
        "one label only": Subject(
            "e", subject.model, test, Dataset(train.X, np.zeros(300, dtype=int), train.sensitive_features)
        ),
        "give bands of g": Subject(
            "f",
            subject.model,
            Dataset(test.X, test.y, {"g": [f"n{i}" for i in range(300)]}),
            Dataset(train.X, train.y, {"g": [f"n{i}" for i in range(300)]}),
        ),
        "compares classes": make_regression(n_train=60, n_test=60),
        "which class counts": make_multiclass(n_train=60, n_test=60),
    }
    for words, one in cases.items():
        with pytest.raises(NotApplicable, match=words):
            observe(one)


def test_names_that_do_not_exist_are_told():
    subject = planted(1.0, 14, n=300)
    with pytest.raises(InputError, match=r"'reweighting' is no mitigation\. Did you mean 'reweighing'"):
        observe(subject, mitigations=["reweighting"])
    with pytest.raises(InputError, match="no mitigation named"):
        observe(subject, mitigations=[])
    with pytest.raises(InputError, match="'whom' is no sensitive feature"):
        observe(subject, feature="whom")


def test_a_cancelled_audit_stops_and_is_no_failed_mitigation(monkeypatch):
    def stop(*_):
        raise Cancelled("enough")

    monkeypatch.setitem(_fair.MITIGATIONS, "reweighing", stop)
    with pytest.raises(Cancelled):
        observe(planted(1.0, 15, n=300), mitigations=["reweighing"])


def test_any_table_becomes_numbers():
    from scipy import sparse

    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": pd.Categorical(["x", "y", "x"])})
    new = pd.DataFrame({"a": [np.nan], "b": pd.Categorical(["z"])})
    first, other = numbers(frame, new)
    assert first.tolist() == [[1, 1, 0], [2, 0, 1], [3, 1, 0]]
    assert other.tolist() == [[2, 0, 0]]  # the mean of the training rows; a word they do not know
    dense = np.array([[0.0, 1.0], [2.0, 0.0]])
    for given in (sparse.csr_matrix(dense), dense):
        np.testing.assert_array_equal(numbers(given, given)[0], dense)
    with pytest.raises(NotApplicable, match="are too many"):
        numbers(sparse.csr_matrix((10_000, 10_000)), sparse.csr_matrix((1, 10_000)))


def test_a_model_that_gives_labels_alone_is_tried_too():
    from sklearn.svm import LinearSVC

    evidence = observe(planted(1.2, 16, n=1500, model=LinearSVC()), mitigations=["threshold optimisation"])
    assert evidence.measurement("gap_reduction").interval.low > 0


def test_the_report_carries_it():
    subject = make_credit(n_train=400, n_test=300)
    report = Audit({"mitigation_lab": {"points": 1, "iterations": 2, "feature": "age_band"}}).run(
        subject, seed=1
    )
    evidence = report.of("AK114")
    assert evidence.cost["refits"] > 8
    assert all(len(table.summary.split()) > 5 for table in evidence.tables.values())
    assert "mitigation" in report._repr_html_().lower()
