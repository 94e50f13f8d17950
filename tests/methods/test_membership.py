import math
import time
import tracemalloc
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from auditkit.errors import InputError
from auditkit.methods import membership
from auditkit.methods.membership import (
    SignalKind,
    choose_offline_a,
    population_threshold,
    rmia_offline,
    signal,
)
from auditkit.methods.references import complementary_halves, out_mean

KINDS = get_args(SignalKind)
# few values, so that ties are the rule
tied = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0])
anywhere = st.floats(0.0, 1.0)
likely = st.one_of(tied, anywhere)


# signals -------------------------------------------------------------------------------------------------


def by_hand(row, y, kind):
    own, others = row[y], [p for i, p in enumerate(row) if i != y]
    return {
        "confidence": own,
        "loss": math.log(own),
        "logit": math.log(own) - math.log(sum(others)),
        "entropy": sum(p * math.log(p) for p in row),
        "modified_entropy": (1 - own) * math.log(own) + sum(p * math.log(1 - p) for p in others),
        "margin": own - max(others),
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("y", [0, 1, 2])
def test_signals_equal_their_definitions(kind, y):
    row = [0.6, 0.3, 0.1]
    assert signal([row], [y], kind)[0] == pytest.approx(by_hand(row, y, kind), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_surer_model_gives_a_higher_signal(kind):
    p = np.linspace(0.55, 0.999, 50)
    assert (np.diff(signal(np.column_stack([p, 1 - p]), np.zeros(50, dtype=int), kind)) > 0).all()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"entropy"}))
def test_sure_and_wrong_is_below_sure_and_right(kind):
    wrong, right = signal([[0.99, 0.01], [0.99, 0.01]], [1, 0], kind)
    assert wrong < right


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("y", [0, 1])
def test_signals_stay_finite_at_zero_and_one(kind, y):
    assert np.isfinite(signal([[1.0, 0.0]], [y], kind)).all()


def test_the_logit_keeps_what_one_minus_p_loses():
    low, high = signal([[1.0, 1e-20], [1.0, 1e-30]], [0, 0], "logit")
    assert low == pytest.approx(20 * math.log(10))
    assert high == pytest.approx(30 * math.log(10))


def test_the_logit_of_truncated_output_falls_back_on_one_minus_p():
    assert signal([[0.6, 0.0, 0.0]], [0], "logit")[0] == pytest.approx(math.log(0.6 / 0.4))


def test_a_softmax_in_single_precision_is_accepted():
    logits = np.random.default_rng(0).normal(scale=20, size=(1000, 5)).astype(np.float32)
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    assert all(np.isfinite(signal(proba, logits.argmax(axis=1), kind)).all() for kind in KINDS)


def test_true_class_probability_picks_the_own_column():
    proba = np.random.default_rng(0).dirichlet([1, 1, 1], 20)
    y = np.arange(20) % 3
    expected = [proba[i, y[i]] for i in range(20)]
    assert membership.true_class_probability(proba, y).tolist() == expected


@pytest.mark.parametrize(
    ("proba", "y", "message"),
    [
        ([0.5, 0.5], [0], "at least 2 classes"),
        ([[1.0]], [0], "at least 2 classes"),
        ([[0.5, 0.5]], [2], "from 0 to 1, got 2"),
        ([[0.5, 0.5]], [-1], "from 0 to 1, got -1"),
        ([[0.5, 0.5]], [0.0], "column number"),
        ([[0.5, 0.5]], [0, 1], "column number"),
        ([[0.5, np.nan]], [0], "probabilities"),
        ([[-3.0, 4.0]], [0], "probabilities"),
    ],
)
def test_unusable_probabilities_are_refused(proba, y, message):
    with pytest.raises(InputError, match=message):
        membership.true_class_probability(proba, y)


def test_a_misspelt_signal_is_named():
    with pytest.raises(InputError, match="Did you mean 'margin'"):
        signal([[0.5, 0.5]], [0], "margn")


def test_gap_and_regression_signal_are_higher_where_the_model_is_right():
    assert membership.gap(np.array([True, False])).tolist() == [1.0, 0.0]
    assert membership.regression_signal([1.0, 1.0], [1.0, 3.0]).tolist() == [0.0, -4.0]
    with pytest.raises(InputError, match="boolean"):
        membership.gap([1, 0])
    with pytest.raises(InputError, match="one length"):
        membership.regression_signal([1.0], [1.0, 2.0])


# population threshold ------------------------------------------------------------------------------------

kinds_of = st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 3)), min_size=1, max_size=30)


