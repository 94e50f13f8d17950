"""Data: the audit of a table in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w
from markupsafe import Markup

from auditkit.errors import InputError
from auditkit.render.tables import table_html
from auditkit.targets.table import Table
from auditkit.widgets.parts import said
from auditkit.widgets.studio import Studio

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["Data"]

_PARTS = (
    ("labels", "target", "whether labels look wrong, whether a column holds the answer, and signs of planted records (AK916 to AK918)"),
    ("groups", "sensitive", "for whom values are missing and labels look wrong (AK914, AK916)"),
    ("parts", "splits", "whether records stand in two parts (AK917, AK918)"),
    ("a schema", "schema", "whether columns hold what they should (AK913)"),
    ("a population", "reference", "whether groups have their share (AK915)"),
    ("a lineage", "lineage", "where the table came from (AK919)"),
    ("quasi-identifiers", "quasi_identifiers", "how many people a record could be of, by what you say others know (AK912)"),
)  # fmt: skip


class Data(Studio):
    """What a table holds, lacks and gives away: a studio of one step.

    Parameters
    ----------
    table : Table
        What to audit; of `auditkit.targets.table`, or from a subject file by `load_target`.
    checks : names, codes or check functions, optional
        As for `Audit`; all of tables when left out.
    criteria : Policy or iterable of Criterion, optional
        What is required; the default policy when left out.
    seed : int, default 0
        Root of all random numbers.
    executor : concurrent.futures.Executor, optional
        Where checks run; in a thread of this kernel when left out.

    Attributes
    ----------
    given : HTML
        What was said of the table, and what cannot be examined without more.

    Raises
    ------
    InputError
        If it is no table, or a check or criterion does not exist.
    """

    only: ClassVar[Any] = ("data",)

    def __init__(
        self,
        table: Table | None = None,
        checks: Any = None,
        criteria: Any = None,
        seed: int = 0,
        executor: Executor | None = None,
    ) -> None:
        if not isinstance(table, Table):
            hint = f"Data(Table({table!r}, frame))" if isinstance(table, str) else "Data(Table(name, frame))"
            raise InputError(
                f"expected a table: {hint}, with Table of auditkit.targets.table; got {type(table).__name__}"
            )
        super().__init__(table, checks, criteria, seed, executor)
        self.given = w.HTML(_given(table))
        step = next(iter(self.steps.values()))
        question, *parts = step.children
        step.children = (question, self.given, *parts)


def _given(table: Table) -> str:
    """Return what was said of a table, and what each thing that was not said would let be examined."""
    facts = table.describe()["facts"]
    shown = table_html(
        {"title": "", "columns": {"About": list(facts), "This table": [str(one) for one in facts.values()]}}
    )
    lacking = [(word, key, what) for word, key, what in _PARTS if not _has(table, key)]
    lines = Markup("").join(
        Markup("<li><b>{}</b> (<code>{}</code>): {}</li>").format(word, key, what)
        for word, key, what in lacking
    )
    more = Markup("<details><summary>{}</summary><ul>{}</ul></details>").format(
        f"Not given, and so not examined: {', '.join(word for word, _, _ in lacking)}", lines
    )
    return f'<div class="ak" style="overflow-wrap:anywhere">{shown}{more if lacking else said("Everything that is asked about was given.")}</div>'


def _has(table: Table, key: str) -> bool:
    return bool(table.parts()) if key == "splits" else bool(getattr(table, key))
