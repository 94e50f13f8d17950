"""The gradient attack flips what lies within the radius and nothing else, and tells where gradients hide more than they show."""

import os

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from auditkit import ThreatModel
from auditkit.checks.robustness import gradient_attack
from auditkit.checks.robustness._white_box import masked
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.subject import Dataset, Subject

LIGHT = {"steps": 20, "max_calls": 40}


def attack(subject, seed=0, **options):
    return gradient_attack(subject, rng=np.random.default_rng(seed), **{**LIGHT, **options})


def value(found, metric):
    return found.measurement(metric).value


def on_a_line(gap, n=80, **threat):
    """Return a subject that decides by a + b > 0, its rows at `gap` from that line in one column alone; raw units."""
    side = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    first = np.linspace(-3, 3, n)
    X = pd.DataFrame({"a": first, "b": side * gap - first, "c": np.linspace(-1, 1, n)})
    ends = pd.DataFrame({"a": [-9.5, 9.5], "b": [-9.5, 9.5], "c": [-9.5, 9.5]})
    model = LogisticRegression().fit(X, side > 0)
    model.coef_, model.intercept_ = np.array([[1.0, 1.0, 0.0]]), np.zeros(1)
    drafted = ThreatModel.draft(ends, units="raw", **threat)
    return Subject(
        "line", model, Dataset(X, side > 0), Dataset(ends, np.array([False, True])), threat=drafted
    )


# at the right radius -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("norm", "reach"), [("linf", 0.5), ("l2", np.sqrt(0.5)), ("l1", 1.0)])
def test_the_guilty_twin_is_flipped_from_its_radius_on_and_not_before(norm, reach):
    # a + b must change by 1: half in each column, or by the same length along (1, 1), or all in one
    subject = on_a_line(1.0)
    below, above = (attack(subject, norm=norm, radius=share * reach) for share in (0.98, 1.02))
    assert value(below, "gradient_attack_success_rate") == 0
    assert value(below, "adversarial_accuracy") == 1
    assert value(above, "gradient_attack_success_rate") == 1
    assert value(above, "adversarial_accuracy") == 0
    assert not any("masked" in note for found in (below, above) for note in found.notes)
    curve = above.tables["by_radius"].columns
    assert curve["x"] == pytest.approx(1.02 * reach * np.array([0, 0.25, 0.5, 0.75, 1, 1.5, 2]))
    assert curve["value"] == (1, 1, 1, 1, 0, 0, 0)
    assert below.tables["by_radius"].columns["value"] == (1, 1, 1, 1, 1, 0, 0)


def test_the_robust_twin_is_quiet_and_its_interval_is_exact():
    found = attack(on_a_line(1.0), norm="linf", radius=0.3)
    rate, accuracy = (found.measurement(m) for m in ("gradient_attack_success_rate", "adversarial_accuracy"))
    assert (rate.value, rate.bound, rate.n) == (0, "lower", 80)
    assert rate.interval.high == pytest.approx(1 - 0.025 ** (1 / 80))
    assert (accuracy.value, accuracy.bound) == (1, "upper")
    assert accuracy.interval.low == pytest.approx(0.025 ** (1 / 80))
    assert value(found, "black_box_only_rate") == 0


def test_accuracy_counts_right_answers_and_success_counts_decisions():
    subject = on_a_line(1.0)
    labels = subject.test.y.copy()
    labels[:20] = ~labels[:20]  # the model is wrong about these, and its decisions are attacked all the same
    wrong = Subject("line", subject.model.inner, Dataset(subject.test.X, labels), threat=subject.threat)
    near, far = (attack(wrong, norm="linf", radius=radius) for radius in (0.3, 0.6))
    assert value(near, "adversarial_accuracy") == 60 / 80
    assert value(near, "gradient_attack_success_rate") == 0
    assert value(far, "adversarial_accuracy") == 0
    assert value(far, "gradient_attack_success_rate") == 1


def test_a_fixed_column_leaves_the_whole_way_to_the_other():
    subject = on_a_line(1.0)
    assert (
        value(attack(subject, norm="linf", radius=0.98, immutable=["a"]), "gradient_attack_success_rate") == 0
    )
    assert (
        value(attack(subject, norm="linf", radius=1.02, immutable=["a"]), "gradient_attack_success_rate") == 1
    )


def test_a_column_that_only_goes_up_flips_one_side_only():
    subject = on_a_line(1.0)
    threat = subject.threat.edit("a", direction="up").edit("b", direction="up")
    held = Subject("up", subject.model.inner, subject.test, threat=threat)
    found = attack(held, norm="linf", radius=0.6)
    assert value(found, "gradient_attack_success_rate") == 0.5
    by_class = {m.group: m.value for m in found.measurements if m.metric == "group_attack_success_rate"}
    assert by_class == {"class=False": 1.0, "class=True": 0.0}
    assert found.measurement("attack_success_difference", "class").value == 1


