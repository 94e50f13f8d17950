"""Borderline: decisions that would turn if the threshold moved a little."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le, Lt
from typing_extensions import Doc

from auditkit import Subject, check
from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.statistics import wilson

Width = Annotated[float, Gt(0), Le(0.5), Doc("How far the threshold moves, to either side.")]
Threshold = Annotated[float, Gt(0), Lt(1), Doc("The score from which a record is selected.")]
Level = Annotated[float, Gt(0.5), Lt(1), Doc("Confidence level of the interval.")]


@check(
    code="BX001",
    title="Borderline decisions",
    question="How many decisions would turn if the threshold moved a little?",
    dimension="robustness",
    metrics=["borderline_share"],
)
def borderline(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check takes one; this one draws nothing
    threshold: Threshold = 0.5,
    width: Width = 0.05,
    level: Level = 0.95,
) -> Evidence:
    """Measure the share of test rows whose score lies within `width` of the threshold (Wilson 1927).

    Parameters
    ----------
    subject : Subject
        Binary, with scores; other subjects are refused with what is missing.
    rng : numpy.random.Generator
        Not used.
    threshold, width, level
        As annotated.
    """
    scores = subject.scores()  # raises NotApplicable, with its sentence, where there are none
    near = np.abs(scores - threshold) <= width
    n, hits = len(scores), int(near.sum())
    low, high = wilson(hits, n, level)
    interval = Interval(float(low), float(high), level, "wilson")
    share = Measurement("borderline_share", hits / n, n, interval)
    moved = np.linspace(-width, width, 21)
    selected = [float((scores >= threshold + by).mean()) for by in moved]
    curve = Table(
        "Share selected, as the threshold moves",
        {"threshold": tuple((threshold + moved).tolist()), "selected": tuple(selected)},
        summary=f"{hits} of {n} scores lie within {width:g} of {threshold:g}.",
    )
    return Evidence(
        "BX001",
        (share,),
        {"moved": curve},
        says=f"{hits} of {n} decisions would turn if the threshold of {threshold:g} moved by up to {width:g}.",
        does_not_say="Whether the threshold is right, or whether those decisions are wrong.",
        rows={"used": n, "of": n, "split": "test", "how": "all"},
    )
