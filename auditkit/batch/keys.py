"""Keys: the content address of an audit: the same key, the same numbers; anything that changes them changes the key."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from inspect import getsourcefile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit._version import __version__
from auditkit.batch.digests import Digests
from auditkit.batch.uses import BASE, used

if TYPE_CHECKING:
    from auditkit.batch.plan import PlannedAudit
    from auditkit.check import Check

__all__ = ["CHANGED", "SHORT", "Digests", "canonical", "differing", "key_of", "made_of"]

SHORT = 10
CHANGED = "a file it rests on was changed while it ran: which version was audited cannot be told; run the batch again"
_FORM = 2  # of what a key is made from


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


def key_of(audit: PlannedAudit, digests: Digests) -> str:
    """Return the key of an audit: 64 hexadecimal digits, the digest of what `made_of` returns.

    Raises
    ------
    InputError
        If a file is missing or cannot be used.
    """
    return hashlib.sha256(canonical(made_of(audit, digests)).encode()).hexdigest()


def made_of(audit: PlannedAudit, digests: Digests) -> dict[str, Any]:
    """Return what the key of an audit is made of.

    That is the release of auditkit and of the packages that decide numbers, those of model libraries and the code of the team's own that this audit
    uses (`uses.used`), the sources of the checks, the bytes of the template, the policy and which of its waivers have run out, the subject
    file and every file that names, the parameters and the seed. Not of it: limits, tags, names, folders.

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
    about: dict[str, Any] = {
        "form": _FORM,
        "auditkit": __version__,
        "versions": _versions(),
        "uses": used(template, audit.subject_file, digests),
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
    return about


def differing(here: Mapping[str, Any], there: Mapping[str, Any], within: str = "") -> list[str]:
    """Return the names of the parts that two makings of a key do not share.

    Examples
    --------
    >>> differing({"seed": 0, "versions": {"numpy": "2.1"}}, {"seed": 0, "versions": {"numpy": "2.2"}})
    ['versions.numpy (2.1, 2.2)']
    """
    found: list[str] = []
    for key in sorted({*here, *there}):
        one, other = here.get(key), there.get(key)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differing(one, other, f"{within}{key}.")
            continue
        short = all(isinstance(value, str) and len(value) < 32 for value in (one, other))  # no digest
        found.append(f"{within}{key} ({one or 'none'}, {other or 'none'})" if short else f"{within}{key}")
    return found


@cache
def _template(name: str) -> Any:
    from auditkit.runner.templates import find_template

    return find_template(name)


@cache
def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in BASE.values():
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _source(check: Check, digests: Digests) -> str:
    """Return the digest of the module that a check is written in; empty where it has no file."""
    file = getsourcefile(check.function)
    return digests.of(Path(file)) if file and os.path.isfile(file) else ""  # noqa: PTH113 - a name from Python itself
