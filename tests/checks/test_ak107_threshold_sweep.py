"""AK107: every threshold at once, held against counting at each, fairlearn and chance."""

from __future__ import annotations

import math

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, recall_score

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import threshold_sweep
from auditkit.data import make_biased
from auditkit.errors import NotApplicable
from auditkit.predictors import from_predictions
from auditkit.statistics import wilson

LEAST, MOST = "impact_ratio_sweep_min", "impact_ratio_sweep_max"


def observe(subject, **options):
    return threshold_sweep(subject, rng=np.random.default_rng(0), **options)


def scored(scores, groups, y=None):
    truth = np.resize([0, 1], len(scores)) if y is None else np.asarray(y).astype(int)
    groups = groups if isinstance(groups, pd.DataFrame) else {"g": groups}
    return Subject("s", from_predictions(scores=scores, classes=[0, 1]), Dataset(None, truth, groups))


def shifted(n, gap, seed, groups=2):
    """Return scores uniform on 0..1-gap in the last group, on gap..1 in the first."""
    rng = np.random.default_rng(seed)
    at = rng.integers(groups, size=n)
    scores = rng.random(n) * (1 - gap) + gap * (1 - at / (groups - 1))
    return scored(scores, np.array(list("abcdefgh"))[at], rng.random(n) < scores)


# guilty and innocent twins


def test_a_planted_shift_is_found_with_its_sign_and_size():
    evidence = observe(shifted(8000, 0.2, 1))
    low, high = evidence.measurement(LEAST), evidence.measurement(MOST)
    # of a, (1 - t) / 0.8 are selected, of b (0.8 - t) / 0.8: at t = 0.6 half and a quarter; b alone runs out at 0.8
    frame = evidence.tables["g: impact ratio"].frame()
    at = frame.iloc[(frame.x - 0.6).abs().argmin()]
    truth = (0.8 - at.x) / (1 - at.x)
    assert at.low <= truth <= at.high
    assert (at.lowest, at.highest) == ("g=b", "g=a")
    assert low.interval.high < 0.2
    assert "g=b against g=a" in low.reason
    assert high.interval.low > 0.7
    assert low.p_value is None


def false_alarms(n, groups, draws, **options):
    off = 0
    for seed in range(draws):
        m = observe(shifted(n, 0.0, [seed, n, groups], groups), **options).measurement(LEAST)
        off += m.interval.high < 1
    return off


