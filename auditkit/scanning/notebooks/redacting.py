"""Redacting: a copy of a notebook in which nothing is found any more, and which still opens."""

from __future__ import annotations

import base64
import copy
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.scanning.notebooks.reading import refuse_depth
from auditkit.scanning.notebooks.scan import digest_of, hits_in
from auditkit.scanning.notebooks.views import MARK

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from auditkit.scanning.notebooks.hits import Hit, Named
    from auditkit.scanning.notebooks.leaves import Leaf, Path

__all__ = ["Redacted", "redacted"]

_ROUNDS = 6  # after which a text in which something is still found is replaced whole


@dataclass(frozen=True, slots=True)
class Redacted:
    """A redacted copy.

    Attributes
    ----------
    notebook : dict
        Its JSON.
    count : int
        How many stretches were replaced.
    """

    notebook: dict[str, Any] = field(repr=False)
    count: int


def redacted(
    notebook: Mapping[str, Any],
    *,
    keep: Collection[str] = (),
    salt: bytes = b"",
    named: Named | None = None,
) -> Redacted:
    """Return a copy in which `MARK` stands for every secret and personal datum, and a scan finds nothing.

    Parameters
    ----------
    notebook : mapping
        The JSON of a notebook of format 4. It is not changed.
    keep : collection of str, optional
        Digests of what is to stay, as a scan with the same `salt` gave them.
    salt : bytes
        The salt of that scan.
    named : callable, optional
        See `personal_in`.

    Returns
    -------
    Redacted
        Texts keep their form (a list of lines stays one, base64 stays base64), outputs their mime types; numbers become text. Redacting the
        copy again changes nothing.
    """
    refuse_depth(notebook)
    made: dict[str, Any] = copy.deepcopy(dict(notebook))
    count = 0
    for turn in itertools.count():
        leaves, hits = hits_in(made, named)
        left = [hit for hit in hits if not keep or digest_of(hit.value, salt) not in keep]
        if not left:
            break
        count += len(left)
        _replace(made, leaves, left, whole=turn >= _ROUNDS)
    return Redacted(made, count)


def _replace(made: dict[str, Any], leaves: Sequence[Leaf], hits: Sequence[Hit], *, whole: bool) -> None:
    by_leaf: dict[int, list[tuple[tuple[int, int], ...]]] = {}
    for hit in hits:
        by_leaf.setdefault(hit.leaf, []).append(hit.pieces)
    keys: list[Path] = []
    for number, found in by_leaf.items():
        leaf = leaves[number]
        if leaf.form == "key":
            keys.append(leaf.path)
        else:
            _put(made, leaf, MARK if whole else _cut(leaf.text, found))
    for path in sorted(keys, key=len, reverse=True):  # the deepest first: the others still lead to theirs
        _rename(made, path)


def _cut(text: str, found: Sequence[tuple[tuple[int, int], ...]]) -> str:
    """Return a text with a mark in place of the first piece of each stretch, and without the others: tags between them stay."""
    cuts = sorted((start, end, at == 0) for pieces in found for at, (start, end) in enumerate(pieces))
    parts: list[str] = []
    at = 0
    for start, end, first in cuts:
        parts.append(text[at : max(start, at)])
        parts.append(MARK if first else "")
        at = max(end, at)
    return "".join([*parts, text[at:]])


def _put(made: dict[str, Any], leaf: Leaf, text: str) -> None:
    parent: Any = _parent(made, leaf.path)
    last: Any = leaf.path[-1]
    if leaf.form == "base64":
        text = base64.b64encode(text.encode("utf-8")).decode("ascii")
    if leaf.form == "id":
        others = {cell.get("id") for cell in made["cells"] if isinstance(cell, dict)}
        text = next(word for n in itertools.count(1) if (word := f"redacted-{n}") not in others)
    if last in ("execution_count", "prompt_number"):
        parent[last] = None
    elif isinstance(parent[last], list):
        parent[last] = text.splitlines(keepends=True)
    elif isinstance(parent, list) and leaf.path[-2] == "tags":  # of which no two may be alike
        parent[last] = _other(text, [one for at, one in enumerate(parent) if at != last])
    else:
        parent[last] = text


def _rename(made: dict[str, Any], path: Path) -> None:
    parent, old = _parent(made, path), path[-1]
    mime = isinstance(old, str) and len(path) > 1 and "/" in old
    if mime:
        new = "application/x-redacted"
        while f"{new}{'+json' if str(old).endswith('+json') else ''}" in parent:
            new += "-"
        new += "+json" if str(old).endswith("+json") else ""
    else:
        new = _other(MARK, parent)
    items = [(new if key == old else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)


def _other(word: str, known: Collection[Any]) -> str:
    return (
        word
        if word not in known
        else next(one for n in itertools.count(2) if (one := f"{word} {n}") not in known)
    )


def _parent(made: Any, path: Path) -> Any:
    for step in path[:-1]:
        made = made[step]
    return made
