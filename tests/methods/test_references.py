import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.references import complementary_halves, out_mean


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_every_row_is_in_for_exactly_half_of_the_models(n, pairs, seed):
    halves = complementary_halves(n, 2 * pairs, np.random.default_rng(seed))
    assert halves.shape == (2 * pairs, n)
    assert halves.dtype == np.bool_
    assert (halves.sum(axis=0) == pairs).all()
    assert set(halves.sum(axis=1).tolist()) <= {n // 2, n - n // 2}
    assert np.array_equal(halves[0::2], ~halves[1::2])


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=50), st.integers(0, 2**32 - 1))
def test_strata_are_halved_too(strata, seed):
    labels = np.array(strata)
    halves = complementary_halves(len(labels), 4, np.random.default_rng(seed), strata=strata)
    assert (halves.sum(axis=0) == 2).all()
    for label in set(strata):
        inside = halves[:, labels == label].sum(axis=1)
        assert np.abs(2 * inside - (labels == label).sum()).max() <= 1


def test_each_row_is_as_likely_in_as_out_and_pairs_are_independent():
    rng = np.random.default_rng(7)
    draws = np.array([complementary_halves(5, 4, rng)[[0, 2]] for _ in range(4000)])
    # 4000 fair coins: standard deviation 0.0079
    assert np.abs(draws[:, 0].mean(axis=0) - 0.5).max() < 0.04
    same = (draws[:, 0] == draws[:, 1]).mean(axis=0)
    assert np.abs(same - 0.5).max() < 0.04


def test_the_same_seed_gives_the_same_halves():
    one, other = (complementary_halves(100, 6, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(("n", "count"), [(1, 2), (10, 3), (10, 0), (10, -2)])
def test_halves_refuse_what_cannot_be_halved(n, count):
    with pytest.raises(InputError, match="at least 2"):
        complementary_halves(n, count, np.random.default_rng(0))


def test_strata_of_another_length_are_refused():
    with pytest.raises(InputError, match="each of the 4 rows"):
        complementary_halves(4, 2, np.random.default_rng(0), strata=["a", "b"])


def test_strata_of_mixed_types_with_gaps_are_accepted():
    strata = np.array(["a", None, 1, "a", None, 1], dtype=object)
    assert (complementary_halves(6, 2, np.random.default_rng(0), strata=strata).sum(axis=1) == 3).all()


@given(st.integers(2, 8), st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_out_mean_equals_the_row_by_row_mean(pairs, n, seed):
    rng = np.random.default_rng(seed)
    mask, values = complementary_halves(n, 2 * pairs, rng), rng.random((2 * pairs, n))
    expected = [values[~mask[:, row], row].mean() for row in range(n)]
    np.testing.assert_allclose(out_mean(values, mask), expected, rtol=1e-12)


def test_population_rows_are_averaged_over_all_models():
    values = np.array([[0.2, 0.4], [0.6, 0.8]])
    np.testing.assert_allclose(out_mean(values, np.zeros((2, 2), dtype=bool)), [0.4, 0.6])


def test_values_of_models_that_saw_the_row_are_not_read():
    assert out_mean([[np.nan, 0.5], [0.25, np.inf]], [[True, False], [False, True]]).tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("values", "mask", "message"),
    [
        (np.ones((2, 3)), np.zeros((3, 2), dtype=bool), "transposed"),
        (np.ones((2, 3)), np.zeros((2, 4), dtype=bool), r"\(2, 3\) and \(2, 4\)"),
        (np.ones(3), np.zeros(3, dtype=bool), r"\(models, rows\)"),
        (np.ones((2, 3)), np.zeros((2, 3), dtype=int), "boolean"),
        (np.ones((2, 3)), np.array([[True, True, False]] * 2), "2 of 3 rows"),
        (np.array([[np.nan, 1.0]]), np.zeros((1, 2), dtype=bool), "finite"),
    ],
)
def test_a_misused_mask_is_an_error(values, mask, message):
    with pytest.raises(InputError, match=message):
        out_mean(values, mask)
