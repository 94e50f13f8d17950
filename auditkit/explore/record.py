"""Records: one record at a time: why the model answers as it does, and what it would answer if the record were another."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from auditkit import progress, shared
from auditkit.checks import _common as common
from auditkit.checks.explainability._explainers import explain
from auditkit.checks.explainability._ready import Ready, exact
from auditkit.checks.robustness._threats import threat_of
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.explore import record_tables as shown
from auditkit.explore._own import by_margin
from auditkit.explore.answer import Answer
from auditkit.explore.record_inputs import (
    RecordInput,
    changed_frame,
    changed_inputs,
    ends_of,
    inputs_of,
    set_codes,
    word_of,
)
from auditkit.explore.record_tables import Reasons, Said
from auditkit.explore.record_ways import RecordWays, Search, aim_of, search_ways

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from auditkit.methods.feature_space import Norm
    from auditkit.subject import Split, Subject
    from auditkit.threat import ThreatModel

__all__ = ["Order", "Records"]

Order = Literal["row number", "most borderline"]

SLOW = 0.1
"""Seconds for the answer about one row, from which on a drag waits for the model."""

# seconds within which an explanation follows a drag; an exact one is waited for somewhat
_LIVE, _LIVE_EXACT = 0.06, 0.3
# rows an explainer is tried on, and records that are kept in mind
_PROBED, _REMEMBERED = 50, 500


@dataclass(frozen=True, eq=False)
class _Seen:
    """A record as it is."""

    frame: pd.DataFrame
    codes: np.ndarray
    said: Said
    name: str


@dataclass(frozen=True, eq=False)
class Records:
    """The records of a subject, one at a time; the model is asked about one row at each change.

    Attributes
    ----------
    subject : Subject
        Whose records they are.
    threat : ThreatModel
        What may change.
    background : DataFrame
        Rows that stand for an unknown value.
    ends : ndarray of shape (2, features)
        Least and greatest code in the test and training rows.
    ready : Ready or None
        The exact explainer; None where the model has to be asked.
    live : bool
        Whether contributions follow a drag; else they are made on demand, by `explain`.
    seconds : float
        How long the answer about one row took.
    by_proba : bool
        Whether the answer is the most probable label, as it is for every row of the data.
    seed : int
        Of what is drawn.
    search : Search
        How ways to another answer are looked for.
    """

    subject: Subject
    threat: ThreatModel
    background: pd.DataFrame
    ends: np.ndarray
    ready: Ready | None
    live: bool
    seconds: float
    by_proba: bool
    seed: int
    search: Search
    _reasons: dict[Any, Reasons] = field(default_factory=dict, repr=False)
    _records: dict[tuple[Split, int], _Seen] = field(default_factory=dict, repr=False)

    @classmethod
    def prepare(
        cls,
        subject: Subject,
        *,
        background: int = 100,
        immutable: Sequence[str] | None = None,
        norm: Norm = "l1",
        radius: float | None = None,
        several: int = 4,
        max_calls: int = 150,
    ) -> Self:
        """Ask about the rows, try the explainer, and time the answer about one row.

        Parameters
        ----------
        subject : Subject
            With a model to ask.
        background : int
            Rows that stand for unknown values, as in AK401.
        immutable, norm, radius, several, max_calls
            What nobody can change, and how ways are looked for, as in AK407.

        Raises
        ------
        NotApplicable
            If only predictions are known, or there are no inputs.
        """
        common.needs_model(subject)
        threat = threat_of(subject, immutable=immutable, radius=None, norm=None)
        progress.step(0.1, "asking about the rows")
        every = [subject.test] if subject.train is None else [subject.test, subject.train]
        names: tuple[Split, ...] = ("test",) if subject.train is None else ("test", "train")
        by_proba = subject.task != "regression" and bool(subject.model.has_proba)
        for name in names:
            answers = subject.answers(name)
            if by_proba and answers.proba is not None:
                by_proba = bool((subject.labels_of(answers.proba) == answers.labels).all())
            progress.step(0.4, "asking about the rows")
        codes = [threat.coding.collapse(threat.coding.codec.encode(one.X), strict=False) for one in every]
        seed = shared.seed_of("one record", np.random.default_rng(0))
        rng = np.random.default_rng(seed)
        source = every[-1]
        behind = source.X.iloc[common.draw(len(source), background, rng)].reset_index(drop=True)
        sample = subject.test.X.iloc[common.draw(len(subject.test), _PROBED, rng)].reset_index(drop=True)
        progress.step(0.6, "trying the explainer")
        found = exact(subject, sample, behind)
        made = cls(
            subject, threat, behind, ends_of(codes), found, found is not None, 0.0, by_proba, seed,
            Search(norm, radius, several, max_calls),
        )  # fmt: skip
        seconds, explained = made._timed()
        return replace(made, live=explained <= (_LIVE if found is None else _LIVE_EXACT), seconds=seconds)

    def __repr__(self) -> str:
        return f"Records({self.subject.name}; .at(row, changes) to ask, .ways(row) for what would flip it)"

    @property
    def splits(self) -> tuple[Split, ...]:
        """The data that records can be picked from."""
        return ("test",) if self.subject.train is None else ("test", "train")

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders that records can be picked in."""
        known = self.subject.task != "regression" and bool(self.subject.model.has_proba)
        return ("most borderline", "row number") if known else ("row number",)

    @property
    def slow(self) -> str:
        """How long a drag waits for the model, in a sentence; empty where it does not."""
        if self.seconds <= SLOW:
            return ""
        return f"The model takes about {self.seconds:.1g} s for one row: what is shown follows a drag when it is let go."

    def order(self, by: Order, split: Split = "test") -> np.ndarray:
        """Return all row numbers in an order: most borderline is what is nearest to being decided otherwise.

        Raises
        ------
        InputError
            If there is no such order.
        """
        if by not in self.orders:
            raise InputError(f"no order {by!r} here.{did_you_mean(by, self.orders)}")
        data = self.subject.split(split)
        if by == "row number":
            return np.arange(len(data))
        return by_margin(self.subject, split)

    def inputs(self, row: int, split: Split = "test") -> tuple[RecordInput, ...]:
        """Return what can be set of a record, and why the rest is held."""
        return inputs_of(self.threat, self._seen(row, split).codes, self.ends)

    def leading(self, row: int, split: Split = "test") -> list[str]:
        """Return the inputs that contribute most to a record, as the threat model names them; none where contributions are not there yet."""
        seen = self._seen(row, split)
        reasons = self._why(seen.frame, _about(seen.said), None)
        if reasons is None:
            return []
        sizes = np.abs(reasons.values)
        of = [float(sizes[places].sum()) for places in self.threat.coding.at]
        return [self.threat.features[j].name for j in np.argsort(np.negative(of), kind="stable")]

    def name(self, row: int, split: Split = "test") -> str:
        """Return the record's pseudonym, as the checks give it."""
        return self._seen(row, split).name

    def at(
        self,
        row: int,
        changes: Mapping[str, Any] | None = None,
        *,
        split: Split = "test",
        values: bool = True,
        explained: bool | None = None,
    ) -> Answer:
        """Say what the model answers for a record, as it is or changed, and why.

        Parameters
        ----------
        row : int
            Row number, from 0.
        changes : mapping of str to value, optional
            Other values, by the threat model's name of an input; a tuple for inputs that change together. What it does not allow is
            answered, and said to be so.
        split : {"test", "train"}
            Whose row it is.
        values : bool
            Whether the record's values are told; else inputs are named only, and numbers rounded as shown: contributions tell of values.
        explained : bool, optional
            Whether contributions are made, in the time that takes; where left out, if they follow a drag or are there already.

        Returns
        -------
        Answer
            Tables ``why`` (a waterfall in input columns), ``answer`` (before and after), and for a changed record ``changed`` and
            ``parts`` (contributions before and after).

        Raises
        ------
        InputError
            If there is no such row, input or value.
        """
        seen = self._seen(row, split)
        original, said, name = seen.frame, seen.said, seen.name
        after = set_codes(self.threat, seen.codes, changes or {})
        changed = changed_frame(self.threat, original, seen.codes, after)
        moved = changed_inputs(original, changed)
        now = self._ask(changed) if moved else said
        about, tables = _about(said), {}
        reasons = self._why(changed, about, explained)
        if reasons is not None:
            tables["why"] = shown.waterfall(reasons, changed, name, changed=bool(moved), values=values)
        tables["answer"] = shown.answer_table(self.subject, said, now)
        if moved:
            tables["changed"] = shown.changed_table(moved, values=values)
            first = self._why(original, about, explained)
            if first is not None and reasons is not None:
                tables["parts"] = shown.parts_table(first, reasons)
        words = shown.told(
            self.subject, said, now, moved, self._not_allowed(seen.codes, after), values=values
        )
        answer = Answer(
            f"record {name} of the {_ROWS[split]}",
            {"record": name, "data": split, "changed": {n: word_of(v) if values else "" for n, _, v in moved}},
            words if reasons is None else f"{words} {shown.because(reasons)}",
            (
                "What would happen if the person's circumstances changed: it is the model's answer to a form, not about causes. And "
                "contributions say what this model rests on, not what is right."
            ),
            tables,
        )  # fmt: skip
        return answer if values else answer.rounded()

    def explain(self, row: int, changes: Mapping[str, Any] | None = None, *, split: Split = "test") -> None:
        """Make the contributions of a record, and of the changed one, and remember them; takes the time of an explanation.

        Raises
        ------
        InputError
            If there is no such row, input or value.
        NotApplicable
            If the model would have to be asked more often than is sensible.
        """
        self.at(row, changes, split=split, explained=True)

    def ways(
        self,
        row: int,
        *,
        split: Split = "test",
        wanted: str | None = None,
        at_least: float | None = None,
        at_most: float | None = None,
        several: int | None = None,
        max_calls: int | None = None,
    ) -> RecordWays:
        """Search for changes that get another answer, within the threat model: few inputs first, then at little cost, several that differ.

        Parameters
        ----------
        row : int
            Row number, from 0.
        split : {"test", "train"}
            Whose row it is.
        wanted : str, optional
            The answer; the likeliest other one when left out.
        at_least, at_most : float, optional
            Of a regression: the values; past the median of the answers when left out.
        several, max_calls : int, optional
            Different ways, and calls to the model, at most; as prepared when left out.

        Raises
        ------
        InputError
            If there is no such row or answer.
        NotApplicable
            If nothing may change, or the record has the answer.
        """
        seen, how = self._seen(row, split), self.search
        how = replace(how, several=several or how.several, max_calls=max_calls or how.max_calls)
        rng = np.random.default_rng([self.seed, row])
        aim = aim_of(self.subject, seen.said, wanted, at_least, at_most)
        return search_ways(self.subject, self.threat, seen.frame, seen.name, rng, **aim, how=how)

    def _seen(self, row: int, split: Split) -> _Seen:
        data = self.subject.split(split)
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or not 0 <= row < len(data):
            raise InputError(f"the {_ROWS[split]} are numbered from 0 to {len(data) - 1}; got {row!r}")
        key = (split, int(row))
        if key not in self._records:
            frame = data.X.iloc[[int(row)]].reset_index(drop=True)
            coding = self.threat.coding
            codes = coding.collapse(coding.codec.encode(frame), strict=False)[0]
            _make_room(self._records)
            self._records[key] = _Seen(frame, codes, self._ask(frame), data.record_ids(np.array([row]))[0])
        return self._records[key]

    def _ask(self, frame: pd.DataFrame) -> Said:
        return Said.of(self.subject, frame, by_proba=self.by_proba)

    def _timed(self) -> tuple[float, float]:
        """Return how long an answer about one row takes, and an explanation of it; the middle of three, and one after a first."""
        frame, times = self._seen(0, "test").frame, []
        for _ in range(3):
            start = time.perf_counter()
            self._ask(frame)
            times.append(time.perf_counter() - start)
        took = float("inf")
        for turn in range(2):  # the first loads what later ones find loaded
            start = time.perf_counter()
            try:
                self._explained(frame, turn)
            except NotApplicable:
                break
            took = time.perf_counter() - start
            if took > 20 * _LIVE:
                break
        return sorted(times)[1], took

    def _why(self, frame: pd.DataFrame, about: int | None, explained: bool | None) -> Reasons | None:  # noqa: FBT001
        """Return the contributions of a row, remembered, or made if that is quick or asked for; None where they are not there."""
        key = (about, repr(frame.iloc[0].tolist()))
        if key in self._reasons or not (self.live if explained is None else explained):
            return self._reasons.get(key)
        found = self._explained(frame, zlib.crc32(key[1].encode()))
        _make_room(self._reasons)
        self._reasons[key] = Reasons.of(self.subject, found, about)
        return self._reasons[key]

    def _explained(self, frame: pd.DataFrame, draw: int) -> Any:
        if self.ready is not None:
            return self.ready(frame)
        return explain(self.subject, frame, self.background, np.random.default_rng([self.seed, draw]))

    def _not_allowed(self, before: np.ndarray, after: np.ndarray) -> list[str]:
        bad = self.threat.space.violations(before[None], after[None])[0]
        return [one.name for one, wrong in zip(self.threat.features, bad, strict=True) if wrong]


_ROWS = {"test": "test rows", "train": "training rows"}


def _about(said: Said) -> int | None:
    """Return which class contributions are told about: the likeliest of the record as it is."""
    return None if said.proba is None else int(said.proba.argmax())


def _make_room(memory: dict[Any, Any]) -> None:
    """Forget the oldest, where there is too much."""
    while len(memory) >= _REMEMBERED:
        memory.pop(next(iter(memory)))
