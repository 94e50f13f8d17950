"""Gate: what a model file is, what it asks for, and under which rules it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.reading import name_shown
from auditkit.render.text import cut
from auditkit.scanning.artifacts.scan import MODULE
from auditkit.scanning.artifacts.walker import shown
from auditkit.targets.artifact import ModelFile

if TYPE_CHECKING:
    from auditkit.scanning.artifacts import Scan

_FACT = "read from the file, and not estimated; it has no interval"
_NOT_SAID = "That a model which may be opened answers well, or has no fault planted in its numbers: what a model does when it is asked is another audit."
_LONGEST = 160  # characters of why a file is refused, in the sentence of the check
_LONGEST_NAME = 80


@check(
    code="AK601",
    title="What a model file asks for",
    question="May this file be opened, and what would it do?",
    dimension="artifact",
    metrics=["file_refusals", "unlisted_names", "asked_names"],
    about="artifact",
)
def model_file(
    subject: ModelFile,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    shown_names: Annotated[
        int, Ge(1), Doc("Names in the table of what the file asks for; those off the list first.")
    ] = 200,
) -> Evidence:
    """Read a model file by its content, and hold every name it asks for against the exact list; nothing of it runs.

    Parameters
    ----------
    subject : ModelFile
        The file.
    rng : numpy.random.Generator
        Not used.
    shown_names : int
        Rows of the table of names.

    Returns
    -------
    Evidence
        ``file_refusals`` (reasons for which auditkit would refuse to open the file), ``unlisted_names`` and ``asked_names``. They are facts of
        the file; none has an interval.
    """
    scan = subject.scan
    parts = len(scan.parts)
    names = len({ask.name for ask in scan.asks})
    return Evidence(
        "AK601",
        (
            Measurement("file_refusals", float(len(scan.troubles)), parts, reason=_refusals(scan)),
            Measurement("unlisted_names", float(len(scan.unlisted)), parts, reason=_FACT),
            Measurement("asked_names", float(names), parts, reason=_FACT),
        ),
        {"refusals": _troubles(scan), "names": _asks(scan, shown_names), "parts": _parts(scan)},
        {"shown_names": shown_names},
        says=_says(scan, subject.file_name),
        does_not_say=_NOT_SAID,
    )


def _says(scan: Scan, name: str) -> str:
    """Return what a reader must know who reads one sentence: whether it may be opened, and why not."""
    if not scan.troubles:
        held = "holds no code" if scan.trust == "data" else "asks for listed names alone"
        return f"The file ({scan.kind}) {held}; auditkit would open it."
    called = cut(name_shown(name), _LONGEST_NAME)
    if scan.holds_module:
        return f"{called} is refused: {MODULE}. It asks for {shown(list(scan.unlisted), 3)}."
    found = list(dict.fromkeys(one.words for one in scan.worst))
    more = f", and {len(found) - 2:,} more" if len(found) > 2 else ""
    return f"{called} ({scan.form}) is refused: {cut('; '.join(found[:2]), _LONGEST)}{more}."


def _refusals(scan: Scan) -> str:
    if not scan.troubles:
        return f"{scan.kind}: nothing in it is off the list; {_FACT}"
    first = scan.worst[0]
    more = f", and {len(scan.troubles) - 1} more" if len(scan.troubles) > 1 else ""
    return f"{first}{more}"


def _troubles(scan: Scan) -> Table:
    rows = scan.worst[:200]
    return Table(
        "Why is the file refused?",
        {
            "rule": tuple(one.rule for one in rows),
            "part": tuple(one.where or "the file" for one in rows),
            "what": tuple(one.words for one in rows),
        },
        labels={"rule": "Rule", "part": "Part", "what": "What was found"},
        summary=f"{counted(len(scan.troubles), 'reason')} to refuse it."
        if scan.troubles
        else "No reason to refuse it.",
    )


def _asks(scan: Scan, most: int) -> Table:
    ordered = sorted(scan.asks, key=lambda ask: (ask.listed, not ask.called))
    rows = ordered[:most]
    return Table(
        "What does the file ask for?",
        {
            "name": tuple(ask.name for ask in rows),
            "part": tuple(ask.where or "the file" for ask in rows),
            "called": tuple("yes" if ask.called else "no" for ask in rows),
            "listed": tuple("yes" if ask.listed else "no" for ask in rows),
        },
        labels={
            "name": "Name",
            "part": "Part",
            "called": "Called when it is opened",
            "listed": "On the list",
        },
        summary=f"{counted(len(scan.asks), 'name')} in its parts, {len(rows):,} shown; not on the list: {counted(len(scan.unlisted), 'different one')}.",
    )


def _parts(scan: Scan) -> Table:
    rows = scan.parts[:200]
    return Table(
        "What lies in the file?",
        {
            "part": tuple(one.where or "the file" for one in rows),
            "format": tuple(one.kind for one in rows),
            "bytes": tuple(one.size for one in rows),
        },
        labels={"part": "Part", "format": "Format, by its bytes", "bytes": "Bytes"},
        summary=f"{counted(len(scan.parts), 'part')}, {len(rows):,} shown.",
    )
