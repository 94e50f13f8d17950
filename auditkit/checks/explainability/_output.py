"""Output: what the model says about rows of codes, in probabilities or log odds, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from typing_extensions import Doc

from auditkit.checks.explainability._explanation import ONE_OR_NONE, label_of, named
from auditkit.errors import InputError, NotApplicable, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.frames import Codec
    from auditkit.subject import Subject

__all__ = ["Asked", "Scale", "spread_of", "which"]

Scale = Annotated[
    Literal["probability", "log odds"],
    Doc(
        "In what a classifier's output is measured: effects that add up in log odds, as in a logistic regression, do not in probabilities."
    ),
]
_CLIP = 1e-12  # below it, doubles do not tell one less a probability from 1


@dataclass(eq=False)
class Asked:
    """A model that is asked about rows of codes.

    Attributes
    ----------
    subject : Subject
        With a model.
    codec : Codec
        From codes to the table the model takes.
    scale : {"probability", "log odds"}
        Has no meaning for a regression, nor where a classifier gives labels only.
    rows : int
        Rows asked about so far.
    why : str
        Why the output is not in log odds, where that was wanted.
    """

    subject: Subject
    codec: Codec
    scale: str = "probability"
    rows: int = field(default=0, init=False)
    why: str = field(default="", init=False)

    def settle(self, matrix: np.ndarray) -> None:
        """Measure in probabilities where the model says exactly 0 or 1 of some row: there are no log odds of these."""
        if self._in_odds:
            self.rows += len(matrix)
            said = self.subject.model.predict_proba(self.codec.decode(matrix))
            if ((said <= 0) | (said >= 1)).any():
                self.scale = "probability"
                self.why = "The model says exactly 0 or 1 of some rows, which have no log odds: probabilities are measured, and what adds up in log odds counts as an interaction there."

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Return the output, shape (n, k): one column for two classes or a regression."""
        self.rows += len(matrix)
        frame = self.codec.decode(matrix)
        if not self._in_odds:
            return np.asarray(self.subject.asks(frame), dtype=float).reshape(len(matrix), -1)
        logs = np.log(np.clip(np.asarray(self.subject.model.predict_proba(frame), dtype=float), _CLIP, 1.0))
        if self.subject.task != "binary":
            return np.asarray(logs - logs.mean(axis=1, keepdims=True))
        at = int(np.flatnonzero(self.subject.classes == self.subject.positive)[0])
        return np.asarray(logs[:, [at]] - logs[:, [1 - at]])

    @property
    def _in_odds(self) -> bool:
        gives = self.subject.task != "regression" and bool(self.subject.model.has_proba)
        return self.scale == "log odds" and gives

    @property
    def unit(self) -> str:
        """What the output is, without the label it is about."""
        if self.subject.task == "regression":
            return "value"
        if not self.subject.model.has_proba:
            return ONE_OR_NONE
        if not self._in_odds:
            return "probability"
        return "log odds" if self.subject.task == "binary" else "log probability less its mean over classes"

    @property
    def named(self) -> str:
        """What the output is, with the label it is about, of two classes the positive one."""
        return named(self.unit, label_of(self.subject))

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs; one empty name where there is one."""
        if self.subject.task != "multiclass" or self.subject.classes is None:
            return [""]
        return [str(label) for label in self.subject.classes]

    def notes(self) -> tuple[str, ...]:
        """Say what the output is, and what it cost."""
        found = (f"Output: {self.named}.", f"The model was asked about {self.rows:,} rows.")
        return (*found, self.why) if self.why else found


def spread_of(output: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each output over rows, shape (k,); outputs that do not vary give ``nan``.

    Raises
    ------
    NotApplicable
        If none varies.
    """
    spread = output.std(axis=0)
    flat = spread <= 1e-12 * np.maximum(1.0, np.abs(output).max(axis=0))
    if flat.all():
        raise NotApplicable("the model's output is the same for all rows: there is no effect to show")
    return np.where(flat, np.nan, spread)


def which(names: Sequence[str], columns: Sequence[Any]) -> list[int]:
    """Return the places of inputs named.

    Raises
    ------
    InputError
        If one is not there; the message names the closest.
    """
    known = [str(c) for c in columns]
    for name in names:
        if name not in known:
            raise InputError(f"{name!r} is no input.{did_you_mean(name, known)}")
    return [known.index(name) for name in dict.fromkeys(names)]
