"""Confidence: whether a model that is out of its depth says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le
from typing_extensions import Doc

from auditkit import progress, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._abstaining import risk_coverage_table
from auditkit.checks._sweeps import decoded, space_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import corruption
from auditkit.predictors import ModelError
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.frames import Codec
    from auditkit.methods.feature_space import FeatureSpace

METRICS = [
    "confident_out_of_range_rate",
    "calibration_error_increase_noise",
    "overconfidence_increase_noise",
    "aurc",
    "accuracy_at_80pct_coverage",
]
_GRID = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_COVERAGE = 0.8
_SLACK = 1e-9  # what answers about one row may differ by, from one call to the next
_CLEAN, _NOISY = "rows as they are", "rows with noise"
_FOLDED = "mover"


class _Answers(NamedTuple):
    """Confidence of each answer, whether it is wrong, and of how many classes it is one."""

    confidence: np.ndarray
    wrong: np.ndarray
    classes: int


@check(
    code="AK310",
    title="Confidence out of range",
    question="Does the model say so when it is out of its depth?",
    dimension="robustness",
    metrics=METRICS,
)
def confidence_under_shift(
    subject: Subject,
    *,
    rng: np.random.Generator,
    distance: Annotated[
        float, Gt(0), Le(100), Doc("How far beyond its range a column is pushed, in widths of the range.")
    ] = 1.0,
    threshold: Annotated[
        float | None,
        Ge(0),
        Le(1),
        Doc(
            "Confidence from which an answer counts as confident; the median on unchanged rows when left out."
        ),
    ] = None,
    strength: Annotated[
        float,
        Gt(0),
        Le(3),
        Doc("Noise under which calibration is measured, in multiples of each column's spread."),
    ] = 0.5,
    columns: Annotated[int, Ge(1), Doc("Columns pushed at most; drawn at random where there are more.")] = 30,
    rows: Annotated[
        int, Ge(10), Doc("Rows changed and asked again at most; drawn at random where there are more.")
    ] = 1000,
    level: common.Level = 0.95,
) -> Evidence:
    """Push rows out of the training range, add noise, and compare what the model is sure of with what it gets right.

    Parameters
    ----------
    subject : Subject
        A classifier with probabilities and at least one column of numbers.
    rng : numpy.random.Generator
        Rows and columns drawn, and the noise.
    distance : float
        Widths of the training range beyond either end.
    threshold : float, optional
        From which an answer is confident.
    strength : float
        Deviation of the noise, in spreads.
    columns : int
        Columns at most.
    rows : int
        Test rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``confident_out_of_range_rate``: share of answers at or above the threshold about rows with one column out of range;
        a model that cannot tell gives the share of unchanged rows. ``calibration_error_increase_noise`` and
        ``overconfidence_increase_noise``: of the same rows with and without noise. ``aurc`` and ``accuracy_at_80pct_coverage``: what
        abstaining is worth on either.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    if not subject.model.has_proba:
        raise NotApplicable(f"this model ({subject.model.kind}) gives no probabilities, so no confidence")
    codec, space = space_of(subject)
    chosen = common.draw(len(subject.test), rows, rng)
    y = subject.class_index(subject.test.y[chosen])
    X = codec.encode(subject.test.X.iloc[chosen])
    pushed = _pushable(space, X)
    if not len(pushed):
        raise NotApplicable(
            "no column holds numbers of more than two values: none can be pushed out of its range"
        )
    at = pushed[common.draw(len(pushed), columns, rng)]
    clean = _answers(subject, codec, X, y)
    least = (float(np.median(clean.confidence)) if threshold is None else threshold) - _SLACK
    sure = _sure_by_distance(subject, codec, space, X, at, sorted({*_GRID, distance}), least)
    noisy = _answers(
        subject, codec, corruption.noise(X, space, rng, strength, [space.names[j] for j in pushed]), y
    )
    base = float((clean.confidence >= least).mean())
    rate = _rate(sure[distance][0], base, distance, least, level)
    return Evidence(
        "AK310",
        (rate, *_calibration(clean, noisy, strength, level), *_abstaining(clean, noisy, strength, level)),
        {
            "by_distance": _by_distance(sure, base, least, level),
            "by_column": _by_column(sure[distance][0], [space.names[j] for j in at], base, distance, level),
            "risk_coverage": risk_coverage_table(
                {words: (of.confidence, of.wrong) for words, of in ((_CLEAN, clean), (_NOISY, noisy))}, level
            ),
        },
        says=(
            f"Of answers about rows with one column {_widths(distance)} out of range, {common.share_with_ends(rate)} are as confident "
            f"as {least:.4g} or more; of those about unchanged rows, {common.percent(base)}."
        ),
        does_not_say="How sure the model is of rows that are odd in another way, with every value in its range.",
        notes=(*_notes(space, pushed, at, sure[distance][1]), *_weights.ignored(subject.test)),
        rows=common.rows_used(len(chosen), len(subject.test)),
    )


