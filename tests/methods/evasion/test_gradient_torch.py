"""Gradient attacks on PyTorch modules agree with the field's own implementation, and see what its slopes do not hide."""

import os

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

if not os.environ.get("CI"):
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")

import torch
from torch import nn

from auditkit.errors import NotApplicable
from auditkit.methods.evasion import apgd, ensemble, fgsm, pgd
from auditkit.methods.evasion.gradients.differentiable import loss_of
from auditkit.methods.feature_space import FeatureSpace
from auditkit.predictors import Counted, from_torch


def open_space(d, low=-np.inf, high=np.inf):
    one = np.ones(d)
    return FeatureSpace(
        tuple(f"x{j}" for j in range(d)), ("continuous",) * d, low * one, high * one, 0 * one, 0 * one, one == 1, 0 * one, one
    )  # fmt: skip


def small_net(d=8, classes=3, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, classes)).eval()


def around(net, X, classes=3, **given):
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    model = from_torch(net, classes=list(range(classes)), output=given.pop("output", "logits"), **given)
    return model, model.differentiable(frame, list(frame.columns)), model.predict(frame), frame


# beside ART --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def art():
    if not os.environ.get("CI"):
        pytest.importorskip("art", reason="the extra 'art' is not installed")
    from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent
    from art.estimators.classification import PyTorchClassifier

    net = small_net()
    X = np.random.default_rng(0).normal(size=(80, 8)).astype(np.float32)
    held = PyTorchClassifier(net, nn.CrossEntropyLoss(), (8,), 3, clip_values=(-100, 100), device_type="cpu")
    return net, X, held, FastGradientMethod, ProjectedGradientDescent


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("norm", "order", "radius"), [("linf", np.inf, 0.8), ("l2", 2, 2.0), ("l1", 1, 4.0)])
def test_one_step_is_that_of_art(art, norm, order, radius):
    net, X, held, one_step, _ = art
    _, slopes, own, _ = around(net, X.astype(float))
    found = fgsm(slopes, X, own, open_space(8), radius, norm=norm)
    theirs = one_step(held, norm=order, eps=radius).generate(X, y=own)
    assert found.success.mean() > 0.5
    assert found.adversarial[found.success] == pytest.approx(theirs[found.success], abs=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("norm", "order", "radius"), [("linf", np.inf, 0.8), ("l2", 2, 2.0)])
def test_projected_steps_without_a_random_start_are_those_of_art(art, norm, order, radius):
    net, X, held, _, projected = art
    model, slopes, own, frame = around(net, X.astype(float))
    options = {"steps": 20, "step_size": radius / 8, "random_start": False, "stop_early": False}
    found = pgd(slopes, X, own, open_space(8), radius, norm=norm, rng=np.random.default_rng(0), **options)
    theirs = projected(
        held, norm=order, eps=radius, eps_step=radius / 8, max_iter=20, num_random_init=0, verbose=False
    ).generate(X, y=own)
    last = model.predict(pd.DataFrame(theirs.astype(float), columns=frame.columns)) != own
    assert last.mean() > 0.5
    assert (found.success >= last).all()
    assert found.adversarial[last] == pytest.approx(theirs[last], abs=1e-6)


# on the digits -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    """A small convolutional net, and pictures it reads rightly."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(256, 10),
        )  # fmt: skip
        rows, labels = torch.tensor(X[:1200]).reshape(-1, 1, 8, 8), torch.tensor(y[:1200])
        step = torch.optim.Adam(net.parameters(), lr=5e-3)
        for _ in range(10):
            for part in torch.randperm(1200).split(100):
                step.zero_grad()
                nn.functional.cross_entropy(net(rows[part]), labels[part]).backward()
                step.step()
    return net.eval(), X[1200:1360].astype(float), y[1200:1360]


@pytest.mark.parametrize(("norm", "radius"), [("linf", 0.1), ("l2", 0.5)])
def test_stronger_attacks_flip_more_pictures(digits, norm, radius):
    net, X, _ = digits
    model, slopes, own, frame = around(net, X, 10, shape=(1, 8, 8))
    space, shared = open_space(64, 0.0, 1.0), {"norm": norm}
    one = fgsm(slopes, X, own, space, radius, **shared)
    many = pgd(slopes, X, own, space, radius, rng=np.random.default_rng(0), steps=50, **shared)
    auto = apgd(slopes, X, own, space, radius, rng=np.random.default_rng(0), steps=50, **shared)
    whole, _ = ensemble(slopes, X, own, space, radius, rng=np.random.default_rng(0), steps=50, **shared)
    rates = [found.success.mean() for found in (one, many, auto, whole)]
    assert 0.1 < rates[0] < rates[1]
    assert rates[2] >= rates[1] - 0.02
    assert max(rates) == rates[3] < 1
    for found in (one, many, auto, whole):
        changed = found.adversarial[found.success]
        again = model.predict(pd.DataFrame(changed, columns=frame.columns))
        assert (again != own[found.success]).all()
        assert ((changed >= 0) & (changed <= 1)).all()
        size = np.abs(changed - X[found.success]) if norm == "linf" else (changed - X[found.success]) ** 2
        assert (size.max(1) <= radius + 1e-12 if norm == "linf" else size.sum(1) <= radius**2 + 1e-12).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("loss", "word"), [("ce", "cross_entropy"), ("dlr", "difference_logits_ratio")])
