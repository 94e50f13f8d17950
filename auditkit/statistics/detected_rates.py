"""Detected rates: a share of tries found by a detector that errs, where several tries are made of each case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import as_counts, as_level, normal_quantile
from auditkit.statistics.intervals import wilson_at

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DetectedRate", "clustered_rate", "corrected_rate"]


@dataclass(frozen=True, slots=True)
class DetectedRate:
    """A share with its interval.

    Attributes
    ----------
    value : float
        The estimate; ``nan`` where it is undefined, and then `note` says why.
    low, high : float
        The interval; [0, 1] where the value is undefined.
    level : float
        Confidence level.
    n_effective : float
        How many independent tries the interval rests on.
    method : str
        How the interval was made.
    note : str
        Empty, or why the value is undefined.
    """

    value: float
    low: float
    high: float
    level: float
    n_effective: float
    method: str
    note: str = ""


def clustered_rate(hits: npt.ArrayLike, tries: npt.ArrayLike, level: float = 0.95) -> DetectedRate:
    """Return the share of tries that hit, where the tries of one case are not independent.

    The variance is that of a ratio over cases (Rao and Scott 1992, *Biometrics* 48:577): what it exceeds that of independent tries by is the
    design effect, by which the tries are divided. Wilson's interval is taken at that size, made smaller for few cases as Korn and Graubard
    (1998, *Survey Methodology* 24:193) do. Where no try or every try hits, the design effect is unknown and each case counts once.

    Parameters
    ----------
    hits, tries : array_like, shape (k,)
        Of each case, how many tries hit, and how many were made. Cases without a try are left out.
    level : float
        Two-sided confidence level.

    Returns
    -------
    DetectedRate
        ``value`` is the sum of hits over the sum of tries. With fewer than two cases the interval is [0, 1].

    Raises
    ------
    InputError
        Unless ``0 <= hits <= tries``.

    Examples
    --------
    >>> round(clustered_rate([1] * 5 + [0] * 15, [1] * 20).value, 2)
    0.25
    >>> clustered_rate([3] * 5 + [0] * 15, [3] * 20).n_effective < 20  # three equal answers say no more than one
    True
    """
    x, m = as_counts(hits, tries)
    x, m = x[m > 0].ravel(), m[m > 0].ravel()
    k, total = len(m), float(m.sum())
    method = "wilson, tries by case (rao-scott)"
    if k < 2:
        value = float(x.sum() / total) if k else math.nan
        return DetectedRate(
            value, 0.0, 1.0, as_level(level), float(k), method, "" if k else "no try was made"
        )
    rate = float(x.sum() / total)
    z, t = normal_quantile(level), float(special.stdtrit(k - 1, 0.5 + level / 2))
    size = float(k)
    if 0 < rate < 1:
        variance = k / (k - 1) * float(((x - rate * m) ** 2).sum()) / total**2
        effect = max(variance * total / (rate * (1 - rate)), 1.0)
        size = total / effect
    size *= (z / t) ** 2
    low, high = wilson_at(np.asarray(rate * size), np.asarray(size), z)
    ends = (min(float(low), rate), max(float(high), rate))
    return DetectedRate(rate, *ends, float(level), size, method)


def corrected_rate(
    rate: float,
    n: float,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    level: float = 0.95,
) -> DetectedRate:
    """Return a share as it would be without the errors of the detector that counted it (Rogan and Gladen 1978).

    Sound where the detector errs on these tries as often as on the labelled texts, whatever else is true of them. The interval is that of Lang and Reiczigel
    (2014, *Preventive Veterinary Medicine* 113:13), which counts the doubt of the share, the sensitivity and the specificity.

    Parameters
    ----------
    rate : float
        The share found, 0..1.
    n : float
        Independent tries it rests on; need not be whole.
    sensitivity, specificity : tuple of (int, int)
        Labelled texts the detector was right on, and how many there were: of those that hold what it looks for, and of those that do not.
    level : float
        Two-sided confidence level.

    Returns
    -------
    DetectedRate
        Within [0, 1]. Undefined where the detector is no better than chance: the sum of both shares is 1 or less.

    Raises
    ------
    InputError
        If the rate is no share, or a count is above its n.

    Examples
    --------
    >>> round(corrected_rate(0.3, 100, (90, 100), (95, 100)).value, 4)  # (0.30 + 0.95 - 1) / (0.90 + 0.95 - 1)
    0.2941
    """
    if not 0 <= rate <= 1 or n < 0:
        raise InputError(f"a rate lies between 0 and 1 and n is 0 or more; got {rate!r} of {n!r}")
    z, method = normal_quantile(level), "lang-reiczigel"
    (right, of), (passed, others) = sensitivity, specificity
    as_counts([right, passed], [of, others])
    if not of or not others or right / of + passed / others <= 1:
        note = "the detector is no better than chance on the labelled texts"
        return DetectedRate(math.nan, 0.0, 1.0, float(level), n, method, note)
    found = (rate + passed / others - 1) / (right / of + passed / others - 1)
    value = min(max(found, 0.0), 1.0)
    # the counts as the method takes them: z squared tries added to the share, two texts to each of the detector's
    size, share = n + z * z, (n * rate + z * z / 2) / (n + z * z)
    se, sp = (right + 1) / (of + 2), (passed + 1) / (others + 2)
    if se + sp <= 1:
        return DetectedRate(value, 0.0, 1.0, float(level), n, method)
    middle = (share + sp - 1) / (se + sp - 1)
    of_se, of_sp = se * (1 - se) / (of + 2), sp * (1 - sp) / (others + 2)
    shift = 2 * z * z * (middle * of_se - (1 - middle) * of_sp)
    spread = share * (1 - share) / size + middle**2 * of_se + (1 - middle) ** 2 * of_sp
    half = z * math.sqrt(spread) / (se + sp - 1)
    low = min(max(middle + shift - half, 0.0), value)
    high = max(min(middle + shift + half, 1.0), value)
    return DetectedRate(value, low, high, float(level), n, method)
