"""Pseudonyms: keyed, of their column alone, the same for the same value however it is written."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.pseudonyms import Pseudonyms

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work

SECRET = bytes(range(32))


def test_it_is_hmac_under_a_key_of_the_column_by_hand():
    key = hmac.new(SECRET, b"auditkit.protect/1.0\x00column\x00patient", hashlib.sha256).digest()
    assert Pseudonyms(SECRET).of("patient", "ana") == hmac.new(key, b"ana", hashlib.sha256).hexdigest()[:32]


@BUSY
@given(st.lists(st.text(max_size=20), min_size=2, max_size=30, unique=True))
def test_values_columns_and_keys_are_told_apart(values):
    one, other = Pseudonyms(SECRET), Pseudonyms(bytes(32))
    made = one.column("a", values)
    assert len(set(made)) == len(values)
    assert not set(made) & set(one.column("b", values))
    assert not set(made) & set(other.column("a", values))
    assert one.column("a", reversed(values)) == made[::-1]


@pytest.mark.parametrize("same", [17, 17.0, "17", np.int64(17), np.float64(17)])
def test_a_whole_number_has_one_pseudonym(same):
    names = Pseudonyms(SECRET)
    assert names.of("id", same) == names.of("id", 17)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, np.nan])
def test_missing_stays_missing(missing):
    assert Pseudonyms(SECRET).of("id", missing) is None


def test_the_secret_is_not_shown_and_has_its_length():
    assert SECRET.hex() not in repr(Pseudonyms(SECRET))
    with pytest.raises(InputError, match="32 bytes, got 5"):
        Pseudonyms(b"short")
