"""RMIA equals its paper's definition, finds more than the population attack, and cries wolf as rarely as stated."""

import re

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from auditkit.checks.membership import population_attack, reference_attacks
from auditkit.data import make_credit, make_leaky, make_multiclass, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.methods.references import complementary_halves
from auditkit.predictors.boosters import from_booster
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def attack(subject, seed=0, attacks=("rmia_offline",), **options):
    return reference_attacks(subject, rng=np.random.default_rng(seed), attacks=list(attacks), **options)


def draw(rng, n, d=5, steep=3.0):
    X = rng.normal(size=(n, d))
    return Dataset(X, (rng.random(n) < 1 / (1 + np.exp(-steep * X[:, 0]))).astype(int))


def trained(model, n=400, seed=0, *, on_members=True, **law):
    """A subject with its own training rows, or, leak-free, one whose stated training rows it never saw."""
    rng = np.random.default_rng(seed)
    train, test = draw(rng, n, **law), draw(rng, n, **law)
    seen = train if on_members else draw(rng, n, **law)
    return Subject("s", model.fit(seen.X.to_numpy(), seen.y), test, train)


def forest():
    return RandomForestClassifier(20, min_samples_leaf=5, random_state=0)


# guilty ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1.0, 0.5])
def test_planted_memory_is_found_at_its_size(m):
    planted = make_leaky(memorise=m, n_train=600, n_test=600)
    found = attack(planted.subject, references=4)
    area = found.measurement("attack_auc")
    assert area.interval.low > 0.5
    assert area.bound == "lower"
    assert area.value == pytest.approx(planted.size["auc"], abs=0.08)
    assert found.measurement("tpr_at_1pct_fpr").interval.low > 0.05


def test_every_number_carries_how_many_models_it_took():
    found = attack(make_leaky(memorise=1.0, n_train=200, n_test=200).subject, references=4)
    assert found.measurement("attack_auc").reason == "4 reference models"
    assert found.measurement("tpr_at_10pct_fpr").reason.startswith("4 reference models; at an achieved false")


def test_swapped_splits_are_undecided_and_not_passed():
    subject = trained(forest())
    swapped = attack(Subject("swapped", subject.model, subject.train, subject.test), references=4)
    for metric in ("attack_auc", "tpr_at_10pct_fpr"):
        assert np.isnan(swapped.measurement(metric).value)
        assert "are train and test swapped" in swapped.measurement(metric).reason


def test_it_is_stronger_than_the_population_attack_on_an_overfit_forest():
    subject = trained(forest())
    plain = population_attack(subject, rng=np.random.default_rng(0)).measurement("attack_auc")
    strong = attack(subject).measurement("attack_auc")
    assert strong.interval.low > plain.interval.high


# innocent ----------------------------------------------------------------------------------------------


def false_alarms(make, draws, n, **law):
    outside = above = 0
    for s in range(draws):
        found = attack(trained(make(), n, s, on_members=False, **law), seed=10_000 + s, references=4)
        ends = found.measurement("attack_auc").interval
        outside += ends is None or not ends.low <= 0.5 <= ends.high
        one = found.measurement("tpr_at_1pct_fpr").interval
        above += one is not None and one.low > 0.05
    return outside, above


def test_false_alarms_are_as_rare_as_stated_although_scores_share_their_references():
    outside, above = false_alarms(
        lambda: DecisionTreeClassifier(min_samples_leaf=5, random_state=0), 150, 100
    )
    assert outside <= binom.ppf(0.999, 150, 0.05)
    assert above <= binom.ppf(0.999, 150, 0.025)


@pytest.mark.slow
@pytest.mark.parametrize("steep", [0.0, 3.0])
@pytest.mark.parametrize("n", [60, 200, 600])
@pytest.mark.parametrize("make", [
    lambda: DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
    lambda: RandomForestClassifier(10, random_state=0),
    lambda: LogisticRegression(C=100),
])  # fmt: skip
def test_false_alarms_over_many_draws(make, n, steep):
    outside, above = false_alarms(make, 400, n, steep=steep)
    assert outside <= binom.ppf(0.999, 400, 0.05)
    assert above <= binom.ppf(0.999, 400, 0.025)


