"""Subject files: what they say is what is audited; every mistake names its key."""

import hashlib
import os
import pickle
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from auditkit.errors import InputError, NotApplicable
from auditkit.loading import load_subject

INPUTS = ["age", "income", "job"]

SUBJECT = """
name = "credit"
task = "binary"
[model]
path = "credit.skops"
[data.test]
path = "test.parquet"
target = "defaulted"
positive = 1
sensitive = ["sex", "job"]
exclude = ["id", "sex"]
[data.train]
path = "train.parquet"
"""


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"id": np.arange(200), "age": rng.normal(40, 9, 200), "income": rng.normal(size=200)}
    )
    frame["job"] = np.where(frame["age"] > 41, "clerk", "cook")
    frame["sex"] = rng.choice(["F", "M"], 200)
    frame["defaulted"] = (frame["income"] + rng.normal(size=200) > 0).astype(int)
    return frame


@pytest.fixture(scope="module")
def model(rows):
    columns = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    return make_pipeline(columns, LogisticRegression(max_iter=500)).fit(
        rows[INPUTS][100:], rows["defaulted"][100:]
    )


@pytest.fixture
def folder(tmp_path, rows, model):
    rows[:100].to_parquet(tmp_path / "test.parquet")
    rows[100:].to_parquet(tmp_path / "train.parquet")
    rows.assign(part=["test"] * 100 + ["train"] * 100).to_csv(tmp_path / "all.csv", index=False)
    (tmp_path / "credit.skops").write_bytes(skops.io.dumps(model))
    return tmp_path


def load(folder, text, **options):
    (folder / "credit.toml").write_text(text, encoding="utf-8")
    return load_subject(folder / "credit.toml", **options)


def test_the_whole_of_it(folder, rows, model):
    subject = load(folder, SUBJECT)
    assert (subject.name, subject.task, subject.positive) == ("credit", "binary", 1)
    assert list(subject.test.X.columns) == INPUTS, "in the model's order, without what is excluded"
    assert subject.test.sensitive_names == ["sex", "job"], "one of them outside the model's inputs"
    assert (len(subject.test), len(subject.train)) == (100, 100)
    np.testing.assert_array_equal(subject.scores(), model.predict_proba(rows[INPUTS][:100])[:, 1])
    described = subject.describe()["model"]
    assert described["trust"] == "listed"
    assert described["digest"] == hashlib.sha256((folder / "credit.skops").read_bytes()).hexdigest()
    assert subject.counted().model.trust == "listed"
    assert subject.model.can_refit


