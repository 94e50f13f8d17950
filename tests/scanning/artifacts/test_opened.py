"""Models from files, opened and asked in a process of their own: equal to the originals; what ends badly is contained."""

import copy
import importlib.util
import io
import json
import multiprocessing
import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit, Dataset, Subject
from auditkit.errors import InputError, ModelError, NotApplicable
from auditkit.loading import load_model
from auditkit.loading.opening import open_model
from auditkit.predictors import Counted, as_predictor
from auditkit.sandbox.limits import Limits
from auditkit.scanning.artifacts import scan_artifact

SPEC = importlib.util.spec_from_file_location("hostile_corpus", Path(__file__).with_name("corpus.py"))
corpus = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(corpus)

X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)[::-1] ** 2})
Y = np.arange(40) % 2
MODEL = LogisticRegression().fit(X, Y)


def written(tmp_path, model, name="m.joblib"):
    file = tmp_path / name
    file.write_bytes(pickle.dumps(model))
    return file


@pytest.mark.parametrize("way", ["skops", "joblib", "pickle"])
def test_every_real_estimator_answers_as_the_original(fitted, way, tmp_path):
    """By each of the ways; in a process of its own by the first, and by the others every eighth, which share all but the reader."""
    file, different = tmp_path / "model", []
    for number, (name, model, answers) in enumerate(fitted):
        if name == "text":
            continue  # it takes a list of texts, not rows of columns
        if way == "skops":
            skops.io.dump(model, file)
        elif way == "joblib":
            joblib.dump(model, file, compress=1)
        else:
            file.write_bytes(pickle.dumps(model))
        apart = way == "skops" or number % 8 == 0
        opened, trust = answering(file, apart)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told = opened.predict(asked_rows(name))
        if trust != "listed" or not same(told, answers):
            different.append(name)
    assert len(fitted) >= 85
    assert different == []


def same(told, answers):
    """Whether answers are the same: words and classes to the letter, sums but for their last bits, which hang on where in memory the numbers lie."""
    told, answers = np.ravel(told), np.ravel(answers)
    if answers.dtype.kind != "f":
        return np.array_equal(told, answers)
    return told.shape == answers.shape and np.allclose(told, answers, rtol=1e-12, atol=1e-14, equal_nan=True)


def answering(file, apart):
    """Return what a file holds, opened in a process of its own or by the same reader in this one, and how far it was trusted."""
    if apart:
        loaded = load_model(file)
        assert loaded.apart
        return loaded.model, loaded.trust
    scan = scan_artifact(file.read_bytes())
    assert scan.troubles == (), file
    return open_model(scan.kind, file.read_bytes()), scan.trust


def asked_rows(name):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=80), "b": rng.exponential(size=80), "c": rng.integers(0, 4, 80).astype(float)}
    )
    return frame.assign(d=np.where(frame["a"] > 0, "high", "low")) if name == "strings" else frame


@pytest.mark.parametrize("name", sorted(corpus.by_call("")))
def test_no_call_is_opened(name, marker, tmp_path):
    file = tmp_path / "m.pkl"
    file.write_bytes(corpus.by_call(str(marker))[name])
    with pytest.raises(InputError, match=r"m\.pkl: refused: \[pickle-global\] it asks for "):
        load_model(file)


@pytest.mark.parametrize("name", sorted(set(corpus.by_form("")) - {"a packed bomb"}))
def test_no_form_is_opened(name, marker, tmp_path):
    file = tmp_path / "m.skops"
    file.write_bytes(corpus.by_form(str(marker))[name][0])
    with pytest.raises(InputError, match=r"m\.skops: refused: .*\["):
        load_model(file)


@pytest.mark.linux
def test_past_the_scan_the_reader_itself_holds_to_the_list(marker, monkeypatch, tmp_path):
    """Were the scan to let a file through, the child would still look up no name that is not on the list."""
    monkeypatch.setattr("auditkit.loading.models._refuse", lambda *_: None)
    file = tmp_path / "m.pkl"
    for name in (
        "protocol 0",
        "protocol 4",
        "joblib",
        "in an array of objects",
        "behind an array",
        "a dotted name",
        "getattr",
        "extension registry 1",
        "persistent id",
    ):
        file.write_bytes(corpus.by_form(str(marker))[name][0])
        with pytest.raises(InputError, match="refused"):
            load_model(file)


def tree(child):
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, Y)
    state = model.tree_.__getstate__()
    nodes = state["nodes"].copy()
    nodes["left_child"][0] = nodes["right_child"][0] = child
    model.tree_.__setstate__({**state, "nodes": nodes})
    return model


@pytest.mark.linux
def test_a_listed_file_that_crashes_the_interpreter_is_contained(tmp_path):
    loaded = load_model(written(tmp_path, tree(10**9)))
    assert loaded.trust == "listed"
    asked = Counted(as_predictor(loaded.model, task="binary", labels=np.array([0, 1])))
    for _ in range(3):
        with pytest.raises(ModelError, match=r"did not answer: \[model-crash\] its process was ended by SIG"):
            asked.predict(X)
    with pytest.raises(ModelError, match="not asked again after 3 ends"):
        asked.predict(X)


