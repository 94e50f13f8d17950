"""PDF: a page as an installed Chromium prints it, offline."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from auditkit.errors import AuditkitError, InputError
from auditkit.files import write_whole

__all__ = ["BROWSER", "PrintError", "browser", "print_page"]

BROWSER = "AUDITKIT_CHROMIUM"
"""The environment variable that names the browser, where it is not found by name."""

LASTS = 120.0  # seconds that printing one page may take
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# nothing is fetched, kept or asked; what a page's scripts have to do is done before it is printed, however long it takes
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--no-first-run", "--no-default-browser-check", "--metrics-recording-only",
    "--password-store=basic", "--use-mock-keychain", "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9",
    "--virtual-time-budget=60000", "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip


class PrintError(AuditkitError):
    """A page could not be printed; the page itself is whole."""


def browser() -> Path:
    """Return the program that prints: what `AUDITKIT_CHROMIUM` names, else a Chromium or Chrome that is found by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    given = os.environ.get(BROWSER, "")
    if given:
        found = shutil.which(given)
        if found is None:
            raise InputError(f"{BROWSER} is {given!r}, and there is no program of that name or path")
        return Path(found)
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise InputError(
            "a PDF is printed by Chromium or Chrome, and none of "
            f"{', '.join(_NAMES)} is on the path: install one (Debian and Ubuntu: apt install chromium), or name its program in {BROWSER}"
        )
    return Path(found)


def print_page(page: Path, target: Path, program: Path, *, lasts: float = LASTS) -> Path:
    """Print an HTML page to a PDF: A4, with page numbers and an outline. Nothing is fetched.

    Parameters
    ----------
    page : pathlib.Path
        The page.
    target : pathlib.Path
        The PDF; it appears whole or not at all.
    program : pathlib.Path
        What `browser` returned. It gets a profile of its own, which is removed.
    lasts : float
        Seconds after which it is ended.

    Raises
    ------
    PrintError
        If it fails or is not done in time.
    """
    with tempfile.TemporaryDirectory(prefix="auditkit-print-", ignore_cleanup_errors=True) as scratch:
        made = Path(scratch, "page.pdf")
        command = [
            str(program), *_FLAGS, *_unboxed(), f"--user-data-dir={scratch}", f"--print-to-pdf={made}", page.resolve().as_uri(),
        ]  # fmt: skip
        code, said = _run(command, lasts)
        why = f"was not done in {lasts:.0f} seconds" if code is None else f"ended with code {code}: {said}"
        if code != 0 or not made.is_file() or not made.read_bytes().startswith(b"%PDF"):
            raise PrintError(f"{page} could not be printed: {program.name} {why}. The page itself is whole")
        return write_whole(target, made.read_bytes())


def _unboxed() -> list[str]:
    """Return the flag without which Chromium does not start as root."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _run(command: list[str], lasts: float) -> tuple[int | None, str]:
    """Run a program to its end; return its code and its last words, or None for the code of one that was ended with all it had started."""
    posix = os.name == "posix"
    process = subprocess.Popen(  # noqa: S603 - a browser that the user installed, and flags of this module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=posix,
    )
    try:
        _, said = process.communicate(timeout=lasts)
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        if process.poll() is None:
            _end(process, posix=posix)
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if "dbus" not in line]
    return process.returncode, " ".join(lines[-3:])[:500]


def _end(process: subprocess.Popen[bytes], *, posix: bool) -> None:
    """End a program that still runs, and its children with it."""
    import signal

    if posix:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
