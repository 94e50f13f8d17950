"""OnnxPredictor: answers of converted models are those of the originals; nothing outside the file is read."""

import pickle

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import Counted, ModelError, as_predictor, from_onnx
from auditkit.scanning.artifacts.onnx_wire import read_wire
from auditkit.subject import Dataset, Subject

BLOCK = [("X", FloatTensorType([None, 2]))]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"age": rng.normal(40, 10, 200), "income": rng.normal(size=200)}).astype(np.float32)
    return X, np.where(X["age"] + 5 * X["income"] + rng.normal(0, 5, 200) > 40, "yes", "no")


def converted(model, inputs=BLOCK, **options):
    # libsvm's and the tree builders' deprecations are the converter's affair
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_sklearn(
            model, initial_types=inputs, options={id(model): options} if options else None
        ).SerializeToString()


@pytest.fixture(scope="module")
def pipeline(table):
    X = table[0].assign(**{"job title": np.where(table[0]["age"] > 35, "clerk", "cook")})
    columns = make_column_transformer((StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["job title"]))
    model = make_pipeline(columns, LogisticRegression()).fit(X, table[1])
    one = [
        ("age", FloatTensorType([None, 1])),
        ("income", FloatTensorType([None, 1])),
        ("job title", StringTensorType([None, 1])),
    ]
    return X, model, converted(model, one)


def test_a_pipeline_with_one_input_a_column(pipeline, table):
    X, model, data = pipeline
    subject = Subject("onnx", from_onnx(data), Dataset(X, table[1]), positive="yes")
    np.testing.assert_allclose(subject.proba(), model.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(subject.answers().labels, model.predict(X))
    assert subject.classes.tolist() == ["no", "yes"]
    assert (subject.model.trust, len(subject.model.digest)) == ("data", 64)
    assert "job" in subject.model.description()
    with pytest.raises(NotApplicable):
        subject.model.refit(X, table[1], 0)


@pytest.mark.parametrize("zipmap", [True, False])
def test_multiclass_with_and_without_zipmap(table, zipmap):
    X, _ = table
    y = np.array([10, 20, 30])[np.random.default_rng(0).integers(0, 3, len(X))]
    model = RandomForestClassifier(5, random_state=0).fit(X.to_numpy(), y)
    predictor = as_predictor(
        from_onnx(converted(model, zipmap=zipmap)), task="multiclass", labels=np.array([10, 20])
    )
    assert predictor.classes.tolist() == [10, 20, 30], "the model's own classes, also where the data lack one"
    np.testing.assert_allclose(predictor.predict_proba(X), model.predict_proba(X.to_numpy()), atol=1e-5)
    np.testing.assert_array_equal(predictor.predict(X), model.predict(X.to_numpy()))


def test_regression(table):
    X, _ = table
    model = LinearRegression().fit(X.to_numpy(), X["age"] * 2 + 0.5)
    subject = Subject("r", from_onnx(converted(model)), Dataset(X, X["age"] * 2 + 0.5))
    assert subject.task == "regression"
    np.testing.assert_allclose(subject.answers().labels, model.predict(X.to_numpy()), rtol=1e-5)
    with pytest.raises(NotApplicable, match="no probabilities"):
        subject.model.predict_proba(X)


def test_classes_inside_an_ensemble_are_not_mistaken_for_the_models(table):
    X, y = table
    parts = [("a", LogisticRegression()), ("b", RandomForestClassifier(3, random_state=0))]
    model = VotingClassifier(parts, voting="soft", flatten_transform=False).fit(X.to_numpy(), y)
    subject = Subject("v", from_onnx(converted(model)), Dataset(X, y), positive="yes")
    np.testing.assert_allclose(subject.proba(), model.predict_proba(X.to_numpy()), atol=1e-5)


def test_the_order_of_classes_is_held_against_the_models_own_labels(table):
    X, y = table
    model = LogisticRegression().fit(X.to_numpy(), y)
    data = converted(model, zipmap=False)
    wrong = from_onnx(data)
    wrong.classes = np.array(["yes", "no"])
    with pytest.raises(InputError, match=r"does not say the order of its classes.*from_onnx"):
        wrong.predict_proba(X)


def test_scores_that_are_no_probabilities_are_not_given_as_such(table):
    X, y = table
    subject = Subject(
        "svm", from_onnx(converted(LinearSVC().fit(X.to_numpy(), y))), Dataset(X, y), positive="yes"
    )
    assert not subject.model.has_proba
    assert subject.answers().proba is None
    with pytest.raises(NotApplicable, match="no probabilities"):
        subject.scores()


def test_it_travels_to_another_process(pipeline):
    X, _, data = pipeline
    predictor = as_predictor(from_onnx(data), task="binary", labels=np.array(["no", "yes"]))
    predictor.predict(X)
    twin = pickle.loads(pickle.dumps(predictor))
    np.testing.assert_array_equal(twin.predict_proba(X), predictor.predict_proba(X))


def test_sessions_and_paths(pipeline, tmp_path):
    X, model, data = pipeline
    (tmp_path / "m.onnx").write_bytes(data)
    for source in (onnxruntime.InferenceSession(data), tmp_path / "m.onnx", str(tmp_path / "m.onnx")):
        predictor = as_predictor(source, task="binary", labels=np.array(["no", "yes"]))
        np.testing.assert_array_equal(predictor.predict(X), model.predict(X))
    with pytest.raises(InputError, match="cannot read"):
        as_predictor(tmp_path / "other.onnx")


def test_columns_that_do_not_fit_are_told(pipeline, table):
    X, _, data = pipeline
    predictor = Counted(from_onnx(data))
    with pytest.raises(
        InputError, match=r"an input 'income' and the data no such column. Did you mean 'incomes'"
    ):
        predictor.predict(X.rename(columns={"income": "incomes"}))
    with pytest.raises(InputError, match="wants numbers"):
        predictor.predict(X.assign(age="old"))
    with pytest.raises(ModelError, match="column 'job title' misses 1 values"):
        predictor.predict(X.assign(**{"job title": ["cook"] * 199 + [None]}))
    block = Counted(from_onnx(converted(LogisticRegression().fit(*[table[0].to_numpy(), table[1]]))))
    with pytest.raises(InputError, match="takes 2 features in one tensor and the data have 3"):
        block.predict(X)


def test_tensors_in_other_files_are_refused(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(np.ones(2, dtype=np.float32).tobytes())
    weights = onnx.TensorProto(
        name="w", data_type=onnx.TensorProto.FLOAT, dims=[2], data_location=onnx.TensorProto.EXTERNAL
    )
    weights.external_data.add(key="location", value="secret.bin")
    node = onnx.helper.make_node("Mul", ["X", "w"], ["Y"])
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node], "g", [info("X", 1, [None, 2])], [info("Y", 1, [None, 2])], initializer=[weights]
    )
    outside = onnx.helper.make_model(graph)
    with pytest.raises(InputError, match="refused: the ONNX model keeps tensors in other files"):
        from_onnx(outside.SerializeToString())
    constant = onnx.helper.make_node("Constant", [], ["w"], value=weights)
    inner = onnx.helper.make_graph([constant], "inner", [], [info("w", 1, [2])])
    branch = onnx.helper.make_node("If", ["c"], ["Y"], then_branch=inner, else_branch=inner)
    nested = onnx.helper.make_graph([branch], "g", [info("c", 9, [])], [info("Y", 1, [2])])
    with pytest.raises(InputError, match="keeps tensors in other files"):
        from_onnx(onnx.helper.make_model(nested).SerializeToString())


