"""Flipped training labels are found at their size and in their group; a hard problem is not held against the labels."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

from auditkit.checks.poisoning import label_noise
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def look(subject, seed=0, **options):
    return label_noise(subject, rng=np.random.default_rng(seed), **options)


def draw(n, rng, slope=3.0):
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    y = (rng.random(n) < 1 / (1 + np.exp(-slope * X["a"]))).to_numpy().astype(int)
    return X, y, np.where(rng.random(n) < 0.5, "A", "B")


def flipped(share, *, seed=0, n=600, slope=3.0, only=None):
    """Return a subject with a share of the training labels flipped, and which."""
    rng = np.random.default_rng(seed)
    (X, y, g), (Z, z, h) = draw(n, rng, slope), draw(n, rng, slope)
    wrong = (rng.random(n) < share) & ((g == only) | (only is None))
    told = np.where(wrong, 1 - y, y)
    model = LogisticRegression().fit(X, told)
    return Subject("flipped", model, Dataset(Z, z, {"group": h}), Dataset(X, told, {"group": g})), wrong


def test_flips_are_found_with_the_right_sign_and_suspects_are_flipped_more_often_than_others():
    subject, wrong = flipped(0.2)
    found = look(subject, examples=10_000)
    gap = next(m for m in found.measurements if m.metric == "label_noise_excess" and m.group is None)
    assert gap.p_value < 1e-4
    assert 0.05 < gap.value < 0.25
    suspects = np.array(found.tables["positions"].columns["training row"])
    assert wrong[suspects].mean() > 2 * wrong.mean()


def test_the_group_that_was_mislabelled_is_named():
    found = look(flipped(0.4, only="B")[0])
    assert found.measurement("label_noise_excess", "group=B").p_value < 1e-6
    assert found.measurement("label_noise_excess", "group=A").p_value > 0.001
    assert "group=B" in found.says or "class=" in found.says
    shown = dict(
        zip(found.tables["by_group"].columns["label"], found.tables["by_group"].columns["value"], strict=True)
    )
    assert shown["group=B"] > 0.1 > shown["group=A"]


def test_a_hard_problem_is_quiet_at_the_stated_rate_though_its_estimate_is_high():
    low, n = {"all": 0, "class=1": 0, "group=B": 0}, 80
    for seed in range(n):
        subject, _ = flipped(0.0, seed=seed, n=200, slope=0.7)
        found = look(subject, seed)
        assert found.measurements[0].value > 0.2  # which is not noise
        for m in found.measurements:
            if m.metric == "label_noise_excess" and (m.group or "all") in low:
                low[m.group or "all"] += m.p_value is not None and m.p_value <= 0.05
    assert max(low.values()) <= binom.ppf(0.9995, n, 0.05), low


def test_the_estimate_of_a_hard_problem_is_what_labels_as_uncertain_give():
    found = look(flipped(0.0, slope=0.7)[0])
    drawn = found.measurement("label_noise_rate_resampled")
    assert drawn.interval.low <= found.measurements[0].value <= drawn.interval.high
    assert (
        "which is what labels drawn from calibrated probabilities, none of them flipped, give" in found.says
    )


def test_the_sentence_begins_with_the_test_rows_and_never_with_what_a_hard_problem_gives():
    found = look(flipped(0.0, slope=0.7)[0])
    gap = next(m for m in found.measurements if m.metric == "label_noise_excess" and m.group is None)
    assert found.says.startswith(f"Labels are suspect for {gap.reason}, judged alike")
    assert "of training rows, " in gap.reason
    assert "of test rows" in gap.reason
    assert "for wrong" not in found.says


@pytest.mark.parametrize("share", [0.0, 0.15])
def test_the_surest_rows_bound_what_was_flipped_at_random(share):
    m = look(flipped(share, slope=8.0, n=1500)[0]).measurement("surest_disagreement")
    assert m.bound == "upper"
    assert m.interval.high >= share
    assert abs(m.value - share) < 0.08  # an easy problem: the bound is near


def test_other_models_and_tables_are_searched():
    for subject in (make_credit(n_train=150, n_test=100), make_multiclass(n_train=150, n_test=100)):
        assert look(subject).measurements[0].metric == "label_noise_rate"


def test_a_model_that_cannot_be_trained_again_gives_way_to_boosted_trees():
    plain, _ = flipped(0.2, n=300)
    ask = from_callable(lambda X: (X["a"] > 0).astype(int), classes=[0, 1], output="labels")
    found = look(Subject("s", ask, plain.test, plain.train))
    assert "boosted trees" in found.notes[0]
    assert next(m for m in found.measurements if m.metric == "label_noise_excess").p_value < 0.05


def test_positions_only_when_asked_for():
    assert "positions" not in look(flipped(0.2, n=200)[0]).tables


def test_what_is_missing_is_said():
    with pytest.raises(NotApplicable, match="regression"):
        look(make_regression(n_train=60, n_test=60))
    plain = make_credit(n_train=60, n_test=60)
    with pytest.raises(NotApplicable, match="no training data"):
        look(Subject("s", plain.model.inner, plain.test, positive="repaid"))
    rng = np.random.default_rng(0)
    model = from_predictions(scores=rng.random(50), train_scores=rng.random(50), classes=[0, 1])
    data = [Dataset(None, rng.integers(2, size=50)) for _ in range(2)]
    with pytest.raises(NotApplicable, match="no features"):
        look(Subject("s", model, *data))


def test_rows_cap_what_is_looked_at():
    found = look(flipped(0.1, n=300)[0], rows=120)
    assert found.rows["used"] == 120
    assert found.measurements[0].n == 120