def test_the_folder_of_the_file_is_where_paths_begin(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load(folder, SUBJECT).name == "credit"
    other = tmp_path_factory.mktemp("config")
    (other / "s.toml").write_text(SUBJECT.replace('name = "credit"', ""))
    with pytest.raises(InputError, match=r"s.toml: no data.test.path file"):
        load_subject(other / "s.toml")
    assert load_subject(other / "s.toml", base=folder).name == "s"


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('name = "credit"', 'nmae = "credit"', "credit.toml: no key 'nmae'. Did you mean 'name'?"),
        ("target =", "traget =", r"no key 'data.test.traget'. Did you mean 'target'\?"),
        ('path = "credit.skops"', 'paht = "credit.skops"', r"no key 'model.paht'. Did you mean 'path'\?"),
        ("[data.test]", "[data.tets]", r"data.test is missing; expected a table of keys; no key 'data.tets'"),
        ('target = "defaulted"', "target = 3", r"data.test.target: expected a string; got 3 \(int\)"),
        (
            'target = "defaulted"',
            "",
            "data.test.target is missing; expected the column that holds the true labels",
        ),
        ('path = "test.parquet"', "", "data.test.path is missing; expected a string"),
        (
            'path = "test.parquet"',
            'path = "tets.parquet"',
            "no data.test.path file .*Did you mean 'test.parquet'",
        ),
        (
            "positive = 1",
            "positive = [1]",
            r"data.test.positive: expected a string, number or boolean; got \[1\]",
        ),
        ("positive = 1", "positive = 2", r"positive=2 is none of the labels \[0, 1\]"),
        (
            'task = "binary"',
            'task = "binry"',
            "task: expected one of binary, multiclass, regression; got 'binry'. Did you mean 'binary'",
        ),
        ('task = "binary"', "positive = 0", "positive is 0 at the top and 1 in data.test"),
        ('"defaulted"', '"defaultd"', "data.test.target: no column 'defaultd'. Did you mean 'defaulted'"),
        (
            'sensitive = ["sex", "job"]',
            'sensitive = ["sxe"]',
            "data.test.sensitive: no column 'sxe'. Did you mean 'sex'",
        ),
        ('sensitive = ["sex", "job"]', "sensitive = [3]", r"data.test.sensitive.0: expected a string; got 3"),
        ('sensitive = ["sex", "job"]', 'sensitive = "defaulted"', "names the target 'defaulted'"),
        (
            'exclude = ["id", "sex"]',
            'exclude = ["idd"]',
            "data.test.exclude: no column 'idd'. Did you mean 'id'",
        ),
        (
            'exclude = ["id", "sex"]',
            'exclude = ["sex"]',
            r"the model was not trained with id: add them to data.test.exclude = \[\"id\"\]",
        ),
        (
            'exclude = ["id", "sex"]',
            'exclude = ["id", "sex", "age"]',
            "the model was trained with 'age', which data.test.exclude leaves out: remove it there",
        ),
        (
            'path = "credit.skops"',
            "",
            "exactly one of model.path, model.python, model.predictions; got none of them",
        ),
        ("[model]", '[model]\npython = "a:b"', "got model.path and model.python"),
        ("[model]", '[model]\nsha256 = "abc"', "64 hexadecimal digits"),
        (
            'path = "credit.skops"',
            'python = "a:b"\nsha256 = "abc"',
            "model.sha256 belongs to model.path, and model.python is given",
        ),
        ("[model]", "[model", "not valid TOML"),
        ("[model]", "model = 3\n[model2]", r"model: expected a table of keys; got 3 \(int\)"),
    ],
)
def test_a_mistake_names_its_key(folder, old, new, match):
    assert old in SUBJECT
    with pytest.raises(InputError, match=match):
        load(folder, SUBJECT.replace(old, new, 1))


def test_all_mistakes_come_at_once(folder):
    with pytest.raises(InputError, match=r"data.test.target: expected a string.*no key 'nmae'"):
        load(folder, SUBJECT.replace("name", "nmae", 1).replace('"defaulted"', "3"))


def test_missing_file_and_bad_text(folder):
    load(folder, SUBJECT)
    with pytest.raises(InputError, match=r"Did you mean 'credit.toml'"):
        load_subject(folder / "credti.toml")
    (folder / "credit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_subject(folder / "credit.toml")


def test_one_file_for_both_splits(folder, rows):
    text = SUBJECT.replace('"test.parquet"', '"all.csv"\nwhere = {part = "test"}').replace(
        '"train.parquet"', '"all.csv"\nwhere = {part = ["train"]}'
    )
    subject = load(folder, text)
    assert (len(subject.test), len(subject.train)) == (100, 100)
    np.testing.assert_allclose(subject.test.X["age"], rows["age"][:100])
    with pytest.raises(
        InputError, match=r"where keeps none of the 200 rows of all.csv; 'part' holds 'test', 'train'"
    ):
        load(folder, text.replace('{part = "test"}', '{part = "tset"}'))
    with pytest.raises(InputError, match=r"data.test.where: no column 'prat'. Did you mean 'part'"):
        load(folder, text.replace('{part = "test"}', '{prat = "test"}'))


@pytest.mark.parametrize(
    ("labels", "said", "meant"),
    [
        ([0, 1], '"1"', 1), ([0.0, 1.0], "1", 1.0), (["0", "1"], "1", "1"), (["no", "yes"], '"yes"', "yes"),
        ([False, True], "true", True), ([False, True], '"True"', True), ([False, True], "1", True), ([1, 2], "2.0", 2),
    ],
)  # fmt: skip
def test_the_positive_label_is_found_as_it_is_written_in_the_data(tmp_path, labels, said, meant):
    X = pd.DataFrame({"a": np.arange(8.0)})
    y = np.array(labels)[np.arange(8) % 2]
    (tmp_path / "credit.skops").write_bytes(skops.io.dumps(LogisticRegression().fit(X, y)))
    X.assign(y=y).to_parquet(tmp_path / "t.parquet")
    text = f'[model]\npath = "credit.skops"\n[data.test]\npath = "t.parquet"\ntarget = "y"\npositive = {said}'
    subject = load(tmp_path, text)
    assert subject.positive == meant
    assert type(subject.positive) is type(meant)


def test_strings_need_a_positive_label(tmp_path):
    X = pd.DataFrame({"a": np.arange(8.0), "y": ["no", "yes"] * 4})
    X.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "credit.skops").write_bytes(skops.io.dumps(LogisticRegression().fit(X[["a"]], X["y"])))
    with pytest.raises(InputError, match=r"Pass positive=, one of \['no', 'yes'\]"):
        load(tmp_path, '[model]\npath = "credit.skops"\n[data.test]\npath = "t.csv"\ntarget = "y"')


