"""Attack: one hidden feature guessed with the model and without it, for records of the training and for others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit import progress
from auditkit.methods import attribute_inference as methods
from auditkit.methods.equivalence import quantile_edges

if TYPE_CHECKING:
    from auditkit.frames import Codec
    from auditkit.methods.attribute_inference import Advantage
    from auditkit.subject import Subject

__all__ = ["WORDS", "AttackName", "Result", "Rows", "attack"]

AttackName = Literal["inversion", "confidence", "learned"]
WORDS: dict[str, str] = {
    "inversion": "model inversion",
    "confidence": "confidence alone",
    "learned": "learned attack",
}
_MOST_VALUES = 10  # values of a category that are guessed; numbers of more are put in bins


@dataclass(frozen=True, eq=False)
class Rows:
    """The records of an attack, one after the other: population, members, others.

    Attributes
    ----------
    table : ndarray of float, shape (n, d)
        Inputs as codes.
    y : ndarray of shape (n,)
        Labels or values of the target.
    sizes : tuple of (int, int, int)
        Of population, members and others, in that order; no members where there are no training rows.
    """

    table: np.ndarray
    y: np.ndarray
    sizes: tuple[int, int, int]

    def part(self, name: Literal["population", "members", "others"]) -> slice:
        """Return where the records of a part stand."""
        start, members, _ = self.sizes
        ends = {
            "population": (0, start),
            "members": (start, start + members),
            "others": (start + members, None),
        }
        return slice(*ends[name])


@dataclass(frozen=True)
class Result:
    """What was found of one feature.

    Attributes
    ----------
    members, others : dict of str to Advantage
        By attack, what it adds to the baseline on each kind of record.
    notes : tuple of str
        What must be known: values nobody guesses, attacks left out.
    reason : str
        Why nothing could be found; empty otherwise.
    """

    members: dict[str, Advantage] = field(default_factory=dict)
    others: dict[str, Advantage] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reason: str = ""


def attack(
    subject: Subject,
    codec: Codec,
    rows: Rows,
    column: int,
    attacks: list[AttackName],
    *,
    bins: int,
    knows_label: bool,
    seed: int,
    level: float,
) -> Result:
    """Guess one column of the records by each attack and by the baseline.

    Parameters
    ----------
    subject : Subject
        Whose model is asked, once for each value the feature may have.
    codec : Codec
        How codes become inputs.
    rows : Rows
        The records.
    column : int
        The hidden feature.
    attacks : list of str
        Which attacks.
    bins : int
        Bins of a number.
    knows_label : bool
        Whether the attacker, and the baseline, know the label.
    seed : int
        Of the imputers, which all share it.
    level : float
        Confidence level.
    """
    hidden = _values(rows, column, codec, bins)
    if len(hidden.candidates) < 2:
        return Result(reason="the population rows have one value of it only, so there is nothing to guess")
    progress.step(None, f"{codec.columns[column]}: imputer")
    known = _Known.of(subject, codec, rows, column, hidden.codes, knows_label=knows_label, seed=seed)
    baseline = known.imputed(known.table).argmax(axis=1)
    answers = _ask(subject, codec, rows, column, hidden.candidates)
    guesses, notes = _guesses(subject, rows, known, answers, attacks)
    found: dict[str, dict[str, Advantage]] = {"members": {}, "others": {}}
    for part, by_attack in found.items():
        at = rows.part(part)  # type: ignore[arg-type]
        truth = hidden.codes[at]
        if truth.size:
            by_attack |= {
                name: methods.advantage(guess[at], baseline[at], truth, level=level)
                for name, guess in guesses.items()
            }
    reason = (
        "" if guesses else "no attack that was chosen fits what the attacker knows, and what the model gives"
    )
    return Result(found["members"], found["others"], (*hidden.notes, *notes), reason)


@dataclass(frozen=True, eq=False)
class _Hidden:
    """The hidden feature: each record's value as a code (-1: nobody guesses it), what the model is told for each code, and notes."""

    codes: np.ndarray
    candidates: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Known:
    """What the attacker knows of each record, and the imputer that learns from it: with the label (`table`), and without."""

    table: np.ndarray
    flags: np.ndarray
    without_label: np.ndarray
    codes: np.ndarray
    population: np.ndarray
    seed: int
    label: bool

    @classmethod
    def of(
        cls,
        subject: Subject,
        codec: Codec,
        rows: Rows,
        column: int,
        codes: np.ndarray,
        *,
        knows_label: bool,
        seed: int,
    ) -> _Known:
        others = np.delete(rows.table, column, axis=1)
        flags = np.delete(np.array([kind == "categorical" for kind in codec.kinds], dtype=bool), column)
        table = others
        if knows_label:
            number = subject.task == "regression"
            label = np.asarray(rows.y, dtype=float) if number else subject.class_index(rows.y)
            table, flags = np.column_stack([others, label]), np.append(flags, not number)
        population = np.arange(len(rows.y)) < rows.sizes[0]
        return cls(table, flags, others, codes, population, seed, knows_label)

    def imputed(self, table: np.ndarray) -> np.ndarray:
        """Return the probabilities of the hidden values given a table that begins, or ends early, as `table` does."""
        width = table.shape[1]
        flags = np.zeros(width, dtype=bool)
        flags[: len(self.flags)] = self.flags[:width]
        return methods.impute(table, flags, self.codes, population=self.population, seed=self.seed)


