"""Reading: the bytes of a notebook as JSON of format 4. No word of it is in an error, and nothing of it is run."""

from __future__ import annotations

import json
from typing import Any

from auditkit.errors import InputError

__all__ = ["read_notebook", "refuse_depth", "written"]

_DEEPEST = 200
_EXPECTED = "expected a Jupyter notebook (JSON with nbformat and cells)"


def read_notebook(content: bytes, name: str = "notebook") -> dict[str, Any]:
    """Return a notebook from its bytes; one of an older format as format 4.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What errors call it.

    Raises
    ------
    InputError
        If it is no notebook, or of a later format.
    """
    try:
        raw = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise InputError(f"{name}: {_EXPECTED}; it is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}: {_EXPECTED}; it is no JSON from line {error.lineno}, column {error.colno} on"
        ) from None
    except _Twice:
        raise InputError(
            f"{name}: {_EXPECTED}; an object of its JSON holds a key twice, so that one value hides another: take one of the two out"
        ) from None
    except (RecursionError, ValueError):
        raise InputError(
            f"{name}: {_EXPECTED}; its JSON is nested too deep, or holds a number of too many digits"
        ) from None
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if type(version) is not int or not 1 <= version <= 4:
        raise InputError(f"{name}: {_EXPECTED} of format 1 to 4; it is not")
    if version < 4:
        return _upgraded(raw, name)
    if not isinstance(raw.get("cells"), list):
        raise InputError(f"{name}: {_EXPECTED}; it has no list of cells")
    refuse_depth(raw, name)
    return raw  # type: ignore[no-any-return]


class _Twice(Exception):  # noqa: N818 - never seen outside this module
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. Of two values under one key readers keep one: what the other says would be read by nobody, and stay in the file."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def refuse_depth(notebook: Any, name: str = "notebook") -> None:
    """Raise InputError for JSON that is nested deeper than any notebook is."""
    level = [notebook]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise InputError(f"{name}: {_EXPECTED}; its JSON is nested too deep")


def _upgraded(raw: dict[str, Any], name: str) -> dict[str, Any]:
    import nbformat

    try:
        made = nbformat.convert(nbformat.from_dict(raw), 4)  # type: ignore[no-untyped-call]
        return json.loads(json.dumps(made))  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - whatever an old and damaged file makes the converter raise may quote the file
        raise InputError(
            f"{name}: a notebook of format {raw['nbformat']} that cannot be converted; open it in Jupyter, and save it as format 4"
        ) from None


def written(notebook: dict[str, Any]) -> bytes:
    """Return the bytes of a notebook, as Jupyter writes them."""
    try:
        return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    except UnicodeEncodeError:  # half a letter, which only an escape can write
        return (json.dumps(notebook, indent=1) + "\n").encode("ascii")
