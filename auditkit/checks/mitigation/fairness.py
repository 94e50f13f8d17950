"""Fairness: what it would cost to narrow a difference between groups, tried out and measured on held-out records."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights_
from auditkit.checks._converging import converging
from auditkit.checks.mitigation import _changes as changes
from auditkit.checks.mitigation import _mitigated as mitigated
from auditkit.checks.mitigation._fair import MITIGATIONS, Bench
from auditkit.checks.mitigation._mitigated import Path, Yardstick
from auditkit.errors import Cancelled, InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence
from auditkit.methods import before_after
from auditkit.methods._threads import one_thread
from auditkit.methods.mitigation import Constraint
from auditkit.naming import NameOf
from auditkit.subject import Subject


@check(
    code="AK114",
    title="Mitigation laboratory",
    question="By how much would each mitigation narrow a difference, and at what cost?",
    dimension="mitigation",
    metrics=["gap_before", "gap_after", "gap_reduction", "accuracy_cost", "balanced_accuracy_cost"],
)
def mitigation_lab(
    subject: Subject,
    *,
    rng: np.random.Generator,
    feature: common.Feature = None,
    constraint: Annotated[
        Constraint, Doc("The difference to narrow: in selection rates, or in error rates.")
    ] = "demographic_parity",
    mitigations: Annotated[
        list[str] | None,
        NameOf(what="mitigation", among=lambda _: MITIGATIONS),
        Doc("Mitigations to try out, by name; all when left out."),
    ] = None,
    rows: Annotated[
        int, Ge(20), Doc("Training rows at most; drawn at random where there are more.")
    ] = 10_000,
    points: Annotated[int, Ge(1), Le(10), Doc("Strengths at which each mitigation is tried.")] = 2,
    iterations: Annotated[
        int, Ge(1), Le(100), Doc("Iterations of exponentiated gradient; each trains some five models.")
    ] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Try mitigations out on the training rows and audit each on the test rows, beside the model without it.

    Parameters
    ----------
    subject : Subject
        Binary, with training rows and their sensitive features, and a scikit-learn classifier or pipeline.
    rng : numpy.random.Generator
        Rows drawn, seeds of training, of randomised rules, and of the bootstrap.
    feature : str, optional
        Sensitive feature, in test and training rows.
    constraint : {"demographic_parity", "equalized_odds"}
        The difference to narrow.
    mitigations : list of str, optional
        Of "threshold optimisation", "exponentiated gradient", "correlation remover", "reweighing".
    rows : int
        Training rows at most.
    points : int
        Strengths, evenly spaced up to the mitigation in full. Threshold optimisation has one.
    iterations : int
        Of exponentiated gradient.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each mitigation in full: ``gap_before`` and ``gap_after``, ``gap_reduction``, ``accuracy_cost`` and
        ``balanced_accuracy_cost`` (before less after, paired over the same records, Bonferroni over the mitigations).
        *Before* is the same recipe trained on the same rows without the mitigation; for threshold optimisation, which
        trains nothing, the model under audit. ``gap_before`` of the feature itself is the model's under audit.

    References
    ----------
    Hardt et al. 2016; Agarwal et al. 2018; Kamiran & Calders 2012. Three of the four are fairlearn's.
    """
    chosen = _chosen(mitigations)
    seeds = dict(zip(MITIGATIONS, rng.integers(2**31 - 2, size=(len(MITIGATIONS),)).tolist(), strict=True))
    bench, yard, notes = _set_up(
        subject, feature, constraint, _strengths(points), iterations, rows, level, rng
    )
    paths, again, failed = _tried(bench, chosen, seeds)
    notes += failed
    if not paths:
        raise NotApplicable(f"no mitigation could be tried: {'; '.join(notes)}")
    original = yard.gap("gap_before", bench.original, yard.grouping.name)
    found = [m for path in paths for m in changes.measured(path, yard, rng, len(paths))]
    notes += [_retrained(bench, yard, again), *_chance(paths)]
    return Evidence(
        "AK114",
        (original, *found),
        {
            "trade_off": mitigated.trade_off(bench.original, paths, yard),
            "changes": mitigated.change_table(found, yard),
            "differences": mitigated.gap_table(original, found, yard),
            **mitigated.rate_tables(bench.original, paths, yard),
        },
        says=mitigated.sentence(found, yard),
        does_not_say=(
            "That a difference is cured, or that one of these rules ought to be used. What narrowed a difference here may not "
            "elsewhere, may widen another, and may lower a group's rate rather than raise one. Threshold optimisation and "
            "the correlation remover need the sensitive feature at decision time; deciding by it may be unlawful."
        ),
        notes=tuple(notes),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _tried(
    bench: Bench, chosen: list[str], seeds: dict[str, int]
) -> tuple[list[Path], np.ndarray, list[str]]:
    """Return what became of each mitigation, what the same recipe decides without one, and in words what failed or ended early."""
    paths: list[Path] = []
    failed: list[str] = []
    with one_thread(), converging() as early:
        learner = bench.trained(bench.Z, bench.y)
        again = bench.decides(learner, bench.Z_new)
        base = bench.decides(learner, bench.Z), again
        for name in chosen:
            try:
                paths.append(MITIGATIONS[name](bench, base, seeds[name]))
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001 - a mitigation that fails leaves the others standing
                failed.append(_failed(name, error))
    return paths, again, [*failed, *early]


def _chosen(names: list[str] | None) -> list[str]:
    if names is None:
        return list(MITIGATIONS)
    if not names:
        raise InputError(f"no mitigation named: choose from {', '.join(MITIGATIONS)}")
    for name in names:
        if name not in MITIGATIONS:
            raise InputError(f"{name!r} is no mitigation.{did_you_mean(name, MITIGATIONS)}")
    return list(dict.fromkeys(names))


def _strengths(points: int) -> tuple[float, ...]:
    return tuple(np.linspace(0, 1, points + 1)[1:].tolist())


def _set_up(
    subject: Subject,
    feature: str | None,
    constraint: Constraint,
    strengths: tuple[float, ...],
    iterations: int,
    rows: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[Bench, Yardstick, list[str]]:
    """Return what the mitigations work with and are measured against, and what a reader must know of it.

    Raises
    ------
    NotApplicable
        If something is missing that the laboratory needs.
    """
    positive = common.positive_of(subject)
    if subject.task != "binary":
        raise NotApplicable(f"mitigations are tried on binary decisions; this subject is {subject.task}")
    common.needs_model(subject)
    data = subject.split("train")
    (grouping,) = common.groupings(subject.test, None if feature is None else [feature], intersections=False)[
        :1
    ]
    if grouping.name not in data.sensitive_names:
        raise NotApplicable(
            f"the training rows do not say who they are about: pass train=Dataset(X, y, sensitive_features=...) with "
            f"{grouping.name!r}"
        )
    (own,) = common.groupings(data, [grouping.name], intersections=False, like=subject.test)
    for one in (grouping, own):
        if one.too_many:
            raise NotApplicable(one.too_many)
    if len(grouping.labels) < 2:
        raise NotApplicable(
            f"the test rows hold one group of {grouping.name}: there is no difference to narrow"
        )
    recipe = subject.model.recipe(int(rng.integers(2**31 - 1)))
    drawn = common.draw(len(data), rows, rng)
    part, y = data.take(drawn), (data.y[drawn] == positive).astype(int)
    if len(np.unique(y)) < 2:
        raise NotApplicable(f"the {len(y)} training rows drawn hold one label only: raise rows=")
    Z, Z_new = recipe.prepare(part.X, part.y, subject.test.X)
    who, new_who = (np.array(g.labels)[g.codes] for g in (own, grouping))
    original = subject.answers().labels == positive
    scores = subject.scores() if subject.model.has_proba else original.astype(float)
    bench = Bench(
        subject, recipe, Z, Z_new, y, who[drawn], new_who, original, scores, constraint, strengths, iterations
    )
    yard = Yardstick(grouping, subject.test.y == positive, constraint, level)
    notes = [*common.notes_on([grouping])]
    unseen = sorted(set(new_who.tolist()) - set(bench.who.tolist()))
    if unseen:
        notes.append(
            f"no training row drawn has {'; '.join(unseen)}: thresholds leave these records as they were"
        )
    notes += weights_.ignored(subject.test) or weights_.ignored(data)
    return bench, yard, notes


def _failed(name: str, error: Exception) -> str:
    kind = "" if isinstance(error, (NotApplicable, InputError)) else f"{type(error).__name__}: "
    return f"{name} could not be tried: {kind}{error}"


def _retrained(bench: Bench, yard: Yardstick, again: np.ndarray) -> str:
    """Return how the model trained again, without any mitigation, differs from the one under audit."""
    train = bench.subject.split("train")
    of = "all" if len(bench.y) == len(train) else f"{len(bench.y):,} of"
    gaps = [
        float(before_after.gap(yard.cells(said).rows, bench.constraint)) for said in (bench.original, again)
    ]
    right = [float((said == yard.truth).mean()) for said in (bench.original, again)]
    return (
        f"trained again on {of} {len(train):,} training rows, with no mitigation, the difference is {gaps[1]:.3f} (original "
        f"{gaps[0]:.3f}) and accuracy {common.percent(right[1])} (original {common.percent(right[0])}); mitigations that "
        "train are compared with this model"
    )


def _chance(paths: list[Path]) -> list[str]:
    return [
        f"{path.name} decides by chance: another draw would decide {common.percent(path.points[-1].by_chance)} of the "
        "records otherwise; the figures are of one draw"
        for path in paths
        if path.points[-1].by_chance > 0
    ]
