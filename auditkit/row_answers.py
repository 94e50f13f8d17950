"""Row answers: what a model said of each test row, kept beside the record so that two audits can be paired row by row."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from auditkit.arrays import arrays_in
from auditkit.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["FORM", "RowAnswers", "beside", "digest_of"]

FORM = "auditkit.answers/1"
_SUFFIX = ".answers.npz"


@dataclass(frozen=True, eq=False)
class RowAnswers:
    """What a model said of each test row: data of single records, never to be published.

    Attributes
    ----------
    rows : str
        Digest of the test rows, as the report names it.
    task : {"binary", "multiclass", "regression"}
        What was asked.
    classes : tuple of str
        The labels as text, in the order of the codes; empty for a regression.
    positive : int
        Code of the label that counts as selected; -1 where none does.
    truth, decision : ndarray of shape (n,)
        True and predicted label as codes of `classes`; values for a regression.
    score : ndarray of shape (n,) or None
        Probability of the positive label of a binary task; None where the model gives none.
    groups : dict of str to tuple
        By sensitive feature the code of each row's group, shape (n,), and the words of the codes. A feature of more groups than are compared
        is left out.
    weighted : bool
        Whether rows have weights that differ; these are not kept.
    """

    rows: str
    task: str
    classes: tuple[str, ...]
    positive: int
    truth: np.ndarray
    decision: np.ndarray
    score: np.ndarray | None = None
    groups: dict[str, tuple[np.ndarray, tuple[str, ...]]] = field(default_factory=dict)
    weighted: bool = False

    def __repr__(self) -> str:
        return f"RowAnswers({len(self):,} rows, {self.task})"

    def __len__(self) -> int:
        return len(self.truth)

    def to_bytes(self) -> bytes:
        """Return an ``.npz`` archive without pickles; the same answers give the same bytes."""
        held: dict[str, Any] = {
            "form": np.array(FORM),
            "rows": np.array(self.rows),
            "task": np.array(self.task),
            "classes": np.array(self.classes or ("",)),
            "positive": np.array(self.positive),
            "weighted": np.array(self.weighted),
            "truth": self.truth,
            "decision": self.decision,
            "features": np.array(tuple(self.groups) or ("",)),
        }
        if self.score is not None:
            held["score"] = self.score
        for at, (codes, words) in enumerate(self.groups.values()):
            held |= {f"codes_{at}": codes, f"words_{at}": np.array(words)}
        made = io.BytesIO()
        np.savez(made, **held)
        return made.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Self:
        """Read what `to_bytes` made.

        Parameters
        ----------
        content : bytes
            Of the file.
        name : str
            What a message calls it.

        Raises
        ------
        InputError
            If it is no such archive, or its arrays do not fit together.
        """
        held = arrays_in(content, name)
        try:
            return cls._of(held)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise InputError(
                f"{name} holds no answers of an audit ({type(error).__name__}: {error}): give the file that auditkit run "
                "--keep-answers wrote"
            ) from None

    @classmethod
    def _of(cls, held: Mapping[str, np.ndarray]) -> Self:
        if str(held["form"]) != FORM:
            raise ValueError(f"expected the form {FORM}, got {str(held['form'])[:40]!r}")
        task, truth, decision = str(held["task"]), held["truth"], held["decision"]
        names = [str(one) for one in held["features"] if str(one)]
        groups = {
            name: (held[f"codes_{at}"], tuple(map(str, held[f"words_{at}"]))) for at, name in enumerate(names)
        }
        score = held.get("score")
        for one in (truth, decision, *([] if score is None else [score]), *(c for c, _ in groups.values())):
            if one.shape != truth.shape or one.ndim != 1:
                raise ValueError(f"arrays of shapes {truth.shape} and {one.shape}")
        classes = () if task == "regression" else tuple(map(str, held["classes"]))
        coded = [(codes, len(words)) for codes, words in groups.values()]
        coded += [(part, len(classes)) for part in (truth, decision) if classes]
        if any(c.dtype.kind != "i" or (c.size and not 0 <= c.min() <= c.max() < k) for c, k in coded):
            raise ValueError("codes without a word")
        positive, weighted = int(held["positive"]), bool(held["weighted"])
        return cls(
            str(held["rows"]), task, classes, positive, truth, decision, score, groups, weighted=weighted
        )


def digest_of(content: bytes) -> str:
    """Return the sha256 by which a report knows its answers."""
    return hashlib.sha256(content).hexdigest()


def beside(report: str | os.PathLike[str]) -> Path:
    """Return where the answers of a saved report stand: ``report.answers.npz`` beside ``report.json``.

    Examples
    --------
    >>> beside("reports/october.json").name
    'october.answers.npz'
    """
    path = Path(report)
    return path.with_name(f"{path.name.removesuffix('.json')}{_SUFFIX}")
