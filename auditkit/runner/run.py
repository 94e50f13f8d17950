"""Run: a template on a subject, in a kernel of its own; out come the notebook, the report and its page."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from auditkit.errors import AuditkitError, InputError
from auditkit.files import held_back, move_together
from auditkit.report import Report, load_report
from auditkit.runner.copies import CopyError
from auditkit.runner.kernel import CACHE_FOLDER, KEEP_ANSWERS, RUN_FOLDER, KernelHandle
from auditkit.runner.news import News, follow
from auditkit.runner.order import load_early, take_order
from auditkit.runner.paths import output_folder, output_path, writable_folder
from auditkit.runner.pdf import PrintError, browser, print_page
from auditkit.runner.remote import RemoteError
from auditkit.runner.remote import remote as remote_of
from auditkit.runner.scratch import scratch_folder
from auditkit.runner.templates import write_notebook

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from auditkit.runner.order import Order
    from auditkit.runner.remote import Remote

__all__ = ["NAMES", "RunError", "RunResult", "run_template"]

NAMES = {
    "report": "report.json",
    "notebook": "report.ipynb",
    "html": "report.html",
    "partial": "report.partial.ipynb",
    "pdf": "report.pdf",
    "answers": "report.answers.npz",
}
_TAIL = 65_536  # bytes of a kernel's log that are looked at
_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


class RunError(AuditkitError):
    """A notebook did not run to its end; the message says where and why. There is no report."""


@dataclass(frozen=True)
class RunResult:
    """What a run left.

    Attributes
    ----------
    report : Report
        The record.
    report_path, notebook_path, html_path : pathlib.Path
        Where it is saved: as JSON, as the executed notebook, as a page.
    pdf_path : pathlib.Path or None
        The page as a PDF, where it was asked for.
    sent : tuple of str
        Addresses that copies were sent to.
    answers_path : pathlib.Path or None
        The answers of single records, where they were to be kept and the model gave them.
    """

    report: Report
    report_path: Path
    notebook_path: Path
    html_path: Path
    pdf_path: Path | None = None
    sent: tuple[str, ...] = ()
    answers_path: Path | None = None

    def __repr__(self) -> str:
        return f"RunResult({self.report.subject.get('name')}: {self.report.verdict}; open {self.html_path})"


def run_template(
    template: str | os.PathLike[str],
    subject_file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Any] | None = None,
    policy: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    jobs: int = 1,
    cache: str | os.PathLike[str] | None = None,
    keep_answers: bool = False,
    include_code: bool = False,
    pdf: bool = False,
    remote: str | None = None,
    progress: Callable[[News], None] | None = None,
    kernel: Callable[[Mapping[str, str], Path], KernelHandle] = KernelHandle,
) -> RunResult:
    """Run a template on a subject and write ``report.json``, ``report.ipynb`` and ``report.html``.

    Parameters
    ----------
    template : str or path
        A template's name ("bias"), or the path of a notebook.
    subject_file : path
        The subject file.
    out : path
        The folder for the three files; made if it is not there. Files of an earlier run are replaced, together and
        only when the new ones are complete.
    parameters : mapping, optional
        Values for the template's parameters: ``{"model_performance__level": 0.9}``.
    policy : path, optional
        Criteria; auditkit's default policy when left out.
    seed : int, optional
        Root of all random numbers; that of the template when left out, and 0 in auditkit's own.
    jobs : int
        Processes the checks are spread over.
    cache : path, optional
        Folder in which answers of reference models are kept for later runs, made if it is not there.
    keep_answers : bool
        Whether to write what the model said of each test row to ``report.answers.npz``, for its owner alone. Without it, one of an
        earlier run is removed. No copy of it is sent.
    include_code : bool
        Whether the page shows code, folded.
    pdf : bool
        Whether to print the page to ``report.pdf`` too, with an installed Chromium. Without it, one of an earlier run is removed.
    remote : str, optional
        An address such as ``s3://bucket/prefix``, to which a copy of the three files is sent through papermill's writers.
    progress : callable, optional
        Told each `News` as it comes.
    kernel : callable
        Makes what starts and stops the kernel, of its environment and the file for its log; a batch has one of its own.

    Raises
    ------
    InputError
        Before a kernel starts, if anything given cannot be used; once it runs, if that shows only in a large file or
        in a model that runs code of its own. A folder that was made for the run is removed again.
    RunError
        If the kernel died or a cell failed; what there is of the notebook is kept as ``report.partial.ipynb``.
    CopyError
        If the page could not be printed, or a copy could not be sent; the files in `out` are whole, and the error has the `result`.
    """
    place = None if remote is None else remote_of(remote)
    program = browser() if pdf else None
    order = take_order(template, subject_file, out, parameters or {}, policy, seed=seed, jobs=jobs)
    kept = {} if cache is None else {CACHE_FOLDER: str(writable_folder(cache, "--cache"))}
    kept |= {KEEP_ANSWERS: "1"} if keep_answers else {}
    with output_folder(out) as folder:
        for name in NAMES.values():
            if output_path(folder, name).is_dir():
                raise InputError(f"{str(folder / name)!r} is a folder: give another --out")
        subject = load_early(order.subject)
        if subject is not None and order.audit is not None:
            order.audit.fits(subject)
        with scratch_folder(folder) as scratch:
            _execute(order, scratch, kept, progress or (lambda _news: None), kernel)
            result = _deliver(order, scratch, include_code=include_code)
    return _further(result, program, place)


def _further(result: RunResult, program: Path | None, place: Remote | None) -> RunResult:
    """Print the page and send copies, as asked; the files are there by now, whatever comes of it."""
    missing: list[Exception] = []
    if program is not None:
        target = output_path(result.html_path.parent, NAMES["pdf"])
        try:
            result = replace(result, pdf_path=print_page(result.html_path, target, program))
        except (PrintError, OSError) as error:
            missing.append(error)
    if place is not None:
        files = {path.name: path for path in (result.report_path, result.notebook_path, result.html_path)}
        try:
            result = replace(result, sent=place.send(files, result.html_path.parent))
        except RemoteError as error:
            missing.append(error)
    if missing:
        raise CopyError("\n".join(map(str, missing)), result) from missing[-1]
    return result


def _execute(
    order: Order,
    scratch: Path,
    kept: Mapping[str, str],
    progress: Callable[[News], None],
    kernel: Callable[[Mapping[str, str], Path], KernelHandle],
) -> None:
    """Run papermill in a thread, so that this one can pass on the news and be interrupted."""
    given = order.template.notebook
    about = {**(given["metadata"].get("auditkit") or {}), "command": list(order.command)}
    metadata = {**given["metadata"], "auditkit": about, "kernelspec": _KERNEL}
    write_notebook(scratch / "template.ipynb", {**given, "metadata": metadata})
    # the user's own IPython start-up files are no part of the audit
    handle = kernel(
        {RUN_FOLDER: str(scratch), "IPYTHONDIR": str(scratch / "ipython"), **kept}, scratch / "kernel.log"
    )
    failed: list[BaseException] = []
    ended = threading.Event()
    work = threading.Thread(
        target=_papermill, args=(order, scratch, handle, failed, ended), name="papermill", daemon=True
    )
    work.start()
    news = follow(scratch / "news.jsonl")
    try:
        # not join(timeout): an interrupt inside it marks a thread that still runs as ended
        while not ended.wait(handle.pace):
            for one in next(news):
                progress(one)
        for one in next(news):
            progress(one)
    finally:
        if not ended.is_set():
            handle.stop()
            ended.wait(30)
        handle.close()
    if failed:
        _say_why(order, scratch, failed[0])


def _papermill(
    order: Order, scratch: Path, handle: KernelHandle, failed: list[BaseException], ended: threading.Event
) -> None:
    try:
        with _event_loop():
            import papermill

            from auditkit.runner.saving import ENGINE

            logging.getLogger("papermill").addHandler(logging.NullHandler())
            papermill.execute_notebook(
                _unformatted(scratch / "template.ipynb"),
                _unformatted(scratch / NAMES["notebook"]),
                parameters=order.parameters,
                kernel_name=_KERNEL["name"],
                engine_name=ENGINE,
                progress_bar=False,
                kernel_manager_class=handle.manager_class(),
                resources={"metadata": {"path": str(order.out)}},
                **handle.options,
            )
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
        failed.append(error)
    finally:
        ended.set()


@contextmanager
def _event_loop() -> Iterator[None]:
    """Close the loop that jupyter_client makes for this thread and leaves open."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _unformatted(path: Path) -> str:
    """Return a path that papermill, which formats it with the parameters, leaves as it is."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _say_why(order: Order, scratch: Path, error: BaseException) -> None:
    ename, evalue = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
    if ename in ("InputError", "NotApplicable") and not (scratch / NAMES["report"]).exists():
        raise InputError(order.as_typed(evalue)) from None
    died = type(error).__name__ == "DeadKernelError"
    cell = getattr(error, "exec_count", None)
    where = (
        "the kernel died (crash, or out of memory)"
        if died
        else f"cell {cell} failed"
        if cell
        else "the notebook failed"
    )
    why = "" if died else f": {ename}: {evalue}".rstrip(": ")
    kept = _keep_partial(order, scratch)
    last = "" if cell else _last_words(scratch / "kernel.log")
    raise RunError(f"{where}{why}.{last} No report was made.{kept}") from None


def _last_words(log: Path) -> str:
    """Return what a kernel that died said last, where it said anything."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            lines = map(str.strip, file.read().decode("utf-8", "replace").splitlines())
    except OSError:
        return ""
    said = [one for one in lines if one and not one.startswith("[IPKernelApp]")]
    fatal = [one for one in said if one.startswith("Fatal Python error")]  # a list of frames comes after it
    return f" Its last words: {(fatal or said)[-1][:200]}." if said else ""


