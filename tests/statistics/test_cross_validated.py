"""Cross-validated figures against scikit-learn, by hand, and in simulations without any signal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score, roc_auc_score

from auditkit import statistics
from auditkit.errors import InputError
from auditkit.methods.proxies import (
    boosted_classes,
    boosted_values,
    encoded_cells,
    encoded_values,
    even_folds,
)
from auditkit.statistics.cross_validated import cross_validated_auc, cross_validated_r2


def rows(n=300, seed=0, lift=1.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return np.round(rng.normal(size=n) + lift * y, 1), y, rng.integers(0, 4, n)


def test_it_is_the_mean_of_scikit_learns_auc_within_folds():
    scores, y, folds = rows()
    parts = [(roc_auc_score(y[folds == f], scores[folds == f]), folds == f) for f in range(4)]
    pairs = np.array([y[at].sum() * (1 - y[at]).sum() for _, at in parts])
    expected = np.average([a for a, _ in parts], weights=pairs)
    assert cross_validated_auc(scores, y, 1 - y, folds).value == pytest.approx(expected, abs=1e-12)


def test_one_fold_is_delong_with_twice_the_variance():
    scores, y, _ = rows()
    plain = statistics.auc(scores, y)
    found = cross_validated_auc(scores, y, 1 - y, np.zeros(len(y), int))
    assert found.value == pytest.approx(plain.value)
    assert found.se == pytest.approx(np.sqrt(2) * plain.se)
    wide = statistics.auc(scores, y, 2 * stats.norm.cdf(np.sqrt(2) * stats.norm.ppf(0.975)) - 1)
    assert (found.low, found.high) == pytest.approx((wide.low, wide.high))


def test_cells_are_rows_counted():
    scores, y, folds = rows()
    keys, at = np.unique(np.column_stack([scores, folds]), axis=0, return_inverse=True)
    pos, neg = np.bincount(at, weights=y), np.bincount(at, weights=1 - y)
    assert cross_validated_auc(keys[:, 0], pos, neg, keys[:, 1].astype(int)) == cross_validated_auc(
        scores, y, 1 - y, folds
    )


def test_edges_are_wide_not_certain():
    none = cross_validated_auc([1.0, 2.0], [1, 1], [0, 0], [0, 0])
    assert np.isnan(none.value)
    assert (none.low, none.high) == (0.0, 1.0)
    y = np.resize([0, 1], 40)
    perfect = cross_validated_auc(y.astype(float), y, 1 - y, np.repeat([0, 1], 20))
    assert (perfect.value, perfect.high) == (1.0, 1.0)
    assert perfect.low == pytest.approx(0.025 ** (1 / 20))
    with pytest.raises(InputError, match="equally long"):
        cross_validated_auc([1.0], [1, 0], [0, 1], [0, 0])
    with pytest.raises(InputError, match="finite"):
        cross_validated_auc([np.nan], [1], [0], [0])
    with pytest.raises(InputError, match="finite"):
        cross_validated_r2([1.0], [np.inf])
    assert np.isnan(cross_validated_r2([0.0] * 5, [0.0] * 5).value)


def test_r2_is_scikit_learns_where_the_baseline_is_the_mean():
    rng = np.random.default_rng(1)
    x = rng.normal(size=500)
    said = 0.6 * x + 0.4 * rng.normal(size=500)
    found = cross_validated_r2(x - said, x - x.mean())
    assert found.value == pytest.approx(r2_score(x, said))
    draws = [rng.integers(0, 500, 500) for _ in range(2000)]
    spread = np.std([1 - np.mean((x - said)[d] ** 2) / np.mean((x - x.mean())[d] ** 2) for d in draws])
    assert found.se == pytest.approx(spread, rel=0.1)


def null_auc(n, values, share, seed):
    rng = np.random.default_rng([n, values, seed])
    v, g = rng.integers(0, values, n), (rng.random(n) < share).astype(int)
    folds = even_folds(g, 5, rng)
    cells = encoded_cells(v, g, folds)
    fold = np.broadcast_to(np.arange(5)[:, None], cells.counts.shape[:2])
    return cross_validated_auc(
        cells.scores[..., 1].ravel(), cells.counts[..., 1].ravel(), cells.counts[..., 0].ravel(), fold.ravel()
    )


@pytest.mark.parametrize(("n", "values", "share"), [(200, 20, 0.3), (1000, 20, 0.1), (300, 100, 0.4)])
def test_without_a_signal_the_interval_holds_one_half(n, values, share):
    found = [null_auc(n, values, share, seed) for seed in range(300)]
    assert sum(a.low <= 0.5 <= a.high for a in found) >= stats.binom.ppf(0.001, 300, 0.95)
    assert abs(np.mean([a.value for a in found]) - 0.5) < 4 * np.std([a.value for a in found]) / np.sqrt(300)


@pytest.mark.slow
def test_boosting_without_a_signal_holds_one_half():
    inside = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        X, g = rng.normal(size=(400, 5)), (rng.random(400) < 0.4).astype(int)
        folds = even_folds(g, 5, rng)
        shares = boosted_classes(X, np.zeros(5, bool), g, folds, seed=seed)
        found = cross_validated_auc(shares[:, 1], g, 1 - g, folds)
        inside += found.low <= 0.5 <= found.high
    assert inside >= stats.binom.ppf(0.001, 300, 0.93)


def test_target_means_are_those_of_a_loop():
    rng = np.random.default_rng(2)
    v, g, f = rng.integers(0, 4, 60), rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    x = rng.normal(size=60)
    cells = encoded_cells(v, g, f)
    predicted, baseline = encoded_values(v, x, f)
    for i in range(60):
        others = f != f[i]
        alike = others & (v == v[i])
        share = ((g[alike] == g[i]).sum() + (g[others] == g[i]).mean()) / (alike.sum() + 1)
        assert cells.scores[f[i], v[i], g[i]] == pytest.approx(share)
        assert predicted[i] == pytest.approx((x[alike].sum() + x[others].mean()) / (alike.sum() + 1))
        assert baseline[i] == pytest.approx(x[others].mean())


def test_folds_are_even_in_each_group():
    g = np.repeat([0, 1, 2], [50, 31, 7])
    folds = even_folds(g, 5, np.random.default_rng(0))
    for group in range(3):
        sizes = np.bincount(folds[g == group], minlength=5)
        assert sizes.max() - sizes.min() <= 1
    with pytest.raises(InputError, match="at least 2 folds"):
        even_folds(g, 1, np.random.default_rng(0))


def test_boosting_finds_what_single_features_do_not_show():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 2, 1000), rng.integers(0, 2, 1000)
    X, g = np.column_stack([a, b, rng.normal(size=1000)]).astype(float), a ^ b
    folds = even_folds(g, 5, rng)
    shares = boosted_classes(X, [True, True, False], g, folds, seed=0)
    assert shares.sum(axis=1) == pytest.approx(np.ones(1000))
    assert cross_validated_auc(shares[:, 1], g, 1 - g, folds).low > 0.95
    predicted, baseline = boosted_values(
        X, [True, True, False], g + 0.1 * rng.normal(size=1000), folds, seed=0
    )
    assert cross_validated_r2(g - predicted, g - baseline).low > 0.8
    with pytest.raises(InputError, match="one flag a column"):
        boosted_classes(X, [True], g, folds, seed=0)


def test_input_of_different_lengths_is_refused():
    with pytest.raises(InputError, match="equally long"):
        encoded_cells([0, 1], [0], [0, 1])
    with pytest.raises(InputError, match="finite"):
        encoded_values([0, 1], [0.0, np.nan], [0, 1])
