"""AK001: how often the model is right, held against planted faults, scikit-learn and hard inputs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from scipy import stats

from auditkit import Audit, Dataset, Subject
from auditkit.checks.performance import model_performance
from auditkit.data import load_german_credit, make_biased, make_leaky
from auditkit.finding import Criterion
from auditkit.judging import judge
from auditkit.loading.policy import default_policy
from auditkit.predictors import from_predictions

GAP = "train_test_gap"


def observe(subject, **options):
    return model_performance(subject, rng=np.random.default_rng(0), **options)


def binary(scores, y, groups=None, classes=(0, 1)):
    data = Dataset(None, np.asarray(y), None if groups is None else {"g": groups})
    return Subject(
        "b", from_predictions(scores=np.asarray(scores, float), classes=classes), data, positive=classes[1]
    )


def values(said, y, groups=None, said_train=None, y_train=None):
    data = Dataset(None, np.asarray(y, float), None if groups is None else {"g": groups})
    model = from_predictions(labels=np.asarray(said, float), train_labels=said_train)
    train = None if y_train is None else Dataset(None, np.asarray(y_train, float))
    return Subject("v", model, data, train, task="regression")


def ends(m):
    return m.interval.low, m.interval.high


# guilty and innocent twins


def leaky(memorise, n=2000, seed=0):
    return make_leaky(kind="tree", memorise=memorise, n_train=n, n_test=n, seed=seed)


@pytest.mark.parametrize("memorise", [0.2, 0.5, 1.0])
def test_remembered_rows_show_as_a_gap_of_half_their_share(memorise):
    """A remembered row is always answered right, any other half the time: the gap is m / 2."""
    evidence = observe(leaky(memorise).subject)
    m = evidence.measurement(GAP)
    assert 0.05 < m.interval.low <= memorise / 2 <= m.interval.high
    assert [f.status for f in judge([evidence], default_policy()) if f.judged] == ["fail"]


def test_the_clean_twin_has_no_gap():
    evidence = observe(leaky(0.0, n=6000).subject)
    low, high = ends(evidence.measurement(GAP))
    assert low <= 0 <= high
    assert [f.status for f in judge([evidence], default_policy()) if f.judged] == ["pass"]


def test_the_gap_covers_the_truth_and_raises_no_more_alarms_than_stated():
    rng = np.random.default_rng(0)
    off = inside = 0
    for _ in range(300):
        y, seen = rng.integers(2, size=(2, 150))
        for better, count in ((0.0, "off"), (0.15, "inside")):
            said = np.where(rng.random(150) < 0.75, y, 1 - y)
            before = np.where(rng.random(150) < 0.75 + better, seen, 1 - seen)
            model = from_predictions(labels=said, train_labels=before)
            low, high = ends(
                observe(Subject("s", model, Dataset(None, y), Dataset(None, seen))).measurement(GAP)
            )
            off += count == "off" and not low <= 0 <= high
            inside += count == "inside" and low <= better <= high
    assert off <= stats.binom.ppf(1 - 1e-4, 300, 0.05)
    assert inside >= stats.binom.ppf(1e-4, 300, 0.95)


def test_a_model_better_on_new_rows_has_a_gap_below_zero():
    y = np.resize([0, 1], 200)
    model = from_predictions(labels=y, train_labels=1 - y)
    m = observe(Subject("s", model, Dataset(None, y), Dataset(None, y))).measurement(GAP)
    assert m.value == -1
    assert m.n == 400
    assert "are train and test swapped" in m.reason


def test_a_gap_below_zero_is_remarked_where_chance_is_no_excuse():
    y = np.resize([0, 1], 200)
    for wrong, remarked in ((0, False), (6, False), (30, True)):  # 200 right against 200 less `wrong`
        model = from_predictions(labels=y, train_labels=np.where(np.arange(200) < wrong, 1 - y, y))
        m = observe(Subject("s", model, Dataset(None, y), Dataset(None, y))).measurement(GAP)
        assert m.value == pytest.approx(-wrong / 200)
        assert (m.reason is not None) == remarked
    rng = np.random.default_rng(3)
    y, seen = rng.normal(0, 5, 300), rng.normal(0, 5, 200)
    m = observe(values(y, y, said_train=seen + rng.normal(0, 2, 200), y_train=seen)).measurement(GAP)
    assert m.value < 0
    assert "are train and test swapped" in m.reason


def test_the_gap_of_a_regression_is_welchs_in_spreads_of_the_target():
    rng = np.random.default_rng(3)
    y, seen = rng.normal(0, 5, 300), rng.normal(0, 5, 200)
    said, before = y + rng.normal(0, 2, 300), seen + rng.normal(0, 0.5, 200)
    m = observe(values(said, y, said_train=before, y_train=seen)).measurement(GAP)
    result = stats.ttest_ind(np.abs(said - y), np.abs(before - seen), equal_var=False)
    interval = result.confidence_interval()
    assert m.value == pytest.approx((np.abs(said - y).mean() - np.abs(before - seen).mean()) / y.std())
    assert ends(m) == pytest.approx((interval.low / y.std(), interval.high / y.std()))
    assert m.interval.low > 0  # seen rows are answered better


def test_a_group_served_worse_is_seen_by_group():
    """Right with 3/4 + gap/2 in A and 3/4 - gap/2 in B."""
    evidence = observe(make_biased(kind="errors", gap=0.2, n=4000, seed=0).subject)
    for group, truth in (("A", 0.85), ("B", 0.65)):
        low, high = ends(evidence.measurement("accuracy", f"group={group}"))
        assert low <= truth <= high
    assert "(group=B) to" in evidence.tables["by_group"].summary


# side by side


def german():
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    train, test = load_german_credit(seed=0)
    prepare = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    model = make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(train.X, train.y)
    return Subject("german", model, test, train, positive="good"), model


def test_figures_on_german_credit_are_scikit_learns():
    subject, model = german()
    X, y = subject.test.X, subject.test.y
    scores = model.predict_proba(X)[:, list(model.classes_).index("good")]
    evidence = observe(subject)
    expected = {
        "accuracy": skm.accuracy_score(y, model.predict(X)),
        "auc": skm.roc_auc_score(y == "good", scores),
        "brier_score": skm.brier_score_loss(y == "good", scores),
        GAP: model.score(subject.train.X, subject.train.y) - model.score(X, y),
    }
    found = {m.metric: m.value for m in evidence.measurements if not m.group}
    assert found == pytest.approx(expected, abs=1e-12)
    for value, rows in subject.test.sensitive_features.groupby("sex").groups.items():
        m = evidence.measurement("accuracy", f"sex={value}")
        assert m.value == pytest.approx(model.score(X.loc[rows], y[rows]), abs=1e-12)
        assert m.n == len(rows)
    assert "70.0%" in evidence.notes[0]  # 210 of 300 are good


def test_the_auc_interval_is_delongs_by_pairs():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [40, 25])
    scores = np.round(stats.norm.cdf(rng.normal(y, 1.2)), 1)  # tied scores
    m = observe(binary(scores, y)).measurement("auc")
    # DeLong et al. 1988 written out: the kernel over every pair, its row and column means
    pairs = np.array([[(p > q) + 0.5 * (p == q) for q in scores[y == 0]] for p in scores[y == 1]])
    area = pairs.mean()
    variance = pairs.mean(axis=1).var(ddof=1) / 25 + pairs.mean(axis=0).var(ddof=1) / 40
    half = stats.norm.ppf(0.975) * math.sqrt(variance) / (area * (1 - area))
    centre = math.log(area / (1 - area))
    assert m.value == pytest.approx(area, abs=1e-12)
    assert ends(m) == pytest.approx([1 / (1 + math.exp(-(centre + s * half))) for s in (-1, 1)], abs=1e-12)


def test_figures_of_a_regression_are_scikit_learns():
    rng = np.random.default_rng(2)
    y = rng.normal(10, 3, 200)
    said, groups = y + rng.normal(0, 1, 200), rng.integers(2, size=200)
    evidence = observe(values(said, y, groups))
    assert evidence.measurement("r2").value == pytest.approx(skm.r2_score(y, said), abs=1e-12)
    for group, mask in ((None, slice(None)), ("g=0", groups == 0), ("g=1", groups == 1)):
        (m,) = [m for m in evidence.measurements if (m.metric, m.group) == ("mean_absolute_error", group)]
        error = np.abs(said - y)[mask]
        assert m.value == pytest.approx(skm.mean_absolute_error(y[mask], said[mask]), abs=1e-12)
        assert ends(m) == pytest.approx(
            stats.t.interval(0.95, len(error) - 1, error.mean(), stats.sem(error))
        )


def test_accuracy_takes_wilsons_interval():
    y = np.zeros(10, int)
    said = np.repeat([0, 1], [8, 2])
    m = observe(Subject("w", from_predictions(labels=said), Dataset(None, y))).measurement("accuracy")
    assert ends(m) == pytest.approx(stats.binomtest(8, 10).proportion_ci(method="wilson"), abs=1e-12)


@pytest.mark.parametrize(("spread", "n"), [(0.5, 200), (1.5, 60)])
def test_the_interval_of_r2_covers_the_truth(spread, n):
    """With noise of spread s around a target of spread 1 and answers equal to the signal, 1 - R2 is a known share."""
    rng = np.random.default_rng(4)
    truth = 1 - spread**2 / (1 + spread**2)
    inside = 0
    for _ in range(400):
        signal = rng.normal(0, 1, n)
        low, high = ends(observe(values(signal, signal + rng.normal(0, spread, n))).measurement("r2"))
        inside += low <= truth <= high
    assert inside >= stats.binom.ppf(1e-4, 400, 0.94)  # the delta method is an approximation


NOISE = {
    "normal": lambda rng, n: rng.normal(size=n),
    "laplace": lambda rng, n: rng.laplace(size=n) / math.sqrt(2),
    "exponential": lambda rng, n: rng.exponential(size=n) - 1,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "n", "least"),
    [
        ("normal", 30, 0.92),
        ("normal", 1000, 0.935),
        ("laplace", 30, 0.91),
        ("laplace", 1000, 0.935),
        ("exponential", 30, 0.87),  # long tails take more rows: the page of the check says so
        ("exponential", 100, 0.90),
        ("exponential", 1000, 0.925),
    ],
)
def test_the_interval_of_r2_covers_the_truth_for_other_noise(law, n, least):
    """Signal and noise have a spread of 1 each, so R2 is 1/2."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(3000):
        signal = rng.normal(0, 1, n)
        low, high = ends(observe(values(signal, signal + NOISE[law](rng, n))).measurement("r2"))
        inside += low <= 0.5 <= high
    assert inside / 3000 >= least


