"""Subject files: what is under audit, described in TOML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from auditkit.errors import InputError
from auditkit.loading.kinds import read_subject_file
from auditkit.targets import KINDS

if TYPE_CHECKING:
    from auditkit.subject import Subject
    from auditkit.targets import Target

__all__ = ["load_subject", "load_target"]


def load_subject(path: str | Path, *, base: str | Path | None = None) -> Subject:
    """Load a subject, a model with its rows, from a TOML file.

    Parameters
    ----------
    path : path
        The subject file. Its keys are described in ``docs/subjects.md``.
    base : path, optional
        The folder from which relative paths in it count; left out, the folder of the file.

    Returns
    -------
    Subject
        Its model carries how far the file was trusted (``model.trust``) and the sha256 of what was opened
        (``model.digest``).

    Raises
    ------
    InputError
        If a key, file, column or label is wrong or missing, the model is refused, or the file describes no model.

    Examples
    --------
    >>> load_subject("missing/credit.toml")
    Traceback (most recent call last):
    auditkit.errors.InputError: no subject file missing/credit.toml.
    """
    found = load_target(path, base=base)
    if found.kind != "model":
        raise InputError(
            f"{path} describes {KINDS[found.kind]}, not a model with its rows; type: "
            f"from auditkit.loading import load_target; load_target({str(path)!r})"
        )
    return cast("Subject", found)


def load_target(path: str | Path, *, base: str | Path | None = None) -> Target:
    """Load whatever a subject file describes: its key ``kind`` says what, a model with its rows when left out.

    Parameters
    ----------
    path : path
        The subject file.
    base : path, optional
        The folder from which relative paths in it count; left out, the folder of the file.

    Raises
    ------
    InputError
        If a key or a file is wrong or missing, or what it names is refused.

    Examples
    --------
    >>> load_target("missing/notebooks.toml")
    Traceback (most recent call last):
    auditkit.errors.InputError: no subject file missing/notebooks.toml.
    """
    written = read_subject_file(path)
    try:
        return written.load(None if base is None else Path(base))
    except InputError as error:
        raise InputError(f"{written.file}: {error}") from error
