"""Order: a run as asked for and validated, and the words that ask for it again."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.audit import Audit, fits_kind
from auditkit.errors import InputError
from auditkit.loading.shipped import policy_place, shipped_name
from auditkit.reading import name_shown
from auditkit.runner.parameters import SEPARATOR, assignment, declared, in_cell, validate
from auditkit.runner.paths import local_path
from auditkit.runner.templates import find_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.check import Parameter
    from auditkit.finding import Policy
    from auditkit.runner.templates import Template
    from auditkit.targets import Target

__all__ = ["Order", "files_are_there", "load_early", "named_files", "take_order"]

_SMALL = 64 * 2**20


@dataclass(frozen=True)
class Order:
    """A run as validated, as far as that is possible without opening the model and the data.

    Attributes
    ----------
    template : Template
        What to run.
    parameters : dict
        All that is written into the notebook.
    out : pathlib.Path
        The folder of the outputs, absolute; it need not be there.
    subject : pathlib.Path
        The subject file, as it was typed.
    command : tuple of str
        The words that ask for the same audit. Of files they hold the names and no folders, so that a report does not
        tell how somebody's disk is laid out.
    audit : Audit or None
        The plan, of a template that names its checks.
    """

    template: Template
    parameters: dict[str, Any]
    out: Path
    subject: Path
    command: tuple[str, ...]
    audit: Audit | None = None

    def as_typed(self, message: str) -> str:
        """Return a message from the notebook with paths as the person who typed them sees them."""
        seen = Path(self.parameters["subject_file"])
        if message.startswith(f"{seen}: "):
            message = f"{self.subject}{message[len(str(seen)) :]}"
        if seen.parent == Path():
            return message
        inside = rf"(?<![\w./\\-]){re.escape(seen.parent.as_posix())}/"
        folder = "" if self.subject.parent == Path() else f"{self.subject.parent.as_posix().rstrip('/')}/"
        return re.sub(inside, lambda _: folder, message)


def take_order(
    template: str | os.PathLike[str],
    subject_file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    parameters: Mapping[str, Any],
    policy: str | os.PathLike[str] | None,
    *,
    seed: int | None,
    jobs: int,
) -> Order:
    """Validate what was asked for; nothing is written, and neither the model nor the data are opened.

    Raises
    ------
    InputError
        If anything given cannot be used.
    """
    found = find_template(template)
    known = declared(found)
    given = validate(parameters, known)
    settable = in_cell(found.source_of("parameters"), found.name)
    if seed is None:
        seed = settable["seed"].default if "seed" in settable else 0
    for name, value, least in (("seed", seed, 0), ("jobs", jobs, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name} must be a whole number from {least}; got {value!r}")
    subject = local_path(subject_file, "--subject")
    files_are_there(subject)
    criteria = None if policy is None else policy_place(local_path(policy, "--policy"))
    audit = _plan(found, given, criteria)
    if audit is not None:
        fits_kind(*_written(subject), [check for check, _ in audit.plan])
    folder = local_path(out, "--out").resolve()
    shared = {
        "subject_file": _relative(subject, folder),
        "policy_file": None if criteria is None else shipped_name(criteria) or _relative(criteria, folder),
        "seed": seed,
        "jobs": jobs,
        "out_dir": ".",
    }
    missing = {"subject_file"} if policy is None else {"subject_file", "policy_file"}
    for name in sorted(missing - set(settable)):
        raise InputError(f"{found.name}: a template needs a cell tagged 'parameters' that sets {name}")
    word = found.path.name if os.fspath(template).endswith(".ipynb") else found.name
    command = _command(word, subject, given, known, criteria, seed)
    return Order(
        found, {k: v for k, v in shared.items() if k in settable} | given, folder, subject, command, audit
    )


def _written(path: Path) -> tuple[str, str]:
    """Return the kind and the name of what a subject file describes, without loading it."""
    from auditkit.loading.kinds import read_subject_file

    written = read_subject_file(path)
    return written.kind, getattr(written.said, "name", None) or written.file.stem


def load_early(path: Path) -> Target | None:
    """Load a subject where that is quick, so that a mistake in it is told before a kernel starts; None where it is not.

    What runs code of its own (a factory, a pinned file) and what is large is left to the kernel, which loads it anyway.

    Raises
    ------
    InputError
        As `auditkit.load_subject`.
    """
    from auditkit.loading.kinds import read_subject_file
    from auditkit.loading.subject_file import load_target

    written = read_subject_file(path)
    if written.runs_code or sum(one.stat().st_size for one in written.files().values()) > _SMALL:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the notebook shows them
            return load_target(written.file)
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - the kernel meets it too, and tells in which cell
        return None


def named_files(path: Path) -> dict[str, Path]:
    """Return the files that a subject file names, by key; of a factory in a module beside it, that module.

    Raises
    ------
    InputError
        If the subject file cannot be read.
    """
    from auditkit.loading.kinds import read_subject_file

    return read_subject_file(path).files()


def files_are_there(path: Path) -> None:
    """Check the form of a subject file, and that the files it names are there.

    Raises
    ------
    InputError
        If the form is another, or a file is missing.
    """
    from auditkit.loading.kinds import read_subject_file
    from auditkit.loading.tables import find_file

    written = read_subject_file(path)
    for key, file in written.files().items():
        try:
            find_file(file, key)
        except InputError as error:
            folder = written.file.parent
            typed = file.relative_to(folder) if file.is_relative_to(folder) else file
            why = str(error)
            if not file.exists():  # the key and the value as they stand in the file
                _, _, hint = why.partition(". Did you mean")
                why = f"{key}: there is no file {name_shown(typed)}; paths are from the folder of the subject file"
                why += f". Did you mean{hint}" if hint else ""
            raise InputError(f"{written.file}: {why}") from None


def _plan(template: Template, given: Mapping[str, Any], policy: Path | None) -> Audit | None:
    """Build the audit here too, so that a policy or a parameter that cannot work is refused now."""
    from auditkit.loading.policy import load_policy

    criteria: Policy = load_policy(policy)
    checks: dict[Any, dict[str, Any]] = {about.name: {} for about in template.resolved_checks()}
    for name, value in given.items():
        check, _, parameter = name.partition(SEPARATOR)
        if check in checks:
            checks[check][parameter] = value
    if not checks:
        return None
    try:
        return Audit(checks, criteria)
    except InputError as error:
        named = str(error).startswith(("a criterion", "a waiver"))
        raise InputError(f"{policy}: {error}") if named and policy else error from None


def _relative(path: Path, folder: Path) -> str:
    """Return the path as seen from the notebook, so that both can be moved together."""
    absolute = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(absolute, folder)).as_posix()
    except ValueError:  # another drive
        return absolute.as_posix()


def _command(
    template: str,
    subject: Path,
    given: Mapping[str, Any],
    known: Mapping[str, Parameter],
    policy: Path | None,
    seed: int,
) -> tuple[str, ...]:
    words = ["auditkit", "run", template, "--subject", subject.name]
    for name, value in given.items():
        words += ["-p", assignment(known[name], value)]
    words += [] if policy is None else ["--policy", shipped_name(policy) or policy.name]
    return (*words, "--seed", str(seed), "--out", "reports")