@given(kinds_of, kinds_of)
def test_population_threshold_equals_the_count_of_pairs(target, population):
    kind, value = (np.array(part) for part in zip(*target, strict=True))
    other_kind, other = (np.array(part) for part in zip(*population, strict=True))
    by = population_threshold(value, other, by=kind, population_by=other_kind)
    together = population_threshold(value, other)
    for row in range(len(value)):
        mine = other[other_kind == kind[row]]
        assert by[row] == pytest.approx(1 - (1 + (mine >= value[row]).sum()) / (1 + mine.size), abs=1e-12)
        assert together[row] == pytest.approx(
            1 - (1 + (other >= value[row]).sum()) / (1 + other.size), abs=1e-12
        )


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_at_most_a_share_alpha_of_non_members_is_flagged(decimals):
    rng = np.random.default_rng(5)
    p_values = []
    for _ in range(300):
        both = rng.normal(size=120).round(decimals)
        p_values.append(1 - population_threshold(both[:60], both[60:]))
    for alpha in (0.05, 0.1, 0.3):
        # 18000 p-values, correlated within a draw: 0.02 is beyond four standard errors
        assert (np.concatenate(p_values) <= alpha + 1e-12).mean() <= alpha + 0.02


def test_a_kind_without_population_records_gets_the_lowest_score():
    score = population_threshold([9.0, 9.0], [1.0, 2.0], by=["a", "new"], population_by=["a", "a"])
    assert score.tolist() == [pytest.approx(2 / 3), 0.0]


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        (([1.0], []), {}, "empty"),
        (([np.nan], [1.0]), {}, "target_signal holds 1"),
        (([1.0], [1.0]), {"by": ["a"]}, "go together"),
        (([1.0], [1.0]), {"by": ["a"], "population_by": ["a", "b"]}, "one value a record"),
    ],
)
def test_population_threshold_refuses_what_it_cannot_compare(args, options, message):
    with pytest.raises(InputError, match=message):
        population_threshold(*args, **options)


# RMIA ----------------------------------------------------------------------------------------------------


def pairwise(p, p_out, z, z_out, a, gamma, strict):
    """Equations 3, 4 and 9 of the paper, one pair at a time."""
    tiny = np.finfo(float).tiny

    def ratio(own, out):
        # 40 bits, so that the same ratio computed from other numbers ties
        digits, exponent = math.frexp(own / max(((1 + a) * out + (1 - a)) / 2, tiny))
        return math.ldexp(round(math.ldexp(digits, 40)), exponent - 40)

    scores = []
    for own, out in zip(p, p_out, strict=True):
        bars = [gamma * ratio(*pair) for pair in zip(z, z_out, strict=True)]
        scores.append(
            sum(ratio(own, out) > bar if strict else ratio(own, out) >= bar for bar in bars) / len(bars)
        )
    return scores


@given(
    st.lists(st.tuples(likely, likely), min_size=1, max_size=25),
    st.lists(st.tuples(likely, likely), min_size=1, max_size=25),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.booleans(),
)
def test_rmia_equals_the_pairwise_definition_ties_included(x, z, a, gamma, strict):
    p, p_out = (list(part) for part in zip(*x, strict=True))
    q, q_out = (list(part) for part in zip(*z, strict=True))
    got = rmia_offline(p, p_out, q, q_out, a=a, gamma=gamma, strict=strict)
    assert got.tolist() == pairwise(p, p_out, q, q_out, a, gamma, strict)


def test_rmia_equals_the_ratio_matrix():
    rng = np.random.default_rng(0)
    p, p_out, z, z_out = rng.uniform(0.01, 1, (4, 400))
    x_ratio, z_ratio = p / (0.65 * p_out + 0.35), z / (0.65 * z_out + 0.35)
    expected = (x_ratio[:, None] / z_ratio > 1).mean(axis=1)
    np.testing.assert_array_equal(rmia_offline(p, p_out, z, z_out, a=0.3, strict=True), expected)


def test_ties_count_only_when_not_strict():
    assert rmia_offline([0.5], [0.5], [0.5], [0.5], a=1.0).tolist() == [1.0]
    assert rmia_offline([0.5], [0.5], [0.5], [0.5], a=1.0, strict=True).tolist() == [0.0]


def simulated(rng, k, n, m, boost):
    """Probabilities of k models on n shared rows and m population rows; a model is `boost` surer of its own."""
    mask = complementary_halves(n, k, rng)
    difficulty, z_difficulty = rng.normal(1, 1.5, n), rng.normal(1, 1.5, m)
    logit = difficulty + boost * mask + rng.normal(0, 0.5, (k, n))
    z_logit = z_difficulty + rng.normal(0, 0.5, (k, m))
    return 1 / (1 + np.exp(-logit)), mask, 1 / (1 + np.exp(-z_logit))