def test_whole_numbers_take_a_whole_step():
    # b moves by whole numbers and a by nothing: rows at 0.6 from the line flip from 1 on
    subject = on_a_line(0.6)
    threat = subject.threat.hold("a", "c").edit("b", low=-9.0, high=9.0, step=1.0)
    X = subject.test.X.assign(b=np.rint(subject.test.X["b"]))
    X["a"] = -X["b"] + np.where(subject.test.y, 0.6, -0.6)
    held = Subject("whole", subject.model.inner, Dataset(X, subject.test.y), threat=threat)
    with pytest.raises(NotApplicable, match="no allowed change is as small as"):
        attack(held, norm="linf", radius=0.9)
    assert value(attack(held, norm="linf", radius=1.0), "gradient_attack_success_rate") == 1


def test_a_rule_forbids_what_it_forbids():
    subject = on_a_line(1.0)
    threat = subject.threat.rule("a + b <= 0.5")  # nothing can be moved far enough up, and down stays open
    found = attack(Subject("rule", subject.model.inner, subject.test, threat=threat), norm="linf", radius=0.8)
    assert value(found, "gradient_attack_success_rate") >= 0.5
    by_class = {m.group: m.value for m in found.measurements if m.metric == "group_attack_success_rate"}
    assert by_class["class=True"] == 1


def test_categories_stay_as_they_are_and_the_report_says_so():
    subject = make_credit(n_train=200, n_test=80)
    found = attack(subject, radius=2.0, norm="linf", examples=3)
    assert any("categories" in note and "stayed as they are" in note for note in found.notes)
    shown = found.tables["examples"].frame()
    assert set(shown["column"]) <= {"income", "debt", "savings", "years_employed", *subject.test.X.columns}
    words = [c for c in subject.test.X.columns if not pd.api.types.is_numeric_dtype(subject.test.X[c])]
    assert words
    assert not set(shown["column"]) & set(words)


# what cannot be attacked -------------------------------------------------------------------------------


def test_what_gives_no_gradients_says_what_to_do():
    subject = make_multiclass(n_train=200, n_test=60)
    tree = DecisionTreeClassifier(max_depth=3).fit(subject.train.X, subject.train.y)
    with pytest.raises(NotApplicable, match="give a PyTorch module, or use decision_attack"):
        attack(Subject("tree", tree, subject.test, subject.train))
    with pytest.raises(NotApplicable, match="compares classes"):
        attack(make_regression(n_train=100, n_test=60))
    with pytest.raises(NotApplicable, match="pass norm='linf'"):
        attack(subject, norm="l0")
    with pytest.raises(NotApplicable, match="no column of numbers may change"):
        attack(subject, immutable=list(subject.test.X.columns))


# masked gradients --------------------------------------------------------------------------------------


def test_marks_are_those_of_the_papers():
    assert masked(100, 40, 40, 100, 100, 0) == []
    assert "gradient attacks 39" in masked(100, 39, 40, 100, 100, 0)[0]
    assert "without a radius" in masked(100, 40, 40, 90, 100, 0)[0]
    assert "no slope at 6 of 100" in masked(100, 40, 40, 100, 100, 6)[0]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_ordinary_models_are_not_marked(norm):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame(rng.normal(size=(260, 4)), columns=list("abcd"))
        y = (X["a"] * X["b"] + X["c"] + 0.3 * rng.normal(size=260) > 0).to_numpy().astype(int)
        net = MLPClassifier((12,), random_state=seed, max_iter=60, tol=1)
        model = make_pipeline(StandardScaler(), net).fit(X[:200], y[:200])
        subject = Subject("net", model, Dataset(X[200:], y[200:]), Dataset(X[:200], y[:200]))
        found = attack(subject, seed, norm=norm, radius=0.4)
        assert not [note for note in found.notes if "masked" in note]
        assert value(found, "gradient_attack_success_rate") > 0


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_few_ordinary_models_are_marked(norm):
    """Columns of whole numbers among them; at most 1 in 20 marks are expected."""
    marked = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame(rng.normal(size=(400, 5)), columns=list("abcde"))
        X["e"], X["d"] = rng.integers(0, 30, 400), rng.integers(0, 5, 400)
        signal = X["a"] * X["b"] + X["c"] + X["e"] / 15 - 1 + 0.3 * rng.normal(size=400)
        y = (signal > 0).to_numpy().astype(int)
        net = MLPClassifier((16, 16), random_state=seed, max_iter=60, tol=1)
        parts = Dataset(X[280:], y[280:]), Dataset(X[:280], y[:280])
        models = [
            make_pipeline(StandardScaler(), last).fit(X[:280], y[:280])
            for last in (net, LogisticRegression())
        ]
        subjects = [
            *(Subject("s", one, *parts) for one in models),
            make_credit(n_train=300, n_test=100, seed=seed),
        ]
        found = [attack(subject, seed, norm=norm, radius=0.5, rows=100) for subject in subjects]
        marked += sum(any("masked" in note for note in one.notes) for one in found)
    assert marked <= 5  # more than 5 of 45 at a rate of 1 in 20: 2.4%


