"""Models from files: hostile ones are refused and nothing in them runs; honest ones open as far as they are trusted."""

import builtins
import bz2
import copy
import gzip
import hashlib
import io
import lzma
import os
import pickle
import subprocess
import zipfile
import zlib

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from auditkit.errors import InputError
from auditkit.loading import load_model
from auditkit.predictors import as_predictor
from auditkit.reading import read_bounded

X = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0)[::-1] ** 2})
Y = np.arange(20) % 2
MODEL = LogisticRegression().fit(X, Y)


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.fixture
def marker(tmp_path):
    path = tmp_path / "ran"
    yield path
    assert not path.exists(), "something in the file ran"


def hostile(marker):
    touch = f"open({str(marker)!r}, 'w').close()"
    return {
        "posix.system": Call(os.system, f"touch {marker}"),
        "builtins.eval": Call(builtins.eval, touch),
        "builtins.exec": Call(exec, touch),
        "subprocess.Popen": Call(subprocess.Popen, ["touch", str(marker)]),
        "builtins.open": Call(open, str(marker), "w"),
    }


def compressed_by_joblib(thing, how):
    stream = io.BytesIO()
    joblib.dump(thing, stream, compress=how)
    return stream.getvalue()


PACKINGS = {
    "plain": pickle.dumps,
    "protocol 0": lambda thing: pickle.dumps(thing, 0),
    "protocol 1": lambda thing: pickle.dumps(thing, 1),
    "protocol 2": lambda thing: pickle.dumps(thing, 2),
    "joblib": lambda thing: compressed_by_joblib(thing, 0),
    "joblib gzip": lambda thing: compressed_by_joblib(thing, ("gzip", 3)),
    "joblib zlib": lambda thing: compressed_by_joblib(thing, ("zlib", 3)),
    "joblib bz2": lambda thing: compressed_by_joblib(thing, ("bz2", 3)),
    "joblib xz": lambda thing: compressed_by_joblib(thing, ("xz", 3)),
    "joblib lzma": lambda thing: compressed_by_joblib(thing, ("lzma", 3)),
    "gzip twice": lambda thing: gzip.compress(gzip.compress(pickle.dumps(thing))),
    "after an array": lambda thing: compressed_by_joblib([np.arange(500.0), thing], 0),
    "in a model": lambda thing: compressed_by_joblib({"model": MODEL, "x": thing}, 0),
    "second stream": lambda thing: pickle.dumps({"harmless": 1}) + pickle.dumps(thing),
}


@pytest.mark.parametrize("name", ["model.pkl", "model.skops", "model.onnx", "model"])
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("asked", ["posix.system", "builtins.eval", "builtins.exec", "subprocess.Popen"])
def test_a_pickle_is_refused_and_named_and_nothing_runs(tmp_path, marker, asked, packing, name):
    file = tmp_path / name
    file.write_bytes(PACKINGS[packing](hostile(marker)[asked]))
    with pytest.raises(InputError, match=r"refused: .*\[pickle-global\]") as caught:
        load_model(file)
    assert f"asks for {asked}" in str(caught.value)
    # the digest would be one paste from opening it
    assert hashlib.sha256(file.read_bytes()).hexdigest() not in str(caught.value)
    assert f"sha256sum {file.name}" in str(caught.value)


def test_a_wrong_digest_is_refused_before_a_byte_is_opened(tmp_path, marker):
    file = tmp_path / "m.pkl"
    file.write_bytes(pickle.dumps(hostile(marker)["posix.system"]))
    with pytest.raises(
        InputError, match=r"the file is not the one that was pinned. Nothing in it was opened"
    ):
        load_model(file, sha256="0" * 64)
    for bad in ("", "abc", "g" * 64):
        with pytest.raises(InputError, match="64 hexadecimal digits"):
            load_model(file, sha256=bad)


