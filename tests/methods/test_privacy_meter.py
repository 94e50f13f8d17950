import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.privacy_meter import rmia_as_privacy_meter
from auditkit.methods.references import complementary_halves, out_mean
from auditkit.methods.rmia import rmia_offline


def average_model(says, saw, a, kept):
    """What the tool takes for the probability under an average model: one record, as its documentation tells it."""
    if kept > 1:
        known = sorted((0.0 if inside else p for p, inside in zip(says, saw, strict=True)), reverse=True)[
            :kept
        ]
    else:
        base = a if a != 0 else 0.3
        known = [(p - (1 - base)) / base if inside else p for p, inside in zip(says, saw, strict=True)]
    return (1 + a) / 2 * (sum(known) / len(known)) + (1 - a) / 2


def pairwise(p, references, mask, z, z_references, a, kept):
    nobody = [False] * len(references)
    x_ratio = [p[i] / average_model(references[:, i], mask[:, i], a, kept) for i in range(len(p))]
    z_ratio = [z[i] / average_model(z_references[:, i], nobody, a, kept) for i in range(len(z))]
    return [sum(x / other > 1.0 for other in z_ratio) / len(z_ratio) for x in x_ratio]


def made(seed, k=6, n=80, m=70):
    rng = np.random.default_rng(seed)
    mask = complementary_halves(n, k, rng)
    # sixteenths, so that ratios tie
    draw = [rng.integers(1, 17, shape) / 16 for shape in (n, (k, n), m, (k, m))]
    return draw[0], draw[1], mask, draw[2], draw[3]


@pytest.mark.parametrize("a", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("kept", [1, 2, 3, 6])
def test_it_equals_the_published_algorithm_pair_by_pair(a, kept):
    p, references, mask, z, z_references = made(0)
    got = rmia_as_privacy_meter(p, references, mask, z, z_references, a=a, kept=kept)
    expected = pairwise(p, references, mask, z, z_references, a, kept)
    # thirds and sixths round differently when added by hand: then a pair that ties may fall either way
    np.testing.assert_allclose(got, expected, atol=0 if kept == 2 else 3 / 70)


def test_it_equals_the_table_of_ratios_to_the_last_bit():
    p, references, mask, z, z_references = made(1, k=8, n=500, m=400)
    kept = 4
    out = np.sort(np.where(mask, 0, references).T, axis=1)[:, -kept:][:, ::-1]
    highest = np.sort(z_references.T, axis=1)[:, -kept:][:, ::-1]
    a = 0.3
    x_ratio = p / ((1 + a) / 2 * np.mean(out.copy(), axis=1) + (1 - a) / 2)
    z_ratio = z / ((1 + a) / 2 * np.mean(highest.copy(), axis=1) + (1 - a) / 2)
    expected = np.average(x_ratio[:, None] / z_ratio > 1.0, axis=1)
    np.testing.assert_array_equal(rmia_as_privacy_meter(p, references, mask, z, z_references, a=a), expected)


def test_an_a_of_zero_takes_back_with_three_tenths():
    p, references, mask, z, z_references = made(2, k=2)
    got = rmia_as_privacy_meter(p, references, mask, z, z_references, a=0.0, kept=1)
    np.testing.assert_allclose(got, pairwise(p, references, mask, z, z_references, 0.0, 1), atol=3 / 70)


def test_its_scores_are_too_high_and_in_our_order():
    rng = np.random.default_rng(3)
    mask = complementary_halves(400, 8, rng)
    p, references, z, z_references = (rng.uniform(0.05, 1, s) for s in (400, (8, 400), 300, (8, 300)))
    theirs = rmia_as_privacy_meter(p, references, mask, z, z_references, a=0.4)
    ours = rmia_offline(p, out_mean(references, mask), z, z_references.mean(axis=0), a=0.4, strict=True)
    assert (theirs >= ours).all()
    assert theirs.mean() > ours.mean() + 0.02
    order = np.lexsort((theirs, ours))
    assert (np.diff(theirs[order]) >= 0).all()


def test_equal_ratios_do_not_count_and_nothing_over_nothing_scores_nothing():
    nobody = [[False], [False]]
    assert rmia_as_privacy_meter([0.5], [[0.5], [0.5]], nobody, [0.5], [[0.5], [0.5]], a=1.0).tolist() == [
        0.0
    ]
    assert rmia_as_privacy_meter([0.0], [[0.0], [0.0]], nobody, [0.5], [[0.5], [0.5]], a=1.0).tolist() == [
        0.0
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": 1.1}, "a must be"),
        ({"kept": 3}, "from 1 to 2"),
        ({"z_references": [[0.5]]}, "z_references"),
        ({"p_target": [1.5]}, "p_target must be probabilities"),
        ({"z_target": [], "z_references": [[], []]}, "z_target is empty"),
    ],
)
def test_misuse_is_an_error(change, message):
    good = {
        "p_target": [0.5],
        "p_references": [[0.5], [0.5]],
        "member_mask": [[True], [False]],
        "z_target": [0.5],
        "z_references": [[0.5], [0.5]],
        "a": 0.5,
    }
    with pytest.raises(InputError, match=message):
        rmia_as_privacy_meter(**(good | change))
