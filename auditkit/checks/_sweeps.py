"""Sweep: a table spoilt by accident, more and more, and what the model loses by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit import progress, statistics
from auditkit.checks import _common as common
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Table
from auditkit.frames import Codec
from auditkit.methods import corruption
from auditkit.predictors import ModelError
from auditkit.threat.draft import inferred

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.methods.feature_space import FeatureSpace
    from auditkit.subject import Subject

__all__ = ["decoded", "rerouted", "rightness", "space_of", "sweep"]


_INT64 = 2.0**63


def space_of(subject: Subject) -> tuple[Codec, FeatureSpace]:
    """Return what the training rows, if there are any, else the test rows, show of each input by itself."""
    source = subject.train if subject.train is not None else subject.test
    codec = Codec.of(source.X, subject.test.X)
    return codec, inferred(codec, codec.encode(source.X))


def decoded(codec: Codec, X: np.ndarray) -> pd.DataFrame:
    """Return rows as the model takes them; whole numbers that do not fit the type of their column get a wider one.

    A pixel of 255 times 12 is 3060, and not what is left of it in eight bits.
    """
    dtypes = list(codec.dtypes)
    for j, dtype in enumerate(dtypes):
        kind = getattr(dtype, "kind", "")
        if codec.kinds[j] == "categorical" or kind not in ("i", "u"):
            continue
        own = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
        column = X[:, j][np.isfinite(X[:, j])]
        if len(column) and (np.rint(column.min()) < own.min or np.rint(column.max()) > own.max):
            wide = np.float64 if np.abs(column).max() >= _INT64 else np.int64
            dtypes[j] = np.dtype(wide) if isinstance(dtype, np.dtype) else wide.__name__.capitalize()
    return replace(codec, dtypes=tuple(dtypes)).decode(X)


def sweep(
    subject: Subject,
    kind: Literal["noise", "missing"],
    code: str,
    grid: tuple[float, ...],
    judged: float,
    most: int,
    level: float,
    rng: np.random.Generator,
) -> Evidence:
    common.needs_model(subject)
    codec, space = space_of(subject)
    touched = corruption.applicable(kind, space)
    if not touched.any():
        raise NotApplicable(
            "no column holds numbers that noise could change"
            if kind == "noise"
            else "no column holds a value"
        )
    amount = (
        f"noise of {judged:g} spreads"
        if kind == "noise"
        else f"{common.percent(judged)} of the values missing"
    )
    chosen = common.draw(len(subject.test), most, rng)
    rows, y = subject.test.X.iloc[chosen], subject.test.y[chosen]
    X = codec.encode(rows)
    given = subject.model.predict(rows)
    start = subject.model.predict(
        codec.decode(X)
    )  # as the changed rows will be asked, so that only the change counts
    before = rightness(subject, start, y)
    points: list[tuple[float, tuple[float, tuple[float, float]]]] = []
    reached: np.ndarray = np.zeros(len(space.names), dtype=bool)
    for i, (strength, changed) in enumerate(corruption.sweep(kind, X, space, rng, grid)):
        after = rightness(subject, _asked(subject, codec.decode(changed), kind), y)
        points.append((strength, _drop(before, after, level, regression=subject.task == "regression")))
        if strength == judged:
            reached = np.asarray(space.changed(X, changed).any(axis=0))
            _must_reach(space, touched, reached, amount)
        progress.step((i + 1) / len(grid), f"{kind} {strength:g}")
    value, ends = dict(points)[judged]
    metric = f"{'error_increase' if subject.task == 'regression' else 'accuracy_drop'}_{kind}"
    method = "t" if subject.task == "regression" else "bonett-price"
    untested = _untested(space, reached)
    word = "Growth of the error" if subject.task == "regression" else "Loss of accuracy"
    one = common.measured(metric, value, len(y), ends, level, method, reason=f"at {amount}{untested}")
    return Evidence(
        code,
        (one,),
        {"sweep": _curve(word, kind, points, len(y), judged)},
        says=f"With {amount}, {word.lower()} is {common.with_ends(one)} on {len(y):,} rows.",
        does_not_say="How the model does under changes that follow a pattern, such as a new region or a broken sensor.",
        notes=(
            *_reach(space, touched, reached, amount),
            *rerouted(subject, start, given),
        ),
        rows=common.rows_used(len(chosen), len(subject.test)),
    )


def _must_reach(space: FeatureSpace, touched: np.ndarray, reached: np.ndarray, amount: str) -> None:
    """Raise `NotApplicable` where nothing was changed at the strength that is judged: a loss of 0 would say nothing."""
    if not reached.any():
        names = _listed(np.array(space.names, dtype=object)[touched])
        raise NotApplicable(
            f"no value changed at {amount} in {names}: nothing was tested; pass a greater strength="
        )


def _untested(space: FeatureSpace, reached: np.ndarray) -> str:
    """Name the columns in which no value changed, beside the number they could be taken to be part of."""
    still = np.array(space.names, dtype=object)[~reached]
    return f"; not tested: {_listed(still)}" if len(still) else ""


def _listed(names: np.ndarray, most: int = 8) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _reach(space: FeatureSpace, touched: np.ndarray, reached: np.ndarray, amount: str) -> tuple[str, ...]:
    """Say which columns changed; one whose steps are coarser than the noise was not put to the test."""
    names = np.array(space.names, dtype=object)
    said = f"Changed: {', '.join(names[reached])}." if reached.any() else f"No value changed at {amount}."
    still = ", ".join(names[touched & ~reached])
    return (said, f"No value changed at {amount} in {still}: it was not tested there.") if still else (said,)


def rerouted(subject: Subject, here: np.ndarray, given: np.ndarray) -> tuple[str, ...]:
    """Say where the model answers an unchanged row differently once the table was taken apart and put together."""
    other = int((~np.isclose(here, given)).sum() if subject.task == "regression" else (here != given).sum())
    if not other:
        return ()
    return (
        (
            f"Asked twice about the same rows, the model answered {other:,} of {len(given):,} differently; changes are "
            "compared with the second answer."
        ),
    )


def _asked(subject: Subject, X: Any, kind: str) -> np.ndarray:
    try:
        answer: np.ndarray = subject.model.predict(X)
    except ModelError as error:
        if kind == "missing":
            raise NotApplicable(
                f"the model does not take missing values ({str(error).splitlines()[0]})"
            ) from None
        raise
    return answer


def rightness(subject: Subject, labels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return 1 where right (classification), or minus the error in spreads of the target (regression)."""
    if subject.task == "regression":
        return np.asarray(-np.abs(labels.astype(float) - y) / (float(np.std(subject.test.y)) or 1.0))
    return np.asarray(labels == y, dtype=float)


