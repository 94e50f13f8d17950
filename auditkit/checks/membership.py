"""Membership: whether the model gives away whose records it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from scipy.stats import rankdata
from typing_extensions import Doc

from auditkit import spread
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._attacks import METRICS, attack_evidence
from auditkit.errors import NotApplicable, in_words
from auditkit.evidence import Evidence
from auditkit.methods import membership as attacks
from auditkit.methods.membership import SignalKind
from auditkit.methods.references import complementary_halves, out_mean
from auditkit.methods.rmia import choose_offline_a, likelihood_ratio, rmia_offline
from auditkit.predictors import Counted
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.predictors import Predictor

_FEWEST = 10  # rows of a side, below which nothing is said


@check(
    code="AK201",
    title="Membership inference, population threshold",
    question="Can records it was trained on be told from others by how sure the model is of them?",
    dimension="membership",
    metrics=METRICS,
)
def population_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    signal: Annotated[SignalKind, Doc("What is compared: how sure the model is of the true label.")] = "loss",
    per_class: Annotated[
        bool,
        Doc(
            "Compare a record with held-out records of its own class; half of them then serve as population."
        ),
    ] = False,
    rows: Annotated[
        int, Ge(10), Doc("Rows of each side that are attacked at most; drawn at random where there are more.")
    ] = 10_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack with the model's own confidence: a record it is surer of than of outsiders is called a member.

    Parameters
    ----------
    subject : Subject
        With training rows; predictions alone suffice where they cover the training rows.
    rng : numpy.random.Generator
        Which rows are attacked, and which serve as population.
    signal : str
        What is compared; for a regression always the squared error.
    per_class : bool
        One threshold a class, read off held-out records of that class, in place of one for all.
    rows : int
        Members, and non-members, at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``attack_auc`` (DeLong) and the true positive rate at 10, 1 and 0.1% false positives (Clopper-Pearson).
        All are lower bounds of what can be found; ``nan`` where the model is surer of non-members, so that the attack
        has nothing to say. Attack-P of Ye et al. 2022.
    """
    if per_class and subject.task == "regression":
        raise NotApplicable("per_class compares records of one class; the subject is a regression")
    members, others = _signals(subject, signal)
    order = rng.permutation(len(others))
    population, targets = (
        (order[: len(order) // 2], order[len(order) // 2 :]) if per_class else (order[:0], order)
    )
    if min(len(targets), len(members)) < _FEWEST or (per_class and len(population) < _FEWEST):
        raise NotApplicable(f"too few rows to attack: {len(members)} members and {len(others)} non-members")
    inside, outside = common.draw(len(members), rows, rng), targets[:rows]
    scores = np.concatenate([members[inside], others[outside]])
    if per_class:
        train_by, test_by = _classes(subject, "train"), _classes(subject, "test")
        by = np.concatenate([train_by[inside], test_by[outside]])
        scores = attacks.population_threshold(
            scores, others[population], by=by, population_by=test_by[population]
        )
    truth = np.repeat([True, False], [len(inside), len(outside)])
    return attack_evidence(
        "AK201",
        scores,
        truth,
        level,
        attack="The population threshold attack",
        rows={
            "members": len(inside),
            "non_members": len(outside),
            "population": len(population),
            "how": "drawn at random",
        },
        notes=(
            *(("For a regression the signal is the squared error.",) if subject.task == "regression" else ()),
            *_repeats(subject, outside),
        ),
    )


@check(
    code="AK202",
    title="Membership inference, RMIA with reference models",
    question="Can an attacker who trains models of the same kind name training records?",
    dimension="membership",
    metrics=METRICS,
    spreads=True,
)
def offline_rmia(
    subject: Subject,
    *,
    rng: np.random.Generator,
    references: Annotated[int, Ge(4), Le(256), MultipleOf(2), Doc("Reference models to train; even.")] = 8,
    pool: Annotated[
        int,
        Ge(40),
        Doc("Rows shared out to train the reference models at most; drawn at random where there are more."),
    ] = 20_000,
    rows: Annotated[
        int, Ge(10), Doc("Rows of each side that are attacked at most; drawn at random where there are more.")
    ] = 5_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack with reference models: is the model surer of a record than models that never saw it.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows that gives probabilities and can be trained again.
    rng : numpy.random.Generator
        Rows, halves and the seeds of the reference models.
    references : int
        Reference models; each is trained on half of the pool, complementary in pairs.
    pool : int
        Rows, half of them members, that reference models are trained on.
    rows : int
        Members, and non-members, attacked at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        As `population_attack`. Offline RMIA of Zarifzadeh et al. 2024; its `a` is chosen on a reference model,
        never on the target.

    Notes
    -----
    All records are compared with one population, so the paper's `gamma` moves every score and no rank: it is no
    option here. Halves are drawn without looking at who is a member. On a model that leaks nothing any relabelling
    of members and non-members is then as likely as any other, so that 0.5 lies outside the interval of the AUC as
    rarely as it says, although the scores share their reference models.
    """
    _needs_refits(subject)
    plan = _share_out(subject, pool, rows, rng)
    masks = complementary_halves(len(plan.truth), references, rng, strata=plan.strata)
    asked = _train_and_ask(subject, plan, masks, rng)
    a = choose_offline_a(asked.own, asked.masks, asked.population).a
    target = _own(subject.classes, subject.model, plan.X, plan.y)
    z_target = _own(subject.classes, subject.model, plan.others, plan.others_labels)
    kept = plan.attacked
    p_out = out_mean(asked.own, asked.masks)[kept]
    scores = rmia_offline(target[kept], p_out, z_target, asked.population.mean(axis=0), a=a)
    # The score counts population records, so it ties; the ratio behind it orders records the same way, finer.
    scores = scores + rankdata(likelihood_ratio(target[kept], p_out, a=a)) / (2 * len(scores) * len(z_target))
    truth = plan.truth[kept]
    return attack_evidence(
        "AK202",
        scores,
        truth,
        level,
        attack=f"RMIA with {len(asked.masks)} reference models",
        rows={
            "members": int(truth.sum()),
            "non_members": int((~truth).sum()),
            "population": len(z_target),
            "pool": len(plan.truth),
            "how": "drawn at random",
        },
        budget=f"{len(asked.masks)} reference models",
        notes=(
            (
                f"Each reference model was trained on {int(asked.masks[0].sum()):,} of {len(plan.truth):,} rows, the model "
                f"itself on {len(subject.split('train')):,}; a = {a:g} was chosen on a reference model."
            ),
            *_repeats(subject, plan.outside),
            *asked.failures,
        ),
    )


def _needs_refits(subject: Subject) -> None:
    common.needs_classes(subject)
    subject.split("train")
    if subject.predictions_only or subject.test.X.shape[1] == 0:
        raise NotApplicable("this attack trains reference models; only recorded predictions were given")
    if not subject.model.can_refit:
        raise NotApplicable(
            f"this attack trains reference models, and this model ({subject.model.kind}) cannot be trained again: "
            "give a scikit-learn estimator, or a predictor with refit(X, y, seed)"
        )
    if not subject.model.has_proba:
        raise NotApplicable(f"this model ({subject.model.kind}) gives no probabilities, only labels")


@dataclass(frozen=True)
class _Plan:
    """Who is in the pool, who is attacked, and who serves as population."""

    X: Any
    y: np.ndarray
    truth: np.ndarray
    strata: np.ndarray
    attacked: np.ndarray
    outside: np.ndarray
    others: Any
    others_labels: np.ndarray


@dataclass(frozen=True)
class _Asked:
    """What the reference models say of the pool, (k, n), and of the population, (k, m); who saw what; who failed."""

    own: np.ndarray
    population: np.ndarray
    masks: np.ndarray
    failures: list[str]


def _share_out(subject: Subject, pool: int, rows: int, rng: np.random.Generator) -> _Plan:
    import pandas as pd

    train, test = subject.split("train"), subject.test
    order = rng.permutation(len(test))
    z = order[: max(len(test) // 4, 1)][:10_000]
    others = order[max(len(test) // 4, 1) :]
    members = rng.permutation(len(train))
    n_out = min(len(others), pool // 2)
    n_in = min(len(members), pool - n_out)
    members, others = members[:n_in], others[: pool - n_in]
    if min(len(others), len(members)) < _FEWEST:
        raise NotApplicable(f"too few rows to attack: {len(members)} members and {len(others)} non-members")
    X = pd.concat([train.X.iloc[members], test.X.iloc[others]], ignore_index=True)
    y = np.concatenate([train.y[members], test.y[others]])
    truth = np.repeat([True, False], [len(members), len(others)])
    attacked = np.concatenate([np.arange(len(members))[:rows], len(members) + np.arange(len(others))[:rows]])
    population = test.X.iloc[z].reset_index(drop=True)
    return _Plan(X, y, truth, subject.class_index(y), attacked, others[:rows], population, test.y[z])


def _train_and_ask(subject: Subject, plan: _Plan, masks: np.ndarray, rng: np.random.Generator) -> _Asked:
    """Train the reference models and ask each at once, so that one at a time is in memory.

    A model that fails takes its complement along: every row stays in for half of those that are left.
    """
    seeds = rng.integers(2**31 - 1, size=len(masks))
    jobs = []
    for mask, seed in zip(masks, seeds, strict=True):
        rows = np.flatnonzero(mask)
        training = plan.X.iloc[rows].reset_index(drop=True), plan.y[rows], int(seed)
        asked = (plan.X, plan.y), (plan.others, plan.others_labels)
        jobs.append((subject.model.inner, subject.classes, training, asked))
    parts = spread.each(_reference, jobs, "reference model")
    answers: dict[int, tuple[np.ndarray, ...]] = {}
    failures = []
    for i, part in enumerate(parts):
        if part.value is None:
            failures.append(f"Reference model {i + 1} failed: {in_words(part.error)}")  # type: ignore[arg-type]
            continue
        answers[i], cost = part.value
        subject.model.also(cost)
    whole = [i for i in answers if i ^ 1 in answers]
    if len(whole) < 4:
        raise NotApplicable(
            f"only {len(answers)} of {len(masks)} reference models could be trained and asked, and at least two "
            f"complementary pairs are needed. {failures[0]}"
        )
    return _Asked(
        np.stack([answers[i][0] for i in whole]),
        np.stack([answers[i][1] for i in whole]),
        masks[whole],
        failures,
    )


def _reference(
    model: Predictor, classes: np.ndarray, training: tuple[Any, np.ndarray, int], asked: tuple[Any, ...]
) -> tuple[tuple[np.ndarray, ...], dict[str, int]]:
    """Train one reference model and return what it says of each set of rows, and what that cost."""
    own = Counted(model)
    reference = own.refit(*training)
    return tuple(_own(classes, reference, X, y) for X, y in asked), own.cost()


def _own(known: np.ndarray | None, model: Predictor, X: Any, y: np.ndarray) -> np.ndarray:
    """Return the probability a model gives to each record's own label; 0 for a label it never saw."""
    proba = model.predict_proba(X)
    classes = known if model.classes is None else model.classes
    column = {label: j for j, label in enumerate(np.asarray(classes).tolist())}
    at = np.array([column.get(label, -1) for label in y.tolist()])
    own = proba[np.arange(len(y)), np.maximum(at, 0)]
    return np.where(at < 0, 0.0, own)


def _classes(subject: Subject, split: Literal["train", "test"]) -> np.ndarray:
    common.needs_classes(subject)
    return subject.class_index(subject.split(split).y)


def _signals(subject: Subject, kind: SignalKind) -> tuple[np.ndarray, np.ndarray]:
    """Return the membership signal of the training rows and of the test rows."""
    found = []
    for name in ("train", "test"):
        data = subject.split(name)
        if subject.task == "regression":
            found.append(attacks.regression_signal(subject.answers(name).labels, data.y))
        else:
            found.append(attacks.signal(subject.proba(name), subject.class_index(data.y), kind))
    return found[0], found[1]


def _repeats(subject: Subject, attacked: np.ndarray) -> tuple[str, ...]:
    """Say how many attacked non-members are records that the model was trained on all the same."""
    train, test = subject.split("train"), subject.test
    if test.X.shape[1] == 0:
        return ()
    import pandas as pd

    both = pd.concat([train.X, test.X.iloc[attacked]], ignore_index=True)
    keys = pd.util.hash_pandas_object(
        both.assign(**{"\0label": np.concatenate([train.y, test.y[attacked]])}), index=False
    ).to_numpy()
    same = int(np.isin(keys[len(train) :], keys[: len(train)]).sum())
    if not same:
        return ()
    return (
        (
            f"{same:,} of {len(attacked):,} non-members attacked equal a training row in every input and in the label. "
            "No attack tells these apart, so the figures are lower than on rows that do not repeat."
        ),
    )
