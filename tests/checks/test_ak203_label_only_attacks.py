"""Labels alone find planted memory at its size, on words and whole numbers too, and are quiet where there is none."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from auditkit import Criterion
from auditkit.checks.membership import label_only_attacks
from auditkit.checks.membership.label_only import DEFAULT_STRENGTH, STRENGTHS
from auditkit.data import make_credit, make_leaky, make_multiclass, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.judging import judge
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.statistics import newcombe
from auditkit.subject import Dataset, Subject

LIGHT = {"copies": 6, "max_calls": 12}


def attack(subject, seed=0, **options):
    return label_only_attacks(subject, rng=np.random.default_rng(seed), **options)


def mixed(rng, n, steep=3.0):
    """Numbers, whole numbers, words and flags; the label follows one number."""
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n), "years": rng.integers(0, 9, n)})
    frame["city"] = rng.choice(["Bonn", "Graz", "Riga"], n)
    frame["flag"] = rng.random(n) < 0.3
    return Dataset(frame, np.where(rng.random(n) < 1 / (1 + np.exp(-steep * frame["x"])), "yes", "no"))


def pipeline(**options):
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough"
    )
    return make_pipeline(columns, DecisionTreeClassifier(random_state=0, **options))


def trained(n=300, seed=0, *, on_members=True, model=None, steep=3.0):
    rng = np.random.default_rng(seed)
    train, test = mixed(rng, n, steep), mixed(rng, n, steep)
    seen = train if on_members else mixed(rng, n, steep)
    return Subject("s", (model or pipeline()).fit(seen.X, seen.y), test, train, positive="yes")


def of(found, group, metric):
    return found.measurement(metric, group)


# guilty ------------------------------------------------------------------------------------------------


def test_planted_memory_is_found_at_its_size_by_every_attack():
    planted = make_leaky(kind="tree", seed=1)  # all remembered: AUC 3/4, advantage 1/2
    found = attack(planted.subject)
    for group in ("gap", "noise robustness", "boundary distance"):
        assert of(found, group, "attack_auc").interval.low > 0.6
        gained = of(found, group, "membership_advantage")
        # the standard error of a difference of two rates is at most sqrt(1/2n), n = 375 on the smaller side
        assert gained.value == pytest.approx(planted.size["advantage"], abs=4 * np.sqrt(0.5 / 375))
        assert gained.interval.low > 0.3
        assert gained.p_value < 1e-6
        assert gained.bound == "lower"


def test_half_the_memory_is_found_at_half_the_size():
    planted = make_leaky(kind="tree", memorise=0.5)
    found = attack(planted.subject, attacks=["gap"])
    assert found.measurement("attack_auc").value == pytest.approx(planted.size["auc"], abs=0.05)
    assert found.measurement("membership_advantage").value == pytest.approx(
        planted.size["advantage"], abs=0.09
    )


def test_the_gap_is_balanced_accuracy_and_its_advantage_the_difference_of_accuracies():
    subject = trained()
    found = attack(subject, attacks=["gap"])
    right = [int((subject.model.predict(d.X) == d.y).sum()) for d in (subject.train, subject.test)]
    gained = found.measurement("membership_advantage")
    assert gained.value == pytest.approx((right[0] - right[1]) / 300)
    assert (gained.interval.low, gained.interval.high) == tuple(
        map(float, newcombe(right[0], 300, right[1], 300))
    )
    balanced = (right[0] / 300 + 1 - right[1] / 300) / 2
    assert found.measurement("attack_auc").value == pytest.approx(balanced, abs=1e-12)


def test_memory_is_found_on_words_flags_and_whole_numbers():
    found = attack(trained(steep=1.0), **LIGHT)
    for group in ("gap", "noise robustness", "boundary distance"):
        assert of(found, group, "attack_auc").interval.low > 0.5


def test_memory_around_a_record_is_seen_where_right_and_wrong_say_nothing():
    # every answer is right: within a tenth of a training row, and on a test row itself but not beside it
    rng = np.random.default_rng(0)
    train, test = (
        Dataset({"a": rng.normal(size=200), "b": rng.normal(size=200)}, np.ones(200, int)) for _ in "ab"
    )
    near = {"in": train.X.to_numpy(), "out": test.X.to_numpy()}

    def label(X):
        gaps = [
            np.linalg.norm(X.to_numpy()[:, None] - rows[None], axis=2).min(axis=1) for rows in near.values()
        ]
        return ((gaps[0] < 0.1) | (gaps[1] < 0.001)).astype(int)

    subject = Subject("s", from_callable(label, classes=[0, 1], output="labels"), test, train)
    found = attack(subject, noise=0.1, max_calls=40)
    assert of(found, "noise robustness", "attack_auc").interval.low > 0.6
    assert of(found, "boundary distance", "attack_auc").interval.low > 0.6
    gap = of(found, "gap", "membership_advantage")
    assert gap.value == 0
    assert gap.interval.low < 0 < gap.interval.high


# innocent ----------------------------------------------------------------------------------------------


def test_the_clean_twin_is_quiet():
    found = attack(make_leaky(kind="tree", memorise=0.0).subject, **LIGHT)
    for m in found.measurements:
        if m.metric == "attack_auc":
            assert m.interval.low <= 0.5 <= m.interval.high
        elif m.metric == "membership_advantage":
            assert m.interval.low <= 0 <= m.interval.high


def false_alarms(make, n, draws, **options):
    """Count intervals that exclude guessing, of each figure, over models trained on other rows."""
    outside = {}
    for s in range(draws):
        subject = trained(n, s, on_members=False, model=make())
        for m in attack(subject, seed=5000 + s, **options).measurements:
            guess = {"attack_auc": 0.5, "membership_advantage": 0.0}.get(m.metric)
            if guess is None:
                continue
            wrong = m.interval is None or not m.interval.low <= guess <= m.interval.high
            outside[m.group, m.metric] = outside.get((m.group, m.metric), 0) + wrong
    return outside


def test_false_alarms_are_as_rare_as_stated():
    outside = false_alarms(lambda: pipeline(min_samples_leaf=3), 60, 40, noise=0.2, copies=3, max_calls=6)
    assert len(outside) == 6
    assert max(outside.values()) <= binom.ppf(0.999, 40, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 200])
def test_false_alarms_over_many_draws(n):
    outside = false_alarms(lambda: pipeline(min_samples_leaf=3), n, 400, copies=8, max_calls=25)
    assert max(outside.values()) <= binom.ppf(0.999, 400, 0.05)


def test_swapped_splits_are_undecided_and_not_passed():
    subject = trained()
    found = attack(Subject("s", subject.model, subject.train, subject.test, positive="yes"), attacks=["gap"])
    for metric in ("attack_auc", "membership_advantage"):
        assert np.isnan(found.measurement(metric).value)
        assert "are train and test swapped" in found.measurement(metric).reason


# rates and ties ----------------------------------------------------------------------------------------


def test_rates_that_ties_leave_undefined_are_named_in_a_note_and_are_no_findings():
    found = attack(trained(), **LIGHT)
    metrics = [m.metric for m in found.measurements if m.group == "gap"]
    assert metrics == ["attack_auc", "membership_advantage"]
    note = next(note for note in found.notes if note.startswith("Not given for gap"))
    assert "the true positive rate at 10%, 1%, 0.1% false positives" in note
    assert "share the highest score" in note
    limit = [Criterion("tpr_at_1pct_fpr", at_most=0.05)]
    assert {f.measurement.group for f in judge([found], limit) if f.measurement} <= {
        "boundary distance",
        "noise robustness",
    }
    assert not any(np.isnan(m.value) for m in found.measurements if m.group != "boundary distance")


# how the noise is chosen -------------------------------------------------------------------------------


def test_the_strength_is_chosen_on_reference_models_and_not_on_the_target():
    subject = trained()
    said = " ".join(attack(subject, attacks=["noise"], **LIGHT).notes)
    assert "chosen by attacking two reference models, not the model itself" in said
    chosen = float(said.split("strength ")[1].split(";")[0])
    assert chosen in STRENGTHS
    # another target with the same data and recipe: the choice does not move
    other = Subject(
        "s",
        pipeline(max_depth=1).fit(subject.test.X, subject.test.y),
        subject.test,
        subject.train,
        positive="yes",
    )
    refit = from_callable(
        lambda X: other.model.predict(X), classes=["no", "yes"], output="labels",
        refit=lambda X, y, seed: pipeline().fit(X, y).predict,
    )  # fmt: skip
    same = from_callable(
        lambda X: subject.model.predict(X), classes=["no", "yes"], output="labels",
        refit=lambda X, y, seed: pipeline().fit(X, y).predict,
    )  # fmt: skip
    strengths = {
        next(n for n in attack(Subject("s", m, subject.test, subject.train, positive="yes"), attacks=["noise"], **LIGHT).notes
             if n.startswith("Noise robustness"))
        for m in (refit, same)
    }  # fmt: skip
    assert len(strengths) == 1


def test_what_cannot_be_trained_again_gets_the_default_and_says_so():
    plain = trained()
    model = from_callable(plain.model.predict, classes=["no", "yes"], output="labels")
    found = attack(Subject("s", model, plain.test, plain.train, positive="yes"), attacks=["noise"], **LIGHT)
    assert any("cannot be trained again" in note for note in found.notes)
    assert any(f"strength {DEFAULT_STRENGTH:g}" in note for note in found.notes)


@pytest.mark.parametrize("fails", [{1}, {1, 2}])
def test_a_reference_that_fails_is_reported(fails):
    plain, count = trained(), [0]

    def refit(X, y, seed):
        count[0] += 1
        if count[0] in fails:
            raise MemoryError("out of memory")
        return pipeline().fit(X, y).predict

    model = from_callable(plain.model.predict, classes=["no", "yes"], output="labels", refit=refit)
    found = attack(Subject("s", model, plain.test, plain.train, positive="yes"), attacks=["noise"], **LIGHT)
    said = " ".join(found.notes)
    assert said.count("out of memory") == len(fails)
    assert ("one reference model" in said) == (len(fails) == 1)
    assert ("is the default" in said) == (len(fails) == 2)


def test_a_given_strength_trains_nothing():
    subject = trained().counted()
    attack(subject, attacks=["noise"], noise=0.3, copies=5)
    assert subject.model.cost() == {"model_calls": 6, "model_rows": 6 * (300 + 225), "refits": 0}


def test_every_step_is_one_call_about_all_records():
    subject = trained().counted()
    found = attack(subject, attacks=["boundary"], max_calls=15)
    assert subject.model.calls <= 15 + 1
    assert any(note.startswith("Boundary distance: 15 calls") for note in found.notes)


def test_the_seed_decides_and_nothing_else():
    subject = trained(100)
    one, two, other = (attack(subject, seed=s, **LIGHT).to_dict() for s in (1, 1, 2))
    assert one == two
    assert one["measurements"] != other["measurements"]


# subjects of every kind --------------------------------------------------------------------------------


def test_predictions_alone_are_attacked_by_the_gap():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=100)
    model = from_predictions(labels=rng.integers(2, size=100), train_labels=y, classes=[0, 1])
    data = Dataset(None, y)
    found = attack(Subject("s", model, Dataset(None, rng.integers(2, size=100)), data))
    assert found.measurement("attack_auc").value > 0.6
    assert any(
        note.startswith("Not made: noise robustness and boundary distance ask") for note in found.notes
    )
    with pytest.raises(NotApplicable, match="boundary distance asks the model about changed rows"):
        attack(Subject("s", model, Dataset(None, y), data), attacks=["boundary"])


def test_gaps_words_and_three_classes_are_attacked():
    for subject in (make_credit(n_train=200, n_test=200), make_multiclass(n_train=200, n_test=200)):
        found = attack(subject, **LIGHT)
        assert {m.group for m in found.measurements} == {"gap", "noise robustness", "boundary distance"}


def test_a_model_of_one_answer_is_no_leak_and_says_that_nothing_was_found():
    data = [Dataset({"a": np.arange(60.0) + shift}, np.arange(60) % 2) for shift in (0, 100)]
    model = from_callable(lambda X: np.ones(len(X), int), classes=[0, 1], output="labels")
    found = attack(Subject("s", model, *data), **LIGHT)
    assert any("no row with another label was found" in note for note in found.notes)
    assert of(found, "boundary distance", "attack_auc").interval.low < 0.5


def test_refusals_are_in_words():
    plain = trained(60)
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression())
    with pytest.raises(NotApplicable, match="no training data"):
        attack(Subject("s", plain.model.inner, plain.test, positive="yes"))
    with pytest.raises(NotApplicable, match="too few rows to attack"):
        attack(trained(8))
    with pytest.raises(NotApplicable, match="too few rows to attack"):
        attack(trained(8), attacks=["gap"])
    for bad in ([], ["gap", "gap"]):
        with pytest.raises(InputError, match="names each attack once"):
            attack(plain, attacks=bad)


def test_a_model_too_stiff_to_remember_is_left_alone():
    subject = trained(400, model=make_pipeline(pipeline()[0], LogisticRegression(max_iter=2000)))
    found = attack(subject, **LIGHT)
    assert of(found, "gap", "attack_auc").interval.low < 0.5
