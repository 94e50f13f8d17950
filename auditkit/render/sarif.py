"""SARIF: the log around results of one run, as code-scanning platforms read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditkit.render.escaping import sarif_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["sarif_log"]


def sarif_log(
    version: str,
    rules: Mapping[str, str],
    results: Iterable[Mapping[str, Any]],
    *,
    unread: Mapping[str, str] | None = None,
    bases: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return SARIF 2.1.0 of one run of auditkit.

    Parameters
    ----------
    version : str
        Of auditkit.
    rules : mapping of str to str
        What each rule is about, by its id, in the order they are listed in.
    results : iterable of mapping
        As SARIF has them.
    unread : mapping of str to str, optional
        Files that could not be looked at, and why: with any, the run was not a success, and its results are not all there may be.
    bases : mapping, optional
        What the base of a path stands for, as SARIF has it, by its name.

    References
    ----------
    OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 2020.
    """
    listed = [{"id": code, "shortDescription": {"text": sarif_text(title)}} for code, title in rules.items()]
    driver = {"name": "auditkit", "version": version, "rules": listed}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": list(results)}
    if bases:
        run["originalUriBaseIds"] = dict(bases)
    if unread:
        told = [_notification(file, why) for file, why in unread.items()]
        run["invocations"] = [{"executionSuccessful": False, "toolExecutionNotifications": told}]
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _notification(file: str, why: str) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": quote(file.replace("\\", "/"))}}}
    return {"level": "error", "message": {"text": sarif_text(why)}, "locations": [place]}