def _drop(
    before: np.ndarray, after: np.ndarray, level: float, *, regression: bool
) -> tuple[float, tuple[float, float]]:
    lost = before - after
    if regression:
        ends = statistics.mean_interval_of(lost, level)
    else:
        ends = statistics.paired_difference((lost > 0).sum(), (lost < 0).sum(), len(lost), level)
    return float(lost.mean()), (float(ends[0]), float(ends[1]))


def _curve(
    word: str, kind: str, points: list[tuple[float, tuple[float, tuple[float, float]]]], n: int, judged: float
) -> Table:
    columns = {
        "x": tuple(s for s, _ in points),
        "value": tuple(v for _, (v, _) in points),
        "low": tuple(e[0] for _, (_, e) in points),
        "high": tuple(e[1] for _, (_, e) in points),
        "n": (n,) * len(points),
    }
    axis = "Noise, in spreads of each column" if kind == "noise" else "Share of values missing"
    worst = points[-1]
    summary = (
        f"{word} is {common.number(worst[1][0])} at {worst[0]:g}, the strongest tried; judged at {judged:g}."
    )
    return Table(f"{word} under {'noise' if kind == 'noise' else 'missing values'}", columns, "curve",
                 {"x": axis, "value": word, "n": "records"}, summary, reference=0.0)  # fmt: skip
