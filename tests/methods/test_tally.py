"""Tally: counts of one pass, held against counting each group by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.methods.fairness import rates
from auditkit.methods.groups import codes_of, group_confusion
from auditkit.methods.tally import tally


def table(n=500, seed=0):
    rng = np.random.default_rng(seed)
    columns = {
        "sex": pd.Series(rng.choice(["f", "m", None], size=n)),
        "band": rng.integers(4, size=n),
        "area": pd.Categorical(rng.choice(["x", "y"], size=n), categories=["y", "x", "never"]),
    }
    return rng.integers(2, size=n), rng.random(n) < 0.4, columns, rng.uniform(0, 2, size=n)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [("sex",), ("area", "sex"), ("band", "sex"), ("sex", "band", "area")])
def test_groups_are_counted_as_one_by_one(names, weighted):
    y, said, columns, weights = table()
    weights = weights if weighted else None
    found = tally(y, said, columns, weights)
    codes, labels = codes_of({name: columns[name] for name in names})
    expected = dict(zip(labels, group_confusion(y, said, codes, len(labels), weights), strict=True))
    for label, cells in zip(found.groups(*names), found.by(*names), strict=True):
        assert cells == pytest.approx(expected.get(label, np.zeros(4)), abs=1e-9)
    assert found.cells.sum() == pytest.approx(len(y) if weights is None else weights.sum())


def test_replicates_are_draws_of_the_rows():
    y, said, columns, _ = table(2000)
    found = tally(y, said, columns)
    drawn = found.drawn(3000, np.random.default_rng(0))
    assert (drawn.cells.sum(axis=(1, 2, 3, 4)) == 2000).all()
    for names in (("sex",), ("sex", "band")):
        at, spread = rates(found.by(*names))["selection_rate"], rates(drawn.by(*names))["selection_rate"]
        n = found.by(*names).sum(-1)
        assert np.nanmean(spread, axis=0) == pytest.approx(at, abs=0.01)
        assert np.nanstd(spread, axis=0) == pytest.approx(np.sqrt(at * (1 - at) / n), rel=0.12)
    # margins and intersections of one replicate belong together
    assert drawn.by("sex", "band").reshape(3000, 3, 4, 4).sum(2) == pytest.approx(drawn.by("sex"))


def test_rows_drawn_one_by_one_spread_alike():
    y, said, columns, _ = table(300)
    rng = np.random.default_rng(1)
    sex = {"sex": columns["sex"]}
    found = tally(y, said, sex)
    drawn = found.drawn(2000, rng).by("sex")[:, 0, 3]
    rows = [rng.integers(300, size=300) for _ in range(500)]
    each = [tally(y[r], said[r], {"sex": columns["sex"][r]}).by("sex")[0, 3] for r in rows]
    assert stats.ks_2samp(drawn, each).pvalue > 1e-4


def test_what_cannot_be_counted_is_refused():
    y, said, columns, weights = table(50)
    found = tally(y, said, columns)
    with pytest.raises(InputError, match="no feature given"):
        tally(y, said, {})
    with pytest.raises(InputError, match="50 rows, y_true has 49"):
        tally(y[:-1], said[:-1], columns)
    with pytest.raises(InputError, match="Did you mean 'band'"):
        found.by("bnd")
    with pytest.raises(InputError, match="once each"):
        found.by("sex", "sex")
    with pytest.raises(InputError, match="replicates already"):
        found.drawn(2, np.random.default_rng(0)).drawn(2, np.random.default_rng(0))
    with pytest.raises(InputError, match="whole numbers"):
        tally(y, said, columns, weights).drawn(5, np.random.default_rng(0))
    many = np.arange(1500)
    with pytest.raises(InputError, match="groups or more"):
        tally(many % 2, many % 2, {"a": many, "b": many})
