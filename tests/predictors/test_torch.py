"""TorchPredictor: answers, gradients and refits of modules are what a pencil gives; nothing of torch's own state changes."""

import hashlib
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

if not os.environ.get("CI"):
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")

import torch
from torch import nn

from auditkit import Audit
from auditkit.checks.membership import population_attack, reference_attacks
from auditkit.errors import InputError, NotApplicable
from auditkit.methods.structure import structure
from auditkit.predictors import Counted, ModelError, Training, as_predictor, from_torch
from auditkit.predictors._torch_training import fit
from auditkit.subject import Dataset, Subject

X2 = pd.DataFrame({"a": [0.0, 1.0, -2.0], "b": [0.0, 1.0, 0.5]})
Y2 = np.array([0, 1, 1])


def linear(weight, bias):
    """Return a linear layer of known numbers, in double precision."""
    weight = np.atleast_2d(np.asarray(weight, dtype=float))
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(np.atleast_1d(bias), dtype=torch.float64))
    return layer


def mlp(d=3, k=2, hidden=8, seed=0, dtype=torch.float64, *, last=()):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(d, hidden, dtype=dtype), nn.Tanh(), nn.Linear(hidden, k, dtype=dtype), *last
        )


def rows(n=40, d=3, seed=0):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, d)), columns=[f"x{j}" for j in range(d)])


def separable(n=200, seed=0):
    X = rows(n, 3, seed)
    return X, (X["x0"] + X["x1"] > 0).to_numpy().astype(int)


class Net(nn.Module):
    """A module that does to its rows whatever it is told."""

    def __init__(self, forward, layer=None):
        super().__init__()
        self.told, self.layer = forward, layer

    def forward(self, x):
        return self.told(x)


class OwnWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = nn.Parameter(torch.zeros(2, 2))

    def forward(self, x):
        return x @ self.own


def hand_softmax(logits):
    raised = np.exp(np.asarray(logits, dtype=float))
    return raised / raised.sum(axis=1, keepdims=True)


# answers -----------------------------------------------------------------------------------------------


def test_multiclass_logits_by_hand():
    module = linear([[1, 0], [0, 1], [1, -1]], [0, 0.5, -1])
    model = from_torch(module, classes=["x", "y", "z"], output="logits")
    # rows (0, 0), (1, 1), (-2, 0.5)
    expected = hand_softmax([[0, 0.5, -1], [1, 1.5, -1], [-2, 1, -3.5]])
    np.testing.assert_allclose(model.predict_proba(X2), expected, rtol=1e-12)
    assert model.predict(X2).tolist() == ["y", "y", "y"]
    assert model.has_proba


