"""Foolbox's attacks by name: beside auditkit's own, within the budget and the threat model, and no trace left behind."""

import importlib.util
import logging
import os
import random
import subprocess
import sys
import warnings
from dataclasses import replace
from inspect import signature

import numpy as np
import pandas as pd
import pytest

from auditkit.checks.robustness import art_attack
from auditkit.data import make_credit
from auditkit.errors import InputError, NotApplicable
from auditkit.methods import evasion
from auditkit.methods.evasion import foolbox as adapter
from auditkit.methods.feature_space import FeatureSpace
from auditkit.predictors import from_torch
from auditkit.subject import Dataset, Subject

HERE = importlib.util.find_spec("foolbox") is not None and importlib.util.find_spec("torch") is not None
needs_foolbox = pytest.mark.skipif(
    not HERE and not os.environ.get("CI"), reason="the extra 'foolbox' is not installed"
)
COMPILED = "BrendelBethge"  # takes minutes to compile before its first step
WEIGHTS = np.array([0.6, -0.3, 0.2])


def space(d, **changes):
    parts = {
        "names": [f"x{j}" for j in range(d)], "kind": ["continuous"] * d, "low": np.full(d, -9.0), "high": np.full(d, 9.0),
        "step": np.zeros(d), "n_categories": np.zeros(d), "mutable": np.ones(d, dtype=bool), "direction": np.zeros(d),
        "scale": np.ones(d),
    }  # fmt: skip
    return FeatureSpace(**(parts | changes))


def small_net(d=8, classes=3):
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, classes)).eval()


class Case:
    """A small net around rows, and how often it is asked as it is used."""

    def __init__(self, n=30, d=8, classes=3):
        self.net, self.n = small_net(d, classes), n
        self.X = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32).astype(float)
        self.pool = np.random.default_rng(1).normal(size=(100, d))
        self.columns = [f"x{j}" for j in range(d)]
        self.model = from_torch(self.net, classes=list(range(classes)), output="logits")
        self.slopes = self.model.differentiable(self.frame(self.X), self.columns)
        self.y = self.labels(self.X)

    def frame(self, rows):
        return pd.DataFrame(rows, columns=self.columns)

    def labels(self, rows):
        return self.model.predict(self.frame(rows))

    def made(self, name, radius=0.8, *, seed=0, pool=None, **more):
        options = {"norm": "linf", "queries": 100} | more
        return evasion.foolbox_attack(
            name, self.slopes, self.X, self.y, space(self.X.shape[1]), self.pool if pool is None else pool, radius,
            rng=np.random.default_rng(seed), ask_labels=self.labels, **options,
        )  # fmt: skip


@needs_foolbox
@pytest.mark.parametrize(("name", "norm", "radius"), [("LinfPGD", "linf", 0.8), ("L2PGD", "l2", 2.0)])
def test_projected_steps_without_a_random_start_are_ours(name, norm, radius):
    case, same = Case(60), {"steps": 20, "abs_stepsize": radius / 8, "random_start": False}
    ours = {
        "norm": norm,
        "steps": 20,
        "step_size": radius / 8,
        "random_start": False,
        "rng": np.random.default_rng(0),
    }
    first = evasion.pgd(case.slopes, case.X, case.y, space(8), radius, **ours)
    found = case.made(name, radius, norm=norm, options=same)
    assert found.success.mean() > 0.5
    np.testing.assert_array_equal(found.success, first.success)
    np.testing.assert_allclose(found.adversarial, first.adversarial, atol=1e-6)
    # the library by itself, on the bare net, where it ends
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import foolbox
        import torch

        bare = foolbox.PyTorchModel(case.net, bounds=(-100, 100), device="cpu")
        end = getattr(foolbox.attacks, name)(**same).run(
            bare,
            torch.tensor(case.X, dtype=torch.float32),
            foolbox.Misclassification(torch.tensor(case.y)),
            epsilon=radius,
        )
    last = evasion.pgd(case.slopes, case.X, case.y, space(8), radius, **ours, stop_early=False)
    kept = last.success & (case.labels(end.numpy().astype(float)) != case.y)
    assert kept.sum() >= 0.9 * first.success.sum()
    np.testing.assert_allclose(last.adversarial[kept], end.numpy()[kept], atol=2e-6)


@needs_foolbox
@pytest.mark.parametrize("name", ["BoundaryAttack", "HopSkipJump", "LinearSearchBlendedUniformNoise"])
@pytest.mark.parametrize("queries", [2, 12, 60])
def test_decision_attacks_keep_the_budget(name, queries):
    case = Case()
    sizes, scores = [], case.slopes.scores

    def spied(x, rows):
        sizes.append(len(rows))
        return scores(x, rows)

    case.slopes.scores = spied
    found = case.made(name, norm="l2", queries=queries)
    assert found.queries.max() <= queries
    assert found.gradients.max() == 0
    assert sum(sizes) == (found.queries - 1 - np.isfinite(found.distance)).sum()
    assert (found.first[found.success] <= found.queries[found.success]).all()
    assert (queries < 60) or found.success.all()


