"""Who is exposed is found where it is planted and nowhere else; reference models are trained once and taken up again."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit
from auditkit.check import check
from auditkit.checks.membership import population_attack, reference_attacks
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def recorded(rng, n, lift):
    """Scores of members of group "b" are raised by `lift`; all else is chance."""
    group = {side: np.where(np.arange(n) % 2, "b", "a") for side in ("in", "out")}
    own = {side: rng.random(n) * 0.8 for side in ("in", "out")}
    own["in"] += lift * (group["in"] == "b")
    y = {side: rng.integers(2, size=n) for side in ("in", "out")}
    scores = {side: np.where(y[side] == 1, own[side], 1 - own[side]) for side in ("in", "out")}
    model = from_predictions(scores=scores["out"], train_scores=scores["in"], classes=[0, 1])
    test, train = (Dataset(None, y[side], {"group": group[side]}) for side in ("out", "in"))
    return Subject("s", model, test, train), own, group


def population(subject, seed=0, **options):
    return population_attack(subject, rng=np.random.default_rng(seed), **options)


def test_the_group_that_leaks_is_named_at_the_planted_size():
    subject, own, group = recorded(np.random.default_rng(7), 1000, 0.2)
    found = population(subject)
    for name, planted in (("a", 0.5), ("b", 1 - 0.5 * 0.75**2)):  # P(U + 0.2 > V), both of width 0.8
        one = found.measurement("group_attack_auc", f"group={name}")
        inside = [own[side][group[side] == name] for side in ("in", "out")]
        truth = np.repeat([1, 0], [len(part) for part in inside])
        assert one.value == pytest.approx(roc_auc_score(truth, np.concatenate(inside)), abs=1e-12)
        assert one.interval.low < planted < one.interval.high
    gap = found.measurement("attack_auc_difference", "group")
    assert gap.interval.low > 0
    assert gap.p_value < 1e-6
    shown = found.tables["by_group"].columns
    assert set(shown["label"]) == {"class=0", "class=1", "group=a", "group=b"}


def test_groups_alike_are_said_to_differ_as_rarely_as_stated():
    draws = 300
    rng = np.random.default_rng(1)
    wrong = 0
    for s in range(draws):
        found = population(recorded(rng, 120, 0.0)[0], s)
        wrong += found.measurement("attack_auc_difference", "group").interval.low > 0
    assert wrong <= binom.ppf(0.999, draws, 0.05)


def test_a_group_of_few_is_left_undefined_with_its_numbers():
    subject, *_ = recorded(np.random.default_rng(2), 60, 0.0)
    few = np.where(np.arange(60) < 4, "rare", "usual")
    test, train = (Dataset(None, d.y, {"group": few}) for d in (subject.test, subject.train))
    found = population(Subject("s", subject.model.inner, test, train))
    rare = found.measurement("group_attack_auc", "group=rare")
    assert np.isnan(rare.value)
    assert rare.reason == "4 members and 4 others: at least 10 of each are needed"
    assert np.isnan(found.measurement("attack_auc_difference", "group").value)


def test_the_most_exposed_are_named_by_pseudonyms_that_only_the_data_give_back():
    subject, own, _ = recorded(np.random.default_rng(3), 200, 0.2)
    table = population(subject).tables["most_exposed"].columns
    best = np.argsort(-own["in"], kind="stable")[:20]
    assert sorted(table["record"]) == sorted(subject.train.record_ids(best))
    for i, as_high in zip(best, table["others_as_high"], strict=True):
        assert as_high == (own["out"] >= own["in"][i]).sum()
    other = Dataset(None, 1 - subject.train.y, subject.train.sensitive_features)
    assert not set(table["record"]) & set(other.record_ids(np.arange(200)))


def test_scores_are_spread_over_shares_that_add_up():
    subject, *_ = recorded(np.random.default_rng(4), 500, 0.1)
    columns = population(subject).tables["scores"].columns
    for side in ("members", "others"):
        rows = [i for i, name in enumerate(columns["series"]) if name == side]
        assert sum(columns["value"][i] for i in rows) == pytest.approx(1)
        assert all(columns["low"][i] <= columns["value"][i] <= columns["high"][i] for i in rows)


def test_by_group_compares_with_records_of_that_group():
    # group "b" is scored higher throughout, members or not: one threshold for all mistakes that for membership's noise
    subject, *_ = recorded(np.random.default_rng(5), 400, 0.0)
    found = population(subject, by="group")
    assert found.rows["population"] == 200
    assert 0.4 < found.measurement("attack_auc").value < 0.6
    bare = Subject("s", subject.model.inner, Dataset(None, subject.test.y), Dataset(None, subject.train.y))
    with pytest.raises(NotApplicable, match="by='group' compares records of one group"):
        population(bare, by="group")


def test_the_roc_has_exact_intervals_at_every_threshold():
    subject, *_ = recorded(np.random.default_rng(6), 50, 0.1)
    columns = population(subject).tables["roc"].columns
    assert all(a <= t <= b for a, t, b in zip(columns["low"], columns["tpr"], columns["high"], strict=True))


# one set of reference models ---------------------------------------------------------------------------


def counted(n=120):
    """A subject whose trainings are counted."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4 * n, 3))
    y = (X[:, 0] + rng.normal(size=4 * n) > 0).astype(int)
    trained = []

    def refit(X, y, seed):
        trained.append(seed)
        model = DecisionTreeClassifier(min_samples_leaf=2, random_state=seed).fit(X.to_numpy(), y)
        return lambda X: model.predict_proba(X.to_numpy())

    first = DecisionTreeClassifier(min_samples_leaf=2, random_state=0).fit(X[:n], y[:n])
    ask = from_callable(
        lambda X: first.predict_proba(X.to_numpy()), classes=[0, 1], output="proba", refit=refit
    )
    return Subject("s", ask, Dataset(X[n:2 * n], y[n:2 * n]), Dataset(X[:n], y[:n])), trained  # fmt: skip