# hard inputs


def test_one_class_in_the_test_rows_leaves_the_auc_undefined():
    evidence = observe(binary([0.2, 0.9, 0.8], [1, 1, 1]))
    auc = evidence.measurement("auc")
    assert math.isnan(auc.value)
    assert "one class only" in auc.reason
    assert evidence.measurement("accuracy").value == pytest.approx(2 / 3)
    assert [f.status for f in judge([evidence], [Criterion("auc", at_least=0.5)])] == ["inconclusive"]


def test_flawless_scores_are_not_certain():
    """20 rows without error leave room for an error rate of 1 - 0.025^(1/20)."""
    y = np.resize([0, 1], 20)
    evidence = observe(binary(y, y))
    assert ends(evidence.measurement("brier_score")) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert evidence.measurement("accuracy").interval.low < 0.9
    assert evidence.measurement("auc").interval.low < 0.9


def test_the_brier_interval_stays_within_what_is_possible():
    evidence = observe(binary([0.0, 0.0, 0.0, 0.9], [0, 0, 0, 0]))
    low, high = ends(evidence.measurement("brier_score"))
    assert (low, high <= 1) == (0, True)
    one = observe(binary([0.3], [0])).measurement("brier_score")
    assert 0 < one.interval.low < 0.09 < one.interval.high < 1


