"""Calls: what the code cells of notebooks do that lets others run code, or trusts what it should not."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks.notebooks._places import LISTED, by_kind, counted, place_columns, placed
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.scanning.notebooks.risky import RULES, calls_in
from auditkit.targets.notebooks import Notebooks

__all__ = ["notebook_risky_calls"]


@check(
    code="AK704",
    title="Risky calls in notebooks",
    question="What does the code of a notebook run, load or trust that others could have written?",
    dimension="notebook",
    metrics=["risky_calls_high", "risky_calls_medium", "risky_calls_low", "cells_not_read"],
    about="notebooks",
)
def notebook_risky_calls(
    subject: Notebooks,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
) -> Evidence:
    """Read the code cells as syntax, magics and shell lines among them. Nothing is run."""
    read = [(file.name, calls_in(file.content)) for file in subject.files]
    found = [(name, one) for name, (calls, _) in read for one in calls]
    unread = [(name, one) for name, (_, cells) in read for one in cells]
    cells = sum(len(file.content["cells"]) for file in subject.files)
    table = placed(
        "Where risky calls stand",
        {
            **place_columns((name, one.place) for name, one in found[:LISTED]),
            "kind": [RULES[one.rule][1] for _, one in found[:LISTED]],
            "severity": [one.severity for _, one in found[:LISTED]],
        },
        len(found),
        "Places of risky calls in code cells.",
    )
    not_read = Table(
        "Cells that were not read",
        {
            "notebook": tuple(name for name, _ in unread),
            "cell": tuple(one.cell for _, one in unread),
            "why": tuple(one.why for _, one in unread),
        },
        labels={"notebook": "Notebook", "cell": "Cell", "why": "Why"},
        summary="Code cells that could not be read as Python.",
    )
    words = {rule: said for rule, (_, said) in RULES.items()}
    levels = {level: sum(one.severity == level for _, one in found) for level in ("high", "medium", "low")}
    told = ", ".join(f"{count:,} {level}" for level, count in levels.items() if count)
    missing = f"; {counted(len(unread), 'code cell')} could not be read" if unread else ""
    return Evidence(
        "AK704",
        (
            *(Measurement(f"risky_calls_{level}", float(count), cells) for level, count in levels.items()),
            Measurement("cells_not_read", float(len(unread)), cells),
        ),
        {
            "places": table,
            "kinds": by_kind(
                "Kinds of risky calls", (one.rule for _, one in found), words, "Places by kind."
            ),
            "not_read": not_read,
        },
        says=f"{counted(len(found), 'risky call')}{f' ({told})' if told else ''}{missing}; {counted(cells, 'cell')} looked through.",
        does_not_say="That such a call does harm here, or that other code does none: calls are told by their names, and what a name stands for at run time may differ.",
        rows={"used": cells, "of": cells, "how": "all code cells"},
    )
