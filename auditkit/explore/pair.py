"""Pair: two subjects on the same records, side by side, every difference with a paired interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, get_args

import numpy as np

from auditkit import progress, shared, statistics
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.mitigation._mitigated import DIFFERENCE, Yardstick
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Table
from auditkit.explore import _sides as sides
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
    truth : ndarray of shape (n,)
        Labels of the test rows.
    sides : tuple
        What each says.
    groupings : dict of str to Grouping
        The groups of each sensitive feature; none where no label counts as selected.
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
    truth: np.ndarray
    sides: tuple[_Side, _Side]
    groupings: dict[str, Grouping]
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
        made = cls(names, first.test.y, (asked[0], asked[1]), groupings, (), {}, level, tuple(notes))
        return made.measured(first, second)

    def measured(self, first: Subject, second: Subject) -> Self:
        """Return the same with every figure; the intervals of the changes hold for all of them together."""
        one, other = self.sides
        ranked = first.task == "binary" and one.scores is not None and other.scores is not None
        leaks = one.inside is not None and other.inside is not None
        family = 1 + ranked + leaks + len(self.groupings) * len(_CONSTRAINTS)
        right = one.labels == self.truth, other.labels == self.truth
        general = [sides.shares("accuracy", "higher", *right, self.level, family)]
        positive = self.truth == first.positive
        if ranked and one.scores is not None and other.scores is not None:
            general.append(
                sides.areas(
                    "ranking of records (AUC)",
                    "higher",
                    one.scores,
                    other.scores,
                    positive,
                    self.level,
                    family,
                )
            )
        notes = self.notes
        if leaks:
            general.append(_leak(one, other, self.level, family, paired=same_training(first, second)))
            if not same_training(first, second):
                notes += (
                    "They were trained on different rows, so what an attack finds of each is not compared in pairs.",
                )
        rng = np.random.default_rng(shared.seed_of("pair", np.random.default_rng(0)))
        gaps = {}
        chosen = one.labels == first.positive, other.labels == first.positive
        for done, (name, grouping) in enumerate(self.groupings.items()):
            progress.step((2 + done / len(self.groupings)) / 3, f"groups of {name}")
            for constraint in _CONSTRAINTS:
                yard = Yardstick(grouping, positive, constraint, self.level)
                gaps[name, constraint] = sides.gaps(
                    f"{DIFFERENCE[constraint]} of {name}", *chosen, yard, family, rng
                )
        return replace(self, general=tuple(general), gaps=gaps, notes=notes)

    @property
    def features(self) -> tuple[str, ...]:
        """Sensitive features whose groups can be compared."""
        return tuple(self.groupings)

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
        name = feature if feature is not None else next(iter(self.groupings), None)
        if name is not None and name not in self.groupings:
            raise InputError(f"no groups of {name!r} here.{did_you_mean(name, self.groupings)}")
        if constraint not in _CONSTRAINTS:
            raise InputError(f"no constraint {constraint!r}.{did_you_mean(constraint, _CONSTRAINTS)}")
        found = (*self.general, *([] if name is None else [self.gaps[name, constraint]]))
        first, second = self.names
        tables = {
            "sides": sides.side_by_side(
                f"{first} and {second}", found, self.names,
                f"Both on the same {len(self.truth):,} records, each figure with its {self.level:.0%} interval.",
            ),
            "change": sides.gained(
                f"{second} against {first}", found,
                f"Right of 0 {second} is better, left of it worse; paired intervals that hold for all figures at once "
                f"(Bonferroni, {self.level:.0%}).",
            ),
            "disagreement": self._disagreement(name),
            "records": self._records(),
            "numbers": sides.numbers("Every number", found, self.names),
        }  # fmt: skip
        at = {
            "first": first,
            "second": second,
            **({} if name is None else {"feature": name, "constraint": constraint}),
        }
        return Answer("two subjects compared", at, self._says(found), self._does_not_say(), tables)

    def _says(self, found: tuple[Beside, ...]) -> str:
        first, second = self.names
        one, other = (side.labels for side in self.sides)
        apart, n = int((one != other).sum()), len(one)
        low, high = statistics.wilson(apart, n, self.level)
        lost, won = self._discordant()
        said = (
            f"{second} against {first}. {sides.told(found)} They decide {apart:,} of {n:,} records otherwise "
            f"({common.percent(apart / n)} [{common.percent(float(low))}, {common.percent(float(high))}])"
        )
        if not apart:
            return f"{said}."
        p = common.p_value(_mcnemar(lost, won))
        return f"{said}: there {first} is right {lost:,} times and {second} {won:,} times (McNemar, exact, p {p})."

    def _does_not_say(self) -> str:
        told = (
            "That one is the better model: what counts more is not a matter of these numbers, and another sample of records may "
            "turn those that cannot be told."
        )
        return " ".join([told, *self.notes])

    def _discordant(self) -> tuple[int, int]:
        one, other = (side.labels == self.truth for side in self.sides)
        return int((one & ~other).sum()), int((~one & other).sum())

    def _records(self) -> Table:
        one, other = (side.labels == self.truth for side in self.sides)
        lost, won = self._discordant()
        both, neither = int((one & other).sum()), int((~one & ~other).sum())
        words = (
            "both are right",
            f"{self.names[0]} alone is right",
            f"{self.names[1]} alone is right",
            "neither is right",
        )
        counts = (both, lost, won, neither)
        columns = {"who": words, "records": counts, "share": tuple(c / len(one) for c in counts)}
        p = common.p_value(_mcnemar(lost, won))
        return Table(
            "Who is right",
            columns,
            "plain",
            {},
            f"McNemar's test of the records that one alone gets right: p {p}, exact.",
        )

    def _disagreement(self, name: str | None) -> Table:
        apart = self.sides[0].labels != self.sides[1].labels
        labels, hits, sizes = ["all records"], [int(apart.sum())], [len(apart)]
        if name is not None:
            grouping = self.groupings[name]
            labels += grouping.labels
            hits += (
                np.bincount(grouping.codes, weights=apart, minlength=len(grouping.labels))
                .astype(int)
                .tolist()
            )
            sizes += grouping.sizes.tolist()
        low, high = statistics.wilson(hits, sizes, self.level)
        value = [h / n for h, n in zip(hits, sizes, strict=True)]
        columns: dict[str, Any] = {"label": labels, "value": value, "low": low, "high": high, "n": sizes}
        return Table(
            "How often they decide otherwise", {key: tuple(cells) for key, cells in columns.items()}, "estimates",
            {"value": "share of records", "n": "records", "order": "group"},
            f"The share of records that the two decide otherwise, with {self.level:.0%} Wilson intervals.",
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
