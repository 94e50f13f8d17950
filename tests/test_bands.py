"""Bands: a numeric feature is compared in the groups that were asked for, and the model still gets the number."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import Audit, Dataset, Subject, load_subject
from auditkit.errors import InputError
from auditkit.methods.bands import band_edges, banded
from auditkit.predictors import from_predictions

AGES = [18, 24, 25, 39.5, 40, 60, np.nan, 80]


def test_edges_begin_a_band_and_missing_stays_missing():
    data = Dataset({"age": AGES}, [0, 1] * 4, ["age"], bands={"age": [25, 40]})
    assert data.sensitive_features["age"].astype(object).where(lambda c: c.notna(), None).tolist() == [
        "under 25", "under 25", "25 to under 40", "25 to under 40", "40 or more", "40 or more", None, "40 or more",
    ]  # fmt: skip
    assert data.X["age"].tolist()[:6] == AGES[:6], "the input stays a number"
    assert data.bands == {"age": (25.0, 40.0)}
    assert data.describe()["bands"] == {"age": [25.0, 40.0]}


def test_groups_are_those_of_bands_made_by_hand():
    rng = np.random.default_rng(0)
    age, said = rng.integers(18, 80, 500), rng.integers(2, size=500)
    recorded = from_predictions(labels=said)
    subject = Subject("s", recorded, Dataset(None, said, {"age": age}, bands={"age": [30, 50]}), positive=1)
    evidence = Audit(["demographic_parity"]).run(subject).evidence[0]
    by_hand = np.where(age < 30, "under 30", np.where(age < 50, "30 to under 50", "50 or more"))
    theirs = fl.MetricFrame(metrics=fl.selection_rate, y_true=said, y_pred=said, sensitive_features=by_hand)
    for band, rate in theirs.by_group.items():
        assert evidence.measurement("selection_rate", f"age={band}").value == pytest.approx(rate, abs=1e-12)
    assert list(evidence.tables["age"].columns["label"]) == [
        "age=under 30",
        "age=30 to under 50",
        "age=50 or more",
    ]


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=80), st.integers(2, 20))
def test_bands_of_equal_size_cover_every_number_once(numbers, count):
    if min(numbers) == max(numbers):
        with pytest.raises(InputError, match="no two different numbers"):
            band_edges("a", pd.Series(numbers), count)
        return
    edges = band_edges("a", pd.Series(numbers), count)
    assert 1 <= len(edges) < count
    column = banded("a", pd.Series(numbers), edges)
    assert column.notna().all()
    assert column.nunique() == len(edges) + 1, "no band is empty"
    order = column.cat.codes.to_numpy()
    assert (np.diff(order[np.argsort(numbers, kind="stable")]) >= 0).all()


def test_rows_taken_keep_their_bands():
    data = Dataset({"age": AGES}, [0, 1] * 4, ["age"], bands={"age": 2})
    part = data.take(np.array([0, 7]))
    assert part.bands == data.bands
    assert part.sensitive_features["age"].tolist() == data.sensitive_features["age"].iloc[[0, 7]].tolist()


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ({"aeg": 4}, "'aeg' is no sensitive or control feature.* Did you mean 'age'"),
        ({"sex": [1]}, "'sex' holds no numbers"),
        ({"age": 1}, "2 to 20 bands; got 1"),
        ({"age": True}, "takes a number of bands, or the edges"),
        ({"age": [40, 25]}, "must increase"),
        ({"age": [np.nan]}, "must increase"),
        ({"age": "four"}, "takes a number of bands"),
        ([25], "bands= takes a dict"),
    ],
)
def test_what_makes_no_bands_says_what_to_give(bands, message):
    with pytest.raises(InputError, match=message):
        Dataset({"age": AGES, "sex": list("fmfmfmfm")}, [0, 1] * 4, ["age", "sex"], bands=bands)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    n = 300
    frame = pd.DataFrame({
        "age": rng.integers(18, 80, n), "job": rng.choice(["a", "b"], n), "w": rng.uniform(1, 3, n),
        "y": rng.integers(2, size=n), "p": rng.random(n).round(3),
    })  # fmt: skip
    frame.to_csv(tmp_path / "test.csv", index=False)
    frame.assign(age=frame.age + 20).to_csv(tmp_path / "train.csv", index=False)

    def write(more):
        (tmp_path / "s.toml").write_text(
            '[model.predictions]\npath = "test.csv"\nscore = "p"\n[data.test]\npath = "test.csv"\ntarget = "y"\n'
            f'positive = 1\nsensitive = ["age"]\nexclude = ["p"]\n{more}\n[data.train]\npath = "train.csv"\n'
        )
        return tmp_path / "s.toml", frame

    return write


def test_a_subject_file_sets_bands_strata_and_weights(files):
    path, frame = files('bands = {age = 3}\ncontrol = "job"\nweight = "w"')
    subject = load_subject(path)
    assert subject.train.bands == subject.test.bands, "training rows get the bands of the test rows"
    assert len(subject.test.bands["age"]) == 2
    assert subject.test.control_names == ["job"]
    assert subject.test.sample_weight.tolist() == frame["w"].tolist()
    assert "w" not in subject.test.X.columns
    assert "job" in subject.test.X.columns


def test_mistakes_name_the_key(files):
    with pytest.raises(InputError, match=r"data.test: bands: 'job' is no sensitive or control feature"):
        load_subject(files("bands = {job = 3}")[0])
    with pytest.raises(InputError, match=r"data.test.weight: no column 'ww'. Did you mean 'w'"):
        load_subject(files('weight = "ww"')[0])
    with pytest.raises(InputError, match=r"data.test.control: no column 'jo'"):
        load_subject(files('control = "jo"')[0])


def test_flips_of_a_number_are_shown_in_the_bands_asked_for():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 200)})
    data = Dataset(X, rng.integers(2, size=200), ["age"], bands={"age": [30]})
    subject = Subject("s", lambda frame: (frame["age"] > 40).astype(int).to_numpy(), data, positive=1)
    evidence = Audit(["counterfactual_flips"]).run(subject).evidence[0]
    groups = {m.group for m in evidence.measurements if m.metric == "flip_gain_rate"}
    assert groups == {"age=under 30", "age=30 or more"}
