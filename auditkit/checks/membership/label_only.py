"""Label only: told by the labels the model gives, to a record and to rows near it, and by no probability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import numpy as np
from annotated_types import Ge, Gt, Le
from typing_extensions import Doc

from auditkit import progress, spread, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import FEWEST, METRICS, RATES, attack_evidence, repeats
from auditkit.checks.membership._refits import Plan, share_out
from auditkit.errors import InputError, NotApplicable, in_words
from auditkit.evidence import Evidence, Measurement
from auditkit.frames import Codec
from auditkit.methods import membership
from auditkit.methods.evasion import decision_search
from auditkit.methods.label_only import noise_robustness, noisy_copies
from auditkit.methods.references import complementary_halves
from auditkit.predictors import Counted
from auditkit.subject import Subject
from auditkit.threat.draft import inferred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.methods.feature_space import FeatureSpace
    from auditkit.predictors import Predictor

Attack = Literal["gap", "noise", "boundary"]
_NAMES: dict[str, str] = {"gap": "gap", "noise": "noise robustness", "boundary": "boundary distance"}
# a crowd shares the highest score of these: a rate it leaves undefined was never theirs to give, and is named in a note
_FEW_VALUES = ("gap", "noise robustness")

STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.8)
DEFAULT_STRENGTH = 0.2  # where no reference model can be trained to choose by
_BUDGET = "labels alone"


@check(
    code="AK203",
    title="Membership inference, labels only",
    question="Can training records be told from others by the labels the model gives, without any probability?",
    dimension="membership",
    metrics=METRICS,
    spreads=True,
)
def label_only_attacks(
    subject: Subject,
    *,
    rng: np.random.Generator,
    attacks: Annotated[
        list[Attack] | None,
        Doc(
            "Attacks to make on the same records, in the order of the report; all that can be when left out."
        ),
    ] = None,
    copies: Annotated[
        int, Ge(1), Le(1000), Doc("Noisy copies of each record; each is one call about all.")
    ] = 20,
    noise: Annotated[
        float | None,
        Gt(0),
        Le(3),
        Doc(
            "Noise in spreads of a column, and the share of categories drawn anew; chosen on reference models when left out."
        ),
    ] = None,
    max_calls: Annotated[
        int, Ge(5), Doc("Calls of the search for the decision boundary, for all records together.")
    ] = 50,
    pool: Annotated[
        int, Ge(40), Doc("Rows shared out to train the two reference models on which the noise is chosen.")
    ] = 20_000,
    rows: Annotated[
        int, Ge(10), Doc("Rows of each side that are attacked at most; drawn at random where there are more.")
    ] = 1_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack with labels: a record answered rightly, and far from a wrong answer, is called a member.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows; recorded predictions of these suffice for the gap.
    rng : numpy.random.Generator
        Rows, halves, noise, and the search.
    attacks : list of str, optional
        Which attacks; all that can be made when left out.
    copies : int
        Noisy copies of each record.
    noise : float, optional
        Strength of the noise. When left out it is chosen by attacking two reference models, trained on complementary halves of
        the pool; 0.2 where the model cannot be trained again. Never by how well it does on the model under audit.
    max_calls : int
        Budget of the search for the decision boundary.
    pool : int
        Rows, half of them members, that the reference models are trained on.
    rows : int
        Members, and non-members, attacked at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each attack, as its group, ``attack_auc`` (DeLong) and ``membership_advantage`` (Newcombe; the threshold of the gap is
        given, the others' is chosen on one half of the records and measured on the other), and the true positive rates of
        `population_attack`. Gap and noise give few distinct scores; rates that ties leave undefined are named in a
        note there. The gap of Yeom et al. 2018; noise and distance of Choquette-Choo et al. 2021.

    Raises
    ------
    InputError
        If `attacks` is empty or names one twice.
    """
    chosen: list[str] = list(get_args(Attack)) if attacks is None else list(attacks)
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(f"attacks= names each attack once, at least one of {', '.join(get_args(Attack))}")
    common.needs_classes(subject)
    subject.split("train")
    chosen, left_out = _possible(subject, chosen)
    if chosen == ["gap"]:
        return _gap_alone(subject, rows, level, rng, left_out)
    plan = share_out(subject, pool, rows, rng)
    view = _view(subject, plan, rng)
    scores, notes = _scores(subject, plan, view, chosen, copies, noise, max_calls)
    return _evidence(
        scores,
        plan.truth[plan.attacked],
        level,
        rng,
        len(plan.others),
        (*notes, *repeats(subject, plan.outside)),
    )


