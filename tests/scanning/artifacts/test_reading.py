"""The reader of pickles: it never falls, never runs, ends in time, and names what a pickle would look up."""

import collections
import io
import pickle
import zlib

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from auditkit.scanning.artifacts import Bounds, record, scan_artifact
from auditkit.scanning.artifacts.arrays import ArrayTrouble, read_npy
from auditkit.scanning.artifacts.walker import shown

STARTS = (b"", b"\x80\x04", b"\x80\x02c", b"\x1f\x8b", b"x\x9c", b"BZh9", b"c", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"{", b"\x08\x00\x00\x00\x00\x00\x00\x00{", b"tree\n", b"(", b"\x89HDF\r\n\x1a\n")  # fmt: skip
TREE = DecisionTreeClassifier(max_depth=2).fit(np.arange(20.0).reshape(10, 2), np.arange(10) % 2)


def by_joblib(thing, compress=0):
    stream = io.BytesIO()
    joblib.dump(thing, stream, compress=compress)
    return stream.getvalue()


FILES = [pickle.dumps(TREE), pickle.dumps(TREE, 0), by_joblib(TREE), by_joblib(TREE, 3), by_joblib({"a": np.array([TREE, 1], dtype=object)})]  # fmt: skip


@given(st.binary(max_size=300), st.sampled_from(STARTS))
def test_any_bytes_are_read_without_a_fall(data, start):
    scan = scan_artifact(start + data)
    assert scan.trust in ("data", "listed", "refused")
    assert (scan.trust == "refused") == bool(scan.troubles)


@settings(max_examples=200)
@given(st.data())
def test_a_file_that_was_changed_is_read_without_a_fall(data):
    file = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    scan_artifact(bytes(file))


PLAIN = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5), lambda c: st.lists(c, max_size=4) | st.dictionaries(st.text(max_size=3), c, max_size=4) | st.tuples(c, c), max_leaves=10)  # fmt: skip


@given(PLAIN)
def test_plain_data_ask_for_nothing(value):
    for protocol in range(3, 6):
        data = pickle.dumps(value, protocol)
        found = record(data)
        assert (found.asks, found.broken, found.end) == ((), "", len(data))


@given(PLAIN, st.integers(0, 5))
def test_what_is_looked_up_is_named(value, protocol):
    """A second way: an unpickler that writes down what it is asked for."""

    class Asked(pickle.Unpickler):
        def find_class(self, module, name):
            names.append((module.replace("__builtin__", "builtins"), name))  # as protocols before 3 write it
            return super().find_class(module, name)

    names = []
    data = pickle.dumps([value, collections.OrderedDict(a=1), zlib.crc32, {1, 2}, 3j], protocol)
    Asked(io.BytesIO(data)).load()
    assert {(one.module, one.name) for one in record(data).asks} == set(names)


@given(
    st.integers(1, 300), st.sampled_from(["f8", "i4", "?", "U7", "S3", "M8[s]", "c16"]), st.sampled_from("CF")
)
def test_the_end_of_an_array_is_found(size, dtype, order):
    array = np.zeros((size, 2), dtype=dtype, order=order)
    for thing in (
        array,
        [array, array[:0], "behind"],
        {"a": array, "b": np.array([1, "x", None], dtype=object)},
    ):
        data = by_joblib(thing)
        found = record(data)
        assert (found.broken, found.end, found.arrays) == ("", len(data), True)


def test_structured_arrays_and_heads():
    fields = np.zeros(5, dtype=[("a", "<f8"), ("b", "<i4", (2,)), ("c", "S3")])
    data = by_joblib([fields, 1])
    assert (record(data).broken, record(data).end) == ("", len(data))
    stream = io.BytesIO()
    np.save(stream, fields)
    head = read_npy(stream.getvalue())
    assert (head.objects, head.end) == (False, len(stream.getvalue()))
    for bad in (b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x05\x00((((("):
        with pytest.raises(ArrayTrouble):
            read_npy(bad)


def test_calls_are_told_from_mere_names():
    found = {
        str(one): one.called for one in record(pickle.dumps([collections.OrderedDict(), zlib.crc32])).asks
    }
    assert found == {"collections.OrderedDict": True, "zlib.crc32": False}


def test_old_names_are_told_as_they_are_looked_up_today():
    assert [str(one) for one in record(b"c__builtin__\neval\n.").asks] == ["builtins.eval"]
    assert [str(one) for one in record(b"\x80\x04c__builtin__\neval\n.").asks] == ["__builtin__.eval"]


def test_names_are_shown_short_and_without_control_characters():
    assert shown(["a", "b", "c"], 2) == "a, b and 1 more"
    assert shown(["os\x1b[31m.x\u202e"]) == "os?[31m.x?"


def test_bounds_hold(sorts_of_a_million):
    began = sorts_of_a_million()
    small = Bounds(steps=1000, held=500, marks=10, names=5)
    assert record(b"\x80\x04" + b"N0" * 10_000 + b"N.", bounds=small).too_long
    assert record(b"\x80\x04" + b"N" * 900 + b".", bounds=small).too_long
    assert record(b"\x80\x04" + b"(" * 50 + b".", bounds=small).too_long
    assert record(b"\x80\x04Nr\xff\xff\xff\x7f.", bounds=small).too_long
    assert record(b"".join(b"cm%d\nf\n0" % i for i in range(20)) + b"N.", bounds=small).too_long
    streams = scan_artifact(b"N." * 200_000 + b"cos\nsystem\n.", bounds=Bounds(steps=100_000))
    assert {one.rule for one in streams.troubles} == {"trailing"}
    hashes = (
        b"\x80\x04)" + b"\x94h\x00h\x00\x86" * 60 + b"}\x8c\x01as."
    )  # a tuple of tuples that takes 2**60 steps to hash
    assert not record(hashes).too_long
    assert sorts_of_a_million() - began < 400


def test_a_name_in_bytes_that_cannot_be_read_on_is_told():
    scan = scan_artifact(b"\x80\x04\xff\x8c\x05posix\x94\x8c\x06system\x94\x93.")
    assert "posix.system" in scan.unlisted
