"""Notebook: the few words an audit notebook needs, to run its audit and to show parts of the report."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.audit import Completed
from auditkit.errors import InputError, did_you_mean
from auditkit.runner.cluster import to_cluster
from auditkit.runner.kernel import CACHE_FOLDER, KEEP_ANSWERS, RUN_FOLDER, in_notebook
from auditkit.runner.news import of_event, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from auditkit.audit import Audit, Event
    from auditkit.report import Report
    from auditkit.targets import Target

__all__ = ["observe", "outputs", "show"]

_DRAWN, _SHOWN = 4, 6
_RECORDS = ("shown", "examples", "what_if")
_VIEWS = ("verdict", "findings", "methods", "notes", "forms")


def observe(
    audit: Audit, subject: Target, *, seed: int = 0, jobs: int = 1, out_dir: str | os.PathLike[str] = ".",
    cache: str | os.PathLike[str] | None = None, keep_answers: bool | None = None,
) -> Report:  # fmt: skip
    """Run the audit and save ``report.json``.

    Parameters
    ----------
    audit : Audit
        The plan.
    subject : Subject or another Target
        What to audit.
    seed : int
        Root of all random numbers.
    jobs : int
        Processes the checks are spread over. The numbers do not depend on it.
    out_dir : path
        Folder that gets ``report.json``; it must exist. While `auditkit run` runs the notebook, the file waits
        among the run's unfinished ones until all of the notebook is done.
    cache : path, optional
        As for `Audit.run`; what `auditkit run --cache` names when left out.
    keep_answers : bool, optional
        As for `Audit.run`; whether `auditkit run --keep-answers` was asked for when left out. They go to ``report.answers.npz``.

    Raises
    ------
    InputError
        If `jobs` is no whole number from 1, or the folder is missing.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs must be a whole number from 1; got {jobs!r}")
    run_folder = os.environ.get(RUN_FOLDER)
    folder = Path(run_folder or out_dir)
    if not folder.is_dir():
        raise InputError(f"out_dir must be a folder that exists; got {str(out_dir)!r}")
    cache = cache or os.environ.get(CACHE_FOLDER) or None
    keep = bool(os.environ.get(KEEP_ANSWERS)) if keep_answers is None else keep_answers
    say = _say_in_file(folder / "news.jsonl") if run_folder else _say_here()
    with _engine(jobs) as executor, to_cluster():
        for event in audit.stream(subject, seed=seed, executor=executor, cache=cache, keep_answers=keep):
            say(event)
            if isinstance(event, Completed):
                report = event.report
    report.save(folder / "report.json")
    return report


def show(report: Report, part: str) -> None:
    """Display a part of the report: static output, the same in a notebook and in its export.

    Parameters
    ----------
    report : Report
        What `observe` returned, or any saved report.
    part : str
        "verdict", "findings", "methods"; "notes" for what was added by hand; "forms"; a dimension ("bias") for all of its checks; or
        one check, by name or code.

    Raises
    ------
    InputError
        If the report has no such part.
    """
    for bundle in outputs(report, part):
        _display(bundle)


