"""Stability: how much of an explanation is left when it is made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import spread
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability._explainers import Background, Permutations
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import explanation_quality as science
from auditkit.subject import Subject

_BACKGROUNDS, _REFITS = (
    1_000,
    2_000,
)  # draws of their own: with the seed held, noise out of the air would look stable
_WHAT = {
    "seed": "another seed",
    "background": "other comparison rows",
    "refit": "the model trained again on resampled rows",
}


@dataclass(frozen=True, eq=False)
class _Again:
    """Explanations made again: `values` in the order they were made; `reason` where there are none or nothing changes."""

    group: str
    values: list[np.ndarray]
    reason: str = ""
    fixed: bool = False


@check(
    code="AK409",
    title="Stability of the explanation",
    question="Would the model's decisions be explained in the same way if the explanation were made again?",
    dimension="explainability",
    metrics=[
        "explanation_stability",
        "explanation_rank_stability",
        "top_inputs_stability",
        "sampling_error_ratio",
    ],
    spreads=True,
)
def explanation_stability(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: quality.Rows = 100,
    background: Background = 100,
    permutations: Permutations = 64,
    repeats: Annotated[
        int, Ge(2), Le(100), Doc("Explanations made again for each thing that is drawn anew.")
    ] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Explain the same rows again with another seed, other comparison rows and a model trained again, and compare.

    Parameters
    ----------
    subject : Subject
        With a model to ask; with training rows and a model that can be trained again for the last.
    rng : numpy.random.Generator
        Rows, comparison rows, seeds, and resamples.
    rows : int
        Test rows explained at most.
    background : int
        Rows that stand for "unknown".
    permutations : int
        Orders drawn for each row where the model has to be asked.
    repeats : int
        Explanations of each kind, at least two.
    level : float
        Confidence level, over repeats and rows.

    Returns
    -------
    Evidence
        For each of ``seed``, ``background`` and ``refit``: ``explanation_stability``, the mean cosine of a row's attributions
        with those made again; ``explanation_rank_stability``, the same as a rank correlation of their sizes;
        ``top_inputs_stability``, the share of the leading inputs that lead again. ``sampling_error_ratio``: how large the luck
        of the seed is beside the spread of the attributions.
    """
    base = quality.shown(subject, rows=rows, background=background, permutations=permutations, rng=rng)
    with converging() as early:
        again = [
            _other_seeds(subject, base, repeats),
            _other_backgrounds(subject, base, repeats, rng),
            _other_models(subject, base, repeats, rng),
        ]
    top, leading = quality.leading(base)
    first = [_cosine(base, one, level) for one in again]
    measurements = (
        *first,
        *(_ranks(base, one, level) for one in again),
        *(_tops(base, one, top) for one in again),
        _error(base, again[0], level),
    )
    return Evidence(
        "AK409",
        measurements,
        _tables(base, first, again),
        says=_says(first, again),
        does_not_say="That the explanation is right: one that is wrong in the same way each time is stable too.",
        notes=(
            *base.notes(subject),
            leading,
            *early,
        ),
        rows=common.rows_used(len(base.X), len(subject.test)),
    )


def _other_seeds(subject: Subject, base: quality.Shown, repeats: int) -> _Again:
    first = base.again(subject, draw=1)
    if not base.found.by_luck and np.array_equal(first.values, base.found.values):
        reason = (
            "nothing is drawn at random by this explainer: with another seed the same numbers came out again"
        )
        return _Again("seed", [first.values], reason, fixed=True)
    return _Again(
        "seed", [first.values, *(base.again(subject, draw=i).values for i in range(2, repeats + 1))]
    )


def _other_backgrounds(
    subject: Subject, base: quality.Shown, repeats: int, rng: np.random.Generator
) -> _Again:
    """Draw comparison rows anew: other rows where there are enough, else resampled with replacement. The seed is another too."""
    have, most = len(base.source), len(base.background)
    found: list[np.ndarray] = []
    for i in range(repeats):
        picked = np.sort(rng.choice(have, size=most, replace=have < 2 * most))
        behind = base.source.iloc[picked].reset_index(drop=True)
        found.append(base.again(subject, background=behind, draw=_BACKGROUNDS + i).values)
        if (
            base.found.along_paths
            and len(found) == 2
            and all(np.array_equal(one, base.found.values) for one in found)
        ):
            reason = "this explainer reads no comparison rows: with others the same numbers came out again"
            return _Again("background", found, reason, fixed=True)
    return _Again("background", found)