def test_shuffled_membership_looks_like_guessing():
    rng = np.random.default_rng(3)
    seen, unseen = draw(rng, 300), draw(rng, 300)
    model = forest().fit(seen.X.to_numpy(), seen.y)
    X, y = np.concatenate([seen.X, unseen.X]), np.concatenate([seen.y, unseen.y])
    areas = []
    for s in range(8):
        order = np.random.default_rng(s).permutation(600)
        a, b = order[:300], order[300:]
        subject = Subject("shuffled", model, Dataset(X[b], y[b]), Dataset(X[a], y[a]))
        areas.append(attack(subject, seed=s, references=4).measurement("attack_auc").value)
    assert np.mean(areas) == pytest.approx(0.5, abs=4 * 0.026 / np.sqrt(8))  # one area varies by about 0.026


# the numbers, a second way -----------------------------------------------------------------------------


def straightforward(subject, seed, references):
    """Zarifzadeh et al. 2024 by its definitions: one pair at a time, with models trained here."""
    rng = np.random.default_rng(np.random.default_rng(seed).integers(2**63 - 1))
    train, test = subject.train, subject.test
    order = rng.permutation(len(test))
    z, others = order[: len(test) // 4], order[len(test) // 4 :]
    members = rng.permutation(len(train))
    X = np.concatenate([train.X.to_numpy()[members], test.X.to_numpy()[others]])
    y = np.concatenate([train.y[members], test.y[others]])
    Z, y_z = test.X.to_numpy()[z], test.y[z]
    masks = complementary_halves(len(y), references, rng, strata=np.searchsorted(subject.classes, y))
    seeds = rng.integers(2**31 - 1, size=references)

    def own(model, rows, labels):
        proba = model.predict_proba(rows)
        return np.array([p[list(model.classes_).index(v)] for p, v in zip(proba, labels, strict=True)])

    target = subject.model.estimator
    refs = [
        clone(target).set_params(random_state=int(s)).fit(X[m], y[m])
        for m, s in zip(masks, seeds, strict=True)
    ]
    P, Q = [own(r, X, y) for r in refs], [own(r, Z, y_z) for r in refs]

    def scores(p, q, which, a):
        def ratio_of(p_own, p_out):
            return float(
                f"{p_own / max(((1 + a) * p_out + 1 - a) / 2, 1e-300):.11g}"
            )  # sums in any order tie

        ratios = [ratio_of(p[i], np.mean([P[k][i] for k in which if not masks[k][i]])) for i in range(len(y))]
        bars = [ratio_of(q[j], np.mean([Q[k][j] for k in which])) for j in range(len(y_z))]
        dominated = [np.mean([r >= b for b in bars]) for r in ratios]
        return np.array(dominated), np.array(ratios)

    best = {}
    others_of_first = [k for k in range(references) if k > 1]  # 1 is the complement of 0
    for a in np.linspace(0, 1, 11).tolist():
        best[a] = roc_auc_score(masks[0], scores(P[0], Q[0], others_of_first, a)[0])
    a = max(best, key=lambda v: (best[v], -v))
    share, ratio = scores(own(target, X, y), own(target, Z, y_z), range(references), a)
    return share, ratio, np.repeat([1, 0], [len(members), len(others)]), a


@pytest.mark.parametrize("subject", [
    trained(DecisionTreeClassifier(min_samples_leaf=4, random_state=0), 80),
    trained(RandomForestClassifier(10, random_state=1), 80, seed=2),
])  # fmt: skip
def test_it_equals_the_papers_definition_pair_by_pair(subject):
    share, ratio, truth, a = straightforward(subject, 5, 6)
    found = attack(subject, seed=5, references=6)
    # ties of the share are broken by the ratio it counts, which never contradicts it
    for low, high in zip(np.argsort(ratio), np.argsort(ratio)[1:], strict=False):
        assert share[low] <= share[high]
    assert found.measurement("attack_auc").value == pytest.approx(roc_auc_score(truth, ratio), abs=1e-12)
    tied = np.mean(share[truth == 1][:, None] == share[truth == 0])
    assert abs(found.measurement("attack_auc").value - roc_auc_score(truth, share)) <= tied / 2
    assert f"a = {a:g} was chosen on a reference model" in " ".join(found.notes)
    assert (found.rows["members"], found.rows["non_members"], found.rows["population"]) == (80, 60, 20)


def test_the_seed_decides_and_nothing_else():
    subject = trained(DecisionTreeClassifier(random_state=0), 100)
    one, two, other = (attack(subject, seed=s, references=4).to_dict() for s in (1, 1, 2))
    assert one == two
    assert one["measurements"] != other["measurements"]


# references that fail ----------------------------------------------------------------------------------


def refitted(fails):
    """A subject whose recipe does what `fails(k)` says at its k-th training, from 1."""
    plain = trained(DecisionTreeClassifier(min_samples_leaf=3, random_state=0), 120)
    count = [0]

    def ask(model):
        return lambda X: model.predict_proba(X.to_numpy())

    def refit(X, y, seed):
        count[0] += 1
        bad = fails(count[0])
        if isinstance(bad, Exception):
            raise bad
        if bad == "nan":
            return lambda X: np.full((len(X), 2), np.nan)
        return ask(DecisionTreeClassifier(min_samples_leaf=3, random_state=seed).fit(X.to_numpy(), y))

    model = from_callable(ask(plain.model.estimator), classes=[0, 1], output="proba", refit=refit)
    return Subject("s", model, plain.test, plain.train)


@pytest.mark.parametrize("bad", [KeyError("no such column"), "nan"])
@pytest.mark.parametrize("which", [1, 2, 5])
def test_a_reference_that_fails_is_reported_and_its_complement_left_out(bad, which):
    found = attack(refitted(lambda k: bad if k == which else None), references=8)
    assert "RMIA, offline with 6 reference models" in found.says
    failed = [note for note in found.notes if note.startswith(f"Reference model {which} failed")]
    assert len(failed) == 1
    assert ("no such column" if isinstance(bad, Exception) else "NaN") in failed[0]


def test_failures_in_two_pairs_still_leave_references_for_every_row():
    found = attack(refitted(lambda k: ValueError("x") if k in (2, 5) else None), references=8)
    assert "RMIA, offline with 4 reference models" in found.says


def test_too_many_failures_are_not_applicable_with_the_first_reason():
    with pytest.raises(NotApplicable, match=r"only 1 of 4 .* Reference model 1 failed.*out of memory"):
        attack(refitted(lambda k: MemoryError("out of memory") if k < 4 else None), references=4)


def test_a_class_of_one_row_is_missing_from_most_halves_and_does_no_harm():
    rng = np.random.default_rng(0)
    train, test = draw(rng, 120), draw(rng, 120)
    y = train.y.copy()
    y[0] = 2
    model = DecisionTreeClassifier(min_samples_leaf=2, random_state=0).fit(train.X.to_numpy(), y)
    found = attack(Subject("rare", model, test, Dataset(train.X, y)), references=4)
    assert 0.4 < found.measurement("attack_auc").value <= 1
    assert not any("failed" in note for note in found.notes)


# subjects of every kind --------------------------------------------------------------------------------


def test_pipelines_with_words_and_gaps_and_three_classes_are_attacked():
    for subject in (make_credit(n_train=300, n_test=300), make_multiclass(n_train=300, n_test=300)):
        assert attack(subject, references=4).measurement("attack_auc").interval.low < 0.6


def test_frames_of_polars_are_attacked():
    pl = pytest.importorskip("polars")
    plain = trained(DecisionTreeClassifier(random_state=0), 100)
    same = [Dataset(pl.from_pandas(d.X), d.y) for d in (plain.test, plain.train)]
    model = DecisionTreeClassifier(random_state=0).fit(same[1].X, plain.train.y)
    dressed = attack(Subject("polars", model, *same), references=4).measurement("attack_auc").value
    assert dressed == attack(plain, references=4).measurement("attack_auc").value


def test_predictions_alone_are_not_applicable_in_words_of_this_attack():
    rng = np.random.default_rng(0)
    model = from_predictions(scores=rng.random(50), train_scores=rng.random(50), classes=[0, 1])
    data = [Dataset(None, rng.integers(2, size=50)) for _ in range(2)]
    with pytest.raises(NotApplicable, match="trains reference models; only recorded predictions"):
        attack(Subject("s", model, *data))


def test_what_cannot_be_trained_again_says_what_to_give():
    lightgbm = pytest.importorskip("lightgbm")
    plain = trained(DecisionTreeClassifier(random_state=0), 100)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1},
                             lightgbm.Dataset(plain.train.X, plain.train.y), 3)  # fmt: skip
    subject = Subject("s", from_booster(booster, classes=[0, 1]), plain.test, plain.train)
    with pytest.raises(NotApplicable, match=r"cannot be trained again: give a scikit-learn estimator"):
        attack(subject)


