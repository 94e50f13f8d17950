"""Subject: what fits together stands, what does not is told, and the dress of the data changes no answer."""

from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import xgboost
from lightgbm import LGBMClassifier
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import ModelError, from_callable, from_predictions
from auditkit.subject import Dataset, Subject


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    return X, (X["a"] + rng.normal(size=300) > 0).astype(int).to_numpy(), rng.choice(["F", "M"], 300)


@pytest.fixture(scope="module")
def model(table):
    return LogisticRegression().fit(table[0], table[1])


# Data sets


@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        (pd.DataFrame({"a": []}), [], "needs rows; got 0 rows"),
        (pd.DataFrame({"a": [1, 2]}), [1], "X has 2 rows and y has 1"),
        (pd.DataFrame({"a": [1, 2]}), [1, None], "1 of 2 labels are missing"),
        (pd.DataFrame({"a": [1, 2]}), [1.0, np.nan], "1 of 2 labels are missing"),
        (
            pd.DataFrame({"a": [1, 2]}),
            [[1, 2], [3, 4]],
            r"labels must be one a row; got list of shape \(2, 2\)",
        ),
        (
            pd.DataFrame({"a": [1, 2]}),
            np.array([1, "a"], dtype=object),
            "labels must be of one type; these mix int and str",
        ),
        (np.zeros(2), [0, 1], "expected a table"),
        (
            pd.DataFrame({"a": [1, 2]}),
            None,
            r"y is None: an audit needs the true labels or values, Dataset\(X, y\)",
        ),
        (pd.DataFrame({"a": [1, 2]}), "a", r"'a' is the name of a column of X: .* y=X.pop\('a'\)"),
        (pd.DataFrame({"age": [1, 2]}), "agee", "'agee' is a word: give the labels .* Did you mean 'age'"),
        (pd.DataFrame({"a": [1, 2]}), {"y": [0, 1]}, "got dict of shape"),
        (
            pd.DataFrame({"a": [1, 2]}),
            pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "y holds dates: .*Timedelta",
        ),
        ({"a": [1, 2], "b": [1]}, [0, 1], "columns of X must be of one length: 'a' has 2, 'b' has 1"),
        ({"a": 1}, [0, 1], "X must be a dict of columns"),
        (pl.LazyFrame({"a": [1, 2]}), [0, 1], r"a lazy frame holds no rows yet: give X.collect\(\)"),
        (
            scipy.sparse.eye(2).tocsr(),
            [0, 1],
            r"X.toarray\(\), or pandas.DataFrame.sparse.from_spmatrix\(X\)",
        ),
        ("rows.csv", [0, 1], r"read it first: auditkit.loading.read_table\('rows.csv'\)"),
        (Path("rows.csv"), [0, 1], r"read it first: auditkit.loading.read_table\('rows.csv'\)"),
        (pd.Series([1, 2], name="a"), [0, 1], r"expected a table .*Series; give X.to_frame\(\)"),
    ],
)
def test_data_that_cannot_be_used_are_told(X, y, match):
    with pytest.raises(InputError, match=match):
        Dataset(X, y)


@pytest.mark.parametrize(
    "y",
    [
        [0, 1], (0, 1), np.array([0, 1]), np.array([[0], [1]]), pd.Series([0, 1], index=[5, 6]), pl.Series([0, 1]), pa.chunked_array([[0, 1]]),
        pd.Series([0, 1], dtype="Int64"), np.array([0, 1], dtype=object), pd.DataFrame({"y": [0, 1]}),
    ],
    ids=lambda y: type(y).__name__,
)  # fmt: skip
def test_labels_of_every_dress_are_the_same(y):
    data = Dataset(pd.DataFrame({"a": [1, 2]}), y)
    assert data.y.tolist() == [0, 1]
    assert data.y.dtype.kind == "i"


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["n", "y"]),
        pd.Categorical(["n", "y"]),
        np.array(["n", "y"], dtype=object),
        pl.Series(["n", "y"]),
    ],
)
def test_labels_in_words_are_strings(y):
    assert Dataset(pd.DataFrame({"a": [1, 2]}), y).y.dtype.kind == "U"


