import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.references import complementary_halves, in_mean, out_mean
from auditkit.methods.rmia import likelihood_ratio, rmia_offline, rmia_online
from auditkit.statistics import auc

tied = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0])
likely = st.one_of(tied, st.floats(0.0, 1.0))
TINY = np.finfo(float).tiny


def pairwise(x, z, gamma, strict):
    """Equations 3 and 4 of the paper with Pr(x) over models in and out, one pair at a time."""
    scores = []
    for own, inside, outside in x:
        ratio = own / max((inside + outside) / 2, TINY)
        bars = [gamma * (q / max(mean, TINY)) for q, mean in z]
        scores.append(sum(ratio > bar if strict else ratio >= bar for bar in bars) / len(bars))
    return scores


@given(
    st.lists(st.tuples(tied, tied, tied), min_size=1, max_size=20),
    st.lists(st.tuples(tied, tied), min_size=1, max_size=20),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.booleans(),
)
def test_online_equals_the_pairwise_definition_ties_included(x, z, gamma, strict):
    columns = [list(part) for part in (*zip(*x, strict=True), *zip(*z, strict=True))]
    got = rmia_online(*columns, gamma=gamma, strict=strict)
    assert got.tolist() == pairwise(x, z, gamma, strict)


@given(st.lists(likely, min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_online_lies_between_none_and_all(p, seed):
    rng = np.random.default_rng(seed)
    scores = rmia_online(p, rng.random(len(p)), rng.random(len(p)), rng.random(7), rng.random(7))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_where_models_in_say_what_models_out_say_online_is_offline_with_a_of_one():
    p, p_out, z, z_out = np.random.default_rng(0).uniform(0.01, 1, (4, 300))
    np.testing.assert_array_equal(
        rmia_online(p, p_out, p_out, z, z_out), rmia_offline(p, p_out, z, z_out, a=1.0)
    )


def test_the_ratio_behind_it_orders_records_the_same_way():
    p, p_in, p_out, z, z_mean = np.random.default_rng(1).uniform(0.01, 1, (5, 500))
    score = rmia_online(p, p_in, p_out, z, z_mean)
    order = np.argsort(likelihood_ratio(p, (p_in + p_out) / 2, a=1.0))
    assert (np.diff(score[order]) >= 0).all()


def world(rng, n, k, boost):
    mask = complementary_halves(n, k, rng)
    member = np.arange(n) % 2 == 0
    difficulty = rng.normal(1, 1.5, n)

    def probability(inside):
        return 1 / (1 + np.exp(-(difficulty + boost * inside + rng.normal(0, 0.5, inside.shape))))

    z = 1 / (1 + np.exp(-(rng.normal(1, 1.5, n) + rng.normal(0, 0.5, (k + 1, n)))))
    return probability(member), probability(mask), mask, z[0], z[1:].mean(axis=0), member


def scored(made):
    p, references, mask, z, z_mean, member = made
    return rmia_online(p, in_mean(references, mask), out_mean(references, mask), z, z_mean), member


def test_online_finds_planted_members_and_points_the_right_way():
    made = world(np.random.default_rng(2), 4000, 8, 1.0)
    found, raw = auc(*scored(made)), auc(made[0], made[-1])
    assert found.low > 0.75
    assert found.value > raw.value + 0.1


def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says():
    draws, rows = 300, 200
    score, member = scored(world(np.random.default_rng(3), draws * rows, 8, 0.0))
    found = list(map(auc, score.reshape(draws, rows), member.reshape(draws, rows)))
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.912


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": 0.0}, "gamma must be"),
        ({"p_in_mean": [1.5]}, "p_in_mean must be probabilities"),
        ({"p_out_mean": [-0.5]}, "p_out_mean must be probabilities"),
        ({"p_out_mean": [0.5, 0.5]}, "one length"),
        ({"z_target": [], "z_mean": []}, "z_target is empty"),
    ],
)
def test_misuse_is_an_error(change, message):
    good = {"p_target": [0.5], "p_in_mean": [0.5], "p_out_mean": [0.5], "z_target": [0.5], "z_mean": [0.5]}
    with pytest.raises(InputError, match=message):
        rmia_online(**(good | change))


def test_in_mean_is_the_row_by_row_mean_and_refuses_a_row_nobody_saw():
    rng = np.random.default_rng(4)
    mask, values = complementary_halves(30, 6, rng), rng.random((6, 30))
    expected = [values[mask[:, row], row].mean() for row in range(30)]
    np.testing.assert_allclose(in_mean(values, mask), expected, rtol=1e-12)
    with pytest.raises(InputError, match="2 of 2 rows were in the training data of no model"):
        in_mean(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool))
