"""Adversarial training: inner steps end where the closed form says, and a network learns to do without a brittle feature."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import InputError, ModelError
from auditkit.methods.adversarial_training import AdversarialTraining
from auditkit.predictors import Training, from_torch
from auditkit.predictors._torch_parts import losses

if not os.environ.get("CI"):
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import torch

logits = partial(losses, output="logits")


def ball(d, reach=0.5, norm="linf", **more):
    return AdversarialTraining(np.full(d, reach), np.full(d, -9.0), np.full(d, 9.0), logits, norm, **more)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_inner_steps_end_at_the_worst_point_of_a_linear_model(norm):
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 1).train()
    X, y = torch.randn(20, 3), torch.randint(2, (20,))
    moved = ball(3, norm=norm, steps=20).moved(module, X, y)
    w = module.weight.detach()[0]
    way = torch.sign(w) if norm == "linf" else w / w.norm()
    worst = torch.where(y == 1, -1.0, 1.0)[:, None] * way
    # of the allowed changes the worst goes 0.5 |worst|^2 along itself: 0.5 in l2, 0.5 a number in linf
    along, most = ((moved - X) * worst).sum(1), 0.5 * (worst * worst).sum(1)
    assert torch.allclose(along, most, rtol=0.02)
    assert module.training
    assert not moved.requires_grad


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_rows_stay_within_reach_and_range_and_what_cannot_move_does_not(norm):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    X, y = torch.rand(50, 3) * 2, torch.randint(3, (50,))
    own = AdversarialTraining(np.array([0.2, 1.0, 0.0]), np.zeros(3), np.ones(3), logits, norm)
    moved = own.moved(module, X, y)
    change = moved - X
    assert (change[:, 2] == 0).all()
    u = change[:, :2] / torch.tensor([0.2, 1.0])
    size = u.abs().amax(1) if norm == "linf" else u.norm(dim=1)
    assert (size <= 1 + 1e-5).all()
    inside = (X[:, :2] <= 1).all(1)
    assert (moved[inside] >= 0).all()
    assert (moved[inside, :2] <= 1 + 1e-6).all()
    assert (
        change[:, :2][X[:, :2] > 1] <= 0
    ).all()  # beyond its range a number moves no farther, nor is it pulled in


def rows(n, seed):
    """One feature that is right in nine of ten and far from its threshold; five that are right more often, and near."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    sign = 2 * y - 1
    X = np.column_stack(
        [sign * np.where(rng.random(n) < 0.9, 1, -1), sign[:, None] * 0.2 + 0.1 * rng.normal(size=(n, 5))]
    )
    return pd.DataFrame(X, columns=list("abcdef")), y


def test_a_network_learns_to_do_without_brittle_features():
    """Tsipras et al. 2019: what is accurate and brittle is given up for what is robust."""
    (X, y), (X_new, y_new) = rows(600, 0), rows(400, 1)
    recipe = {"epochs": 15, "learning_rate": 0.02}
    made = {}
    for name, train in (("plain", Training(**recipe)), ("adversarial", ball(6, 0.5, **recipe))):
        module = torch.nn.Linear(6, 2)
        made[name] = from_torch(module, classes=[0, 1], output="logits", train=train).refit(X, y, 0)
    moved = X_new.copy()
    moved[list("bcdef")] -= 0.5 * np.sign(y_new - 0.5)[:, None]
    moved["a"] -= 0.5 * np.sign(y_new - 0.5)
    right = {n: [(m.predict(Z) == y_new).mean() for Z in (X_new, moved)] for n, m in made.items()}
    assert right["plain"][0] > 0.97
    assert right["plain"][1] < 0.2
    assert right["adversarial"] == pytest.approx([0.9, 0.9], abs=0.05)


def test_training_twice_from_a_seed_gives_the_same_weights():
    X, y = rows(80, 0)
    model = from_torch(
        torch.nn.Linear(6, 2), classes=[0, 1], output="logits", train=ball(6, norm="l2", epochs=2)
    )
    first, second, other = (model.refit(X, y, seed).predict_proba(X) for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="reach of at least 0"):
        AdversarialTraining(np.array([-1.0]), np.zeros(1), np.ones(1), logits)
    with pytest.raises(InputError, match="steps >= 1"):
        ball(1, steps=0)
    X, y = rows(40, 0)
    lost = AdversarialTraining(
        np.ones(6), np.zeros(6), np.ones(6), lambda scores, y: logits(scores, y) * float("nan"), epochs=1
    )
    with pytest.raises(ModelError, match="smaller learning_rate"):
        from_torch(torch.nn.Linear(6, 2), classes=[0, 1], output="logits", train=lost).refit(X, y, 0)