def test_sensitive_features_of_every_dress():
    X = pd.DataFrame({"sex": ["F", None], "age": [1, 2]})
    for given in (["sex"], "sex", X[["sex"]], X["sex"], {"sex": X["sex"]}, pl.from_pandas(X[["sex"]])):
        data = Dataset(X, [0, 1], given)
        assert data.sensitive_names == ["sex"]
        assert data.sensitive_features["sex"].isna().tolist() == [False, True]
    assert Dataset(X, [0, 1], np.array(["F", "M"])).sensitive_names == ["sensitive"]
    with pytest.raises(InputError, match=r"no column 'sxe' to be a sensitive feature. Did you mean 'sex'"):
        Dataset(X, [0, 1], ["sxe"])
    with pytest.raises(InputError, match="sensitive_features has 3 rows and X has 2"):
        Dataset(X, [0, 1], {"sex": ["F", "M", "F"]})


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (
            [np.array(["F", "M", "F"]), np.array([1, 2, 3])],
            r'values under their names, {"sex": sex, "age": age}',
        ),
        ([1, 2, 3], "sensitive_features holds values: give columns of X by name"),
        (["F", "M", "F"], "sensitive_features holds values: give columns of X by name"),
        (["age", "age"], "names 'age' twice: name each column once"),
        ({"sex": ["F", "M", "F"], "age": [1, 2]}, "must be of one length: 'sex' has 3, 'age' has 2"),
        ({"sex": [["F", "M"]] * 3}, "must be a dict of columns, each an array"),
    ],
)
def test_sensitive_features_that_cannot_be_used_are_told(given, match):
    with pytest.raises(InputError, match=match):
        Dataset(pd.DataFrame({"age": [1, 2, 3]}), [0, 1, 0], given)


def test_no_sensitive_features_are_none():
    for none in ([], (), {}, None):
        assert Dataset({"a": [1, 2]}, [0, 1], none).sensitive_features is None


class TestIndexes:
    """Rows correspond by position; indexes that contradict this are told, never followed or passed over."""

    X = pd.DataFrame({"a": [1, 2, 3]}, index=["p", "q", "r"])
    y = pd.Series([0, 1, 0], index=["p", "q", "r"])
    sex = pd.Series(["F", "M", "F"], index=["p", "q", "r"], name="sex")
    order = ("r", "p", "q")

    def test_a_feature_that_was_not_shuffled_with_the_rows_is_told(self):
        order = list(self.order)
        for named in (
            {"sensitive_features": self.sex},
            {"sensitive_features": self.sex.to_frame()},
            {"sensitive_features": {"sex": self.sex}},
            {"control_features": self.sex},
            {"sample_weight": self.y + 1},
        ):
            told = next(iter(named))
            with pytest.raises(
                InputError, match=rf"indexes of X and {told}.* differ \(the same labels in another"
            ):
                Dataset(self.X.loc[order], self.y.loc[order], **named)
        with pytest.raises(InputError, match=r"align with y.loc\[X.index\], or.* y.reset_index\(drop=True\)"):
            Dataset(self.X.loc[order], self.y)
        with pytest.raises(InputError, match="the indexes of y and sensitive_features differ"):
            Dataset(self.X.to_numpy(), self.y.loc[order], self.sex)

    def test_row_numbers_in_another_order_are_told_too(self):
        X = self.X.reset_index(drop=True)
        with pytest.raises(InputError, match="the same labels in another order"):
            Dataset(X.loc[[2, 0, 1]], pd.Series([0, 1, 0]))

    @pytest.mark.parametrize("labels", [["q", "r", "s"], ["u", "v", "w"]])
    def test_other_labels_are_told(self, labels):
        with pytest.raises(InputError, match=r"the indexes of X and y differ \(other labels\)"):
            Dataset(self.X, self.y.set_axis(labels))

    def test_equal_indexes_no_index_and_a_new_numbering_stand(self):
        order = list(self.order)
        rows = [0, 1, 0]
        for y, sex in (
            (self.y.loc[order], self.sex.loc[order]),
            (self.y.loc[order].reset_index(drop=True), self.sex.loc[order].to_numpy()),
            (rows, {"sex": ["F", "M", "F"]}),
            (pl.Series(rows), pl.DataFrame({"sex": ["F", "M", "F"]})),
        ):
            assert len(Dataset(self.X.loc[order], y, sex)) == 3
        held_out = self.X.set_axis([1, 40, 7])
        assert len(Dataset(held_out, pd.Series(rows), ["a"])) == 3
        twice = ["p", "p", "q"]  # rows drawn with replacement
        assert len(Dataset(self.X.loc[twice], self.y.loc[twice], self.sex.loc[twice])) == 3


