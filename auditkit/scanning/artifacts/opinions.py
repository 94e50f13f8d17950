"""Opinions: what other scanners say of a model file. Advisory: none of them opens or closes the gate."""

from __future__ import annotations

import importlib
import importlib.metadata
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

__all__ = ["SCANNERS", "Host", "installed", "opinion"]

SCANNERS: dict[str, str] = {
    "picklescan": "picklescan",
    "modelaudit-picklescan": "modelaudit_picklescan",
    "fickling": "fickling",
}
"""Scanners that can be asked: the name of the distribution, and of the package."""


def installed() -> dict[str, str]:
    """Return the versions of the scanners that are installed, by name; none of them is imported."""
    found = {}
    for name in SCANNERS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def opinion(scanner: str, data: bytes, extension: str = "") -> tuple[str, str]:
    """Ask one scanner, in this process.

    Parameters
    ----------
    scanner : str
        One of `SCANNERS`.
    data : bytes
        The file.
    extension : str
        As some scanners go by it: ".pkl".

    Returns
    -------
    (str, str)
        "flagged", "clean" or "unknown" (it broke, or says that it could not tell), and its words.
    """
    try:
        return _ASK[scanner](data, extension)
    except Exception as error:  # noqa: BLE001 - scanners break on hostile bytes in ways of their own
        return "unknown", f"it broke ({type(error).__name__})"


class Host:
    """Asks scanners in a process of its own: see `auditkit.sandbox.process.Child`."""

    def answer(self, question: tuple[str, bytes, str]) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Answer what one scanner says of a file."""
        verdict, words = opinion(*question)
        return {"verdict": verdict, "words": words[:500]}, []


def _picklescan(data: bytes, extension: str) -> tuple[str, str]:
    scanner = importlib.import_module("picklescan.scanner")
    found = scanner.scan_bytes(io.BytesIO(data), "file", extension or None)
    dangerous = [
        f"{one.module}.{one.name}" for one in found.globals if str(one.safety.value).lower() == "dangerous"
    ]
    if found.issues_count:
        return "flagged", ", ".join(dangerous[:5])
    return ("unknown", "an error while it read the file") if found.scan_err else ("clean", "")


def _modelaudit(data: bytes, extension: str) -> tuple[str, str]:
    del extension  # it goes by content
    report = importlib.import_module("modelaudit_picklescan").scan_bytes(
        data, enrich_call_graph=False
    )  # following calls takes half a minute a file
    verdict = str(getattr(report.verdict, "value", report.verdict)).lower()
    words = "; ".join(str(getattr(one, "message", one)) for one in list(report.findings)[:3])
    if verdict in ("malicious", "suspicious"):
        return "flagged", words
    return ("clean", "") if verdict == "clean" else ("unknown", verdict)


def _fickling(data: bytes, extension: str) -> tuple[str, str]:
    del extension
    fickle = importlib.import_module("fickling.fickle")
    analysis = importlib.import_module("fickling.analysis")
    worst = "LIKELY_SAFE"
    for pickled in fickle.StackedPickle.load(io.BytesIO(data)):
        severity = analysis.check_safety(pickled).severity.name
        worst = severity if severity != "LIKELY_SAFE" else worst
    return ("clean", "") if worst == "LIKELY_SAFE" else ("flagged", worst.lower().replace("_", " "))


_ASK: dict[str, Callable[[bytes, str], tuple[str, str]]] = {
    "picklescan": _picklescan,
    "modelaudit-picklescan": _modelaudit,
    "fickling": _fickling,
}
