"""Exposure: who is named a training record when an attacker accepts so many false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from auditkit import progress, shared, statistics
from auditkit.checks import _common as common
from auditkit.checks._kinds import FEWEST, kinds
from auditkit.checks.membership.population import scored
from auditkit.checks.membership.references import scores_of
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Table
from auditkit.explore._rows import ESTIMATES, beneath, columns_of
from auditkit.explore.answer import Answer

if TYPE_CHECKING:
    from auditkit.checks.membership.population import By
    from auditkit.methods.membership import SignalKind
    from auditkit.subject import Subject

__all__ = ["Exposure"]

How = Literal["population", "references"]

_LISTED = 20
_START = 0.01
_AMONG = {
    "all": "",
    "class": ", among records of its class",
    "group": ", among records of its group",
}
_NOW = "here"


@dataclass(frozen=True, slots=True)
class _Part:
    """The sorted scores of the members and of the others of one group."""

    members: np.ndarray
    others: np.ndarray


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an attack says of each record, sorted; asked at any rate of false alarms.

    Attributes
    ----------
    attack : str
        Which attack, in words.
    everybody : _Part
        Scores of all members and others.
    groups : dict of str to _Part
        Likewise of each class and group with at least 10 members and 10 others.
    pseudonyms, exposed : tuple of str, and ndarray
        The members with the highest scores under pseudonyms, and their scores.
    curve : Table
        The ROC curve.
    level : float
        Confidence level.
    """

    attack: str
    everybody: _Part
    groups: dict[str, _Part]
    pseudonyms: tuple[str, ...]
    exposed: np.ndarray
    curve: Table
    level: float = 0.95

    @classmethod
    def prepare(
        cls,
        subject: Subject,
        how: How = "population",
        *,
        signal: SignalKind = "loss",
        by: By = "all",
        references: int = 8,
        pool: int = 20_000,
        rows: int = 5_000,
        level: float = 0.95,
        seed: int = 0,
    ) -> Self:
        """Attack once.

        Parameters
        ----------
        subject : Subject
            With training rows.
        how : {"population", "references"}
            By the model's own confidence (AK201), or by RMIA with reference models (AK202), whose models are shared with that check.
            In an audit, rows are drawn as these checks draw them: under the same settings the curve is theirs.
        signal, by : str
            As in AK201; of the attack by the model's own confidence.
        references, pool : int
            As in AK202; of the attack with reference models.
        rows : int
            Members, and non-members, at most.
        level : float
            Confidence level of the intervals.
        seed : int
            For drawing rows outside an audit.

        Raises
        ------
        NotApplicable
            If there are no training rows, no probabilities, or the model cannot be trained again.
        """
        if how not in ("population", "references"):
            raise InputError(f"how= is 'population' or 'references'; got {how!r}")
        if reason := common.not_held_out(subject) if subject.train is not None else "":
            raise NotApplicable(f"no attack tells members from others here: {reason}")
        rng = shared.generator_of("AK201" if how == "population" else "AK202", np.random.default_rng(seed))
        if how == "references":
            scores, truth, records, models = scores_of(
                subject, "rmia_offline", references=references, pool=pool, rows=rows, rng=rng
            )
            attack = f"RMIA, offline, with {models} reference models"
        else:
            progress.step(0.1, "asking the model about training and test rows")
            scores, truth, records, _ = scored(subject, signal=signal, by=by, rows=rows, rng=rng)
            attack = "how sure the model is of a record's own label" + _AMONG[by]
        groups = {}
        whole = (subject.split("train"), records.inside), (subject.test, records.outside)
        for _, labels, codes in kinds(*whole, classes=subject.task != "regression"):
            for code, label in enumerate(labels):
                part = _part(scores[codes == code], truth[codes == code])
                if min(part.members.size, part.others.size) >= FEWEST:
                    groups[label] = part
        first = np.flatnonzero(truth)
        first = first[np.argsort(-scores[first], kind="stable")[:_LISTED]]
        names = subject.split("train").record_ids(records.inside[first])
        return cls(
            attack, _part(scores, truth), groups, tuple(names), scores[first], _curve(scores, truth, attack, level), level
        )  # fmt: skip

    @property
    def least(self) -> float:
        """The smallest rate of false alarms that these records can tell from none."""
        return 1 / self.everybody.others.size

    @property
    def start(self) -> float:
        """Where a person may begin: at one false alarm in a hundred, or the smallest rate above it that can be told."""
        return max(_START, self.least)

    def at(self, fpr: float) -> Answer:
        """Say whom the attack names at a rate of false alarms.

        The threshold is the lowest score at which no more than this share of the non-members is named.

        Parameters
        ----------
        fpr : float
            False positive rate accepted, in (0, 1].

        Returns
        -------
        Answer
            Tables ``roc`` (with the point where the threshold stands), ``by_group`` (members and non-members named, by class and group) and
            ``named`` (the most exposed training records, under pseudonyms).

        Raises
        ------
        InputError
            If the rate is not in (0, 1].
        """
        if not 0 < fpr <= 1:
            raise InputError(
                f"fpr is a share of non-members, above 0 and at most 1 (1% is 0.01); got {fpr!r}"
            )
        others = self.everybody.others
        allowed = min(int(np.floor(fpr * others.size + 1e-9)), others.size)
        threshold = (
            np.nextafter(others[others.size - allowed - 1], np.inf) if allowed < others.size else -np.inf
        )
        found, alarms = _named(self.everybody.members, threshold), _named(others, threshold)
        tpr, low, high = _share(found, self.everybody.members.size, self.level)
        false, false_low, false_high = _share(alarms, others.size, self.level)
        tables = {
            "roc": beneath(self.curve, (_NOW, false, tpr, low, high)),
            "by_group": self._by_group(threshold, tpr),
            "named": self._listed(threshold),
        }
        return Answer(
            "who is named a training record",
            {"attack": self.attack, "fpr": fpr, "threshold": float(threshold)},
            (
                f"With false alarms for {false:.2%} [{false_low:.2%}, {false_high:.2%}] of non-members, the attack names "
                f"{found:,} of {self.everybody.members.size:,} members: {tpr:.2%} [{low:.2%}, {high:.2%}]. {_odds(tpr, false)}"
            ),
            "That the model gives away no more than this: a stronger attack may find more members. The threshold was set on these very non-members.",
            tables,
        )

    def _by_group(self, threshold: float, overall: float) -> Table:
        rows = [
            (label, word, *_share(_named(scores, threshold), scores.size, self.level), scores.size)
            for label, part in self.groups.items()
            for word, scores in (("members named", part.members), ("non-members named", part.others))
        ]
        labels = {
            "value": "share named a training record", "n": "records", "order": "group", "reference": "members of all groups",
        }  # fmt: skip
        return Table(
            "Who is named, by class and group",
            columns_of(ESTIMATES, rows),
            "estimates",
            labels,
            "Members named are found out; non-members named are false alarms. A group is exposed where the two lie apart. Exact intervals (Clopper and Pearson 1934).",
            reference=overall,
        )

    def _listed(self, threshold: float) -> Table:
        others = self.everybody.others
        as_high = others.size - np.searchsorted(others, self.exposed, "left")
        columns = {
            "record": self.pseudonyms,
            "named": tuple("named" if score >= threshold else "not named" for score in self.exposed),
            "others_as_high": tuple(int(v) for v in as_high),
        }
        labels = {
            "record": "Record (pseudonym)",
            "named": "At this threshold",
            "others_as_high": f"Non-members that score as high, of {others.size:,}",
        }
        summary = "`Dataset.record_ids` of the training data gives the pseudonyms of its rows."
        return Table("The most exposed training records", columns, "plain", labels, summary)


