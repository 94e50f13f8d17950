"""Record ways: what would flip the answer for one record, within the threat model, as changes that a form can take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks.explainability._goal import goal_of
from auditkit.checks.explainability._searched import drafted, ways_found
from auditkit.checks.robustness._threats import allowed_words, sized
from auditkit.errors import NotApplicable
from auditkit.evidence import Table
from auditkit.explore.answer import Answer
from auditkit.explore.record_inputs import word_of
from auditkit.render.text import number

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.explore.record_tables import Said
    from auditkit.methods.feature_space import Norm
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["RecordWays", "Search", "Way", "aim_of", "middle_answer", "search_ways"]


@dataclass(frozen=True, slots=True)
class Search:
    """How ways are searched for, as AK407 does.

    Attributes
    ----------
    norm : str
        How changes of several inputs add up to a cost.
    radius : float or None
        Largest cost that counts; any where None.
    several, max_calls : int
        Different ways, and calls to the model, at most.
    """

    norm: Norm = "l1"
    radius: float | None = None
    several: int = 4
    max_calls: int = 150


@dataclass(frozen=True, slots=True)
class Way:
    """One change that gets the wanted answer.

    Attributes
    ----------
    changes : dict of str to object
        New values by the threat model's name of an input, as `Records.at` takes them.
    moved : tuple of (str, object, object)
        Input, value before and value after, of each feature that changes.
    cost : float
        In the units of the threat model.
    output : float
        Probability of the wanted answer afterwards, or the value; nan where the model gives labels only.
    """

    changes: dict[str, Any]
    moved: tuple[tuple[str, Any, Any], ...]
    cost: float
    output: float


@dataclass(frozen=True, eq=False)
class RecordWays:
    """The ways that were found for one record; each was asked about again as the model reads it.

    Attributes
    ----------
    record : str
        Its pseudonym.
    wanted : str
        The answer looked for, in words.
    ways : tuple of Way
        The fewest changes first; none where none was found.
    unit : str
        What a cost of 2 would be, without the number: "robust standard deviations (l1)".
    output : str
        What `Way.output` is.
    drafted : str
        That nobody checked what may change, where the threat model is a draft; else empty.
    allowed : tuple of str
        What was allowed, in words.
    calls, rows : int
        What the search asked of the model.
    """

    record: str
    wanted: str
    ways: tuple[Way, ...]
    unit: str
    output: str
    drafted: str
    allowed: tuple[str, ...]
    calls: int
    rows: int

    def answer(self, *, values: bool = True) -> Answer:
        """Return what was found, with the record's values or with the names of inputs alone.

        Parameters
        ----------
        values : bool
            Whether values before and after are told; else numbers have the digits that are shown.
        """
        answer = Answer(
            f"ways of record {self.record}",
            {"record": self.record, "wanted": self.wanted},
            self.drafted + self._says(values=values),
            (
                "That no other way exists, or that a person who makes the change gets the other outcome in life: a changed form is not a "
                "changed person."
            ),
            {"ways": self._table(values=values)} if self.ways else {},
        )
        return answer if values else answer.rounded()

    def _says(self, *, values: bool) -> str:
        if not self.ways:
            return (
                f"No allowed change was found that gets {self.wanted}, in {self.calls:,} calls to the model."
            )
        first = self.ways[0]
        parts = [f"{name} {word_of(a)} → {word_of(b)}" if values else name for name, a, b in first.moved]
        many = "one way was" if len(self.ways) == 1 else f"{len(self.ways)} different ways were"
        cheapest = min(way.cost for way in self.ways)
        return (
            f"To get {self.wanted}, {many} found; the simplest changes {', '.join(parts)}, and the cheapest costs {number(cheapest)} "
            f"{self.unit}."
        )

    def _table(self, *, values: bool) -> Table:
        lines: list[tuple[Any, ...]] = []
        for at, way in enumerate(self.ways):
            for name, before, after in way.moved:
                shown = (word_of(before), word_of(after)) if values else ()
                lines.append((at + 1, name, *shown, way.cost, way.output))
        keys = ("way", "input", *(("as it is", "changed to") if values else ()), "cost of the way", "output")
        columns = {key: tuple(line[at] for line in lines) for at, key in enumerate(keys)}
        return Table(
            f"Ways to {self.wanted}", columns, labels={"output": self.output},
            summary=(
                f"Each way is allowed by the threat model, and the model was asked about it again as it reads it. Costs are in {self.unit}. "
                + " ".join(self.allowed)
            ),
        )  # fmt: skip


def middle_answer(subject: Subject) -> float:
    """Return the median of what a regression answers for the test rows."""
    return float(np.median(subject.answers("test").labels))


def aim_of(
    subject: Subject, said: Said, wanted: str | None, at_least: float | None, at_most: float | None
) -> dict[str, Any]:
    """Return what is looked for of a record: what was asked for, else the likeliest other answer, or values past the middle answer.

    Parameters
    ----------
    subject : Subject
        Whose model answers.
    said : Said
        What it answers for the record.
    wanted, at_least, at_most
        What was asked for; None for each that was left out.
    """
    if subject.task == "regression" and at_least is None and at_most is None:
        middle = middle_answer(subject)
        at_least, at_most = (middle, None) if float(said.label) < middle else (None, middle)
    if subject.task != "regression" and wanted is None:
        classes = list(np.asarray(subject.classes))
        order = range(len(classes)) if said.proba is None else np.argsort(-said.proba, kind="stable").tolist()
        wanted = str(next(classes[at] for at in order if classes[at] != said.label))
    return {"wanted": wanted, "at_least": at_least, "at_most": at_most}


def search_ways(
    subject: Subject,
    threat: ThreatModel,
    original: pd.DataFrame,
    name: str,
    rng: np.random.Generator,
    *,
    wanted: str | None,
    at_least: float | None,
    at_most: float | None,
    how: Search,
) -> RecordWays:
    """Search for ways of one record, by what AK407 searches by.

    Parameters
    ----------
    subject : Subject
        Whose model is asked.
    threat : ThreatModel
        What may change.
    original : DataFrame
        The record, one row.
    name : str
        What it is called.
    rng : numpy.random.Generator
        For the search.
    wanted, at_least, at_most
        The answer, or the values of a regression.
    how : Search
        How it is searched.

    Raises
    ------
    NotApplicable
        If nothing may change, or the record has the answer.
    InputError
        If there is no such answer.
    """
    goal = goal_of(subject, wanted, at_least, at_most)
    threat = threat.within(2.0, how.norm)
    if np.isnan(threat.least_changes()).all():
        raise NotApplicable("no input may change: there is no way to look for")
    if goal.meets(original)[0]:
        raise NotApplicable(f"the record has the answer {goal.words} already")
    before = threat.encode(original)
    found = ways_found(subject, threat, original, before, goal, rng, how.several, how.radius, how.max_calls)
    ways: list[Way] = []
    if len(found.of):
        frame = threat.decode(found.rows)
        output = _outputs(subject, wanted, frame)
        changed = threat.space.changed(before[found.of], found.rows)
        for at in range(len(found.of)):
            moved = tuple(
                (
                    threat.features[j].name,
                    _value(threat, j, before[0, j]),
                    _value(threat, j, found.rows[at, j]),
                )
                for j in np.flatnonzero(changed[at]).tolist()
            )
            changes = {feature: after for feature, _, after in moved}
            ways.append(Way(changes, moved, float(found.cost[at]), float(output[at])))
    return RecordWays(
        name, goal.words, tuple(ways), sized(threat).removeprefix("2 "), _output_word(subject, wanted), drafted(subject, threat),
        allowed_words(threat), found.calls, found.asked,
    )  # fmt: skip


def _outputs(subject: Subject, wanted: str | None, frame: pd.DataFrame) -> np.ndarray:
    if subject.task == "regression":
        return np.asarray(subject.model.predict(frame), dtype=float)
    if not subject.model.has_proba:
        return np.full(len(frame), np.nan)
    at = [str(label) for label in np.asarray(subject.classes)].index(str(wanted))
    return np.asarray(subject.model.predict_proba(frame)[:, at])


def _output_word(subject: Subject, wanted: str | None) -> str:
    return "value afterwards" if subject.task == "regression" else f"probability of {wanted} afterwards"


def _value(threat: ThreatModel, j: int, code: float) -> Any:
    if np.isnan(code):
        return None
    one = threat.features[j]
    return one.values[int(code)] if one.coded else float(code)
