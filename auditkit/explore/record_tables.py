"""Record tables: what the model says of one record, before and after a change, as tables to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from auditkit.checks.explainability._explanation import from_to, in_words, label_of, named
from auditkit.evidence import Table
from auditkit.explore.record_inputs import word_of
from auditkit.render.text import number, share

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks.explainability._explanation import Explanation
    from auditkit.subject import Subject

__all__ = ["Reasons", "Said", "answer_table", "because", "changed_table", "parts_table", "told", "waterfall"]

_STEPS = 10  # parts of a waterfall, the rest together
_SIDE_BY_SIDE = 8  # parts before and after
_CLASSES = 10
_NORMAL = 1.959963984540054  # 97.5% quantile: an attribution is a mean of many orders


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says of one row.

    Attributes
    ----------
    label : object
        The answer, or the value.
    proba : ndarray of shape (k,) or None
        Of each class; None where the model gives none, and for a regression.
    """

    label: Any
    proba: np.ndarray | None

    @classmethod
    def of(cls, subject: Subject, frame: pd.DataFrame, *, by_proba: bool) -> Self:
        """Ask the model about the first row; `by_proba` is whether its answer is the most probable label."""
        model = subject.model
        gives = subject.task != "regression" and model.has_proba
        proba = model.predict_proba(frame)[0] if gives else None
        if proba is not None and by_proba:
            return cls(subject.labels_of(proba[None])[0], proba)
        return cls(model.predict(frame)[0], proba)


@dataclass(frozen=True, eq=False)
class Reasons:
    """The contributions of one row to one output.

    Attributes
    ----------
    names : tuple of str
        Inputs.
    values, errors : ndarray of shape (d,)
        Their parts of the output, and the standard errors where they were sampled, else 0.
    base, output : float
        Where the parts start, and what they add up to.
    method, why, unit : str
        The explainer, why it was chosen, and what the output is.
    label : object
        The label the output is about; None of a regression.
    rows : str
        Over which rows the base value is the mean.
    """

    names: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    base: float
    output: float
    method: str
    why: str
    unit: str
    label: Any
    rows: str

    @property
    def word(self) -> str:
        """What the output is, with the label it is about."""
        return named(self.unit, self.label)

    @classmethod
    def of(cls, subject: Subject, found: Explanation, about: int | None) -> Self:
        """Return the contributions of the first row, of several outputs about one of them."""
        values, base, output = found.values[0], found.base, found.output[0]
        label = label_of(subject)
        errors = np.zeros_like(values) if found.errors is None else np.nan_to_num(found.errors[0])
        if values.ndim == 2:
            at = int(np.argmax(output)) if about is None else about
            values, errors, base, output = values[:, at], errors[:, at], np.asarray(base)[at], output[at]
            label = None if subject.classes is None else subject.classes[at]
        rows = "rows the trees were grown on" if found.along_paths else "background rows"
        return cls(
            tuple(map(str, subject.test.X.columns)),
            values,
            errors,
            float(base),
            float(output),
            found.method,
            found.why,
            found.unit,
            label,
            rows,
        )

    def leading(self, many: int) -> list[int]:
        """Return the places of the largest parts."""
        return [int(j) for j in np.argsort(-np.abs(self.values), kind="stable")[:many]]


def told(
    subject: Subject,
    said: Said,
    now: Said,
    moved: list[tuple[str, Any, Any]],
    bad: list[str],
    *,
    values: bool,
) -> str:
    """Return in a sentence what the model answers, as the record is and changed, and whether the change is allowed.

    Parameters
    ----------
    subject : Subject
        Whose model answers.
    said, now : Said
        Of the record as it is, and as it stands.
    moved : list of (str, object, object)
        Inputs that differ, before and after.
    bad : list of str
        Those of them that the threat model does not allow.
    values : bool
        Whether values are told.
    """
    if not moved:
        return f"The model answers {_answer(subject, said)}."
    parts = [f"{name} {word_of(a)} → {word_of(b)}" if values else name for name, a, b in moved[:4]]
    more = f" and {len(moved) - 4} more" if len(moved) > 4 else ""
    verb = "stays" if str(now.label) == str(said.label) else "flips"
    end = "" if subject.task == "regression" else f": the answer {verb}"
    words = f"With {', '.join(parts)}{more} changed, the model answers {_answer(subject, now)}, before {_answer(subject, said)}{end}."
    return f"{words} The threat model does not allow this ({', '.join(bad)})." if bad else words


def because(reasons: Reasons) -> str:
    """Return in a sentence what the output is owed to."""
    top = [f"{reasons.names[j]} ({reasons.values[j]:+.2g})" for j in reasons.leading(3) if reasons.values[j]]
    if not top:
        return "No input moves the output from its base value."
    return f"The largest parts of the output are owed to {', '.join(top)}. {in_words(reasons.unit, reasons.label)}"


