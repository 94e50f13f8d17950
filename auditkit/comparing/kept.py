"""Kept: the answers of single records of both sides of a comparison, where both kept them and the rows are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.comparing.differing import records
from auditkit.errors import InputError
from auditkit.row_answers import RowAnswers, beside, digest_of

if TYPE_CHECKING:
    from auditkit.comparing.reading import Saved

__all__ = ["BothKept", "both_kept"]

_UNKNOWN = "so their pairs are not known: rates are held to the widest interval that any pairing of their counts allows, and everything else to one that holds for any dependence."
_HOW = "Keep them with auditkit run --keep-answers, or keep_answers = true in a plan."
_SAME = "The test rows are the same (one digest)"


@dataclass(frozen=True, eq=False)
class BothKept:
    """What both models said of the same rows, in the same order.

    Attributes
    ----------
    task : str
        That of both.
    positive : int
        Code of the label that counts as selected; -1 where none does.
    truth : ndarray of shape (n,)
        True labels as codes, or values.
    decisions : tuple of two ndarray of shape (n,)
        Before and after, as `truth`.
    scores : tuple of two ndarray of shape (n,), or None
        Probabilities of the positive label; None where a side has none.
    groups : dict of str to tuple
        As `RowAnswers.groups`; those that both sides have alike.
    rows : str
        Digest of the test rows.
    """

    task: str
    positive: int
    truth: np.ndarray
    decisions: tuple[np.ndarray, np.ndarray]
    scores: tuple[np.ndarray, np.ndarray] | None
    groups: dict[str, tuple[np.ndarray, tuple[str, ...]]]
    rows: str


def both_kept(base: Saved, new: Saved) -> tuple[BothKept | None, str]:
    """Return the answers of both sides, and what a page says of them; None where pairs are not known.

    Raises
    ------
    InputError
        If a file is not the one its report was made with, or the two do not hold the same rows.
    """
    if records(base, new) != "same":
        return None, ""
    found, lacking = [], []
    for word, side in (("earlier", base), ("newer", new)):
        answers, why = _of(word, side)
        found += [answers] if answers else []
        lacking += [why] if why else []
    if lacking:
        return (
            None,
            f"{_SAME}. {' '.join(lacking)} The answers of single records are not there on both sides, {_UNKNOWN} {_HOW}",
        )
    if any(one.weighted for one in found):
        return (
            None,
            f"{_SAME}, and they have weights, which answers of single records are kept without: changes are held to intervals that need no pairs.",
        )
    said = (
        f"{_SAME}, and both audits kept the answers of single records: where the interval's method names the pairs, a change is told from them. "
        "The others are held to intervals for any dependence."
    )
    return _together(found[0], found[1], new), said


def _of(word: str, side: Saved) -> tuple[RowAnswers | None, str]:
    """Return the answers beside a report, or in a sentence why there are none."""
    about = side.report.provenance.get("answers") or {}
    if "sha256" not in about:
        why = f": {about['reason']}" if about.get("reason") else ""
        return None, f"The {word} audit kept none{why}."
    file = beside(side.path)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None, f"Those of the {word} audit are not beside its report, as {file.name}."
    except OSError as error:
        return None, f"Those of the {word} audit cannot be read ({error.strerror or type(error).__name__})."
    if digest_of(content) != about["sha256"]:
        raise InputError(
            f"{file} is not the file its report was made with (another sha256): put the right one back, or move it away to compare "
            "without pairs"
        )
    answers = RowAnswers.from_bytes(content, str(file))
    if answers.rows != (side.report.subject.get("test") or {}).get("digest"):
        raise InputError(
            f"{file} holds answers about other rows than its report: move it away to compare without pairs"
        )
    return answers, ""


def _together(before: RowAnswers, after: RowAnswers, new: Saved) -> BothKept:
    words = sorted({*before.classes, *after.classes})
    truths, decisions = zip(*(_in_words(one, words) for one in (before, after)), strict=True)
    if before.task != after.task or not np.array_equal(*truths):
        raise InputError(
            f"{beside(new.path)} does not hold the rows of the earlier audit in their order, though both reports name the same digest: "
            "move it away to compare without pairs"
        )
    scores = None if before.score is None or after.score is None else (before.score, after.score)
    groups = {
        name: (codes, named)
        for name, (codes, named) in before.groups.items()
        if name in after.groups
        and named == after.groups[name][1]
        and np.array_equal(codes, after.groups[name][0])
    }
    positive = words.index(before.classes[before.positive]) if before.positive >= 0 else -1
    return BothKept(
        before.task, positive, truths[0], (decisions[0], decisions[1]), scores, groups, before.rows
    )


def _in_words(answers: RowAnswers, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and decisions as codes of one list of labels; values of a regression as they are."""
    if not answers.classes:
        return answers.truth, answers.decision
    place = np.array([words.index(one) for one in answers.classes])
    return place[answers.truth], place[answers.decision]