def test_a_hostile_pickle_is_refused_by_way_of_the_file(folder):
    class Call:
        def __reduce__(self):
            return os.system, (f"touch {folder / 'ran'}",)

    data = pickle.dumps(Call())
    (folder / "credit.skops").write_bytes(data)
    for sha in ("", 'sha256 = "' + "0" * 64 + '"'):
        with pytest.raises(InputError, match=r"credit.toml: .*credit.skops: refused"):
            load(folder, SUBJECT.replace("[model]", f"[model]\n{sha}"))
    assert not (folder / "ran").exists()


def test_pinned_pickle_onnx_and_factory(folder, rows, model):
    data = pickle.dumps(model)
    (folder / "m.pkl").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    subject = load(folder, SUBJECT.replace('"credit.skops"', f'"m.pkl"\nsha256 = "{digest}"'))
    assert (subject.model.trust, subject.model.digest) == ("pinned", digest)

    small = LogisticRegression().fit(rows[["age", "income"]].to_numpy(dtype=np.float32), rows["defaulted"])
    onnx = convert_sklearn(small, initial_types=[("X", FloatTensorType([None, 2]))]).SerializeToString()
    (folder / "m.onnx").write_bytes(onnx)
    subject = load(
        folder, SUBJECT.replace("credit.skops", "m.onnx").replace('["id", "sex"]', '["id", "sex", "job"]')
    )
    assert (subject.model.trust, subject.model.kind) == ("data", "ONNX model")
    expected = small.predict_proba(rows[["age", "income"]][:100].to_numpy())[:, 1]
    np.testing.assert_allclose(subject.scores(), expected, atol=1e-5)

    (folder / "their_factory_ak.py").write_text(
        "def make():\n    return lambda X: 1 / (1 + 2 ** -X['income'])\n"
    )
    try:
        subject = load(folder, SUBJECT.replace('path = "credit.skops"', 'python = "their_factory_ak:make"'))
    finally:
        sys.modules.pop("their_factory_ak", None)
    assert subject.model.trust == "factory"
    np.testing.assert_allclose(subject.scores(), 1 / (1 + 2 ** -rows["income"][:100]))
    (folder / "m.pkl").write_bytes(pickle.dumps({"not": "a model"}))
    digest = hashlib.sha256((folder / "m.pkl").read_bytes()).hexdigest()
    with pytest.raises(InputError, match=r"got builtins.dict, which is no model"):
        load(folder, SUBJECT.replace('"credit.skops"', f'"m.pkl"\nsha256 = "{digest}"'))


def recorded(folder, frame, predictions='"scores.csv"', text=SUBJECT):
    frame.to_csv(folder / "scores.csv", index=False)
    return load(folder, text.replace('path = "credit.skops"', f"predictions = {predictions}"))