@pytest.mark.parametrize(("norm", "order", "radius"), [("linf", np.inf, 0.08), ("l2", 2, 0.4)])
def test_apgd_flips_as_many_pictures_as_that_of_art(digits, loss, word, norm, order, radius):
    if not os.environ.get("CI"):
        pytest.importorskip("art", reason="the extra 'art' is not installed")
    from art.attacks.evasion import AutoProjectedGradientDescent
    from art.estimators.classification import PyTorchClassifier

    net, X, _ = digits
    _, slopes, own, _ = around(net, X, 10, shape=(1, 8, 8))
    held = PyTorchClassifier(net, nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu")
    theirs = AutoProjectedGradientDescent(
        held, norm=order, eps=radius, eps_step=2 * radius, max_iter=30, nb_random_init=1, loss_type=word, verbose=False,
        batch_size=160,
    ).generate(X.reshape(-1, 1, 8, 8).astype(np.float32), y=np.eye(10)[own])  # fmt: skip
    with torch.no_grad():
        flipped = (net(torch.tensor(theirs)).argmax(dim=1).numpy() != own).mean()
    found = apgd(
        slopes,
        X,
        own,
        open_space(64, 0.0, 1.0),
        radius,
        norm=norm,
        rng=np.random.default_rng(0),
        steps=30,
        loss=loss,
    )
    assert 0.1 < flipped < 0.9
    assert found.success.mean() >= flipped - 0.03  # their starts are drawn otherwise


def test_the_search_by_scores_ends_the_ensemble(digits):
    net, X, _ = digits
    model, slopes, own, frame = around(net, X[:40], 10, shape=(1, 8, 8))
    _, attacks = ensemble(
        slopes, X[:40], own, open_space(64, 0.0, 1.0), 0.05, rng=np.random.default_rng(0), steps=10, max_calls=20,
        ask_scores=lambda rows: model.predict_proba(pd.DataFrame(rows, columns=frame.columns)),
    )  # fmt: skip
    assert attacks[-1].name == "random search, scores"
    assert len(attacks[-1].rows) == 40 - sum(one.result.success.sum() for one in attacks[:-1])


# the way to slopes -------------------------------------------------------------------------------------


def test_slopes_are_those_of_the_loss_by_the_columns_of_the_table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4)) * [1, 1000, 0.01, 1] + [0, 5e4, 0, 0]
    frame = pd.DataFrame(X, columns=list("abcd"))
    net, scaler = small_net(4), StandardScaler().fit(frame)
    for output, last in (("logits", []), ("probabilities", [nn.Softmax(dim=1)])):
        model = from_torch(nn.Sequential(net, *last), classes=[0, 1, 2], output=output, prepare=scaler)
        slopes, own = model.differentiable(frame, ["d", "b"]), model.predict(frame)
        at = slopes.engine.array(frame[["d", "b"]].to_numpy())
        scores, _, found = slopes.pull(at, np.arange(30), loss_of("ce", 3), own)
        assert (scores.argmax(axis=1) == own).all()
        expected = model.loss_gradient(frame, own)[:, [3, 1]]
        assert slopes.engine.numpy(found) == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_some_columns_of_some_rows_in_small_batches_are_attacked_alike():
    X = np.random.default_rng(1).normal(size=(50, 8))
    space = open_space(8)
    held = FeatureSpace(
        space.names, space.kind, space.low, space.high, space.step, space.n_categories, np.arange(8) % 2 == 0, space.direction,
        space.scale,
    )  # fmt: skip
    results = []
    for batch_rows in (4096, 7):
        model, _, own, frame = around(small_net(), X, batch_rows=batch_rows)
        slopes = model.differentiable(frame, ["x0", "x2", "x4", "x6"])
        results.append(apgd(slopes, X, own, held, 1.0, rng=np.random.default_rng(0), steps=15))
    assert np.array_equal(results[0].success, results[1].success)
    assert results[0].adversarial == pytest.approx(results[1].adversarial, abs=1e-4)
    assert (results[0].adversarial[:, 1::2] == X[:, 1::2]).all()
    assert 0.1 < results[0].success.mean() < 1


def test_one_column_of_logits_is_about_the_second_class():
    X = np.random.default_rng(2).normal(size=(60, 8))
    _, slopes, own, _ = around(small_net(classes=1), X, 2)
    found, attacks = ensemble(slopes, X, own, open_space(8), 0.6, rng=np.random.default_rng(0), steps=20)
    assert found.success.mean() > 0.3
    assert attacks[1].name == "APGD, margin"


def test_a_module_without_gradients_and_a_regression_say_so():
    class Rounded(nn.Module):
        def forward(self, x):
            return torch.round(x.detach()[:, :3])

    X = np.random.default_rng(0).normal(size=(10, 8))
    with pytest.raises(NotApplicable, match="none reaches its inputs"):
        around(Rounded(), X)
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(8)])
    with pytest.raises(NotApplicable, match="gives no gradients"):
        from_torch(small_net(classes=1), output="values").differentiable(frame, ["x0"])
    with pytest.raises(NotApplicable, match="no scaler of single columns"):
        from_torch(
            small_net(), classes=[0, 1, 2], output="logits", prepare=lambda X: X.to_numpy()
        ).differentiable(frame, ["x0"])


def test_calls_are_counted():
    X = np.random.default_rng(0).normal(size=(30, 8))
    model, _, own, frame = around(small_net(), X)
    counted = Counted(model)
    slopes = counted.differentiable(frame, list(frame.columns))
    found = pgd(slopes, X, own, open_space(8), 0.5, rng=np.random.default_rng(0), steps=5)
    assert counted.calls == found.calls
    assert counted.rows == found.queries.sum()


def test_nothing_of_the_module_changes():
    net = small_net()
    X = np.random.default_rng(0).normal(size=(20, 8))
    model, slopes, own, _ = around(net, X)
    before = [one.clone() for one in model.estimator.parameters()]
    pgd(slopes, X, own, open_space(8), 0.5, rng=np.random.default_rng(0), steps=5)
    for one, was in zip(model.estimator.parameters(), before, strict=True):
        assert torch.equal(one, was)
        assert one.grad is None