@needs_foolbox
def test_distances_are_never_below_the_closed_form():
    X = np.random.default_rng(0).normal(size=(20, 3))
    subject = linear(X)
    for name, near in (("L2DeepFoolAttack", 1.03), ("DDN", 1.1), ("HopSkipJump", 1.5)):
        found = attack(subject, attack=name, queries=300, rows=20, radius=9.0, examples=20)
        table = found.tables["shown"].frame()
        exact = np.median(np.abs(X @ WEIGHTS) / np.linalg.norm(WEIGHTS))
        middle = found.measurement("art_attack_median_distance").value
        assert exact * (1 - 1e-6) <= middle <= near * exact, name
        assert len(table)


@needs_foolbox
@pytest.mark.parametrize(("far", "rate"), [(0.28, 1.0), (0.32, 0.0)])
def test_rows_nearer_than_the_radius_are_flipped_and_farther_ones_are_not(far, rate):
    side = np.where(np.arange(40) % 2, 1.0, -1.0)
    X = np.random.default_rng(0).normal(size=(40, 3))
    X += ((side * far - X @ WEIGHTS / np.abs(WEIGHTS).sum())[:, None]) * np.sign(WEIGHTS)
    found = attack(linear(X), attack="LinfBasicIterative", norm="linf", radius=0.3, rows=40)
    assert found.measurement("art_attack_success_rate").value == rate
    assert found.measurement("art_attack_success_rate").n == 40


@needs_foolbox
def test_every_attack_that_is_offered_can_be_made():
    case = Case(6)
    names = [name for name in evasion.foolbox_attacks() if COMPILED not in name]
    assert len(names) > 35
    kinds, done = adapter._kinds(), 0
    for name in names:
        for norm in ("linf", "l2", "l1"):
            options = {"steps": 3} if name == "VirtualAdversarialAttack" else {}
            own = adapter._norm_of(kinds[name])
            if own not in ("", norm) and "epsilon" in signature(kinds[name].run).parameters:
                with pytest.raises(NotApplicable, match=f"stays within a radius in {own}"):
                    case.made(name, norm=norm)
                continue
            found = case.made(name, norm=norm, queries=20, options=options)
            done += 1
            assert found.queries.max() <= 20
            far = np.abs(found.adversarial - case.X)
            length = {"linf": far.max(axis=1), "l2": np.sqrt((far**2).sum(axis=1)), "l1": far.sum(axis=1)}[
                norm
            ]
            np.testing.assert_allclose(length[found.success], found.distance[found.success])
            assert (case.labels(found.adversarial[found.success]) != case.y[found.success]).all()
    assert done >= len(names)