def _part(scores: np.ndarray, truth: np.ndarray) -> _Part:
    return _Part(np.sort(scores[truth]), np.sort(scores[~truth]))


def _named(ascending: np.ndarray, threshold: float) -> int:
    return int(ascending.size - np.searchsorted(ascending, threshold, "left"))


def _share(found: int, of: int, level: float) -> tuple[float, float, float]:
    low, high = statistics.clopper_pearson(found, of, level)
    return found / of, float(low), float(high)


def _odds(tpr: float, fpr: float) -> str:
    """Return how far being named is to be believed, where half of the records are members."""
    if tpr + fpr == 0:
        return "Nobody is named."
    return f"Were half of all records members, {tpr / (tpr + fpr):.0%} of those it names would be."


def _curve(scores: np.ndarray, truth: np.ndarray, attack: str, level: float) -> Table:
    curve = statistics.roc_curve(scores, truth, max_points=200)
    members = int(truth.sum())
    ends = statistics.clopper_pearson(np.rint(curve.tpr * members), np.full(curve.tpr.size, members), level)
    columns = {
        "series": ("the attack",) * curve.tpr.size,
        "fpr": tuple(curve.fpr.tolist()),
        "tpr": tuple(curve.tpr.tolist()),
        "low": tuple(np.asarray(ends.low).tolist()),
        "high": tuple(np.asarray(ends.high).tolist()),
    }
    labels = {"fpr": "False positive rate", "tpr": "True positive rate", "series": "Attack"}
    summary = (
        f"Attack: {attack}. True against false positive rate on logarithmic axes; the diagonal is guessing."
    )
    return Table("Members found against false alarms", columns, "roc", labels, summary)
