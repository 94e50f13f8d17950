"""Shown: changed rows beside the originals, column by column, for those who may see records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.evidence import Table

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.methods.evasion import AttackResult
    from auditkit.threat import ThreatModel

__all__ = ["Examples", "cell_words", "shown"]

Examples = Annotated[
    int,
    Ge(0),
    Doc("Changed rows shown before and after, none by default: real records, show only data you may share."),
]


def shown(
    found: AttackResult, threat: ThreatModel, original: pd.DataFrame, records: np.ndarray, examples: int
) -> dict[str, Table]:
    """Return up to so many changed rows as a table, by name; nothing where none were asked for.

    Parameters
    ----------
    found : AttackResult
        What an attack gave for each row.
    threat : ThreatModel
        Whose units and limits are told.
    original : pandas.DataFrame
        The rows attacked, (n, inputs).
    records : ndarray of int, shape (n,)
        Their numbers in the test rows.
    examples : int
        Rows shown at most.

    Returns
    -------
    dict of str to Table
        Under "shown": one line for each input that was changed, with the change in the units of the threat model (signed for
        numbers), the cost of the whole row, whether the whole row is allowed and a flip within the radius, and why not.
    """
    if not examples:
        return {}
    before = threat.encode(original)
    changed = threat.space.changed(before, found.adversarial)
    cost = threat.space.cost(before, found.adversarial)
    whole = threat.space.distance(before, found.adversarial, threat.norm)
    after = threat.decode(found.adversarial)
    broken = threat.violations(original, after).to_numpy()
    flips = found.success & (whole <= threat.radius)
    rows = np.flatnonzero(changed.any(axis=1))
    rows = rows[np.lexsort([whole[rows], ~flips[rows]])]
    rows = _spread(rows, int(flips[rows].sum()), examples)
    lines: list[tuple[Any, ...]] = []
    for row in rows.tolist():
        why = _why_not(found, threat, row, broken[row], float(whole[row]))
        for j in np.flatnonzero(changed[row]).tolist():
            one = threat.features[j]
            sign = -1.0 if not one.joint and found.adversarial[row, j] < before[row, j] else 1.0
            size = float(cost[row, j]) * (1.0 if one.kind == "categorical" else sign)
            for name in one.columns:
                old, new = cell_words(original[name].iloc[row]), cell_words(after[name].iloc[row])
                if old != new:
                    lines.append((int(records[row]), name, old, new, size, float(whole[row]), not why, why))
    header = ("record", "column", "before", "after", "change", "cost of the row", "counts", "why not")
    columns = {name: tuple(line[at] for line in lines) for at, name in enumerate(header)}
    summary = f"{len(rows)} changed rows, from the nearest flips to the farthest; a change is counted in the units of the threat model."
    return {"shown": Table("Rows before and after", columns, summary=summary)}


def _spread(rows: np.ndarray, flips: int, examples: int) -> np.ndarray:
    """Return flips from the nearest to the farthest, evenly, and others where there are too few."""
    if flips <= examples:
        return rows[:examples]
    places = np.unique(np.linspace(0, flips - 1, examples).round().astype(int))
    chosen: np.ndarray = rows[places]
    return chosen


def _why_not(found: AttackResult, threat: ThreatModel, row: int, broken: np.ndarray, whole: float) -> str:
    if broken.any():
        names = [one.name for one, bad in zip(threat.features, broken, strict=True) if bad]
        return f"not allowed: {', '.join(names)}"
    if not found.success[row]:
        return str(found.reason[row])
    return "" if whole <= threat.radius else f"beyond the radius of {threat.radius:g}"


def cell_words(value: Any) -> str:
    """Return a cell as a reader would type it."""
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    return "missing" if value is None or str(value) in ("<NA>", "NaT") else str(value)