def _pushable(space: FeatureSpace, X: np.ndarray) -> np.ndarray:
    """Return columns of numbers of more than two values: beyond yes and no there is nothing."""
    many = np.array([len(np.unique(column[~np.isnan(column)])) > 2 for column in X.T], dtype=bool)
    return np.flatnonzero(~space.categorical & many & (space.high > space.low))


def _answers(subject: Subject, codec: Codec, X: np.ndarray, y: np.ndarray) -> _Answers:
    proba = subject.model.predict_proba(decoded(codec, X))
    return _Answers(proba.max(axis=1), proba.argmax(axis=1) != y, proba.shape[1])


def _sure_by_distance(
    subject: Subject,
    codec: Codec,
    space: FeatureSpace,
    X: np.ndarray,
    at: np.ndarray,
    grid: Sequence[float],
    least: float,
) -> dict[float, tuple[np.ndarray, list[int]]]:
    """Return at each distance which answers are confident, shape (columns, rows), and the columns that were refused.

    Columns are asked about together, and one by one where the model refuses that. A refusal is no confident answer.
    """
    found: dict[float, tuple[np.ndarray, list[int]]] = {}
    for step, far in enumerate(grid):
        moved = [_beyond(space, X, int(j), far) for j in at]
        try:
            together = subject.model.predict_proba(decoded(codec, np.concatenate(moved))).max(axis=1) >= least
            found[far] = together.reshape(len(at), len(X)), []
        except ModelError:
            found[far] = _one_by_one(subject, codec, moved, at, least)
        progress.step((step + 1) / len(grid), f"{_widths(far)} out of range")
    return found


def _beyond(space: FeatureSpace, X: np.ndarray, j: int, far: float) -> np.ndarray:
    """Return the rows with column j out of its range, every other row below it, the others above."""
    below, width = np.arange(len(X)) % 2 == 1, far * (space.high[j] - space.low[j])
    value = np.where(below, space.low[j] - width, space.high[j] + width)
    if space.kind[j] == "integer":  # away from the range, not back to its edge
        value = np.where(below, np.floor(value), np.ceil(value))
    moved = X.copy()
    moved[:, j] = value
    return moved


def _one_by_one(
    subject: Subject, codec: Codec, moved: Sequence[np.ndarray], at: np.ndarray, least: float
) -> tuple[np.ndarray, list[int]]:
    sure, refused = np.zeros((len(at), len(moved[0])), dtype=bool), []
    for i, rows in enumerate(moved):
        try:
            sure[i] = subject.model.predict_proba(decoded(codec, rows)).max(axis=1) >= least
        except ModelError:
            refused.append(int(at[i]))
    return sure, refused


def _mean_share(shares: np.ndarray, level: float) -> tuple[float, float, float]:
    """Return the mean of each row's share with Student's interval, a row added at either end."""
    value = float(shares.mean())
    low, high = statistics.mean_interval_of(np.append(shares, [0.0, 1.0]), level)
    return value, max(0.0, min(float(low), value)), min(1.0, max(float(high), value))


def _widths(distance: float) -> str:
    return "1 width" if distance == 1 else f"{distance:g} widths"


def _rate(sure: np.ndarray, base: float, distance: float, least: float, level: float) -> Measurement:
    value, low, high = _mean_share(sure.mean(axis=0), level)
    said = (
        f"at confidence {least:.4g} or more, {_widths(distance)} beyond; a model that cannot tell gives {common.percent(base)}, "
        "as on unchanged rows"
    )
    return common.measured(
        METRICS[0], value, sure.shape[1], (low, high), level, "t, two rows added", reason=said
    )


