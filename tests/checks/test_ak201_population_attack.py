"""The population attack finds planted memory at its size, and is quiet where there is none."""

import numpy as np
import pytest
from scipy.stats import beta, binom
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeRegressor

from auditkit import Criterion
from auditkit.checks.membership import population_attack
from auditkit.data import make_credit, make_leaky, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.judging import judge
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def attack(subject, seed=0, **options):
    return population_attack(subject, rng=np.random.default_rng(seed), **options)


def recorded(rng, members=300, others=300, classes=(0, 1), shift=0.0):
    """A subject known by its recorded scores; `shift` raises members' log-odds of their own label."""
    k = len(classes)

    def side(n, extra):
        y = rng.integers(k, size=n)
        logits = rng.normal(size=(n, k))
        logits[np.arange(n), y] += 1 + extra
        proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return np.asarray(classes)[y], proba

    (y_in, p_in), (y_out, p_out) = side(members, shift), side(others, 0.0)
    model = from_predictions(scores=p_out, train_scores=p_in, classes=list(classes))
    return Subject("recorded", model, Dataset(None, y_out), Dataset(None, y_in)), (y_in, p_in), (y_out, p_out)


def forest(n=400, seed=0, **options):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2 * n, 5))
    y = (rng.random(2 * n) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    model = RandomForestClassifier(30, random_state=seed, **options).fit(X[:n], y[:n])
    return Subject("forest", model, Dataset(X[n:], y[n:]), Dataset(X[:n], y[:n]))


# guilty ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1.0, 0.5, 0.2])
def test_planted_memory_is_found_at_its_size(m):
    planted = make_leaky(memorise=m)
    found = attack(planted.subject)
    area = found.measurement("attack_auc")
    # others tie or are independent: standard error of the area at most sqrt(A(1-A)/n) (Birnbaum & Klose 1957)
    assert area.value == pytest.approx(planted.size["auc"], abs=4 * np.sqrt(0.25 / 1000))
    assert area.interval.low > 0.5
    assert area.bound == "lower"
    for metric in ("tpr_at_1pct_fpr", "tpr_at_10pct_fpr"):
        rate = float(metric.split("_")[2].removesuffix("pct")) / 100
        here = found.measurement(metric)
        # remembered rows score above all others; the rest are called members as often as outsiders are
        assert here.value == pytest.approx(m + (1 - m) * rate, abs=0.04)
        assert here.interval.low > 0.05 or m <= 0.05


def test_a_grown_tree_is_found_and_its_ties_are_not_called_zero():
    planted = make_leaky(kind="tree")
    found = attack(planted.subject)
    assert found.measurement("attack_auc").value == pytest.approx(0.75, abs=0.03)
    low = found.measurement("tpr_at_1pct_fpr")
    assert np.isnan(low.value)
    assert "share the highest score" in low.reason
    assert "cannot be resolved" in found.says


def test_an_overfit_forest_is_found():
    area = attack(forest()).measurement("attack_auc")
    assert area.interval.low > 0.7


def test_an_overfit_regression_is_found_by_its_errors():
    plain = make_regression()
    model = DecisionTreeRegressor(random_state=0).fit(plain.train.X, plain.train.y)
    subject = Subject("tree", model, plain.test, plain.train, task="regression")
    found = attack(subject)
    errors = [-((model.predict(d.X) - d.y) ** 2) for d in (plain.train, plain.test)]
    truth = np.repeat([1, 0], [len(plain.train), len(plain.test)])
    area = found.measurement("attack_auc")
    assert area.value == pytest.approx(roc_auc_score(truth, np.concatenate(errors)), abs=1e-12)
    assert area.interval.low > 0.9
    assert "squared error" in " ".join(found.notes)


def test_swapped_splits_are_undecided_and_not_passed():
    subject, *_ = recorded(np.random.default_rng(0), shift=-1.0)
    found = attack(subject)
    for m in found.measurements:
        assert np.isnan(m.value)
        assert m.interval is None
    for metric in ("attack_auc", "tpr_at_10pct_fpr", "tpr_at_1pct_fpr"):
        reason = found.measurement(metric).reason
        assert "members look less like members than others: are train and test swapped" in reason
        assert "different sources" in reason
    assert "0.5 is guessing); members look less like members" in found.says
    findings = judge(
        [found], [Criterion(m, at_most=0.6) for m in ("attack_auc", "tpr_at_10pct_fpr", "tpr_at_1pct_fpr")]
    )
    assert [f.status for f in findings] == ["inconclusive"] * 3


def test_members_found_out_beside_others_that_mislead_stay_found():
    # one member in five stands out; the rest are less sure than any outsider
    rng = np.random.default_rng(0)
    sure = {"in": np.where(np.arange(300) < 60, 0.99, 0.55), "out": np.full(300, 0.7)}
    proba = {k: np.column_stack([1 - v, v]) + 1e-4 * rng.random((300, 1)) * [1, -1] for k, v in sure.items()}
    model = from_predictions(scores=proba["out"], train_scores=proba["in"], classes=[0, 1])
    ones = np.ones(300, dtype=int)
    ones[0] = 0  # two classes there must be
    found = attack(Subject("mixed", model, Dataset(None, ones), Dataset(None, np.ones(300, dtype=int))))
    assert np.isnan(found.measurement("attack_auc").value)
    assert found.measurement("tpr_at_1pct_fpr").value == pytest.approx(0.2, abs=0.01)
    assert found.measurement("tpr_at_1pct_fpr").interval.low > 0.1


def test_clean_audits_are_left_undecided_less_than_once_in_a_thousand():
    rng = np.random.default_rng(5)
    undecided = remarked = 0
    for i in range(300):
        found = attack(recorded(rng, 100, 100)[0], seed=i)
        undecided += np.isnan(found.measurement("attack_auc").value)
        remarked += any("below 0.5" in note for note in found.notes)
    assert undecided <= binom.ppf(0.999, 300, 0.0005)
    assert 0 < remarked <= binom.ppf(0.999, 300, 0.025)


# innocent ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["all", "class"])
def test_false_alarms_are_as_rare_as_stated(by):
    rng = np.random.default_rng(1)
    draws = 200
    outside = above = 0
    for i in range(draws):
        found = attack(recorded(rng)[0], seed=i, by=by)
        ends = found.measurement("attack_auc").interval
        outside += not ends.low <= 0.5 <= ends.high
        one = found.measurement("tpr_at_1pct_fpr").interval
        above += one is not None and one.low > 0.05
    assert outside <= binom.ppf(0.999, draws, 0.05)
    assert above <= binom.ppf(0.999, draws, 0.025)


def test_the_clean_twin_is_quiet():
    alarms = [
        attack(make_leaky(memorise=0, seed=s).subject).measurement("attack_auc").interval.low > 0.5
        for s in range(40)
    ]
    assert sum(alarms) <= binom.ppf(0.999, 40, 0.025)


def test_shuffled_membership_looks_like_guessing():
    subject = forest()
    proba = np.concatenate([subject.proba("train"), subject.proba("test")])
    y = np.concatenate([subject.train.y, subject.test.y])
    areas, outside = [], 0
    for s in range(60):
        order = np.random.default_rng(s).permutation(len(y))
        a, b = order[: len(y) // 2], order[len(y) // 2 :]
        model = from_predictions(scores=proba[b], train_scores=proba[a], classes=[0, 1])
        area = attack(Subject("shuffled", model, Dataset(None, y[b]), Dataset(None, y[a]))).measurement(
            "attack_auc"
        )
        areas.append(area.value)
        outside += not area.interval.low <= 0.5 <= area.interval.high
    assert np.mean(areas) == pytest.approx(0.5, abs=0.02)
    assert outside <= binom.ppf(0.999, 60, 0.05)


# the numbers, a second way -----------------------------------------------------------------------------


def by_definition(proba, y, kind):
    own = proba[np.arange(len(y)), y]
    rest = np.where(np.eye(proba.shape[1], dtype=bool)[y], -np.inf, proba).max(axis=1)
    return {
        "loss": np.log(own),
        "confidence": own,
        "logit": np.log(own / (1 - own)),
        "entropy": (proba * np.log(proba)).sum(axis=1),
        "margin": own - rest,
    }[kind]


@pytest.mark.parametrize("kind", ["loss", "confidence", "logit", "entropy", "margin"])
@pytest.mark.parametrize("classes", [(0, 1), ("a", "b", "c")])
def test_the_area_is_that_of_scikit_learn(kind, classes):
    subject, (y_in, p_in), (y_out, p_out) = recorded(np.random.default_rng(2), 150, 130, classes, 0.7)
    column = {label: j for j, label in enumerate(classes)}
    scores = np.concatenate(
        [
            by_definition(p, np.array([column[v] for v in y.tolist()]), kind)
            for y, p in ((y_in, p_in), (y_out, p_out))
        ]
    )
    found = attack(subject, signal=kind)
    truth = np.repeat([1, 0], [150, 130])
    assert found.measurement("attack_auc").value == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    # at 10%: 13 outsiders may lie at or above the threshold
    bar = np.sort(scores[150:])[::-1][13]
    hits = int((scores[:150] > bar).sum())
    ten = found.measurement("tpr_at_10pct_fpr")
    assert ten.value == pytest.approx(hits / 150)
    assert ten.interval.low == pytest.approx(beta.ppf(0.025, hits, 150 - hits + 1))
    assert ten.interval.high == pytest.approx(beta.ppf(0.975, hits + 1, 150 - hits))


def test_by_class_compares_with_records_of_that_class():
    subject, (y_in, p_in), (y_out, p_out) = recorded(np.random.default_rng(3), 90, 120, ("a", "b", "c"), 0.5)
    column = {"a": 0, "b": 1, "c": 2}
    loss = {side: np.log([row[column[v]] for row, v in zip(p, y.tolist(), strict=True)])
            for side, y, p in (("in", y_in, p_in), ("out", y_out, p_out))}  # fmt: skip
    order = np.random.default_rng(7).permutation(120)
    population, targets = order[:60], order[60:]

    def score(value, label):
        peers = [loss["out"][j] for j in population if y_out[j] == label]
        return 1 - (1 + sum(v >= value for v in peers)) / (1 + len(peers))

    scores = [score(v, c) for v, c in zip(loss["in"], y_in, strict=True)]
    scores += [score(loss["out"][j], y_out[j]) for j in targets]
    found = attack(subject, seed=7, by="class")
    want = roc_auc_score(np.repeat([1, 0], [90, 60]), scores)
    assert found.measurement("attack_auc").value == pytest.approx(want, abs=1e-12)
    assert found.rows["population"] == 60


def test_the_curve_ends_in_the_corners_and_never_falls():
    curve = attack(forest()).tables["roc"].columns
    assert (curve["fpr"][0], curve["tpr"][0], curve["fpr"][-1], curve["tpr"][-1]) == (0, 0, 1, 1)
    assert (np.diff(curve["fpr"]) >= 0).all()
    assert (np.diff(curve["tpr"]) >= 0).all()


# subjects of every kind --------------------------------------------------------------------------------


def test_mixed_columns_and_three_classes_are_attacked():
    for subject in (make_credit(), make_multiclass()):
        ends = attack(subject).measurement("attack_auc").interval
        assert ends.low < 0.55  # a linear model of few columns has no room to remember


def test_predictions_alone_need_those_of_the_training_rows():
    rng = np.random.default_rng(4)
    y = rng.integers(2, size=50)
    model = from_predictions(scores=rng.random(50), classes=[0, 1])
    with pytest.raises(NotApplicable, match="train_scores"):
        attack(Subject("half", model, Dataset(None, y), Dataset(None, y)))


def test_without_training_rows_it_says_what_to_pass():
    whole = forest(40)
    with pytest.raises(NotApplicable, match=r"no training data: pass Subject\(..., train="):
        attack(Subject("s", whole.model.inner, whole.test))


def test_labels_alone_are_not_attacked():
    whole = forest(40)
    model = from_callable(lambda X: (X["x0"] > 0).astype(int), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="gives no probabilities, only labels"):
        attack(Subject("s", model, whole.test, whole.train))


def test_by_class_of_a_regression_is_refused_in_words():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression(), by="class")


@pytest.mark.parametrize(("members", "others"), [(5, 100), (100, 5)])
def test_too_few_rows_are_counted_out(members, others):
    with pytest.raises(NotApplicable, match=f"{members} members and {others} non-members"):
        attack(recorded(np.random.default_rng(0), members, others)[0])


def test_a_class_that_no_outsider_has_speaks_for_nobody():
    rng = np.random.default_rng(5)
    p_in, p_out = rng.dirichlet(np.ones(3), 60), rng.dirichlet(np.ones(3), 60)
    y_in, y_out = np.repeat(["a", "b", "c"], 20), np.repeat(["a", "b"], 30)
    model = from_predictions(scores=p_out, train_scores=p_in, classes=["a", "b", "c"])
    found = attack(Subject("s", model, Dataset(None, y_out), Dataset(None, y_in)), by="class")
    assert 0 < found.measurement("attack_auc").value < 0.6


def test_rows_that_repeat_are_counted():
    whole = forest(100)
    X = whole.test.X.copy()
    X.iloc[:7] = whole.train.X.iloc[:7].to_numpy()
    y = whole.test.y.copy()
    y[:7] = whole.train.y[:7]
    y[0] = 1 - y[0]  # another label: not the same record
    found = attack(Subject("s", whole.model.inner, Dataset(X, y), whole.train))
    assert any(note.startswith("6 of 100 non-members") for note in found.notes)
    assert not any("equal a training row" in note for note in attack(whole).notes)


def test_rows_caps_both_sides_and_the_seed_decides():
    subject = forest(200)
    one, two, other = (attack(subject, seed=s, rows=60) for s in (1, 1, 2))
    assert one.rows["members"] == one.rows["non_members"] == 60
    assert one.to_dict() == two.to_dict()
    assert one.measurement("attack_auc").value != other.measurement("attack_auc").value


def test_a_linear_model_of_few_columns_stays_below_the_forest():
    guilty = forest()
    model = LogisticRegression().fit(guilty.train.X, guilty.train.y)
    innocent = Subject("linear", model, guilty.test, guilty.train)
    assert (
        attack(innocent).measurement("attack_auc").value
        < attack(guilty).measurement("attack_auc").interval.low
    )