@check(
    code="XX202",
    title="Again",
    question="Again?",
    dimension="membership",
    metrics=["attack_auc"],
    spreads=True,
)
def again(subject, *, rng, references: int = 4) -> Evidence:
    from auditkit.checks.membership._refits import reference_set

    plan, asked = reference_set(subject, references=references, pool=20_000, rows=5_000, rng=rng)
    value = float(asked.own.sum())
    rows = {"used": len(plan.truth)}
    return Evidence(
        "XX202", (Measurement("attack_auc", value, 1, reason="x"),), says="s", does_not_say="d", rows=rows
    )


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(2)])
def test_checks_of_an_audit_share_one_set_wherever_they_stand(executor):
    subject, trained = counted()
    plan = {reference_attacks: {"references": 4, "attacks": ["rmia_offline"]}, again: {}}
    one = Audit(plan).run(subject, seed=1, executor=executor)
    assert len(trained) == 4
    assert [e.cost["refits"] for e in one.evidence] == [4, 4]
    fresh, trained = counted()
    other = Audit(dict(reversed(plan.items()))).run(fresh, seed=1, executor=executor)
    for code in ("AK202", "XX202"):
        assert one.of(code).measurement("attack_auc", None) == other.of(code).measurement("attack_auc", None)
    Audit(plan).run(fresh, seed=2, executor=executor)
    assert len(trained) == 8, "another seed draws other halves"


def tree(n=150):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2 * n, 3))
    y = (X[:, 0] + rng.normal(size=2 * n) > 0).astype(int)
    model = DecisionTreeClassifier(min_samples_leaf=2, random_state=0).fit(X[:n], y[:n])
    return Subject("s", model, Dataset(X[n:], y[n:]), Dataset(X[:n], y[:n]))


@pytest.mark.parametrize("harm", [None, "cut", "foreign", "pickle"])
def test_a_later_audit_takes_the_answers_up_and_trains_again_what_is_damaged(tmp_path, monkeypatch, harm):
    from auditkit.checks.membership import _refits

    audit = Audit({"reference_attacks": {"references": 4, "attacks": ["lira_offline", "shadow_classifier"]}})
    first = audit.run(tree(), seed=3, cache=tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:300])
    elif harm == "foreign":
        np.savez(file, own=np.zeros(3))
    elif harm == "pickle":
        np.savez(file, own=np.array([print], dtype=object))
    trainings = []
    plain = _refits.spread.each
    monkeypatch.setattr(
        _refits.spread, "each", lambda f, jobs, what: (trainings.append(len(jobs)), plain(f, jobs, what))[1]
    )
    second = audit.run(tree(), seed=3, cache=tmp_path / "kept")
    assert trainings == ([] if harm is None else [4])
    assert second.stable_dict() == first.stable_dict()
    assert second.stable_dict() == audit.run(tree(), seed=3).stable_dict()
    audit.run(tree(), seed=4, cache=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_model_without_a_digest_is_not_kept(tmp_path):
    subject, _ = counted()
    Audit({"reference_attacks": {"references": 4}}).run(subject, cache=tmp_path)
    assert not list(tmp_path.iterdir())
