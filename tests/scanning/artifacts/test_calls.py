"""Calls of listed names: what a model needs is let through; what reaches memory or files is refused by the scan, and again when it is opened."""

import io
import pickle
import struct

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from auditkit.errors import InputError
from auditkit.loading import load_model
from auditkit.loading.unpickling import array_reader, plain_reader
from auditkit.scanning.artifacts import scan_artifact

POINTER = struct.pack("<Q", 0x4141414141414148)
WORDS = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n(VO8\nI00\nI01\ntR"


def made(function, *args):
    """Return the pickle of a model one part of which is made by a call."""

    class Part:
        def __reduce__(self):
            return function, args

    return Part()


def model(part):
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    fitted.part_ = part
    return fitted


def booster(package):
    return pytest.importorskip(package).Booster


def in_array(one):
    return np.array([one, None], dtype=object)


GUILTY = {
    "an array over bytes": (lambda: made(np.ndarray, (1,), np.dtype("O"), POINTER), "numpy.ndarray"),
    "an array over numbers": (lambda: made(np.ndarray, (1,), np.dtype("f8"), POINTER), "numpy.ndarray"),
    "an array, by its class": (lambda: made(np.ndarray.__new__, np.ndarray, (1,)), ""),
    "made again by arrays": (lambda: made(__import__("copyreg")._reconstructor, np.ndarray, np.ndarray, (1,)), "copyreg._reconstructor"),
    "made again by a booster": (lambda: made(__import__("copyreg")._reconstructor, booster("xgboost"), booster("xgboost"), {}), "copyreg._reconstructor"),
    "a path given to XGBoost": (lambda: made(booster("xgboost"), None, (), "/etc/hostname"), "xgboost.core.Booster"),
    "a path given to LightGBM": (lambda: made(booster("lightgbm"), None, None, "/etc/hostname"), "lightgbm.basic.Booster"),
}  # fmt: skip


def dumped(value, way):
    stream = io.BytesIO()
    joblib.dump(value, stream) if way == "joblib" else stream.write(pickle.dumps(value))
    return stream.getvalue()


@pytest.mark.parametrize("way", ["pickle", "joblib", "in an array of joblib's"])
@pytest.mark.parametrize("name", GUILTY)
def test_a_call_that_no_model_needs_is_refused_twice(name, way):
    build, asked = GUILTY[name]
    part = in_array(build()) if way.startswith("in") else build()
    data = dumped(model(part), "pickle" if way == "pickle" else "joblib")
    scan = scan_artifact(data)
    assert scan.trust == "refused"
    assert not asked or ("pickle-call", f"it calls {asked} as no model does") in [
        (one.rule, one.words) for one in scan.troubles
    ]
    reader = plain_reader if way == "pickle" else array_reader
    with pytest.raises(pickle.UnpicklingError, match=r"refused: the file (calls|asks for)"):
        reader(io.BytesIO(data)).load()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04(" + WORDS[0] + b"(I1\nt" + WORDS[1] + b"C\x08" + POINTER + b"o.",
        b"\x80\x04" + WORDS[0] + b"(I1\nt" + WORDS[1] + b"C\x08" + POINTER + b"\x87\x81.",
        b"\x80\x04" + WORDS[0] + b"(I1\nt" + WORDS[1] + b"C\x08" + POINTER + b"\x87}\x92.",
        b"\x80\x04((I1\nt" + WORDS[1] + b"C\x08" + POINTER + b"inumpy\nndarray\n.",
        b"\x80\x04clightgbm.basic\nBooster\n)}Vmodel_file\nV/etc/hostname\ns\x92.",
    ],
    ids=["OBJ", "NEWOBJ", "NEWOBJ_EX", "INST", "NEWOBJ_EX with words"],
)  # fmt: skip
def test_every_instruction_that_calls_is_looked_at(data):
    assert "pickle-call" in {one.rule for one in scan_artifact(data).troubles}
    with pytest.raises(pickle.UnpicklingError, match="refused: the file calls"):
        plain_reader(io.BytesIO(data)).load()


def stated(name, state):
    """Return a pickle of the numpy type of a name, built from a state of the file's own."""
    return b"\x80\x04cnumpy\ndtype\n(V" + name + b"\nI00\nI01\ntR" + state + b"b."


FIELD = b"}Vx\n(cnumpy\ndtype\n(V%s\nI00\nI01\ntRI%d\nts"
LIES = {
    "objects that say they are numbers": stated(b"O8", b"(I3\nV|\nNNNI-1\nI-1\nI0\nt"),
    "objects that count no references": stated(b"O8", b"(I3\nV|\nNNNI-1\nI-1\nI1\nt"),
    "numbers that say they are objects": stated(b"f8", b"(I3\nV<\nNNNI-1\nI-1\nI63\nt"),
    "a field of objects that says it is none": stated(b"V8", b"(I3\nV|\nN(Vx\nt" + FIELD % (b"O8", 0) + b"I8\nI1\nI0\nt"),
    "a field that lies behind the end": stated(b"V8", b"(I3\nV|\nN(Vx\nt" + FIELD % (b"f8", 4096) + b"I8\nI1\nI0\nt"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_type_of_numpy_that_lies_is_refused(name):
    with pytest.raises(pickle.UnpicklingError, match="not what it says"):
        plain_reader(io.BytesIO(LIES[name])).load()


HONEST = [
    np.dtype("O"), np.dtype("f8"), np.dtype(">i4"), np.dtype("U7"), np.dtype("S3"), np.dtype("M8[ns]"), np.dtype("V5"), np.dtype("?"),
    np.dtype([("a", "f8"), ("b", "O"), ("c", "i1", (2, 3))]), np.dtype([("a", "i1"), ("b", "f8")], align=True),
    np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [12], "itemsize": 32}), np.dtype([("t", [("u", "O"), ("v", "f4")])]),
]  # fmt: skip


@pytest.mark.parametrize("dtype", HONEST, ids=str)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_type_of_numpy_that_says_what_it_is_is_let_through(dtype, protocol):
    value = np.zeros(3, dtype)
    data = pickle.dumps(value, protocol)
    assert scan_artifact(data).trust == "listed"
    read, live = plain_reader(io.BytesIO(data)).load(), pickle.loads(data)
    assert (read.dtype, read.dtype.flags) == (live.dtype, live.dtype.flags)
    assert repr(read) == repr(live)


def test_parts_that_models_hold_are_made():
    forest = RandomForestClassifier(3, random_state=0).fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    forest.kept_ = {
        "class": np.ndarray,
        "array": np.arange(3),
        "objects": np.array(["a", None], dtype=object),
        "order": range(3),
    }
    for protocol in range(6):
        data = pickle.dumps(forest, protocol)
        assert scan_artifact(data).trust == "listed"
        read = plain_reader(io.BytesIO(data)).load()
        assert read.kept_["class"] is np.ndarray
        np.testing.assert_array_equal(read.predict([[0.0], [2.0]]), forest.predict([[0.0], [2.0]]))


@pytest.mark.linux
def test_past_the_scan_the_process_of_the_model_refuses_too(tmp_path, monkeypatch):
    file = tmp_path / "m.pkl"
    file.write_bytes(dumped(model(GUILTY["an array over bytes"][0]()), "pickle"))
    with pytest.raises(InputError, match=r"refused: \[pickle-call\] it calls numpy.ndarray as no model does"):
        load_model(file)
    monkeypatch.setattr("auditkit.loading.models._refuse", lambda *_: None)
    with pytest.raises(InputError, match=r"refused: the file calls numpy\.ndarray"):
        load_model(file)
