"""AK211: a student too small is unfaithful, one of a leaking teacher leaks less, and a model taught to its own kind comes back."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit, Dataset, Subject
from auditkit.checks.mitigation import distillation
from auditkit.data import make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors import from_callable

COLUMNS = [f"x{i}" for i in range(6)]
QUICK = {"rows": 150, "max_calls": 20}


def observe(subject, seed=0, **options):
    return distillation(subject, rng=np.random.default_rng(seed), **(QUICK | options))


def noisy(n, rng, noise=1.0):
    X = rng.normal(size=(n, 6))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + noise * rng.logistic(size=n) > 0).astype(int)
    return Dataset(pd.DataFrame(X, columns=COLUMNS), y)


def subject_of(model, seed=1, n=600, noise=1.0):
    rng = np.random.default_rng(seed)
    train, test = noisy(n, rng, noise), noisy(2 * n, rng, noise)
    return Subject("planted", model.fit(train.X, train.y), test, train)


@functools.cache
def leaking():
    return observe(subject_of(DecisionTreeClassifier(random_state=0)), rows=500)


def value(evidence, metric, group=None):
    return evidence.measurement(f"distillation_{metric}", group)


# guilty twins


def test_a_line_cannot_follow_what_is_decided_by_a_product():
    # the sign of a product of two columns: a line agrees with it on half of the rows
    rng = np.random.default_rng(0)
    train, test = (Dataset(pd.DataFrame(X, columns=["a", "b"]), (X[:, 0] * X[:, 1] > 0).astype(int)) for X in rng.normal(size=(2, 1200, 2)))  # fmt: skip
    subject = Subject(
        "product", RandomForestClassifier(40, random_state=0).fit(train.X, train.y), test, train
    )
    line, tree = observe(subject), observe(subject, student="decision tree")
    assert value(line, "fidelity").interval.high < 0.7
    assert value(line, "fidelity").value == pytest.approx(0.5, abs=0.15)
    assert value(line, "accuracy_cost").interval.low > 0.2
    assert value(line, "compression", "numbers fitted").value > 100
    assert value(tree, "fidelity").interval.low > 0.85


def test_a_student_of_a_tree_that_knows_its_rows_leaks_less():
    evidence = leaking()
    # an unpruned tree is right about all members: its label alone has an area of (1 + error elsewhere) / 2
    wrong = 1 - value(evidence, "accuracy", "teacher").value
    assert value(evidence, "attack_auc", "teacher, label alone").value == pytest.approx(
        (1 + wrong) / 2, abs=0.02
    )
    for attack in ("label alone", "loss"):
        assert value(evidence, "attack_auc_reduction", attack).interval.low > 0.1
        assert value(evidence, "attack_auc", f"student, {attack}").interval.low < 0.5
    assert "The AUC of the loss attack falls by" in evidence.says


def test_a_student_that_learns_by_heart_leaks_its_own_rows():
    subject = subject_of(DecisionTreeClassifier(random_state=0))
    evidence = observe(subject, student="same recipe", temperature=1.0, rows=600)
    # taught the teacher's answers it knows those by heart, not the labels: it leaks as far as the teacher is right
    held = value(evidence, "attack_auc", "student about its own rows, label alone")
    assert 0.45 < held.value < 0.62
    assert value(evidence, "compression", "numbers fitted").value < 1


def test_an_attack_finds_less_against_smooth_students_of_a_jagged_tree():
    evidence = leaking()
    assert value(evidence, "robust_accuracy_cost").interval.high < 0
    for who in ("teacher", "student"):
        assert value(evidence, "robust_accuracy", who).value <= value(evidence, "accuracy", who).value + 0.05


# innocent twins


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_a_line_taught_to_a_line_comes_back(temperature):
    evidence = observe(subject_of(LogisticRegression()), temperature=temperature)
    assert value(evidence, "fidelity").interval.low > 0.97
    assert value(evidence, "explanation_agreement").value > 0.97
    assert value(evidence, "feature_agreement").value == 1
    assert value(evidence, "compression", "numbers fitted").value == 1
    for metric in ("accuracy_cost", "robust_accuracy_cost"):
        found = value(evidence, metric)
        assert found.interval.low <= 0 <= found.interval.high


def test_the_same_recipe_taught_to_itself_is_faithful():
    model = make_pipeline(StandardScaler(), LogisticRegression(C=100))
    assert value(observe(subject_of(model), student="same recipe"), "fidelity").interval.low > 0.97


def test_of_models_that_leak_nothing_a_reduction_is_seldom_stated():
    wrong = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        train, test = noisy(150, rng), noisy(300, rng)
        subject = Subject("line", LogisticRegression(C=0.01).fit(train.X, train.y), test, train)
        evidence = observe(subject, seed, rows=40)
        found = [
            value(evidence, "attack_auc_reduction", attack).interval for attack in ("label alone", "loss")
        ]
        wrong += any(not one.low <= 0 <= one.high for one in found)
    assert wrong <= 5  # of 30 at the 95% level: more than 5 come about once in 3000


# networks


@functools.cache
def network():
    torch = pytest.importorskip("torch")
    from auditkit.predictors.torch import Training, from_torch

    rng = np.random.default_rng(1)
    train, test = noisy(400, rng, 0.2), noisy(800, rng, 0.2)
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(6, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    blank = from_torch(module, classes=[0, 1], output="logits", train=Training(epochs=40, learning_rate=0.01))
    return Subject("network", blank.refit(train.X, train.y, 0), test, train)


def test_a_network_teaches_a_smaller_network():
    evidence = observe(network(), student="small network", width=8)
    # weights and biases of two layers: 6 x 64 + 64 + 64 x 2 + 2 and 6 x 8 + 8 + 8 x 2 + 2
    reason = value(evidence, "compression", "numbers fitted").reason
    assert "578 of the teacher, 74 of the student" in reason
    assert "2,312 of the teacher, 296 of the student" in value(evidence, "compression", "bytes stored").reason
    assert value(evidence, "fidelity").interval.low > 0.75
    assert "gradient steps" in value(evidence, "robust_accuracy", "student").reason


def test_a_network_teaches_one_of_its_own_architecture():
    evidence = observe(network(), student="same recipe")
    assert value(evidence, "compression", "numbers fitted").value == 1
    assert value(evidence, "fidelity").interval.low > 0.8


# the rest


def test_synthetic_rows_teach_too_and_have_no_members_of_their_own():
    evidence = observe(subject_of(LogisticRegression()), inputs="synthetic rows", pool=800)
    assert value(evidence, "fidelity").interval.low > 0.95
    assert evidence.rows["lesson"] == 800
    assert not [m for m in evidence.measurements if m.group and "its own rows" in m.group]


def test_no_row_teaches_and_measures():
    evidence = leaking()
    assert evidence.rows["lesson"] + value(evidence, "fidelity").n == 1200


def test_speed_is_told_only_where_it_is_asked_for():
    subject = subject_of(RandomForestClassifier(200, random_state=0), n=200)
    assert "distillation_times_as_fast" not in {m.metric for m in observe(subject).measurements}
    found = value(observe(subject, speed=True), "times_as_fast")
    assert found.n == 15
    assert found.value > 1.5  # 200 trees one after another, against one product


def test_several_classes_and_columns_of_words():
    evidence = observe(make_multiclass(seed=0), student="decision tree")
    assert value(evidence, "fidelity").n > 0


def test_a_model_that_takes_no_weights_teaches_its_labels():
    subject = subject_of(KNeighborsClassifier(), n=200)
    evidence = observe(subject, student="same recipe")
    assert "the teacher's labels alone (the student's training takes no weights)" in evidence.notes[0]


def test_a_model_that_gives_labels_only_teaches_its_labels():
    rng = np.random.default_rng(0)
    train, test = noisy(200, rng), noisy(400, rng)
    subject = Subject("rule", from_callable(lambda X: (X["x0"] > 0).astype(int), output="labels", classes=[0, 1]), test, train)  # fmt: skip
    evidence = observe(subject)
    assert "it gives no probabilities" in evidence.notes[0]
    assert value(evidence, "fidelity").interval.low > 0.9
    assert value(evidence, "attack_auc_reduction", "label alone").n > 0
    assert np.isnan(value(evidence, "compression", "numbers fitted").value)


def test_without_training_rows_leaks_are_not_measured_and_said_so():
    subject = subject_of(LogisticRegression())
    evidence = observe(Subject("bare", subject.model.inner, subject.test))
    assert any(note.startswith("Not measured, leaks: no training data") for note in evidence.notes)


def test_a_teacher_of_one_answer_has_nothing_to_teach():
    rng = np.random.default_rng(0)
    test = noisy(200, rng)
    subject = Subject("always", from_callable(lambda X: np.zeros(len(X), dtype=int), output="labels", classes=[0, 1]), test)  # fmt: skip
    with pytest.raises(NotApplicable, match="nothing to learn"):
        observe(subject)


def test_a_regression_is_refused():
    with pytest.raises(NotApplicable, match="compares classes"):
        observe(make_regression(seed=0))


def test_the_audit_knows_it_by_its_code():
    report = Audit({"AK211": QUICK}).run(subject_of(LogisticRegression(), n=200))
    assert report.evidence[0].outcome == "observed"
    assert report.evidence[0].cost["model_calls"] > 0
