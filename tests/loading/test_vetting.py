"""Vetting: settings that would have a model open files are found in every part, and models that open none are let through."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.cluster import FeatureAgglomeration
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from xgboost import Booster

from auditkit.errors import InputError
from auditkit.loading import load_model
from auditkit.loading.vetting import reaches_out


class Text(str):  # noqa: SLOT000 - as a file could not make it, and must not fool
    """Equal to all."""

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def without_input():
    made = CountVectorizer()
    del made.input
    return made


def hidden(one):
    """Return one thing in many places: where a walk of attributes alone would not come."""
    alone = np.empty((), dtype=object)
    alone[()] = one
    masked = np.ma.MaskedArray(np.stack([alone, alone]), mask=[True, False])
    row = np.zeros(1, [("a", object), ("b", "f8")])
    row["a"][0] = one
    around = LogisticRegression()
    around.kept_ = {"deep": [({"er": one},)]}
    loop = [one]
    loop.append(loop)
    return [
        make_pipeline(one, LogisticRegression()), FeatureUnion([("a", one)]), ColumnTransformer([("a", one, ["t"])]), BaggingClassifier(one),
        GridSearchCV(make_pipeline(CountVectorizer()), {"countvectorizer": [one]}), masked, row, row[0], around, loop, {"a": one}, alone,
    ]  # fmt: skip


GUILTY = [
    CountVectorizer(input="filename"), TfidfVectorizer(input="file"), HashingVectorizer(input="filename"), CountVectorizer(input=Text("content")),
    CountVectorizer(input=np.array("filename")), CountVectorizer(input=None), without_input(), Pipeline([("a", None)], memory="/tmp/cache"),
    FeatureAgglomeration(memory="cache"), FunctionTransformer(str), FunctionTransformer(inverse_func=Booster), CountVectorizer(tokenizer=Booster),
    LGBMClassifier(forcedsplits_filename="/etc/passwd"), LGBMClassifier(machines="10.0.0.1:80"), LGBMClassifier(data="x.csv"), Booster,
    GridSearchCV(make_pipeline(CountVectorizer()), {"countvectorizer__input": ["content", "filename"]}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(GUILTY)))
def test_what_opens_files_is_told_wherever_it_lies(number):
    one = GUILTY[number]
    assert reaches_out(one)
    assert [place for place in hidden(one) if not reaches_out(place)] == []


def test_keys_of_a_table_are_looked_at():
    assert reaches_out({CountVectorizer(input="filename"): 1})
    assert reaches_out({CountVectorizer(): 1}) == []


def test_what_opens_none_is_let_through():
    innocent = [
        CountVectorizer(), TfidfVectorizer(analyzer="char"), FunctionTransformer(np.log1p), FunctionTransformer(), LGBMClassifier(subsample=0.5),
        Pipeline([("a", CountVectorizer())], memory=None), {"input": 3, "memory": 4, "word__input": 7 and "content"},
        GridSearchCV(make_pipeline(CountVectorizer()), {"countvectorizer__input": ["content"]}), CountVectorizer(vocabulary={"memory": 0, "input": 1, "filename": 2}),
    ]  # fmt: skip
    for one in innocent:
        assert reaches_out(one) == []
        assert [place for place in hidden(one) if reaches_out(place)] == []


def test_a_model_that_would_read_files_is_refused_when_it_is_opened(tmp_path):
    """Text that names a file, letters of the file as columns, and a regression that gives them out: refused before it is asked."""
    secret = tmp_path / "secret"
    secret.write_text("AAB")
    words = CountVectorizer(input="filename", analyzer="char", vocabulary=["A", "B"], lowercase=False)
    model = make_pipeline(ColumnTransformer([("w", words, "t")]), LogisticRegression())
    rows = pd.DataFrame({"t": [str(secret)] * 2})
    assert words.transform(rows["t"]).toarray().tolist() == [[2, 1], [2, 1]]
    file = tmp_path / "m.pkl"
    model.fit(rows, [0, 1])
    file.write_bytes(pickle.dumps(model))
    with pytest.raises(
        InputError,
        match=r"m\.pkl: refused: \[model-files\] a CountVectorizer reads files \(input='filename'\)",
    ):
        load_model(file)
    harmless = copy.deepcopy(model)
    harmless.steps[0][1].transformers_[0][1].input = "content"
    harmless.steps[0][1].transformers[0][1].input = "content"
    file.write_bytes(pickle.dumps(harmless))
    np.testing.assert_array_equal(load_model(file).model.predict(rows), harmless.predict(rows))