def test_recorded_scores_are_of_the_positive_label(folder, rows):
    score = np.linspace(0, 1, 100)
    subject = recorded(folder, pd.DataFrame({"score": score}))
    assert subject.predictions_only
    np.testing.assert_allclose(subject.scores(), score)
    np.testing.assert_array_equal(subject.answers().labels, (score >= 0.5).astype(int))
    turned = recorded(
        folder, pd.DataFrame({"score": score}), text=SUBJECT.replace("positive = 1", "positive = 0")
    )
    np.testing.assert_allclose(turned.scores(), score)
    np.testing.assert_array_equal(turned.answers().labels, (score < 0.5).astype(int))
    assert subject.model.trust == "data"
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        subject.model.predict(subject.test.X)


def test_recorded_labels_columns_by_name_and_both_splits(folder, rows):
    said = (np.arange(200) % 3 == 0).astype(int)
    subject = recorded(folder, pd.DataFrame({"label": said[:100]}))
    np.testing.assert_array_equal(subject.answers().labels, said[:100])
    assert subject.answers().proba is None
    frame = pd.DataFrame({"p": np.linspace(0, 1, 200), "said": said})
    frame[100:].to_csv(folder / "train_scores.csv", index=False)
    both = '{path = "scores.csv", train_path = "train_scores.csv", label = "said", score = "p"}'
    subject = recorded(folder, frame[:100], both)
    np.testing.assert_allclose(subject.scores("train"), frame["p"][100:])
    np.testing.assert_array_equal(subject.answers("train").labels, said[100:])


def test_recorded_scores_of_several_classes(tmp_path):
    y = np.array(["a", "b", "c"])[np.arange(30) % 3]
    proba = np.random.default_rng(0).dirichlet([1, 1, 1], 30)
    pd.DataFrame({"y": y, "x": 1.0}).to_csv(tmp_path / "t.csv", index=False)
    text = '[model]\npath = "credit.skops"\n[data.test]\npath = "t.csv"\ntarget = "y"\n'
    frame = pd.DataFrame(proba, columns=["score_c", "score_a", "score_b"])
    subject = recorded(tmp_path, frame, text=text)
    assert subject.classes.tolist() == ["c", "a", "b"]
    np.testing.assert_allclose(subject.proba(), proba)
    with pytest.raises(InputError, match=r"model.predictions.classes is missing; expected the 3 labels"):
        recorded(tmp_path, frame, '{path = "scores.csv", score = ["score_c", "score_a", "score_b"]}', text)
    named = '{path = "scores.csv", score = ["score_c", "score_a", "score_b"], classes = ["c", "a", "b"]}'
    np.testing.assert_allclose(recorded(tmp_path, frame, named, text).proba(), proba)
    with pytest.raises(InputError, match="one column of probabilities, and this is 3 classes"):
        recorded(tmp_path, frame, '{path = "scores.csv", score = "score_c"}', text)


def test_mistakes_in_recorded_predictions_are_told(folder):
    score = np.linspace(0, 1, 100)
    for frame, predictions, match in [
        (pd.DataFrame({"scor": score}), '"scores.csv"', "no column 'label', 'score' or 'score_<class>'.*Did you mean 'scor'"),
        (pd.DataFrame({"score": score[:7]}), '"scores.csv"', "has 7 rows and data.test has 100"),
        (pd.DataFrame({"score": ["x"] * 100}), '"scores.csv"', "must hold numbers"),
        (pd.DataFrame({"score": np.where(score > 0.5, np.nan, score)}), '"scores.csv"', "50 of 100 recorded scores are NaN"),
        (pd.DataFrame({"score": score}), '{path = "scores.csv", score = "p"}', "model.predictions.score: no column 'p'"),
        (pd.DataFrame({"score": score}), '{path = "scores.csv", scroe = "p"}', "no key 'model.predictions.scroe'. Did you mean 'score'"),
        (pd.DataFrame({"score": score}), '{path = "score.csv"}', "Did you mean 'scores.csv'"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=match):
            recorded(folder, frame, predictions)


def test_recorded_labels_in_other_words_than_the_truth_are_told(tmp_path):
    rng = np.random.default_rng(0)
    truth = pd.DataFrame({"y": np.where(rng.random(40) > 0.5, "yes", "no"), "x": 1.0})
    truth.to_csv(tmp_path / "t.csv", index=False)
    text = 'positive = "yes"\n[model]\npath = "credit.skops"\n[data.test]\npath = "t.csv"\ntarget = "y"\n'
    score = rng.random(40)
    numbers = pd.DataFrame({"score": score, "label": (score > 0.5).astype(int)})
    with pytest.raises(InputError, match=r"none of the classes \['no', 'yes'\]: write them in these labels"):
        recorded(tmp_path, numbers, text=text)
    words = numbers.assign(label=np.where(score > 0.5, "yes", "no"))
    assert set(recorded(tmp_path, words, text=text).answers().labels) == {"yes", "no"}


def test_columns_with_spaces_reach_lightgbm_in_its_order(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"hours a week": rng.normal(size=80), "b": rng.normal(size=80)})
    y = (X["b"] > 0).astype(int)
    model = LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)
    X[["b", "hours a week"]].assign(y=y).to_parquet(tmp_path / "t.parquet")
    joblib.dump(model, tmp_path / "m.joblib")
    digest = hashlib.sha256((tmp_path / "m.joblib").read_bytes()).hexdigest()
    text = f'[model]\npath = "m.joblib"\nsha256 = "{digest}"\n[data.test]\npath = "t.parquet"\ntarget = "y"\n'
    np.testing.assert_allclose(load(tmp_path, text).scores(), model.predict_proba(X)[:, 1])


