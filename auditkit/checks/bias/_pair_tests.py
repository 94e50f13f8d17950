"""Pair tests: every usual test of a group against the one it is compared with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from auditkit import statistics
from auditkit.checks.bias import _impact as impact
from auditkit.statistics.adverse_impact import bayes_factor, picked_p_value

__all__ = ["of_pairs"]

_COUNTING = (
    "fisher_p",
    "chi2",
    "chi2_p",
    "chi2_yates",
    "chi2_yates_p",
    "bayes_factor",
    "bayes_factor_fixed",
)


def of_pairs(hits: np.ndarray, sizes: np.ndarray, reference: int, *, counted: bool) -> dict[str, list[Any]]:
    """Return every test of each group against the reference; ``nan`` for the reference itself.

    Fisher's test, chi-square and the Bayes factors count records: of weighted rows, which are worth fewer, they are ``nan``,
    and z rests on the effective sizes.
    """
    k = len(sizes)
    z = statistics.two_proportion_z(hits, sizes, hits[reference], sizes[reference])
    pairs = np.stack([hits, sizes - hits], axis=-1)
    pairs = np.stack([pairs, np.broadcast_to(pairs[reference], pairs.shape)], axis=1)
    columns: dict[str, list[Any]] = {"z": z.statistic.tolist(), "z_p": z.p_value.tolist()}
    columns |= _counting_tests(pairs) if counted else {name: [math.nan] * k for name in _COUNTING}
    for values in columns.values():
        values[reference] = math.nan
    columns["picked_p"] = picked_p_value(columns["fisher_p" if counted else "z_p"], k).tolist()
    columns["caveat"] = [
        "" if g == reference else _caveat(pair, counted=counted) for g, pair in enumerate(pairs)
    ]
    return columns


def _counting_tests(pairs: np.ndarray) -> dict[str, list[Any]]:
    plain, yates = (
        [statistics.chi_square(pair, yates=corrected) for pair in pairs] for corrected in (False, True)
    )
    fisher = [float(statistics.fisher_exact(pair).p_value) for pair in pairs]
    parts: list[list[Any]] = [fisher]
    parts += [
        [getattr(one, of) for one in found] for found in (plain, yates) for of in ("statistic", "p_value")
    ]
    parts += [bayes_factor(pairs).tolist(), bayes_factor(pairs, group_sizes="fixed").tolist()]
    return dict(zip(_COUNTING, parts, strict=True))


def _caveat(pair: np.ndarray, *, counted: bool) -> str:
    """Return what small numbers do to the reading of a pair; empty where they are large enough."""
    (selected, refused), (of_reference, not_of_reference) = pair.tolist()
    expected = pair.sum(axis=1, keepdims=True) * pair.sum(axis=0) / pair.sum()
    said = []
    if not expected.min() >= 5:
        then = "read Fisher's test and not z or chi-square" if counted else "z is rough"
        said.append(f"an expected count is below 5, {then}")
    rate = of_reference / (of_reference + not_of_reference)
    least = impact.FOUR_FIFTHS * rate * (selected + refused)
    if counted and refused and selected < least <= selected + 1:
        said.append("one more selected would bring the ratio to four fifths")
    return "; ".join(said)