@pytest.mark.parametrize(
    "packing",
    [p for p in PACKINGS if p not in ("gzip twice", "second stream", "after an array", "in a model")],
)
def test_a_pinned_file_opens(tmp_path, packing):
    file = tmp_path / "m.joblib"
    file.write_bytes(PACKINGS[packing](MODEL))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    loaded = load_model(file, sha256=digest.upper())
    kind = "joblib" if packing.startswith("joblib") else "pickle"
    assert (loaded.trust, loaded.digest, loaded.format, loaded.apart) == ("pinned", digest, kind, False)
    np.testing.assert_array_equal(loaded.model.predict_proba(X), MODEL.predict_proba(X))


def test_the_bytes_that_are_hashed_are_the_bytes_that_are_opened(tmp_path, marker, monkeypatch):
    """A file swapped after it was read changes nothing: it is read once."""
    file = tmp_path / "m.pkl"
    file.write_bytes(pickle.dumps(MODEL))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    reads = []

    def swapped(path, most, what):
        reads.append(path)
        data = read_bounded(path, most, what)
        path.write_bytes(pickle.dumps(hostile(marker)["posix.system"]))
        return data

    monkeypatch.setattr("auditkit.loading.models.read_bounded", swapped)
    assert isinstance(load_model(file, sha256=digest).model, LogisticRegression)
    assert len(reads) == 1


@pytest.mark.parametrize(
    "packing",
    [p for p in PACKINGS if p not in ("gzip twice", "second stream", "after an array", "in a model")],
)
def test_a_listed_pickle_opens_without_a_digest(tmp_path, packing):
    file = tmp_path / "m.txt"
    file.write_bytes(PACKINGS[packing](MODEL))
    loaded = load_model(file)
    assert (loaded.trust, loaded.apart) == ("listed", True)
    np.testing.assert_array_equal(loaded.model.predict_proba(X), MODEL.predict_proba(X))


def test_skops_opens_what_is_listed_and_names_what_is_not(tmp_path):
    file = tmp_path / "credit.model"
    boosted = LGBMClassifier(n_estimators=2, min_child_samples=2, verbose=-1, n_jobs=1).fit(X, Y)
    for model in (MODEL, boosted):
        file.write_bytes(skops.io.dumps(model))
        loaded = load_model(file)
        assert (loaded.trust, loaded.format) == ("listed", "skops")
        np.testing.assert_array_equal(loaded.model.predict_proba(X), model.predict_proba(X))
    strange = make_pipeline(FunctionTransformer(copy.copy), LogisticRegression()).fit(X, Y)
    file.write_bytes(skops.io.dumps(strange))
    with pytest.raises(
        InputError, match=r'\[skops-type\] it asks for copy.copy.*: model.trusted = \["copy.copy"\]'
    ):
        load_model(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    for pinned in (None, digest):
        loaded = load_model(file, trusted=["copy.copy"], sha256=pinned)
        assert (loaded.trust, loaded.apart) == ("listed", pinned is None)
        np.testing.assert_array_equal(loaded.model.predict_proba(X), strange.predict_proba(X))
    with pytest.raises(InputError, match=r"asks for copy.copy"):
        load_model(file, sha256=digest)


def test_a_hostile_skops_file_is_refused(tmp_path, marker):
    schema = {
        "__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "content": "system", "__id__": 1,
        "protocol": 2, "_skops_version": "0.16.0",
    }  # fmt: skip
    import json

    for content in (json.dumps(schema), "{", "[]", json.dumps({**schema, "__loader__": "NoSuchNode"})):
        file = tmp_path / "m.skops"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("schema.json", content)
        with pytest.raises(InputError, match="refused"):
            load_model(file)


def test_onnx_opens_as_data(tmp_path):
    file = tmp_path / "m.pkl"
    data = convert_sklearn(MODEL, initial_types=[("X", FloatTensorType([None, 2]))]).SerializeToString()
    file.write_bytes(data)
    loaded = load_model(file, sha256=hashlib.sha256(data).hexdigest())
    assert (loaded.trust, loaded.format, loaded.apart) == ("data", "ONNX", False)
    np.testing.assert_array_equal(loaded.model.predict(X), MODEL.predict(X))
    loaded = load_model(file)
    assert (loaded.trust, loaded.apart) == ("data", True)
    np.testing.assert_array_equal(loaded.model.predict(X), MODEL.predict(X))


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "an empty file"),
        (b"hello", "a file of unknown kind"),
        (b"\x89HDF\r\n\x1a\n rest", "an HDF5 file"),
        (zipped(archive__data_pkl="x"), "pickle-broken"),
        (zipped(archive__data_pkl=pickle.dumps({})), "holds weights and no model to ask"),
        (zipped(model_pkl="x"), "a zip archive without skops's schema.json"),
        (b"PK\x03\x04 broken", "a broken zip archive"),
        (gzip.compress(b"no pickle", mtime=0), "a gzip archive that holds no pickle"),
        (zlib.compress(b"no pickle"), "a zlib archive that holds no pickle"),
        (bz2.compress(b"no pickle"), "a bz2 archive that holds no pickle"),
        (lzma.compress(b"no pickle"), "a xz archive that holds no pickle"),
        (gzip.compress(b"\x80\x04.", mtime=0)[:-9] + b"broken", "gzip"),
        (b"#!/bin/sh\n", "a script"),
        (b"\x7fELF", "a program"),
        (b'{"learner": {}}', "cannot be opened"),
        (b"\x93NUMPY", "a numpy array"),
    ],
)
def test_everything_else_is_refused_by_name(tmp_path, content, named):
    file = tmp_path / "model.skops"
    file.write_bytes(content)
    with pytest.raises(InputError, match="refused") as caught:
        load_model(file)
    assert named in str(caught.value) or named == "gzip"


