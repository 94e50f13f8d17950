"""Thresholds: one for each group, moved by hand, and what that does to rates, errors and accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from auditkit import progress, statistics
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _impact as impact
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Table
from auditkit.explore._between import Between, Estimate, between, between_table, unbeaten
from auditkit.explore._own import Own, own_of
from auditkit.explore._rows import ESTIMATES, beneath, columns_of
from auditkit.explore._sought import FOUND, Sought, within_reach
from auditkit.explore.answer import Answer
from auditkit.methods.group_thresholds import (
    NOTIONS,
    Notion,
    ScoresByGroup,
    alike,
    rates_of,
)
from auditkit.methods.threshold_sweep import threshold_grid
from auditkit.statistics.paired import paired_difference
from auditkit.statistics.weighted import effective_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.subject import Subject

__all__ = ["MOST_GROUPS", "Thresholds"]

MOST_GROUPS = 12
"""Thresholds that a person can move one by one."""

_POINTS = 201
_STEPS = 1000  # of a dial from 0 to 1
_NOW = "now"
_LABELS = {
    "selection_rate": "selected",
    "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate",
    "positive_predictive_value": "precision (positive predictive value)",
    "accuracy": "accuracy",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The records of each group, sorted by score; asked for any thresholds.

    Attributes
    ----------
    feature : str
        What divides the records.
    groups : tuple of str
        "sex=Female", one a group.
    own : Own
        The thresholds at first, of each group: those by which the model decides, wherever there are such.
    low, high : float
        Between which thresholds differ at all.
    by_group : ScoresByGroup
        The scores.
    labelled : bool
        Whether errors are known.
    weighted : bool
        Whether rows have weights of their own.
    grid : ndarray of shape (points,)
        Thresholds that select evenly spaced shares of the records, at the steps of a dial where scores do not lie closer; what is sought
        is sought among these.
    frontiers : dict of str to Sought
        The best accuracy found for each gap, by notion, with its thresholds.
    least_share : float
        Share of the records that what is sought selects at least, and leaves out at least.
    level : float
        Confidence level.
    """

    feature: str
    groups: tuple[str, ...]
    own: Own
    low: float
    high: float
    by_group: ScoresByGroup
    labelled: bool
    weighted: bool
    grid: np.ndarray
    frontiers: dict[str, Sought]
    least_share: float = 0.05
    level: float = 0.95

    @classmethod
    def prepare(
        cls,
        subject: Subject,
        feature: str | None = None,
        *,
        least_share: float = 0.05,
        level: float = 0.95,
    ) -> Self:
        """Sort the scores of the test rows by group, and find out which trade-offs there are.

        Parameters
        ----------
        subject : Subject
            Binary with probabilities or recorded scores, or a regression; its predictions alone suffice.
        feature : str, optional
            A sensitive feature; the first when left out.
        least_share : float
            As in AK107: thresholds that select less than this share of all records, or leave less than this share out, are sought only
            where there are no others. Everybody or nobody is alike without a choice.
        level : float
            Confidence level of the intervals.

        Raises
        ------
        NotApplicable
            If there are no scores, no sensitive features, or more groups than a person can move.
        InputError
            If the feature is none of the subject's.
        """
        scores = impact.scores_of(subject)
        if scores is None:
            raise NotApplicable(
                "no scores: thresholds need a model with predict_proba for two classes, recorded scores, or a regression"
            )
        chosen = [feature] if feature is not None else subject.test.sensitive_names[:1]
        (grouping,) = common.groupings(subject.test, chosen, intersections=False)
        if not 2 <= len(grouping.labels) <= MOST_GROUPS:
            raise NotApplicable(
                f"{grouping.name} has {len(grouping.labels)} groups: between 2 and {MOST_GROUPS} can be moved one by one; give bands, "
                f"Dataset(..., bands={{{grouping.name!r}: [...]}})"
            )
        binary = subject.task == "binary"
        positive = subject.test.y == subject.positive if binary else None
        weighted = _weights.uneven(subject.test)
        weights = subject.test.sample_weight if weighted else None
        by_group = ScoresByGroup.of(scores, grouping.codes, len(grouping.labels), positive, weights)
        groups = tuple(grouping.labels)
        chosen_by_model = subject.answers().labels == subject.positive if binary else None
        own = own_of(scores, chosen_by_model, grouping.codes, len(groups))
        grid = threshold_grid(scores, _POINTS, own.thresholds if binary else ())
        grid = within_reach(grid, _STEPS) if binary else grid
        notions = NOTIONS if binary else NOTIONS[:1]
        found: dict[str, Sought] = {}
        for done, notion in enumerate(notions):
            progress.step(done / len(notions), notion.replace("_", " "))
            found[notion] = (
                Sought.among(by_group, grid, notion, least_share) if binary else Sought.nothing(len(groups))
            )
        low, high = (0.0, 1.0) if binary else (float(grid[0]), float(np.nextafter(grid[-1], np.inf)))
        return cls(
            grouping.name, groups, own, min(low, *own.thresholds), max(high, *own.thresholds), by_group, binary, weighted, grid, found, least_share, level,
        )  # fmt: skip

    @property
    def start(self) -> dict[str, float]:
        """The threshold of each group at first."""
        return dict(zip(self.groups, self.own.thresholds, strict=True))

    @property
    def notions(self) -> tuple[str, ...]:
        """The notions of fairness that can be asked for here."""
        return tuple(self.frontiers)

    @property
    def step(self) -> float:
        """How finely thresholds are gone through: a thousandth of the first digit of their range."""
        return float(10.0 ** (np.floor(np.log10(self.high - self.low)) - 3))

    def at(self, thresholds: Mapping[str, float], notion: Notion = "demographic_parity") -> Answer:
        """Say what thresholds do.

        Parameters
        ----------
        thresholds : mapping of str to float
            One for each group; those left out stay at the start.
        notion : str
            What the groups are compared by.

        Returns
        -------
        Answer
            Tables ``rates`` (each rate of each group), ``between`` (impact ratio, gap and accuracy), ``trade_off`` (accuracy against the
            gap) and ``change`` (before and after, of all records, with paired intervals); all with intervals.

        Raises
        ------
        InputError
            If a group or the notion does not exist, or a threshold is no number.
        """
        wanted = self._complete(thresholds)
        self._known(notion)
        took, before = (self.by_group.selected([*cut.values()]) for cut in (wanted, self.start))
        now, then = (self._between(part, notion) for part in (took, before))
        change = self._changes(took, before)
        # within a group and label thresholds only add, or only take away
        changed = not np.array_equal(took, before)
        tables = {
            "rates": self._rates(self._counted(took)),
            "between": between_table([(self.own.words, then), (_NOW, now)], notion, self.level),
            "change": self._change_table(change, changed=changed),
        }
        if self.labelled:
            tables["trade_off"] = self._trade_off(notion, now, then)
        return Answer(
            f"thresholds by {self.feature}",
            {"feature": self.feature, "notion": notion, "thresholds": wanted},
            " ".join(
                [
                    *self._apart(notion, now, then),
                    *self._of_all(took, before, now, then, change, changed=changed),
                ]
            ),
            (
                "How these thresholds do on other records: they were moved while looking at these. And a threshold for each group treats "
                "records of equal score unequally, which may not be allowed."
            ),
            tables,
        )

    def equalised(self, notion: Notion, *, thresholds: Mapping[str, float] | None = None) -> dict[str, float]:
        """Return thresholds that make the groups alike.

        With labels, the most accurate set of those of the trade-off whose gap is no more than a hundredth above the smallest, the start
        where no gap is defined; without, the set that selects as many records in all as the thresholds given.

        Parameters
        ----------
        notion : str
            One of `notions`.
        thresholds : mapping of str to float, optional
            Where they stand; at the start when left out.

        Raises
        ------
        InputError
            If the notion does not exist here.
        """
        self._known(notion)
        if self.labelled:
            best = self.frontiers[notion].equalised()
            return dict(self.start) if best is None else dict(zip(self.groups, map(float, best), strict=True))
        cuts, took = alike(self.by_group, self.grid, notion)
        now = self.by_group.selected([*self._complete(thresholds or {}).values()])[..., 0]
        nearest = int(np.abs(took.sum(axis=(1, 2)) - now.sum()).argmin())
        return dict(zip(self.groups, map(float, cuts[nearest]), strict=True))

    def _complete(self, thresholds: Mapping[str, float]) -> dict[str, float]:
        for group, value in thresholds.items():
            if group not in self.groups:
                raise InputError(f"no group {group!r} here.{did_you_mean(group, self.groups)}")
            if not isinstance(value, (int, float, np.number)) or np.isnan(value):
                raise InputError(f"a threshold is a number; got {value!r} for {group}")
        return {**self.start, **{group: float(value) for group, value in thresholds.items()}}

    def _known(self, notion: str) -> None:
        if notion not in self.frontiers:
            raise InputError(f"no notion {notion!r} here.{did_you_mean(notion, self.frontiers)}")

    def _counted(self, took: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return successes and trials of each rate, as many as the records are worth."""
        plain, totals = took[..., 0], self.by_group.totals[..., 0]
        counted = rates_of(plain, totals)
        if not self.labelled:
            counted = {"selection_rate": counted["selection_rate"]}
        if not self.weighted:
            return counted
        squared = rates_of(took[..., 1], self.by_group.totals[..., 1])
        return {name: effective_counts(*pair, *squared[name]) for name, pair in counted.items()}

    def _rates(self, counted: dict[str, tuple[np.ndarray, np.ndarray]]) -> Table:
        rows: list[tuple[object, ...]] = []
        for name, (hits, trials) in counted.items():
            low, high = statistics.wilson(hits, trials, self.level)
            with np.errstate(invalid="ignore"):
                value = hits / trials
            rows += [
                (group, _LABELS[name], value[g], low[g], high[g], round(float(trials[g])))
                for g, group in enumerate(self.groups)
            ]
        return Table(
            f"Rates by {self.feature} at these thresholds",
            columns_of(ESTIMATES, rows),
            "estimates",
            {"value": "rate", "n": "records", "order": "group"},
            f"What part of each group of {self.feature} is selected, and how often that is right, with {self.level:.0%} Wilson intervals.",
        )

    def _between(self, took: np.ndarray, notion: Notion) -> Between:
        """Return what the groups differ by where this is selected."""
        totals, everybody = self.by_group.totals, None
        if self.labelled:
            plain, squared = (rates_of(took[..., at], totals[..., at])["accuracy"] for at in (0, 1))
            whole = [part.sum() for part in (*plain, *squared)]
            everybody = effective_counts(*whole) if self.weighted else (whole[0], whole[1])
        return between(self._counted(took), everybody, notion, self.level)

    def _changes(self, took: np.ndarray, before: np.ndarray) -> list[tuple[Any, ...]]:
        """Return what of all records is selected and right, at the start and now; the same records are compared."""
        rows = [self._selected_then_and_now(took, before)]
        return [*rows, self._right_then_and_now(took, before)] if self.labelled else rows

    def _selected_then_and_now(self, took: np.ndarray, before: np.ndarray) -> tuple[Any, ...]:
        moved = took - before  # by group and label: thresholds only add, or only take away
        return self._paired("selected", took.sum(axis=(0, 1)), before.sum(axis=(0, 1)), moved)

    def _right_then_and_now(self, took: np.ndarray, before: np.ndarray) -> tuple[Any, ...]:
        sign = np.array([-1.0, 1.0])[None, :, None]
        wrong = self.by_group.totals[:, 0].sum(axis=0)
        now, then = (wrong + (part * sign).sum(axis=(0, 1)) for part in (took, before))
        return self._paired("accuracy", now, then, (took - before) * sign)

    def _paired(self, what: str, now: np.ndarray, then: np.ndarray, moved: np.ndarray) -> tuple[Any, ...]:
        size, size2 = self.by_group.totals.sum(axis=(0, 1))
        won, lost = (
            np.where(moved > 0, moved, 0.0).sum(axis=(0, 1)),
            np.where(moved < 0, -moved, 0.0).sum(axis=(0, 1)),
        )
        worth = float(size / size2) if self.weighted else 1.0  # Kish: a row's weight in rows of equal weight
        gained, gone, rows = won[0] * worth, lost[0] * worth, size * worth
        low, high = paired_difference(gained, gone, max(rows, gained + gone), self.level)
        share = now[0] / size, then[0] / size
        return (what, float(share[1]), float(share[0]), float(share[0] - share[1]), float(low), float(high))

    def _trade_off(self, notion: Notion, now: Between, then: Between) -> Table:
        """Return the best accuracy that was found for each gap, the best single threshold, and where the thresholds stand."""
        size = float(self.by_group.totals[..., 0].sum())
        rows = [
            (one.gap.value, one.accuracy.value, one.accuracy.low, one.accuracy.high, round(size), word)
            for word, one in ((self.own.words, then), (_NOW, now))
        ]
        return beneath(unbeaten(self.frontiers[notion].table(notion, size), (then, now), FOUND), *rows)

    def _share_selected(self, took: np.ndarray) -> Estimate:
        """Return the share of all records that is selected, with Wilson's interval."""
        (hits, hits2), (size, size2) = took.sum(axis=(0, 1)), self.by_group.totals.sum(axis=(0, 1))
        if self.weighted:
            hits, size = effective_counts(hits, size, hits2, size2)
        low, high = statistics.wilson(hits, size, self.level)
        return Estimate(float(hits / size), float(low), float(high))

    def _of_all(
        self,
        took: np.ndarray,
        before: np.ndarray,
        now: Between,
        then: Between,
        change: list[tuple[Any, ...]],
        *,
        changed: bool,
    ) -> list[str]:
        """Return what is said of all records: whom it selects, how often that is right, and what has changed."""
        selected = f"In all {self._share_selected(took).share()} are selected"
        if not changed:
            right = f", with an accuracy of {now.accuracy.share()}" if self.labelled else ""
            return [
                f"{selected}{right}.",
                *self.own.unlike(int(self.by_group.records.sum())),
                "No decision changes.",
            ]
        said = [
            f"{selected}, {self._share_selected(before).share()} at {self.own.words}.",
            *self.own.unlike(int(self.by_group.records.sum())),
        ]
        if self.labelled:
            moved = Estimate(*change[-1][-3:])
            said.append(
                f"Accuracy goes from {then.accuracy.share()} to {now.accuracy.share()}, a change of {moved.points()}."
            )
        return said

    def _apart(self, notion: Notion, now: Between, then: Between) -> list[str]:
        """Return what is said of the groups: how far they are apart, and were."""
        (least, fewest), (most, largest) = now.least, now.most
        fewest_of, most_of = self.groups[least], self.groups[most]
        ratio = f"{fewest_of} is selected in {fewest.share()} and {most_of} in {largest.share()} of cases: an impact ratio of {now.ratio.ratio()}."
        return [
            ratio if np.isfinite(now.ratio.value) else "Nobody is selected.",
            f"The gap of {notion.replace('_', ' ')} is {now.gap.points()}, and {then.gap.points()} at {self.own.words}.",
        ]

    def _change_table(self, rows: list[tuple[Any, ...]], *, changed: bool) -> Table:
        if not changed:
            rows = [(*one[:-2], float("nan"), float("nan")) for one in rows]
        return Table(
            f"All records: at {self.own.words}, and now",
            columns_of(("what", "before", "now", "change", "low", "high"), rows),
            "plain",
            {"low": "change, lower end", "high": "change, upper end"},
            "The change is of the same records, so its interval is paired (Bonett and Price 2012)."
            if changed
            else "No decision changes, so that the change is 0 and has no interval.",
        )
