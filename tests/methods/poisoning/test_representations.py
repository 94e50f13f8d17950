"""Spectral signatures and clusters find rows that lie apart, and deal splits at random where nobody interfered."""

import numpy as np
import pytest
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.methods.poisoning import representations as rep


def test_spectral_scores_are_those_of_the_covariance():
    Z = np.random.default_rng(0).normal(size=(60, 4)) @ np.diag([3, 1, 1, 0.5])
    scores, held = rep.spectral_scores(Z)
    values, vectors = np.linalg.eigh(np.cov(Z.T))
    assert scores[:, 0] == pytest.approx(((Z - Z.mean(axis=0)) @ vectors[:, -1]) ** 2)
    assert held == pytest.approx([values[-1] / values.sum()])
    scores, held = rep.spectral_scores(Z, 10)
    assert scores[:, 3] == pytest.approx(((Z - Z.mean(axis=0)) @ vectors[:, 0]) ** 2)
    assert held.sum() == pytest.approx(1)


@pytest.mark.parametrize("apart", [rep.spectral_apart, rep.cluster_apart])
def test_planted_rows_are_counted_where_they_are(apart):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(400, 5))
    Z[:20, 2] += 15
    found = apart(Z, 200)
    assert found.apart[:20].all()
    assert found.apart.sum() == 20
    assert found.found.value == pytest.approx(0.1)
    assert found.found.p_value < 1e-5


def test_planted_rows_are_found_also_where_others_lie_farther_apart():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(400, 5)) * [30, 20, 1, 1, 1]
    Z[:20, 2] += 15
    found = rep.spectral_apart(Z, 200)
    assert found.apart[:20].all()
    assert found.found.p_value < 1e-5
    assert found.figure < 0.1


@pytest.mark.parametrize("apart", [rep.spectral_apart, rep.cluster_apart])
def test_clean_rows_of_several_kinds_are_quiet_at_the_stated_rate(apart):
    low = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        Z = rng.normal(size=(120, 3)) + 8 * (rng.random((120, 1)) < 0.15)  # a second kind, in both splits
        low += apart(Z, 60).found.p_value <= 0.05
    assert low <= binom.ppf(0.9995, 200, 0.05), low


def test_rows_that_are_all_equal_lie_nowhere_apart():
    for apart in (rep.spectral_apart, rep.cluster_apart):
        found = apart(np.ones((40, 3)), 20)
        assert not found.apart.any()
        assert found.found.p_value == 1


def test_rows_of_the_same_leaves_stand_in_one_place_and_others_apart():
    leaves = np.array([[1, 5], [1, 5], [2, 5], [3, 9]])
    Z = rep.leaf_embedding(leaves)
    assert Z[0] == pytest.approx(Z[1])
    # indicators over the root of 2 trees: one leaf in common leaves a squared distance of 1, none of 2
    assert np.square(Z[0] - Z[2]).sum() <= 1 + 1e-9
    assert np.square(Z[0] - Z[3]).sum() > np.square(Z[0] - Z[2]).sum()
    assert rep.leaf_embedding([[4], [4]]).tolist() == [[0.0], [0.0]]
    with pytest.raises(InputError, match="each tree"):
        rep.leaf_embedding([1, 2])


def test_wide_representations_keep_their_distances_where_few_directions_hold_all():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(80, 6)) @ rng.normal(size=(6, 300))
    short = rep.reduced(Z)
    assert short.shape == (80, 50)
    assert np.linalg.norm(short[0] - short[1]) == pytest.approx(np.linalg.norm(Z[0] - Z[1]))
