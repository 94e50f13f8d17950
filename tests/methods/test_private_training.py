"""Private training by Opacus: within its budget, the same twice, and absence said with what to type."""

import importlib.util
import os

import numpy as np
import pytest

from auditkit.checks.mitigation._private import PrivateClassifier, privately
from auditkit.errors import InputError, NotApplicable
from auditkit.methods import private_training
from auditkit.methods.private_training import Network, train_privately

HERE = all(importlib.util.find_spec(name) for name in ("opacus", "torch"))
needs_opacus = pytest.mark.skipif(
    not HERE and not os.environ.get("CI"),
    reason="opacus is not installed: pip install opacus",
)


def rows(n=600):
    X = np.random.default_rng(0).normal(size=(n, 4))
    return X, (X[:, 0] > 0).astype(int)


@needs_opacus
@pytest.mark.parametrize("hidden", [(), (6,)])
def test_it_learns_within_its_budget_and_the_same_twice(hidden):
    X, y = rows()
    found = [train_privately(X, y, 2, hidden=hidden, epsilon=4.0, delta=1e-4, seed=3) for _ in range(2)]
    assert 3.5 < found[0].epsilon <= 4.0
    assert (found[0].proba(X).argmax(axis=1) == y).mean() > 0.85
    np.testing.assert_array_equal(found[0].weights[0], found[1].weights[0])


@needs_opacus
def test_a_small_budget_costs():
    X, y = rows()
    right = [
        np.mean(
            [
                (train_privately(X, y, 2, epsilon=e, delta=1e-4, seed=s).proba(X).argmax(1) == y).mean()
                for s in range(3)
            ]
        )
        for e in (8.0, 0.05)
    ]
    assert right[0] > right[1] + 0.02


@needs_opacus
@pytest.mark.filterwarnings("ignore:Secure RNG:UserWarning", "ignore:Optimal order:UserWarning")
def test_what_is_remembered_of_the_accountant_is_what_opacus_says_itself():
    import torch
    from opacus import PrivacyEngine
    from torch.utils.data import DataLoader, TensorDataset

    X, y = rows(100)
    private_training._noise.cache_clear()
    ours = [train_privately(X, y, 2, epsilon=2.0, delta=1e-4, seed=s, epochs=3) for s in (0, 1)]
    assert (private_training._noise.cache_info().misses, private_training._noise.cache_info().hits) == (1, 1)

    module, engine = torch.nn.Linear(4, 2), PrivacyEngine()
    loader = DataLoader(TensorDataset(torch.zeros(100, 4), torch.zeros(100)), batch_size=40)
    _, optimiser, batches = engine.make_private_with_epsilon(
        module=module,
        optimizer=torch.optim.SGD(module.parameters(), lr=0.5),
        data_loader=loader,
        target_epsilon=2.0,
        target_delta=1e-4,
        epochs=3,
        max_grad_norm=1.0,
    )
    assert private_training._noise("prv", 2.0, 1e-4, 1 / len(loader), 3) == optimiser.noise_multiplier
    engine.accountant.history = [(optimiser.noise_multiplier, 1 / len(batches), 3 * len(batches))]
    assert {one.epsilon for one in ours} == {engine.get_epsilon(1e-4)}


def test_without_opacus_what_to_type_is_said(monkeypatch):
    monkeypatch.setattr(private_training.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotApplicable, match="pip install opacus"):
        train_privately(*rows(), 2, epsilon=1.0, delta=1e-4)


def test_impossible_budgets_are_refused():
    for bad in ({"epsilon": 0.0}, {"epsilon": 1.0, "activation": "swish"}):
        with pytest.raises(InputError, match="expected an activation"):
            train_privately(*rows(), 2, delta=1e-4, **bad)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_the_arrays_answer_as_scikit_learns_network_does(activation):
    from sklearn.neural_network import MLPClassifier

    X, _ = rows(200)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    with pytest.warns(UserWarning, match="hasn.t converged"):
        known = MLPClassifier((5, 3), activation=activation, max_iter=5, random_state=0).fit(X, y)
    network = Network(tuple(known.coefs_), tuple(known.intercepts_), activation, 1.0, 0.1)
    np.testing.assert_allclose(network.proba(X), known.predict_proba(X), atol=1e-9)


def test_the_shape_of_the_learner_is_kept():
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    assert privately(LogisticRegression(), 2.0).hidden == ()
    piped = privately(make_pipeline(StandardScaler(), MLPClassifier((7, 3), activation="tanh")), 2.0)
    assert isinstance(piped.steps[-1][1], PrivateClassifier)
    assert (piped.steps[-1][1].hidden, piped.steps[-1][1].activation) == ((7, 3), "tanh")
    with pytest.raises(NotApplicable, match="DecisionTreeClassifier"):
        privately(DecisionTreeClassifier(), 2.0)
