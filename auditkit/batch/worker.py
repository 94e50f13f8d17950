"""Worker: one audit in a process of its own; what it leaves is a folder and one line of how it ended."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import AuditkitError, Cancelled, InputError
from auditkit.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditkit.finding import Finding
    from auditkit.runner.kernel import KernelHandle
    from auditkit.runner.news import News

__all__ = ["ENDED", "NEWS", "environment", "job_of", "named", "plain", "work"]

ENDED, NEWS = "ended.json", "news.jsonl"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")  # fmt: skip


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: as many threads as are its share, where the user has not said fewer."""
    own = dict(os.environ)
    for name in _THREADS:
        given = own.get(name, "")
        own[name] = str(min(int(given), threads)) if given.isdecimal() and int(given) else str(threads)
    return own


def job_of(audit: Any, folder: Path) -> dict[str, Any]:
    """Return what a worker is told, as plain JSON."""
    limits = {"seconds": audit.limits.seconds, "memory": audit.limits.memory}
    return {**audit.to_dict(), "limits": limits, "folder": str(folder)}


def work(job: Mapping[str, Any], ready: Callable[[], Callable[..., KernelHandle]] | None = None) -> None:
    """Run one audit into its folder, then write how it ended beside the outputs.

    Parameters
    ----------
    job : mapping
        What `job_of` returns.
    ready : callable, optional
        Readies a kernel and returns what makes its handle, as `run_template` takes it. It is called first of all.
    """
    folder = Path(job["folder"])
    started = time.perf_counter()
    try:
        said = _held(job, folder) if "made_of" in job else _run(job, folder, ready)
    except Cancelled:
        raise
    except AuditkitError as error:
        kind = "input" if isinstance(error, InputError) else "notebook"
        said = {"ended": "broke", "kind": kind, "why": str(error)}
    except OSError as error:
        said = {
            "ended": "broke",
            "kind": "system",
            "why": f"{error.filename or folder}: {error.strerror or error}",
        }
    except Exception as error:  # noqa: BLE001 - one audit of many: told in its place, and the batch goes on
        traceback.print_exc()
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"line {at.lineno} of {Path(at.filename).name}, in {at.name}"
        why = f"a mistake in auditkit itself or a package it uses: {type(error).__name__}: {error} ({where})"
        said = {"ended": "broke", "kind": "mistake", "why": why}
    said["seconds"] = round(time.perf_counter() - started, 3)
    write_whole(folder / ENDED, json.dumps(said).encode())


def _held(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run an audit where what its key is made of is the same as where its batch runs, before and after."""
    from datetime import date

    from auditkit.batch.keys import CHANGED, Digests, differing, made_of
    from auditkit.batch.plan import PlannedAudit

    audit, digests, asked = (
        PlannedAudit.from_dict(job),
        Digests(date.fromisoformat(job["day"])),
        job["made_of"],
    )
    broke = {"ended": "broke", "kind": "changed"}
    where = f"on the worker {socket.gethostname()}"
    try:
        if other := differing(asked, plain(made_of(audit, digests))):
            why = f"{where} it would rest on something else than where the batch runs: {', '.join(other)}"
            return {**broke, "why": f"{why}. Put the same files and packages there, and run the batch again"}
        said = _run(job, folder, None)
        if said["ended"] == "done" and (other := differing(asked, plain(made_of(audit, digests)))):
            return {**broke, "why": f"{CHANGED} ({where}: {', '.join(other)})"}
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return said


def plain(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a key is made of as it is after a way through JSON."""
    from auditkit.batch.keys import canonical

    read: dict[str, Any] = json.loads(canonical(made))
    return read


def _run(
    job: Mapping[str, Any], folder: Path, ready: Callable[[], Callable[..., KernelHandle]] | None
) -> dict[str, Any]:
    more: dict[str, Any] = {} if ready is None else {"kernel": ready()}
    from auditkit.batch.tables import write_tables
    from auditkit.runner.run import run_template

    result = run_template(
        job["template"],
        job["subject_file"],
        folder,
        parameters=job["parameters"],
        policy=job["policy"],
        seed=job["seed"],
        keep_answers=job.get("keep_answers", False),
        progress=_teller(folder / NEWS),
        **more,
    )
    report = result.report
    write_tables(report, folder / "tables")
    unmet = [one for one in report.findings if one.status == "fail"]
    return {
        "ended": "done",
        "verdict": report.verdict,
        "counts": report.counts,
        "not_met": [named(one) for one in unmet],
    }


def named(finding: Finding) -> dict[str, str]:
    """Return a finding by its names, without a value and without its group: a group holds values of a column."""
    metric = finding.measurement.metric if finding.measurement else ""
    return {"finding": finding.fingerprint, "check": finding.check, "metric": metric}


def _teller(path: Path) -> Callable[[News], None]:
    """Return a listener that keeps the last news in a file."""

    def tell(news: News) -> None:
        done = news.index + (news.fraction or 0.0)
        line = {"done": done, "total": news.total, "title": news.title, "what": news.what}
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    return tell


if __name__ == "__main__":
    from auditkit.batch.forked import die_with_parent
    from auditkit.runner.quick import without_grammars

    die_with_parent()
    without_grammars()
    work(json.loads(sys.stdin.read()))