def _possible(subject: Subject, chosen: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the attacks that can be made, and a note on the others.

    Raises
    ------
    NotApplicable
        If there are none.
    """
    if not subject.predictions_only and subject.test.X.shape[1]:
        return chosen, ()
    refused = [_NAMES[name] for name in chosen if name != "gap"]
    why = (
        f"{' and '.join(refused)} ask{'s' * (len(refused) == 1)} the model about changed rows; only recorded predictions "
        "were given"
    )
    if "gap" not in chosen:
        raise NotApplicable(why)
    return ["gap"], (f"Not made: {why}.",) if refused else ()


def _gap_alone(
    subject: Subject, rows: int, level: float, rng: np.random.Generator, notes: tuple[str, ...]
) -> Evidence:
    """Attack by right and wrong alone, which takes no population."""
    right, wrong = common.correct(subject, "train"), common.correct(subject, "test")
    inside, outside = common.draw(len(right), rows, rng), common.draw(len(wrong), rows, rng)
    if min(len(inside), len(outside)) < FEWEST:
        raise NotApplicable(f"too few rows to attack: {len(inside)} members and {len(outside)} non-members")
    scores = {"gap": membership.gap(np.concatenate([right[inside], wrong[outside]]))}
    truth = np.repeat([True, False], [len(inside), len(outside)])
    return _evidence(scores, truth, level, rng, 0, (*notes, *repeats(subject, outside)))


@dataclass(frozen=True)
class _View:
    """The records as numbers, what they may be turned into, and the attacker's seed.

    Attributes
    ----------
    X, population : ndarray of shape (r, d), (m, d)
        Records attacked, and those that are not; categories as codes.
    y : ndarray of shape (r,)
        True labels.
    codec : Codec
        From numbers back to a table.
    space : FeatureSpace
        Ranges and spreads, read off the population.
    seed : int
        Of the noise, the same for every model that is attacked.
    """

    X: np.ndarray
    population: np.ndarray
    y: np.ndarray
    codec: Codec
    space: FeatureSpace
    seed: int


def _view(subject: Subject, plan: Plan, rng: np.random.Generator) -> _View:
    codec = Codec.of(subject.split("train").X, subject.test.X)
    population = codec.encode(plan.others)
    X = codec.encode(plan.X.iloc[plan.attacked])
    space = inferred(codec, population)
    return _View(X, population, plan.y[plan.attacked], codec, space, int(rng.integers(2**63)))


def _scores(
    subject: Subject,
    plan: Plan,
    view: _View,
    chosen: list[str],
    copies: int,
    noise: float | None,
    max_calls: int,
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return what each attack says of each record, and notes."""
    scores: dict[str, np.ndarray] = {}
    notes: list[str] = []
    correct = subject.model.predict(plan.X.iloc[plan.attacked].reset_index(drop=True)) == view.y
    for name in chosen:
        if name == "gap":
            scores["gap"] = membership.gap(correct)
        elif name == "noise":
            strength, said = (noise, ()) if noise is not None else _strength(subject, plan, view, copies)
            scores["noise robustness"] = _noise(subject.model, view, correct, copies, strength)
            notes += [
                f"Noise robustness: {copies} copies, strength {strength:g}; {copies + 1} queries a record.",
                *said,
            ]
        else:
            scores["boundary distance"], said = _boundary(subject.model, view, max_calls)
            notes += said
    return scores, tuple(notes)


def _noise(model: Predictor, view: _View, correct: np.ndarray, copies: int, strength: float) -> np.ndarray:
    """Return the share of noisy copies answered rightly; one call a copy, about all records."""
    draws = np.random.default_rng(view.seed)  # the same noise at every strength, for every model
    right = np.empty((copies, len(view.y)), dtype=bool)
    for i in range(copies):
        copy = noisy_copies(view.X, view.space, view.population, draws, strength)
        right[i] = model.predict(view.codec.decode(copy)) == view.y
        progress.step(None, f"noisy copy {i + 1} of {copies}")
    return noise_robustness(correct, right)


def _boundary(model: Predictor, view: _View, max_calls: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the distance to the nearest row found with another than the true label; none for a wrong answer."""

    def ask(matrix: np.ndarray) -> np.ndarray:
        return model.predict(view.codec.decode(matrix))

    search = np.random.default_rng([view.seed, 1])
    found = decision_search(ask, view.X, view.y, view.space, view.population, rng=search, max_calls=max_calls)
    wrong = np.isnan(found.distance)
    far = int(np.isinf(found.distance).sum())
    said = (
        f"Boundary distance: {found.calls} calls, {found.queries.mean():.0f} queries a record on average, at most "
        f"{found.queries.max():,}."
    )
    more = (
        f"For {far:,} of {len(wrong):,} records no row with another label was found; they count as farthest."
    )
    return np.where(wrong, 0.0, found.distance), (said, *((more,) if far else ()))


def _strength(subject: Subject, plan: Plan, view: _View, copies: int) -> tuple[float, tuple[str, ...]]:
    """Return the strength of the noise that names the training rows of two reference models best, and how it was found."""
    if not subject.model.can_refit:
        return DEFAULT_STRENGTH, (
            f"The strength of the noise is the default: this model ({subject.model.kind}) cannot be trained again to choose it.",
        )
    draws = np.random.default_rng([view.seed, 2])
    masks = complementary_halves(len(plan.truth), 2, draws, strata=plan.strata)
    jobs = []
    for mask, seed in zip(masks, draws.integers(2**31 - 1, size=2), strict=True):
        kept = np.flatnonzero(mask)
        training = plan.X.iloc[kept].reset_index(drop=True), plan.y[kept], int(seed)
        asked = plan.X.iloc[plan.attacked].reset_index(drop=True)
        jobs.append((subject.model.inner, training, asked, mask[plan.attacked], view, copies))
    areas, failures = [], []
    for i, part in enumerate(spread.each(_reference, jobs, "reference model")):
        if part.value is None:
            failures.append(f"Reference model {i + 1} failed: {in_words(part.error)}")  # type: ignore[arg-type]
            continue
        areas.append(part.value[0])
        subject.model.also(part.value[1])
    if not areas:
        return DEFAULT_STRENGTH, ("The strength of the noise is the default.", *failures)
    best = STRENGTHS[int(np.mean(areas, axis=0).argmax())]
    how = "two reference models" if len(areas) == 2 else "one reference model"
    return best, (
        (
            f"The strength of the noise was chosen by attacking {how}, not the model itself; trained on {int(masks[0].sum()):,} of "
            f"{len(plan.truth):,} rows each, the model itself on {len(subject.split('train')):,}."
        ),
        *failures,
    )


def _reference(
    model: Predictor,
    training: tuple[object, np.ndarray, int],
    asked: object,
    member: np.ndarray,
    view: _View,
    copies: int,
) -> tuple[np.ndarray, dict[str, int]]:
    """Train one reference model and attack it at every strength; return the areas and what that cost."""
    counted = Counted(model)
    reference = counted.refit(*training)  # type: ignore[arg-type]
    correct = reference.predict(asked) == view.y  # type: ignore[arg-type]
    areas = [
        statistics.auc(_noise(reference, view, correct, copies, strength), member).value
        for strength in STRENGTHS
    ]
    return np.array(areas), counted.cost()


def _evidence(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    level: float,
    rng: np.random.Generator,
    population: int,
    notes: tuple[str, ...],
) -> Evidence:
    named = dict(scores) if len(scores) > 1 else {f"The {name} attack": one for name, one in scores.items()}
    rows = {
        "members": int(truth.sum()),
        "non_members": int((~truth).sum()),
        "population": population,
        "how": "drawn at random",
    }
    found = attack_evidence(
        "AK203",
        named,
        truth,
        level,
        rng=rng,
        rows=rows,
        budget=_BUDGET,
        notes=notes,
        thresholds=dict.fromkeys(
            ("gap", "The gap attack"), (1.0, "right answers of members less those of others")
        ),
    )
    kept: list[Measurement] = []
    more = []
    for name in scores:
        area, gained, *rates = [m for m in found.measurements if len(scores) == 1 or m.group == name]
        open_ones = [m for m in rates if np.isnan(m.value) and not np.isnan(area.value)]
        if name in _FEW_VALUES and open_ones:
            said = ", ".join(f"{100 * RATES[m.metric]:g}%" for m in open_ones)
            more.append(
                f"Not given for {name}, of few distinct scores: the true positive rate at {said} false positives; "
                f"{open_ones[0].reason}."
            )
        kept += [area, gained, *(m for m in rates if name not in _FEW_VALUES or m not in open_ones)]
    return replace(found, measurements=tuple(kept), notes=(*found.notes, *more))
