"""Rates: how often something was found over wordings that were each tried several times, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from auditkit.statistics import DetectedRate, clustered_rate, corrected_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.methods.language.attempts import Attempt
    from auditkit.methods.language.labelled import Quality

__all__ = ["Counts", "Rates", "counts", "disagreement", "rates"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of each wording, how many tries were found, were not, were left open, or brought no reply.

    Attributes
    ----------
    found, absent, unclear, failed : tuple of int
        One number a wording; together they are the tries.
    """

    found: tuple[int, ...]
    absent: tuple[int, ...]
    unclear: tuple[int, ...]
    failed: tuple[int, ...]

    @property
    def tries(self) -> int:
        """All tries."""
        return sum(map(sum, (self.found, self.absent, self.unclear, self.failed)))

    @property
    def open(self) -> int:
        """Tries that say nothing: left open, or without a reply."""
        return sum(self.unclear) + sum(self.failed)

    def turned(self) -> Counts:
        """Return the counts with found and absent exchanged."""
        return replace(self, found=self.absent, absent=self.found)


@dataclass(frozen=True, slots=True)
class Rates:
    """A share of tries, as counted and as corrected for the errors of the detector.

    Attributes
    ----------
    counted : DetectedRate
        Of the tries that were decided. Its interval reaches as far as those left open could take it.
    corrected : DetectedRate
        The same, less the detector's errors.
    """

    counted: DetectedRate
    corrected: DetectedRate


def counts(attempts: Sequence[Attempt]) -> Counts:
    """Count the verdicts of each wording, over all prompts that are made of it and all their tries; of each prompt where none is named.

    What makes a model give way is the wording. Prompts of one that differ in the words planted or in the document around it are not independent.

    Parameters
    ----------
    attempts : sequence of Attempt
        In any order.
    """
    by_wording: dict[str, list[Attempt]] = {}
    for one in attempts:
        by_wording.setdefault(one.probe.wording or f"prompt {one.number}", []).append(one)
    columns = []
    for many in by_wording.values():
        failed = sum(bool(one.failed) for one in many)
        outcomes = [one.verdict.outcome for one in many if not one.failed]
        columns.append((outcomes.count("found"), outcomes.count("absent"), outcomes.count("unclear"), failed))
    found, absent, unclear, failed_ = zip(*columns, strict=True) if columns else ((), (), (), ())
    return Counts(found, absent, unclear, failed_)


def rates(of: Counts, detector: Quality, level: float = 0.95) -> Rates:
    """Return the share of decided tries that were found, as counted and corrected.

    Nothing is guessed of a try that was left open: the lower end counts it as absent, the upper end as found.

    Parameters
    ----------
    of : Counts
        The verdicts.
    detector : Quality
        How often it is right; see `auditkit.methods.language.labelled.quality`. For counts that were turned, one that was turned too.
    level : float
        Confidence level.
    """
    decided = [f + a for f, a in zip(of.found, of.absent, strict=True)]
    middle = clustered_rate(of.found, decided, level)
    every = [f + a + u + e for f, a, u, e in zip(of.found, of.absent, of.unclear, of.failed, strict=True)]
    most = [f + u + e for f, u, e in zip(of.found, of.unclear, of.failed, strict=True)]
    least = clustered_rate(of.found, every, level)
    highest = clustered_rate(most, every, level)
    ends = [_corrected(one, detector, level) for one in (least, middle, highest)]
    note = f", {of.open} left open counted either way" if of.open else ""
    return Rates(
        replace(
            middle,
            low=min(least.low, middle.low),
            high=max(highest.high, middle.high),
            method=middle.method + note,
        ),
        replace(
            ends[1],
            low=min(one.low for one in ends),
            high=max(one.high for one in ends),
            method=f"{ends[1].method} on {middle.method}{note}",
        ),
    )


def _corrected(rate: DetectedRate, detector: Quality, level: float) -> DetectedRate:
    if math.isnan(rate.value):
        return rate
    return corrected_rate(
        rate.value,
        rate.n_effective,
        (detector.hits, detector.positives),
        (detector.passes, detector.negatives),
        level,
    )


def disagreement(attempts: Sequence[Attempt], *, wordings: bool) -> Counts:
    """Count, for each pair of wordings, how often one reply declines and the other answers.

    Parameters
    ----------
    attempts : sequence of Attempt
        Of probes that come in pairs.
    wordings : bool
        True: replies to the two wordings, try by try. False: replies to one and the same wording, by every two of its tries; the doubt
        that is there without another wording.

    Returns
    -------
    Counts
        One number a pair of wordings, over all pairs of prompts that are made of it: "found" where they differ, "absent" where they agree, "unclear" where
        one of them was left open.
    """
    pairs: dict[str, dict[int, list[Attempt]]] = {}
    for one in attempts:
        pairs.setdefault(one.probe.pair, {}).setdefault(one.number, []).append(one)
    held: dict[tuple[str, ...], list[str]] = {}
    for pair, prompts in pairs.items():
        own = list(prompts.values())
        sets = [zip(*own, strict=True)] if wordings else [combinations(many, 2) for many in own]
        made_of = tuple(sorted(many[0].probe.wording or pair for many in own))
        held.setdefault(made_of, []).extend(_pair(a, b) for both in sets for a, b in both)
    words = ("found", "absent", "unclear", "failed")
    columns = [[said.count(word) for word in words] for said in held.values()]
    found, absent, unclear, failed = zip(*columns, strict=True) if columns else ((), (), (), ())
    return Counts(tuple(found), tuple(absent), tuple(unclear), tuple(failed))


def _pair(a: Attempt, b: Attempt) -> str:
    if a.failed or b.failed:
        return "failed"
    said = {a.verdict.outcome, b.verdict.outcome}
    if "unclear" in said:
        return "unclear"
    return "found" if len(said) > 1 else "absent"