def _other_models(subject: Subject, base: quality.Shown, repeats: int, rng: np.random.Generator) -> _Again:
    """Train on rows drawn with replacement, within each class, and explain the same rows."""
    try:
        quality.needs_refits(subject)
    except NotApplicable as missing:
        return _Again("refit", [], str(missing))
    y = subject.split("train").y
    draws = [(_resampled(subject, y, rng), int(rng.integers(2**31 - 1))) for _ in range(repeats)]
    jobs = [(subject, base, *draw, _REFITS + i) for i, draw in enumerate(draws)]
    found = []
    try:
        for part in spread.each(_other_model, jobs, "model on resampled rows"):
            if part.value is None:
                raise part.error or RuntimeError("a part came back empty")
            found.append(part.value[0])
            subject.model.also(part.value[1])
    except NotApplicable as failed:
        return _Again("refit", [], str(failed))
    if any(one.shape != base.found.values.shape for one in found):
        return _Again("refit", [], "a model trained again gives another number of outputs")
    return _Again("refit", found)


def _other_model(
    subject: Subject, base: quality.Shown, picked: np.ndarray, seed: int, draw: int
) -> tuple[np.ndarray, dict[str, int]]:
    """Train once on drawn rows; return how the rows are explained then, and what that cost."""
    own = subject.counted()
    train = own.split("train")
    fresh = quality.refitted(own, train.X.iloc[picked].reset_index(drop=True), train.y[picked], seed)
    return base.again(fresh, draw=draw).values, own.model.cost()


