"""The table of advisories that comes with auditkit: machine-learning servers and libraries, of the day it was made."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from packaging.utils import canonicalize_name

from auditkit.scanning.advisories import Advisories, Advisory
from auditkit.scanning.osv import events_of

__all__ = ["shipped"]


@cache
def shipped() -> Advisories:
    """Return the table.

    Examples
    --------
    >>> [one.advisory.id for one in shipped().about("joblib", "1.1.0")]
    ['CVE-2022-21797']
    """
    text = files("auditkit.scanning.stack").joinpath("advisories.json").read_text(encoding="utf-8")
    said = json.loads(text)
    rows = tuple(
        Advisory(
            canonicalize_name(one["package"]),
            one["id"],
            tuple(
                events_of([{what: version} for what, version in part.items()])[0] for part in one["affected"]
            ),
            one["severity"],
            one["says"],
            one["source"],
            one["verified"],
        )
        for one in said["advisories"]
    )
    return Advisories(said["name"], said["date"], rows, len(rows))
