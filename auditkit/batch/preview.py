"""Preview: what a batch would do, and how long that may take, told without doing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.forecast import Forecast, in_all, lasted_before
from auditkit.batch.journal import read_entries
from auditkit.batch.keys import Digests, key_of
from auditkit.batch.outcomes import latest
from auditkit.batch.store import Store
from auditkit.durations import expected

if TYPE_CHECKING:
    import os

    from auditkit.batch.outcomes import Outcome
    from auditkit.batch.plan import Plan
    from auditkit.estimating import Estimate

__all__ = ["preview"]

_TOLD = 6


def preview(
    plan: Plan,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    force: bool = False,
    forecast: Forecast | None = None,
) -> dict[str, Any]:
    """Return the audits of a plan, which of them would run, what they took before and may take now, as plain JSON.

    Parameters
    ----------
    plan : Plan
        As `load_plan` returns it.
    out : path
        The folder of the batch; it need not be there.
    jobs, force
        As for `run_batch`.
    forecast : Forecast, optional
        What `load_plan` showed each audit to; left out, only audits that ran on the same inputs have an estimate.
    """
    entries = read_entries(Path(out)) if Path(out).is_dir() else ()
    digests = Digests()
    keys = {one.name: key_of(one, digests) for one in plan.audits}
    before = {
        e.data["name"]: e.data
        for e in entries
        if e.data.get("seconds") is not None and e.kind in ("done", "adopted")
    }
    forecast = forecast or Forecast()
    every = latest(plan.audits, keys, entries)
    store = Store(Path(out))
    todo = {
        one.audit.name: _expected(one, forecast)
        for one in every
        if force or one.ended != "done" or (one.audit.keep_answers and not store.holds_answers(one.folder))
    }
    at_once = jobs or plan.jobs or 1
    rows = [_row(one, before.get(one.audit.name, {}), todo.get(one.audit.name)) for one in every]
    whole = in_all(todo.values(), at_once)
    return {
        "plan": plan.name,
        "jobs": at_once,
        "audits": rows,
        "excluded": [{"name": name, "why": why} for name, why in plan.excluded],
        "estimate": _plain(whole),
        "words": " ".join([_words(rows, at_once), *(_time(rows, whole) if todo else [])]),
    }


def _expected(one: Outcome, forecast: Forecast) -> Estimate:
    """Return what an audit may take: what it took on the same inputs, else what its checks are expected to."""
    return (
        lasted_before(one.seconds)
        if one.ended == "done" and one.seconds is not None
        else forecast.of(one.audit)
    )


def _row(one: Outcome, before: dict[str, Any], estimate: Estimate | None) -> dict[str, Any]:
    limit = one.audit.limits.seconds
    return {
        **one.audit.to_dict(),
        "key": one.key,
        "would": "keep" if estimate is None else "run",
        "seconds": before.get("seconds"),
        "memory": before.get("memory"),
        "estimate": None if estimate is None else _plain(estimate),
        "over": bool(estimate and limit and estimate.high > limit),
    }


def _plain(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as plain JSON: seconds, what is not in them, and in a few words."""
    known = expected(estimate.low, estimate.high)
    short = known if not estimate.unknown else f"{known}, and more" if estimate.high else "not known"
    return {
        "low": round(estimate.low, 1),
        "high": round(estimate.high, 1),
        "unknown": list(estimate.unknown),
        "words": short,
    }


def _words(rows: list[dict[str, Any]], jobs: int) -> str:
    """Return in a sentence what would run, and what it took before, as far as is known."""
    todo = [one for one in rows if one["would"] == "run"]
    said = f"{len(todo)} of {len(rows)} audits would run, {jobs} at a time."
    if not todo:
        return f"{said} All results are there."
    known = [one for one in todo if one["seconds"] is not None]
    most = max((one["memory"] or 0 for one in known), default=0)
    held = f", and {most / 2**20:,.0f} MiB each at most" if most else ""
    took = sum(one["seconds"] for one in known)
    return (
        f"{said} {len(known)} of them ran here before, and took {took:,.0f} seconds one after the other{held}."
        if known
        else said
    )


def _time(rows: list[dict[str, Any]], whole: Estimate) -> list[str]:
    """Return sentences on how long all may take, what is not in that, and which audits may be ended by their limit."""
    shared = _plain(whole)["words"].removesuffix(", and more")
    said = [f"Estimate of time: {shared}{' in all' if whole.high else ''}."]
    if whole.unknown:
        unknown = [f"- {why}" for why in whole.unknown[:_TOLD]]
        more = len(whole.unknown) - _TOLD
        unknown += [f"- ... and {more} more; --json has all"] if more > 0 else []
        said = ["\n".join([said[0], "Not in it:" if whole.high else "Because:", *unknown])]
    over = [one["name"] for one in rows if one["over"]]
    if over:
        named = ", ".join(over[:_TOLD]) + (f" and {len(over) - _TOLD} more" if len(over) > _TOLD else "")
        said.append(f"\nMay pass the limit of seconds: {named}.")
    return said