def _resampled(subject: Subject, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if subject.task == "regression":
        return np.sort(rng.integers(len(y), size=len(y)))
    parts = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.sort(np.concatenate([rng.choice(part, size=len(part)) for part in parts]))


def _cosine(base: quality.Shown, again: _Again, level: float) -> Measurement:
    flat = quality.flat(base.found.values)
    return _mean(
        "explanation_stability",
        [science.cosine_similarity(flat, quality.flat(one)) for one in again.values],
        again, level,
    )  # fmt: skip


def _ranks(base: quality.Shown, again: _Again, level: float) -> Measurement:
    own = quality.sizes(base.found.values)
    return _mean(
        "explanation_rank_stability",
        [science.rank_correlation(own, quality.sizes(one)) for one in again.values],
        again, level,
    )  # fmt: skip


def _mean(metric: str, values: list[np.ndarray], again: _Again, level: float) -> Measurement:
    if not values:
        return Measurement(metric, float("nan"), 0, group=again.group, reason=again.reason)
    found = science.crossed_mean(values, level)
    if np.isnan(found.value):
        reason = "no row has anything to compare: all its attributions are the same, or 0, each time"
        return Measurement(metric, float("nan"), len(values[0]), group=again.group, reason=reason)
    if again.fixed:
        return Measurement(
            metric, found.value, found.rows, group=again.group, reason=again.reason, by_construction=True
        )
    ends = np.clip([found.low, found.high], -1.0, 1.0)
    return common.measured(
        metric,
        found.value,
        found.rows,
        (ends[0], ends[1]),
        level,
        "t over repeats and rows",
        group=again.group,
    )


def _tops(base: quality.Shown, again: _Again, top: int) -> Measurement:
    metric = "top_inputs_stability"
    if not again.values:
        return Measurement(metric, float("nan"), 0, group=again.group, reason=again.reason)
    own = quality.sizes(base.found.values).mean(axis=0)[None]
    shares = [science.top_overlap(own, quality.sizes(one).mean(axis=0)[None], top)[0] for one in again.values]
    reason = (
        again.reason if again.fixed else f"a share over {len(shares)} repeats: too few for an interval of use"
    )
    return Measurement(
        metric,
        float(np.mean(shares)),
        len(base.X),
        group=again.group,
        reason=reason,
        by_construction=again.fixed,
    )


def _error(base: quality.Shown, seeds: _Again, level: float) -> Measurement:
    metric, n = "sampling_error_ratio", len(base.X)
    if seeds.fixed:
        return Measurement(metric, 0.0, n, reason=seeds.reason, by_construction=True)
    draws = np.stack([quality.flat(one) for one in (base.found.values, *seeds.values)])
    found = science.sampling_error_ratio(draws, level)
    if np.isnan(found.value):
        reason = "the attributions are the same for all rows: there is no spread to compare the error with"
        return Measurement(metric, float("nan"), n, reason=reason)
    return common.measured(
        metric, found.value, n, (found.low, found.high), level, "jackknife over draws and rows"
    )


def _tables(base: quality.Shown, first: list[Measurement], again: list[_Again]) -> dict[str, Table]:
    """Return the tables of what came out otherwise when it was made again; none where nothing did."""
    moved = [one for one in again if any(not np.array_equal(v, base.found.values) for v in one.values)]
    if not moved:
        return {}
    names = {one.group for one in moved}
    return {"stability": _table([m for m in first if m.group in names]), "importances": _moved(base, moved)}


def _says(found: list[Measurement], again: list[_Again]) -> str:
    known = [m for m in found if not np.isnan(m.value)]
    if not known:
        return "The output does not move with any input: there is nothing to explain, and nothing to compare."
    fixed = [_WHAT[one.group] for one in again if one.fixed]
    if len(fixed) == len(known):
        return f"Made again with {' and with '.join(fixed)}, the explanation is the same: nothing in it is drawn at random."
    parts = ", ".join(f"{common.with_ends(m)} with {_WHAT[str(m.group)]}" for m in known)
    return f"Made again, the reasons given for a row are as alike as {parts} (1: the same; 0: unrelated)."


def _table(found: list[Measurement]) -> Table:
    known = [m for m in found if not np.isnan(m.value)]
    summary = "; ".join(f"{_WHAT[str(m.group)]}: {common.with_ends(m)}" for m in known)
    columns = common.estimates(known) | {"label": tuple(_WHAT[str(m.group)] for m in known)}
    return Table(
        "How alike the reasons for a row are when the explanation is made again",
        columns,
        "estimates",
        {
            "value": "Mean cosine of a row's attributions (1: the same)",
            "n": "records",
            "reference": "the same",
        },
        summary[:1].upper() + summary[1:] + "." if summary else "",
        reference=1.0,
    )


def _moved(base: quality.Shown, again: list[_Again]) -> Table:
    """Return the share of each input in all importance, with the least and the most that came out again."""
    names = [str(c) for c in base.X.columns]
    own = _shares(base.found.values)
    order = np.argsort(-own, kind="stable")
    rows: list[tuple[str, float, float, float, int, str]] = []
    for one in again:
        if not one.values:
            continue
        every = np.stack([own, *(_shares(values) for values in one.values)])
        low, high = every.min(axis=0), every.max(axis=0)
        rows += [(names[j], own[j], low[j], high[j], len(base.X), _WHAT[one.group]) for j in order]
    columns = ("label", "value", "low", "high", "n", "series")
    widest = max(rows, key=lambda r: r[3] - r[2])
    least, most = common.percent(widest[2]), common.percent(widest[3])
    said = (
        f"{widest[0]} moves most, from {least} to {most} with {widest[5]}."
        if least != most
        else "No share moves by as much as the figures here show."
    )
    return Table(
        "Between which ends the importance of each input moves",
        {name: tuple(r[i] for r in rows) for i, name in enumerate(columns)},
        "estimates",
        {"value": "Share of all importance (ends: least and most of the repeats)", "n": "records"},
        said,
    )


def _shares(values: np.ndarray) -> np.ndarray:
    mean = quality.sizes(values).mean(axis=0)
    return np.asarray(mean / (mean.sum() or 1.0))