def test_the_boosters_own_files_open_as_data(tmp_path):
    xgboost = pytest.importorskip("xgboost")
    booster = lightgbm.train(
        {"verbose": -1, "objective": "binary", "num_threads": 1}, lightgbm.Dataset(X, Y), 2
    )
    booster.save_model(tmp_path / "m.txt")
    other = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(X, Y), 2)
    other.save_model(tmp_path / "m.json")
    other.save_model(tmp_path / "m.ubj")
    for name, kind, said in (
        ("m.txt", "LightGBM text", booster.predict(X)),
        ("m.json", "XGBoost JSON", other.predict(xgboost.DMatrix(X))),
        ("m.ubj", "XGBoost UBJSON", other.predict(xgboost.DMatrix(X))),
    ):
        loaded = load_model(tmp_path / name)
        assert (loaded.trust, loaded.format) == ("data", kind)
        told = as_predictor(loaded.model, task="binary", labels=np.array([0, 1])).predict_proba(X)
        np.testing.assert_allclose(told[:, 1], said, rtol=1e-6)


def test_links_folders_and_missing_files(tmp_path):
    real = tmp_path / "real.skops"
    real.write_bytes(skops.io.dumps(MODEL))
    (tmp_path / "link.skops").symlink_to(real)
    assert load_model(tmp_path / "link.skops").trust == "listed"
    with pytest.raises(InputError, match="is a folder"):
        load_model(tmp_path)
    with pytest.raises(InputError, match=r"Did you mean 'real.skops'"):
        load_model(tmp_path / "reel.skops")


def test_a_pinned_file_that_breaks_is_told(tmp_path):
    file = tmp_path / "m.pkl"
    for content in (
        pickle.dumps(MODEL)[:-20],
        pickle.dumps(MODEL).replace(b"sklearn", b"sklearm"),
        gzip.compress(b"\x80\x04", mtime=0),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be loaded|needs the package 'sklearm'|refused"):
            load_model(file, sha256=hashlib.sha256(content).hexdigest())
