"""Privacy Meter: its own audits of the same records, beside auditkit's figures, with what is known to be wrong in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import METRICS, attack_evidence, repeats
from auditkit.checks.membership._refits import (
    Asked,
    Plan,
    aligned_proba,
    class_index,
    needs_refits,
    reference_set,
)
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Table
from auditkit.methods._arrays import TINY
from auditkit.methods.membership import population_threshold, signal
from auditkit.methods.reference_attack import smooth_reference_score
from auditkit.methods.shadow import fit_shadow_classifier
from auditkit.subject import Subject
from auditkit.tools.catalogue import PRIVACY_METER
from auditkit.tools.home import needs_tool
from auditkit.tools.privacy_meter import AuditKind, MeterAnswer, MeterAudit, Threshold, ask_privacy_meter

if TYPE_CHECKING:
    from collections.abc import Mapping

_THEIRS = {
    "population": "Privacy Meter, population",
    "reference": "Privacy Meter, reference",
    "shadow": "Privacy Meter, shadow",
}
_OURS = {"population": "population threshold", "reference": "Attack-R", "shadow": "Attack-S"}
_LOOKED_AT = (0.001, 0.01, 0.1)
_APART = 0.005  # between the area it reports and that of its own decisions: more is said
_FAR = 2.0  # times the rate asked for: more is said to be missed, where the rows can tell


@check(
    code="AK210",
    title="Membership inference by Privacy Meter",
    question="What does Privacy Meter find on the same records?",
    dimension="external",
    metrics=METRICS,
    spreads=True,
)
def privacy_meter(
    subject: Subject,
    *,
    rng: np.random.Generator,
    audits: Annotated[
        list[AuditKind] | None, Doc("Which of Privacy Meter's audits; all when left out.")
    ] = None,
    threshold: Annotated[
        Threshold,
        Doc("Privacy Meter's test function: how it reads a threshold off the losses of non-members."),
    ] = "linear",
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
    """Run Privacy Meter's audits on the records and reference models that auditkit's own attacks are made with.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows that gives probabilities and can be trained again.
    rng : numpy.random.Generator
        Rows, halves, the seeds of the reference models, and the shuffles.
    audits : list of str, optional
        ``population``, ``reference``, ``shadow``; all when left out.
    threshold : str
        Its ``linear_itp_threshold_func``, ``gaussian_threshold_func``, ``logit_rescale_threshold_func`` or
        ``min_linear_logit_threshold_func``.
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
        For each audit, and for auditkit's attack of the same kind on the same losses, what `population_attack` gives. Privacy
        Meter's records are ranked by how many of its thresholds call them members. The definitions are those of Ye
        et al. 2022 and Shokri et al. 2017.

    Raises
    ------
    NotApplicable
        If Privacy Meter is not installed; the message says what installs it.
    ToolError
        If it does not end as it should.
    InputError
        If `audits` is empty or names one twice.
    """
    chosen: list[AuditKind] = list(_THEIRS) if audits is None else list(audits)  # type: ignore[arg-type]
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(f"audits= names each audit once, at least one of {', '.join(_THEIRS)}")
    needs_refits(subject)
    needs_tool(PRIVACY_METER)  # before the reference models are trained
    plan, asked = reference_set(subject, references=references, pool=pool, rows=rows, rng=rng)
    view = _view(subject, plan, asked)
    answer = ask_privacy_meter(
        -view.target,
        view.truth,
        -view.population,
        -view.references,
        view.masks,
        audits=chosen,
        threshold=threshold,
    )
    return evidence_of(
        answer,
        _native(chosen, view, asked, rng),
        view.truth,
        level,
        rng=rng,
        population=len(view.population),
        budget=f"{len(asked.masks)} reference models",
        notes=(*repeats(subject, plan.outside), *asked.failures),
    )


def evidence_of(
    answer: MeterAnswer,
    native: Mapping[str, np.ndarray],
    truth: np.ndarray,
    level: float,
    *,
    rng: np.random.Generator,
    population: int,
    budget: str,
    notes: tuple[str, ...] = (),
) -> Evidence:
    """Return the evidence of Privacy Meter's answer beside auditkit's scores of the same records.

    Parameters
    ----------
    answer : MeterAnswer
        What Privacy Meter said.
    native : mapping of str to ndarray of shape (n,)
        For each of its audits, what auditkit's attack of the same kind says; higher for members.
    truth : ndarray of bool, shape (n,)
        Whether each record is a member.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        For the control by shuffling.
    population : int
        Records it compared with.
    budget : str
        What the attacks were allowed.
    notes : tuple of str
        What a reader must know besides.
    """
    scores: dict[str, np.ndarray] = {}
    for name, one in answer.audits.items():
        scores[_OURS[name]] = native[name]
        scores[_THEIRS[name]] = one.scores
    found = attack_evidence(
        "AK210",
        scores,
        truth,
        level,
        rng=rng,
        rows={
            "members": int(truth.sum()),
            "non_members": int((~truth).sum()),
            "population": population,
            "how": "drawn at random",
        },
        budget=budget,
        notes=(
            (
                f"Privacy Meter {answer.versions.get('privacy-meter', '')} ran in an environment of its own, on the losses of "
                "the model and of the reference models that auditkit's attacks were given."
            ),
            *_labels(answer, truth),
            *notes,
        ),
    )
    tables = {"own_figures": _own(answer), "asked": _asked(answer, truth)}
    return replace(found, tables={**found.tables, **{name: one for name, one in tables.items() if one}})


class _View(NamedTuple):
    """Signals, minus the losses, of the records under attack; `references` and `masks` are (k, r)."""

    target: np.ndarray
    population: np.ndarray
    references: np.ndarray
    masks: np.ndarray
    truth: np.ndarray
    proba: np.ndarray
    column: np.ndarray


def _view(subject: Subject, plan: Plan, asked: Asked) -> _View:
    classes, kept = np.asarray(subject.classes), plan.attacked
    index, z_index = class_index(classes, plan.y[kept]), class_index(classes, plan.others_labels)
    proba = aligned_proba(classes, subject.model, plan.X.iloc[kept].reset_index(drop=True))
    return _View(
        target=signal(proba, index, "loss"),
        population=signal(aligned_proba(classes, subject.model, plan.others), z_index, "loss"),
        references=np.log(np.maximum(asked.own[:, kept], TINY)),
        masks=asked.masks[:, kept],
        truth=plan.truth[kept],
        proba=proba,
        column=index,
    )


def _native(
    chosen: list[AuditKind], v: _View, asked: Asked, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return what auditkit's attack of each kind says of the same records."""
    found: dict[str, np.ndarray] = {}
    if "population" in chosen:
        found["population"] = population_threshold(v.target, v.population)
    if "reference" in chosen:
        found["reference"] = smooth_reference_score(v.target, v.references, v.masks)
    if "shadow" in chosen:
        attack = fit_shadow_classifier(asked.proba, v.column, v.masks[: len(asked.proba)], rng)
        found["shadow"] = attack.scores(v.proba, v.column)
    return found