def test_recorded_values_of_a_regression(tmp_path):
    pd.DataFrame({"y": np.linspace(0, 1, 30), "x": 1.0}).to_csv(tmp_path / "t.csv", index=False)
    text = 'task = "regression"\n[model]\npath = "credit.skops"\n[data.test]\npath = "t.csv"\ntarget = "y"\n'
    subject = recorded(tmp_path, pd.DataFrame({"label": np.linspace(1, 2, 30)}), text=text)
    np.testing.assert_allclose(subject.answers().labels, np.linspace(1, 2, 30))
    (tmp_path / "credit.skops").write_bytes(
        skops.io.dumps(LinearRegression().fit(pd.DataFrame({"x": [1.0, 2]}), [1.0, 2]))
    )
    assert load(tmp_path, text).task == "regression"


def test_what_the_models_process_may_take_is_said_in_the_file(folder):
    said = load(
        folder, SUBJECT.replace("[data.test]", "limits = {seconds = 30, memory_gib = 6}\n[data.test]", 1)
    )
    limits = said.model.inner.limits
    assert (limits.seconds, limits.memory, limits.training_seconds) == (30, 6 * 2**30, 3600)
    for wrong, told in (
        ("{second = 3}", "no key 'model.limits.second'. Did you mean 'seconds'"),
        ("{seconds = 0}", "model.limits.seconds: expected"),
        ("{require = ['landlock']}", "model.limits.require"),
    ):
        with pytest.raises(InputError, match=told):
            load(folder, SUBJECT.replace("[data.test]", f"limits = {wrong}\n[data.test]", 1))


def test_what_needs_the_inside_of_a_model_says_how_to_get_at_it(folder):
    apart = load(folder, SUBJECT)
    digest = hashlib.sha256((folder / "credit.skops").read_bytes()).hexdigest()
    here = load(folder, SUBJECT.replace('"credit.skops"', f'"credit.skops"\nsha256 = "{digest}"'))
    assert (apart.model.trust, here.model.trust) == ("listed", "listed")
    assert apart.model.estimator is None
    assert here.model.estimator is not None
    np.testing.assert_array_equal(apart.proba(), here.proba())
    with pytest.raises(NotApplicable, match=r"pin it, and it is opened in this process: model.sha256"):
        apart.model.recipe(1)
    here.model.recipe(1)


def test_a_file_of_another_kind_is_refused_with_the_line_to_type(tmp_path):
    file = tmp_path / "lab's.toml"
    file.write_text('kind = "stack"\nfiles = ["a.sh"]\n')
    (tmp_path / "a.sh").write_text("true\n")
    with pytest.raises(InputError, match="describes installed software") as refused:
        load_subject(file)
    line = str(refused.value).partition("; type: ")[2]
    names: dict[str, object] = {}
    first, second = line.split("; ")
    exec(first, names)  # what a reader types works as it stands
    assert eval(second, names).kind == "stack"