def test_a_column_named_location_is_not_mistaken_for_another_file(table):
    X, y = table
    two = [("location", FloatTensorType([None, 1])), ("income", FloatTensorType([None, 1]))]
    model = make_pipeline(
        make_column_transformer((StandardScaler(), ["location", "income"])), LogisticRegression()
    )
    X = X.rename(columns={"age": "location"})
    predictor = from_onnx(converted(model.fit(X, y), two))
    np.testing.assert_array_equal(predictor.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x08", b"\x80\x04.", b"hello world, no model", b"\x3a\xff\xff\xff\xff\x0f", b"\x3a\x00" * 2],
)
def test_what_is_no_model_is_refused(data):
    with pytest.raises(InputError, match="refused"):
        from_onnx(data)


def test_the_reader_of_bytes_agrees_with_the_format(pipeline):
    wire = read_wire(pipeline[2])
    assert (wire.graphs, wire.external) == (1, False)
    assert ("no", "yes") in wire.classes
    with pytest.raises(ValueError, match="cut short"):
        read_wire(pipeline[2][:-3])
    deep = b""
    for number in (6, 5, 1) * 30:  # a graph in an attribute in a node in a graph ...
        deep = field(number, deep)
    with pytest.raises(ValueError, match="too deep"):
        read_wire(field(7, deep))


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6),
    st.lists(st.floats(width=32, allow_nan=False), max_size=6),
    st.booleans(),
)
def test_a_tensor_elsewhere_is_found_among_any_numbers(ints, floats, external):
    """Numbers are passed over in runs; whatever bytes they are made of, the tensor after them is seen."""
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[1])
    if external:
        tensor.external_data.add(key="location", value="x")
    attribute = onnx.AttributeProto(name="a", ints=ints, floats=floats, t=tensor, type=4)
    labels = onnx.AttributeProto(name="classlabels_ints", ints=ints, type=7)
    node = onnx.NodeProto(op_type="Any", attribute=[attribute, labels])
    wire = read_wire(onnx.ModelProto(ir_version=8, graph=onnx.GraphProto(node=[node])).SerializeToString())
    assert (wire.graphs, wire.external) == (1, external)
    assert wire.classes == ([tuple(ints)] if ints else [])


def field(number, content):
    """A length-delimited field of the wire format."""
    size, length = len(content), b""
    while size >= 128:
        length, size = length + bytes([size % 128 | 128]), size // 128
    return bytes([number << 3 | 2]) + length + bytes([size]) + content