def outputs(report: Report, part: str, data: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return what `show` displays, each as a MIME bundle.

    Parameters
    ----------
    report, part
        As for `show`.
    data : dict, optional
        ``report.to_dict()``, for who asks for many parts.

    Raises
    ------
    InputError
        If the report has no such part.
    """
    from auditkit.render import views

    data = report.to_dict() if data is None else data
    if part in _VIEWS:
        return [views.bundle(part, views.view_data(part, data))]  # type: ignore[arg-type]
    return [bundle for code in _codes(report, part) for bundle in _evidence(data, code)]


def _evidence(data: Mapping[str, Any], code: str) -> list[dict[str, Any]]:
    """Return what one check observed, its first tables as figures; of a check that was not run, that it was not."""
    from auditkit.render import views

    about = views.view_data("evidence", data, code)
    if not about["evidence"]:
        (planned,) = about["provenance"]["plan"]
        return [{"text/plain": f"{planned['title']} ({code}) was planned and not run."}]
    every = [table for one in about["evidence"] for table in _asked_for_first(one["tables"])]
    told = [_told_before(data, code, table) for table in every]
    tables = [table for table, where in zip(every, told, strict=True) if not where]
    again = [f"{table['title']}: {where}." for table, where in zip(every, told, strict=True) if where]
    further = [str(table["title"]) for table in tables[_SHOWN:]]
    about["evidence"] = [
        {**one, "tables": {}, "notes": [*one["notes"], *again, *_further(further)]}
        for one in about["evidence"]
    ]
    found = [views.bundle("evidence", about)]
    for at, table in enumerate(tables[:_SHOWN]):
        # what follows the first few is there to be looked up; a map says more than its rows
        drawn = at < _DRAWN or table["kind"] in ("matrix", "bracket", "images")
        found.append(views.bundle("figure", table if drawn else {**table, "kind": "plain", "folded": True}))
    return found


def _asked_for_first(tables: Mapping[str, Any]) -> list[Any]:
    """Return tables with those first that show single records: they are there because somebody asked for them."""
    names = sorted(tables, key=lambda name: not (name in _RECORDS or name.startswith("record_")))
    return [tables[name] for name in names]


def _told_before(data: Mapping[str, Any], code: str, table: Mapping[str, Any]) -> str:
    """Return in words where the same table to read is shown for an earlier check; empty where it is not, or is a figure."""
    if table["kind"] != "plain":
        return ""
    titles = {one["code"]: one["title"] for one in data["provenance"].get("plan", ())}
    for one in data["evidence"]:
        if one["check"] == code:
            return ""
        if _alike(table) in map(_alike, [*one["tables"].values()][:_SHOWN]):
            return f"the same as for {one['check']}, {titles.get(one['check'], 'shown before')}"
    return ""


def _alike(table: Mapping[str, Any]) -> str:
    """Return a table as text, in which equal tables are equal, also where values are missing."""
    return json.dumps(table, sort_keys=True, default=str)


def _further(titles: list[str]) -> list[str]:
    """Return the note on tables that a page leaves to the record."""
    return [f"In report.json besides: {'; '.join(titles)}."] if titles else []


def _codes(report: Report, part: str) -> list[str]:
    plan = report.provenance.get("plan", ())
    codes = [one["code"] for one in plan if part in (one["dimension"], one["name"], one["code"])]
    if not codes:
        known = [*_VIEWS, *(one[key] for one in plan for key in ("dimension", "name", "code"))]
        raise InputError(f"this report has no part {part!r}.{did_you_mean(part, known)}")
    return codes


def _display(bundle: dict[str, Any]) -> None:
    from IPython.display import display

    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def _engine(jobs: int) -> AbstractContextManager[Executor | None]:
    if jobs == 1:
        return nullcontext()
    from concurrent.futures import ProcessPoolExecutor

    # a forked kernel would share its sockets and threads with its children
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))


def _say_in_file(path: Path) -> Callable[[Event], None]:
    return lambda event: tell(path, event)


def _say_here() -> Callable[[Event], None]:
    """Keep one line up to date in a notebook run by hand; say nothing elsewhere."""
    if not in_notebook():
        return lambda _event: None
    from IPython.display import display

    line = display({"text/plain": "starting ..."}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    finished, last = 0, 0.0

    def say(event: Event) -> None:
        nonlocal finished, last
        news, now = of_event(event), time.monotonic()
        finished += news.kind == "finished"
        if news.kind == "progress" and now - last < 0.5:
            return
        last = now
        done = f"{finished} of {news.total} checks done; {news.title} {news.what}".rstrip()
        line.update({"text/plain": "all checks done" if news.kind == "completed" else done}, raw=True)

    return say
