"""Impact: what the checks of selections share, which group is compared with, and which scores there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.statistics.gaps import range_critical

if TYPE_CHECKING:
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


def most_selected(rates: np.ndarray, sizes: np.ndarray, least_share: float) -> int:
    """Return the place of the group with the highest rate among those with at least this share of all records.

    Of all groups, where none has as many.
    """
    large = sizes >= least_share * sizes.sum()
    return int(np.where(large if large.any() else True, rates, -1.0).argmax())


def interval_method(groups: int) -> str:
    """Return the name of the interval of a ratio to a picked reference."""
    return "mover-r wilson" if groups == 2 else f"mover-r jeffreys, studentised range over {groups} groups"


def pair_level(level: float, groups: int) -> float:
    """Return the level each pair of groups is held to, so that all pairs together are held to `level`."""
    from scipy import special

    return float(2 * special.ndtr(range_critical(level, groups)) - 1)
