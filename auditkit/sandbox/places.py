"""Places: what a child process may still read: the interpreter's own libraries, installed packages, and nothing of the user's."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["folders_of", "importable", "of_python"]

_HOLD_PACKAGES = ("site-packages", "dist-packages")


def of_python(path: Iterable[str]) -> list[str]:
    """Return what the interpreter, its packages and auditkit are made of.

    A folder on the search path is among them where it is called site-packages or dist-packages. Of another, such as that of a script,
    of a notebook or of ``PYTHONPATH``, there are only the packages that an installer left in it, by the lists it wrote.

    Parameters
    ----------
    path : iterable of str
        The search path.
    """
    return list(_of_python(tuple(path)))


def folders_of(types: Iterable[str]) -> list[str]:
    """Return the folders of the packages that some types are of; none for a type of a single file.

    Parameters
    ----------
    types : iterable of str
        "credit.transformers.Binned".
    """
    return sorted({folder for name in types for folder in _package(name.partition(".")[0])})


def importable(entry: str, readable: Iterable[str]) -> bool:
    """Return whether a folder on the search path may be read, or holds a package that may: of another nothing could be imported.

    Such a folder is left out of the search, since a file in it of the name of a package would be found, and refused.
    """
    place = Path(os.path.realpath(entry))
    around = {Path(os.path.realpath(one)) for one in readable}
    return not around.isdisjoint((place, *place.parents)) or place in {one.parent for one in around}


@cache
def _of_python(path: tuple[str, ...]) -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    own = [sysconfig.get_paths()[name] for name in names]
    own += [
        str(Path(prefix, lib))
        for prefix in (sys.prefix, sys.base_prefix)
        for lib in ("lib", "lib64", "DLLs", "Library")
    ]
    own += [str(Path(sys.executable).resolve()), str(Path(__file__).resolve().parent.parent)]
    for entry in path:
        own += [entry] if Path(entry).name in _HOLD_PACKAGES else _installed_in(entry)
    return tuple(dict.fromkeys(os.path.realpath(one) for one in own))


def _installed_in(entry: str) -> list[str]:
    """Return what installers left in a folder, as `pip install --target` does."""
    folder = Path(entry)
    if not folder.is_dir() or not any(folder.glob("*.dist-info")):
        return []
    tops = {
        file.parts[0]
        for one in importlib.metadata.distributions(path=[entry])
        for file in one.files or ()
        if one.read_text("RECORD") is not None and len(file.parts) > 1
    }
    return [str(folder / top) for top in sorted(tops - {"..", "/", "bin"})]


def _package(name: str) -> list[str]:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return []
    return list(found.submodule_search_locations or ()) if found is not None and found.origin else []
