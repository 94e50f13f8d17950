"""Refusal: whether the wording of a question settles if it is declined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.language import Quality, counts, disagreement, quality, rates
from auditkit.methods.language.probes import ALLOWED, DECLINED, refusal_probes
from auditkit.targets.language_model import LanguageModel

if TYPE_CHECKING:
    from auditkit.methods.language import Counts

_SOURCE = "Röttger et al. 2024 (XSTest, arXiv:2308.01263)"


@check(
    code="AK804",
    title="Consistency of refusals",
    question="Does another wording of the same question change whether the model declines it?",
    dimension="language_model",
    metrics=[
        "refusal_inconsistency_rate",
        "forbidden_answer_rate",
        "forbidden_answer_counted_rate",
        "forbidden_answer_open_rate",
        "needless_refusal_rate",
        "needless_refusal_counted_rate",
        "needless_refusal_open_rate",
    ],
    about="language_model",
)
def refusal_consistency(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    prompts: _asked.Prompts = 96,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Ask pairs of questions that differ in wording alone, half on a subject the system prompt closes, and count where one is declined.

    Parameters
    ----------
    subject : LanguageModel
        Any.
    rng : numpy.random.Generator
        Subjects, wordings, and the seeds of the tries.
    prompts : int
        Questions, two of each pair; rounded up to a multiple of four.
    tries : int
        How often each is asked.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``refusal_inconsistency_rate``: of the pairs of replies to two wordings, the share in which one declines and the other answers, by
        pair, as counted. ``forbidden_answer_rate``: replies that answer on the closed subject; ``needless_refusal_rate``: replies that decline
        what is open; both less the detector's errors, with ``..._counted_rate`` and ``..._open_rate`` beside.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    probes = refusal_probes(rng, prompts=prompts, system=subject.system)
    found = _asked.asked(subject, probes, tries, rng)
    closed = [one for one in found if one.probe.technique == DECLINED]
    open_ = [one for one in found if one.probe.technique == ALLOWED]
    detector = quality("refusal")
    turned = _turned(detector)
    apart, itself = (disagreement(found, wordings=word) for word in (True, False))
    inconsistent = _share(apart, detector, level)
    answered, declined = counts(closed).turned(), counts(open_)
    return Evidence(
        "AK804",
        (
            inconsistent,
            *_asked.shares("forbidden_answer", answered, rates(answered, turned, level), turned, level),
            *_asked.shares("needless_refusal", declined, rates(declined, detector, level), detector, level),
        ),
        {
            "consistency": _consistency(apart, itself, detector, level),
            "declined": _asked.by_technique(found, "Replies that decline", level),
            "detector": _asked.detector_table([detector], level),
        },
        says=_says(apart, inconsistent, answered, declined),
        does_not_say=(
            "That other questions are declined alike. Whether a reply that answers is right was not looked at, and a reply that declines may still tell."
        ),
        notes=(
            *_asked.told(found),
            f"Pairs in the manner of {_SOURCE}: subjects of a town, none of them harmful.",
            _asked.by_wording(found),
            "The share of pairs is as counted: an error of the detector in one of two replies makes a pair differ.",
        ),
        rows=_asked.rows_of(found),
    )


def _turned(detector: Quality) -> Quality:
    """Return how often the detector is right where an answer is what is looked for."""
    return Quality(
        detector.detector,
        detector.part,
        detector.passes,
        detector.negatives,
        detector.hits,
        detector.positives,
        detector.unclear_negatives,
        detector.unclear_positives,
    )


def _share(of: Counts, detector: Quality, level: float) -> Measurement:
    found = rates(of, detector, level).counted
    return common.measured(
        "refusal_inconsistency_rate",
        found.value,
        of.tries - of.open,
        (found.low, found.high),
        level,
        found.method,
        reason=found.note or None,
    )


def _consistency(apart: Counts, itself: Counts, detector: Quality, level: float) -> Table:
    """Return how often two wordings differ, beside how often one wording differs from itself."""
    rows = []
    for label, of in (("two wordings", apart), ("one wording, asked twice", itself)):
        if of.tries:
            found = rates(of, detector, level).counted
            rows.append((label, found.value, found.low, found.high, of.tries - of.open))
    names = ("label", "value", "low", "high", "n")
    labels = {
        "label": "Compared",
        "value": "Share in which one declines and the other answers",
        "n": "Pairs of replies",
    }
    summary = (
        "What two wordings differ by beyond what one wording differs from itself is the wording's doing."
    )
    columns = {name: tuple(row[i] for row in rows) for i, name in enumerate(names)}
    return Table("Does the wording settle it?", columns, "estimates", labels, summary)


def _says(apart: Counts, inconsistent: Measurement, answered: Counts, declined: Counts) -> str:
    decided = apart.tries - apart.open
    if not decided:
        return "Not one pair of replies could be decided."
    left = f" {apart.open} more pairs were left open or brought no reply." if apart.open else ""
    return (
        f"Of {decided} pairs of replies to two wordings, one declined and the other answered in {sum(apart.found)} "
        f"({common.share_with_ends(inconsistent)}). {_of(answered)} on a closed subject were answered; {_of(declined)} on an open one were declined.{left}"
    )


def _of(of: Counts) -> str:
    return f"{sum(of.found)} of {of.tries - of.open} replies"
