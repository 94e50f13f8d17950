"""Starting: a plan to begin with, for the subject files that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.targets import KINDS, TEMPLATES

if TYPE_CHECKING:
    import os

__all__ = ["subject_files", "write_plan"]

_PLAN = """\
# A plan: every subject under every template. Paths are relative to this file. `auditkit batch {name} --dry-run` looks at it.
name = {title}
# policy = "policy.toml"        # criteria; auditkit's default policy when left out
# seeds = [0]                   # one audit a seed; the template's own when left out
# jobs = 2                      # audits at a time
# tags = ["nightly"]
# keep_answers = true           # of single records, beside each report, so that `auditkit compare` can pair them; restricted

[limits]                        # of each audit; one that passes a limit is ended, and the batch goes on
seconds = 3600
memory = "4 GiB"                # resident, of all its processes together

# [schedule]                    # when `auditkit run --due {name}` runs it
# every = "1 day"               # or "12 hours", "7d", "3 months"
# at = "02:30"                  # time of day; midnight when left out
# zone = "Europe/Zurich"        # of that time; UTC when left out

{subjects}
{templates}
# [[exclude]]
# subject = "credit"            # * stands for anything
# template = "robustness"
# why = "its inputs are not under the applicant's control"
"""
_SUBJECT = """\
[[subject]]
file = {file}{pad}# or a pattern such as "models/*.toml", which finds many
# name = "credit"               # the file's name when left out
# tags = ["retail"]
"""
_OF_MODELS = """\
[[template]]
name = "bias"                   # see: auditkit list templates; or a path that ends in .ipynb
# parameters = { demographic_parity__level = 0.95 }         # see: auditkit list parameters --template bias
# grid = { demographic_parity__level = [0.9, 0.95] }        # one audit a combination

[[template]]
name = "robustness"
"""
_TEMPLATE = """\
[[template]]
name = {name}{pad}# for {what}
"""

_NONE = "subject.toml"
_AT = 32  # where comments stand


def write_plan(path: str | os.PathLike[str]) -> Path:
    """Write a commented plan that names the subject files beside it and one folder below; "subject.toml" where there are none.

    For each kind of subject that is there it has a template that asks about such; for models where there are none.

    Raises
    ------
    InputError
        If the file is there already, or cannot be written.
    """
    target = Path(path)
    if target.suffix != ".toml":
        raise InputError(f"a plan is TOML: give a path that ends in .toml; got {str(path)!r}")
    if target.exists():
        raise InputError(f"{target} is there already: give another path, or remove it first")
    if not target.parent.is_dir():
        raise InputError(f"no folder {str(target.parent)!r}: make it first")
    there = _subjects(target.parent) or {_NONE: "model"}
    text = _PLAN.format(
        name=target.name,
        title=json.dumps(target.stem, ensure_ascii=False),
        subjects="\n".join(map(_subject, there)),
        templates="\n".join(_template(kind) for kind in KINDS if kind in there.values()),
    )
    try:
        return write_whole(target, text.encode())
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from None


def subject_files(folder: Path) -> list[str]:
    """Return the subject files in a folder and one below, relative to it and with '/', those of the folder itself first."""
    return list(_subjects(folder))


def _subjects(folder: Path) -> dict[str, str]:
    """Return the kind of each subject file in a folder and one below."""
    files = [one for pattern in ("*.toml", "*/*.toml") for one in sorted(folder.glob(pattern))]
    kinds = {one.relative_to(folder).as_posix(): _kind(one) for one in files}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _subject(file: str) -> str:
    said = json.dumps(file, ensure_ascii=False)
    return _SUBJECT.format(file=said, pad=" " * max(1, _AT - len(f"file = {said}")))


def _template(kind: str) -> str:
    """Return the templates to begin with for subjects of a kind."""
    if kind == "model":
        return _OF_MODELS
    said = json.dumps(TEMPLATES[kind])
    return _TEMPLATE.format(name=said, pad=" " * max(1, _AT - len(f"name = {said}")), what=KINDS[kind])


def _kind(file: Path) -> str | None:
    """Return the kind of a subject file; None where it is none."""
    from auditkit.loading.kinds import read_subject_file

    try:
        return read_subject_file(file).kind
    except InputError:
        return None
