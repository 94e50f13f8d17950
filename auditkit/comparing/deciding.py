"""Deciding: whether a measurement became worse beyond noise."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from auditkit.comparing.held import NO_WIDTH, STILL_UNDEFINED
from auditkit.ranges import read_whole
from auditkit.render.text import number, p_value

if TYPE_CHECKING:
    from auditkit.comparing.moves import Move, Turn
    from auditkit.finding import Status

__all__ = ["settled"]


def settled(move: Move, turn: Turn | None, alpha: float, tolerance: float) -> Move:
    """Return a move with its status and the reason for it.

    Parameters
    ----------
    move : Move
        With its p-value adjusted.
    turn : Turn or None
        What became of the finding it belongs to.
    alpha : float
        False discovery rate.
    tolerance : float
        The worsening that is let pass.

    Returns
    -------
    Move
        ``fail`` only where it went the wrong way, further than the tolerance with its whole interval, and the test holds after
        adjustment. ``pass`` where it did not, and its finding was not broken anew. ``inconclusive`` where the change cannot be told. No
        status where no criterion speaks of it, it is new and not broken, or it is undefined on both sides for the same reason.
    """
    if move.criterion is None:
        return replace(move, reason=_unjudged(move, alpha))
    broken = turn is not None and turn.fate == "new"
    if move.before is None:
        if broken:
            return replace(
                move,
                status="inconclusive",
                reason="not met now, and there is nothing before to hold it against",
            )
        return replace(move, reason="measured for the first time; nothing before to hold it against")
    if move.reason.startswith(STILL_UNDEFINED):
        return replace(move, reason=f"no change: {move.reason}")
    if move.change is None:
        status, reason = _without_interval(move, turn)
    else:
        status, reason = _with_interval(move, turn, alpha, tolerance)
    return replace(move, status=status, reason=reason)


def _unjudged(move: Move, alpha: float) -> str:
    if move.change is None and move.reason == NO_WIDTH and read_whole(move.metric):
        changed = "no criterion says whether that is for the worse"
        return f"a count of what was read is exact; {changed if move.value else 'it is the same'}"
    if move.change is None:
        return move.reason
    if move.p_adjusted is not None and move.p_adjusted <= alpha:
        return "changed beyond noise; no criterion says whether that is for the worse"
    return "within noise"


def _without_interval(move: Move, turn: Turn | None) -> tuple[Status, str]:
    after = move.after
    if after is None or move.value is None:
        return "inconclusive", move.reason
    fixed = move.before is not None and move.before.by_construction and after.by_construction
    if move.reason != NO_WIDTH:
        return "inconclusive", move.reason
    if move.value == 0 or fixed:
        return "pass", "the same value" if move.value == 0 else "it follows from how it is made"
    if not move.worse:
        return "pass", "it moved the better way; it has no interval"
    if read_whole(move.metric):
        return "fail", "it became worse; a count of what was read is exact"
    met = turn is not None and turn.fate == "new" and turn.before is not None and turn.before.status == "pass"
    if met:
        return "fail", "met before and not met now; the value has no interval, and is taken as it stands"
    return "inconclusive", "it became worse, and has no interval: whether that is noise cannot be told"


def _with_interval(move: Move, turn: Turn | None, alpha: float, tolerance: float) -> tuple[Status, str]:
    ends = move.change
    if ends is None or move.value is None:  # pragma: no cover - asked only with both
        return "inconclusive", move.reason
    away = ends.low if move.value > 0 else -ends.high
    alone = bool(move.worse) and away > tolerance
    p = math.nan if move.p_adjusted is None else move.p_adjusted
    if alone and p <= alpha:
        beyond = f" and by more than {number(tolerance)}" if tolerance else ""
        return "fail", f"worse beyond noise{beyond} (adjusted p {p_value(p)})"
    if turn is not None and turn.fate == "new":
        was = "met" if turn.before is not None and turn.before.status == "pass" else "undecided"
        return "inconclusive", f"not met now and {was} before, but the change itself is within noise"
    if alone:
        return (
            "pass",
            f"worse than noise alone would make it, but not after correction for all changes (adjusted p {p_value(p)})",
        )
    if move.worse and away > 0:
        return "pass", f"worse, but not shown to be by more than the {number(tolerance)} that is let pass"
    half = max(ends.high - move.value, move.value - ends.low)
    return "pass", f"no worsening beyond noise; alone, a change of {number(half)} would have stood out"