def _labels(answer: MeterAnswer, truth: np.ndarray) -> tuple[str, ...]:
    """Say of each audit what is known to be wrong with it, where this run shows it."""
    return tuple(word for name, one in answer.audits.items() for word in _label(name, one, truth))


def _label(name: str, one: MeterAudit, truth: np.ndarray) -> list[str]:
    said, who = [], f"Privacy Meter's {name} audit"
    whole = float(statistics.auc(one.scores, truth).value)
    if abs(whole - one.auc) > _APART:
        said.append(
            f"{who} reports an AUC of {one.auc:.3f}, of a curve whose ends are missing; its own decisions give {whole:.3f}."
        )
    if one.named != f"{name}_metric":
        said.append(f"{who} calls itself {one.named!r} in its result.")
    if one.asked.size:
        fpr = one.decisions[:, ~truth].mean(axis=1)
        if one.asked[-1] > one.asked[0] and fpr[-1] < fpr[0]:
            said.append(
                f"{who} is inverted under this test function: asked for {_rate(one.asked[0])} false positives it makes "
                f"{_rate(fpr[0])}, asked for {_rate(one.asked[-1])} it makes {_rate(fpr[-1])}. Its curve is right, its rates are not."
            )
        elif (missed := _missed(one.asked, fpr, int((~truth).sum()))) is not None:
            rate, made = missed
            said.append(
                f"{who} does not keep its rates: asked for {_rate(rate)} false positives it makes {_rate(made)}."
            )
        points = len(np.unique(np.stack([fpr, one.decisions[:, truth].mean(axis=1)]), axis=1).T)
        said.append(
            f"{who} tries {one.asked.size} thresholds; they give {points} points of the curve, and between these it is not known."
        )
    best = float(one.accuracy.max())
    if one.accuracy.size > 1:
        said.append(
            f"The best accuracy of {who}, {common.percent(best)}, is the highest of {one.accuracy.size}, chosen after looking."
        )
    return said


def _missed(asked: np.ndarray, fpr: np.ndarray, others: int) -> tuple[float, float] | None:
    """Return the first rate looked at that is exceeded by far, and what it came to."""
    for rate in _LOOKED_AT:
        at = int(np.argmin(np.abs(np.log(asked / rate))))
        if asked[at] * others >= 1 and fpr[at] > _FAR * asked[at] and (fpr[at] - asked[at]) * others >= 5:
            return float(asked[at]), float(fpr[at])
    return None


def _rate(value: float) -> str:
    return f"{100 * value:.3g}%"


def _own(answer: MeterAnswer) -> Table:
    """Return what Privacy Meter says of itself, as it says it."""
    columns: dict[str, tuple[Any, ...]] = {
        "audit": tuple(_THEIRS[name] for name in answer.audits),
        "auc": tuple(one.auc for one in answer.audits.values()),
        "best_accuracy": tuple(float(one.accuracy.max()) for one in answer.audits.values()),
        "thresholds": tuple(len(one.decisions) for one in answer.audits.values()),
    }
    labels = {
        "audit": "Audit",
        "auc": "AUC it reports",
        "best_accuracy": "Best accuracy it reports",
        "thresholds": "Thresholds",
    }
    summary = "As Privacy Meter reports them, without intervals. Its AUC is that of the points it tried, ends missing."
    return Table("What Privacy Meter reports", columns, "plain", labels, summary)


def _asked(answer: MeterAnswer, truth: np.ndarray) -> Table | None:
    """Return, for some of the rates it was asked for, the rates it made."""
    rows: list[tuple[str, float, float, float]] = []
    for name, one in answer.audits.items():
        for rate in _LOOKED_AT if one.asked.size else ():
            at = int(np.argmin(np.abs(np.log(one.asked / rate))))
            of = one.decisions[at]
            rows.append(
                (_THEIRS[name], float(one.asked[at]), float(of[~truth].mean()), float(of[truth].mean()))
            )
    if not rows:
        return None
    names = ("audit", "asked", "fpr", "tpr")
    columns = {name: tuple(row[j] for row in rows) for j, name in enumerate(names)}
    labels = {
        "audit": "Audit",
        "asked": "False positives asked for",
        "fpr": "False positives made",
        "tpr": "True positives",
    }
    return Table(
        "Rates asked for, and made",
        columns,
        "plain",
        labels,
        "What its thresholds were to keep, and what they keep here.",
    )
