"""Preview: what a batch would do, told without doing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.journal import read_entries
from auditkit.batch.keys import Digests, key_of
from auditkit.batch.outcomes import latest

if TYPE_CHECKING:
    import os

    from auditkit.batch.plan import Plan

__all__ = ["preview"]


def preview(
    plan: Plan, out: str | os.PathLike[str], *, jobs: int | None = None, force: bool = False
) -> dict[str, Any]:
    """Return the audits of a plan, which of them would run, and what they took before, as plain JSON.

    Parameters
    ----------
    plan : Plan
        As `load_plan` returns it.
    out : path
        The folder of the batch; it need not be there.
    jobs, force
        As for `run_batch`.
    """
    entries = read_entries(Path(out)) if Path(out).is_dir() else ()
    digests = Digests()
    keys = {one.name: key_of(one, digests) for one in plan.audits}
    took = {
        e.data["name"]: e.data
        for e in entries
        if e.data.get("seconds") is not None and e.kind in ("done", "adopted")
    }
    rows = []
    for one in latest(plan.audits, keys, entries):
        kept = one.ended == "done" and not force
        before = took.get(one.audit.name, {})
        rows.append(
            {**one.audit.to_dict(), "key": one.key, "would": "keep" if kept else "run",
             "seconds": before.get("seconds"), "memory": before.get("memory")}
        )  # fmt: skip
    at_once = jobs or plan.jobs or 1
    return {
        "plan": plan.name,
        "jobs": at_once,
        "audits": rows,
        "excluded": [{"name": name, "why": why} for name, why in plan.excluded],
        "words": _words(rows, at_once),
    }


def _words(rows: list[dict[str, Any]], jobs: int) -> str:
    """Return in a sentence what would run, and how long that took before, as far as is known."""
    todo = [one for one in rows if one["would"] == "run"]
    known = [one for one in todo if one["seconds"] is not None]
    said = f"{len(todo)} of {len(rows)} audits would run, {jobs} at a time."
    if not todo:
        return f"{said} All results are there."
    if not known:
        return f"{said} None of them ran here before, so how long they take is not known."
    seconds = sum(one["seconds"] for one in known) / jobs
    most = max(one["memory"] or 0 for one in known)
    held = f", and {most / 2**20:,.0f} MiB each at most" if most else ""
    rest = f"; {len(todo) - len(known)} never ran here" if len(known) < len(todo) else ""
    return f"{said} {len(known)} of them took about {seconds:,.0f} seconds in all at {jobs} at a time when they last ran{held}{rest}."
