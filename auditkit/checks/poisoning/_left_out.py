"""Left out: how accuracy changes when the training rows of a group are not there, beside as many rows drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.errors import Cancelled, NotApplicable, in_words
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.dataset import Dataset
    from auditkit.subject import Subject

__all__ = ["METRIC", "left_out"]

METRIC = "left_out_accuracy_change"

_MOST_GROUPS = 8
_FEWEST = 20  # rows left out, and rows left


def left_out(
    subject: Subject, train: Dataset, level: float, rng: np.random.Generator
) -> tuple[list[Measurement], dict[str, Table], str]:
    """Train the model again without each group of each sensitive feature, and compare what it says of the test rows.

    Returns
    -------
    tuple of (list of Measurement, dict of str to Table, str)
        The change of the accuracy on the same test rows (positive: better without the group), the same beside as many rows drawn at random, and
        why nothing was done, if so.
    """
    if not train.sensitive_names:
        return [], {}, "No group was left out: there are no sensitive features."
    if not subject.model.can_refit:
        return [], {}, f"No group was left out: this model ({subject.model.kind}) cannot be trained again."
    seed = int(rng.integers(2**31 - 1))
    parts = _parts(train)
    whole = _right(subject, train, np.arange(len(train)), seed)
    found: list[Measurement] = []
    by_lot: list[Measurement] = []
    for label, out in parts:
        if min(out.sum(), (~out).sum()) < _FEWEST or len(np.unique(train.y[~out])) < len(np.unique(train.y)):
            reason = (
                f"{int(out.sum())} of {len(out)} training rows: too few rows, or classes, are left to compare"
            )
            found.append(Measurement(METRIC, float("nan"), len(subject.test), group=label, reason=reason))
            continue
        drawn = rng.permutation(len(train))[: int((~out).sum())]
        for rows, into in ((np.flatnonzero(~out), found), (np.sort(drawn), by_lot)):
            into.append(_change(label, whole, subject, train, rows, seed, level))
    shown = [m for m in found if m.interval]
    if not shown:
        return found, {}, ""
    columns = common.estimates([*shown, *by_lot])
    columns["series"] = ("the group left out",) * len(shown) + ("as many rows at random",) * len(by_lot)
    words = {"label": "Training rows left out", "value": "Change of accuracy", "n": "test rows"}
    summary = "Accuracy on the test rows when a group is left out of training, less that with all rows; beside it, as many rows at random."
    return (
        found,
        {"left_out": Table("What a group adds", columns, "estimates", words, summary, reference=0.0)},
        "",
    )


def _parts(train: Dataset) -> list[tuple[str, np.ndarray]]:
    found = []
    for name in train.sensitive_names:
        (groups,) = common.groupings(train, [name], intersections=False)
        if len(groups.labels) > 1:
            found += [(label, groups.codes == i) for i, label in enumerate(groups.labels)]
    found.sort(key=lambda one: -int(one[1].sum()))
    return found[:_MOST_GROUPS]


def _right(subject: Subject, train: Dataset, rows: np.ndarray, seed: int) -> np.ndarray:
    """Return which test rows a model trained on some of the rows has right."""
    part = train.take(rows)
    again = subject.model.refit(part.X, part.y, seed)
    return np.asarray(again.predict(subject.test.X) == subject.test.y)


def _change(
    label: str, whole: np.ndarray, subject: Subject, train: Dataset, rows: np.ndarray, seed: int, level: float
) -> Measurement:
    n = len(whole)
    try:
        right = _right(subject, train, rows, seed)
    except (Cancelled, NotApplicable):
        raise
    except Exception as error:  # noqa: BLE001 - a training may fail in any way; the report says it
        reason = f"the model could not be trained without these rows: {in_words(error)[:200]}"
        return Measurement(METRIC, float("nan"), n, group=label, reason=reason)
    won, lost = int((right & ~whole).sum()), int((whole & ~right).sum())
    ends = statistics.paired_difference(won, lost, n, level)
    reason = f"{len(train) - len(rows):,} of {len(train):,} training rows left out"
    return common.measured(
        METRIC, (won - lost) / n, n, ends, level, "bonett-price", group=label, reason=reason
    )