def _calibration(clean: _Answers, noisy: _Answers, strength: float, level: float) -> list[Measurement]:
    n, said = len(clean.wrong), f"at noise of {strength:g} spreads"
    before, after = (statistics.reliability(a.confidence, ~a.wrong, level=level) for a in (clean, noisy))
    change = statistics.calibration_change(before, after, level)
    words = f"{said}; from {common.number(change.before.value)} to {common.number(change.after.value)}"
    grown = common.measured(
        METRICS[1], change.value, n, (change.low, change.high), level, _FOLDED, reason=words
    )
    # confidence less rightness: what the answers claim beyond what they hold
    off = (noisy.confidence - ~noisy.wrong) - (clean.confidence - ~clean.wrong)
    value, most = float(off.mean()), 2 - 1 / clean.classes
    # no row moves further; where none moved at all, the rows drawn do not show that none ever does
    low, high = statistics.mean_interval_of(np.append(off, [-most, most]), level)
    ends = min(float(low), value), max(float(high), value)
    return [grown, common.measured(METRICS[2], value, n, ends, level, "t, two rows added", reason=said)]


def _abstaining(clean: _Answers, noisy: _Answers, strength: float, level: float) -> list[Measurement]:
    found = []
    for words, of in ((_CLEAN, clean), (_NOISY, noisy)):
        at = "" if of is clean else f" at noise of {strength:g} spreads"
        area = statistics.aurc(of.confidence, of.wrong, level)
        error = common.number(float(of.wrong.mean()))
        found.append(
            common.measured(
                METRICS[3], area.value, area.kept, (area.low, area.high), level, "fay-feuer", group=words,
                reason=f"a confidence that cannot tell gives the error rate, {error}{at}",
            )
        )  # fmt: skip
        kept = statistics.accuracy_at_coverage(of.confidence, of.wrong, _COVERAGE, level)
        right = common.percent(1 - float(of.wrong.mean()))
        found.append(
            common.measured(
                METRICS[4], kept.value, kept.kept, (kept.low, kept.high), level, "wilson", group=words,
                reason=f"a confidence that cannot tell gives the accuracy, {right}{at}",
            )
        )  # fmt: skip
    return found


def _by_distance(
    sure: dict[float, tuple[np.ndarray, list[int]]], base: float, least: float, level: float
) -> Table:
    points = [(far, *_mean_share(found.mean(axis=0), level)) for far, (found, _) in sorted(sure.items())]
    x, value, low, high = (tuple(part) for part in zip(*points, strict=True))
    columns = {
        "x": x,
        "value": value,
        "low": low,
        "high": high,
        "n": (next(iter(sure.values()))[0].shape[1],) * len(x),
    }
    labels = {"x": "Beyond the range, in its widths", "value": f"Confident answers ({least:.4g} or more)", "n": "records",
              "reference": "unchanged rows"}  # fmt: skip
    summary = (
        f"Share of confident answers about rows with one column out of range: {common.percent(value[0])} at {_widths(x[0])}, "
        f"{common.percent(value[-1])} at {x[-1]:g}; {common.percent(base)} on unchanged rows."
    )
    return Table("Confident answers out of range", columns, "curve", labels, summary, reference=base)


def _by_column(sure: np.ndarray, names: list[str], base: float, distance: float, level: float) -> Table:
    n, hits = sure.shape[1], sure.sum(axis=1)
    order = np.argsort(-hits, kind="stable")
    low, high = statistics.wilson(hits[order], n, level)
    columns = {
        "label": tuple(names[i] for i in order),
        "value": tuple(hits[order] / n),
        "low": tuple(low),
        "high": tuple(high),
        "n": (n,) * len(names),
    }
    labels = {
        "label": "Column out of range",
        "value": "Confident answers",
        "n": "records",
        "reference": "unchanged rows",
    }
    summary = f"Confident answers by the column that is {_widths(distance)} out of range; each interval holds by itself."
    return Table(
        "Which column out of range goes unnoticed", columns, "estimates", labels, summary, reference=base
    )


def _notes(space: FeatureSpace, pushed: np.ndarray, at: np.ndarray, refused: list[int]) -> tuple[str, ...]:
    notes = []
    left = [name for j, name in enumerate(space.names) if j not in set(pushed.tolist())]
    if left:
        more = f" and {len(left) - 8:,} more" if len(left) > 8 else ""
        notes.append(f"Not numbers of more than two values, so not pushed: {', '.join(left[:8])}{more}.")
    if len(at) < len(pushed):
        notes.append(f"{len(pushed) - len(at):,} columns were not pushed: pass a greater columns=.")
    if refused:
        names = ", ".join(space.names[j] for j in refused[:8])
        notes.append(f"Refused by the model, and so not confident: rows with {names} out of range.")
    return tuple(notes)
