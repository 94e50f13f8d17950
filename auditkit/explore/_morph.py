"""Morph: a record on its way to the nearest change that turns it, with the model's answer at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit import progress
from auditkit.checks.robustness._attackers import ROUNDING, Found, contradictions
from auditkit.checks.robustness._broken import image_shape
from auditkit.checks.robustness._shown import cell_words
from auditkit.evidence import Table
from auditkit.explore._rows import columns_of
from auditkit.methods.evasion import partway
from auditkit.render.text import in_three_digits

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks.robustness._bounded import Bounded

__all__ = ["STEPS", "Way", "ways_of"]

STEPS = 20
"""Parts of the way at which the model is asked."""

_LISTED = 20
_CLASSES = 4


@dataclass(frozen=True, slots=True)
class Way:
    """A record on its way.

    Attributes
    ----------
    record : str
        Its pseudonym.
    far : ndarray of shape (steps + 1,)
        How far each step is from the record, 0 first. The way ends where the model first answers otherwise.
    turned : bool
        Whether it does so at the end, asked again.
    certified : float
        Up to where no change turns it; nan where nothing is certified.
    truth : str
        Its class.
    answers : tuple of str
        What the model answers at each step, from the record itself to the change.
    proba : ndarray of shape (steps + 1, k) or None
        Its probabilities there.
    classes : tuple of str
        Of what.
    inputs : tuple of str
        The inputs that change, the largest change first.
    words : tuple of tuple of str
        Their values at each step.
    sizes : ndarray of shape (steps + 1, inputs)
        The size of each change, in the units of the threat model.
    pixels : ndarray of shape (steps + 1, rows, columns) or None
        The picture at each step, where records are pictures.
    """

    record: str
    far: np.ndarray
    turned: bool
    certified: float
    truth: str
    answers: tuple[str, ...]
    proba: np.ndarray | None
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    sizes: np.ndarray
    pixels: np.ndarray | None

    @property
    def distance(self) -> float:
        """Where it arrives."""
        return float(self.far[-1])

    def step(self, radius: float) -> int:
        """Return the last step within a radius."""
        return int(np.searchsorted(self.far, radius, "right")) - 1

    def says(self, radius: float, unit: str, *, truth: bool = True) -> str:
        """Return what becomes of it within a radius, and where it turns; with its class or without."""
        here, there = self.answers[self.step(radius)], f"{in_three_digits(self.distance, up=True)} {unit}"
        whose = f", whose class is {self.truth}," if truth else ""
        about = (
            f"Record {self.record}{whose} is answered {here} after the change {'shown' if truth else 'made'}"
        )
        if not self.turned:
            return f"{about}; the model did not repeat the other answer that was found at {there}."
        sure = f", and nothing below {in_three_digits(self.certified)} does" if self.certified > 0 else ""
        return f"{about}; the nearest change found turns it to {self.answers[-1]} at {there}{sure}."

    def values(self, radius: float, unit: str) -> Table:
        """Return the inputs that change: as they are, within the radius, and where the record turns."""
        at = self.step(radius)
        listed = slice(0, _LISTED)
        columns = {
            "input": self.inputs[listed],
            "before": self.words[0][listed],
            "here": self.words[at][listed],
            "end": self.words[-1][listed],
            "size": tuple(self.sizes[at][listed].tolist()),
        }
        labels = {
            "input": "Input", "before": "As it is", "here": f"Within {radius:.3g}", "end": f"At {self.distance:.3g}",
            "size": f"Changed by, in {unit}",
        }  # fmt: skip
        more = len(self.inputs) - _LISTED
        left_out = f" {more} more inputs change less." if more > 0 else ""
        return Table(
            f"Record {self.record}: what is changed",
            columns,
            "plain",
            labels,
            f"The {len(self.inputs)} inputs that the nearest change found moves, the largest first.{left_out} A real record.",
        )

    def inputs_alone(self) -> Table:
        """Return the names of the inputs that change, the largest change first, without a value or a size, from which values could be told."""
        left_out = len(self.inputs) - _LISTED
        more = f" {left_out} more change less." if left_out > 0 else ""
        return Table(
            f"Record {self.record}: which inputs are changed",
            {"input": self.inputs[:_LISTED]},
            "plain",
            {"input": "Input"},
            f"The {len(self.inputs)} inputs that the nearest change found moves, the largest first.{more} Their values are not told.",
        )

    def picture(self, radius: float, unit: str) -> Table:
        """Return the record as it is, changed, and the difference, where it is a picture; else the answer along the way."""
        at = self.step(radius)
        return self._along(at, unit) if self.pixels is None else self._pixels(self.pixels, at, radius)

    def _pixels(self, pixels: np.ndarray, at: int, radius: float) -> Table:
        before, here = pixels[0], pixels[at]
        panels = {
            f"as it is: {self.answers[0]}": before,
            f"within {radius:.3g}: {self.answers[at]}": here,
            "difference": here - before,
        }
        lines, places = (part.ravel() for part in np.indices(before.shape))
        columns = {
            "panel": tuple(name for name in panels for _ in range(before.size)),
            "row": tuple(np.tile(lines, len(panels)).tolist()),
            "column": tuple(np.tile(places, len(panels)).tolist()),
            "value": tuple(np.concatenate([part.ravel() for part in panels.values()]).tolist()),
        }
        summary = (
            f"Record {self.record} as it is, answered {self.answers[0]}; changed within {radius:.3g}, answered {self.answers[at]}; and the "
            "difference, whose colours end at the whole change. A real record."
        )
        largest = float(np.abs(pixels - before).max())
        return Table(f"Record {self.record}, changed", columns, "images", {}, summary, reference=largest)

    def _along(self, at: int, unit: str) -> Table:
        shares = self._shares()
        lines = [
            (f"class {name}", x, float(value), np.nan, np.nan, 1)
            for name, along in shares.items()
            for x, value in zip(self.far.tolist(), along, strict=True)
        ]
        here = float(self.far[at])
        lines += [("here", here, float(along[at]), np.nan, np.nan, 1) for along in shares.values()]
        what = "probability" if self.proba is not None else "answer (1 where this class is answered)"
        return Table(
            f"Record {self.record}: the answer along the way",
            columns_of(("series", "x", "value", "low", "high", "n"), lines),
            "curve",
            {"x": f"Change made, {unit}", "value": f"The model's {what}", "n": "records"},
            f"What the model answers to record {self.record}, from itself to the nearest change found, asked at {len(self.far)} points.",
        )

    def _shares(self) -> dict[str, np.ndarray]:
        """Return the answer along the way for the classes that matter: the truth, what it becomes, and the likeliest others."""
        if self.proba is None:
            named = dict.fromkeys((self.truth, self.answers[-1], *self.answers))
            return {name: np.array([one == name for one in self.answers], dtype=float) for name in named}
        order = np.argsort(-self.proba.max(axis=0), kind="stable")
        names = dict.fromkeys((self.truth, self.answers[-1], *(self.classes[c] for c in order)))
        return {name: self.proba[:, self.classes.index(name)] for name in list(names)[:_CLASSES]}


def ways_of(found: Bounded, records: int) -> tuple[dict[str, Way], np.ndarray, int]:
    """Ask the model about records on their way to their nearest change, all in one go.

    Parameters
    ----------
    found : Bounded
        The records, and their nearest changes.
    records : int
        How many at most, from those that turn first to those that turn last within the radii shown; beyond these where none does.

    Returns
    -------
    tuple
        The ways by pseudonym, nearest first; the distances of the nearest changes, (n,), with those that turned nearer on the way;
        and how many did.
    """
    case, nearest = found.case, found.nearest.copy()
    rows = np.flatnonzero(found.right & (nearest <= found.grid[-1]))
    rows = rows if len(rows) else np.flatnonzero(found.right & np.isfinite(nearest))
    rows = rows[np.argsort(nearest[rows], kind="stable")]
    if len(rows) > records:
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, records).round().astype(int))]
    if not len(rows):
        return {}, nearest, 0
    progress.step(0.9, f"{len(rows)} records on their way")
    asked = _asked(found, rows)
    turns = np.where(asked.turned, asked.far[asked.last, np.arange(len(rows))], np.inf)
    nearer = int((turns < nearest[rows] * (1 - ROUNDING)).sum())
    nearest[rows] = np.minimum(nearest[rows], turns)
    contradictions(found.lower, Found("the way to it", "decisions", nearest, case.X, 0))
    ids = case.subject.test.record_ids(found.rows[rows])
    ways = (_way(found, asked, at, record) for at, record in enumerate(ids))
    return {way.record: way for way in ways}, nearest, nearer


@dataclass(frozen=True, eq=False)
class _Asked:
    """What was asked of all steps of all records, (steps + 1, records) each, the rows of the frame in that order.

    A way ends, at step `last`, where the record is `turned` first.
    """

    rows: np.ndarray
    frame: pd.DataFrame
    labels: np.ndarray
    proba: np.ndarray | None
    far: np.ndarray
    cost: np.ndarray
    pictures: np.ndarray | None
    last: np.ndarray
    turned: np.ndarray


def _asked(found: Bounded, rows: np.ndarray) -> _Asked:
    case, threat, shape = found.case, found.case.threat, (STEPS + 1, len(rows))
    start = case.X[rows]
    steps = [
        partway(start, found.changed[rows], threat.space, step / STEPS, norm=threat.norm)
        for step in range(STEPS + 1)
    ]
    frame, before = threat.decode(np.concatenate(steps)), np.tile(start, (STEPS + 1, 1))
    read = threat.encode(frame)  # rounded to what the inputs can hold
    model = case.subject.model
    labels = case.subject.class_index(model.predict(frame)).reshape(shape)
    proba = model.predict_proba(frame).reshape(*shape, -1) if model.has_proba else None
    far = threat.space.distance(before, read, threat.norm).reshape(shape)
    allowed = ~threat.space.violations(before, read).any(axis=1).reshape(shape)
    turned = (labels != case.y[rows]) & allowed
    side = image_shape(case.subject, threat.coding.codec, "auto")
    pictures = None
    if side is not None:
        pixels = threat.coding.codec.encode(frame).reshape(*shape, -1, *side[-2:])
        pictures = pixels.mean(axis=2)  # of channels, where there are several
    return _Asked(
        rows, frame, labels, proba, np.minimum(np.maximum.accumulate(far), far[-1]),
        threat.space.cost(before, read).reshape(*shape, -1), pictures,
        np.where(turned.any(axis=0), turned.argmax(axis=0), STEPS), turned.any(axis=0),
    )  # fmt: skip


def _way(found: Bounded, asked: _Asked, at: int, record: str) -> Way:
    """Return the way of one record, up to where it is turned."""
    case, row, part = found.case, int(asked.rows[at]), slice(0, int(asked.last[at]) + 1)
    classes = tuple(
        str(one) for one in ([] if case.subject.classes is None else case.subject.classes.tolist())
    )
    frame = asked.frame.iloc[at :: len(asked.rows)].iloc[part]
    cost = asked.cost[part, at]
    owner = {name: j for j, one in enumerate(case.threat.features) for name in one.columns}
    moved = []
    for place, name in enumerate(map(str, frame.columns)):
        first, last = frame.iloc[0, place], frame.iloc[-1, place]
        alone = len(case.threat.features[owner[name]].columns) == 1
        if cost[-1, owner[name]] > 0 and (alone or cell_words(first) != cell_words(last)):
            moved.append((place, name))
    moved.sort(key=lambda one: -cost[-1, owner[one[1]]])
    listed = moved[:_LISTED]
    words = tuple(
        tuple(cell_words(value) for value in values)
        for values in zip(*(frame.iloc[:, place] for place, _ in listed), strict=True)
    )
    return Way(
        record, asked.far[part, at], bool(asked.turned[at]), float(found.lower[row]), classes[int(case.y[row])],
        tuple(classes[code] for code in asked.labels[part, at].tolist()),
        None if asked.proba is None else asked.proba[part, at], classes, tuple(name for _, name in moved), words,
        cost[:, [owner[name] for _, name in moved]], None if asked.pictures is None else asked.pictures[part, at],
    )  # fmt: skip
