"""Real estimators: every one is let through, in every way it is written, and what it asks for is on the list."""

import io
import pickle

import joblib
import numpy as np
import pytest
import skops.io

from auditkit.scanning.artifacts import scan_artifact


def by_joblib(model, compress):
    stream = io.BytesIO()
    joblib.dump(model, stream, compress=compress)
    return stream.getvalue()


WAYS = {
    "pickle": (pickle.dumps, "pickle"),
    "protocol 0": (lambda model: pickle.dumps(model, 0), "pickle"),
    "protocol 2": (lambda model: pickle.dumps(model, 2), "pickle"),
    "joblib": (lambda model: by_joblib(model, 0), "joblib"),
    "joblib, packed": (lambda model: by_joblib(model, ("xz", 1)), "joblib"),
    "skops": (skops.io.dumps, "skops"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_one_is_let_through(fitted, way):
    write, kind = WAYS[way]
    assert len(fitted) >= 85
    refused = []
    for name, model, _ in fitted:
        scan = scan_artifact(write(model))
        if scan.trust != "listed" or scan.kind not in (kind, "pickle"):
            refused.append((name, scan.kind, [str(one) for one in scan.troubles]))
    assert refused == []


def test_what_the_reader_names_is_what_pickle_looks_up(fitted):
    """A second way: an unpickler that writes down what it is asked for, while it opens the same bytes."""

    class Asked(pickle.Unpickler):
        def find_class(self, module, name):
            names.add(f"{module}.{name}")
            return super().find_class(module, name)

    for _, model, _ in fitted:
        names: set[str] = set()
        data = pickle.dumps(model)
        Asked(io.BytesIO(data)).load()
        assert {ask.name for ask in scan_artifact(data).asks} == names


def test_the_boosters_own_files_are_data(tmp_path):
    import lightgbm

    xgboost = pytest.importorskip("xgboost")
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    booster = lightgbm.train(
        {"verbose": -1, "objective": "binary", "num_threads": 1}, lightgbm.Dataset(X, y), 2
    )
    assert scan_artifact(booster.model_to_string().encode()).kind == "LightGBM text"
    other = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(X, y), 2)
    for form, kind in (("json", "XGBoost JSON"), ("ubj", "XGBoost UBJSON")):
        scan = scan_artifact(bytes(other.save_raw(form)))
        assert (scan.kind, scan.trust, scan.troubles) == (kind, "data", ())


def test_weights_are_told_from_models():
    torch = pytest.importorskip("torch")
    from safetensors.numpy import save

    state = {"w": torch.ones(3, 2), "b": torch.zeros(2, dtype=torch.float64)}
    for new in (True, False):
        stream = io.BytesIO()
        torch.save(state, stream, _use_new_zipfile_serialization=new)
        scan = scan_artifact(stream.getvalue())
        assert (scan.kind, scan.trust, scan.troubles) == ("PyTorch weights", "listed", ())
    scan = scan_artifact(save({"w": np.ones((3, 2), dtype=np.float32), "b": np.zeros(2)}))
    assert (scan.kind, scan.trust, scan.troubles) == ("safetensors", "data", ())
    stream = io.BytesIO()
    torch.save(torch.nn.Linear(2, 1), stream)
    scan = scan_artifact(stream.getvalue())
    assert scan.trust == "refused"
    assert "torch.nn.modules.linear.Linear" in scan.unlisted
