"""Benjamini-Hochberg against statsmodels, with tests that were never made."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from auditkit import statistics as ak
from auditkit.errors import InputError
from auditkit.statistics.multiplicity import holm


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=30))
def test_agrees_with_statsmodels_and_lets_nan_through(p_values):
    raw = np.array(p_values, dtype=float)
    adjusted = ak.benjamini_hochberg(raw)
    tested = ~np.isnan(raw)
    np.testing.assert_array_equal(np.isnan(adjusted), ~tested)
    if tested.any():
        expected = multipletests(raw[tested], method="fdr_bh")[1]
        np.testing.assert_allclose(adjusted[tested], expected, atol=1e-12)
        assert (adjusted[tested] >= raw[tested] - 1e-12).all()


@settings(
    max_examples=40
)  # statsmodels collects garbage at each call, which takes long in a process that has imported much
@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=30))
def test_holm_agrees_with_statsmodels_and_lets_nan_through(p_values):
    raw = np.array(p_values, dtype=float)
    adjusted = holm(raw)
    tested = ~np.isnan(raw)
    np.testing.assert_array_equal(np.isnan(adjusted), ~tested)
    if tested.any():
        np.testing.assert_allclose(adjusted[tested], multipletests(raw[tested], method="holm")[1], atol=1e-12)


def test_holm_refuses_what_is_no_p_value():
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        holm([0.5, 1.5])


def test_shape_is_kept_and_the_input_untouched():
    raw = np.array([[0.01, 0.5], [np.nan, 0.02]])
    assert ak.benjamini_hochberg(raw).shape == (2, 2)
    assert raw[0, 0] == 0.01
    assert ak.benjamini_hochberg([]).size == 0


def test_false_discoveries_are_held():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        p = np.r_[rng.uniform(size=80), rng.beta(0.05, 10, size=20)]  # the last 20 are real
        found = ak.benjamini_hochberg(p) <= 0.1
        shares.append(found[:80].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.1


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [0.5, np.inf]])
def test_outside_0_1_is_refused(bad):
    with pytest.raises(InputError):
        ak.benjamini_hochberg(bad)
