"""Impact: what the checks of selections share, which group is compared with, and which scores there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.statistics.gaps import range_critical

if TYPE_CHECKING:
    from auditkit.checks import _common as common
    from auditkit.dataset import Dataset
    from auditkit.subject import Subject

FOUR_FIFTHS = 0.8


def scores_of(subject: Subject) -> np.ndarray | None:
    """Return one number a record, higher for who is rather selected: a probability, or a regression's answer.

    None where the subject gives only labels, or several classes.
    """
    answers = subject.answers()
    if subject.task == "regression":
        return answers.labels.astype(float)
    return subject.scores() if subject.task == "binary" and answers.proba is not None else None


def counts_of(grouping: common.Grouping, selected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the selected and the records of each group, each of shape (groups,)."""
    k = len(grouping.labels)
    cells = np.bincount(2 * grouping.codes + selected, minlength=2 * k).reshape(k, 2)
    return cells[:, 1], cells.sum(axis=1)


def most_selected(hits: np.ndarray, sizes: np.ndarray, least_share: float) -> int:
    """Return the place of the group with the highest rate among those with at least this share of all records.

    Of all groups, where none has as many.
    """
    large = sizes >= least_share * sizes.sum()
    return int(np.where(large if large.any() else True, hits / sizes, -1.0).argmax())


def interval_method(groups: int) -> str:
    """Return the name of the interval of a ratio to a picked reference."""
    return "mover-r wilson" if groups == 2 else f"mover-r jeffreys, studentised range over {groups} groups"


def pair_level(level: float, groups: int) -> float:
    """Return the level each pair of groups is held to, so that all pairs together are held to `level`."""
    from scipy import special

    return float(2 * special.ndtr(range_critical(level, groups)) - 1)


def unweighted(data: Dataset) -> tuple[str, ...]:
    """Return the note that records are counted and weights are not used; empty where there are none."""
    return () if data.sample_weight is None else ("Records are counted; sample_weight is not used here.",)