def test_one_logit_is_about_the_second_class():
    model = from_torch(linear([2, -1], 0.5), classes=["no", "yes"], output="logits")
    z = np.array([0.5, 1.5, -4.0])
    np.testing.assert_allclose(model.predict_proba(X2)[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-12)
    assert model.predict(X2).tolist() == ["yes", "yes", "no"]
    flat = from_torch(Net(lambda x: x[:, 0]), classes=[0, 1], output="logits")
    assert flat.predict_proba(X2)[1, 1] == pytest.approx(1 / (1 + np.exp(-1)))


def test_probabilities_are_given_as_they_are():
    two = from_torch(
        nn.Sequential(linear([2, -1], 0.5), nn.Sigmoid()), classes=[0, 1], output="probabilities"
    )
    np.testing.assert_allclose(two.predict_proba(X2)[:, 1], 1 / (1 + np.exp([-0.5, -1.5, 4.0])), rtol=1e-12)
    np.testing.assert_allclose(two.predict_proba(X2).sum(axis=1), 1)
    logits = linear([[1, 0], [0, 1], [1, -1]], [0, 0.5, -1])
    three = from_torch(nn.Sequential(logits, nn.Softmax(dim=1)), classes=[0, 1, 2], output="probabilities")
    plain = from_torch(logits, classes=[0, 1, 2], output="logits")
    np.testing.assert_allclose(three.predict_proba(X2), plain.predict_proba(X2), rtol=1e-12)


def test_logits_so_large_that_single_precision_says_one_keep_their_order():
    model = from_torch(Net(lambda x: x), classes=[0, 1], output="logits")
    proba = model.predict_proba(pd.DataFrame({"a": [0.0, 0.0, -800.0], "b": [20.0, 25.0, 800.0]}))
    assert proba[0, 1] < proba[1, 1] < 1
    assert proba[2].tolist() == [0.0, 1.0]


def test_regression():
    model = from_torch(linear([2, -1], 0.5), output="values")
    np.testing.assert_allclose(model.predict(X2), [0.5, 1.5, -4.0])
    assert model.classes is None
    assert not model.has_proba
    with pytest.raises(NotApplicable, match="no probabilities"):
        model.predict_proba(X2)
    subject = Subject("r", linear([2, -1], 0.5), Dataset(X2, [0.4, 1.6, -4.2]))
    assert subject.task == "regression"
    np.testing.assert_allclose(subject.answers().labels, [0.5, 1.5, -4.0])


def test_images_are_rows_of_pixels():
    seen = []

    def forward(x):
        seen.append(tuple(x.shape[1:]))
        return torch.stack([x[:, 0, 0, 0], x[:, 0, 7, 7]], dim=1)

    X = pd.DataFrame(np.arange(128.0).reshape(2, 64))
    model = from_torch(Net(forward), classes=[0, 1], output="logits", shape=(1, 8, 8))
    assert model._scores(X).tolist() == [[0, 63], [64, 127]]
    assert set(seen) == {(1, 8, 8)}
    assert model.loss_gradient(X, np.array([0, 1])).shape == (2, 64)
    with pytest.raises(InputError, match=r"shape=\(1, 8, 8\) takes 64 values a row, and a row has 2"):
        model.predict(X2)


def test_columns_are_taken_by_name():
    model = from_torch(linear([2, -1], 0.0), output="values", columns=["a", "b"])
    swapped = X2[["b", "a"]]
    np.testing.assert_array_equal(model.predict(swapped), model.predict(X2))
    assert model.loss_gradient(swapped, np.zeros(3))[1].tolist() == [-2.0, 4.0], "as X has them: b, a"
    with pytest.raises(InputError, match="a column 'b' that X lacks"):
        model.meet(X2[["a"]])
    with pytest.raises(InputError, match="was not trained with c"):
        model.meet(X2.assign(c=1.0))


def test_rows_are_prepared_by_a_transformer_or_a_function():
    words = pd.DataFrame({"a": ["u", "v", "u"]})
    encoder = OneHotEncoder().fit(words)  # sparse
    model = from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", prepare=encoder)
    assert model._scores(words).tolist() == [[1, 0], [0, 1], [1, 0]]
    by_function = from_torch(
        linear(np.eye(2), 0), classes=[0, 1], output="logits", prepare=lambda X: X.to_numpy() * 2
    )
    np.testing.assert_array_equal(by_function._scores(X2), X2.to_numpy() * 2)
    nameless = StandardScaler().fit(X2.to_numpy())
    from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", prepare=nameless).meet(X2)
    named = StandardScaler().set_output(transform="pandas").fit(X2)
    from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", prepare=named).meet(X2)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16], ids=lambda d: str(d)[6:]
)
def test_the_type_of_the_module_is_respected(dtype):
    seen = []
    layer = linear([[1, 0], [0, 1]], 0).to(dtype)
    model = from_torch(
        Net(lambda x: seen.append(x.dtype) or layer(x), layer), classes=[0, 1], output="logits"
    )
    assert model.predict_proba(X2).dtype == np.float64
    assert model.loss_gradient(X2, Y2).dtype == np.float64
    assert set(seen) == {dtype}
    assert torch.get_default_dtype() == torch.float32
    assert len(model.digest) == 64


def test_nullable_numbers_booleans_and_missing_values_reach_the_module():
    X = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [True, False, True]})
    model = Counted(from_torch(linear([[1, 0], [0, 1]], 0), classes=[0, 1], output="logits"))
    assert model.inner._rows(X).tolist()[0] == [1.0, 1.0]
    assert np.isnan(model.inner._rows(X)[1, 0])
    with pytest.raises(ModelError, match="NaN"):
        model.predict_proba(X)


def test_no_rows_get_no_answers():
    none = X2.head(0)
    model = Counted(
        from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", prepare=StandardScaler().fit(X2))
    )
    assert model.predict(none).shape == (0,)
    assert model.predict_proba(none).shape == (0, 2)
    assert model.loss_gradient(none, np.array([], dtype=int)).shape == (0, 2)
    assert from_torch(linear([1, 0], 0), output="values").predict(none).shape == (0,)
    model.inner.meet(none)


# what it gives -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "k", "found"),
    [
        ((), 2, "logits"),
        ((), 1, "logits"),
        ((nn.Sigmoid(),), 1, "probabilities"),
        ((nn.Softmax(dim=1),), 3, "probabilities"),
        ((nn.LogSoftmax(dim=1),), 3, "logits"),
        ((nn.Sequential(nn.Softmax(dim=1)),), 2, "probabilities"),
    ],
)
def test_the_last_layer_of_a_sequence_says_what_it_gives(last, k, found):
    module = mlp(3, k, last=last)
    bare = Subject("bare", module, Dataset(rows(), np.arange(40) % max(k, 2)))
    said = from_torch(module, classes=range(max(k, 2)), output=found)
    assert bare.model.inner.output == found
    np.testing.assert_array_equal(
        bare.proba() if k != 2 else bare.answers().proba, said.predict_proba(rows())
    )


