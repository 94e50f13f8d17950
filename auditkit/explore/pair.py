"""Pair: two subjects on the same records, side by side, every difference with a paired interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self, get_args

import numpy as np

from auditkit import progress, shared, statistics
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.mitigation._mitigated import DIFFERENCE, Yardstick
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Table
from auditkit.explore import _sides as sides
from auditkit.explore._rows import columns_of
from auditkit.explore._same import same_records, same_training
from auditkit.explore.answer import Answer
from auditkit.methods.membership import signal
from auditkit.methods.mitigation import Constraint

if TYPE_CHECKING:
    from auditkit.checks._common import Grouping
    from auditkit.explore._sides import Beside
    from auditkit.subject import Subject

__all__ = ["Pair", "same_records"]

_CONSTRAINTS: tuple[Constraint, ...] = get_args(Constraint)


class _Side(NamedTuple):
    """What one subject says: its labels, the score of the positive label, and the loss signal of test and training rows."""

    labels: np.ndarray
    scores: np.ndarray | None
    out: np.ndarray | None
    inside: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Pair:
    """Two subjects that answered the same test rows.

    Attributes
    ----------
    names : tuple of str
        Of the first and the second.
    records : tuple of int
        How many records both get right, the first alone, the second alone, and neither.
    apart : dict of str to Table
        How often the two decide otherwise, by sensitive feature; under the empty name of all records.
    general : tuple of Beside
        Accuracy, ranking and leakage.
    gaps : dict
        The difference between groups, by feature and constraint.
    level : float
        Of all intervals of changes together.
    notes : tuple of str
        What a reader must know.
    """

    names: tuple[str, str]
    records: tuple[int, int, int, int]
    apart: dict[str, Table]
    general: tuple[Beside, ...]
    gaps: dict[tuple[str, Constraint], Beside]
    level: float
    notes: tuple[str, ...]

    @classmethod
    def prepare(cls, first: Subject, second: Subject, *, level: float = 0.95) -> Self:
        """Ask both models about the test rows, and about their training rows where both have some.

        Parameters
        ----------
        first, second : Subject
            Classifiers with the same test rows; their inputs may differ.
        level : float
            Confidence level of the intervals.

        Raises
        ------
        InputError
            If the test rows are not the same records, or different labels count as selected.
        NotApplicable
            If one is a regression.
        """
        notes = list(same_records(first, second))
        for one in (first, second):
            common.needs_classes(one)
        if first.positive != second.positive:
            raise InputError(
                f"different labels count as selected, {first.positive!r} and {second.positive!r}: pass the same Subject(..., positive=...)"
            )
        both = first.train is not None and second.train is not None
        asked = []
        for done, one in enumerate((first, second)):
            progress.step(done / 3, f"asking {one.name}")
            asked.append(_asked(one, training=both))
        groupings, told = _groupings(first)
        notes += told
        if weights.uneven(first.test):
            notes.append("Weights of rows are not used: every record counts once.")
        names = (str(first.name), str(second.name))
        if names[0] == names[1]:
            names = (f"{names[0]} (first)", f"{names[1]} (second)")
        side, beside = asked
        right = side.labels == first.test.y, beside.labels == first.test.y
        n, both_right = len(first.test), int((right[0] & right[1]).sum())
        alone = int(right[0].sum()) - both_right, int(right[1].sum()) - both_right
        records = (both_right, *alone, n - both_right - sum(alone))
        unlike = side.labels != beside.labels
        apart = {
            "": _disagreement(unlike, None, level),
            **{k: _disagreement(unlike, g, level) for k, g in groupings.items()},
        }
        paired = same_training(first, second)
        if side.out is None or beside.out is None:
            notes.append(
                "One gives labels alone, without probabilities, so neither rankings nor leakage are compared."
            )
        elif side.inside is None or beside.inside is None:
            notes.append("Training rows are not known of both, so leakage is not compared.")
        elif not paired:
            notes.append(
                "They were trained on different rows, so what an attack finds of each is not compared in pairs."
            )
        family = _Family(first, side, beside, groupings, level)
        general = [
            sides.shares("accuracy", "higher", *right, level, family.size),
            *family.ranked(),
            *family.leaks(paired=paired),
        ]
        return cls(names, records, apart, tuple(general), family.gaps(), level, tuple(notes))

    @property
    def features(self) -> tuple[str, ...]:
        """Sensitive features whose groups can be compared."""
        return tuple(name for name in self.apart if name)

    def at(self, feature: str | None = None, constraint: Constraint = "demographic_parity") -> Answer:
        """Say how the two differ.

        Parameters
        ----------
        feature : str, optional
            A sensitive feature; the first when left out.
        constraint : {"demographic_parity", "equalized_odds"}
            What of the groups is compared.

        Returns
        -------
        Answer
            Tables ``sides`` (both, each figure with its own interval), ``change`` (turned so that above 0 the second is better, paired),
            ``disagreement`` (how often the two decide otherwise, of all and by group), ``records`` (who is right where) and ``numbers``.

        Raises
        ------
        InputError
            If the feature or the constraint does not exist here.
        """
        name = feature if feature is not None else next(iter(self.features), "")
        if name and name not in self.features:
            raise InputError(f"no groups of {name!r} here.{did_you_mean(name, self.features)}")
        if constraint not in _CONSTRAINTS:
            raise InputError(f"no constraint {constraint!r}.{did_you_mean(constraint, _CONSTRAINTS)}")
        found = (*self.general, *([self.gaps[name, constraint]] if name else []))
        first, second = self.names
        tables = {
            "sides": sides.side_by_side(
                f"{first} and {second}", found, self.names,
                f"Both on the same {sum(self.records):,} records, each figure with its {self.level:.0%} interval.",
            ),
            "change": sides.gained(
                f"{second} against {first}", found,
                f"Right of 0 {second} is better, left of it worse; paired intervals that hold for all figures at once "
                f"(Bonferroni, {self.level:.0%}).",
                none="no difference",
            ),
            "disagreement": self.apart[name],
            "records": self._who_is_right(),
            "numbers": sides.numbers("Every number", found, self.names),
        }  # fmt: skip
        at = {
            "first": first,
            "second": second,
            **({"feature": name, "constraint": constraint} if name else {}),
        }
        return Answer("two subjects compared", at, self._says(found), self._does_not_say(), tables)

    def _says(self, found: tuple[Beside, ...]) -> str:
        first, second = self.names
        every, n = self.apart[""].columns, sum(self.records)
        share, low, high = (float(every[key][0]) for key in ("value", "low", "high"))
        _, lost, won, _ = self.records
        said = (
            f"{second} against {first}. {sides.told(found, beside=True)} They decide {round(share * n):,} of {n:,} records otherwise "
            f"({common.percent(share)} [{common.percent(low)}, {common.percent(high)}])"
        )
        if not share:
            return f"{said}."
        p = common.p_value(_mcnemar(lost, won))
        return f"{said}: there {first} is right {lost:,} times and {second} {won:,} times (McNemar, exact, p {p})."

    def _does_not_say(self) -> str:
        told = (
            "That one is the better model: what counts more is not a matter of these numbers, and another sample of records may "
            "turn those that cannot be told."
        )
        return " ".join([told, *self.notes])

    def _who_is_right(self) -> Table:
        first, second = self.names
        who = ("both are right", f"{first} alone is right", f"{second} alone is right", "neither is right")
        n = sum(self.records)
        columns = {"who": who, "records": self.records, "share": tuple(count / n for count in self.records)}
        p = common.p_value(_mcnemar(*self.records[1:3]))
        return Table(
            "Who is right",
            columns,
            "plain",
            {},
            f"McNemar's test of the records that one alone gets right: p {p}, exact.",
        )


@dataclass(frozen=True, eq=False)
class _Family:
    """The figures that are compared at once: the intervals of their changes hold together."""

    subject: Subject
    one: _Side
    other: _Side
    groupings: dict[str, Grouping]
    level: float

    @property
    def size(self) -> int:
        """How many there are: accuracy, ranking, leakage, and each feature by each constraint."""
        return 1 + self._ranks + self._leaks + len(self.groupings) * len(_CONSTRAINTS)

    @property
    def _ranks(self) -> bool:
        return self.one.scores is not None and self.other.scores is not None

    @property
    def _leaks(self) -> bool:
        return self.one.inside is not None and self.other.inside is not None

    def ranked(self) -> list[Beside]:
        """Compare the rankings; nothing where one gives no scores."""
        if not self._ranks:
            return []
        first, second = np.asarray(self.one.scores), np.asarray(self.other.scores)
        truth = self.subject.test.y == self.subject.positive
        return [
            sides.areas("ranking of records (AUC)", "higher", first, second, truth, self.level, self.size)
        ]

    def leaks(self, *, paired: bool) -> list[Beside]:
        """Compare what an attack finds; nothing where the training rows or probabilities of one are not known."""
        return [_leak(self.one, self.other, self.level, self.size, paired=paired)] if self._leaks else []

    def gaps(self) -> dict[tuple[str, Constraint], Beside]:
        """Compare the differences between groups."""
        subject, found = self.subject, {}
        rng = np.random.default_rng(shared.seed_of("pair", np.random.default_rng(0)))
        chosen = self.one.labels == subject.positive, self.other.labels == subject.positive
        truth = subject.test.y == subject.positive
        for done, (name, grouping) in enumerate(self.groupings.items()):
            progress.step((2 + done / len(self.groupings)) / 3, f"groups of {name}")
            for constraint in _CONSTRAINTS:
                yard = Yardstick(grouping, truth, constraint, self.level)
                what = f"{DIFFERENCE[constraint]} of {name}"
                found[name, constraint] = sides.gaps(what, *chosen, yard, self.size, rng)
        return found


def _disagreement(apart: np.ndarray, grouping: Grouping | None, level: float) -> Table:
    """Return how often two sets of labels differ, in all records and in each group."""
    labels, hits, sizes = ["all records"], [int(apart.sum())], [len(apart)]
    if grouping is not None:
        labels += grouping.labels
        hits += [int(part.sum()) for part in grouping.parts(apart)]
        sizes += grouping.sizes.tolist()
    low, high = statistics.wilson(hits, sizes, level)
    value = [hit / n for hit, n in zip(hits, sizes, strict=True)]
    rows = zip(labels, value, low, high, sizes, strict=True)
    return Table(
        "How often they decide otherwise", columns_of(("label", "value", "low", "high", "n"), rows), "estimates",
        {"value": "share of records", "n": "records", "order": "group"},
        f"The share of records that the two decide otherwise, with {level:.0%} Wilson intervals.",
    )  # fmt: skip


def _asked(subject: Subject, *, training: bool) -> _Side:
    """Ask a subject about its test rows, and about its training rows where that says something."""
    answers = subject.answers()
    if answers.proba is None:
        return _Side(answers.labels, None, None, None)
    scores = subject.scores() if subject.task == "binary" else None
    out = signal(answers.proba, subject.class_index(subject.test.y), "loss")
    inside = None
    if training:
        try:
            inside = signal(subject.proba("train"), subject.class_index(subject.split("train").y), "loss")
        except NotApplicable:  # predictions of the test rows alone
            inside = None
    return _Side(answers.labels, scores, out, inside)


def _leak(one: _Side, other: _Side, level: float, family: int, *, paired: bool) -> Beside:
    """Compare what the loss attack finds of each one's training rows, beside the same test rows."""
    what = "what an attack on training records finds (AUC, 0.5 is guessing)"
    seen, truth = [], []
    for side in (one, other):
        inside, out = np.asarray(side.inside), np.asarray(side.out)
        seen.append(np.concatenate([inside, out]))
        truth.append(np.repeat([True, False], [len(inside), len(out)]))
    if paired:
        return sides.areas(what, "lower", seen[0], seen[1], truth[0], level, family)
    # other members: each at half of the error, so that both ends hold together whatever they have in common
    half = 1 - (1 - sides.strict(level, family)) / 2
    wide = [statistics.auc(s, t, half) for s, t in zip(seen, truth, strict=True)]
    alone = [statistics.auc(s, t, level) for s, t in zip(seen, truth, strict=True)]
    first, second = ((a.value, a.low, a.high) for a in alone)
    low, high = wide[1].low - wide[0].high, wide[1].high - wide[0].low
    n = len(truth[0]) + len(truth[1]) - len(np.asarray(one.out))
    return sides.Beside(
        what,
        "lower",
        first,
        second,
        second[0] - first[0],
        low,
        high,
        n,
        "DeLong, both intervals at once",
        "AUC",
    )


def _groupings(subject: Subject) -> tuple[dict[str, Grouping], list[str]]:
    """Return the groups of every sensitive feature that can be compared, and notes on the others."""
    if subject.positive is None:
        return {}, ["No label counts as selected, so groups are not compared."]
    if not subject.test.sensitive_names:
        return {}, ["No sensitive features are known, so groups are not compared."]
    found = common.groupings(subject.test, None, intersections=False)
    kept = {one.name: one for one in found if len(one.labels) > 1 and not one.too_many}
    lost = [
        f"Groups of {one.name} are not compared: {one.too_many or 'there is one only'}."
        for one in found
        if one.name not in kept
    ]
    return kept, [*common.notes_on(kept.values()), *lost]


def _mcnemar(lost: int, won: int) -> float:
    """Return the two-sided p-value of "either is as often right alone as the other", exact."""
    one: Any = min(statistics.paired_p_value(lost, won), statistics.paired_p_value(won, lost))
    return min(1.0, 2 * float(one))
