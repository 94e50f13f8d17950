"""Distillation: softening undone, copies that weigh as targets, networks that learn, and calls timed in turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from auditkit.errors import InputError, ModelError
from auditkit.methods.distillation import SoftTraining, alternated, soft_copies, softened, stored_bytes

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work

ROW = st.tuples(*[st.floats(-5, 5)] * 3)
LOGITS = st.tuples(*[ROW] * 4).map(np.array)


@BUSY
@given(LOGITS, st.floats(0.2, 20))
def test_softening_probabilities_is_dividing_logits(logits, temperature):
    # the second way: the definition of Hinton et al., from the logits themselves
    expected = softmax(logits / temperature, axis=1)
    assert np.allclose(softened(softmax(logits, axis=1), temperature), expected, atol=1e-9)


@BUSY
@given(LOGITS, st.floats(1, 20))
def test_sharpening_undoes_softening(logits, temperature):
    proba = softmax(logits, axis=1)
    assert np.allclose(softened(softened(proba, temperature), 1 / temperature), proba, atol=1e-3)


def test_a_certain_answer_has_a_soft_one():
    # 1 and 1e-6 at temperature 2: odds of 1000
    assert softened([[1.0, 0.0]], 2.0)[0, 1] == pytest.approx(1 / 1001, rel=1e-6)


@pytest.mark.parametrize("temperature", [0, -1, float("inf"), float("nan")])
def test_a_temperature_lies_above_nought(temperature):
    with pytest.raises(InputError, match="temperature lies above 0"):
        softened([[0.5, 0.5]], temperature)


def test_labels_are_refused():
    with pytest.raises(InputError, match="labels have none to soften"):
        softened([0, 1], 2.0)


@BUSY
@given(LOGITS)
def test_weighted_log_loss_of_copies_is_the_cross_entropy_with_the_target(logits):
    targets, said = softmax(logits, axis=1), softmax(-logits[::-1], axis=1)
    rows, classes, weights = soft_copies(targets)
    of_copies = -(weights * np.log(said[rows, classes])).sum()
    assert of_copies == pytest.approx(-(targets * np.log(said)).sum(), abs=1e-6)
    assert (weights > 0).all()


def test_copies_of_what_is_no_probability_are_refused():
    with pytest.raises(InputError, match="sum to 1"):
        soft_copies([[0.5, 0.6]])


def test_a_network_learns_what_it_is_taught():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    X = torch.randn(400, 2)
    targets = softened(softmax(np.column_stack([X[:, 0], -X[:, 0]]), axis=1), 4.0)
    module = torch.nn.Linear(2, 2)
    SoftTraining(targets, 4.0, epochs=60, learning_rate=0.05)(module, X, None, 0)
    # logits of x and -x, up to a constant: weights differ by 2 in the first column and by 0 in the second
    weight = (module.weight[0] - module.weight[1]).detach().numpy()
    assert weight == pytest.approx([2.0, 0.0], abs=0.05)


def test_one_column_of_logits_or_probabilities_is_about_the_second_class():
    torch = pytest.importorskip("torch")
    targets = torch.tensor([[0.25, 0.75]])
    z = torch.tensor([[1.2]])
    one, two = SoftTraining(targets, 2.0), torch.cat([torch.zeros(1, 1), z], dim=1)
    assert one._loss(z, targets).item() == pytest.approx(one._loss(two, targets).item())
    told = SoftTraining(targets, 2.0, logits=False)
    assert told._loss(torch.sigmoid(z), targets).item() == pytest.approx(
        one._loss(z, targets).item(), rel=1e-5
    )


def test_a_loss_that_is_no_number_is_told():
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(1, 2)
    with pytest.raises(ModelError, match="loss was"):
        SoftTraining(np.full((4, 2), np.nan), 2.0, epochs=1)(module, torch.ones(4, 1), None, 0)


def test_calls_are_timed_in_turns_and_each_once_before():
    order = []
    spent = alternated(lambda: order.append("a"), lambda: order.append("b"), rounds=3)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert spent.shape == (3, 2)
    assert (spent >= 0).all()


def test_bytes_of_a_network_are_those_of_its_weights():
    torch = pytest.importorskip("torch")
    assert stored_bytes(torch.nn.Linear(10, 5)) == 4 * (10 * 5 + 5)


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(InputError, match="cannot be stored"):
        stored_bytes(lambda: 0)
