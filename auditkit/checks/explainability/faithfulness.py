"""Faithfulness: whether the inputs an explanation names are those the model's output moves with."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability._explainers import Background, Permutations
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import explanation_quality as science
from auditkit.subject import Subject

_FLAT = "the output is the same for all rows: there is nothing to take away"


@check(
    code="AK410",
    title="Faithfulness of the explanation",
    question="Does the model's output follow the inputs that the explanation names?",
    dimension="explainability",
    metrics=["deletion_gain", "insertion_gain"],
)
def explanation_faithfulness(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: quality.Rows = 100,
    background: Background = 100,
    permutations: Permutations = 64,
    fillers: Annotated[
        int, Ge(1), Doc("Comparison rows whose values replace what is taken away; averaged over.")
    ] = 20,
    repeats: Annotated[
        int, Ge(1), Le(100), Doc("Random orders of each row to compare with, each also used backwards.")
    ] = 3,
    level: common.Level = 0.95,
) -> Evidence:
    """Take a row's inputs away in the order of its explanation, put them back in, and compare with random order.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows, comparison rows, and random orders.
    rows : int
        Test rows at most.
    background : int
        Rows that stand for "unknown" in the explanation.
    permutations : int
        Orders drawn for each row where the model has to be asked.
    fillers : int
        Comparison rows that fill the gaps, at most `background`.
    repeats : int
        Random orders of each row.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``deletion_gain``: how much lower the output lies, averaged over the way, when inputs are taken away as explained (what
        pushes up most first) than in random order; ``insertion_gain``: how much higher when they are put in. Both in mean
        absolute deviations of the output: of `d` inputs a single one that matters gives ``(d - 1) / 2d``, however rare it is.
    """
    base = quality.shown(subject, rows=rows, background=background, permutations=permutations, rng=rng)
    codec = Codec.of(base.background, base.X)
    X, others = codec.encode(base.X), codec.encode(base.background)
    others = others[rng.permutation(len(others))[:fillers]]
    usual = subject.asks(codec.decode(X))
    label = quality.given_label(usual)
    unit = float(np.abs(usual - usual.mean(axis=0)).mean())

    def ask(matrix: np.ndarray, at: np.ndarray) -> np.ndarray:
        answer = subject.asks(codec.decode(matrix))
        return answer if label is None else answer[np.arange(len(at)), label[at]]

    found = science.removal(ask, X, others, quality.of_label(base.found.values, label), rng, orders=repeats)
    moves = unit > 1e-12 * max(1.0, float(np.abs(usual).max()))
    unit = unit if moves else 1.0
    at = found.positions
    gains = {
        "deletion_gain": science.area_between(found.deletion_random, found.deletion, at) / unit,
        "insertion_gain": science.area_between(found.insertion, found.insertion_random, at) / unit,
    }
    measurements = tuple(_gain(metric, values, level, moves=moves) for metric, values in gains.items())
    what = "output" if label is None else "probability of the label the model gives"
    start = usual if label is None else usual[np.arange(len(X)), label]
    return Evidence(
        "AK410",
        measurements,
        {
            "deletion": _curves("taken away", _three(found, "deletion"), at, start, unit, level, what),
            "insertion": _curves("put in", _three(found, "insertion"), at, start, unit, level, what),
        },
        says=_says(measurements),
        does_not_say="How the model would do if trained without these inputs; and rows with some inputs replaced may be such as "
        "the model never saw (Hooker et al. 2019).",
        notes=(
            *base.notes(subject),
            f"What is taken away is replaced by the values of {len(others)} comparison rows, and the {what} averaged over them.",
            "Taking away and putting in are nearly one test: where inputs act one by one, one curve mirrors the other. Both met is one sign, not two.",
            f"Random order: {repeats} orders of each row, each also backwards.",
            f"A mean deviation is how far the {what} of a row lies from its mean on average: {common.number(unit)}.",
        ),
        rows=common.rows_used(len(X), len(subject.test)),
    )


def _gain(metric: str, values: np.ndarray, level: float, *, moves: bool) -> Measurement:
    if not moves:
        return Measurement(metric, float("nan"), len(values), reason=_FLAT)
    ends = statistics.mean_interval_of(values, level)
    return common.measured(metric, values.mean(), len(values), ends, level, "t over rows, paired")


def _three(found: science.Removal, way: str) -> dict[str, np.ndarray]:
    return {
        "as explained": getattr(found, way),
        "random order": getattr(found, f"{way}_random"),
        "reverse order": getattr(found, f"{way}_reverse"),
    }


def _curves(
    way: str,
    curves: dict[str, np.ndarray],
    positions: np.ndarray,
    start: np.ndarray,
    unit: float,
    level: float,
    what: str,
) -> Table:
    columns: dict[str, list[object]] = {name: [] for name in ("x", "value", "low", "high", "n", "series")}
    middle = {}
    for series, outputs in curves.items():
        away = (outputs - start[:, None]) / unit
        low, high = statistics.mean_interval_of(away.T, level)
        means = away.mean(axis=0)
        middle[series] = float(np.interp(0.5, positions / positions[-1], means))
        columns["x"] += (positions / positions[-1]).tolist()
        columns["value"] += means.tolist()
        columns["low"] += low.tolist()
        columns["high"] += high.tolist()
        columns["n"] += [len(away)] * len(positions)
        columns["series"] += [series] * len(positions)
    said = ", ".join(f"{common.number(value)} {series}" for series, value in middle.items())
    return Table(
        f"How the {what} moves while inputs are {way}",
        {name: tuple(values) for name, values in columns.items()},
        "curve",
        {
            "x": f"Share of inputs {way}",
            "value": f"Mean change of the {what} (mean deviations)",
            "n": "records",
            "reference": f"{what} as it was",
        },
        f"With half of the inputs {way} the {what} lies away from that of the whole row by: {said} (mean deviations).",
        reference=0.0,
    )


def _says(found: tuple[Measurement, ...]) -> str:
    out, into = found
    if np.isnan(out.value):
        return "The output is the same for all rows: no explanation of it could be right or wrong."
    return (
        f"Taken away in the order of the explanation, inputs lower the output by {common.with_ends(out)} mean deviations more than in "
        f"random order; put in, they raise it by {common.with_ends(into)} more (0: no better than chance)."
    )
