"""Starting: a plan to begin with, for the subject files that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.files import write_whole

if TYPE_CHECKING:
    import os

__all__ = ["write_plan"]

_PLAN = """\
# A plan: every subject under every template. Paths are relative to this file. `auditkit batch {name} --dry-run` looks at it.
name = {title}
# policy = "policy.toml"        # criteria; auditkit's default policy when left out
# seeds = [0]                   # one audit a seed; the template's own when left out
# jobs = 2                      # audits at a time
# tags = ["nightly"]

[limits]                        # of each audit; one that passes a limit is ended, and the batch goes on
seconds = 3600
memory = "4 GiB"                # resident, of all its processes together

# [schedule]                    # when `auditkit run --due {name}` runs it
# every = "1 day"               # or "12 hours", "7d", "3 months"
# at = "02:30"                  # time of day; midnight when left out
# zone = "Europe/Zurich"        # of that time; UTC when left out

{subjects}
[[template]]
name = "bias"                   # see: auditkit list templates; or a path that ends in .ipynb
# parameters = {{ demographic_parity__level = 0.95 }}         # see: auditkit list parameters --template bias
# grid = {{ demographic_parity__level = [0.9, 0.95] }}        # one audit a combination

[[template]]
name = "robustness"

# [[exclude]]
# subject = "credit"            # * stands for anything
# template = "robustness"
# why = "its inputs are not under the applicant's control"
"""
_SUBJECT = """\
[[subject]]
file = {file}
# name = "credit"               # the file's name when left out; a pattern such as "models/*.toml" finds many
# tags = ["retail"]
"""


def write_plan(path: str | os.PathLike[str]) -> Path:
    """Write a commented plan that names the subject files beside it.

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
    found = [one.name for one in sorted(target.parent.glob("*.toml")) if _is_subject(one)] or ["subject.toml"]
    subjects = "\n".join(_SUBJECT.format(file=json.dumps(name, ensure_ascii=False)) for name in found)
    text = _PLAN.format(
        name=target.name, title=json.dumps(target.stem, ensure_ascii=False), subjects=subjects
    )
    try:
        return write_whole(target, text.encode())
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from None


def _is_subject(file: Path) -> bool:
    from auditkit.loading.schema import read_subject_file

    try:
        read_subject_file(file)
    except InputError:
        return False
    return True
