"""Paired differences hold their level where Wald's does not, and refuse what cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multinomial, norm

from auditkit.errors import InputError
from auditkit.statistics import paired_difference


def by_hand(lost, won, n, level):
    p, q = (lost + 1) / (n + 2), (won + 1) / (n + 2)
    half = norm.ppf(0.5 + level / 2) * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return max(p - q - half, -1), min(p - q + half, 1)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 80), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_it_is_the_formula_of_the_paper(lost, won, same, level):
    n = lost + won + same
    low, high = paired_difference(lost, won, n, level)
    if n == 0:
        assert (low, high) == (-1, 1)
        return
    np.testing.assert_allclose((low, high), by_hand(lost, won, n, level))
    assert -1 <= low <= high <= 1
    if n > 1:  # near the ends the shrunken centre stays within reach of the estimate
        assert low <= (lost - won) / n <= high
    other = paired_difference(won, lost, n, level)
    np.testing.assert_allclose((low, high), (-other.high, -other.low))


def covered(n, lose, win):
    """Return the exact chance that the interval holds the true difference, over all counts."""
    b, c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = b + c <= n
    b, c = b[possible], c[possible]
    weight = multinomial.pmf(np.column_stack([b, c, n - b - c]), n, [lose, win, 1 - lose - win])
    low, high = paired_difference(b, c, n)
    return weight[(low <= lose - win + 1e-12) & (lose - win - 1e-12 <= high)].sum()


@pytest.mark.parametrize("n", [20, 50, 150])
@pytest.mark.parametrize(
    ("lose", "win"), [(0.05, 0.05), (0.1, 0.02), (0.3, 0.1), (0.02, 0.0), (0.4, 0.4), (0.25, 0.05)]
)
def test_it_holds_its_level(n, lose, win):
    # exact, by enumeration; Bonett and Price report coverage near or above the nominal 0.95
    assert covered(n, lose, win) >= 0.93


def test_on_average_it_holds_its_level():
    rng = np.random.default_rng(0)
    chances = [covered(40, *p[:2]) for p in rng.dirichlet([1, 1, 4], 40)]
    assert np.mean(chances) == pytest.approx(0.955, abs=0.01)


def test_no_change_is_no_certainty():
    low, high = paired_difference(0, 0, 100)
    assert low < 0 < high
    wide = paired_difference(0, 0, 10)
    assert wide.high - wide.low > high - low


def test_counts_broadcast():
    found = paired_difference([1, 2, 3], 0, [[10], [20]])
    assert found.low.shape == (2, 3)
    np.testing.assert_allclose(found.high[1, 2], by_hand(3, 0, 20, 0.95)[1])


@pytest.mark.parametrize("bad", [(-1, 0, 10), (0, -1, 10), (6, 5, 10), (float("nan"), 0, 10)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(InputError, match="lost"):
        paired_difference(*bad)


def test_an_impossible_level_is_refused():
    with pytest.raises(InputError):
        paired_difference(1, 1, 10, level=1.5)
