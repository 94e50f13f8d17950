"""ART's attacks by name: within the budget and the threat model, re-measured, and no trace left behind."""

import importlib.util
import logging
import os
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from auditkit.checks.robustness import art_attack, decision_attack
from auditkit.data import make_credit, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.methods import evasion
from auditkit.methods.evasion import art as adapter
from auditkit.methods.feature_space import FeatureSpace
from auditkit.predictors.callables import from_callable
from auditkit.subject import Dataset, Subject

HERE = importlib.util.find_spec("art") is not None
needs_art = pytest.mark.skipif(
    not HERE and not os.environ.get("CI"),
    reason="ART is not installed: pip install adversarial-robustness-toolbox",
)
WEIGHTS = np.array([0.6, -0.3, 0.2])


def unit_space(d, **changes):
    parts = {
        "names": [f"f{i}" for i in range(d)],
        "kind": ["continuous"] * d,
        "low": np.full(d, -9.0),
        "high": np.full(d, 9.0),
        "step": np.zeros(d),
        "n_categories": np.zeros(d),
        "mutable": np.ones(d, dtype=bool),
        "direction": np.zeros(d),
        "scale": np.ones(d),
    }
    return FeatureSpace(**(parts | changes))


def proba(rows):
    p = 1 / (1 + np.exp(-(rows @ WEIGHTS)))
    return np.stack([1 - p, p], axis=1)


def slope(rows, labels):
    return (proba(rows)[:, 1] - labels)[:, None] * WEIGHTS


def rows_and_pool(n=12):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), rng.normal(size=(60, 3))


def made(name="HopSkipJump", ask=proba, queries=200, seed=0, **more):
    X, pool = rows_and_pool()
    y = proba(X).argmax(axis=1)
    rng = np.random.default_rng(seed)
    return evasion.art_attack(name, ask, X, y, unit_space(3), pool, 1.0, rng=rng, queries=queries, **more)


def distances():
    return np.abs(rows_and_pool()[0] @ WEIGHTS) / np.linalg.norm(WEIGHTS)


@needs_art
@pytest.mark.parametrize("name", ["HopSkipJump", "BoundaryAttack"])
def test_attacks_by_labels_come_near_the_closed_form_and_never_below(name):
    found = made(name, ask=lambda rows: np.eye(2)[proba(rows).argmax(axis=1)], queries=200)
    ratio = found.distance / distances()
    assert found.success.all()
    assert ratio.min() >= 1 - 1e-9
    assert np.median(ratio) < (1.1 if name == "HopSkipJump" else 2)


@needs_art
def test_attacks_by_gradients_are_made_where_there_are_some():
    found = made("DeepFool", slope=slope, options={"epsilon": 0.01, "max_iter": 20})  # ART's overshoot
    assert found.success.all()
    np.testing.assert_allclose(found.distance, distances(), rtol=0.011)
    assert (found.distance >= distances()).all()
    near = made("FastGradientMethod", slope=slope)
    assert (near.distance[near.success] <= 1 + 1e-6).all()
    assert "DeepFool" in evasion.art_attacks(gradients=True)
    assert "DeepFool" not in evasion.art_attacks()
    with pytest.raises(NotApplicable, match=r"DeepFool needs gradients.*HopSkipJump"):
        made("DeepFool")


@needs_art
@pytest.mark.parametrize("queries", [2, 12, 60])
def test_the_budget_is_kept_and_the_queries_are_those_that_were_asked(queries):
    sizes = []

    def spied(rows):
        sizes.append(len(rows))
        return proba(rows)

    found = made(ask=spied, queries=queries)
    assert found.queries.max() <= queries
    assert sum(sizes) == found.queries.sum() + 60  # the pool's own labels are no row's
    assert len(sizes) == found.calls
    assert (found.first[found.success] <= found.queries[found.success]).all()


@needs_art
def test_what_art_asks_about_is_allowed():
    space = FeatureSpace(
        names=list("abcd"), kind=["integer", "continuous", "categorical", "continuous"], low=[0, -1, 0, -1], high=[9, 1, 0, 1],
        step=[1, 0, 0, 0], n_categories=[0, 0, 3, 0], mutable=[True, True, True, False], direction=[1, 0, 0, 0],
        scale=[2.0, 0.5, 1.0, 1.0],
    )  # fmt: skip
    rng = np.random.default_rng(0)

    def rows(n):
        return np.column_stack(
            [rng.integers(0, 5, n), rng.uniform(-1, 1, n), rng.integers(0, 3, n), rng.normal(size=n)]
        )

    X, pool, asked = rows(8).astype(float), rows(50).astype(float), []
    X[0, 1] = np.nan

    def ask(some):
        asked.append(some)
        z = 0.5 * some[:, 0] + np.nan_to_num(some[:, 1]) + 2.0 * (some[:, 2] == 2) - 2.2
        return np.stack([-z, z], axis=1)

    y = ask(X).argmax(axis=1)
    asked.clear()
    found = evasion.art_attack(
        "HopSkipJump", ask, X, y, space, pool, 1.0, rng=np.random.default_rng(0), queries=80
    )
    assert found.success.any()
    assert not space.violations(X, found.adversarial).any()
    everything = np.concatenate([some for some in asked if len(some) != 50])
    assert set(everything[:, 2]) <= {0, 1, 2}
    assert (everything[:, 0] == np.rint(everything[:, 0])).all()
    assert np.isin(everything[:, 3], X[:, 3]).all()


@needs_art
def test_the_process_is_left_as_it_was_and_the_seed_decides(capfd, recwarn):
    torch = pytest.importorskip("torch")
    log = logging.getLogger("art")
    before = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state(), log.level  # noqa: NPY002
    one, two = made(seed=1, queries=60), made(seed=1, queries=60)
    np.testing.assert_array_equal(one.adversarial, two.adversarial)
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert random.getstate() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert log.level == before[3]
    assert capfd.readouterr() == ("", "")
    assert not [w for w in recwarn if "art" in str(w.filename)]