def test_a_single_row_of_a_regression_has_no_upper_bound():
    evidence = observe(values([1.0], [1.5]))
    assert ends(evidence.measurement("mean_absolute_error")) == (0, math.inf)
    assert math.isnan(evidence.measurement("r2").value)


def test_a_constant_target_leaves_r2_undefined_and_flawless_answers_leave_it_unbounded():
    r2 = observe(values([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])).measurement("r2")
    assert math.isnan(r2.value)
    assert "all the same" in r2.reason
    r2 = observe(values([1.5, 2.5, 3.5], [1.5, 2.5, 3.5])).measurement("r2")
    assert (r2.value, *ends(r2)) == (1, -math.inf, 1)


def test_a_constant_gap_of_a_regression_warns_of_nothing():
    y = np.arange(6.0) + 0.5
    m = observe(values(y, y, said_train=y, y_train=y)).measurement(GAP)
    assert (m.value, *ends(m)) == (0, 0, 0)
    m = observe(values(y, y, said_train=y[:1], y_train=y[:1])).measurement(GAP)
    assert ends(m) == (-math.inf, math.inf)


def test_many_classes_have_an_accuracy_and_no_auc():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=90)
    proba = rng.dirichlet(np.ones(3), 90)
    model = from_predictions(scores=proba, classes=["a", "b", "c"])
    evidence = observe(Subject("m", model, Dataset(None, np.array(["a", "b", "c"])[y])))
    assert {m.metric for m in evidence.measurements} == {"accuracy", "train_test_gap"}
    assert evidence.measurement("accuracy").value == pytest.approx((proba.argmax(1) == y).mean())