def test_answers_say_what_they_are_where_they_can():
    inner = mlp(3, 3, dtype=torch.float32)
    logits = as_predictor(Net(lambda x: inner(x) * 5), task="multiclass", labels=np.arange(3))
    logits.meet(rows())
    assert logits.output == "logits"
    proba = as_predictor(Net(lambda x: inner(x).softmax(1)), task="multiclass", labels=np.arange(3))
    proba.meet(rows())
    assert proba.output == "probabilities"
    np.testing.assert_allclose(proba.predict_proba(rows()).sum(axis=1), 1)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: torch.sigmoid(x[:, :1]),
        lambda x: torch.sigmoid(x[:, :2]),
        lambda x: torch.full((len(x), 2), 0.5),
    ],
    ids=["one column", "one against all", "all the same"],
)
def test_where_they_cannot_it_is_asked_for(forward):
    with pytest.raises(InputError, match=r"say which, from_torch\(module, output='logits'"):
        Subject("doubt", Net(forward), Dataset(rows(), np.arange(40) % 2))
    said = from_torch(Net(forward), output="logits")
    Subject("no doubt", said, Dataset(rows(), np.arange(40) % 2))


def test_classes_come_from_the_data_and_the_users_own_predictor_stays_as_it_was():
    own = from_torch(mlp(), output="logits")
    subject = Subject("s", own, Dataset(rows(), np.where(np.arange(40) % 2, "b", "a")), positive="b")
    assert subject.classes.tolist() == ["a", "b"]
    assert own.classes is None
    assert subject.model.estimator is own.estimator
    assert structure(subject.model.estimator, 40).parameters == 3 * 8 + 8 + 8 * 2 + 2


# gradients ---------------------------------------------------------------------------------------------


def loss_of(model, X, y):
    """The loss of each row, from the model's answers."""
    if model.classes is None:
        return (model.predict(X) - y) ** 2
    return -np.log(model.predict_proba(X)[np.arange(len(X)), np.searchsorted(model.classes, y)])


def differences(model, X, y, h=1e-6):
    found = np.empty(X.shape)
    for j, name in enumerate(X.columns):
        up, down = X.assign(**{name: X[name] + h}), X.assign(**{name: X[name] - h})
        found[:, j] = (loss_of(model, up, y) - loss_of(model, down, y)) / (2 * h)
    return found


SCALERS = [
    None,
    StandardScaler(),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 3)),
    MaxAbsScaler(),
    RobustScaler(),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
@pytest.mark.parametrize("kind", ["multiclass", "one logit", "sigmoid", "softmax", "values"])
def test_gradients_are_those_of_finite_differences(kind, scaler):
    X = rows(30) * [1, 10, 0.1] + [0, 5, 2]
    rng = np.random.default_rng(1)
    k = {"multiclass": 3, "softmax": 3}.get(kind, 1)
    last = {"sigmoid": (nn.Sigmoid(),), "softmax": (nn.Softmax(dim=1),)}.get(kind, ())
    prepare = None if scaler is None else scaler.fit(rows(50, seed=2) * [1, 10, 0.1] + [0, 5, 2])
    output = {"values": "values", "sigmoid": "probabilities", "softmax": "probabilities"}.get(kind, "logits")
    classes = None if kind == "values" else ["a", "b", "c"][: max(k, 2)]
    model = from_torch(mlp(3, k, last=last), classes=classes, output=output, prepare=prepare, batch_rows=7)
    y = rng.normal(size=30) if classes is None else rng.choice(classes, 30)
    np.testing.assert_allclose(model.loss_gradient(X, y), differences(model, X, y), rtol=1e-5, atol=1e-7)


def test_the_gradient_of_a_linear_model_by_hand():
    model = from_torch(linear([2, -1], 0.5), classes=[0, 1], output="logits")
    p = 1 / (1 + np.exp(-np.array([0.5, 1.5, -4.0])))
    expected = (p - Y2)[:, None] * np.array([2.0, -1.0])  # of the cross-entropy: (p - y) w
    np.testing.assert_allclose(model.loss_gradient(X2, Y2), expected, rtol=1e-12)
    values = from_torch(linear([2, -1], 0.5), output="values")
    expected = 2 * (np.array([0.5, 1.5, -4.0]) - 1)[:, None] * np.array([2.0, -1.0])
    np.testing.assert_allclose(values.loss_gradient(X2, np.ones(3)), expected)


def test_a_row_the_model_is_sure_of_keeps_its_gradient():
    model = from_torch(linear([40, 0], 0).float(), classes=[0, 1], output="logits")
    gradient = Counted(model).loss_gradient(X2.iloc[[1]], np.array([1]))
    # single precision has no 1 - p below 6e-8; the true factor is e**-40
    assert gradient[0, 0] == pytest.approx(-40 * np.exp(-40.0), rel=1e-5)


def test_gradients_leave_the_module_as_it_was():
    module = mlp()
    model = from_torch(module, classes=[0, 1], output="logits")
    with torch.no_grad():
        model.loss_gradient(rows(), np.arange(40) % 2)
    assert all(one.grad is None and one.requires_grad for one in model.estimator.parameters())


@pytest.mark.parametrize(
    "prepare",
    [PolynomialFeatures(1, include_bias=False), MinMaxScaler(clip=True), np.asarray],
    ids=["polynomials", "clipped", "function"],
)
def test_no_gradient_through_what_mixes_or_clips_columns(prepare):
    fitted = prepare.fit(X2) if hasattr(prepare, "fit") else prepare
    model = from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", prepare=fitted)
    model.predict(X2)
    with pytest.raises(NotApplicable, match="no scaler of single columns"):
        model.loss_gradient(X2, Y2)


