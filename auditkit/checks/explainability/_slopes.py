"""Slopes: a model that gives gradients by many numbers is explained along straight paths, not by asking."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import progress
from auditkit.checks.explainability._explanation import Explanation, unit_of
from auditkit.errors import AuditkitError, Cancelled
from auditkit.frames import Codec
from auditkit.methods.attributions import expected_gradients

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["MANY", "by_slopes"]

MANY = 30
"""Inputs from which on slopes are taken: asking costs with every input, slopes do not."""

BATCH_ROWS = 65_536
_POINTS = (64, 32, 16, 8, 4)  # on each path, at most
_ADDS_UP = 0.005  # of the output's spread: points on a path are cheap, and the parts have to add up
_ALIKE = 1e-4  # how far the output from the slopes' side may lie from the model's own


def by_slopes(
    subject: Subject,
    X: pd.DataFrame,
    background: pd.DataFrame,
    rng: np.random.Generator,
    target_error: float,
    max_calls: int | None,
    why: str,
) -> tuple[Explanation | None, str]:
    """Return the explanation by expected gradients; else None, and `why` as it was or with what stood against it.

    Points on the paths are lessened until the calls they may take fit into `max_calls`.
    """
    codec = Codec.of(X, background)
    rows, others = codec.encode(X), codec.encode(background)
    if X.shape[1] < MANY or "categorical" in codec.kinds or subject.predictions_only:
        return None, why
    if not (np.isfinite(rows).all() and np.isfinite(others).all()):
        return None, f"{why}; gradients need rows without missing values"
    outputs = len(subject.classes) if subject.task == "multiclass" and subject.classes is not None else 1
    points, planned = _planned(len(rows), len(others), outputs, max_calls)
    if not points:
        return None, f"{why}; slopes would take more than max_calls={max_calls}"
    progress.step(0.0, planned)
    try:
        slopes, output = _slopes(subject, X.iloc[:1])
        said = output(rows)
        if not np.allclose(said, subject.asks(X), atol=_ALIKE, rtol=_ALIKE):
            return None, f"{why}; its gradients are those of another output"
        spread = float(np.atleast_1d(said.std(axis=0)).max())
        found = expected_gradients(
            output, slopes, rows, others, rng, rounds=points, batch_rows=BATCH_ROWS,
            target_error=min(target_error, _ADDS_UP) * spread if spread else None,
        )  # fmt: skip
    except Cancelled:
        raise
    except (AuditkitError, NotImplementedError) as reason:
        return None, f"{why}; no gradients ({type(reason).__name__})"
    told = (
        f"{why}; it gives slopes by all of its {X.shape[1]} numbers. These are Aumann-Shapley values: all inputs move together, so "
        "that they differ from Shapley values where inputs interact; they pass through values between those of the data; "
        f"their sum misses the output by {float(found.completeness.max()):.2g} at most (completeness)"
    )
    cost = (
        f"Estimated before: {planned}. Taken: up to {found.rounds} points on each way from {len(others)} background rows to a row, "
        f"{found.rows:,} rows in {found.calls:,} calls for slopes"
        + (f", each for {outputs} outputs" if outputs > 1 else "")
    )
    return Explanation(
        found.values, found.base, said, "expected gradients (Aumann-Shapley, interventional)", told, unit_of(subject),
        float(found.standard_error.mean()), found.standard_error, cost,
    ), ""  # fmt: skip


def _planned(n: int, m: int, outputs: int, max_calls: int | None) -> tuple[int, str]:
    """Return how many points a path may have within the calls allowed, 0 where none fit, and the cost in words.

    Tried are 4 points, then 8, and so on: up to ``2 p - 4`` in all; and the ends are asked about.
    """
    each = outputs * ceil(n / max(1, BATCH_ROWS // m))
    for points in _POINTS:
        calls = (2 * points - 4) * each + 4 * outputs + 2
        if max_calls is None or calls <= max_calls:
            rows = (2 * points - 4) * n * m * outputs
            return points, f"at most about {calls:,} calls to the model, {rows:,} rows"
    return 0, ""


def _slopes(
    subject: Subject, first: pd.DataFrame
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """Return the gradient of the output, and the output, of rows of numbers."""
    names = list(first.columns)
    if subject.task == "regression":
        import pandas as pd

        def of_value(Z: np.ndarray) -> np.ndarray:
            frame = pd.DataFrame(Z, columns=names)
            # of the squared distance from a target half a unit below: the slope of the value itself
            return np.asarray(subject.model.loss_gradient(frame, subject.model.predict(frame) - 0.5))

        return of_value, lambda Z: subject.model.predict(pd.DataFrame(Z, columns=names))
    around = subject.model.differentiable(first, names)
    classes = list(range(around.classes))
    if subject.task == "binary" and subject.classes is not None:
        classes = [int(np.flatnonzero(subject.classes == subject.positive)[0])]

    def one(scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        proba = raised / raised.sum(axis=1, keepdims=True)
        own = proba[np.arange(len(y)), y]
        return own, own[:, np.newaxis] * (np.eye(scores.shape[1])[y] - proba)

    def pulled(Z: np.ndarray) -> list[tuple[np.ndarray, Any]]:
        x, at = around.engine.array(Z), np.zeros(len(Z), dtype=np.intp)
        with around.running():
            every = [around.pull(x, at, one, np.full(len(Z), c, dtype=np.int64)) for c in classes]
        return [(value, around.engine.numpy(slope)) for _, value, slope in every]

    def gradient(Z: np.ndarray) -> np.ndarray:
        found = np.stack([slope for _, slope in pulled(Z)], axis=2)
        return found[:, :, 0] if subject.task == "binary" else found

    def output(Z: np.ndarray) -> np.ndarray:
        found = np.stack([value for value, _ in pulled(Z)], axis=1)
        return found[:, 0] if subject.task == "binary" else found

    return gradient, output
