"""Alerts: one line of JSON for each start that somebody should hear of, in names and counts and without a value of the data."""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import AuditkitError, InputError
from auditkit.runner.paths import local_path

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.batch.due import Assessment

__all__ = ["FORM", "MOST", "Alerts", "When", "alert_of", "alert_of_failure"]

FORM = "auditkit.alert/1"
MOST = 50
"""Findings of a kind that a line names; the rest is counted."""
When = Literal["failed", "changed", "always"]


class Alerts:
    """Where alerts go.

    Parameters
    ----------
    target : str
        A file that lines are added to, made if it is not there; "-" for standard output.

    Raises
    ------
    InputError
        If nothing can be written there: told before any work.
    """

    def __init__(self, target: str) -> None:
        self._file: Path | None = None if target == "-" else local_path(target, "--alert")
        if self._file is not None:
            try:
                os.close(self._opened(self._file))
            except OSError as error:
                raise InputError(
                    f"--alert: cannot write to {target!r}: {error.strerror or error}; give a file in a folder that is there, or -"
                ) from None

    def write(self, alert: dict[str, Any]) -> None:
        """Add a line; two starts that write at once do not mix theirs.

        Raises
        ------
        AuditkitError
            If it cannot be written.
        """
        line = json.dumps(alert, ensure_ascii=True, allow_nan=False) + "\n"
        if self._file is None:
            sys.stdout.write(line)
            sys.stdout.flush()
            return
        try:
            self._append(self._file, line.encode())
        except OSError as error:
            raise AuditkitError(
                f"the alert could not be added to {str(self._file)!r}: {error.strerror or error}. The results are kept; "
                "the next start tells of them again"
            ) from None

    def _append(self, file: Path, line: bytes) -> None:
        number = self._opened(file)
        try:
            plain = stat.S_ISREG(os.fstat(number).st_mode)
            if plain:
                _hold(number)  # until it is closed: half of another's line would look cut off
                if os.fstat(number).st_size and not _ended(file):
                    line = b"\n" + line  # a line that was cut off stays alone
            if os.write(number, line) != len(line):
                raise OSError(0, "only a part of the line could be written")
            if plain:
                os.fsync(number)
        finally:
            os.close(number)

    @staticmethod
    def _opened(file: Path) -> int:
        at_once = getattr(
            os, "O_NONBLOCK", 0
        )  # a pipe that nobody reads is an error, and nothing to wait for
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | at_once, 0o644)


def alert_of(one: Assessment, exit_code: int) -> dict[str, Any]:
    """Return what a start came to as plain JSON; ``docs/scheduling.md`` describes the keys."""
    standing, result = one.standing, one.result
    findings: dict[str, int] = {}
    for outcome in () if result is None else result.outcomes:
        for status, n in outcome.counts.items():
            findings[status] = findings.get(status, 0) + n
    return {
        **_head(one.plan, one.file, one.out, one.at.isoformat(timespec="seconds"), one.what, exit_code),
        "due": None if standing is None or standing.slot is None else standing.slot.isoformat(),
        "next": None if standing is None else standing.following.isoformat(),
        "missed": 0 if standing is None else standing.missed,
        "clock_back": False if standing is None else standing.back,
        "verdict": one.verdict,
        "before": one.before,
        "audits": {} if result is None else {word: n for word, n in result.counts.items() if n},
        "findings": {status: n for status, n in findings.items() if n},
        "beside": one.beside or None,
        "new": _some(one.new),
        "fixed": _some(one.fixed),
        "persisting": _some(one.persisting),
        "page": None if result is None else str(result.out / "index.html"),
    }


def alert_of_failure(
    plan: Path, out: Path, at: str, what: Literal["refused", "broke"], exit_code: int
) -> dict[str, Any]:
    """Return that a plan was refused, or its run could not go on. Why is said on standard error: those words may quote the data."""
    empty = _some(())
    return {
        **_head(plan.stem, plan, out, at, what, exit_code),
        "due": None, "next": None, "missed": 0, "clock_back": False, "verdict": None, "before": None,
        "audits": {}, "findings": {}, "beside": None, "new": empty, "fixed": empty, "persisting": empty, "page": None,
    }  # fmt: skip


def _head(plan: str, file: Path, out: Path, at: str, what: str, exit_code: int) -> dict[str, Any]:
    return {
        "form": FORM,
        "plan": plan,
        "file": str(file.absolute()),
        "out": str(out.absolute()),
        "at": at,
        "what": what,
        "exit_code": exit_code,
    }


def _some(found: tuple[dict[str, str], ...]) -> dict[str, Any]:
    return {"count": len(found), "named": list(found[:MOST])}


def _hold(number: int) -> None:
    try:
        import fcntl
    except ImportError:  # not POSIX
        return
    fcntl.flock(number, fcntl.LOCK_EX)


def _ended(file: Path) -> bool:
    with file.open("rb") as read:
        read.seek(-1, os.SEEK_END)
        return read.read(1) == b"\n"
