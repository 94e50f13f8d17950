"""Models with slopes by many numbers are explained along straight paths; the values are those of an integral by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import expit
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from auditkit import Dataset, Subject
from auditkit.checks.explainability import shap_importance
from auditkit.checks.explainability._explainers import additivity, explain

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def turned(data):
    """The same rows from the end, as training rows: equal splits are refused."""
    return data.take(np.arange(len(data))[::-1])


def many_numbers(task, n=300, d=34):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, d)), columns=[f"x{j}" for j in range(d)])
    level = X["x0"] + X["x1"] * X["x2"]
    if task == "regression":
        return X, level.to_numpy()
    return X, (
        np.digitize(level, [-0.6, 0.6]) if task == "multiclass" else (level > 0).astype(int).to_numpy()
    )


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_many_numbers_of_a_perceptron_are_explained_by_slopes(task):
    X, y = many_numbers(task)
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=60, random_state=0)).fit(X, y)
    data = Dataset(X, y)
    subject = Subject("m", model, data, turned(data))
    found = explain(subject, X[:6], X[100:120], np.random.default_rng(0), target_error=0.02)
    assert found.method == "expected gradients (Aumann-Shapley, interventional)"
    assert not found.shapley
    assert "completeness" in found.why
    proba = model.predict_proba(X[:6])
    np.testing.assert_allclose(found.output, proba[:, 1] if task == "binary" else proba, atol=1e-9)
    # the integral by hand: many points on each path, slopes by small differences of the model's own answers
    row, alphas = X.iloc[0].to_numpy(), (np.arange(40) + 0.5) / 40
    by_hand = []
    for j in (0, 1, 2, 9):
        parts = []
        for z in X[100:120].to_numpy():
            path = z + alphas[:, np.newaxis] * (row - z)
            step = np.zeros(len(row))
            step[j] = 1e-5
            ends = [model.predict_proba(pd.DataFrame(path + s * step, columns=X.columns)) for s in (1, -1)]
            parts.append(((ends[0] - ends[1]) / 2e-5).mean(axis=0) * (row[j] - z[j]))
        by_hand.append(np.mean(parts, axis=0))
    by_hand = np.array(by_hand)
    got = found.values[0, [0, 1, 2, 9]]
    miss = np.abs(got - (by_hand[:, 1] if task == "binary" else by_hand))
    assert (miss <= 5 * found.errors[0, [0, 1, 2, 9]] + 1e-3).all()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_torch_module_of_many_numbers_is_explained_by_slopes(task):
    torch = pytest.importorskip("torch")
    from auditkit.predictors import from_torch

    X, y = many_numbers(task)
    torch.manual_seed(0)
    width = {"binary": 1, "multiclass": 3, "regression": 1}[task]
    net = torch.nn.Sequential(torch.nn.Linear(X.shape[1], 16), torch.nn.Tanh(), torch.nn.Linear(16, width))
    given = (
        {"output": "values"}
        if task == "regression"
        else {"output": "logits", "classes": sorted(set(y.tolist()))}
    )
    data = Dataset(X, y)
    subject = Subject("t", from_torch(net, **given), data, turned(data), task=task)
    found = explain(subject, X[:5], X[100:116], np.random.default_rng(0), target_error=0.01)
    assert found.method.startswith("expected gradients")
    assert additivity(found) < 0.02
    theirs = shap.GradientExplainer(
        net if task == "regression" else torch.nn.Sequential(net, {"binary": torch.nn.Sigmoid(), "multiclass": torch.nn.Softmax(dim=1)}[task]),
        torch.tensor(X[100:116].to_numpy(), dtype=torch.float32), local_smoothing=0,
    ).shap_values(torch.tensor(X[:5].to_numpy(), dtype=torch.float32), nsamples=1000, rseed=0)  # fmt: skip
    expected = np.asarray(theirs)
    expected = expected if task == "multiclass" else expected.reshape(5, -1)
    # theirs is drawn at random from path and background: compared as far as 1,000 draws allow
    assert np.sqrt(np.mean((found.values - expected) ** 2)) < 0.15 * np.sqrt(np.mean(expected**2)) + 1e-3


def test_without_slopes_or_with_few_or_missing_numbers_the_model_is_asked():
    X, y = many_numbers("binary")
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30, random_state=0))
    few = model.fit(X.iloc[:, :6], y)
    data = Dataset(X.iloc[:, :6], y)
    found = explain(
        Subject("few", few, data, turned(data)), data.X[:3], data.X[50:60], np.random.default_rng(0)
    )
    assert found.shapley
    data = Dataset(X, y)
    rule = Subject("f", lambda f: expit(f["x0"]).to_numpy(), data, turned(data))
    found = explain(rule, X[:3], X[50:56], np.random.default_rng(0), permutations=20)
    assert found.method.startswith("permutation sampling")
    assert "no gradients" in found.why
    holes = X.copy()
    holes.iloc[:2, 0] = np.nan
    data = Dataset(holes, y)
    model = make_pipeline(
        SimpleImputer(), StandardScaler(), MLPClassifier((4,), max_iter=30, random_state=0)
    ).fit(holes, y)
    found = explain(
        Subject("h", model, data, turned(data)),
        holes[:3],
        X[50:56],
        np.random.default_rng(0),
        permutations=20,
    )
    assert "without missing values" in found.why


def test_the_report_calls_them_by_their_name():
    X, y = many_numbers("binary")
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30, random_state=0)).fit(X, y)
    data = Dataset(X, y)
    found = shap_importance(
        Subject("m", model, data, turned(data)), rng=np.random.default_rng(0), rows=30, background=20
    )
    assert "Aumann-Shapley" in found.notes[0]
    assert "Aumann-Shapley value" in found.tables["swarm"].labels["value"]
    assert any("calls for slopes" in note for note in found.notes)
    assert found.measurement("shap_additivity_error").value < 0.01
    assert found.rows["used"] == 30
    assert any(note.startswith("Rows: 30 of 300") for note in found.notes)


def test_the_calls_allowed_are_kept_to():
    X, y = many_numbers("binary")
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30, random_state=0)).fit(X, y)
    data = Dataset(X, y)
    subject = Subject("m", model, data, turned(data))
    for most, points in ((200, 64), (20, 8)):  # 4 points and then 8, a call each, and the ends
        before = subject.model.calls
        found = explain(
            subject, X[:20], X[50:80], np.random.default_rng(0), target_error=1e-9, max_calls=most
        )
        assert f"up to {points} points" in found.cost
        assert subject.model.calls - before <= most
    none = explain(subject, X[:20], X[50:80], np.random.default_rng(0), permutations=20, max_calls=8)
    assert none.method.startswith("permutation sampling")
    assert "more than max_calls=8" in none.why
