"""Explanation quality: stability, agreement, faithfulness and sanity, from arrays alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics.pairwise import cosine_similarity as by_sklearn

from auditkit.errors import InputError
from auditkit.methods import attributions
from auditkit.methods import explanation_quality as q


def additive(weights):
    return lambda Z, _rows: Z @ weights


def test_cosine_equals_sklearn_row_by_row():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 5))
    assert q.cosine_similarity(a, b) == pytest.approx(np.diag(by_sklearn(a, b)))


def test_cosine_of_nothing():
    zero, some = np.zeros((1, 2)), np.ones((1, 2))
    assert q.cosine_similarity(zero, some)[0] == 0
    assert np.isnan(q.cosine_similarity(zero, zero)[0])
    third = np.full((1, 3), 1 / 3)
    assert q.cosine_similarity(third, third)[0] == 1.0  # exactly


def test_cosine_is_the_share_of_the_signal():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(400, 200))
    a, b = signal + np.sqrt(1 / 9) * rng.normal(size=(2, 400, 200))
    assert q.cosine_similarity(a, b).mean() == pytest.approx(0.9, abs=0.005)  # 1 / (1 + 1/9)


def test_rank_correlation_equals_scipy_row_by_row_with_ties():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, size=(2, 40, 6)).astype(float)
    expected = [stats.spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    assert q.rank_correlation(a, b) == pytest.approx(np.array(expected))


def test_roundings_do_not_rank_inputs_that_are_never_read():
    a = np.array([[5.0, 1e-14, -1e-15, 0.0]])
    b = np.array([[5.0, -1e-15, 1e-14, 0.0]])
    assert q.rank_correlation(a, b)[0] == pytest.approx(1.0)
    assert q.top_overlap(a, b, 2)[0] == 1


def test_rank_correlation_without_an_order():
    assert q.rank_correlation([[1.0, 1.0]], [[1.0, 2.0]])[0] == 0
    assert np.isnan(q.rank_correlation([[1.0, 1.0]], [[0.0, 0.0]])[0])


def test_top_overlap_by_hand_and_by_chance():
    assert q.top_overlap([[4.0, 3.0, 2.0, 1.0]], [[1.0, 4.0, 3.0, 2.0]], 2)[0] == 0.5  # {0, 1} and {1, 2}
    rng = np.random.default_rng(0)
    assert q.top_overlap(*rng.random((2, 4000, 10)), 3).mean() == pytest.approx(0.3, abs=0.02)


def test_global_agreement_equals_kendall_of_the_means():
    rng = np.random.default_rng(0)
    a, b = rng.random((60, 5)) * [5, 4, 3, 2, 1], rng.random((80, 5)) * [1, 2, 5, 3, 4]
    found = q.global_agreement(a, b)
    assert found.value == pytest.approx(stats.kendalltau(a.mean(axis=0), b.mean(axis=0)).statistic)
    assert found.low <= found.value <= found.high


def test_inputs_that_are_never_read_are_tied_not_open():
    rng = np.random.default_rng(0)
    a = np.column_stack([rng.random(50) + 9, rng.random(50) + 4, np.zeros((50, 3))])
    found = q.global_agreement(a, 3 * a)
    assert (found.value, found.low, found.high, found.unsettled) == (1.0, 1.0, 1.0, 0)
    assert np.isnan(q.global_agreement(np.ones((5, 3)), a[:5, :3]).value)


def test_the_interval_of_global_agreement_covers_also_where_inputs_matter_alike():
    """A resample of the rows covers the truth here in one run of eight: inputs that matter alike trade places."""
    cases = {
        "alike": ([1.1, 1.08, 1.04, 1.02, 1.0], [1.1, 1.08, 1.04, 1.02, 1.0]),
        "apart": ([5, 4, 3, 2, 1, 0.5], [4, 5, 1, 3, 2, 0.7]),
    }
    for one, other in cases.values():
        truth = stats.kendalltau(one, other).statistic
        covered = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            a, b = (np.abs(rng.normal(size=(100, len(w)))) * w for w in (one, other))
            found = q.global_agreement(a, b)
            covered += found.low - 1e-9 <= truth <= found.high + 1e-9
        assert covered >= stats.binom.ppf(0.001, 200, 0.95)


def test_crossed_mean_by_hand():
    # means of repeats 1 and 3: variance 2, over 2 is 1; means of rows 1, 2, 3: variance 1, over 3 is 1/3
    found = q.crossed_mean([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]])
    freedom = (1 + 1 / 3) ** 2 / (1 + (1 / 3) ** 2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(4 / 3)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2 - half, 2 + half))


def test_crossed_mean_leaves_out_rows_without_a_value():
    assert q.crossed_mean([[1.0, np.nan], [3.0, 4.0]]).rows == 1
    assert np.isnan(q.crossed_mean([[np.nan], [1.0]]).value)


@pytest.mark.parametrize(
    ("repeats", "of_repeats", "of_rows", "rest"),
    [(5, 0.05, 0.1, 0.05), (5, 0, 0.2, 0.1), (10, 0.4, 0.1, 0.1)],
)
def test_crossed_mean_covers(repeats, of_repeats, of_rows, rest):
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        table = of_repeats * rng.normal(size=(repeats, 1)) + of_rows * rng.normal(size=(1, 100))
        found = q.crossed_mean(table + rest * rng.normal(size=(repeats, 100)))
        covered += found.low <= 0 <= found.high
    assert stats.binom.ppf(0.001, 400, 0.93) <= covered


def test_sampling_error_ratio_is_0_for_exact_and_1_for_noise():
    signal = np.random.default_rng(0).normal(size=(50, 4))
    assert q.sampling_error_ratio([signal, signal, signal]).value == 0
    noise = np.random.default_rng(1).normal(size=(6, 300, 4))
    assert q.sampling_error_ratio(noise).value == pytest.approx(1, abs=0.05)
    assert np.isnan(q.sampling_error_ratio(np.zeros((3, 10, 2))).value)


@pytest.mark.parametrize(("error", "alike"), [(0.3, 0.0), (1.0, 0.0), (0.3, 0.3)])
def test_the_interval_of_the_sampling_error_ratio_covers(error, alike):
    """`alike`: an error that all rows of a draw share, as from few comparison rows."""
    truth = np.sqrt((error**2 + alike**2) / (1 + error**2))
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        draws = rng.normal(size=(60, 5)) + error * rng.normal(size=(6, 60, 5))
        found = q.sampling_error_ratio(draws + alike * rng.normal(size=(6, 1, 5)))
        covered += found.low <= truth <= found.high
    assert covered >= stats.binom.ppf(0.001, 60, 0.95)


def test_occlusion_equals_shapley_values_where_inputs_act_one_by_one():
    rng = np.random.default_rng(0)
    X, background, weights = (
        rng.normal(size=(20, 4)),
        rng.normal(size=(9, 4)),
        np.array([3.0, -1.0, 0.5, 0.0]),
    )
    found = q.occlusion(lambda Z: Z @ weights, X, background, batch_rows=50)
    assert found == pytest.approx(attributions.linear_shap(weights, X, background.mean(axis=0)))


def test_occlusion_counts_an_interaction_for_both():
    found = q.occlusion(lambda Z: Z[:, 0] * Z[:, 1], np.array([[2.0, 3.0]]), np.zeros((1, 2)))
    assert found.tolist() == [[6.0, 6.0]]  # the Shapley values are 3 and 3


def test_occlusion_of_several_outputs():
    found = q.occlusion(
        lambda Z: np.column_stack([Z[:, 0], 1 - Z[:, 0]]), np.array([[0.9, 0.0]]), np.zeros((2, 2))
    )
    assert found == pytest.approx(np.array([[[0.9, -0.9], [0.0, 0.0]]]))


def test_output_along_equals_loops():
    rng = np.random.default_rng(0)
    X, background = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))

    def f(Z, _rows=None):
        return Z[:, 0] * Z[:, 1] + np.abs(Z[:, 2])

    order = np.argsort(rng.random((4, 3)), axis=1)
    positions = np.arange(4)
    for insert in (False, True):
        expected = np.empty((4, 4))
        for i in range(4):
            for s in positions:
                changed = background.copy() if insert else np.tile(X[i], (5, 1))
                for j in order[i, :s]:
                    changed[:, j] = X[i, j] if insert else background[:, j]
                expected[i, s] = f(changed).mean()
        for batch in (1, 17, 65_536):
            found = q.output_along(f, X, background, order, positions, insert=insert, batch_rows=batch)
            assert found == pytest.approx(expected)


def test_each_changed_row_knows_whose_it_is():
    X = np.arange(6.0).reshape(3, 2)
    found = q.output_along(
        lambda _Z, rows: rows.astype(float), X, X[:2], np.tile([0, 1], (3, 1)), np.arange(3), batch_rows=5
    )
    assert found.tolist() == [[0.0] * 3, [1.0] * 3, [2.0] * 3]


@given(st.integers(1, 300))
def test_positions_are_the_same_from_both_ends(d):
    found = q.positions_of(d)
    assert found[0] == 0
    assert found[-1] == d
    assert (np.diff(found) > 0).all()
    assert (found == d - found[::-1]).all()
    assert len(found) <= 22


def test_gains_of_an_additive_model_by_hand():
    # parts 3, 1, -2 of a row, against 0: as explained the output falls 2, -1, -2, 0 (3 first); random is a straight line
    X, background, weights = np.array([[3.0, 1.0, -2.0]]), np.zeros((1, 3)), np.ones(3)
    found = q.removal(additive(weights), X, background, X, np.random.default_rng(0), orders=2)
    assert found.deletion.tolist() == [[2.0, -1.0, -2.0, 0.0]]
    assert found.insertion.tolist() == [[0.0, 3.0, 4.0, 2.0]]
    # areas by the trapezoid rule: the line 1; deletion (1 - 1 - 2 + 0) / 3, insertion (0 + 3 + 4 + 1) / 3
    gain = q.area_between(found.deletion_random, found.deletion, found.positions)
    put_in = q.area_between(found.insertion, found.insertion_random, found.positions)
    assert gain[0] == pytest.approx(1 - (1 - 1 - 2 + 0) / 3)
    assert put_in[0] == pytest.approx((0 + 3 + 4 + 1) / 3 - 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_no_order_beats_the_true_parts_of_an_additive_model(seed, d):
    rng = np.random.default_rng(seed)
    X, background, weights = rng.normal(size=(6, d)), rng.normal(size=(3, d)), rng.normal(size=d)
    true = (X - background.mean(axis=0)) * weights
    gains = []
    for parts in (true, -true, rng.normal(size=true.shape)):
        found = q.removal(additive(weights), X, background, parts, rng, orders=1)
        gains.append(q.area_between(found.deletion_random, found.deletion, found.positions))
    assert (gains[0] >= -1e-9).all()
    assert (gains[0] >= gains[2] - 1e-9).all()
    assert gains[1] == pytest.approx(-gains[0])  # the reverse order loses what the order gains


def test_the_reverse_order_is_read_off_the_other_way():
    rng = np.random.default_rng(0)
    X, background, parts = rng.normal(size=(5, 6)), rng.normal(size=(4, 6)), rng.normal(size=(5, 6))

    def f(Z, _rows):
        return Z[:, 0] * Z[:, 1] - np.abs(Z[:, 2])

    found = q.removal(f, X, background, parts, rng, orders=1)
    turned = q.removal(f, X, background, -parts, rng, orders=1)
    assert found.deletion_reverse == pytest.approx(turned.deletion)
    assert found.insertion_reverse == pytest.approx(turned.insertion)


def test_randomisation_similarity_and_shuffled_labels():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 200, 8))
    found = q.randomisation_similarity(real, [real, -real, other])
    assert found.mean(axis=1) == pytest.approx([1, -1, 0], abs=0.1)
    y = rng.integers(0, 3, 500)
    shuffled = q.shuffled_labels(y, rng)
    assert np.bincount(shuffled).tolist() == np.bincount(y).tolist()
    assert abs(np.corrcoef(y, shuffled)[0, 1]) < 0.15


@pytest.mark.parametrize(
    "call",
    [
        lambda: q.cosine_similarity(np.ones((2, 2)), np.ones((2, 3))),
        lambda: q.rank_correlation([[np.nan, 1.0]], [[1.0, 2.0]]),
        lambda: q.top_overlap(np.ones((2, 2)), np.ones((2, 2)), 3),
        lambda: q.global_agreement(np.ones((2, 1)), np.ones((2, 1))),
        lambda: q.crossed_mean(np.ones(3)),
        lambda: q.sampling_error_ratio(np.ones((1, 5, 2))),
        lambda: q.occlusion(lambda Z: Z[:, 0], np.ones((2, 2)), np.ones((2, 3))),
        lambda: q.output_along(
            lambda Z, _: Z[:, 0], np.ones((1, 2)), np.ones((1, 2)), np.array([[0, 0]]), np.arange(3)
        ),
        lambda: q.output_along(
            lambda Z, _: Z[:1, 0], np.ones((1, 2)), np.ones((2, 2)), np.array([[0, 1]]), np.arange(3)
        ),
        lambda: q.removal(
            lambda Z, _: Z[:, 0], np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 3)), np.random.default_rng(0)
        ),
        lambda: q.randomisation_similarity(np.ones((2, 2)), []),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(InputError):
        call()
