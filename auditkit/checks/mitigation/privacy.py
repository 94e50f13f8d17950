"""Privacy: what it would cost to leak less about training records, tried out and measured on held-out records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.membership._evidence import FEWEST
from auditkit.checks.membership._refits import class_index, needs_refits, share_out
from auditkit.checks.mitigation import _leakage as leakage
from auditkit.checks.mitigation import _students as students
from auditkit.checks.mitigation._attackers import (
    Answered,
    Bench,
    References,
    Yard,
    answered,
    reference_models,
)
from auditkit.checks.mitigation._leakage import Path
from auditkit.checks.mitigation._remedies import (
    Distilled,
    Private,
    Published,
    Regularised,
    Remedied,
    Remedy,
    Smoothed,
    Stopped,
    independent_columns,
)
from auditkit.errors import Cancelled, InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence
from auditkit.methods._threads import one_thread
from auditkit.methods.references import complementary_halves
from auditkit.naming import NameOf
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SYNTHETIC = 20_000


@check(
    code="AK209",
    title="Privacy mitigation laboratory",
    question="By how much would each remedy lower what attacks find of the training records, and at what cost?",
    dimension="mitigation",
    metrics=leakage.METRICS,
    spreads=True,
)
def privacy_mitigation_lab(
    subject: Subject,
    *,
    rng: np.random.Generator,
    remedies: Annotated[
        list[str] | None,
        NameOf(what="remedy", among=lambda _: _REMEDIES),
        Doc("Remedies to try out, by name; all when left out."),
    ] = None,
    points: Annotated[
        int, Ge(1), Le(10), Doc("Strengths at which each remedy that has strengths is tried.")
    ] = 2,
    references: Annotated[
        int,
        Ge(4),
        Le(32),
        MultipleOf(2),
        Doc("Reference models to train for each remedy at each strength; even."),
    ] = 4,
    pool: Annotated[int, Ge(40), Doc("Rows shared out to train the reference models at most.")] = 4_000,
    rows: Annotated[int, Ge(10), Doc("Rows of each side that are attacked at most.")] = 2_000,
    speed: Annotated[
        bool, Doc("Also time teacher and student; the report then differs from run to run.")
    ] = False,
    level: common.Level = 0.95,
) -> Evidence:
    """Try remedies out and attack each again, with attackers who know of it, beside the model without it.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows that gives probabilities and can be trained again.
    rng : numpy.random.Generator
        Rows, halves, and the seeds of training.
    remedies : list of str, optional
        Of "regularisation", "early stopping", "label smoothing", "rounding", "top label", "distillation on held-out rows",
        "distillation on synthetic rows", "private training".
    points : int
        Strengths, evenly spaced up to the remedy in full.
    references : int
        Reference models for each remedy at each strength, trained with the remedy on halves of the pool.
    pool : int
        Rows, half of them members, that reference models are trained on.
    rows : int
        Members, and non-members, attacked at most.
    speed : bool
        Time how many rows a second teacher and students answer.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each remedy in full ``attack_auc_before``, ``attack_auc_after`` and ``attack_auc_reduction`` of each attack and of the
        strongest, the same of the true positive rate at 1% false positives, ``accuracy_cost`` and ``brier_cost``; before
        less after, paired over the same records, all changes of all remedies at once (Bonferroni). *Before* is the same recipe
        trained on the same rows without the remedy; for what only changes the output, the model under audit.

    References
    ----------
    Attacks: Yeom et al. 2018; online RMIA of Zarifzadeh et al. 2024. That a defence is to be attacked by those who know
    of it: Tramer et al. 2020, "On adaptive attacks to adversarial example defenses", NeurIPS.
    """
    chosen = _chosen(remedies)
    needs_refits(subject)
    bench = _bench(subject, pool, rows, references, rng)
    notes: list[str] = []
    with one_thread(), converging() as early:
        plain = reference_models(bench, Remedy())
        audited = answered(bench, subject.model.inner, plain, Remedy())
        retrained = _retrained(bench, plain) if any(not _OUTPUT_ONLY[name] for name in chosen) else audited
        paths: list[Path] = []
        for name in chosen:
            try:
                base = audited if _OUTPUT_ONLY[name] else retrained
                paths.append(_path(name, bench, base, plain, points, notes))
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001 - a remedy that fails leaves the others standing
                notes.append(_failed(name, error))
        if not paths:
            raise NotApplicable(f"no remedy could be tried: {'; '.join(notes)}")
        beside = students.table(bench, retrained, paths, level, speed=speed)
    family = leakage.Family(level, len(paths))
    found = [m for path in paths for m in leakage.measured(path, bench.yard, family)]
    return Evidence(
        "AK209",
        (*leakage.original(audited, bench.yard, level), *found),
        {
            "trade_off": leakage.trade_off(audited, paths, bench.yard, level),
            "changes": leakage.change_table(found),
            "attacks": leakage.attack_table(audited, paths, bench.yard, level),
            "settings": leakage.settings_table(paths),
            **beside,
        },
        says=leakage.sentence(found, paths),
        does_not_say=(
            "That a leak is cured, or that the model is private: both figures are of attacks that were tried, and a stronger one "
            "may find more after as before. A student's held-out rows become its training rows, and what it gives away of "
            "these is not measured."
        ),
        notes=tuple(dict.fromkeys([*_about(bench, audited, retrained), *plain.failures, *notes, *early])),
        rows={
            "members": int(bench.yard.truth.sum()),
            "non_members": int((~bench.yard.truth).sum()),
            "held_out": len(bench.subject.test),
            "student_inputs": len(bench.transfer),
            "pool": len(bench.yard.plan.truth),
            "how": "drawn at random",
        },
    )


def _bench(subject: Subject, pool: int, rows: int, references: int, rng: np.random.Generator) -> Bench:
    """Set a quarter of the test rows aside for students; every figure rests on the others."""
    order = rng.permutation(len(subject.test))
    aside, kept = np.sort(order[: len(order) // 4]), np.sort(order[len(order) // 4 :])
    if len(aside) < FEWEST:
        raise NotApplicable(f"too few test rows: {len(order)}, of which a quarter is set aside for students")
    part = Subject(
        subject.name,
        subject.model.inner,
        subject.test.take(kept),
        subject.train,
        task=subject.task,
        positive=subject.positive,
    )
    plan = share_out(part, pool, rows, rng)
    masks = complementary_halves(len(plan.truth), references, rng, strata=plan.strata)
    classes = np.asarray(subject.classes)
    index = class_index(classes, plan.y[plan.attacked])
    yard = Yard(plan, masks, plan.truth[plan.attacked], index, class_index(classes, part.test.y))
    transfer = subject.test.X.iloc[aside].reset_index(drop=True)
    seeds = int(rng.integers(2**31 - 1)), int(rng.integers(2**31 - 1))
    made = independent_columns(transfer, min(len(subject.split("train")), _MOST_SYNTHETIC), rng)
    return Bench(subject, part, yard, transfer, seeds, made)


def _trained(bench: Bench, remedy: Remedy) -> Remedied:
    train = bench.subject.split("train")
    made = Remedied(bench.subject.model.inner, remedy).refit(train.X, train.y, bench.seeds[0])
    bench.audited.model.also({"model_calls": 0, "model_rows": 0, "refits": 1})
    return made  # type: ignore[return-value]


def _retrained(bench: Bench, plain: References) -> Answered:
    return answered(bench, _trained(bench, Remedy()), plain, Remedy())


def _path(name: str, bench: Bench, base: Answered, plain: References, points: int, notes: list[str]) -> Path:
    """Return a remedy at growing strength; what only changes the output needs no training."""
    found = [base]
    for remedy in _REMEDIES[name](bench, tuple(np.linspace(0, 1, points + 1)[1:].tolist())):
        model, asked = base.model, plain
        setting = remedy.setting(bench.subject.model.inner, len(bench.subject.split("train")))
        if not _OUTPUT_ONLY[name]:
            model, asked = _trained(bench, remedy), reference_models(bench, remedy)
            notes += [f"{name}: {failure}" for failure in asked.failures]
        found.append(answered(bench, model, asked, remedy, setting))
    return Path(name, tuple(found))


def _digits(bench: Bench, strengths: tuple[float, ...]) -> tuple[Remedy, ...]:  # noqa: ARG001
    return Published(0.5, "2 digits"), Published(1.0, "1 digit")


def _top(bench: Bench, strengths: tuple[float, ...]) -> tuple[Remedy, ...]:  # noqa: ARG001
    # of two classes the score of one is that of the other: nothing is kept back before the score is
    scored = (Published(0.5, "first label with its score"),) * (len(np.asarray(bench.subject.classes)) > 2)
    return (*scored, Published(1.0, "label alone"))


_REMEDIES: dict[str, Callable[[Bench, tuple[float, ...]], tuple[Remedy, ...]]] = {
    "regularisation": lambda bench, strengths: tuple(map(Regularised, strengths)),  # noqa: ARG005
    "early stopping": lambda bench, strengths: tuple(map(Stopped, strengths)),  # noqa: ARG005
    "label smoothing": lambda bench, strengths: tuple(map(Smoothed, strengths)),  # noqa: ARG005
    "rounding": _digits,
    "top label": _top,
    "distillation on held-out rows": lambda bench, strengths: (  # noqa: ARG005
        Distilled(1.0, bench.transfer, "held-out rows"),
    ),
    "distillation on synthetic rows": lambda bench, strengths: (  # noqa: ARG005
        Distilled(1.0, bench.synthetic, "synthetic rows"),
    ),
    "private training": lambda bench, strengths: tuple(map(Private, strengths)),  # noqa: ARG005
}
"""The bench and the strengths to the remedies of a path."""

_OUTPUT_ONLY = {name: name in ("rounding", "top label") for name in _REMEDIES}


def _chosen(names: list[str] | None) -> list[str]:
    if names is None:
        return list(_REMEDIES)
    if not names:
        raise InputError(f"no remedy named: choose from {', '.join(_REMEDIES)}")
    for name in names:
        if name not in _REMEDIES:
            raise InputError(f"{name!r} is no remedy.{did_you_mean(name, _REMEDIES)}")
    return list(dict.fromkeys(names))


def _failed(name: str, error: Exception) -> str:
    kind = "" if isinstance(error, (NotApplicable, InputError)) else f"{type(error).__name__}: "
    return f"{name} could not be tried: {kind}{error}"


def _about(bench: Bench, audited: Answered, retrained: Answered) -> list[str]:
    """Return what a reader must know of the models compared."""
    masks, train = bench.yard.masks, len(bench.subject.split("train"))
    said = [
        (
            f"Every remedy that trains was attacked with {len(masks)} reference models of its own, trained with the remedy on "
            f"{int(masks[0].sum()):,} rows each (the model itself on {train:,}); what changes the output alone, with those of the model "
            "as it is, their output changed alike."
        )
    ]
    if retrained is not audited:
        areas = [leakage.strongest(one, bench.yard)[1] for one in (audited, retrained)]
        right = [common.percent(one.right.mean()) for one in (audited, retrained)]
        said.append(
            f"Trained again on the same rows with no remedy, the strongest attack reaches an AUC of {areas[1]:.3f} (original "
            f"{areas[0]:.3f}) and accuracy is {right[1]} (original {right[0]}); remedies that train are compared with this "
            "model."
        )
    return said