def _keep_partial(order: Order, scratch: Path) -> str:
    """Keep what there is of the notebook, under a name and with marks that say so."""
    source = scratch / NAMES["notebook"]
    if not source.is_file():
        return ""
    try:
        notebook = json.loads(source.read_text(encoding="utf-8"))
    except ValueError:  # a full disk cuts it off; why the run failed is to be said all the same
        return " What there was of the notebook was cut off, and is not kept"
    _tidy(notebook, order, NAMES["partial"])
    notebook["metadata"]["auditkit"] = {**notebook["metadata"].get("auditkit", {}), "partial": True}
    for cell in notebook["cells"]:
        about = cell["metadata"].get("papermill", {})
        if cell["cell_type"] == "code" and cell.get("execution_count") is None and about:
            about["status"] = "not run"  # papermill calls the cells of a dead kernel completed
    target = output_path(order.out, NAMES["partial"])
    write_notebook(source, notebook)
    source.replace(target)
    return f" What there is of the notebook: {target}"


def _tidy(notebook: dict[str, Any], order: Order, name: str) -> None:
    about = notebook["metadata"].get("papermill", {})
    about |= {"input_path": order.template.path.name, "output_path": name}


def _deliver(order: Order, scratch: Path, *, include_code: bool) -> RunResult:
    """Make the page, then move all three files to their names."""
    from auditkit.runner.export import export_report

    notebook = scratch / NAMES["notebook"]
    if not (scratch / NAMES["report"]).is_file():
        kept = _keep_partial(order, scratch)
        raise RunError(f"the notebook ended without a report: it must call observe(audit, subject).{kept}")
    report = load_report(scratch / NAMES["report"])
    ran = {"template": {"sha256": order.template.digest}}
    report = replace(report, provenance={**report.provenance, **ran})
    report.save(scratch / NAMES["report"])
    content = json.loads(notebook.read_text(encoding="utf-8"))
    _tidy(content, order, NAMES["notebook"])
    write_notebook(notebook, content)
    export_report(notebook, scratch / NAMES["html"], include_code=include_code)
    targets = {kind: output_path(order.out, NAMES[kind]) for kind in ("html", "notebook", "report")}
    answers = output_path(order.out, NAMES["answers"]) if (scratch / NAMES["answers"]).is_file() else None
    with held_back():  # cut short, it would leave files of two runs
        for kind in ("partial", "pdf", "answers"):  # of an earlier run
            output_path(order.out, NAMES[kind]).unlink(missing_ok=True)
        if answers is not None:  # before the record that names it
            (scratch / NAMES["answers"]).replace(answers)
        move_together({scratch / NAMES[kind]: target for kind, target in targets.items()})
    return RunResult(report, targets["report"], targets["notebook"], targets["html"], answers_path=answers)
