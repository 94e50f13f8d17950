"""Printing: the reports of a batch as PDFs, beside their folders: a result is what its audit wrote, and a PDF can be made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from auditkit.runner.pdf import PrintError, print_page

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from auditkit.batch.outcomes import Outcome

__all__ = ["pdf_name", "print_reports"]


def pdf_name(out: Path, outcome: Outcome) -> str:
    """Return the path of an outcome's PDF below the batch; empty where there is none of the report as it is now."""
    name = f"pdf/{outcome.folder}.pdf"
    page = out / "results" / outcome.folder / "report.html"
    try:
        printed = outcome.ended == "done" and (out / name).stat().st_mtime_ns >= page.stat().st_mtime_ns
    except OSError:
        return ""
    return name if printed else ""


def print_reports(out: Path, outcomes: Iterable[Outcome], program: Path, at_once: int) -> list[str]:
    """Print the reports that were not printed yet, so many at a time; return why one was not, a sentence each."""
    missing = [one for one in outcomes if one.ended == "done" and not pdf_name(out, one)]
    if not missing:
        return []
    (out / "pdf").mkdir(exist_ok=True)

    def print_one(one: Outcome) -> str:
        try:
            print_page(
                out / "results" / one.folder / "report.html", out / "pdf" / f"{one.folder}.pdf", program
            )
        except (PrintError, OSError) as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(at_once) as pool:
        try:
            return [why for why in pool.map(print_one, missing) if why]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