@pytest.mark.linux
def test_a_listed_file_that_never_answers_is_contained(tmp_path):
    loaded = load_model(written(tmp_path, tree(0)), limits=Limits(seconds=2.0))
    with pytest.raises(ModelError, match=r"\[model-hang\] it took longer than 2 seconds"):
        loaded.model.predict(X)


@pytest.mark.linux
def test_a_listed_file_that_takes_all_memory_is_refused_when_it_is_opened(tmp_path):
    file = tmp_path / "m.pkl"
    file.write_bytes(corpus.whole(corpus.call("builtins.bytearray", 2**40)))
    with pytest.raises(InputError, match=r"m.pkl: refused: .*\[model-memory\] it needs more than the 8 GiB"):
        load_model(file)


@pytest.mark.linux
def test_a_crash_while_a_file_is_opened_is_a_refusal(tmp_path, monkeypatch):
    """Deep nesting that the reader steps over and the interpreter's own reader does not survive, or refuses."""
    body = b"\x80\x04" + b"]\x94" + b"]a" * 200_000 + b"."
    (tmp_path / "m.pkl").write_bytes(body)
    with pytest.raises(InputError, match="refused"):
        load_model(tmp_path / "m.pkl")


def test_nan_wrong_shapes_and_objects_are_told(tmp_path):
    broken = copy.deepcopy(MODEL)
    broken.coef_[:] = np.nan
    asked = Counted(
        as_predictor(load_model(written(tmp_path, broken)).model, task="binary", labels=np.array([0, 1]))
    )
    with pytest.raises(ModelError, match="answered NaN"):
        asked.predict_proba(X)
    wide = LinearRegression().fit(X, Y)
    wide.coef_, wide.intercept_ = np.ones((3, 2)), np.zeros(3)
    with pytest.raises(ModelError, match="shape"):
        Counted(as_predictor(load_model(written(tmp_path, wide)).model, task="regression")).predict(X)
    odd = copy.deepcopy(MODEL)
    odd.classes_ = np.array([1, "x"], dtype=object)
    with pytest.raises((InputError, ModelError), match="objects"):
        as_predictor(
            load_model(written(tmp_path, odd)).model, task="binary", labels=np.array([0, 1])
        ).predict(X)


def test_what_holds_no_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\[no-model\] the file holds dict"):
        load_model(written(tmp_path, {"a": np.arange(3)}))


def subject(model):
    return Subject("credit", model, test=Dataset(X, Y), train=Dataset(X + 1, Y), positive=1)


def test_an_audit_says_the_same_as_of_the_live_model(tmp_path):
    apart, live = subject(load_model(written(tmp_path, MODEL)).model), subject(MODEL)
    audit = Audit(["model_performance", "AK201"])
    there, here = audit.run(apart, seed=1), audit.run(live, seed=1)
    assert json.dumps([e.to_dict()["measurements"] for e in there.evidence]) == json.dumps(
        [e.to_dict()["measurements"] for e in here.evidence]
    )
    assert apart.describe()["model"]["description"] == live.describe()["model"]["description"]


def test_it_is_trained_again_where_it_is_and_goes_to_other_processes(tmp_path):
    model = as_predictor(load_model(written(tmp_path, MODEL)).model, task="binary", labels=np.array([0, 1]))
    assert model.can_refit
    again, live = (
        model.refit(X.head(20), Y[:20], 3),
        as_predictor(MODEL, labels=Y, task="binary").refit(X.head(20), Y[:20], 3),
    )
    np.testing.assert_allclose(again.predict_proba(X), live.predict_proba(X), rtol=1e-12)
    with pytest.raises(pickle.PicklingError, match="stays there"):
        pickle.dumps(again)
    for refuse in (
        lambda: again.refit(X, Y, 1),
        lambda: model.recipe(1),
        lambda: model.differentiable(X, ["a"]),
    ):
        with pytest.raises(NotApplicable, match="in a process of its own"):
            refuse()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        np.testing.assert_allclose(
            pool.submit(model.predict_proba, X).result(), MODEL.predict_proba(X), rtol=1e-12
        )


@pytest.mark.linux
def test_a_fork_of_its_owner_has_a_process_of_its_own(tmp_path):
    model = load_model(written(tmp_path, MODEL)).model
    expected = model.predict(X)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        np.testing.assert_array_equal(pool.submit(model.predict, X).result(), expected)
    np.testing.assert_array_equal(model.predict(X), expected)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_file_opens_or_is_refused_in_words(data, tmp_path):
    stream = io.BytesIO()
    joblib.dump(MODEL, stream)
    file = bytearray(data.draw(st.sampled_from([pickle.dumps(MODEL), stream.getvalue()])))
    for _ in range(data.draw(st.integers(1, 3))):
        file[data.draw(st.integers(0, len(file) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    place = tmp_path / "m"
    place.write_bytes(bytes(file))
    try:
        load_model(place, limits=Limits(seconds=30.0))
    except InputError as error:
        assert "m: " in str(error)  # noqa: PT017 - most changed files are refused, and some are not
