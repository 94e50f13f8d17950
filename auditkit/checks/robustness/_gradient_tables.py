"""Gradient tables: accuracy under attack by radius, what each attack did, and rows before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Table

if TYPE_CHECKING:
    from auditkit.checks.robustness._white_box import Found, Setting

__all__ = ["attacks_table", "by_radius", "examples_table"]

_GRID = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # radii of the curve, as multiples of the one that is judged
_SHOWN = 6  # rows at most


def by_radius(
    setting: Setting, found: Found, right: np.ndarray, rng: np.random.Generator, steps: int, level: float
) -> Table:
    """Return accuracy under attack against the radius; a row flipped within one radius is flipped within every larger one."""
    radius, nearest = setting.threat.radius, np.where(found.attacked, found.nearest, np.inf)
    grid = [radius * share for share in _GRID]
    for one in grid:
        # nothing is nearer than the judged radius for rows that every attack left standing there
        open_rows = found.attacked & (nearest > one) & ((one > radius) | found.flipped) & (one != radius)
        rows = np.flatnonzero(open_rows)
        if len(rows):
            result = setting.quick(one, rng, steps=steps, rows=rows)
            nearest[rows] = np.minimum(nearest[rows], np.where(result.success, result.distance, np.inf))
    grid = [0.0, *grid]
    kept = np.array([int((right & ~(nearest <= one)).sum()) for one in grid])
    low, high = statistics.clopper_pearson(kept, found.n, level)
    columns = {"x": tuple(grid), "value": tuple(kept / found.n), "low": tuple(low), "high": tuple(high),
               "n": (found.n,) * len(grid)}  # fmt: skip
    at = grid.index(radius)
    summary = (
        f"Accuracy of {found.n} rows under attack: {common.percent(kept[0] / found.n)} unchanged, "
        f"{common.percent(kept[at] / found.n)} at {radius:g}. All attacks are made at {radius:g}; at other radii one, beside what these found."
    )
    words = {
        "x": "Size of the change, in units of the threat model",
        "value": "Accuracy under attack",
        "n": "records",
    }
    return Table("Accuracy under attack, by size of the change", columns, "curve", words, summary)


def attacks_table(found: Found) -> Table:
    """Return what each attack did, in turn."""
    columns: dict[str, list[object]] = {
        "attack": [],
        "rows": [],
        "flipped": [],
        "rate": [],
        "gradients": [],
        "queries": [],
    }
    for one in found.attacks:
        rows = int(found.attacked[one.rows].sum())
        k = int((one.result.success & (one.result.distance <= found.radius) & found.attacked[one.rows]).sum())
        row = (
            one.name,
            rows,
            k,
            k / rows if rows else np.nan,
            int(one.result.gradients.sum()),
            int(one.result.queries.sum()),
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return Table(
        "What each attack did",
        {name: tuple(values) for name, values in columns.items()},
        labels={"rows": "rows attacked", "flipped": "flipped within the radius", "rate": "success rate", "gradients": "gradients taken",
                "queries": "rows asked"},
        summary="Gradient attacks get the rows that those before them left standing; searches without gradients get all rows.",
    )  # fmt: skip


def examples_table(setting: Setting, found: Found, most: int) -> Table | None:
    """Return some flipped rows before and after, as pictures where rows are pictures; None where none is to be shown."""
    rows = np.flatnonzero(found.flipped & (found.nearest <= found.radius))[: min(most, _SHOWN)]
    if not len(rows):
        return None
    classes = setting.subject.classes
    names = [] if classes is None else [str(one) for one in classes.tolist()]
    after = setting.labels(found.changed[rows])
    words = [f"{names[setting.start[row]]} to {names[new]}" for row, new in zip(rows, after, strict=True)]
    expand = setting.threat.coding.expand
    pairs = zip(words, expand(setting.X[rows]), expand(found.changed[rows]), strict=True)
    if setting.model.image is not None:
        return _pictures(list(pairs), setting.model.image)
    columns: dict[str, list[object]] = {"row": [], "decision": [], "column": [], "before": [], "after": []}
    for at, (word, old, new) in enumerate(pairs, start=1):
        for j in np.flatnonzero((old != new) & ~(np.isnan(old) & np.isnan(new))).tolist():
            name = str(setting.frame.columns[j])
            for column, value in zip(columns.values(), (at, word, name, old[j], new[j]), strict=True):
                column.append(value)
    return Table(
        "Rows before and after", {name: tuple(values) for name, values in columns.items()},
        summary="The columns that the nearest flip of some rows changed. These are real records.",
    )  # fmt: skip


def _pictures(pairs: list[tuple[str, np.ndarray, np.ndarray]], shape: tuple[int, int]) -> Table:
    """Return each picture before, after, and the difference, each pixel by its line and place."""
    lines, places = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    panels: list[str] = []
    values: list[float] = []
    for at, (word, old, new) in enumerate(pairs, start=1):
        for what, cells in (("before", old), ("after", new), ("difference", new - old)):
            panels += [f"{at} ({word}): {what}"] * len(cells)
            values += cells.tolist()
    count = 3 * len(pairs)
    columns = {
        "panel": tuple(panels), "row": tuple(np.tile(lines, count).tolist()),
        "column": tuple(np.tile(places, count).tolist()), "value": tuple(values),
    }  # fmt: skip
    summary = f"{len(pairs)} pictures whose decision was flipped: before, after, and the difference. These are real records."
    return Table("Pictures before and after", columns, "images", summary=summary)
