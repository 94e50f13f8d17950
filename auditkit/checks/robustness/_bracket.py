"""Bracket: what lies between the certified and the attacked accuracy, and which method settled how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.robustness._attackers import ROUNDING
from auditkit.checks.robustness._threats import sized
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.checks.robustness._attackers import Found
    from auditkit.checks.robustness._smoothed import Vote
    from auditkit.methods.evasion import MinimalDistance
    from auditkit.threat import ThreatModel

__all__ = ["METRICS", "about_certificate", "at_radius", "between", "methods", "weaker"]

METRICS = ["certified_accuracy", "attacked_accuracy"]


def between(
    grid: np.ndarray,
    right: np.ndarray,
    lower: np.ndarray,
    nearest: np.ndarray,
    threat: ThreatModel,
    level: float,
) -> Table:
    """Return both bounds at every radius; at 0 both are the accuracy.

    Parameters
    ----------
    grid : ndarray of shape (m,)
        Radii from 0.
    right : ndarray of bool, shape (n,)
        Records the model is right about.
    lower, nearest : ndarray of shape (n,)
        Certified distance, nan where nothing is, and that of the nearest change found.
    threat : ThreatModel
        Whose radii they are.
    level : float
        Confidence level of both ends together: each errs with half of what is left.
    """
    n = len(right)
    known = bool(right.any()) and not np.isnan(lower[right]).any()
    left = np.array([int((right & ~(nearest <= r)).sum()) if r else int(right.sum()) for r in grid])
    held = np.array([int((right & (lower > r)).sum()) if r else int(right.sum()) for r in grid])
    least, most = (
        statistics.clopper_pearson(held, n, level).low,
        statistics.clopper_pearson(left, n, level).high,
    )
    told = known | (grid == 0)
    columns = {
        "x": tuple(grid),
        "certified": tuple(np.where(told, held / n, np.nan)),
        "attacked": tuple(left / n),
        "low": tuple(np.where(told, least, 0.0)),
        "high": tuple(most),
        "n": (n,) * len(grid),
    }
    summary = (
        "Robust accuracy lies between the certified and the attacked share of the records drawn. That of all such records lies between "
        f"low and high, at each radius by itself with {common.percent(level)} confidence: each end errs with "
        f"{common.percent((1 - level) / 2)} at most."
    )
    words = {
        "x": f"Size of the change allowed ({threat.norm}, {threat.units})",
        "value": "Robust accuracy",
        "certified": "at least, certified",
        "attacked": "at most, under attack",
        "n": "records",
    }
    return Table("Robust accuracy, by size of the change", columns, "bracket", words, summary)


def at_radius(
    table: Table, threat: ThreatModel, n: int, why_not: str, level: float
) -> tuple[Measurement, Measurement]:
    """Return both bounds at the judged radius."""
    at = table.columns["x"].index(threat.radius)
    about = f"within {sized(threat)}"
    sides: tuple[Literal["lower", "upper"], Literal["lower", "upper"]] = ("lower", "upper")
    made = []
    for metric, column, bound in zip(METRICS, ("certified", "attacked"), sides, strict=True):
        share = float(table.columns[column][at])
        if np.isnan(share):
            reason = why_not or "the model is right about no record to begin with"
            made.append(Measurement(metric, share, n, bound=bound, reason=reason))
            continue
        ends = statistics.clopper_pearson(round(share * n), n, level)
        made.append(
            common.measured(metric, share, n, ends, level, "clopper-pearson", bound=bound, reason=about)
        )
    return made[0], made[1]


def methods(
    found: list[Found],
    inside: MinimalDistance | None,
    right: np.ndarray,
    grid: np.ndarray,
    radius: float,
    cloud: Vote,
) -> Table:
    """Return what each method settled of the records that are right to begin with."""
    names = ("method", "sees", "records", "turned", "certified", "left open", "minimum proved", "stopped by a limit", "median gap",
             "calls", "did not start")  # fmt: skip
    n, rows = int(right.sum()), []
    nearest = np.fmin.reduce([one.distance for one in found])
    for one in found:
        turned = int((right & (one.distance <= radius)).sum())
        held, proved, stopped, middle = 0, 0, 0, float("nan")
        if (
            inside is not None and one is found[0]
        ):  # the certificate's own; a proof holds where its change stood the asking again
            proof = inside.proved & np.isfinite(one.distance)
            same = right & ((inside.lower >= nearest * (1 - ROUNDING)) | proof)
            open_ = right & (nearest <= grid[-1]) & ~same
            held, proved = int((right & (inside.lower > radius)).sum()), int(same.sum())
            stopped = int((right & ~same & np.char.startswith(inside.how, "not settled")).sum())
            middle = float(np.median((nearest - inside.lower)[open_])) if open_.any() else middle
        rows.append(
            (
                one.name,
                one.sees,
                n,
                turned,
                held,
                n - turned - held,
                proved,
                stopped,
                middle,
                one.calls,
                one.why_not,
            )
        )
    if cloud.table is not None:
        every, held = len(right), cloud.certified
        nothing = (0, 0, float("nan"))
        rows.append(
            (
                "smoothing (another model)",
                "decisions",
                every,
                0,
                held,
                every - held,
                *nothing,
                cloud.calls,
                "",
            )
        )
    summary = (
        f"What each method settled at radius {radius:g}, of the records that are right to begin with. The minimum is proved where the "
        "certified bound meets the nearest change of all; the gap is between the two where it does not, up to twice the radius."
    )
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return Table("What settled how many records", columns, summary=summary)


def about_certificate(
    lower: np.ndarray, nearest: np.ndarray, white: Found | None, why_not: str, threat: ThreatModel
) -> tuple[str, ...]:
    """Return where the certified bound comes from, and what it leaves open."""
    if white is None:
        return (f"Nothing is certified of the model itself: {why_not}.",)
    open_ = int(((lower <= threat.radius) & ~(nearest <= threat.radius)).sum())
    left = {0: "no record is left open", 1: "1 record is left open"}.get(
        open_, f"{open_} records are left open"
    )
    said = [f"Certified by {white.name}, from the model's own structure; at the radius {left}."]
    if threat.rules:
        said.append("The certified bound leaves the rules between columns out: it may be lower than need be.")
    return tuple(said)


def weaker(found: list[Found], within: float) -> tuple[str, ...]:
    """Mark a search that sees the model and did worse than one that sees less."""
    said = []
    for one in found:
        others = [other.distance for other in found if other.sees != "the model"]
        if one.sees != "the model" or one.why_not or not others:
            continue
        best = np.fmin.reduce(others)
        worse = int(((best < one.distance * (1 - ROUNDING)) & (best <= within)).sum())
        if worse:
            said.append(
                f"For {worse} records a search that sees less of the model found a nearer change than {one.name}, which rounds or was "
                "stopped by its limit there: the nearest of all is what counts."
            )
    return tuple(said)
