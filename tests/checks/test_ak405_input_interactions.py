"""AK405: which inputs the model uses together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability import input_interactions
from auditkit.data import make_credit, make_multiclass
from auditkit.errors import InputError


def run(subject, seed=0, **params):
    return input_interactions(subject, rng=np.random.default_rng(seed), **params)


def made(formula, n=400, seed=0, d=5, shift=0.5):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(shift, 1, size=(n, d)), columns=[f"x{j}" for j in range(d)])
    model = lambda f: formula(*f.to_numpy().T)  # noqa: E731
    return Subject("f", model, Dataset(X, model(X) + 0.1 * rng.normal(size=n)), task="regression")


def test_a_planted_product_is_found_at_its_size():
    # x0 x1 + 2 x2: what only both make has variance 1 of (1 + 2 / 4) + 4; h squared is 1 / 1.5
    found = run(made(lambda a, b, c, *_: a * b + 2 * c, n=2000), rows=200, background=200)
    m = found.measurement("interaction_strength", "x0 × x1")
    assert m.interval.low < 1 / np.sqrt(5.5) < m.interval.high
    h = found.measurement("h_squared", "x0 × x1")
    assert h.interval.low < 1 / 1.5 < h.interval.high
    assert h.value == pytest.approx(1 / 1.5, abs=0.12)
    assert found.tables["strength"].columns["label"][0] == "x0 × x1"
    assert "x0 × x1" in found.says
    others = {
        m.value for m in found.measurements if m.metric == "interaction_strength" and m.group != "x0 × x1"
    }
    assert others == {0.0}


def test_models_that_add_up_are_quiet_in_every_draw():
    for seed in range(20):
        found = run(
            made(lambda a, b, c, d, e: np.exp(a) + b**3 - c * 0 + np.abs(d) + e, seed=seed), seed, rows=30
        )
        assert found.says.startswith("No interaction")
    for make in (make_credit, make_multiclass):  # logistic regressions add up in log odds
        found = run(make(n_train=300, n_test=200), rows=40)
        assert found.says.startswith("No interaction")
        assert "log" in found.notes[0]
    assert not run(make_credit(n_train=300, n_test=200), rows=40, scale="probability").says.startswith("No")


def test_an_input_that_acts_only_together_with_another_is_not_passed_over():
    found = run(made(lambda a, b, c, d, e: c + d + 3 * (a - 0.5) * (b - 0.5)), leading=2)
    assert [m.group for m in found.measurements if m.metric == "h_squared"] == ["x0 × x1"]
    assert found.measurement("h_squared", "x0 × x1").value > 0.85
    assert found.tables["inputs"].columns["input"][0] in ("x0", "x1")


def test_two_weak_inputs_have_no_ratio():
    found = run(made(lambda a, b, c, d, e: 1e-4 * a * b + c), inputs=["x0", "x1"])
    h = found.measurement("h_squared", "x0 × x1")
    assert np.isnan(h.value)
    assert "less than 1%" in h.reason
    assert found.says.startswith("No interaction")


def test_a_category_and_a_number_interact():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"kind": rng.choice(["p", "q"], 400), "age": rng.integers(18, 80, 400), "z": rng.normal(size=400)}
    )
    model = lambda f: np.where(f["kind"] == "p", 1.0, -1.0) * f["age"].to_numpy() / 20 + f["z"].to_numpy()  # noqa: E731
    found = run(Subject("k", model, Dataset(X, model(X)), task="regression"))
    assert found.tables["strength"].columns["label"][0] == "kind × age"
    assert found.measurement("interaction_strength", "kind × z").value == 0


def test_the_matrix_has_every_pair_once():
    found = run(made(lambda a, b, c, *_: a * b + c), leading=4)
    table = found.tables["matrix"]
    cells = list(zip(table.columns["row"], table.columns["column"], table.columns["value"], strict=True))
    assert len(cells) == 6
    assert len({frozenset(cell[:2]) for cell in cells}) == 6
    for j, k, value in cells:
        names = [f"{j} × {k}", f"{k} × {j}"]
        (same,) = [m for m in found.measurements if m.metric == "interaction_strength" and m.group in names]
        assert value == same.value


def test_small_interactions_are_called_small():
    small = run(made(lambda a, b, c, *_: 0.05 * (a - 0.5) * (b - 0.5) + c), inputs=["x0", "x1", "x2"])
    assert small.says.startswith(
        "What two inputs make only together is small in each of 3 pairs: most for x0 × x1, 0.0"
    )
    large = run(made(lambda a, b, c, *_: a * b + 0.05 * a * c + c), inputs=["x0", "x1", "x2"]).says
    assert large.startswith("Beyond what each does alone")
    assert "x0 × x1 (0." in large
    assert "x0 × x2" not in large


def test_rows_put_in_and_background_are_other_rows():
    found = run(made(lambda a, b, *_: a * b), rows=50, background=50, leading=3)
    assert "each of 50 rows were put into each of 50 background rows" in " ".join(found.notes)
    cost = 2 * 0 + 100 + (5 * 20 * 25 + 25) + (3 * 50 * 50 + 50) + 50 + (3 * 50 * 50 + 50)
    assert f"asked about {cost - 100:,} rows." in " ".join(
        found.notes
    )  # a regression has no log odds to look for


def test_one_input_and_one_name_are_too_few():
    X = pd.DataFrame({"a": np.arange(40.0)})
    subject = Subject("one", lambda f: f["a"].to_numpy(), Dataset(X, np.arange(40.0)), task="regression")
    finding, *_ = Audit(["input_interactions"]).run(subject).findings
    assert finding.status == "not_applicable"
    with pytest.raises(InputError, match="at least two"):
        run(made(lambda a, *_: a), inputs=["x0"])


def test_what_the_rows_leave_open_is_not_called_nothing():
    subject = made(lambda a, b, c, *_: c + 3 * ((a > 1.2) & (b > 1.2)), n=40, seed=1)  # few rows have it
    found = run(subject, rows=20, background=20)
    assert found.says.startswith("No interaction")
    highest = max(m.interval.high for m in found.measurements if m.metric == "interaction_strength")
    assert highest > 0.1
    assert "leave open" in found.says
    assert "adds up" not in found.says
    assert run(made(lambda a, b, *_: a + b)).says.endswith("what each does adds up.")
