"""Personal: which columns of a table name, find or describe people."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.privacy import _withheld as withheld
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.scanning.personal import KINDS
from auditkit.scanning.tables import ColumnFound, few_words, scan_columns
from auditkit.targets.table import Table as Records

_OWN = "has a value of its own in nearly every record"
_FACT = "counted in this table; nothing was drawn, so it has no interval"


@check(
    code="AK911",
    title="Personal data in a table",
    question="Which columns name, find or describe people?",
    dimension="data",
    metrics=["identifying_columns", "special_columns", "personal_record_share"],
    about="table",
)
def personal_columns(subject: Records, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Look at the name of every column, and at its values for what has the form and the check digits of personal data.

    Parameters
    ----------
    subject : Table
        Records.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``identifying_columns``: columns that name or find people by themselves: by their values, by a name that says so, or by a value of its own
        in nearly every record.
        ``special_columns``: columns whose names say a special category (article 9 or 10 of the General Data Protection Regulation).
        ``personal_record_share``: for each column with personal data in its values, the share of records that have some. No value
        is in the evidence.
    """
    found = scan_columns(subject.frame)
    named = [one for one in found if one.identifies]
    special = [one for one in found if one.special is not None]
    n, d = subject.frame.shape
    shares = [_share(one, n) for one in found if one.kinds]
    return Evidence(
        "AK911",
        (_count("identifying_columns", named, d), _count("special_columns", special, d), *shares),
        {"columns": _table(found)},
        says=_says(named, special, d),
        does_not_say=(
            "That the other columns say nothing of people: names of persons, addresses and free text have no check digits, and what a "
            "column's name does not say is found by those kinds alone that have a form of their own."
        ),
        notes=_notes(found, n),
        rows={"used": n, "of": n, "split": "records", "how": "all"},
    )


def _count(metric: str, columns: list[ColumnFound], d: int) -> Measurement:
    return Measurement(metric, float(len(columns)), d, reason=_FACT)


def _share(one: ColumnFound, n: int) -> Measurement:
    return withheld.share("personal_record_share", min(sum(one.kinds.values()), one.known), n, one.name)


def _table(found: tuple[ColumnFound, ...]) -> Table:
    ordered = sorted(found, key=lambda one: (not one.identifies, not one.helps))
    columns = {
        "column": tuple(one.name for one in ordered),
        "is": tuple(_word(one) for one in ordered),
        "by_name": tuple(one.by_name or one.special or "" for one in ordered),
        "by_values": tuple(_kinds(one.kinds, one.rows) for one in ordered),
        "by_chance": tuple(_kinds(one.doubtful, one.rows) for one in ordered),
        "different": tuple(one.different for one in ordered),
        "known": tuple(one.known for one in ordered),
    }
    labels = {
        "column": "Column",
        "is": "What it does",
        "by_name": "Its name says",
        "by_values": "Its values are or hold (records)",
        "by_chance": "Would fit, as chance may explain (records)",
        "different": "Different values",
        "known": "Records with a value",
    }
    d, named = len(found), sum(one.identifies for one in found)
    themselves = "identifies people by itself" if named == 1 else "identify people by themselves"
    summary = f"{named} of {counted(d, 'column')} {themselves}."
    return Table("What each column says of people", columns, "plain", labels, summary)


def _word(one: ColumnFound) -> str:
    if one.identifies:
        if one.kinds:
            return "identifies, within text" if one.within else "identifies"
        return "identifies" if one.by_name else f"identifies: {_OWN}"
    if one.coded:
        return "has the form of pseudonyms"
    if one.helps:
        return "helps to recognise"
    if one.category:
        return "has few values, which are not what its name says"
    if one.free_text:
        return "free text, in which names are not looked for"
    return _OWN if one.row_names else ""


def _kinds(kinds: dict[str, int], rows: int) -> str:
    return ", ".join(f"{KINDS[kind]} ({withheld.Shown.of(n, rows).words})" for kind, n in kinds.items())


def _says(named: list[ColumnFound], special: list[ColumnFound], d: int) -> str:
    if not named:
        said = f"Of {counted(d, 'column')} none was found to name or find people by itself"
    else:
        one = len(named) == 1
        said = f"{len(named)} of {counted(d, 'column')} {'names or finds' if one else 'name or find'} people by {'itself' if one else 'themselves'}: {_names(named)}"
    return said + (f"; {_names(special)} may be of a special category." if special else ".")


def _names(columns: list[ColumnFound]) -> str:
    shown = ", ".join(one.name for one in columns[:8])
    return shown + (f" and {len(columns) - 8} more" if len(columns) > 8 else "")


def _notes(found: tuple[ColumnFound, ...], n: int) -> tuple[str, ...]:
    notes = []
    rows = [one for one in found if one.row_names and not one.identifies and not one.coded]
    if rows:
        notes.append(
            f"Nearly every record has a value of its own in {_names(rows)}: numbers, dates or places, which describe. Where others hold the same "
            "values, these link records to people."
        )
    few = [one for one in found if one.category]
    if few:
        notes.append(f"Not taken for identifying, though named so: {', '.join(map(few_words, few))}.")
    free = [one for one in found if one.free_text]
    if free:
        notes.append(
            f"{_names(free)} {'is' if len(free) == 1 else 'are'} free text, in which names are not looked for: read {'it' if len(free) == 1 else 'them'} before "
            "the table is passed on, or leave out what nobody needs (auditkit protect ... --drop COLUMN)."
        )
    coded = [one for one in found if one.coded]
    if coded:
        notes.append(
            f"The values of {_names(coded)} have the form of pseudonyms. Whether a key made them, or anybody can make them from a guessed value, cannot be seen."
        )
    part = [one for one in found if 0 < one.looked_at < one.different]
    if part:
        notes.append(
            f"Of {_names(part)} {common.number(part[0].looked_at)} different values were looked at, evenly spaced."
        )
    if any(one.kinds or one.doubtful for one in found):
        notes.append(withheld.NOTE)
    if n < 50:
        notes.append(
            f"With {counted(n, 'record')} no column is taken for names of records because nearly all its values differ."
        )
    return tuple(notes)