def waterfall(reasons: Reasons, frame: pd.DataFrame, name: str, *, changed: bool, values: bool) -> Table:
    """Return the way from the base value to the output, in input columns."""
    first = reasons.leading(_STEPS)
    rest = [j for j in range(len(reasons.names)) if j not in set(first)]
    parts = [(_called(reasons, frame, j, values=values), float(reasons.values[j]), "part") for j in first]
    if rest:
        parts.append((f"{len(rest)} other inputs", float(reasons.values[rest].sum()), "part"))
    lines = [
        ("base value (mean)", reasons.base, "base"),
        *parts,
        ("output for this record", reasons.output, "output"),
    ]
    cells = {key: tuple(line[at] for line in lines) for at, key in enumerate(("label", "value", "role"))}
    labels, said = {"value": reasons.word}, [number(reasons.base), number(reasons.output)]
    if reasons.unit == "log odds":
        so_far = np.array([reasons.base, *(reasons.base + np.cumsum(cells["value"][1:-1])), reasons.output])
        odds = 1 / (1 + np.exp(-so_far))
        cells["probability"] = tuple(np.round(odds, 6).tolist())
        labels = {
            "value": f"{reasons.word}, with its probability",
            "probability": f"{named('probability', reasons.label)} so far",
        }
        said = [f"{text} ({share(float(p))})" for text, p in zip(said, odds[[0, -1]], strict=True)]
    largest = float(reasons.errors.max(initial=0.0))
    doubt = f" Standard errors from sampling are at most {largest:.2g}." if largest else ""
    return Table(
        f"Why: record {name}{', changed' if changed else ''}, from the base value to the output", cells, "waterfall", labels,
        f"{from_to(said, reasons.rows, reasons.word, about=reasons.label)}. Explainer: {reasons.method}.{doubt}",
    )  # fmt: skip


def parts_table(before: Reasons, after: Reasons) -> Table:
    """Return the largest contributions before and after a change, side by side."""
    moved = np.maximum(np.abs(before.values), np.abs(after.values)) + np.abs(after.values - before.values)
    order, names = [int(j) for j in np.argsort(-moved, kind="stable")[:_SIDE_BY_SIDE]], before.names
    lines = []
    for j in order:
        for word, one in (("as it is", before), ("changed", after)):
            half = _NORMAL * float(one.errors[j])
            ends = (float(one.values[j]) - half, float(one.values[j]) + half) if half else (np.nan, np.nan)
            lines.append((names[j], word, float(one.values[j]), *ends, 1))
    columns = {
        key: tuple(line[at] for line in lines)
        for at, key in enumerate(("label", "series", "value", "low", "high", "n"))
    }
    most = max(order, key=lambda j: abs(after.values[j] - before.values[j]))
    return Table(
        "Contributions before and after the change", columns, "estimates",
        {"value": before.word, "series": "record", "n": "records", "order": "input", "reference": "adds nothing"},
        f"What each leading input adds to the output, before and after; that of {names[most]} moved most, by "
        f"{after.values[most] - before.values[most]:+.2g}. Inputs that were left alone can weigh otherwise where inputs interact.",
        reference=0.0,
    )  # fmt: skip


def answer_table(subject: Subject, said: Said, now: Said) -> Table:
    """Return answer and probabilities, before and after."""
    rows: list[tuple[Any, ...]] = []
    if subject.task == "regression":
        one, other = float(said.label), float(now.label)
        rows.append(("value", number(one), number(other), f"{other - one:+.4g}"))
    else:
        rows.append(("answer", str(said.label), str(now.label), "" if said.label == now.label else "flips"))
    if said.proba is not None and now.proba is not None and subject.classes is not None:
        order = np.argsort(-np.maximum(said.proba, now.proba), kind="stable")[:_CLASSES]
        for at in order.tolist():
            one, other = float(said.proba[at]), float(now.proba[at])
            rows.append(
                (f"probability of {subject.classes[at]}", number(one), number(other), f"{other - one:+.3f}")
            )
    keys = ("what", "as it is", "now", "change")
    return Table(
        "The model's answer", {key: tuple(row[at] for row in rows) for at, key in enumerate(keys)},
        summary="What the model says of the record as it is, and as it stands in the form.",
    )  # fmt: skip


def changed_table(moved: list[tuple[str, Any, Any]], *, values: bool) -> Table:
    """Return which inputs were changed, with their values or without."""
    columns: dict[str, tuple[Any, ...]] = {"input": tuple(name for name, _, _ in moved)}
    if values:
        columns["as it is"] = tuple(word_of(before) for _, before, _ in moved)
        columns["changed to"] = tuple(word_of(after) for _, _, after in moved)
    return Table("What was changed", columns, summary="Inputs of the record that were set to other values.")


def _called(reasons: Reasons, frame: pd.DataFrame, j: int, *, values: bool) -> str:
    return f"{reasons.names[j]} = {word_of(frame.iloc[0, j])}" if values else reasons.names[j]


def _answer(subject: Subject, said: Said) -> str:
    if subject.task == "regression":
        return number(float(said.label))
    if said.proba is None:
        return repr(str(said.label))
    at = int(subject.class_index(np.array([said.label]))[0])
    return f"{str(said.label)!r} (probability {share(float(said.proba[at]))})"