def test_rows_are_taken_with_their_labels_and_groups(table):
    X, y, sex = table
    part = Dataset(X.to_numpy(), y, {"sex": sex}).take(np.array([4, 2]))
    assert part.y.tolist() == [y[4], y[2]]
    assert part.sensitive_features["sex"].tolist() == [sex[4], sex[2]]
    assert part.native == "numpy"


# Subjects


def test_the_dress_of_the_data_changes_no_answer(table, model):
    X, y, sex = table
    expected = model.predict_proba(X)[:, 1]
    for dressed in (X, pl.from_pandas(X), pa.Table.from_pandas(X), X.to_numpy(), X.set_axis(range(7, 307))):
        subject = Subject("s", model, Dataset(dressed, y, {"sex": sex}))
        np.testing.assert_allclose(subject.scores(), expected, rtol=1e-12)
        np.testing.assert_array_equal(subject.answers().labels, model.predict(X))


@pytest.mark.parametrize("names", [("n", "y"), (0, 1), (False, True)])
def test_boosters_and_estimators_agree_with_themselves(table, names):
    X, y, _ = table
    label = np.array(names)[y]
    positive = names[1]
    boosted = LGBMClassifier(n_estimators=4, verbose=-1).fit(X, label)
    subject = Subject("s", boosted, Dataset(X, label), positive=positive)
    np.testing.assert_allclose(subject.scores(), boosted.predict_proba(X)[:, 1])
    if names == (0, 1):
        other = XGBClassifier(n_estimators=4).fit(X, y)
        np.testing.assert_allclose(Subject("s", other, Dataset(X, y)).scores(), other.predict_proba(X)[:, 1])
        native = Subject("s", boosted.booster_, Dataset(X, y))
        np.testing.assert_allclose(native.scores(), boosted.predict_proba(X)[:, 1])
        native = Subject("s", other.get_booster(), Dataset(X, y))
        np.testing.assert_allclose(native.scores(), other.predict_proba(X)[:, 1], rtol=1e-6)


def test_categories_reach_a_booster_from_every_dress(table, capfd):
    X = table[0].assign(job=pd.Categorical(np.where(table[0]["b"] > 0, "clerk", "cook")))
    y = (X["a"] + (X["job"] == "cook") > 0).astype(int).to_numpy()
    boosted = LGBMClassifier(n_estimators=4, verbose=-1).fit(X, y)
    for dressed in (X, pl.from_pandas(X), pa.Table.from_pandas(X)):
        for model in (boosted, boosted.booster_):
            scores = Subject("s", model, Dataset(dressed, y)).scores()
            np.testing.assert_allclose(scores, boosted.predict_proba(X)[:, 1])
    assert capfd.readouterr().err == ""


def test_multiclass_and_regression_are_inferred(table):
    X, _, _ = table
    y = np.array(["a", "b", "c"])[np.arange(300) % 3]
    subject = Subject("s", LogisticRegression().fit(X, y), Dataset(X, y))
    assert (subject.task, subject.positive) == ("multiclass", None)
    np.testing.assert_array_equal(subject.labels_of(subject.proba()), subject.answers().labels)
    assert subject.class_index(np.array(["c", "a"])).tolist() == [2, 0]
    with pytest.raises(NotApplicable, match="needs a binary task"):
        subject.scores()
    values = Subject("s", LinearRegression().fit(X, X["a"]), Dataset(X, X["a"]))
    assert values.task == "regression"
    np.testing.assert_allclose(values.asks(X), X["a"])
    whole = Subject("s", LinearRegression().fit(X, np.arange(300) % 5), Dataset(X, np.arange(300) % 5))
    assert whole.task == "regression", "the model says so, whatever the labels look like"
    with pytest.raises(NotApplicable, match="no probabilities"):
        values.proba()


