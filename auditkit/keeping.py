"""Keeping: the answers of single records, taken from a subject that was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from auditkit.checks._common import MOST_GROUPS, in_bands
from auditkit.errors import AuditkitError
from auditkit.methods.groups import codes_of
from auditkit.row_answers import RowAnswers, digest_of
from auditkit.targets import KINDS

if TYPE_CHECKING:
    from auditkit.dataset import Dataset
    from auditkit.report import Report
    from auditkit.subject import Subject
    from auditkit.targets import Target

__all__ = ["row_answers", "with_answers"]


def with_answers(report: Report, subject: Target) -> Report:
    """Return a report that holds the answers it rests on, and their digest in its provenance; why there are none where the model gave none."""
    if subject.kind != "model":
        none = {"reason": f"there are no test rows: {KINDS[subject.kind]} was audited"}
        return replace(report, provenance={**report.provenance, "answers": none})
    try:
        kept = row_answers(cast("Subject", subject))
    except AuditkitError as error:  # whose words may quote values: the checks have told it
        none = {"reason": f"the model gave no answers of the test rows ({type(error).__name__})"}
        return replace(report, provenance={**report.provenance, "answers": none})
    about = {"sha256": digest_of(kept.to_bytes()), "rows": len(kept)}
    return replace(report, provenance={**report.provenance, "answers": about}, answers=kept)


def row_answers(subject: Subject) -> RowAnswers:
    """Return what the model says of each test row, with the true labels and the groups of each row.

    No input of the model is in it, and no weight; nor a feature of more groups than are compared: such a one may name the records.

    Raises
    ------
    NotApplicable, ModelError
        As `Subject.answers`.
    """
    said, test = subject.answers(), subject.test
    classes = () if subject.classes is None else tuple(map(str, subject.classes.tolist()))
    positive = -1
    if subject.classes is not None and subject.positive is not None:
        positive = int(np.flatnonzero(subject.classes == subject.positive)[0])
    truth, decision = (_coded(subject, one) for one in (test.y, said.labels))
    scored = subject.task == "binary" and said.proba is not None
    weights = test.sample_weight
    return RowAnswers(
        test.digest,
        str(subject.task),
        classes,
        positive,
        truth,
        decision,
        np.ascontiguousarray(subject.scores(), dtype=np.float64) if scored else None,
        _groups(test),
        weighted=weights is not None and bool(np.ptp(weights) > 0),
    )


def _coded(subject: Subject, values: np.ndarray) -> np.ndarray:
    """Return labels as codes of the classes; values of a regression as they are."""
    if subject.task == "regression":
        return np.asarray(values, dtype=np.float64)
    return subject.class_index(values).astype(np.int32)


def _groups(data: Dataset) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    """Return the group of each row by sensitive feature, numbers of many values in the bands that every check takes."""
    if data.sensitive_features is None:
        return {}
    columns, _ = in_bands(data.sensitive_names, data.sensitive_features)
    found = {name: codes_of({name: column}) for name, column in columns.items()}
    return {
        name: (codes.astype(np.int32), tuple(word for (word,) in words))
        for name, (codes, words) in found.items()
        if len(words) <= MOST_GROUPS
    }