@needs_art
def test_unknown_names_and_parameters_are_said():
    with pytest.raises(InputError, match="Did you mean 'HopSkipJump'"):
        made("HopSkipJmp")
    with pytest.raises(InputError, match=r"no parameter 'max_itr'.*Did you mean 'max_iter'"):
        made(options={"max_itr": 3})
    with pytest.raises(InputError, match="HopSkipJump failed on a row"):
        made(options={"max_iter": -3})


def linear(n=40):
    X = pd.DataFrame(np.random.default_rng(1).normal(size=(n, 3)), columns=list("abc"))
    data = Dataset(X, np.arange(n) % 2)
    model = from_callable(lambda X: (X.to_numpy() @ WEIGHTS > 0).astype(int), classes=[0, 1], output="labels")
    subject = Subject("s", model, data, positive=1)
    threat = subject.threat_model()
    for name in "abc":
        threat = threat.edit(name, low=-9, high=9, unit=1.0)
    return Subject("s", model, data, positive=1, threat=threat)


def attack(subject, seed=0, **options):
    return art_attack(subject, rng=np.random.default_rng(seed), **options)


@needs_art
def test_beside_our_own_search_at_the_same_queries():
    subject = linear(20)
    theirs = attack(subject, rows=20, radius=0.5, queries=120)
    own = decision_attack(subject, rng=np.random.default_rng(0), rows=20, radius=0.5, max_calls=16)
    exact = np.abs(subject.test.X.to_numpy() @ WEIGHTS) / np.linalg.norm(WEIGHTS)
    rate = theirs.measurement("art_attack_success_rate")
    assert rate.value <= np.mean(exact <= 0.5)
    assert rate.reason == "HopSkipJump of ART, 120 queries a row, within 0.5 units of the threat model (l2)"
    middle = theirs.measurement("art_attack_median_distance").value
    assert middle >= np.median(exact) * (1 - 1e-9)
    assert (
        own.measurement("attack_median_distance").value <= 1.05 * middle
    )  # 8 a call: 16 calls are 128 at most, and two look at the original


@needs_art
def test_a_row_that_the_threat_model_forbids_is_no_flip(monkeypatch):
    from dataclasses import replace

    search = evasion.art_attack

    def unruly(*args, **options):
        found = search(*args, **options)
        bad = found.adversarial.copy()
        bad[:, 0] = 100.0  # beyond the range
        return replace(found, adversarial=bad)

    monkeypatch.setattr(evasion, "art_attack", unruly)
    found = attack(linear(), rows=10, radius=5.0, queries=20, examples=2)
    assert found.measurement("art_attack_success_rate").value == 0
    assert found.tables["shown"].frame()["why not"].str.startswith("not allowed: a").all()


@needs_art
def test_a_torch_model_is_attacked_by_its_gradients():
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(3, 1)
    with torch.no_grad():
        module.weight[:] = torch.tensor(WEIGHTS, dtype=torch.float32)
        module.bias[:] = 0
    plain = linear(12)
    subject = Subject("torch", module, plain.test, positive=1, threat=plain.threat)
    found = attack(subject, attack="DeepFool", rows=12, radius=0.5, options={"epsilon": 0.01, "max_iter": 5})
    exact = np.abs(subject.test.X.to_numpy() @ WEIGHTS) / np.linalg.norm(WEIGHTS)
    assert found.measurement("art_attack_median_distance").value == pytest.approx(np.median(exact), rel=0.02)
    assert "The model's gradients were used." in found.notes


@needs_art
def test_a_table_of_categories_is_attacked():
    found = attack(make_credit(n_train=150, n_test=60), rows=10, queries=20, radius=1.0)
    assert found.measurement("art_attack_success_rate").n == 10


@needs_art
def test_what_lies_at_the_edge_of_the_radius_counts():
    X, pool = rows_and_pool()
    y, rng = proba(X).argmax(axis=1), np.random.default_rng(0)
    found = evasion.art_attack(
        "FastGradientMethod", proba, X, y, unit_space(3), pool, 0.3, rng=rng, norm="linf", slope=slope
    )
    exact = np.abs(X @ WEIGHTS) / np.abs(WEIGHTS).sum()  # the dual norm of linf is l1
    assert (exact < 0.3).sum() >= 3
    np.testing.assert_array_equal(found.distance <= 0.3, exact < 0.3)  # 0.3 is more in single precision


@needs_art
@pytest.mark.parametrize("there", [False, True])
def test_art_makes_no_folder_in_the_home_folder(tmp_path, there):
    code = (
        "import os\nfrom auditkit.methods import evasion\nbefore = dict(os.environ)\nassert evasion.art_attacks()\n"
        "assert dict(os.environ) == before\nimport art\nfrom art import config\nassert art.config is config\n"
        "assert config.ART_DATA_PATH == os.path.join(os.path.expanduser('~'), '.art', 'data'), config.ART_DATA_PATH"
    )
    if there:
        (tmp_path / ".art").mkdir()
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env=os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
    )
    assert (tmp_path / ".art").exists() == there


def test_without_art_what_to_type_is_said(monkeypatch):
    def lacking(name):
        raise ImportError(name)

    monkeypatch.setattr(adapter.importlib.metadata, "version", lacking)
    with pytest.raises(
        NotApplicable, match=r'pip install adversarial-robustness-toolbox \(of the extra "art"\)'
    ):
        attack(linear(), rows=10)


def test_what_cannot_be_attacked_says_why():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression())