def test_labels_alone_are_refused_before_anything_is_trained():
    plain = trained(DecisionTreeClassifier(random_state=0), 100)

    def refit(X, y, seed):
        raise AssertionError("trained in vain")

    model = from_callable(lambda X: (X["x0"] > 0).astype(int), classes=[0, 1], output="labels", refit=refit)
    with pytest.raises(NotApplicable, match="no probabilities, only labels"):
        attack(Subject("s", model, plain.test, plain.train))


def test_regressions_and_missing_training_rows_are_refused_in_words():
    plain = trained(DecisionTreeClassifier(random_state=0), 50)
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression())
    with pytest.raises(NotApplicable, match="no training data"):
        attack(Subject("s", plain.model.inner, plain.test))
    with pytest.raises(NotApplicable, match="too few rows to attack"):
        attack(trained(DecisionTreeClassifier(random_state=0), 12))


def test_pool_and_rows_cap_what_is_trained_on_and_attacked():
    subject = trained(DecisionTreeClassifier(random_state=0), 300)
    found = attack(subject, references=4, pool=100, rows=20)
    assert found.rows == {
        "members": 20, "non_members": 20, "population": 75, "pool": 100, "how": "drawn at random",
    }  # fmt: skip
    assert any("trained on 50 of 100 rows, the model itself on 300" in note for note in found.notes)


