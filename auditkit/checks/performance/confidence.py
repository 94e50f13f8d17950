"""Confidence: whether the model is surer when it is right."""

from __future__ import annotations

import math

import numpy as np

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._abstaining import risk_coverage_table
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement
from auditkit.subject import Subject

_COVERAGE = 0.8
_FEWEST = 20


@check(
    code="AK004",
    title="Confidence",
    question="Is the model surer of its right answers than of its wrong ones?",
    dimension="performance",
    metrics=["error_detection_auc", "aurc", "accuracy_at_80pct_coverage"],
)
def confidence(subject: Subject, *, rng: np.random.Generator, level: common.Level = 0.95) -> Evidence:  # noqa: ARG001
    """Measure what is gained by leaving out, or handing to a person, the answers the model is least sure of.

    Parameters
    ----------
    subject : Subject
        A classification with probabilities; predictions alone suffice.
    rng : numpy.random.Generator
        Not used; every check takes one.
    level : float
        Confidence level of every interval.

    Returns
    -------
    Evidence
        ``error_detection_auc``: chance that a right answer has a higher probability than a wrong one (DeLong; Hendrycks & Gimpel
        2017); ``aurc``: mean error rate over all coverages (Geifman & El-Yaniv 2017); ``accuracy_at_80pct_coverage``: accuracy of the
        four fifths of answers it is surest of.
    """
    if subject.task == "regression":
        raise NotApplicable("a regression gives values and no confidence in them")
    if subject.answers().proba is None:
        raise NotApplicable("the model gives labels and no probabilities: nothing says how sure it is")
    n = len(subject.test)
    if n < _FEWEST:
        raise NotApplicable(f"{n} rows are too few to tell confidence: at least {_FEWEST} are needed")
    sure, wrong = subject.proba().max(axis=1), ~common.correct(subject)
    told = _told(sure, wrong, level)
    area = statistics.aurc(sure, wrong, level)
    kept = statistics.accuracy_at_coverage(sure, wrong, _COVERAGE, level)
    error = float(wrong.mean())
    found = [
        told,
        common.measured("aurc", area.value, n, (area.low, area.high), level, "fay-feuer",
                        reason=f"a confidence that cannot tell gives the error rate, {common.number(error)}"),
        common.measured("accuracy_at_80pct_coverage", kept.value, kept.kept, (kept.low, kept.high), level, "wilson",
                        reason=f"a confidence that cannot tell gives the accuracy, {common.percent(1 - error)}"),
    ]  # fmt: skip
    return Evidence(
        "AK004",
        tuple(found),
        {"risk_coverage": risk_coverage_table({"the model's confidence": (sure, wrong)}, level)},
        says=_says(told, found[2], error),
        does_not_say="Whether the probabilities come true: a model may be far too sure of everything and still rank its answers well.",
        notes=_weights.ignored(subject.test),
        rows=common.rows_used(n, n),
    )


def _told(sure: np.ndarray, wrong: np.ndarray, level: float) -> Measurement:
    if wrong.all() or not wrong.any():
        said = "wrong" if wrong.all() else "right"
        return Measurement("error_detection_auc", math.nan, len(wrong), reason=f"every answer is {said}")
    auc = statistics.auc(sure, ~wrong, level)
    return common.measured("error_detection_auc", auc.value, len(wrong), (auc.low, auc.high), level, "delong")


def _says(told: Measurement, kept: Measurement, error: float) -> str:
    gain = f"the four fifths it is surest of are right in {common.share_with_ends(kept)}, all of them in {common.percent(1 - error)}"
    if math.isnan(told.value) or told.interval is None:
        return f"{str(told.reason).capitalize()}; {gain}."
    unable = (
        ", which these rows do not tell from chance" if told.interval.low <= 0.5 <= told.interval.high else ""
    )
    return (
        f"Right answers are surer than wrong ones in {common.share_with_ends(told)} of pairs{unable}; {gain}."
    )
