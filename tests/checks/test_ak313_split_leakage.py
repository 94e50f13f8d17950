"""Copies across the split are counted at their size, chance copies are not held against the rows, and a leaked label is named."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from auditkit.checks.poisoning import split_leakage
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def look(subject, seed=0, **options):
    return split_leakage(subject, rng=np.random.default_rng(seed), **options)


def draw(n, rng, d=4):
    X = pd.DataFrame(rng.normal(size=(n, d)), columns=[f"x{j}" for j in range(d)])
    return X, (X["x0"] + rng.normal(size=n) > 0).to_numpy().astype(int)


def with_copies(share, *, shift=0.0, seed=0, n=600):
    """Return a nearest-neighbour model whose test rows are copies of training rows, for a share of them."""
    rng = np.random.default_rng(seed)
    (X, y), (Z, z) = draw(n, rng), draw(400, rng)
    k = round(share * 400)
    Z.iloc[:k] = X.iloc[:k] + shift
    z[:k] = y[:k]
    return Subject("copies", KNeighborsClassifier(1).fit(X, y), Dataset(Z, z), Dataset(X, y))


def test_copies_are_counted_exactly_and_what_they_hide_is_told():
    found = look(with_copies(0.2))
    share = found.measurement("duplicate_share")
    assert share.value == 0.2
    assert share.interval.low < 0.2 < share.interval.high
    beyond = found.measurement("duplicate_share_excess")
    assert beyond.p_value < 1e-6
    assert 0.1 < beyond.value <= 0.2  # three quarters of the training rows are the reference
    alone, gap = found.measurement("accuracy_without_twins"), found.measurement("twin_accuracy_difference")
    assert alone.value < 0.75
    assert gap.value == pytest.approx(1 - alone.value, abs=0.03)  # a copy is always right here
    assert gap.interval.low > 0.15


def test_rows_that_were_not_searched_are_not_counted_as_having_no_twin():
    subject = with_copies(0.4, shift=1e-3)  # all twins are near ones
    whole, part = look(subject), look(subject, rows=100)
    share = part.measurement("near_duplicate_share")
    assert share.n == 100
    alone, gap = part.measurement("accuracy_without_twins"), part.measurement("twin_accuracy_difference")
    assert alone.n == 100 - round(100 * share.value)
    assert gap.n == 100
    assert "all 100 test rows that were searched" in alone.reason
    # a copy is always right: rows not searched would lift it towards the accuracy of all
    assert whole.measurement("accuracy_without_twins").interval.low < alone.value
    assert alone.value < whole.measurement("accuracy_without_twins").interval.high + 0.05


def test_all_but_equal_rows_are_near_and_not_equal():
    found = look(with_copies(0.2, shift=1e-3))
    assert found.measurement("duplicate_share").value == 0
    near = found.measurement("near_duplicate_share")
    assert near.p_value < 1e-6
    assert 0.1 < near.value < 0.25


def test_clean_splits_are_quiet_at_the_stated_rate_also_where_rows_coincide():
    low = {"duplicate_share_excess": 0, "near_duplicate_share": 0}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, Z = rng.integers(0, 6, (300, 3)), rng.integers(0, 6, (200, 3))
        if seed % 2:
            X, Z = X + rng.normal(size=X.shape), Z + rng.normal(size=Z.shape)
        y, z = rng.integers(0, 2, 300), rng.integers(0, 2, 200)
        found = look(Subject("clean", DummyClassifier().fit(X, y), Dataset(Z, z), Dataset(X, y)), seed)
        if not seed % 2:
            assert found.measurement("duplicate_share").value > 0.5
        for metric in low:
            p = found.measurement(metric).p_value
            low[metric] += p is not None and p <= 0.05
    assert max(low.values()) <= binom.ppf(0.9995, 100, 0.05), low


def test_contradicting_labels_are_counted_across_and_within():
    rng = np.random.default_rng(0)
    (X, y), (Z, z) = draw(100, rng), draw(50, rng)
    Z.iloc[:5], z[:5] = X.iloc[:5], 1 - y[:5]
    Z.iloc[5:8], z[5:8] = X.iloc[5:8], y[5:8]
    X = pd.concat([X, X.iloc[90:94]], ignore_index=True)
    y = np.append(y, 1 - y[90:94])
    found = look(Subject("s", LogisticRegression().fit(X, y), Dataset(Z, z), Dataset(X, y)))
    assert found.measurement("contradiction_share", "test rows").value == 5 / 50
    assert found.measurement("contradiction_share", "training rows").value == 8 / 104
    assert found.measurement("training_duplicate_share").value == 8 / 104
    assert found.measurement("duplicate_share").value == 8 / 50


def test_a_feature_that_holds_the_answer_is_named_with_its_lead():
    rng = np.random.default_rng(0)
    (X, y), (Z, z) = draw(500, rng), draw(300, rng)
    for T, t in ((X, y), (Z, z)):
        T["closed_by"] = np.where(rng.random(len(t)) < 0.01, 1 - t, t) * 7 + rng.integers(0, 5, len(t))
    found = look(Subject("s", LogisticRegression(max_iter=1000).fit(X, y), Dataset(Z, z), Dataset(X, y)))
    area, lead = found.measurement("leaky_feature_auc"), found.measurement("leaky_feature_lead")
    assert area.value > 0.97
    assert area.reason == "closed_by alone, for class 1"
    assert lead.interval.low > 0.05
    assert found.tables["features"].columns["label"][0] == "closed_by"


def test_the_best_of_many_useless_features_is_not_best_by_luck():
    inside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, Z = rng.normal(size=(200, 12)), rng.normal(size=(150, 12))
        y, z = rng.integers(0, 2, 200), rng.integers(0, 2, 150)
        m = look(Subject("s", DummyClassifier().fit(X, y), Dataset(Z, z), Dataset(X, y))).measurement(
            "leaky_feature_auc"
        )
        inside += m.interval.low <= 0.5 <= m.interval.high
    assert inside >= binom.ppf(0.0005, 40, 0.95)


def test_words_and_gaps_three_classes_and_regressions_are_compared():
    for subject in (make_credit(n_train=200, n_test=100), make_multiclass(n_train=200, n_test=100)):
        assert look(subject).measurement("duplicate_share").value == 0
    found = look(make_regression(n_train=200, n_test=100))
    assert {m.metric for m in found.measurements} >= {"duplicate_share", "near_duplicate_share"}
    assert any("A regression" in note for note in found.notes)


def test_positions_are_listed_only_when_asked_for_and_no_value_is():
    subject = with_copies(0.05)
    assert "positions" not in look(subject).tables
    shown = look(subject, examples=3).tables["positions"].columns
    assert shown == {"test row": (0, 1, 2), "training row": (0, 1, 2)}


def test_what_is_missing_is_said():
    plain = make_credit(n_train=60, n_test=60)
    with pytest.raises(NotApplicable, match="no training data"):
        look(Subject("s", plain.model.inner, plain.test, positive="repaid"))
    rng = np.random.default_rng(0)
    model = from_predictions(scores=rng.random(50), train_scores=rng.random(50), classes=[0, 1])
    data = [Dataset(None, rng.integers(2, size=50)) for _ in range(2)]
    with pytest.raises(NotApplicable, match="no features"):
        look(Subject("s", model, *data))
    X, y = draw(15, rng)
    Z, z = draw(50, rng)
    with pytest.raises(NotApplicable, match="at least 20 of each"):
        look(Subject("s", LogisticRegression().fit(Z, z), Dataset(X, y), Dataset(Z, z)))


def test_rows_doubled_before_the_split_show_against_independent_columns_and_not_in_the_excess():
    rng = np.random.default_rng(0)
    X, y = draw(400, rng)
    X, y = pd.concat([X, X], ignore_index=True), np.concatenate([y, y])
    order = rng.permutation(800)
    train, test = order[:500], order[500:]
    model = LogisticRegression().fit(X.iloc[train], y[train])
    found = look(Subject("s", model, Dataset(X.iloc[test], y[test]), Dataset(X.iloc[train], y[train])))
    assert found.measurement("duplicate_share").value > 0.5
    assert found.measurement("independent_duplicate_share").value < 1e-6
    assert found.measurement("duplicate_share_excess").p_value > 0.01


def test_independent_columns_meet_as_often_as_expected():
    rng = np.random.default_rng(0)
    X, Z = rng.integers(0, 4, (60, 3)), rng.integers(0, 4, (2000, 3))
    y, z = rng.integers(0, 2, 60), rng.integers(0, 2, 2000)
    found = look(Subject("s", DummyClassifier().fit(X, y), Dataset(Z, z), Dataset(X, y)))
    expected = found.measurement("independent_duplicate_share").value
    assert found.measurement("duplicate_share").value == pytest.approx(expected, abs=0.06)


def test_fewer_twins_than_by_chance_are_no_leakage_and_the_sentence_says_so():
    rng = np.random.default_rng(0)
    (X, y), (Z, z) = draw(200, rng), draw(300, rng)
    X, y = pd.concat([X, X], ignore_index=True), np.concatenate([y, y])  # doubled after the split
    found = look(Subject("s", LogisticRegression().fit(X, y), Dataset(Z, z), Dataset(X, y)))
    assert found.measurement("duplicate_share_excess").interval.high < 0
    assert "Fewer than by chance is no leakage" in found.says
    assert "no leakage" not in look(with_copies(0)).says
