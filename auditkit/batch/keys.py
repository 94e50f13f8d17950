"""Keys: the content address of an audit: the same key, the same numbers; anything that changes them changes the key."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from inspect import getsourcefile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit._version import __version__
from auditkit.errors import InputError
from auditkit.waiver import today

if TYPE_CHECKING:
    from datetime import date

    from auditkit.batch.plan import PlannedAudit
    from auditkit.check import Check
    from auditkit.waiver import Waiver

__all__ = ["SHORT", "Digests", "canonical", "key_of"]

SHORT = 10
_FORM = 1  # of what a key is made from
_DECIDE = ("numpy", "scipy", "scikit-learn", "pandas")  # packages whose releases can move a number


def canonical(value: Any) -> str:
    r"""Return JSON in the one form that is hashed: sorted keys, no blanks, ASCII.

    Examples
    --------
    >>> canonical({"b": 1, "a": 2})
    '{"a":2,"b":1}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str
    )


@dataclass
class Digests:
    """Digests of files, each read once as long as its size, time and place stay the same.

    Attributes
    ----------
    day : datetime.date
        On which waivers hold or have run out; the same for all keys of a batch, also past midnight.
    """

    day: date = field(default_factory=today)
    _known: dict[Path, tuple[tuple[int, int, int], str]] = field(default_factory=dict)
    _waivers: dict[str, tuple[Waiver, ...]] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Return the sha256 of a file's bytes.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        try:
            stat = path.stat()
            seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            known = self._known.get(path)
            if known is None or known[0] != seen:
                with path.open("rb") as file:
                    known = (seen, hashlib.file_digest(file, "sha256").hexdigest())
                self._known[path] = known
        except OSError as error:
            raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
        return known[1]

    def run_out(self, policy: Path) -> list[dict[str, Any]]:
        """Return the waivers of a policy that hold no longer.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        from auditkit.loading.policy import load_policy

        digest = self.of(policy)
        if digest not in self._waivers:
            self._waivers[digest] = load_policy(policy).waivers
        return [one.to_dict() for one in self._waivers[digest] if not one.holds(self.day)]


def key_of(audit: PlannedAudit, digests: Digests) -> str:
    """Return the key of an audit: 64 hexadecimal digits.

    It is made of the release of auditkit and of the packages that decide numbers, the sources of the checks, the bytes of the
    template, the policy and which of its waivers have run out, the subject file and every file that names, the parameters and the seed. Not of it:
    limits, tags, names, folders.

    Raises
    ------
    InputError
        If a file is missing or cannot be used.
    """
    from auditkit.runner.order import named_files
    from auditkit.runner.templates import find_template

    template = (
        _template(audit.template) if not audit.template.endswith(".ipynb") else find_template(audit.template)
    )
    about = {
        "form": _FORM,
        "auditkit": __version__,
        "versions": _versions(),
        "checks": {one.code: _source(one, digests) for one in template.resolved_checks()},
        "template": digests.of(template.path),
        "parameters": audit.parameters,
        "policy": None if audit.policy is None else digests.of(audit.policy),
        "subject": digests.of(audit.subject_file),
        "files": {key: digests.of(path) for key, path in named_files(audit.subject_file).items()},
        "seed": audit.seed,
    }
    # the same file says something else from the day after a waiver ends
    if audit.policy is not None and (run_out := digests.run_out(audit.policy)):
        about["waivers_run_out"] = run_out
    return hashlib.sha256(canonical(about).encode()).hexdigest()


@cache
def _template(name: str) -> Any:
    from auditkit.runner.templates import find_template

    return find_template(name)


@cache
def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in _DECIDE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _source(check: Check, digests: Digests) -> str:
    """Return the digest of the module that a check is written in; empty where it has no file."""
    file = getsourcefile(check.function)
    return digests.of(Path(file)) if file and os.path.isfile(file) else ""  # noqa: PTH113 - a name from Python itself
