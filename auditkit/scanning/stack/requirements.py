"""Requirements: which release of a package the lines of a list pin, and which lines pin none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pinned", "pinned_in"]

_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;#,]+)")
_ASKS = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")  # other options ask for no package


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a list of requirements pins.

    Attributes
    ----------
    versions : dict of str to str
        Packages, as the list spells them, with their versions.
    lines : dict of str to int
        The line each stands on, the first being 1.
    unpinned, again : tuple of int
        Lines that ask for something and pin no release, and lines that pin another release of a package that is pinned before.
    """

    versions: dict[str, str]
    lines: dict[str, int]
    unpinned: tuple[int, ...]
    again: tuple[int, ...]

    @property
    def left_out(self) -> str:
        """Which lines are not looked at, and why, in words; empty where there is none. No line is shown: an address may hold a password."""
        told = []
        if self.unpinned:
            told.append(f"{_lines(self.unpinned)} no release (name==version)")
        if self.again:
            told.append(f"{_lines(self.again)} another release of a package that is pinned before")
        return f"{'; '.join(told)}: not looked at" if told else ""


def pinned_in(text: str) -> Pinned:
    r"""Return what a list of requirements pins, as ``pip freeze`` prints it; the lists it names are not followed.

    Examples
    --------
    >>> found = pinned_in("numpy==2.0.0\nrequests>=2  # any\n-e .\n--index-url https://host/simple")
    >>> found.versions, found.unpinned
    ({'numpy': '2.0.0'}, (2, 3))
    >>> found.left_out
    '2 lines (2, 3) pin no release (name==version): not looked at'
    """
    versions: dict[str, str] = {}
    lines: dict[str, int] = {}
    known: dict[str, str] = {}
    unpinned, again = [], []
    for number, line in _logical(text):
        if line.startswith("-") and not line.startswith(_ASKS):
            continue
        pin = _pin(line)
        if pin is None:
            unpinned.append(number)
        elif known.setdefault(canonicalize_name(pin[0]), pin[1]) != pin[1]:
            again.append(number)
        elif canonicalize_name(pin[0]) not in map(canonicalize_name, versions):
            versions[pin[0]], lines[pin[0]] = pin[1], number
    return Pinned(versions, lines, tuple(unpinned), tuple(again))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with the number of their first part: comments are taken off, and continued ones joined."""
    begun, at = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        at = at if begun else number
        bare = re.sub(r"(?:^|\s+)#.*$", "", line).strip()
        begun += f"{' ' if begun else ''}{bare.removesuffix(chr(92)).strip()}"
        if not bare.endswith("\\"):
            if begun:
                yield at, begun
            begun = ""
    if begun:
        yield at, begun


def _pin(line: str) -> tuple[str, str] | None:
    bare = re.split(r"\s--", line)[0].strip()
    try:
        asked = Requirement(bare)
    except InvalidRequirement:  # a version that cannot be compared is told as such later
        found = _PIN.match(bare)
        return None if found is None or "*" in found[2] else (found[1], found[2])
    held = [
        one.version for one in asked.specifier if one.operator in ("==", "===") and "*" not in one.version
    ]
    return (asked.name, held[0]) if held else None


def _lines(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:20])) + (", ..." if len(numbers) > 20 else "")
    return f"1 line ({shown}) pins" if len(numbers) == 1 else f"{len(numbers):,} lines ({shown}) pin"