def test_native_boosters_of_every_task(table):
    X, _, _ = table
    y = np.arange(300) % 3
    multi = lightgbm.train(
        {"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(X, y), 3
    )
    assert Subject("s", multi, Dataset(X, y)).proba().shape == (300, 3)
    values = xgboost.train({}, xgboost.DMatrix(X, X["a"]), 3)
    assert Subject("s", values, Dataset(X, X["a"])).answers().labels.shape == (300,)


def test_strings_need_a_positive_label_and_numbers_do_not(table):
    X, y, _ = table
    words = np.where(y == 1, "granted", "refused")
    fitted = LogisticRegression().fit(X, words)
    with pytest.raises(InputError, match=r"Pass positive=, one of \['granted', 'refused'\]"):
        Subject("s", fitted, Dataset(X, words))
    assert Subject("s", fitted, Dataset(X, words), positive="refused").positive == "refused"
    with pytest.raises(InputError, match="positive='refsued' is none of the labels"):
        Subject("s", fitted, Dataset(X, words), positive="refsued")
    for labels in (y, 2 * y - 1, y.astype(bool), y.astype(float)):
        assert Subject("s", LogisticRegression().fit(X, labels), Dataset(X, labels)).positive == 1


def test_a_test_set_of_one_class_still_knows_both(table, model):
    X, y, _ = table
    for label in (0, 1):
        subject = Subject("s", model, Dataset(X[y == label], y[y == label]))
        assert (subject.task, subject.positive, subject.classes.tolist()) == ("binary", 1, [0, 1])
        np.testing.assert_allclose(subject.scores(), model.predict_proba(X[y == label])[:, 1])


def test_a_test_set_of_one_group_and_a_column_of_nothing(table):
    X, y, _ = table
    X = X.assign(empty=np.nan)
    boosted = LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)
    subject = Subject("s", boosted, Dataset(X, y, {"sex": ["F"] * 300}))
    assert subject.test.sensitive_features["sex"].nunique() == 1
    assert np.isfinite(subject.scores()).all()
    words = Dataset(pd.DataFrame({"a": [1, 2], "empty": [None, None]}), [0, 1])
    assert words.digest == Dataset(pd.DataFrame({"a": [1, 2], "empty": [None, None]}), [0, 1]).digest


def test_a_score_that_is_no_number_is_the_models_error(table):
    X, y, _ = table
    subject = Subject("s", from_callable(lambda X: X["a"] * np.nan, output="proba"), Dataset(X, y))
    with pytest.raises(ModelError, match="answered NaN for 300 of 300 rows"):
        subject.answers()
    with pytest.raises(ModelError, match="failed on 300 rows: KeyError"):
        Subject("s", lambda X: X["nowhere"], Dataset(X, y)).answers()


def test_labels_the_model_does_not_know_are_told(table, model):
    X, y, _ = table
    with pytest.raises(InputError, match=r"labels that the model does not know: \[2\]; it knows \[0, 1\]"):
        Subject("s", model, Dataset(X, y + 1))
    with pytest.raises(InputError, match="same columns in the same order; they differ in"):
        Subject("s", model, Dataset(X, y), Dataset(X.rename(columns={"a": "z"}), y))
    with pytest.raises(InputError, match=r"same columns in another order: .*X_train\[X_test.columns\]"):
        Subject("s", model, Dataset(X, y), Dataset(X[["b", "a"]], y))
    with pytest.raises(InputError, match=r"test= must be a Dataset, got a tuple: write test=Dataset\(X, y\)"):
        Subject("s", model, (X, y))
    with pytest.raises(InputError, match=r"got a tuple: write train=Dataset\(X, y\)"):
        Subject("s", model, Dataset(X, y), (X, y))
    with pytest.raises(InputError, match=r"test= must be a Dataset\(X, y\), got DataFrame"):
        Subject("s", model, X)
    for unfitted in (LogisticRegression, XGBClassifier, LGBMClassifier):
        name = unfitted.__name__
        with pytest.raises(InputError, match=rf"got the class {name}, .*: pass {name}\(...\).fit\(X, y\)"):
            Subject("s", unfitted, Dataset(X, y))
    with pytest.raises(InputError, match=r"does not know: \[0.5, 1.5\]; it knows \[0, 1\]"):
        Subject("s", model, Dataset(X, y + 0.5))
    with pytest.raises(InputError, match=r"the task is regression: give y in its labels \[0, 1\]"):
        Subject("s", model, Dataset(X, y + 0.5), task="regression")
    with pytest.raises(InputError, match=r"no task named 'binry'. Did you mean 'binary'"):
        Subject("s", model, Dataset(X, y), task="binry")


