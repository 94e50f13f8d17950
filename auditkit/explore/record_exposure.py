"""Record exposure: how one record stands out as a training record, against models that saw it and models that did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from auditkit import shared, statistics
from auditkit.checks import _common as common
from auditkit.checks.membership._refits import needs_refits, reference_set
from auditkit.checks.membership._view import View, in_and_out, means_of, offline_scores, view_of
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Table
from auditkit.explore.answer import Answer
from auditkit.render.text import count, number, share

if TYPE_CHECKING:
    from auditkit.subject import Split, Subject

__all__ = ["RecordExposure"]

ATTACK = "RMIA, offline"
"""The attack that AK202 lists the most exposed records by."""


@dataclass(frozen=True, eq=False)
class RecordExposure:
    """Every attacked record with what the model and the reference models say of it.

    Attributes
    ----------
    subject : Subject
        Whose records they are.
    place : dict of str to dict of int to int
        By data and row number, where a record stands in the arrays.
    member : ndarray of bool, shape (r,)
        Whether each is a training record.
    scores : ndarray of shape (r,)
        Of the attack; higher for what looks like a training record.
    view : View
        How sure the model and the reference models are of each record's label, and which of these were trained on it.
    level : float
        Confidence level.
    """

    subject: Subject
    place: dict[str, dict[int, int]]
    member: np.ndarray
    scores: np.ndarray
    view: View
    level: float = 0.95

    @classmethod
    def prepare(
        cls,
        subject: Subject,
        *,
        references: int = 8,
        pool: int = 20_000,
        rows: int = 5_000,
        level: float = 0.95,
    ) -> Self:
        """Train the reference models, or take those that a membership check of the same audit trained with the same settings.

        Parameters
        ----------
        subject : Subject
            A classifier with training rows that gives probabilities and can be trained again.
        references, pool, rows : int
            As AK202 takes them.
        level : float
            Confidence level.

        Raises
        ------
        NotApplicable
            If reference models cannot be trained, or the test rows were trained on.
        """
        if reason := common.not_held_out(subject) if subject.train is not None else "":
            raise NotApplicable(f"no attack tells members from others here: {reason}")
        rng = np.random.default_rng(shared.seed_of("record exposure", np.random.default_rng(0)))
        plan, asked = reference_set(subject, references=references, pool=pool, rows=rows, rng=rng)
        view = view_of(subject, plan, asked, rng)
        inside, outside = plan.inside.tolist(), plan.outside.tolist()
        place = {
            "train": {row: at for at, row in enumerate(inside)},
            "test": {row: len(inside) + at for at, row in enumerate(outside)},
        }
        member = plan.truth[plan.attacked]
        return cls(subject, place, member, offline_scores(view), view, level)

    def __repr__(self) -> str:
        return f"RecordExposure({self.subject.name}: {len(self.view.logits)} reference models; .at(row) to ask, .order() for the most exposed)"

    @staticmethod
    def lacks(subject: Subject) -> str:
        """Return what keeps reference models from being trained; empty where nothing does. Asks the model nothing."""
        try:
            needs_refits(subject, asking=False)
        except NotApplicable as missing:
            return str(missing)
        return ""

    def rows(self, split: Split = "train") -> np.ndarray:
        """Return the row numbers of the attacked records, in their order."""
        return np.sort(np.array(list(self.place[split]), dtype=np.intp))

    def order(self, split: Split = "train") -> np.ndarray:
        """Return the row numbers of the attacked records, the most exposed first."""
        rows = np.array(list(self.place[split]), dtype=np.intp)
        at = np.array(list(self.place[split].values()), dtype=np.intp)
        return rows[np.argsort(-self.scores[at], kind="stable")]

    def at(self, row: int, *, split: Split = "train") -> Answer:
        """Say how a record stands out; none of its values is told.

        Parameters
        ----------
        row : int
            Row number, from 0.
        split : {"test", "train"}
            Whose row it is.

        Returns
        -------
        Answer
            Tables ``in_out`` (a dot for each model), ``sure`` (their means) and ``standing`` (how many others score as high).

        Raises
        ------
        InputError
            If there is no such row.
        NotApplicable
            If it is not among the records that were attacked.
        """
        data = self.subject.split(split)
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or not 0 <= row < len(data):
            raise InputError(f"rows are numbered from 0 to {len(data) - 1}; got {row!r}")
        if int(row) not in self.place[split]:
            kept = "served as population" if split == "test" else "were not drawn"
            raise NotApplicable(
                f"this row is not among the {len(self.place[split]):,} {_ROWS[split]}s that were attacked; the others {kept}"
            )
        at = self.place[split][int(row)]
        (name,) = data.record_ids(np.array([row]))
        others = self.scores[~self.member & (np.arange(len(self.scores)) != at)]
        as_high = int((others >= self.scores[at]).sum())
        low, high = statistics.clopper_pearson(as_high, len(others), self.level)
        ends = (float(low), float(high))
        groups = in_and_out(self.view, at)
        return Answer(
            f"exposure of record {name} of the {_ROWS[split]}s",
            {"record": name, "data": split, "attack": ATTACK},
            self._says(split, groups, (as_high, len(others)), ends),
            (
                f"That it is safe, where it does not stand out: {len(self.view.logits)} reference models are few, and another attack may find what "
                "this one does not. Nor, where it does, that somebody outside holds what this attack needs."
            ),
            {
                "in_out": _dots(name, groups),
                "sure": self._sure(name, groups),
                "standing": _standing(name, as_high, len(others), ends),
            },
        )

    def _says(
        self,
        split: Split,
        groups: tuple[tuple[str, np.ndarray], ...],
        counted: tuple[int, int],
        ends: tuple[float, float],
    ) -> str:
        as_high, n = counted
        inside, outside, own = (float(np.mean(values)) for _, values in groups)
        part = f"{share(as_high / n)} [{share(ends[0])}, {share(ends[1])}]"
        first = (
            f"The model is sure of this {_ROWS[split]}'s label with a logit of {number(own)}; reference models trained on it with "
            f"{number(inside)} on average, those not trained on it with {number(outside)}."
        )
        if split == "test":
            return f"{first} It was not trained on, and {as_high:,} of {n:,} other such records, {part}, look as much like training records."
        return (
            f"{first} {as_high:,} of {n:,} records that were not trained on, {part}, look as much like training records: whoever names all "
            "that score so high is wrong about that part of them."
        )

    def _sure(self, name: str, groups: tuple[tuple[str, np.ndarray], ...]) -> Table:
        return Table(
            f"How sure models are of record {name}",
            means_of(groups, self.level),
            "estimates",
            {"label": "Asked", "value": _LOGIT, "n": "models", "order": "who saw it"},
            "The intervals are of the mean over models (Student's t).",
        )


_ROWS = {"test": "test row", "train": "training row"}
_LOGIT = "Logit of the confidence in its label"


def _dots(name: str, groups: tuple[tuple[str, np.ndarray], ...]) -> Table:
    label = [word for word, values in groups for _ in values]
    value = [float(v) for _, values in groups for v in values]
    return Table(
        f"Record {name}, in and out of training",
        {"label": tuple(label), "value": tuple(value), "strength": (None,) * len(value)},
        "beeswarm",
        {"value": _LOGIT},
        "One mark a model: how sure it is of the record's own label; 0 is a probability of one half. Where the model under audit lies "
        "among those that were trained on the record and away from the others, the record can be told.",
    )


def _standing(name: str, as_high: int, n: int, ends: tuple[float, float]) -> Table:
    columns = {
        "what": ("others that score as high",),
        "others_as_high": (count(as_high),),
        "of_others": (count(n),),
        "value": (as_high / n if n else float("nan"),),
        "low": (ends[0],),
        "high": (ends[1],),
    }
    labels = {
        "value": "share",
        "others_as_high": "records that were not trained on and score as high",
        "of_others": "of",
    }
    summary = f"Attack: {ATTACK}. The interval is Clopper and Pearson's, of the share among all such records."
    return Table(f"Where record {name} stands", columns, "plain", labels, summary)
