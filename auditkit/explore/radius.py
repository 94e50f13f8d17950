"""Radius: how many answers stand where every record may be changed so far, who falls first, and how one record falls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from auditkit import shared, statistics
from auditkit.checks import _common as common
from auditkit.checks._kinds import FEWEST, kinds
from auditkit.checks.robustness import _bracket as bracket
from auditkit.checks.robustness._bounded import bounded
from auditkit.checks.robustness._queries import order_ends
from auditkit.checks.robustness._threats import allowed_table, sized, threat_of, too_coarse
from auditkit.errors import InputError, did_you_mean
from auditkit.evidence import Table
from auditkit.explore._morph import ways_of
from auditkit.explore._rows import ESTIMATES, columns_of
from auditkit.explore.answer import Answer, rounded
from auditkit.render.text import in_three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.checks.robustness._bounded import Bounded
    from auditkit.explore._morph import Way
    from auditkit.methods.feature_space import Norm
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["Radius"]

_SMALLEST = 10  # budget of rows, and of calls
_POINTS = 33
_DECADES = 30  # ends so many times apart, or more, are gone through by factors
_MOST = "at most, under attack"
_LEAST = "at least, certified"


@dataclass(frozen=True, slots=True)
class _Part:
    """The distances of some records that are right to begin with, sorted: to the nearest change found, and certified."""

    n: int
    nearest: np.ndarray
    lower: np.ndarray

    def standing(self, radius: float) -> int:
        """Return how many no change that was found turns within a radius."""
        return int(self.nearest.size - np.searchsorted(self.nearest, radius, "right"))

    def certain(self, radius: float) -> int:
        """Return how many are certified at a radius; without any change all that are right."""
        if not radius:
            return int(self.lower.size)
        return int(self.lower.size - np.searchsorted(self.lower, radius, "right"))


@dataclass(frozen=True, slots=True)
class Radius:
    """How far each record is from being turned, sorted; asked at any radius.

    Attributes
    ----------
    threat : ThreatModel
        What is allowed, with the norm, and the radius that is judged.
    end : float
        The largest radius that can be asked: twice the one that is judged, or less where all has fallen before.
    everybody : _Part
        The records drawn.
    groups : dict of str to _Part
        Likewise of each class and group with at least 10 records, those whose records fall first before the others.
    ways : dict of str to Way
        Records on their way to their nearest change, by pseudonym, those that fall first before the others.
    nearer : int
        Of these, records that the model answered otherwise sooner than the searches found; counted so.
    why_not : str
        Why nothing is certified; empty where something is.
    curve, falls : Table
        Both bounds against the radius; and where half of each group has fallen.
    level : float
        Confidence level.
    """

    threat: ThreatModel
    end: float
    everybody: _Part
    groups: dict[str, _Part]
    ways: dict[str, Way]
    nearer: int
    why_not: str
    curve: Table
    falls: Table
    level: float = 0.95

    @classmethod
    def prepare(
        cls,
        subject: Subject,
        *,
        radius: float | None = None,
        norm: Norm | None = None,
        immutable: Sequence[str] | None = None,
        rows: int = 200,
        max_calls: int = 100,
        boxes: int = 20_000,
        nodes: int = 0,
        records: int = 40,
        level: float = 0.95,
        seed: int = 0,
    ) -> Self:
        """Attack the rows that robustness checks draw, and certify them, as `robust_accuracy` (AK304) does and once with it.

        Parameters
        ----------
        subject : Subject
            A classifier to ask; its threat model says what is allowed.
        radius, norm, immutable, rows, max_calls, boxes, nodes
            As in AK304. What was found is shared with that check where these are the same.
        records : int
            Records that can be looked at one by one, at most.
        level : float
            Confidence level of the intervals.
        seed : int
            For drawing rows, and the searches, outside an audit.

        Raises
        ------
        NotApplicable
            If there is no model to ask, no classes, or no allowed change is as small as the radius.
        InputError
            If an option does not fit.
        """
        common.needs_model(subject)
        common.needs_classes(subject)
        if min(rows, max_calls) < _SMALLEST or min(boxes, nodes, records) < 0:
            raise InputError(
                f"expected rows and max_calls of at least {_SMALLEST}, and boxes, nodes and records of at least 0; got {rows}, "
                f"{max_calls}, {boxes}, {nodes} and {records}"
            )
        threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
        too_coarse(threat)
        rng = shared.generator_of("AK304", np.random.default_rng(seed))
        found = bounded(subject, threat, rng, rows=rows, max_calls=max_calls, boxes=boxes, nodes=nodes)
        ways, nearest, nearer = ways_of(found, records)
        every = np.ones(len(found.right), dtype=bool)
        everybody = _part(found, nearest, every)
        groups = _groups(subject, found, nearest)
        end = _end(threat, everybody, float(found.grid[-1]))
        curve = bracket.between(
            _grid(threat, everybody, end), found.right, found.lower, nearest, threat, level
        )
        return cls(
            threat, end, everybody, groups, ways, nearer, found.why_not, curve, _falls(groups, level), level
        )  # fmt: skip

    @property
    def least(self) -> float:
        """The smallest distance at which a record falls, as far as was found; infinite where none does."""
        return float(self.everybody.nearest.min(initial=np.inf))

    @property
    def start(self) -> float:
        """Where a person may begin: at the radius that is judged."""
        return float(min(self.threat.radius, self.end))

    @property
    def counted(self) -> bool:
        """Whether a radius counts columns."""
        return self.threat.norm == "l0"

    @property
    def by_factors(self) -> float:
        """The least radius above 0 that matters, where radii lie so far apart that they are gone through by factors; else 0."""
        least = float(f"{self.least / 2:.3g}") if np.isfinite(self.least) else 0.0
        return least if not self.counted and 0 < least < self.end / _DECADES else 0.0

    @property
    def step(self) -> float:
        """How finely radii are gone through."""
        return 1.0 if self.counted else float(10.0 ** (np.floor(np.log10(self.end)) - 2))

    def fall_of(self, record: str) -> float:
        """Return where a record of `ways` falls; `end` where that lies beyond."""
        return min(self.ways[record].distance, self.end)

    def told_of(self, record: str) -> str:
        """Return in a few words where a record of `ways` falls: "1 from 0.32 on"."""
        way = self.ways[record]
        return (
            f"{way.answers[-1]} from {in_three_digits(way.distance, up=True)} on"
            if way.turned
            else "not turned again"
        )

    @property
    def certified(self) -> bool:
        """Whether anything is certified."""
        return not self.why_not and not np.isnan(self.everybody.lower).any()

    def at(self, radius: float, record: str | None = None, *, values: bool = True) -> Answer:
        """Say how many answers stand within a radius.

        Parameters
        ----------
        radius : float
            Changes up to this count, in the units of the threat model; from 0 to `end`.
        record : str, optional
            One of `ways`: a record to look at.
        values : bool
            Whether the record's values and its class are told; else the inputs that change are named only, as in a report that is passed on.

        Returns
        -------
        Answer
            Tables ``bracket`` (both bounds, and where the radius stands), ``by_group`` (at this radius), ``falls`` (where half of each
            group has fallen), ``allowed``; of a record ``record`` (pictures where it is one, which are its values, else the answer along the way) and ``values``.

        Raises
        ------
        InputError
            If the radius is not from 0 to `end`, or the record is none of `ways`.
        """
        if not 0 <= radius <= self.end:
            raise InputError(f"radius is from 0 to {self.end:g} here; got {radius!r}")
        if record is not None and record not in self.ways:
            raise InputError(f"no record {record!r} here.{did_you_mean(record, self.ways)}")
        within = sized(self.threat, float(f"{radius:.3g}"))
        tables = {
            "bracket": replace(
                self.curve, reference=radius, labels={**self.curve.labels, "reference": "the radius"}
            )
        }
        says = [self._says(radius, within)]
        if record is None:
            tables["by_group"] = self._by_group(radius, within)
            says.append(self._first(radius))
        else:
            way, unit = self.ways[record], self.unit
            if values or way.pixels is None:
                picture = way.picture(radius, unit)
                tables["record"] = picture if values else rounded(picture)
            tables["values"] = way.values(radius, unit) if values else way.inputs_alone()
            says.append(way.says(radius, unit, truth=values))
        if self.falls.columns["label"]:
            tables["falls"] = self.falls
        tables["allowed"] = allowed_table(self.threat)
        return Answer(
            "attack radius" if record is None else f"attack radius, and record {record}",
            {"radius": radius, "norm": self.threat.norm, "record": record},
            " ".join(one for one in says if one),
            self._does_not_say(),
            tables,
        )

    @property
    def unit(self) -> str:
        """What a radius counts, in words: "robust standard deviations (l2)"."""
        return sized(self.threat, 0.0).removeprefix("0 ")

    def _says(self, radius: float, within: str) -> str:
        part, level = self.everybody, self.level
        standing, held = part.standing(radius), part.certain(radius)
        _, high = statistics.clopper_pearson(standing, part.n, level)
        if not radius:
            low, high = statistics.clopper_pearson(standing, part.n, level)
            return f"Without any change {standing / part.n:.1%} [{float(low):.1%}, {float(high):.1%}] of {part.n:,} records are right."
        most = (
            f"at most {standing / part.n:.1%} of {part.n:,} records stay right, as far as the searches found"
        )
        if not self.certified:
            return f"Within {within} {most}; of all such records at most {float(high):.1%}. Nothing is certified from below."
        low, _ = statistics.clopper_pearson(held, part.n, level)
        least = f"at least {held / part.n:.1%}, certified, and "
        return f"Within {within} {least}{most}; of all such records between {float(low):.1%} and {float(high):.1%}."

    def _first(self, radius: float) -> str:
        """Return which group has lost most of the answers that are right without any change, and which fewest."""
        fallen = {
            label: 1 - part.standing(radius) / part.nearest.size
            for label, part in self.groups.items()
            if part.nearest.size >= FEWEST
        }
        if len(set(fallen.values())) < 2:
            return ""
        most, least = max(fallen, key=fallen.__getitem__), min(fallen, key=fallen.__getitem__)
        return (
            f"Of the answers that are right without any change most have fallen for {most} ({fallen[most]:.1%}), and fewest for "
            f"{least} ({fallen[least]:.1%})."
        )

    def _does_not_say(self) -> str:
        told = "Where between the bounds the share lies: a better search may turn more. Nor anything of changes that the threat model does not allow."
        if self.nearer:
            told += (
                f" On the way to the nearest change {self.nearer} of {len(self.ways)} records were turned sooner than the searches found; "
                "they are counted so here, and not in AK304."
            )
        return (
            told
            if self.certified
            else f"{told} Nothing is certified: {self.why_not or 'no record is right'}."
        )

    def _by_group(self, radius: float, within: str) -> Table:
        rows: list[tuple[str, str, int, int]] = []
        for label, part in self.groups.items():
            rows.append((label, _MOST, part.standing(radius), part.n))
            if self.certified:
                rows.append((label, _LEAST, part.certain(radius), part.n))
        hits, n = (np.array([row[at] for row in rows], dtype=int) for at in (2, 3))
        low, high = statistics.clopper_pearson(hits, n, self.level) if rows else (hits, n)
        ends = (np.asarray(part).tolist() for part in (hits / n, low, high, n))
        cells = [(*row[:2], *numbers) for row, numbers in zip(rows, zip(*ends, strict=True), strict=True)]
        labels = {
            "value": "share that stays right", "n": "records", "order": "where half has fallen", "reference": "all, at most",
        }  # fmt: skip
        return Table(
            f"Who stands within {within}",
            columns_of(ESTIMATES, cells),
            "estimates",
            labels,
            "Share of the records of each class and group that is right and stays so; those that fall first stand first. Exact intervals "
            "(Clopper and Pearson 1934), each by itself.",
            reference=self.everybody.standing(radius) / self.everybody.n,
        )


def _part(found: Bounded, nearest: np.ndarray, chosen: np.ndarray) -> _Part:
    right = found.right & chosen
    return _Part(int(chosen.sum()), np.sort(nearest[right]), np.sort(found.lower[right]))


def _groups(subject: Subject, found: Bounded, nearest: np.ndarray) -> dict[str, _Part]:
    """Return the records of each class and group, those that fall first before the others."""
    groups = {}
    for _, labels, codes in kinds((subject.test, found.rows)):
        for code, label in enumerate(labels):
            part = _part(found, nearest, codes == code)
            if part.n >= FEWEST:
                groups[label] = part
    return dict(sorted(groups.items(), key=lambda one: _middle(one[1])))


def _middle(part: _Part) -> float:
    """Return where half of the records that are right have fallen; infinite where that is nowhere."""
    n = part.nearest.size
    return float(part.nearest[(n - 1) // 2]) if n else np.inf


def _end(threat: ThreatModel, everybody: _Part, reach: float) -> float:
    """Return the end of the radii: up to where certificates were sought, or a little beyond the last fall."""
    falls = everybody.nearest[np.isfinite(everybody.nearest)]
    last = float(falls.max(initial=0.0))
    if threat.norm == "l0" or not 0 < last < reach / 1.25:
        return reach
    return float(f"{1.25 * last:.3g}")


def _grid(threat: ThreatModel, everybody: _Part, end: float) -> np.ndarray:
    """Return radii at which the curve is drawn: evenly spaced, and where records fall."""
    if threat.norm == "l0":
        return np.unique(np.append(np.arange(np.floor(end) + 1), threat.radius))
    seen = everybody.nearest[everybody.nearest <= end]
    falls = np.quantile(seen, np.linspace(0, 1, _POINTS)) if seen.size else seen
    return np.unique(np.concatenate([np.linspace(0, end, _POINTS), falls]))


def _falls(groups: dict[str, _Part], level: float) -> Table:
    """Return where half of each group has fallen."""
    rows = []
    for label, part in groups.items():
        known = part.nearest.size > 0
        numbers = (_middle(part), *order_ends(part.nearest, level)) if known else (np.nan,) * 3
        rows.append((label, *(x if np.isfinite(x) else np.nan for x in numbers), part.nearest.size))
    labels = {"label": "Records of", "value": "Half have fallen at", "n": "right without any change"}
    return Table(
        "Where half of each group has fallen",
        columns_of(("label", "value", "low", "high", "n"), rows),
        "plain",
        labels,
        "The radius within which half of the records that are right without any change are turned, as far as was found; empty where "
        "that is nowhere. Intervals by order statistics, each by itself.",
    )