@pytest.mark.parametrize("kind", [LogisticRegression, LGBMClassifier, XGBClassifier, "pipeline"])
def test_columns_that_are_not_those_of_the_training_are_told_before_any_check(table, kind):
    X, y, _ = table
    maker = make_pipeline(StandardScaler(), LinearSVC()) if kind == "pipeline" else kind()
    if kind is LGBMClassifier:
        maker.set_params(verbose=-1, n_estimators=3)
    model = maker.fit(X, y)
    for columns, match in (
        (X[["b", "a"]], r"in another order: give X\[\['a', 'b'\]\]"),
        (X.rename(columns={"a": "aa"}), "trained with a column 'a' that X lacks. Did you mean 'aa'"),
        (X.assign(id=1), r"was not trained with id: give X\[\['a', 'b'\]\]; a column that is sensitive"),
        (X.assign(id=1).to_numpy(), "trained with 2 features and X has 3"),
    ):
        with pytest.raises(InputError, match=match):
            Subject("s", model, Dataset(columns, y))
        if not isinstance(columns, np.ndarray):
            with pytest.raises(InputError, match=match):
                Subject("s", model, Dataset(pl.from_pandas(columns), y))


def test_lightgbm_learns_spaces_as_underscores_and_still_knows_its_columns(table):
    X, y = table[0].set_axis(["hours a week", "b"], axis=1), table[1]
    model = LGBMClassifier(n_estimators=4, verbose=-1).fit(X, y)
    expected = model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(Subject("s", model, Dataset(X, y)).scores(), expected)
    with pytest.raises(InputError, match=r"give X\[\['hours a week', 'b'\]\]"):
        Subject("s", model, Dataset(X[["b", "hours a week"]], y))
    swapped = Dataset(X[["b", "hours a week"]], y)
    np.testing.assert_allclose(Subject("s", model.booster_, swapped).scores(), expected)


def test_a_native_booster_tells_what_it_lacks_and_sorts_what_it_has(table):
    X, y, _ = table
    light = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(X, y), 3)
    extreme = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, y), 3)
    for booster in (light, extreme):
        expected = Subject("s", booster, Dataset(X, y)).scores()
        for same in (X[["b", "a"]], X.to_numpy()):
            np.testing.assert_allclose(Subject("s", booster, Dataset(same, y)).scores(), expected)
        with pytest.raises(InputError, match="trained with a column 'a' that X lacks"):
            Subject("s", booster, Dataset(X.rename(columns={"a": "z"}), y))
        with pytest.raises(InputError, match="was not trained with id"):
            Subject("s", booster, Dataset(X.assign(id=1), y))


def test_columns_of_dates_and_of_nullable_integers_are_carried(table):
    X, y, _ = table
    X = pd.DataFrame(
        {"n": pd.Series([1, None, 3] * 100, dtype="Int64"), "day": pd.to_datetime(["2024-02-01"] * 300)}
    )
    model = from_callable(
        lambda X: X["n"].isna().to_numpy() & (X["day"].dt.month == 2).to_numpy(), output="labels"
    )
    labels = pd.Series(y, dtype="Int64")
    subject = Subject("s", model, Dataset(X, labels))
    assert subject.answers().labels.tolist() == [False, True, False] * 100
    assert subject.test.take(np.arange(3)).X.dtypes.tolist() == X.dtypes.tolist()


def test_a_model_that_gives_only_labels_answers_in_ones_and_zeros(table):
    X, y, _ = table
    subject = Subject("s", LinearSVC().fit(X, y), Dataset(X, y))
    assert subject.answers().proba is None
    np.testing.assert_array_equal(subject.asks(X), subject.answers().labels)
    three = np.arange(300) % 3
    many = Subject("s", LinearSVC().fit(X, three), Dataset(X, three))
    np.testing.assert_array_equal(many.asks(X).argmax(axis=1), many.answers().labels)


def test_predictions_alone(table):
    X, y, _ = table
    score = np.linspace(0, 1, 300)
    subject = Subject("s", from_predictions(scores=score, classes=[0, 1]), Dataset(None, y))
    assert subject.predictions_only
    np.testing.assert_allclose(subject.scores(), score)
    assert subject.model.cost()["model_calls"] == 0
    with pytest.raises(NotApplicable, match="no training data"):
        subject.answers("train")
    only = Subject("s", from_predictions(labels=1 - y), Dataset(X, y))
    np.testing.assert_array_equal(only.answers().labels, 1 - y)
    with pytest.raises(NotApplicable, match="no probabilities"):
        only.scores()


