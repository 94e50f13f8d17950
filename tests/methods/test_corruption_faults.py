"""A feed breaks exactly as the words say, in the columns they name, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, rotate

from auditkit.errors import InputError
from auditkit.methods import corruption
from auditkit.methods.feature_space import FeatureSpace

RNG = np.random.default_rng


def space_of(X, kinds=("continuous", "integer", "categorical"), names=("dose", "age", "ward")):
    return FeatureSpace.infer(X, kinds, names)


def table(n=50, seed=0):
    rng = RNG(seed)
    X = np.column_stack([rng.normal(40, 15, n), rng.integers(18, 91, n), rng.integers(0, 4, n)]).astype(float)
    X[3, 0] = np.nan
    return X, space_of(X)


EXPECTED = {
    "× 1000": (12.34, 12340.0),
    "÷ 1000": (12.34, 0.01234),
    "× 100": (12.34, 1234.0),
    "÷ 100": (12.34, 0.1234),
    "× 12": (2.0, 24.0),
    "÷ 12": (24.0, 2.0),
    "km as miles": (1.609344, 1.0),
    "miles as km": (1.0, 1.609344),
    "°C as °F": (100.0, 212.0),
    "°F as °C": (212.0, 100.0),
    "sign turned": (12.34, -12.34),
    "decimals cut": (-12.34, -12.0),
    "last digit lost": (1234.5, 123.0),
    "one digit kept": (-0.0367, -0.04),
    "frozen at 0": (12.34, 0.0),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_number_becomes_what_the_words_say(kind):
    before, after = EXPECTED[kind]
    X = np.array([[before], [np.nan], [0.5]])
    space = space_of(X, ["continuous"], ["dose"])
    (fault,) = (f for f in corruption.column_faults(space) if f.kind == kind)
    broken = fault.broken(X, RNG(0))
    assert broken[0, 0] == pytest.approx(after)
    assert np.isnan(broken[1, 0])  # what was missing stays missing
    assert fault.words == f"dose {kind}"


def test_every_kind_of_fault_of_numbers_is_held_to_a_number():
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    kinds = {f.kind for f in corruption.column_faults(space_of(X, ["continuous"] * 2, ["a", "b"]))}
    assert kinds - set(EXPECTED) == {"frozen at its median", "of the row before", "of rows at random"}


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_only_the_named_column_breaks_and_whole_numbers_stay_whole(seed):
    X, space = table(20, seed)
    before = X.copy()
    for fault in corruption.column_faults(space):
        broken = fault.broken(X, RNG(seed))
        still = np.setdiff1d(range(3), fault.columns)
        np.testing.assert_array_equal(broken[:, still], X[:, still])
        assert (broken[:, 1] == np.rint(broken[:, 1])).all()
        codes = broken[:, 2][~np.isnan(broken[:, 2])]
        assert np.isin(codes, X[:, 2]).all()
    np.testing.assert_array_equal(X, before)  # the input is never written to


def test_stale_and_frozen_columns_hold_values_of_the_column():
    X, space = table()
    by_words = {f.words: f.broken(X, RNG(1)) for f in corruption.column_faults(space)}
    np.testing.assert_array_equal(by_words["age of the row before"][1:, 1], X[:-1, 1])
    np.testing.assert_array_equal(np.sort(by_words["age of rows at random"][:, 1]), np.sort(X[:, 1]))
    assert set(by_words["age frozen at its median"][:, 1]) == {np.sort(X[:, 1])[24]}
    values, counts = np.unique(X[:, 2], return_counts=True)
    assert set(by_words["ward frozen at its most frequent"][:, 2]) == {values[counts.argmax()]}
    assert "ward × 1000" not in by_words  # a code has no unit
    assert "age decimals cut" not in by_words  # a whole number has none


def test_swaps_are_of_columns_that_could_pass_for_each_other():
    rng = RNG(0)
    X = np.column_stack(
        [rng.normal(0, 1, 80), rng.normal(0.5, 1, 80), rng.normal(100, 1, 80), rng.normal(0, 1, 80)]
    )
    space = space_of(X, ["continuous"] * 4, list("abcd"))
    pairs = corruption.alike_pairs(X, space)
    assert sorted(pairs) == [(0, 1), (0, 3), (1, 3)]  # nothing is taken for the column near 100
    assert pairs[0] == (0, 3)  # medians closest
    assert corruption.alike_pairs(X, space, most=1) == [(0, 3)]
    broken = corruption.swap_fault(space, 0, 1).broken(X, rng)
    np.testing.assert_array_equal(broken, X[:, [1, 0, 2, 3]])
    with pytest.raises(InputError, match="two columns of numbers"):
        corruption.swap_fault(table()[1], 0, 2)


def test_a_typo_never_gives_a_word_that_exists():
    assert corruption.typo("male", "case", ["MALE"]) == "male"
    assert corruption.typo("MALE", "case") == "male"
    assert corruption.typo("A1", "letter") == "A2"
    assert corruption.typo("A9", "letter") == "A8"
    assert corruption.typo("", "letter") == "x"
    with pytest.raises(InputError, match=r"no typo named 'leter'\. Did you mean 'letter'"):
        corruption.typo("a", "leter")


def pictures(n=20, side=8, seed=0):
    return RNG(seed).random((n, side, side))


@pytest.mark.parametrize("name", corruption.IMAGE_CORRUPTIONS)
@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (3, 10, 12)])
def test_pictures_keep_their_shape_and_range_and_get_worse_with_severity(name, shape):
    x = RNG(1).random((30, *shape)) * 16
    away = []
    for severity in range(1, 6):
        out = corruption.corrupt_images(x, name, severity, RNG(2), low=0, high=16)
        assert out.shape == x.shape
        assert out.min() >= 0
        assert out.max() <= 16
        np.testing.assert_array_equal(
            out, corruption.corrupt_images(x, name, severity, RNG(2), low=0, high=16)
        )
        away.append(np.abs(out - x).mean())
    assert away[0] > 0
    if name != "shift":  # unrelated pixels are as far from each other at any distance
        assert (np.diff(away) >= -1e-12).all()
        assert away[-1] > away[0]


def test_pictures_are_spoilt_as_the_definition_says():
    x = pictures()
    spoil = corruption.corrupt_images
    np.testing.assert_allclose(spoil(x, "brightness", 3, RNG(0)), np.clip(x + 0.3, 0, 1))
    mean = x.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(spoil(x, "contrast", 2, RNG(0)), (x - mean) * 0.3 + mean)
    np.testing.assert_allclose(
        spoil(x, "blur", 5, RNG(0))[4], gaussian_filter(x[4], 0.15 * 8, mode="nearest")
    )
    noisy = spoil(np.full((400, 8, 8), 0.5), "gaussian_noise", 1, RNG(0))
    assert noisy.std() == pytest.approx(0.08, rel=0.02)
    covered = spoil(np.ones((50, 8, 8)), "occlusion", 4, RNG(0))
    assert ((1 - covered).sum((1, 2)) == 16).all()  # a square of half the side
    turned = spoil(x, "rotation", 2, RNG(0))
    either = [np.clip(rotate(x[0], a, reshape=False, order=1), 0, 1) for a in (20, -20)]
    assert any(np.allclose(turned[0], one) for one in either)
    moved = spoil(x, "shift", 5, RNG(0))[0]
    ways = [np.roll(x[0], far, axis) for axis in (0, 1) for far in (2, -2)]
    assert any((moved == way)[moved > 0].all() and (moved == 0).sum() == 16 for way in ways)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "fog"}, "no corruption of images"),
        ({"severity": 6}, "from 1 to 5"),
        ({"images": np.ones((4, 4))}, "expected pictures"),
        ({"high": 0.0}, "low < high"),
    ],
)
def test_what_is_no_picture_is_refused(change, words):
    given = {"images": pictures(), "name": "blur", "severity": 1, "rng": RNG(0)} | change
    with pytest.raises(InputError, match=words):
        corruption.corrupt_images(**given)


def test_pictures_are_told_from_tables():
    from sklearn.datasets import load_breast_cancer, load_digits

    digits = load_digits().data
    assert corruption.looks_like_images(digits) == 8
    assert corruption.looks_like_images(digits[:, RNG(0).permutation(64)]) == 0  # no neighbours any more
    assert corruption.looks_like_images(load_breast_cancer().data[:, :25]) == 0
    assert corruption.looks_like_images(RNG(0).random((300, 64))) == 0
    assert corruption.looks_like_images(digits[:, :63]) == 0
