"""Natural: what is lost when inputs are spoilt by accident, by noise or by values that are missing."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._sweeps import sweep
from auditkit.evidence import Evidence
from auditkit.subject import Subject

Rows = Annotated[
    int, Ge(10), Doc("Rows changed and asked again at most; drawn at random where there are more.")
]
_NOISE = (0.05, 0.1, 0.2, 0.5, 1.0)
_MISSING = (0.02, 0.05, 0.1, 0.2, 0.4)


@check(
    code="AK301",
    title="Noise in the inputs",
    question="How many right answers are lost when the numbers are a little off?",
    dimension="robustness",
    metrics=["accuracy_drop_noise", "error_increase_noise"],
)
def noise_sweep(
    subject: Subject,
    *,
    rng: np.random.Generator,
    strength: Annotated[
        float, Gt(0), Le(3), Doc("Noise that is judged, in multiples of each column's spread.")
    ] = 0.1,
    rows: Rows = 5000,
    level: common.Level = 0.95,
) -> Evidence:
    """Add Gaussian noise to every number and ask again.

    Parameters
    ----------
    subject : Subject
        With a model to ask and at least one numeric column.
    rng : numpy.random.Generator
        Rows drawn, and the noise.
    strength : float
        Standard deviation that is judged, in multiples of each column's robust spread.
    rows : int
        Test rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``accuracy_drop_noise``: right answers lost less those won, on the same rows (paired interval of Bonett
        & Price 2012); for a regression ``error_increase_noise``: growth of the absolute error in standard
        deviations of the target. The sweep over strengths is a table; all strengths share one draw.
    """
    grid = tuple(sorted({*_NOISE, strength}))
    return sweep(subject, "noise", "AK301", grid, strength, rows, level, rng)


@check(
    code="AK302",
    title="Missing values in the inputs",
    question="How many right answers are lost when some values are missing?",
    dimension="robustness",
    metrics=["accuracy_drop_missing", "error_increase_missing"],
)
def missing_sweep(
    subject: Subject,
    *,
    rng: np.random.Generator,
    strength: Annotated[float, Gt(0), Le(1), Doc("Share of values removed that is judged.")] = 0.1,
    rows: Rows = 5000,
    level: common.Level = 0.95,
) -> Evidence:
    """Remove values at random and ask again.

    Parameters
    ----------
    subject : Subject
        With a model that takes missing values.
    rng : numpy.random.Generator
        Rows drawn, and the values removed.
    strength : float
        Share of values removed that is judged.
    rows : int
        Test rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``accuracy_drop_missing``, or ``error_increase_missing`` for a regression; see `noise_sweep`.
    """
    grid = tuple(sorted({*_MISSING, strength}))
    return sweep(subject, "missing", "AK302", grid, strength, rows, level, rng)