def test_labels_alone_have_no_auc_and_an_unknown_gap():
    evidence = observe(Subject("l", from_predictions(labels=[0, 1, 1]), Dataset(None, [0, 1, 0])))
    assert {m.metric for m in evidence.measurements} == {"accuracy", "train_test_gap"}
    gap = evidence.measurement("train_test_gap")
    assert math.isnan(gap.value)
    assert "no training data" in gap.reason
    assert "by_group" not in evidence.tables


def test_missing_values_lone_records_and_markup_are_groups():
    groups = np.array(["<b>x</b>", None, "<b>x</b>", "lone"], dtype=object)
    evidence = observe(binary([0.1, 0.9, 0.2, 0.7], [0, 1, 0, 0], groups))
    assert evidence.tables["by_group"].columns["label"] == ("g=<b>x</b>", "g=lone", "g=missing")
    assert evidence.measurement("accuracy", "g=lone").n == 1


def test_a_number_as_a_sensitive_feature_is_in_bands_and_words_without_end_are_left_out():
    rng = np.random.default_rng(0)
    score, y = rng.random(300), rng.integers(2, size=300)
    evidence = observe(binary(score, y, rng.random(300)))
    assert len(evidence.tables["by_group"].columns["label"]) == 4
    assert "4 bands" in evidence.notes[1]
    evidence = observe(binary(score, y, [f"n{i}" for i in range(300)]))
    assert "by_group" not in evidence.tables
    assert "not by g: 300 groups" in evidence.notes[1]


def test_a_million_rows_run_quickly(sorts_of_a_million):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=1_000_000)
    subject = binary(rng.random(1_000_000), y, rng.integers(5, size=1_000_000))
    began = sorts_of_a_million()
    assert observe(subject).measurement("auc").n == 1_000_000
    assert sorts_of_a_million() - began < 150


def test_scores_that_are_nan_are_an_error_of_the_check():
    def model(X):
        return np.full(len(X), np.nan)

    data = Dataset(pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}), [0, 1, 0, 1])
    (evidence,) = Audit(["model_performance"]).run(Subject("nan", model, data)).evidence
    assert evidence.outcome == "error"
    assert "nan" in evidence.reason.lower()


def test_the_evidence_says_what_was_measured_and_can_be_saved():
    evidence = observe(leaky(0.5).subject)
    assert "gap to rows it was trained on" in evidence.says
    assert evidence.rows == {"used": 2000, "of": 2000, "split": "test", "how": "all"}
    assert type(evidence).from_dict(evidence.to_dict()).to_dict() == evidence.to_dict()


def test_accuracy_stands_beside_what_the_most_common_label_gets():
    y = np.repeat(["good", "bad"], [70, 30])

    def says(labels):
        data = Dataset(None, y)
        return observe(Subject("b", from_predictions(labels=labels), data, positive="good")).says

    flipped = np.where(np.arange(100) < 10, "bad", np.where(np.arange(100) >= 91, "good", "bad"))
    flipped[10:70] = "good"  # 60 + 21 right: 21 better, 10 worse, 0.11 [-0.004, 0.22] in pairs
    assert "; always answering 'good' gets 0.700: no better shown" in says(flipped)
    better = says(np.where(np.arange(100) < 5, "bad", y))  # 30 better, 5 worse
    assert "gets 0.700: better by 0.250 [0." in better
    assert "gets 0.700: worse by 0.400 [0." in says(np.repeat("bad", 100))
    assert "always" not in observe(values([1, 2, 3.5], [1, 2, 3])).says
