"""Names: an audit of a batch is called by what it is of, and not by its place in the plan."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["audit_name"]

_LONGEST, _WORD, _VALUE, _DIGITS = 150, 60, 40, 8
_SAFE = re.compile(r"[A-Za-z0-9_.]+")
_NUMBER = re.compile(r"-?[0-9][0-9.e+-]*")


def audit_name(subject: str, template: str, variant: Mapping[str, Any], seed: int | None) -> str:
    """Return the name of an audit, which is a file's name on every system.

    Parameters
    ----------
    subject, template : str
        As the plan names them.
    variant : mapping
        What its `grid` sets for this audit. All of it is in the name, also what has one value only, so that a value that is added to
        a list, or removed, renames no other audit.
    seed : int or None
        Where the plan lists seeds.

    Examples
    --------
    >>> audit_name("credit", "membership", {"reference_attacks__references": 16}, 0)
    'credit-membership-references=16-seed=0'
    """
    words = [_plain(subject), _plain(template)]
    words += [f"{_plain(option)}={_value(variant[name])}" for name, option in _options(variant).items()]
    words += [] if seed is None else [f"seed={seed}"]
    name = "-".join(words)
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}-{_digest(name)}"


def _options(variant: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters in short: the option without its check, where no two are the same then."""
    short = {name: name.rpartition("__")[2] or name for name in sorted(variant)}
    taken = list(short.values())
    return {name: one if taken.count(one) == 1 else name for name, one in short.items()}


def _plain(word: str) -> str:
    """Return a word that is a file's name on every system; letters that it cannot keep stand in it as a digest."""
    plain = re.sub(r"[^A-Za-z0-9_.]+", "_", word).strip("._")
    if plain and word.isascii() and len(plain) <= _WORD:
        return plain
    return f"{plain[:_WORD].strip('._')}_{_digest(word)}".lstrip("_")


def _value(value: Any) -> str:
    """Return a value as it is where it can stand in a file's name, else what of it can, and a digest."""
    said = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    if isinstance(value, str):
        text, exact = value, _SAFE.fullmatch(value) is not None and not _json(value)
    else:
        text, exact = said, said in ("true", "false") or _NUMBER.fullmatch(said) is not None
    if exact and len(text) <= _VALUE:
        return text
    plain = re.sub(r"[^A-Za-z0-9_.]+", "_", text)[:_VALUE].strip("._")
    return f"{plain}-{_digest(said)}" if plain else _digest(said)


def _json(text: str) -> bool:
    """Whether a text would read as another value: "8" is not 8."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:_DIGITS]
