"""Frames: whatever dress a table comes in, the same table; floats and back without loss."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.frames import Codec, digest, from_pandas, native_of, to_pandas

FRAME = pd.DataFrame(
    {"a": [1, 2, 3], "b": ["x", "y", "x"], "c": [0.5, np.nan, 2.0], "d": [True, False, True]}
)


def test_every_dress_gives_the_same_table():
    for native in ("pandas", "polars", "pyarrow"):
        dressed = from_pandas(FRAME, native)
        assert native_of(dressed) == native
        pd.testing.assert_frame_equal(to_pandas(dressed), FRAME)
    back = to_pandas(FRAME.to_numpy())
    assert list(back.columns) == ["x0", "x1", "x2", "x3"]
    pd.testing.assert_frame_equal(back.set_axis(list(FRAME.columns), axis=1), FRAME)


def test_what_is_no_table_is_told():
    with pytest.raises(
        InputError, match=r"expected a table \(n rows, d columns\), got ndarray of shape \(3,\)"
    ):
        to_pandas(np.zeros(3))
    with pytest.raises(InputError, match="these come twice: a"):
        to_pandas(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InputError, match="these come twice: 1"):
        to_pandas(pd.DataFrame([[1, 2]], columns=[1, "1"]))


def test_the_digest_moves_with_values_names_order_and_types():
    base = digest(FRAME)
    assert digest(FRAME.copy()) == base
    changed = [
        FRAME.assign(a=[1, 2, 4]), FRAME.rename(columns={"a": "A"}), FRAME[["b", "a", "c", "d"]], FRAME.iloc[::-1],
        FRAME.astype({"a": float}), FRAME[:2], FRAME.assign(c=[0.5, 0.0, 2.0]),
    ]  # fmt: skip
    assert len({base, *(digest(f) for f in changed)}) == len(changed) + 1
    assert digest(FRAME, None) != digest(FRAME)
    assert digest(np.array([1, 2])) != digest(np.array([2, 1]))


# One strategy a kind of column: values and the dtype they are kept in.
_missing = st.none()
_moments = st.datetimes(*(pd.Timestamp(year).to_pydatetime() for year in ("1970", "2100")))
COLUMNS = st.one_of(
    st.tuples(st.just("float64"), st.lists(st.floats(allow_infinity=False), min_size=1, max_size=12)),
    st.tuples(
        st.just("float32"), st.lists(st.floats(width=32, allow_infinity=False), min_size=1, max_size=12)
    ),
    st.tuples(st.just("int64"), st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=12)),
    st.tuples(st.just("int64"), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=12)),
    st.tuples(st.just("uint64"), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12)),
    st.tuples(
        st.just("Int64"), st.lists(st.integers(-(2**63), 2**63 - 1) | _missing, min_size=1, max_size=12)
    ),
    st.tuples(st.just("UInt64"), st.lists(st.integers(2**53, 2**64 - 1) | _missing, min_size=1, max_size=12)),
    st.tuples(
        st.just("int64[pyarrow]"), st.lists(st.integers(2**53, 2**63 - 1) | _missing, min_size=1, max_size=12)
    ),
    st.tuples(
        st.sampled_from(["datetime64[ns]", "datetime64[us]"]),
        st.lists(_moments | _missing, min_size=1, max_size=12),
    ),
    st.tuples(
        st.just("datetime64[us, UTC]"),
        st.lists(_moments | _missing, min_size=1, max_size=12),
    ),
    st.tuples(st.just("uint8"), st.lists(st.integers(0, 255), min_size=1, max_size=12)),
    st.tuples(st.just("bool"), st.lists(st.booleans(), min_size=1, max_size=12)),
    st.tuples(st.just("Int64"), st.lists(st.integers(-(2**53), 2**53) | _missing, min_size=1, max_size=12)),
    st.tuples(st.just("boolean"), st.lists(st.booleans() | _missing, min_size=1, max_size=12)),
    st.tuples(st.just("str"), st.lists(st.text(max_size=4) | _missing, min_size=1, max_size=12)),
    st.tuples(st.just("string"), st.lists(st.text(max_size=4) | _missing, min_size=1, max_size=12)),
    st.tuples(st.just("object"), st.lists(st.text(max_size=4) | _missing, min_size=1, max_size=12)),
    st.tuples(st.just("category"), st.lists(st.text(max_size=2) | _missing, min_size=1, max_size=12)),
    st.tuples(st.just("category"), st.lists(st.integers(0, 12), min_size=1, max_size=12)),
)


@settings(max_examples=300, deadline=None)
@given(COLUMNS)
def test_a_column_goes_to_floats_and_comes_back(column):
    dtype, values = column
    frame = pd.DataFrame({"v": pd.Series(values, dtype=dtype)})
    codec = Codec.of(frame)
    matrix = codec.encode(frame)
    assert matrix.dtype == float
    np.testing.assert_array_equal(np.isnan(matrix[:, 0]), frame["v"].isna())
    back = codec.decode(matrix)
    pd.testing.assert_frame_equal(back, frame)
    np.testing.assert_array_equal(codec.encode(back), matrix)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-9, 9) | _missing, st.text(max_size=3) | _missing, st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_a_table_from_polars_or_arrow_goes_and_comes_back(rows):
    a, b, c = ([row[j] for row in rows] for j in range(3))
    table = pa.table({"a": pa.array(a, pa.int64()), "b": pa.array(b, pa.string()), "c": pa.array(c)})
    for dressed in (
        table,
        pl.from_arrow(table),
        pl.from_arrow(table).with_columns(pl.col("b").cast(pl.Categorical)),
    ):
        frame = to_pandas(dressed)
        codec = Codec.of(frame)
        pd.testing.assert_frame_equal(codec.decode(codec.encode(frame)), frame)


def test_the_default_string_dtype_of_pandas_comes_back():
    frame = pd.DataFrame({"s": ["b", None, "a"]})
    codec = Codec.of(frame)
    assert codec.categories == (("a", "b"),)
    np.testing.assert_array_equal(codec.encode(frame)[:, 0], [1, np.nan, 0])
    back = codec.decode(codec.encode(frame))
    assert back["s"].dtype == frame["s"].dtype
    pd.testing.assert_frame_equal(back, frame)


def test_kinds_and_values_never_seen():
    codec = Codec.of(FRAME, FRAME.assign(b="z"))
    assert codec.kinds == ("integer", "categorical", "continuous", "categorical")
    assert codec.categories[1] == ("x", "y", "z")
    assert np.isnan(codec.encode(FRAME.assign(b="never"))[:, 1]).all()
    whole = Codec.of(pd.DataFrame({"w": [1.0, np.nan, 3.0]}))
    assert whole.kinds == ("integer",), "whole numbers beside missing ones are whole numbers"


def test_an_integer_or_boolean_column_with_a_hole_keeps_the_hole():
    codec = Codec.of(FRAME)
    matrix = codec.encode(FRAME)
    matrix[1, [0, 3]] = np.nan
    back = codec.decode(matrix)
    assert back["a"].dtype == float
    assert back["a"].isna().tolist() == [False, True, False]
    assert back["d"][[0, 2]].tolist() == [True, True]
    assert back["d"].isna().tolist() == [False, True, False]


def test_integers_that_floats_do_not_tell_apart_are_categories():
    frame = pd.DataFrame({"id": [2**53, 2**53 + 1, 2**60 + 1], "n": [1, 2, 3]})
    codec = Codec.of(frame)
    assert codec.kinds == ("categorical", "integer")
    matrix = codec.encode(frame)
    assert len(np.unique(matrix[:, 0])) == 3
    assert codec.decode(matrix)["id"].tolist() == [2**53, 2**53 + 1, 2**60 + 1]
    assert Codec.of(pd.DataFrame({"id": [2**53, -(2**53)]})).kinds == ("integer",)
    matrix[1, 0] = np.nan
    assert codec.decode(matrix)["id"].isna().tolist() == [False, True, False]


def test_numbers_between_codes_are_rounded():
    codec = Codec.of(FRAME)
    back = codec.decode(codec.encode(FRAME) + 0.4)
    assert back["a"].tolist() == [1, 2, 3]
    assert back["b"].tolist() == ["x", "y", "x"]
    np.testing.assert_allclose(back["c"].dropna(), [0.9, 2.4])