def test_a_model_that_answers_in_other_labels_is_told_and_not_audited(table):
    X, y, _ = table
    seven = Subject(
        "s", from_callable(lambda X: np.full(len(X), 7), classes=[0, 1], output="labels"), Dataset(X, y)
    )
    for ask in (seven.answers, lambda: seven.asks(X)):
        with pytest.raises(ModelError, match=r"answered labels \[7\] that are none of the classes \[0, 1\]"):
            ask()
    logits = Subject(
        "s", from_callable(lambda X: X[["a", "b"]], classes=[0, 1], output="proba"), Dataset(X, y)
    )
    with pytest.raises(ModelError, match="which are no probabilities"):
        logits.answers()
    words = np.where(y == 1, "yes", "no")
    with pytest.raises(InputError, match="different types"):
        Subject("s", from_predictions(labels=y), Dataset(X, words), positive="yes")


def test_one_against_all_of_lightgbm_becomes_probabilities(table):
    X, y = table[0], np.arange(300) % 3
    model = LGBMClassifier(n_estimators=3, verbose=-1, objective="multiclassova").fit(X, y)
    raw = model.predict_proba(X)
    assert np.ptp(raw.sum(axis=1)) > 1e-3, "it gives none itself"
    subject = Subject("s", model, Dataset(X, y))
    np.testing.assert_allclose(subject.proba(), raw / raw.sum(axis=1)[:, None])


def test_answers_are_asked_once_and_counters_start_afresh(table, model):
    X, y, _ = table
    subject = Subject("s", model, Dataset(X, y))
    subject.answers()
    asked = subject.model.cost()
    subject.answers()
    assert subject.model.cost() == asked == {"model_calls": 2, "model_rows": 600, "refits": 0}
    fresh = subject.counted()
    fresh.answers()
    assert fresh.model.cost()["model_calls"] == 0
    described = subject.describe()
    assert described["classes"] == [0, 1]
    assert described["model"]["kind"] == "LogisticRegression"


def test_a_million_rows_are_quick(sorts_of_a_million):
    n = 1_000_000
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "job": pd.Categorical(rng.choice(["x", "y"], n))})
    y = rng.integers(0, 2, n)
    model = DummyClassifier(strategy="prior").fit(X, y)
    began = sorts_of_a_million()
    subject = Subject("big", model, Dataset(X, y, ["job"]))
    assert subject.scores().shape == (n,)
    assert len(subject.describe()["test"]["digest"]) == 64
    assert sorts_of_a_million() - began < 120
    assert subject.model.calls == 20, "asked in batches of 100,000 for labels and for probabilities"


class TestControlAndWeights:
    def test_they_are_kept_and_follow_the_rows_taken(self):
        data = Dataset(
            {"a": [1, 2, 3], "job": ["x", "y", "x"]},
            [0, 1, 1],
            control_features=["job"],
            sample_weight=[1, 2.5, 0],
        )
        assert data.control_names == ["job"]
        part = data.take(np.array([2, 0]))
        assert part.control_features["job"].tolist() == ["x", "x"]
        assert part.sample_weight.tolist() == [0, 1]

    def test_they_change_the_digest_and_none_does_not(self):
        rows = ({"a": [1, 2]}, [0, 1])
        plain = Dataset(*rows)
        assert plain.digest == Dataset(*rows, sample_weight=None).digest
        assert plain.digest != Dataset(*rows, sample_weight=[1, 2]).digest

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"sample_weight": [1]}, "one number a row"),
            ({"sample_weight": [1, -1]}, "at least 0"),
            ({"sample_weight": [0, 0]}, "not all of them 0"),
            ({"sample_weight": [1, float("nan")]}, "finite"),
            ({"control_features": ["b"]}, "to be a control feature"),
            ({"control_features": {"b": [1]}}, "control_features has 1 rows"),
        ],
    )
    def test_what_does_not_fit_is_told(self, given, told):
        with pytest.raises(InputError, match=told):
            Dataset({"a": [1, 2]}, [0, 1], **given)