@pytest.mark.parametrize(("n", "groups"), [(200, 2), (400, 6)])
def test_alike_groups_raise_no_more_alarms_than_stated(n, groups):
    assert false_alarms(n, groups, 100) <= stats.binom.ppf(0.999, 100, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("groups", [2, 3, 8])
@pytest.mark.parametrize("n", [60, 400, 3000])
@pytest.mark.parametrize("points", [10, 50])
def test_alike_groups_raise_no_more_alarms_than_stated_on_a_grid(n, groups, points):
    assert false_alarms(n, groups, 400, points=points) <= 0.07 * 400


# side by side


def test_every_curve_is_fairlearns_at_every_threshold():
    subject = shifted(600, 0.2, 3, 3)
    scores, truth, groups = subject.scores(), subject.test.y, subject.test.sensitive_features["g"]
    evidence = observe(subject, points=9)
    ratios = evidence.tables["g: impact ratio"].frame()
    curves = {
        "selection rate": fl.selection_rate,
        "accuracy": accuracy_score,
        "true positive rate": recall_score,
    }
    for cut in ratios.x:
        said = (scores >= cut).astype(int)
        frame = fl.MetricFrame(metrics=curves, y_true=truth, y_pred=said, sensitive_features=groups)
        expected = fl.demographic_parity_ratio(truth, said, sensitive_features=groups)
        assert ratios[ratios.x == cut].value.item() == pytest.approx(expected)
        for name in curves:
            table = evidence.tables[f"g: {name}"].frame()
            here = table[table.x == cut].set_index("series").value
            assert here["all records"] == pytest.approx(frame.overall[name])
            for group, value in frame.by_group[name].items():
                assert here[f"g={group}"] == pytest.approx(value)
    assert 0.5 in set(ratios.x)


def test_thresholds_can_be_moved_by_group_from_the_counts_alone():
    subject = shifted(500, 0.3, 4)
    table = observe(subject, points=20).tables["g: counts"].frame()
    cuts = {"g=a": table.threshold.unique()[12], "g=b": table.threshold.unique()[5]}
    scores, group = subject.scores(), "g=" + subject.test.sensitive_features["g"]
    said = scores >= group.map(cuts).to_numpy()
    for name, cut in cuts.items():
        row = table[(table.group == name) & (table.threshold == cut)].iloc[0]
        own = (group == name).to_numpy()
        assert (row.selected, row.records) == (said[own].sum(), own.sum())
        assert (row.selected_positive, row.positive) == (
            (said & (subject.test.y == 1))[own].sum(),
            subject.test.y[own].sum(),
        )


def test_pointwise_intervals_are_wilsons():
    table = observe(shifted(300, 0.2, 5), points=7).tables["g: selection rate"].frame()
    row = table[table.series == "g=b"].iloc[3]
    low, high = wilson(round(row.value * row.n), row.n)
    assert (row.low, row.high) == pytest.approx((float(low), float(high)))


# edges


def test_thresholds_at_the_edges_are_drawn_and_not_counted():
    evidence = observe(shifted(1000, 0.2, 6), least_share=0.2)
    shares = evidence.tables["g: impact ratio"].columns["share_selected"]
    assert min(shares) < 0.01
    assert max(shares) == 1
    said = evidence.measurement(LEAST).reason
    assert 20 <= float(said.split("selects ")[1].split("%")[0]) <= 80


def test_tied_scores_have_no_sweep_and_it_is_said():
    evidence = observe(scored(np.full(50, 0.4), ["a", "b"] * 25))
    assert [math.isnan(m.value) for m in evidence.measurements] == [True, True]
    assert "tied" in evidence.measurements[0].reason


def test_one_group_and_too_many_groups_are_not_compared():
    frame = pd.DataFrame({"one": ["x"] * 300, "id": [f"n{i}" for i in range(300)]})
    evidence = observe(scored(np.linspace(0, 1, 300), frame))
    assert all(math.isnan(m.value) and m.reason for m in evidence.measurements)
    assert "No impact ratio" in evidence.says


def test_a_group_without_positives_has_no_true_positive_rate():
    evidence = observe(scored([0.1, 0.9] * 20, ["a", "a", "b", "b"] * 10, [0, 1, 0, 0] * 10))
    table = evidence.tables["g: true positive rate"].frame()
    assert table[table.series == "g=b"].value.isna().all()
    assert "could not be compared" in evidence.tables["g: true positive rate"].summary


def test_a_group_without_weight_is_left_out_and_named():
    rng = np.random.default_rng(1)
    scores, groups = rng.random(600), np.resize(["a", "b", "c"], 600)
    weights = np.where(groups == "c", 0.0, rng.integers(1, 4, 600))
    y = np.resize([0, 1], 600)

    def of(kept):
        data = Dataset(None, y[kept], {"g": groups[kept]}, sample_weight=weights[kept])
        return observe(Subject("s", from_predictions(scores=scores[kept], classes=[0, 1]), data), points=200)

    every = of(np.ones(600, bool))
    m = every.measurement(LEAST)
    assert 0 < m.value <= 1
    assert m.interval.low == 0  # c may never be selected
    assert m.missing == "left out, for no record of any weight: g=c"
    assert any("g=c" in note for note in every.notes)
    assert set(every.tables["g: counts"].columns["group"]) == {"g=a", "g=b"}
    assert of(groups != "c").measurement(LEAST).missing is None


def test_rates_are_held_apart_only_where_some_are_selected_and_some_are_not():
    groups = np.repeat(["a", "b"], 500)
    y = np.where(groups == "a", np.resize([1, 1, 1, 1, 0], 1000), np.resize([1, 0, 0, 0, 0], 1000))
    rng = np.random.default_rng(0)
    scores = np.where(rng.random(1000) < 0.95, y, 1 - y) * 0.5 + rng.random(1000) * 0.4
    summary = observe(scored(scores, groups, y)).tables["g: accuracy"].summary
    # where all are selected accuracy is the base rate: 60 points apart, and nothing of the model
    apart = float(summary.split("up to ")[1].split(" percentage points")[0])
    assert apart < 59
    assert "of those that select 5% to 95% of all records" in summary


def test_a_regression_is_swept_without_accuracy():
    rng = np.random.default_rng(0)
    said = rng.normal(1000, 50, 400)
    data = Dataset(None, said + rng.normal(0, 9, 400), {"g": rng.integers(2, size=400)})
    evidence = observe(Subject("r", from_predictions(labels=said), data, task="regression"))
    assert set(evidence.tables) == {"g: impact ratio", "g: selection rate", "g: counts"}
    assert evidence.measurement(LEAST).value > 0


def test_labels_alone_cannot_be_swept():
    data = Dataset(None, [0, 1] * 10, {"g": ["a", "b"] * 10})
    with pytest.raises(NotApplicable, match="predict_proba"):
        observe(Subject("s", from_predictions(labels=[0, 1] * 10), data))


def test_pairs_of_features_only_when_asked_for():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(2, size=(200, 2)), columns=["a", "b"])
    subject = scored(rng.random(200), frame)
    assert len(observe(subject).measurements) == 4
    assert len(observe(subject, intersections=True).measurements) == 6


def test_a_million_rows_run_quickly(sorts_of_a_million):
    rng = np.random.default_rng(0)
    n = 1_000_000
    frame = pd.DataFrame({"a": rng.integers(5, size=n), "b": rng.choice(["x", "y"], size=n)})
    subject = scored(rng.random(n), frame, rng.integers(2, size=n))
    began = sorts_of_a_million()
    observe(subject)
    assert sorts_of_a_million() - began < 120


def test_it_runs_in_an_audit_and_can_be_saved():
    report = Audit(["threshold_sweep"]).run(make_biased(gap=0.3, seed=0).subject)
    (evidence,) = report.evidence
    assert type(evidence).from_dict(evidence.to_dict()).to_dict() == evidence.to_dict()