def test_no_gradient_where_none_reaches_the_rows():
    for forward in (lambda x: (x > 0).double(), lambda x: linear(np.eye(2), 0)(x.detach().double())):
        model = from_torch(Net(forward), classes=[0, 1], output="logits")
        with pytest.raises(NotApplicable, match="none reaches its inputs"):
            model.loss_gradient(X2, Y2)


# evaluation --------------------------------------------------------------------------------------------


def test_dropout_and_batch_norm_are_asked_in_evaluation_mode_and_left_as_found():
    module = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
    module.train()
    module[1].eval()  # half of it frozen by its owner
    modes = [one.training for one in module.modules()]
    state = {name: value.clone() for name, value in module.state_dict().items()}
    model = from_torch(module, classes=[0, 1], output="logits")
    X = rows(300)
    whole = model.predict_proba(X)
    one_by_one = np.concatenate([model.predict_proba(X.iloc[[i]]) for i in range(20)])
    np.testing.assert_allclose(one_by_one, whole[:20], atol=1e-6)
    model.loss_gradient(X, np.arange(300) % 2)
    model.refit(X, np.arange(300) % 2, 0)
    assert [one.training for one in module.modules()] == modes
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name]), name


@given(batch_rows=st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_answers_and_gradients_do_not_depend_on_the_batches(batch_rows):
    model = from_torch(mlp(), classes=[0, 1], output="logits", batch_rows=batch_rows)
    whole = from_torch(mlp(), classes=[0, 1], output="logits")
    y = np.arange(40) % 2
    np.testing.assert_allclose(model.predict_proba(rows()), whole.predict_proba(rows()), rtol=1e-12)
    np.testing.assert_allclose(model.loss_gradient(rows(), y), whole.loss_gradient(rows(), y), rtol=1e-9)


def test_no_more_rows_pass_at_once_than_asked_for():
    seen = []
    model = from_torch(Net(lambda x: seen.append(len(x)) or x), classes=[0, 1], output="logits", batch_rows=7)
    model.predict(pd.DataFrame(np.zeros((40, 2))))
    assert sum(seen) == 40
    assert max(seen) <= 7


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), mlp(dtype=torch.float32)),
        Net(lambda x: torch.rand(len(x), 2)),
        Net(lambda x: 100 + x[:, :2] - x[:, :2].mean(dim=0)),
    ],
    ids=["mixes rows", "random", "little beside its size"],
)
def test_answers_that_depend_on_the_batch_are_refused(module):
    model = from_torch(module, output="logits")
    with pytest.raises(InputError, match="must take each row by itself"):
        Subject("s", model, Dataset(rows(), np.arange(40) % 2))


def test_later_training_of_the_original_changes_nothing_under_audit():
    module = mlp()
    model = from_torch(module, classes=[0, 1], output="logits")
    before = model.predict_proba(rows())
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(model.predict_proba(rows()), before)


# refits ------------------------------------------------------------------------------------------------


def test_refit_is_determined_by_its_seed_and_learns():
    X, y = separable()
    model = from_torch(
        mlp(dtype=torch.float32),
        classes=[0, 1],
        output="logits",
        train=Training(epochs=60, learning_rate=0.01),
    )
    again, same, other = model.refit(X, y, 1), model.refit(X, y, 1), model.refit(X, y, 2)
    assert again.digest == same.digest != other.digest
    assert again.digest != model.digest
    np.testing.assert_array_equal(again.predict_proba(X), same.predict_proba(X))
    new, truth = separable(seed=9)
    for one in (again, other):
        assert np.mean(one.predict(new) == truth) > 0.95
    assert not again.estimator.training
    assert again.estimator is not model.estimator


def test_refit_starts_from_fresh_weights_not_from_what_was_learnt():
    X, y = separable()
    trained = mlp(dtype=torch.float32)
    with torch.no_grad():
        for one in trained.parameters():
            one.fill_(50.0)
    start = {}

    def train(module, rows, targets, seed):
        start.update({name: one.detach().clone() for name, one in module.named_parameters()})

    from_torch(trained, classes=[0, 1], output="logits", train=train).refit(X, y, 3)
    # nn.Linear draws weight and bias uniformly within 1 / sqrt(inputs)
    for name, width in (("0.weight", 3), ("0.bias", 3), ("2.weight", 8), ("2.bias", 8)):
        assert start[name].abs().max() <= 1 / np.sqrt(width)
        assert start[name].std() > 0


