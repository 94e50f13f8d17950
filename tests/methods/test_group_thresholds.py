"""Thresholds by group: counts against counting, equality against fairlearn's own post-processing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditkit.errors import InputError
from auditkit.methods.group_thresholds import NOTIONS, ScoresByGroup, alike, frontier, gap_of, rates_of


def counted(scores: Any, codes: Any, positive: Any, cut: Any, weights: Any = None) -> np.ndarray:
    """Count what is selected, record by record."""
    found = np.zeros((len(cut), 2, 2))
    for i, (score, code, truth) in enumerate(zip(scores, codes, positive, strict=True)):
        w = 1.0 if weights is None else weights[i]
        if score >= cut[code]:
            found[code, int(truth)] += (w, w * w)
    return found


@given(st.data())
def test_selected_is_what_counting_gives(data: Any) -> None:
    n, groups = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 4))
    few = st.sampled_from([0.0, 0.25, 0.5, 0.5, 0.75, 1.0])  # ties on purpose
    scores = data.draw(hnp.arrays(float, n, elements=few))
    codes = data.draw(hnp.arrays(int, n, elements=st.integers(0, groups - 1)))
    positive = data.draw(hnp.arrays(bool, n))
    weights = data.draw(st.none() | hnp.arrays(float, n, elements=st.sampled_from([0.0, 1.0, 2.5])))
    if weights is not None and not weights.any():
        weights = None
    cut = data.draw(hnp.arrays(float, groups, elements=st.sampled_from([-1.0, 0.25, 0.5, 0.6, 2.0])))
    by_group = ScoresByGroup.of(scores, codes, groups, positive, weights)
    np.testing.assert_allclose(by_group.selected(cut), counted(scores, codes, positive, cut, weights))
    np.testing.assert_allclose(
        by_group.totals, counted(scores, codes, positive, np.full(groups, -9.0), weights)
    )
    assert by_group.records.sum() == n


def test_rates_by_hand() -> None:
    # group 0: 4 negative, 6 positive; 1 and 3 of them selected. Group 1: 2 and 2; 0 and 1.
    found = rates_of([[1, 3], [0, 1]], [[4, 6], [2, 2]])
    shares = {name: (hits / trials).tolist() for name, (hits, trials) in found.items()}
    assert shares == {
        "selection_rate": [0.4, 0.25],
        "true_positive_rate": [0.5, 0.5],
        "false_positive_rate": [0.25, 0.0],
        "positive_predictive_value": [0.75, 1.0],
        "accuracy": [0.6, 0.75],
    }
    gaps = {notion: float(gap_of([[1, 3], [0, 1]], [[4, 6], [2, 2]], notion)) for notion in NOTIONS}
    assert gaps == {
        "demographic_parity": pytest.approx(0.15),
        "equal_opportunity": 0.0,
        "predictive_equality": 0.25,
        "equalized_odds": 0.25,
        "predictive_parity": 0.25,
    }


def biased(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores that are 0.15 lower for one of two equally able groups, groups, and labels."""
    rng = np.random.default_rng(seed)
    codes, able = rng.integers(0, 2, n), rng.normal(size=n)
    y = able + rng.normal(scale=0.7, size=n) > 0
    return 1 / (1 + np.exp(-1.5 * able)) - 0.15 * codes, codes, y


@pytest.mark.parametrize("notion", NOTIONS)
def test_a_planted_offset_is_taken_back(notion: Any) -> None:
    """The two groups differ by an offset of the score alone: thresholds that far apart make them alike in every notion."""
    scores, codes, y = biased(20_000, 0)
    by_group = ScoresByGroup.of(scores, codes, 2, y)
    grid = np.quantile(scores, np.linspace(0.02, 0.98, 193))
    cuts, took = alike(by_group, grid, notion)
    middle = np.abs(cuts.mean(axis=1) - 0.42) < 0.15
    assert np.median(cuts[middle, 0] - cuts[middle, 1]) == pytest.approx(0.15, abs=0.025)
    alone = by_group.selected(np.repeat(grid[:, None], 2, axis=1))[..., 0]
    before, after = (
        np.nanmax(gap_of(part, by_group.totals[..., 0], notion)[middle]) for part in (alone, took)
    )
    assert before > 0.08
    assert after < 0.03


def test_no_strength_leaves_one_threshold() -> None:
    scores, codes, y = biased(500, 1)
    grid = np.linspace(0.1, 0.8, 30)
    cuts, _ = alike(ScoresByGroup.of(scores, codes, 2, y), grid, "demographic_parity", 0.0)
    assert (cuts == grid[:, None]).all()


@pytest.mark.parametrize(
    ("notion", "constraint"),
    [("demographic_parity", "demographic_parity"), ("equal_opportunity", "true_positive_rate_parity")],
)
def test_as_accurate_as_fairlearns_thresholds(notion: Any, constraint: str) -> None:
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        """A model whose score is its input."""

        classes_ = np.array([0, 1])

        def fit(self, X: Any, y: Any) -> Given:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X: Any) -> Any:
            return np.asarray(X)[:, 0]

    scores, codes, y = biased(20_000, 2)
    X = scores[:, None]
    peer = ThresholdOptimizer(
        estimator=Given(), constraints=constraint, prefit=True, predict_method="predict", grid_size=400
    )
    peer.fit(X, y.astype(int), sensitive_features=codes)
    theirs = (peer.predict(X, sensitive_features=codes, random_state=0) == y).mean()
    by_group = ScoresByGroup.of(scores, codes, 2, y)
    _, took = alike(by_group, np.quantile(scores, np.linspace(0, 1, 201), method="higher"), notion)
    totals = by_group.totals[..., 0]
    near = gap_of(took, totals, notion) < 0.005
    hits, size = rates_of(took, totals)["accuracy"]
    ours = (hits.sum(axis=1) / size.sum(axis=1))[near].max()
    assert ours == pytest.approx(theirs, abs=0.006)


@given(
    hnp.arrays(float, st.integers(0, 30), elements=st.sampled_from([0.0, 0.1, 0.2, np.nan])),
    st.randoms(use_true_random=False),
)
def test_the_frontier_is_what_nothing_beats(gaps: np.ndarray, random: Any) -> None:
    gains = np.array([random.choice([0.5, 0.6, 0.7]) for _ in gaps])
    found = frontier(gaps, gains)
    assert (np.diff(gaps[found]) > 0).all()
    assert (np.diff(gains[found]) > 0).all()
    for gap, gain in zip(gaps, gains, strict=True):
        if np.isfinite(gap):
            assert any(gaps[f] <= gap and gains[f] >= gain for f in found)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        ScoresByGroup.of([0.1, np.nan], [0, 0], 1)
    with pytest.raises(InputError, match="from 0 to 0"):
        ScoresByGroup.of([0.1], [1], 1)
    with pytest.raises(InputError, match="one a record"):
        ScoresByGroup.of([0.1], [0], 1, [True, False])
    one = ScoresByGroup.of([0.1], [0], 1)
    with pytest.raises(InputError, match="expected 1 thresholds"):
        one.selected([0.1, 0.2])
    with pytest.raises(InputError, match="no notion"):
        gap_of([[1, 1]], [[1, 1]], "fairness")  # type: ignore[arg-type]
