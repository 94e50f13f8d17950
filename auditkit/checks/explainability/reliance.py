"""Reliance: how far the output moves when only a sensitive feature is changed."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._shown import ranking
from auditkit.disguises import settling
from auditkit.errors import NO_SENSITIVE, NotApplicable
from auditkit.evidence import Evidence, Measurement
from auditkit.frames import Codec
from auditkit.methods import attributions
from auditkit.subject import Subject

_VALUES = 10
_SETTLED = "no input has this name, but the input"
_NO_INPUT = "the model does not see it directly; proxies: AK109"


@check(
    code="AK403",
    title="Direct reliance on sensitive features",
    question="Does the output change when only the sensitive feature is changed?",
    dimension="explainability",
    metrics=["sensitive_reliance"],
)
def sensitive_reliance(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Rows flipped at most; drawn at random where there are more.")] = 2000,
    level: common.Level = 0.95,
) -> Evidence:
    """Set each sensitive feature that is an input to its other values, and measure how far the output moves.

    Parameters
    ----------
    subject : Subject
        With a model to ask, and sensitive features.
    rng : numpy.random.Generator
        Rows drawn.
    rows : int
        Test rows at most.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``sensitive_reliance`` of each sensitive feature: mean absolute change of the positive score (binary), total
        variation of the class probabilities (multiclass), or change in spreads of the target (regression); ``nan``
        for one that is no input.
    """
    common.needs_model(subject)
    data = subject.test
    columns = [str(c) for c in data.X.columns]
    inputs = [name for name in data.sensitive_names if name in columns]
    if not data.sensitive_names:
        raise NotApplicable(NO_SENSITIVE)
    chosen = common.draw(len(data), rows, rng)
    codec = Codec.of(data.X)
    X = codec.encode(data.X.iloc[chosen])
    unit = (float(np.std(data.y)) or 1.0) if subject.task == "regression" else 1.0

    def ask(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(subject.asks(codec.decode(matrix)) / unit)

    whole = codec.encode(data.X)
    found = []
    for i, name in enumerate(data.sensitive_names):
        if name not in inputs:
            found.append(_outside(subject, name, whole, len(X), (i, len(data.sensitive_names))))
            continue
        j = columns.index(name)
        values = _others(whole[:, j], codec.kinds[j])
        if len(values) < 2:
            found.append(_unknown(name, len(X), "it has one value only"))
            continue
        moved = attributions.flip(ask, X, j, values)
        moved = moved.sum(axis=1) / 2 if moved.ndim == 2 else moved
        found.append(_moved(subject, name, moved, level))
    known = [m for m in found if m.interval is not None]
    says = "; ".join(
        f"changing only {m.group} moves the output by {common.with_ends(m)} on average" for m in known
    )
    outside = [name for name in data.sensitive_names if name not in inputs]
    says = "; ".join(filter(None, (says, *(_settled(m) for m in found if m.interval is None))))
    return Evidence(
        "AK403",
        tuple(found),
        {"reliance": ranking(found, "Mean change of the output", "How far the output moves")},
        says=(says[:1].upper() + says[1:] or "No sensitive feature is an input of the model by its name")
        + ".",
        does_not_say="Whether other inputs stand in for the sensitive feature: a model may use proxies.",
        notes=(
            *((f"Not an input of the model by name: {', '.join(outside)}.",) if outside else ()),
            *_weights.ignored(data),
        ),
        rows=common.rows_used(len(chosen), len(data)),
    )


def _moved(subject: Subject, name: str, moved: np.ndarray, level: float) -> Measurement:
    n, method = len(moved), "t"
    ends = statistics.mean_interval_of(moved, level)
    if subject.task != "regression" and not subject.model.has_proba and np.isin(moved, (0, 1)).all():
        method, ends = "wilson", statistics.wilson(moved.sum(), n, level)
    return common.measured("sensitive_reliance", moved.mean(), n, ends, level, method, group=name)


def _outside(subject: Subject, name: str, codes: np.ndarray, n: int, place: tuple[int, int]) -> Measurement:
    """Say of a feature that is no input by name whether an input gives it away altogether.

    There was nothing to change, so that nothing was measured.
    """
    source = next(settling(subject.test, name, codes, place), None)
    if source is None:
        return _unknown(name, 0, _NO_INPUT)
    reason = f"{_SETTLED} {source!r} settles it: name that one as the sensitive feature"
    return _unknown(name, n, reason)


def _settled(m: Measurement) -> str:
    """Return which input settles a feature that is none by name; empty where none does."""
    if not m.reason or not m.reason.startswith(_SETTLED):
        return ""
    source = m.reason.removeprefix(f"{_SETTLED} ").partition(" settles it")[0]
    return f"by name {m.group} is no input of the model, but the input {source} settles it: name that one as a sensitive feature to see how far the output moves with it"


def _unknown(name: str, n: int, reason: str) -> Measurement:
    return Measurement("sensitive_reliance", float("nan"), n, group=name, reason=reason)


def _others(column: np.ndarray, kind: str) -> list[float]:
    values = np.unique(column[np.isfinite(column)])
    if kind != "categorical" and len(values) > _VALUES:
        values = np.unique(np.quantile(values, np.linspace(0.05, 0.95, _VALUES), method="nearest"))
    return [float(v) for v in values]
