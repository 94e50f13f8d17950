"""Schema: whether each column of a table holds what people said it holds."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks.tables._parts import FACT
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.scanning.tables.schema import Broken, rules_broken
from auditkit.targets.table import Table as Records

_DRAFT = 'auditkit scan data FILE --draft-schema writes one to put right; name it by schema = "FILE" in the subject file'
_RULES = {
    "present": "not there",
    "type": "of another type",
    "range": "out of range",
    "categories": "of no category",
    "pattern": "of another form",
    "missing": "missing",
    "unique": "there twice",
    "key": "with a key that comes twice",
    "closed": "not in the schema",
}


@check(
    code="AK913",
    title="Columns as described",
    question="Does each column hold what the schema says?",
    dimension="data",
    metrics=["schema_rules_broken", "schema_broken_share", "schema_columns_undescribed"],
    about="table",
)
def table_schema(subject: Records, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Hold every column, of every part, to the types, ranges, categories, patterns, keys and missing values that the schema allows.

    Parameters
    ----------
    subject : Table
        Records with a schema.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``schema_rules_broken``: rules that some record does not hold; ``schema_broken_share`` of the records for each of these;
        ``schema_columns_undescribed``: columns of which the schema says nothing. All are facts of the table.
    """
    schema = subject.schema
    if schema is None:
        raise NotApplicable(f"no schema says what the columns should hold: {_DRAFT}")
    parts = {"": subject.frame, **subject.splits}
    broken = [(name, len(frame), one) for name, frame in parts.items() for one in rules_broken(frame, schema)]
    more = [str(name) for name in subject.frame.columns if str(name) not in schema.columns]
    rows = sum(map(len, parts.values()))
    return Evidence(
        "AK913",
        (
            Measurement("schema_rules_broken", float(len(broken)), rows, reason=FACT),
            Measurement("schema_columns_undescribed", float(len(more)), subject.frame.shape[1], reason=FACT),
            *(
                Measurement("schema_broken_share", one.rows / of, of, group=_group(part, one), reason=FACT)
                for part, of, one in broken
            ),
        ),
        {"broken": _table(broken)} if broken else {},
        says=_says(broken, len(schema.columns)),
        does_not_say="That values which fit the schema are true, nor that the schema is right: it is what people said of the columns.",
        notes=_notes(more),
        rows={"used": rows, "of": rows, "split": "records", "how": "all"},
    )


def _group(part: str, one: Broken) -> str:
    return f"{f'{part}, ' if part else ''}{one.column}: {one.rule}"


def _table(broken: list[tuple[str, int, Broken]]) -> Table:
    ordered = sorted(broken, key=lambda found: -found[2].rows / found[1])
    columns = {
        "column": tuple(one.column for _, _, one in ordered),
        "part": tuple(part or "the table" for part, _, _ in ordered),
        "said": tuple(one.said for _, _, one in ordered),
        "found": tuple(_RULES[one.rule] for _, _, one in ordered),
        "rows": tuple(one.rows for _, _, one in ordered),
        "share": tuple(one.rows / of for _, of, one in ordered),
    }
    labels = {
        "column": "Column",
        "part": "Part",
        "said": "The schema says",
        "found": "Records are",
        "rows": "Records",
        "share": "Share",
    }
    summary = f"{counted(len(ordered), 'rule')} not held by every record."
    return Table("Rules that are not held", columns, "plain", labels, summary)


def _says(broken: list[tuple[str, int, Broken]], described: int) -> str:
    if not broken:
        return f"Every record holds what the schema says of {counted(described, 'column')}."
    _, of, worst = max(broken, key=lambda found: found[2].rows / found[1])
    columns = len({one.column for _, _, one in broken})
    return (
        f"{counted(len(broken), 'rule')} of {counted(columns, 'column')} {'is' if len(broken) == 1 else 'are'} not held by every record; most often {worst.column}: {worst.rows:,} of "
        f"{of:,} records {_RULES[worst.rule]} (the schema says: {worst.said})."
    )


def _notes(more: list[str]) -> tuple[str, ...]:
    if not more:
        return ()
    shown = ", ".join(more[:8]) + (f" and {len(more) - 8} more" if len(more) > 8 else "")
    return (f"The schema says nothing of {shown}.",)