def torch_or_skip():
    if os.environ.get("CI"):
        import torch
    else:
        torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    return torch


def hiding(torch, how):
    """Return a module that decides by a line, and hides its slopes."""

    class Hiding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor([[1.0], [-0.5], [0.3], [0.2]]))

        def forward(self, x):
            z = (x @ self.w)[:, 0]
            if how == "steep":
                return torch.sigmoid(1e4 * z)
            return torch.round(torch.sigmoid(z) * 20) / 20 if how == "rounded" else torch.sigmoid(z)

    return Hiding()


@pytest.mark.parametrize("how", ["steep", "rounded", "plain"])
def test_hidden_gradients_are_marked_and_plain_ones_are_not(how):
    torch = torch_or_skip()
    from auditkit.predictors import from_torch

    rng = np.random.default_rng(0)
    frames = [pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd")) for n in (80, 300)]
    model = from_torch(hiding(torch, how), classes=[0, 1], output="probabilities")
    found = attack(
        Subject("hidden", model, *(Dataset(X, model.predict(X)) for X in frames)), norm="l2", radius=0.4
    )
    marks = [note for note in found.notes if note.startswith("Gradients may be masked")]
    only = found.measurement("black_box_only_rate")
    if how == "plain":
        assert not marks
        assert only.value == 0
        assert only.reason is None
    else:
        assert len(marks) == 3
        assert only.interval.low > 0.05
        for metric in ("adversarial_accuracy", "gradient_attack_success_rate", "black_box_only_rate"):
            assert found.measurement(metric).reason.startswith("gradients may be masked")
        # what a search without gradients flips counts in the accuracy all the same
        lost = value(found, "gradient_attack_success_rate") + only.value
        assert value(found, "adversarial_accuracy") == pytest.approx(1 - lost)


# the report --------------------------------------------------------------------------------------------


def test_a_seed_settles_the_check_and_tables_add_up():
    subject = make_multiclass(n_train=200, n_test=60)
    one, two = attack(subject, 3), attack(subject, 3)
    assert one.to_dict() == two.to_dict()
    table = one.tables["attacks"].frame()
    first = table.iloc[0]
    assert first["rows"] == 60
    assert first["gradients"] >= first["rows"]
    gradient = table[table["gradients"] > 0]
    flipped = value(one, "gradient_attack_success_rate") * 60
    assert gradient["flipped"].sum() == pytest.approx(flipped)
    curve = one.tables["by_radius"].columns["value"]
    assert list(curve) == sorted(curve, reverse=True)
    assert curve[4] == value(one, "adversarial_accuracy")
    assert "examples" not in one.tables
    assert "images" not in one.tables


def test_pictures_are_shown_before_after_and_their_difference_when_asked_for():
    torch = torch_or_skip()
    from sklearn.datasets import load_digits

    from auditkit.predictors import from_torch

    X, y = load_digits(return_X_y=True, n_class=3)
    frame = pd.DataFrame(X / 16, columns=[f"p{j}" for j in range(64)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(256, 3)
        )
        rows, labels = torch.tensor(frame.to_numpy(np.float32)).reshape(-1, 1, 8, 8), torch.tensor(y)
        step = torch.optim.Adam(net.parameters(), lr=1e-2)
        for _ in range(30):
            step.zero_grad()
            torch.nn.functional.cross_entropy(net(rows), labels).backward()
            step.step()
    model = from_torch(net, classes=[0, 1, 2], output="logits", shape=(1, 8, 8))
    threat = ThreatModel.draft(frame, units="raw", norm="linf", radius=0.3)
    subject = Subject("digits", model, Dataset(frame[:60], y[:60]), Dataset(frame, y), threat=threat)
    assert "images" not in attack(subject, steps=10).tables
    found = attack(subject, steps=10, examples=2)
    table = found.tables["images"]
    assert table.kind == "images"
    shown = table.frame()
    assert len(shown) == 2 * 3 * 64
    panels = list(dict.fromkeys(shown["panel"]))
    assert [one.rpartition(": ")[2] for one in panels] == ["before", "after", "difference"] * 2
    before, after, difference = (shown[shown["panel"] == one]["value"].to_numpy() for one in panels[:3])
    assert difference == pytest.approx(after - before)
    assert 0 < np.abs(difference).max() <= 0.3 + 1e-9
    assert (frame.to_numpy() == before).all(axis=1).any()
    words = panels[0].partition("(")[2].partition(")")[0].split(" to ")
    asked = pd.DataFrame([before, after], columns=frame.columns)
    assert [str(one) for one in model.predict(asked)] == words


def test_large_scores_are_no_mask():
    subject = on_a_line(1.0)
    model = subject.model.estimator
    model.coef_ = 1e4 * model.coef_  # the slope of the cross-entropy rounds to 0 everywhere
    found = attack(subject, norm="linf", radius=0.52)
    assert value(found, "gradient_attack_success_rate") == 1
    assert not any("masked" in note for note in found.notes)
