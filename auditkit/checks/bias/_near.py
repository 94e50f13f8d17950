"""Near: which groups the end of an interval that lies next to "no gap" rests on, in the words of a reason.

Of many groups the two that lie farthest apart are often small, and the interval of the largest gap begins (that of a ratio ends) at two
others. The reason says so once, after the farthest two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditkit.deciding import BEGINS_AT, ENDS_AT

if TYPE_CHECKING:
    from auditkit.evidence import Measurement

__all__ = ["far_verb", "groups", "of", "verb", "without"]

_SIZES = re.compile(r", [\d,]+ records?( against [\d,]+ records?)?$")


def verb(metric: str) -> str:
    """Return the words before the groups: a ratio below 1 has its upper end next to 1."""
    return ENDS_AT if metric.endswith("_ratio") else BEGINS_AT


def far_verb(metric: str) -> str:
    """Return the words before what the other end rests on."""
    return BEGINS_AT if metric.endswith("_ratio") else ENDS_AT


def of(m: Measurement) -> str:
    """Return the part of the reason that names them, with their records; empty where these are the two farthest apart."""
    return next((one for one in _parts(m.reason) if one.startswith(verb(m.metric))), "")


def without(m: Measurement) -> str:
    """Return the reason without the part that names them."""
    return "; ".join(one for one in _parts(m.reason) if not one.startswith(verb(m.metric)))


def groups(m: Measurement) -> str:
    """Return the part of the reason that names them, without their records."""
    return _SIZES.sub("", of(m))


def _parts(reason: str | None) -> list[str]:
    return (reason or "").split("; ")