def _guesses(
    subject: Subject, rows: Rows, known: _Known, answers: np.ndarray, attacks: list[AttackName]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return what each attack guesses of each record, and which could not be made."""
    likelihood = _likelihood(subject, rows, known.codes, answers) if known.label else None
    guesses: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for name in attacks:
        progress.step(None, WORDS[name])
        words = f"{WORDS[name][0].upper()}{WORDS[name][1:]}"
        if name == "learned":
            raw = answers.transpose(1, 0, *range(2, answers.ndim)).reshape(len(rows.y), -1)
            told = raw if likelihood is None else np.log(likelihood)
            guesses[name] = known.imputed(np.column_stack([known.table, told])).argmax(axis=1)
        elif likelihood is None:
            notes.append(f"{words} needs the label, which the attacker was said not to know.")
        elif name == "inversion":
            guesses[name] = methods.invert(known.imputed(known.without_label), likelihood)
        elif subject.task == "regression" or not subject.model.has_proba:
            notes.append(f"{words} needs class probabilities, which this model does not give.")
        else:
            guesses[name] = methods.by_confidence(answers, subject.class_index(rows.y))
    return guesses, notes


def _values(rows: Rows, column: int, codec: Codec, bins: int) -> _Hidden:
    """Return the hidden feature as codes: numbers of many values in bins, the most frequent values of a category."""
    values = rows.table[:, column]
    known = values[rows.part("population")]
    present = known[np.isfinite(known)]
    distinct, counts = np.unique(present, return_counts=True)
    notes: list[str] = []
    name = codec.columns[column]
    if codec.kinds[column] != "categorical" and len(distinct) > _MOST_VALUES:
        edges = np.asarray(quantile_edges(present, bins))
        codes = np.searchsorted(edges, values, side="right")
        own = np.searchsorted(edges, present, side="right")
        candidates = np.array(
            [np.quantile(present[own == b], 0.5, method="nearest") for b in range(len(edges) + 1)]
        )
        notes.append(
            f"{name} is guessed as one of {len(candidates)} bins; the model is asked about the middle of each."
        )
    else:
        kept = np.sort(distinct[np.argsort(-counts, kind="stable")][:_MOST_VALUES])
        place = np.clip(np.searchsorted(kept, values), 0, max(len(kept) - 1, 0))
        codes = np.where(kept[place] == values, place, -1) if len(kept) else np.full(len(values), -1)
        candidates = kept
        if len(kept) < len(distinct):
            notes.append(
                f"{name} has {len(distinct)} values; the {len(kept)} most frequent are guessed, others count as not found."
            )
    if len(present) < len(known):
        codes = np.where(np.isnan(values), len(candidates), codes)
        candidates = np.append(candidates, np.nan)
    else:
        codes = np.where(np.isnan(values), -1, codes)
    return _Hidden(codes.astype(np.int64), candidates, tuple(notes))


def _ask(subject: Subject, codec: Codec, rows: Rows, column: int, candidates: np.ndarray) -> np.ndarray:
    """Return the model's answers with the feature set to each candidate: (values, n, classes), or (values, n) of a regression."""
    found = []
    changed = rows.table.copy()
    for i, value in enumerate(candidates):
        progress.step(None, f"{codec.columns[column]}: value {i + 1} of {len(candidates)}")
        changed[:, column] = value
        found.append(_answers(subject, codec.decode(changed)))
    return np.array(found)


def _answers(subject: Subject, frame: Any) -> np.ndarray:
    if subject.task == "regression":
        return np.asarray(subject.model.predict(frame), dtype=float)
    if subject.model.has_proba:
        return np.asarray(subject.model.predict_proba(frame), dtype=float)
    width = 0 if subject.classes is None else len(subject.classes)
    return np.asarray(np.eye(width)[subject.class_index(subject.model.predict(frame))])


def _likelihood(subject: Subject, rows: Rows, codes: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return how probable the known label is under each candidate, shape (n, values)."""
    if subject.task != "regression" and subject.model.has_proba:
        return methods.label_likelihood(answers, subject.class_index(rows.y))
    # how far the model is to be believed is read off population rows under their own value
    seen = np.flatnonzero((np.arange(len(codes)) < rows.sizes[0]) & (codes >= 0))
    own = answers[codes[seen], seen]
    if subject.task == "regression":
        return methods.value_likelihood(
            answers, rows.y, float(np.sqrt(np.mean(np.square(own - rows.y[seen]))))
        )
    label = subject.class_index(rows.y)
    told = answers.argmax(axis=2)
    return methods.confusion_likelihood(told, label, own.argmax(axis=1), label[seen], answers.shape[2])