def attack(p, mask, z, target, a=0.5):
    others = [i for i in range(len(p)) if i // 2 != target // 2]
    scores = rmia_offline(
        p[target], out_mean(p[others], mask[others]), z[target], z[others].mean(axis=0), a=a
    )
    return roc_auc_score(mask[target], scores), roc_auc_score(mask[target], p[target])


def test_rmia_finds_planted_members_and_beats_confidence():
    rmia, confidence = attack(*simulated(np.random.default_rng(1), 8, 3000, 3000, boost=1.0), target=0)
    assert rmia > 0.75
    assert rmia > confidence + 0.05
    assert confidence > 0.5


def test_rmia_stays_at_chance_without_leakage():
    # the standard error of an AUC of 3000 rows is about 0.0105
    rmia, confidence = attack(*simulated(np.random.default_rng(2), 8, 3000, 3000, boost=0.0), target=0)
    assert abs(rmia - 0.5) < 0.042
    assert abs(confidence - 0.5) < 0.042


def test_memory_grows_with_the_rows_and_not_with_the_pairs():
    p = np.random.default_rng(0).random((4, 200_000))
    tracemalloc.start()
    rmia_offline(*p, a=0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * p.shape[1]  # all pairs would take 4e10 bytes even at one a pair


@pytest.mark.slow
def test_a_million_records_against_a_million_take_little_more_than_ten_times_a_tenth():
    def seconds(n):
        p = np.random.default_rng(0).random((4, n))
        best = math.inf
        for _ in range(3):
            start = time.perf_counter()
            rmia_offline(*p, a=0.3)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(1_000_000) < 40 * seconds(100_000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": 1.5}, "a must be"),
        ({"a": float("nan")}, "a must be"),
        ({"gamma": 0.0}, "gamma must be"),
        ({"p_target": [1.5]}, "p_target must be probabilities"),
        ({"p_out_mean": [float("nan")]}, "p_out_mean holds 1"),
        ({"p_target": [0.1, 0.2]}, "one length, got 2 and 1"),
        ({"z_target": [], "z_out_mean": []}, "z_target is empty"),
    ],
)
def test_rmia_refuses_unusable_input(change, message):
    good = {"p_target": [0.5], "p_out_mean": [0.5], "z_target": [0.5], "z_out_mean": [0.5], "a": 0.5}
    with pytest.raises(InputError, match=message):
        rmia_offline(**(good | change))


# the choice of a -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("paired", [0, 3])
def test_the_choice_of_a_is_the_best_attack_on_the_paired_reference(paired):
    p, mask, z = simulated(np.random.default_rng(3), 6, 800, 600, boost=1.0)
    choice = choose_offline_a(p, mask, z, paired=paired)
    np.testing.assert_allclose(choice.grid, np.arange(11) / 10)
    expected = [attack(p, mask, z, paired, a)[0] for a in choice.grid]
    np.testing.assert_allclose(choice.auc, expected, rtol=1e-12)
    assert choice.a == choice.grid[int(np.argmax(expected))]


def test_of_equally_good_values_the_smallest_is_chosen():
    # one constant probability everywhere: no value of a tells anything apart
    mask = complementary_halves(10, 4, np.random.default_rng(0))
    choice = choose_offline_a(np.full((4, 10), 0.5), mask, np.full((4, 5), 0.5), grid=[1.0, 0.2, 0.6])
    assert choice.a == 0.2
    assert choice.auc == (0.5, 0.5, 0.5)


def test_references_that_are_not_pairs_are_all_used():
    rng = np.random.default_rng(4)
    mask = np.zeros((3, 60), dtype=bool)
    mask[0, :30], mask[1, 20:40], mask[2, 10:30] = True, True, True
    p, z = rng.uniform(0.1, 1, (3, 60)), rng.uniform(0.1, 1, (3, 40))
    mask[2, 20:30] = False  # else rows 20 to 29 are inside both others
    choice = choose_offline_a(p, mask, z, grid=[0.4])
    scores = rmia_offline(p[0], out_mean(p[1:], mask[1:]), z[0], z[1:].mean(axis=0), a=0.4)
    assert choice.auc[0] == pytest.approx(roc_auc_score(mask[0], scores))


def test_the_choice_of_a_refuses_too_few_references_and_bad_shapes():
    p, mask, z = simulated(np.random.default_rng(0), 2, 20, 10, boost=1.0)
    with pytest.raises(InputError, match="at least 4 references"):
        choose_offline_a(p, mask, z)
    p, mask, z = simulated(np.random.default_rng(0), 4, 20, 10, boost=1.0)
    with pytest.raises(InputError, match="mask boolean"):
        choose_offline_a(p, mask.astype(int), z)
    with pytest.raises(InputError, match=r"\(4, population rows\)"):
        choose_offline_a(p, mask, z[:2])
    with pytest.raises(InputError, match="from 0 to 3, got 4"):
        choose_offline_a(p, mask, z, paired=4)
    with pytest.raises(InputError, match="inside and outside"):
        choose_offline_a(p, np.zeros_like(mask), z)
