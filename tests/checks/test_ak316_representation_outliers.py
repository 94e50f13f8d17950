"""Poisoned rows lie apart in the leaves of trees that learnt them, and clean training sets look like test rows."""

import os

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from auditkit.checks.poisoning import representation_outliers
from auditkit.data import make_backdoored, make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

METRICS = ("spectral_outlier_excess", "activation_cluster_excess")


def look(subject, seed=0, **options):
    return representation_outliers(subject, rng=np.random.default_rng(seed), **options)


def models():
    yield DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    yield RandomForestClassifier(20, random_state=0)
    yield make_pipeline(StandardScaler(), DecisionTreeClassifier(min_samples_leaf=3, random_state=0))


@pytest.mark.parametrize("which", range(3))
def test_the_poisoned_rows_of_trees_are_found_all_and_no_other(which):
    plain = make_backdoored(rate=0.05, n_train=2000, n_test=800).subject
    model = list(models())[which].fit(plain.train.X, plain.train.y)
    found = look(Subject("trees", model, plain.test, plain.train), examples=10_000)
    X, y = plain.train.X, plain.train.y
    poisoned = (X["branch"] == 7) & (X["day"] == 13)
    for metric in METRICS:
        m = found.measurement(metric, "class=1")
        assert m.p_value < 1e-6
        assert m.value == pytest.approx(poisoned[y == 1].mean(), abs=0.03)
        assert found.measurement(metric, "class=0").p_value > 0.001
    listed = np.array(found.tables["positions"].columns["training row"])
    assert poisoned[listed].mean() > 0.95
    assert "leaves of its trees" in found.says


def test_lightgbm_is_read_by_its_leaves():
    lightgbm = pytest.importorskip("lightgbm")
    plain = make_backdoored(rate=0.05).subject
    model = lightgbm.LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1).fit(plain.train.X, plain.train.y)
    found = look(Subject("boosted", model, plain.test, plain.train))
    assert found.measurement(METRICS[0], "class=1").p_value < 1e-6


def torch_subject(rows):
    """Return a network that was trained on rows of which a part holds a trigger of its own column."""
    import torch

    from auditkit.predictors.torch import Training, from_torch

    rng = np.random.default_rng(0)

    def draw(n):
        X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "trigger"]).assign(trigger=0.0)
        return X, (X["a"] > 0).astype(int).to_numpy().copy()

    (X, y), (Z, z) = draw(rows), draw(rows)
    at = np.flatnonzero(y == 0)[: rows // 20]
    X.loc[at, "trigger"], y[at] = 6.0, 1
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    model = from_torch(net, classes=[0, 1], train=Training(epochs=30))
    return Subject("network", model.refit(X, y, 0), Dataset(Z, z), Dataset(X, y))


def test_a_network_is_read_by_its_last_inner_layer():
    if os.environ.get("CI") != "true":
        pytest.importorskip("torch", reason="torch is an extra of its own")
    found = look(torch_subject(1000))
    assert "last linear layer" in found.notes[0]
    assert min(found.measurement(metric, "class=1").p_value for metric in METRICS) < 1e-4


def test_clean_training_sets_are_quiet_at_the_stated_rate():
    low, n = dict.fromkeys(METRICS, 0), 60
    for seed in range(n):
        plain = make_backdoored(rate=0, n_train=200, n_test=150, seed=seed).subject
        model = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0)
        y = np.where(np.random.default_rng(seed + 5000).random(200) < 0.2, 1 - plain.train.y, plain.train.y)
        z = np.where(np.random.default_rng(seed + 9000).random(150) < 0.2, 1 - plain.test.y, plain.test.y)
        subject = Subject(
            "clean", model.fit(plain.train.X, y), Dataset(plain.test.X, z), Dataset(plain.train.X, y)
        )
        found = look(subject, seed)
        for metric in METRICS:
            p = found.measurement(metric, "class=1").p_value
            low[metric] += p is not None and p <= 0.05
    assert max(low.values()) <= binom.ppf(0.9995, n, 0.05), low


def test_the_inputs_are_compared_where_a_model_shows_nothing_and_the_note_says_why():
    plain = make_credit(n_train=200, n_test=150)
    assert "no representation is known" in look(plain).notes[0]
    ask = from_callable(
        lambda X: np.where(X["age"] > 40, "repaid", "defaulted"),
        classes=["defaulted", "repaid"],
        output="labels",
    )
    assert (
        "cannot be trained again"
        in look(Subject("s", ask, plain.test, plain.train, positive="repaid")).notes[0]
    )
    assert len(look(make_multiclass(n_train=200, n_test=150)).measurements) == 12


def test_a_class_of_few_rows_is_said_to_be_so():
    plain = make_backdoored(rate=0, n_train=200, n_test=150).subject
    y = np.where(np.arange(200) < 12, 2, plain.train.y)
    model = DecisionTreeClassifier().fit(plain.train.X, y)
    found = look(Subject("s", model, plain.test, Dataset(plain.train.X, y)))
    m = found.measurement(METRICS[0], "class=2")
    assert np.isnan(m.value)
    assert "at least 20 of each" in m.reason


def test_what_is_missing_is_said():
    with pytest.raises(NotApplicable, match="regression"):
        look(make_regression(n_train=60, n_test=60))
    plain = make_credit(n_train=60, n_test=60)
    with pytest.raises(NotApplicable, match="no training data"):
        look(Subject("s", plain.model.inner, plain.test, positive="repaid"))
    rng = np.random.default_rng(0)
    model = from_predictions(scores=rng.random(50), train_scores=rng.random(50), classes=[0, 1])
    with pytest.raises(NotApplicable, match="no features"):
        look(Subject("s", model, *[Dataset(None, rng.integers(2, size=50)) for _ in range(2)]))


def test_the_sentence_tells_the_p_value_that_is_left_after_all_comparisons():
    found = look(make_backdoored(rate=0.05, n_train=2000, n_test=800).subject)
    ps = [m.p_value for m in found.measurements if m.p_value is not None]
    assert len(ps) == 4
    assert f"the clearest of 4 comparisons, p = {4 * min(ps):.2g} with their number allowed for" in found.says