def test_the_users_own_training_gets_tensors_and_may_return_another_module():
    X, y = separable(50)
    got = {}

    def train(module, rows, targets, seed):
        got.update(rows=rows, targets=targets, seed=seed, training=module.training)
        return linear([[0, 0, 0], [1, 1, 0]], 0)

    model = from_torch(
        mlp(dtype=torch.float32),
        classes=["n", "y"],
        output="logits",
        train=train,
        prepare=StandardScaler().fit(X),
    )
    again = model.refit(X, np.array(["n", "y"])[y], 5)
    assert (got["seed"], got["training"]) == (5, True)
    assert (got["rows"].dtype, tuple(got["rows"].shape)) == (torch.float32, (50, 3))
    assert got["targets"].tolist() == y.tolist()
    assert type(again.estimator) is nn.Linear
    assert again.prepare is model.prepare
    values = from_torch(mlp(k=1), output="values", train=train)
    values.refit(X, np.linspace(0, 1, 50), 0)
    assert got["targets"].dtype == torch.float64


@pytest.mark.parametrize(
    ("last", "k", "output"),
    [((), 1, "logits"), ((nn.Sigmoid(),), 1, "probabilities"), ((nn.Softmax(dim=1),), 2, "probabilities")],
)
def test_every_kind_of_classifier_learns(last, k, output):
    X, y = separable()
    model = from_torch(
        mlp(3, k, last=last), classes=[0, 1], output=output, train=Training(60, learning_rate=0.01)
    )
    assert np.mean(model.refit(X, y, 0).predict(X) == y) > 0.95


def test_regression_learns_and_a_last_batch_of_one_row_is_no_trouble():
    X = rows(65)  # 64 rows and one more
    y = (2 * X["x0"] - X["x1"]).to_numpy()
    module = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 1))
    again = from_torch(module, output="values", train=Training(200, learning_rate=0.01)).refit(X, y, 0)
    assert np.mean((again.predict(X) - y) ** 2) < 0.1 * y.var()


def test_the_plain_recipe_is_adam():
    """One batch an epoch: the same steps as by torch's own optimiser, from the same start."""
    X, y = separable(30)
    start = []
    model = from_torch(mlp(), classes=[0, 1], output="logits", train=lambda m, *_: start.append(m))
    model.refit(X, y, 4)
    module = start[0]
    optimiser = torch.optim.Adam(module.parameters(), lr=0.02, weight_decay=0.1)
    for _ in range(5):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(torch.tensor(X.to_numpy())), torch.tensor(y)).backward()
        optimiser.step()
    plain = from_torch(mlp(), classes=[0, 1], output="logits", train=Training(5, 100, 0.02, 0.1)).refit(
        X, y, 4
    )
    for got, expected in zip(plain.estimator.parameters(), module.parameters(), strict=True):
        np.testing.assert_allclose(got.detach(), expected.detach(), rtol=1e-7)


def test_frozen_parts_stay_as_they_are():
    X, y = separable()
    module = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
    with torch.no_grad():
        module[1].running_mean.fill_(0.3)
    for one in (*module[0].parameters(), *module[1].parameters()):
        one.requires_grad_(False)
    again = from_torch(module, classes=[0, 1], output="logits", train=lambda *_: None).refit(X, y, 0)
    for name, value in module.state_dict().items():
        assert torch.equal(value, again.estimator.state_dict()[name]) == (not name.startswith("3.")), name


@pytest.mark.parametrize(
    "layer",
    [
        nn.MultiheadAttention(4, 2),
        nn.LSTM(4, 3),
        nn.Embedding(5, 3),
        nn.Conv2d(1, 2, 3),
        nn.LayerNorm(4),
        nn.TransformerEncoderLayer(4, 2, 8),
        nn.PReLU(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_torchs_own_layers_can_be_drawn_afresh(layer):
    model = from_torch(nn.Sequential(layer), output="logits")
    assert model.can_refit
    assert all(torch.isfinite(one).all() for one in model.estimator.parameters())


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (OwnWeights(), r"no reset_parameters\(\) draws its 'own'"),
        (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))), "original"),
        (nn.Linear(2, 2).requires_grad_(False), "only frozen parameters"),
        (Net(lambda x: x), "has no parameters"),
    ],
    ids=["own weights", "weight norm", "frozen", "none"],
)
def test_what_cannot_be_drawn_afresh_is_said_and_built_instead(module, why):
    model = from_torch(module, classes=[0, 1], output="logits")
    assert not model.can_refit
    with pytest.raises(NotApplicable, match=why):
        model.refit(X2, Y2, 0)
    subject = Subject("s", model, Dataset(X2 + 1, Y2), Dataset(X2, Y2))
    with pytest.raises(NotApplicable, match="cannot be trained again"):
        reference_attacks(subject, rng=np.random.default_rng(0))


