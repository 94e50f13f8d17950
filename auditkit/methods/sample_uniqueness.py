"""Sample uniqueness: what records unique in a sample say about the population it was drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy import special

from auditkit.errors import InputError
from auditkit.methods.equivalence import class_numbers, class_sizes
from auditkit.statistics._arguments import as_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MatchRate", "correct_match_rate"]


@dataclass(frozen=True, slots=True)
class MatchRate:
    """How often a unique match of a sample record with a person would be the right person.

    Attributes
    ----------
    value, low, high : float
        The rate and its interval; ``nan``, 0 and 1 where no record of the sample is unique.
    unique, pairs, triples : int
        Sample records alone in their class, classes of two, and of three.
    """

    value: float
    low: float
    high: float
    unique: int
    pairs: int
    triples: int


def correct_match_rate(classes: ArrayLike, sampling_fraction: float, *, level: float = 0.95) -> MatchRate:
    """Return how often somebody who finds a person's match unique in the sample has found that person.

    Data intrusion simulation: with n1 sample records alone in their class, n2 classes of two and sampling fraction f,
    ``f n1 / (f n1 + 2 (1 - f) n2)`` estimates the sample uniques over all persons of the population in their
    classes. It needs no model of the population, only that each person was sampled independently with
    probability f, and that quasi-identifiers were recorded alike in the sample and by the intruder.

    The interval is about this sample's rate, n1 / (n1 + D) with D the persons outside the sample who share a class with a sample
    unique. With b = (1 - f) / f, D is estimated by 2 b n2, and the expected square of its error is
    that of 4 b² n2 + 2 b n2 + 6 b² n3, since a class of F persons is seen once, twice and three times with
    probabilities in the ratio 1 : (F - 1) / 2 b : (F - 1)(F - 2) / 6 b². Garwood's limits of a Poisson count
    are stretched to that error. Simulated at 400 to 40,000 persons and f from 0.02 to 0.7 it covered in 94% to 99% of
    samples, where 95% was promised.

    Parameters
    ----------
    classes : array_like of int, shape (n,)
        Equivalence classes of the sample: see `equivalence.equivalence_classes`.
    sampling_fraction : float
        Above 0, at most 1: the sample's share of the population. At 1 every unique match is correct.
    level : float
        Two-sided confidence level.

    Raises
    ------
    InputError
        If `sampling_fraction` is out of range.

    References
    ----------
    Skinner & Elliot 2002, "A measure of disclosure risk for microdata", JRSS B 64.

    Examples
    --------
    >>> round(correct_match_rate([0, 1, 2, 3, 4, 4], 0.1).value, 3)
    0.182
    """
    if not 0.0 < sampling_fraction <= 1.0:
        raise InputError(f"sampling_fraction must be above 0 and at most 1, got {sampling_fraction!r}")
    sizes = class_sizes(class_numbers(classes))
    unique, pairs, triples = (int((sizes == size).sum()) for size in (1, 2, 3))
    if not unique:
        return MatchRate(float("nan"), 0.0, 1.0, unique, pairs, triples)
    if sampling_fraction == 1.0:
        return MatchRate(1.0, 1.0, 1.0, unique, pairs, triples)
    odds = (1 - sampling_fraction) / sampling_fraction
    # the error of 2 b n2 is as large as if every pair stood for this many
    stretch = 1 + 1 / (2 * odds) + 1.5 * triples / max(pairs, 1)
    count, tail = pairs / stretch, (1 - as_level(level)) / 2
    fewest = float(special.gammaincinv(count, tail)) if pairs else 0.0
    most = float(special.gammaincinv(count + 1, 1 - tail))
    low, value, high = (unique / (unique + 2 * odds * stretch * twins) for twins in (most, count, fewest))
    return MatchRate(value, low, high, unique, pairs, triples)