@needs_foolbox
@pytest.mark.parametrize("name", ["LinfPGD", "HopSkipJump", "DDN"])
def test_what_is_asked_about_is_allowed(name):
    import torch

    class Sum(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = torch.nn.Parameter(torch.tensor(2.2))

        def forward(self, x):
            asked.append(x.detach().double().numpy().copy())
            return (0.5 * x[:, 0] + torch.nan_to_num(x[:, 1]) + 2.0 * (x[:, 2] == 2) - self.bias).unsqueeze(1)

    asked, names = [], list("abcd")
    made_of = FeatureSpace(
        names=names, kind=["integer", "continuous", "categorical", "continuous"], low=[0, -1, 0, -1], high=[9, 1, 0, 1],
        step=[1, 0, 0, 0], n_categories=[0, 0, 3, 0], mutable=[True, True, True, False], direction=[1, 0, 0, 0],
        scale=[2.0, 0.5, 1.0, 1.0],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    X, pool = (
        np.column_stack(
            [rng.integers(0, 5, n), rng.uniform(-1, 1, n), rng.integers(0, 3, n), rng.normal(size=n)]
        )
        for n in (12, 50)
    )
    X[0, 1] = np.nan
    model = from_torch(Sum().eval(), classes=[0, 1], output="logits")
    slopes = model.differentiable(pd.DataFrame(X, columns=names), ["a", "b"])
    y = model.predict(pd.DataFrame(X, columns=names))
    asked.clear()
    found = evasion.foolbox_attack(
        name, slopes, X, y, made_of, pool, 1.0, rng=np.random.default_rng(0), norm="linf" if name == "LinfPGD" else "l2",
        ask_labels=lambda rows: model.predict(pd.DataFrame(rows, columns=names)), queries=80,
    )  # fmt: skip
    assert found.success.any()
    assert not made_of.violations(X, found.adversarial).any()
    everything = np.concatenate([some for some in asked if len(some) != 50])
    assert (everything[:, 0] == np.rint(everything[:, 0])).all()
    assert np.isin(everything[:, 2], [0, 1, 2]).all()
    assert np.isin(everything[:, 3], X[:, 3].astype(np.float32)).all()


@needs_foolbox
def test_the_process_is_left_as_it_was_and_the_seed_decides(capfd, recwarn):
    import torch

    def state():
        root = logging.getLogger()
        return (
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            random.getstate(),
            torch.get_rng_state().tolist(),
            [*root.handlers],
            [*root.filters],
            dict(os.environ),
            [*warnings.filters],
        )

    case, before = Case(), state()
    one, two = (case.made("BoundaryAttack", seed=1, norm="l2", queries=40) for _ in range(2))
    other = case.made("BoundaryAttack", seed=2, norm="l2", queries=40)
    np.testing.assert_array_equal(one.adversarial, two.adversarial)
    assert (one.adversarial != other.adversarial).any()
    assert state() == before
    assert capfd.readouterr() == ("", "")
    assert not [w for w in recwarn if "foolbox" in str(w.filename)]


@needs_foolbox
def test_its_import_is_silent_and_asks_no_network_and_no_git(tmp_path):
    code = (
        "import socket, os, logging\n"
        "def refused(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = refused\n"
        "from auditkit.methods import evasion\nbefore = dict(os.environ)\nassert 'DDNAttack' in evasion.foolbox_attacks()\n"
        "assert dict(os.environ) == before and not logging.getLogger().handlers"
    )
    empty = os.environ | {"PATH": str(tmp_path)}  # no git on it
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:foolbox", "-c", code],
        check=True,
        env=empty,
        capture_output=True,
        text=True,
    )
    assert done.stdout + done.stderr == ""


@needs_foolbox
def test_names_and_parameters_that_do_not_fit_are_said():
    case = Case(6)
    with pytest.raises(InputError, match=r"Did you mean 'HopSkipJumpAttack'.*All: .*LinfPGD"):
        case.made("HopSkipJmp")
    with pytest.raises(InputError, match=r"no parameter 'step'.*Did you mean 'steps'"):
        case.made("LinfPGD", options={"step": 3})
    with pytest.raises(InputError, match=r"no default for steps: pass options=\{'steps'"):
        case.made("VirtualAdversarialAttack", norm="l2")
    with pytest.raises(InputError, match="BoundaryAttack failed"):
        case.made("BoundaryAttack", options={"steps": "many"})
    with pytest.raises(
        NotApplicable, match="GaussianBlurAttack of Foolbox does not fit: it changes a picture"
    ):
        case.made("GaussianBlurAttack")
    with pytest.raises(
        NotApplicable, match=r"LinfPGD stays within a radius in linf.*norm='linf', or one of .*L2PGD"
    ):
        case.made("LinfPGD", norm="l2")


@needs_foolbox
def test_a_row_without_a_start_is_a_failure_that_says_so():
    case = Case()
    found = case.made("HopSkipJump", norm="l2", pool=np.zeros((0, 8)))
    assert not found.success.any()
    assert np.isinf(found.distance).all()
    assert set(found.reason) == {"no row of another label to start from"}


def linear(X):
    import torch

    module = torch.nn.Linear(3, 1)
    with torch.no_grad():
        module.weight[:] = torch.tensor(WEIGHTS, dtype=torch.float32)
        module.bias[:] = 0
    data = Dataset(pd.DataFrame(X, columns=list("abc")), np.arange(len(X)) % 2)
    subject = Subject("torch", module, data, positive=1)
    threat = subject.threat_model()
    for name in "abc":
        threat = threat.edit(name, low=-9, high=9, unit=1.0)
    return Subject("torch", module, data, positive=1, threat=threat)


def attack(subject, **options):
    return art_attack(subject, rng=np.random.default_rng(0), library="foolbox", **options)


@needs_foolbox
def test_the_evidence_names_the_library():
    found = attack(linear(np.random.default_rng(0).normal(size=(20, 3))))
    rate = found.measurement("art_attack_success_rate")
    assert (
        rate.reason == "HopSkipJump of Foolbox, 100 queries a row, within 0.5 units of the threat model (l2)"
    )
    assert found.says.startswith("HopSkipJump of Foolbox flipped")
    assert "The model's answers alone were used." in found.notes


@needs_foolbox
def test_a_row_that_the_threat_model_forbids_is_no_flip(monkeypatch):
    search = evasion.foolbox_attack

    def unruly(*args, **options):
        found = search(*args, **options)
        bad = found.adversarial.copy()
        bad[:, 0] = 100.0  # beyond the range
        return replace(found, adversarial=bad)

    monkeypatch.setattr(evasion, "foolbox_attack", unruly)
    found = attack(
        linear(np.random.default_rng(0).normal(size=(20, 3))), radius=5.0, attack="L2DeepFool", examples=2
    )
    assert found.measurement("art_attack_success_rate").value == 0
    assert found.tables["shown"].frame()["why not"].str.startswith("not allowed: a").all()


@needs_foolbox
def test_only_torch_models_and_the_way_out_is_named():
    with pytest.raises(NotApplicable, match="library='art'"):
        attack(make_credit(n_train=150, n_test=60))


def test_without_foolbox_what_to_type_is_said(monkeypatch):
    def lacking(name):
        raise ImportError(name)

    monkeypatch.setattr(adapter.importlib.metadata, "version", lacking)
    with pytest.raises(NotApplicable, match=r'pip install foolbox \(of the extra "foolbox"\)'):
        attack(make_credit(n_train=150, n_test=60))