def test_a_build_stands_for_reset_parameters():
    X, y = separable(60)
    model = from_torch(
        mlp(), classes=[0, 1], output="logits", build=lambda: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)),
        train=Training(2),
    )  # fmt: skip
    again, same, other = model.refit(X, y, 1), model.refit(X, y, 1), model.refit(X, y, 2)
    assert again.digest == same.digest != other.digest
    assert next(again.estimator.parameters()).dtype == torch.float64
    for build, why in (
        (lambda: 3, "must give a new module"),
        (nn.Identity, "same architecture"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ):
        bad = from_torch(mlp(), classes=[0, 1], output="logits", build=build)
        assert not bad.can_refit
        with pytest.raises(ModelError, match=why):
            bad.refit(X, y, 0)


def test_torchs_own_state_is_untouched():
    X, y = separable(60)
    module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    torch.manual_seed(77)
    before = (
        torch.get_rng_state().clone(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    model = from_torch(module, output="logits", train=Training(2))
    subject = Subject("s", model, Dataset(X, y))
    subject.model.predict_proba(X)
    subject.model.loss_gradient(X, y)
    subject.model.refit(X, y, 3)
    assert subject.model.can_refit
    with pytest.raises(ModelError):
        from_torch(module, classes=[0, 1], output="logits", train=lambda *_: 1 / 0).refit(X, y, 0)
    after = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_fits_in_threads_do_not_disturb_each_other():
    X, y = separable(60)
    module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    model = from_torch(module, classes=[0, 1], output="logits", train=Training(5))
    alone = [model.refit(X, y, seed).digest for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: model.refit(X, y, seed).digest, range(4))) == alone


def test_a_small_module_computes_on_one_thread_also_where_torch_was_told_more():
    seen = []
    model = from_torch(
        Net(lambda x: seen.append(torch.get_num_threads()) or x), classes=[0, 1], output="logits"
    )
    worker = threading.Thread(target=model.predict, args=(X2,))
    worker.start()
    worker.join()
    model.predict(X2)
    assert seen == [1, 1]


# other processes ---------------------------------------------------------------------------------------


def test_pickled_it_is_the_same():
    model = from_torch(
        mlp(), classes=["a", "b"], output="logits", prepare=StandardScaler().fit(rows()), train=Training(3)
    )
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(rows()), model.predict_proba(rows()))
    assert (again.digest, again.kind, again.train) == (model.digest, model.kind, model.train)
    y = np.array(["a", "b"])[np.arange(40) % 2]
    assert again.refit(rows(), y, 1).digest == model.refit(rows(), y, 1).digest


def test_processes_give_the_same_report():
    X, y = separable(120)
    new, truth = separable(120, seed=5)
    module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 2))
    subject = Subject(
        "s", from_torch(module, output="logits", train=Training(3)), Dataset(new, truth), Dataset(X, y)
    )
    audit = Audit({reference_attacks: {"references": 4, "attacks": ["rmia_offline"]}, population_attack: {}})
    here = audit.run(subject, seed=1)
    assert [one.outcome for one in here.evidence] == ["observed", "observed"]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert audit.run(subject, seed=1, executor=pool).stable_dict() == here.stable_dict()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system forks no process"
)
@pytest.mark.timeout(120)
def test_a_forked_process_does_not_wait_for_threads_it_does_not_have():
    """In a process of its own: its parent starts torch's threads, forks, and the child must answer all the same."""
    script = """
import multiprocessing, warnings
import numpy as np, pandas as pd, torch
from auditkit.predictors import Training, from_torch
torch.set_num_threads(2)
big = torch.nn.Linear(600, 2000)  # above the size at which modules keep to one thread
big(torch.rand(1000, 600)).sum().backward()
X = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 600)))
y = np.arange(1000)
model = from_torch(big, classes=range(2000), output="logits", train=Training(1, 1000))
warnings.simplefilter("ignore")
def work(pipe):
    pipe.send((model.predict(X).shape, model.loss_gradient(X, y).shape, model.refit(X, y, 0).digest[:0]))
ours, theirs = multiprocessing.Pipe()
child = multiprocessing.get_context("fork").Process(target=work, args=(theirs,))
child.start()
print(ours.recv() if ours.poll(60) else "hangs")
child.kill()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.stdout.strip() == "((1000,), (1000, 600), '')", done.stderr


# what the report says ----------------------------------------------------------------------------------


def test_the_digest_is_that_of_the_state_dict():
    module = linear([[1, 2], [3, 4]], [5, 6])
    by_hand = hashlib.sha256(
        b"weight|torch.float64|(2, 2)"
        + np.array([1, 2, 3, 4], dtype=float).tobytes()
        + b"bias|torch.float64|(2,)"
        + np.array([5, 6], dtype=float).tobytes()
    ).hexdigest()
    assert from_torch(module, output="logits").digest == by_hand
    assert from_torch(linear([[1, 2], [3, 4]], [5, 6.5]), output="logits").digest != by_hand


def test_what_the_report_says():
    model = from_torch(mlp(), classes=[0, 1], output="logits", train=Training(20, weight_decay=0.01))
    said = Counted(model).describe()
    assert (said["kind"], said["trust"], said["digest"]) == ("torch Sequential", "live object", model.digest)
    assert (
        "50 parameters, float64 on cpu; gives logits; trained again by Adam, 20 epochs" in said["description"]
    )
    assert "weight decay 0.01" in said["description"]
    assert "\n" not in said["description"]
    own = from_torch(mlp(), classes=[0, 1], train=separable)
    assert "gives logits or probabilities; trained again by separable" in own.description()


def test_torch_is_not_loaded_to_recognise_what_is_no_module():
    script = (
        "import sys, numpy as np\nfrom auditkit.predictors import as_predictor, from_torch\n"
        "as_predictor(lambda X: X, task='binary', labels=np.array([0, 1]))\nprint('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False"]


# mistakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "proba"}, "output must be 'logits', 'probabilities' or 'values', got 'proba'"),
        ({"classes": [0, 0]}, "differ from each other"),
        ({"classes": [0]}, "at least two labels"),
        ({"classes": [0, 1], "output": "values"}, "a regression and has no classes"),
        ({"columns": "a"}, "columns must be a list of different names"),
        ({"columns": ["a", "a"]}, "columns must be a list of different names"),
        ({"prepare": 3}, "prepare must be a fitted transformer or a function of rows, got int"),
        ({"shape": 64}, r"such as \(1, 8, 8\), got 64"),
        ({"shape": (8, 0)}, r"such as \(1, 8, 8\), got \(8, 0\)"),
        ({"train": "adam"}, r"train must be train\(module, X, y, seed\) or Training\(epochs=...\), got str"),
        (
            {"build": nn.Linear(2, 2)},
            "build must be a function without arguments that gives an untrained module, got Linear",
        ),
        ({"batch_rows": 0}, "batch_rows must be a whole number of at least 1, got 0"),
    ],
)
def test_arguments_that_cannot_be_used(options, message):
    with pytest.raises(InputError, match=message):
        from_torch(nn.Linear(2, 2), **options)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear, r"got the class Linear, not a trained module: pass Linear\(...\)"),
        (lambda X: X, "from_torch needs a torch.nn.Module, got function"),
        (nn.LazyLinear(3), "lazy layers without weights"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta")), r"several devices \(cpu, meta\)"),
        (Net(None, layer=iter([1]).__next__), "cannot be copied|Net"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_modules_that_cannot_be_used(module, message):
    if isinstance(module, Net):
        module.layer = threading.Lock()
    with pytest.raises(InputError, match=message):
        from_torch(module)


def test_torch_missing_is_told_with_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"pip install torch"):
        from_torch(object())


@pytest.mark.parametrize(
    ("model", "task", "message"),
    [
        ({"output": "values"}, "binary", r"gives values and the task is binary: pass task='regression'"),
        ({"output": "logits"}, "regression", r"is a classifier .* and the task is regression"),
        ({"classes": [0, 1]}, "regression", r"is a classifier .* and the task is regression"),
    ],
)
def test_the_task_must_fit(model, task, message):
    with pytest.raises(InputError, match=message):
        as_predictor(from_torch(nn.Linear(2, 2), **model), task=task, labels=np.array([0, 1]))


@pytest.mark.parametrize(
    ("forward", "options", "message"),
    [
        (lambda x: (x, x), {}, "must give one tensor, and gave a tuple"),
        (lambda x: x[:1], {}, r"must answer 3 rows with shape \(3,\) or \(3, k\); it gave \(1, 2\)"),
        (lambda x: x[:, :, None], {}, r"it gave \(3, 2, 1\)"),
        (lambda x: x, {"classes": [0, 1, 2]}, r"gave 2 columns for 3 classes \[0, 1, 2\]: name all its classes"),
        (lambda x: x[:, :1], {"classes": [0, 1, 2]}, "gave 1 columns for 3 classes"),
        (lambda x: x, {"classes": None, "output": "values"}, "must give one value a row for output='values'; it gave 2"),
        (lambda x: x @ torch.ones(5, 2), {}, "failed on 3 rows: RuntimeError: .*columns=, prepare= and shape="),
        (lambda x: x, {"prepare": lambda X: X["a"].to_numpy()}, r"prepare of torch Net must give 3 rows .* it gave \(3,\)"),
        (lambda x: x, {"prepare": lambda X: X.astype(str) + "z"}, "prepare of torch Net must give numbers"),
        (lambda x: x, {"prepare": lambda X: X["c"]}, "KeyError: 'c'"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_used(forward, options, message):
    model = from_torch(Net(forward), **{"classes": [0, 1], "output": "logits"} | options)
    with pytest.raises(ModelError, match=message):
        model.meet(X2)


def test_other_mistakes_are_told():
    model = from_torch(linear(np.eye(2), 0), output="logits")
    with pytest.raises(
        InputError, match=r"the labels of torch Linear are not known: from_torch\(module, classes="
    ):
        model.predict(X2)
    model.classes = np.array([0, 1])
    with pytest.raises(InputError, match=r"columns that are none: 'c' \(.*prepare="):
        model.predict(X2.assign(c="word"))
    with pytest.raises(InputError, match=r"y has labels \[7\] that are not of the classes \[0, 1\]"):
        model.loss_gradient(X2, np.array([0, 7, 1]))
    with pytest.raises(InputError, match=r"one value for each of the 3 rows, got shape \(2,\)"):
        model.loss_gradient(X2, Y2[:2])
    with pytest.raises(ModelError, match="cannot be trained on 0 rows"):
        model.refit(X2.head(0), Y2[:0], 0)
    with pytest.raises(ModelError, match="could not be trained on 3 rows: ZeroDivisionError"):
        from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", train=lambda *_: 1 / 0).refit(
            X2, Y2, 0
        )
    with pytest.raises(ModelError, match="must train the module it is given, or return one; it returned int"):
        from_torch(linear(np.eye(2), 0), classes=[0, 1], output="logits", train=lambda *_: 3).refit(X2, Y2, 0)
    wild = from_torch(linear([1, 0], 0), output="values", train=Training(50, learning_rate=1e200))
    with pytest.raises(
        ModelError, match=r"the loss was (inf|nan) after epoch \d+: give a smaller learning_rate"
    ):
        wild.refit(X2, np.ones(3), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_rows": 1.5}, "batch_rows must be a whole number of at least 1, got 1.5"),
        ({"learning_rate": 0}, "learning_rate must be above 0, got 0"),
        ({"weight_decay": -1}, "weight_decay must be at least 0, got -1"),
    ],
)
def test_a_recipe_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        Training(**options)


# attacks -----------------------------------------------------------------------------------------------


def leaky(n=150, d=8, seed=0, *, on_members=True):
    """Labels of no meaning, learnt by heart; or, without fault, by a model that never saw the stated training rows."""
    rng = np.random.default_rng(seed)

    def draw():
        return pd.DataFrame(rng.normal(size=(n, d)), columns=[f"x{j}" for j in range(d)]), rng.integers(
            2, size=n
        )

    train, test, other = draw(), draw(), draw()
    recipe = from_torch(
        mlp(d, 2, 64, dtype=torch.float32), classes=[0, 1], output="logits", train=Training(60, 50, 0.01)
    )
    model = recipe.refit(*(train if on_members else other), seed)
    return Subject("torch", model, Dataset(*test), Dataset(*train))


@pytest.mark.parametrize(
    ("attack", "options"),
    [(population_attack, {}), (reference_attacks, {"references": 4, "attacks": ["rmia_offline"]})],
)
def test_a_network_that_learnt_its_rows_by_heart_is_found(attack, options):
    subject = leaky()
    train, test = subject.train, subject.test
    own = [subject.model.predict_proba(part.X)[np.arange(len(part)), part.y] for part in (train, test)]
    planted = roc_auc_score(np.repeat([1, 0], 150), np.concatenate(own))
    assert planted > 0.75
    area = attack(subject, rng=np.random.default_rng(0), **options).measurement("attack_auc")
    assert area.interval.low > 0.5
    assert area.value > 0.7


@pytest.mark.parametrize(
    ("attack", "options"),
    [(population_attack, {}), (reference_attacks, {"references": 4, "attacks": ["rmia_offline"]})],
)
def test_a_network_that_never_saw_them_is_not(attack, options):
    subject = leaky(on_members=False)
    area = attack(subject, rng=np.random.default_rng(0), **options).measurement("attack_auc")
    assert area.interval.low <= 0.5 <= area.interval.high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attack", "options"),
    [(population_attack, {}), (reference_attacks, {"references": 4, "attacks": ["rmia_offline"]})],
)
def test_false_alarms_over_many_draws(attack, options):
    outside = 0
    for seed in range(100):
        subject = leaky(seed=seed, on_members=False)
        ends = attack(subject, rng=np.random.default_rng(seed), **options).measurement("attack_auc").interval
        outside += not ends.low <= 0.5 <= ends.high
    assert outside <= binom.ppf(0.999, 100, 0.05), outside


def test_progress_of_a_fit_can_be_stopped():
    from auditkit import progress
    from auditkit.errors import Cancelled

    def stop(_fraction, _what):
        raise Cancelled

    X, y = separable(30)
    module = nn.Linear(3, 2)
    state = torch.get_rng_state().clone()
    with progress.listening(stop), pytest.raises(Cancelled):
        fit(
            module, torch.tensor(X.to_numpy(), dtype=torch.float32), torch.tensor(y), 0, train=Training(), build=None,
            output="logits", kind="m",
        )  # fmt: skip
    assert torch.equal(torch.get_rng_state(), state)


def test_rows_in_another_order_are_answered_and_trained_on():
    """Turned round, a table of one type has negative strides, which torch itself refuses."""
    model = from_torch(nn.Linear(2, 2), output="logits", classes=[0, 1], train=Training(epochs=1))
    frame = pd.DataFrame({"a": [0.1, 0.5, 0.9], "b": [1.0, 2.0, 3.0]})
    turned, y = frame.iloc[::-1], np.array([0, 1, 1])[::-1]
    np.testing.assert_allclose(model.predict_proba(turned), model.predict_proba(frame)[::-1], rtol=1e-6)
    np.testing.assert_allclose(
        model.loss_gradient(turned, y), model.loss_gradient(frame, y[::-1])[::-1], rtol=1e-6
    )
    assert model.refit(turned, y, 0).predict(turned).shape == (3,)