# all attacks on one set of reference models ------------------------------------------------------------

EVERY = [
    "rmia_offline", "rmia_online", "lira_offline", "lira_online", "reference", "difficulty", "shadow_classifier",
]  # fmt: skip
NAMES = [
    "RMIA, offline", "RMIA, online", "LiRA, offline", "LiRA, online", "Attack-R", "difficulty calibration", "Attack-S",
]  # fmt: skip


def test_every_attack_finds_an_overfit_forest_with_the_right_sign():
    found = attack(trained(forest()), attacks=EVERY)
    for name in NAMES:
        area = found.measurement("attack_auc", name)
        assert area.interval.low > 0.52, name
        assert area.p_value < 1e-3
        assert area.bound == "lower"
    assert "Of 7 attacks with 8 reference models" in found.says
    strongest = max(NAMES, key=lambda name: found.measurement("attack_auc", name).value)
    assert strongest in found.says
    assert sorted(set(found.tables["roc"].columns["series"])) == sorted(NAMES)
    assert list(found.tables["attacks"].columns["label"]) == NAMES


def test_an_attack_says_the_same_alone_and_beside_others():
    subject = trained(forest(), 120)
    beside = attack(subject, attacks=["lira_online", "rmia_offline"], references=4)
    alone = attack(subject, attacks=["lira_online"], references=4)
    for metric in ("attack_auc", "tpr_at_10pct_fpr"):
        one, other = beside.measurement(metric, "LiRA, online"), alone.measurement(metric)
        assert (one.value, one.interval, one.p_value) == (other.value, other.interval, other.p_value)
        assert other.group is None


def test_no_attack_cries_wolf_on_a_model_that_never_saw_its_members():
    draws, outside, low_p = 60, dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0)
    for s in range(draws):
        subject = trained(
            DecisionTreeClassifier(min_samples_leaf=5, random_state=0), 120, s, on_members=False
        )
        found = attack(subject, seed=s, attacks=EVERY, references=4)
        for name in NAMES:
            area = found.measurement("attack_auc", name)
            outside[name] += area.interval is None or not area.interval.low <= 0.5 <= area.interval.high
            low_p[name] += area.p_value is not None and area.p_value <= 0.05
    assert max(outside.values()) <= binom.ppf(0.9995, draws, 0.05), outside
    assert max(low_p.values()) <= binom.ppf(0.9995, draws, 0.05), low_p


@pytest.mark.parametrize("wrong", [[], ["rmia_online", "rmia_online"]])
def test_attacks_are_named_once_each(wrong):
    with pytest.raises(InputError, match="names each attack once"):
        attack(trained(forest(), 60), attacks=wrong)


def test_from_64_reference_models_lira_gives_each_record_a_spread_of_its_own(monkeypatch):
    from auditkit.checks.membership import references

    subject = trained(DecisionTreeClassifier(min_samples_leaf=5, random_state=0), 80)
    pooled = attack(subject, attacks=["lira_online"], references=8).measurement("attack_auc").value
    monkeypatch.setattr(references, "_OWN_SPREAD_FROM", 8)
    own = attack(subject, attacks=["lira_online"], references=8).measurement("attack_auc").value
    assert own != pooled


def test_a_control_by_lot_stands_beside_the_attack():
    found = attack(trained(forest(), 120), references=4)
    control = next(note for note in found.notes if note.startswith("Control:"))
    low, high = (float(part) for part in re.findall(r"0\.\d{3}", control)[:2])
    assert low < 0.5 < high
