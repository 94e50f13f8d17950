"""Together: options of which one does nothing beside the other are refused before any work, with what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BATCH", "DUE", "refuse"]

_DRY = "a dry run starts and writes nothing, so that {other} would do nothing: leave it out to look, or leave --dry-run out to run"
_PLAN = "the plan says which audits are run and how"
_AFTER = (
    "{other} is for the batch: `auditkit batch PLAN --out DIR {other}{value}` keeps what the run left there"
)

BATCH: Mapping[tuple[str, str], str] = {
    ("--dry-run", "--only"): _DRY,
    ("--dry-run", "--dask"): _DRY,
    ("--dry-run", "--pdf"): _DRY,
    ("--dry-run", "--remote"): _DRY,
    ("--force", "--only"): (
        "--force runs all audits again, and --only failed those that broke: give --force alone, or --only failed alone"
    ),
}
"""Options of `auditkit batch` that are refused together, and why."""
DUE: Mapping[tuple[str, str], str] = {
    **{
        ("--due", one): _PLAN
        for one in ("--subject", "-p", "--policy", "--seed", "--cache", "--code", "--keep-answers")
    },
    ("--due", "--pdf"): f"{_AFTER}, and prints it",
    ("--due", "--remote"): f"{_AFTER}, and sends a copy",
    ("--due", "--dask"): (
        "{other} is for the batch: `auditkit batch PLAN --out DIR {other}{value}` runs the plan there, and counts as its run"
    ),
}
"""Options of `auditkit run` that are refused with --due, and why."""


def refuse(table: Mapping[tuple[str, str], str], given: Mapping[str, Any]) -> None:
    """Refuse options that a table does not let stand beside each other.

    Parameters
    ----------
    table : mapping
        Two options to why they do not go together.
    given : mapping
        Options to their values; None and False are options that were not given.

    Raises
    ------
    InputError
        Naming the first two of the table that were.
    """
    there = {name for name, value in given.items() if value is not None and value is not False}
    for (one, other), why in table.items():
        if {one, other} <= there:
            value = "" if given[other] is True else f" {given[other]}"
            raise InputError(f"{other} cannot be given with {one}: {why.format(other=other, value=value)}")
