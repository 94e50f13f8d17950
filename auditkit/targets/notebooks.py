"""Notebooks: some of them under audit, with the lists of requirements beside them and what is known of the packages they name."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.errors import InputError, NotApplicable
from auditkit.reading import name_shown, read_bounded
from auditkit.scanning.notebooks.installed import Installed, installed
from auditkit.scanning.notebooks.packages import (
    packages_in,
    packages_of_environment,
    packages_of_requirements,
)
from auditkit.scanning.notebooks.presidio import names_in
from auditkit.scanning.notebooks.reading import read_notebook
from auditkit.scanning.osv import of_folder
from auditkit.targets.base import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from auditkit.scanning.advisories import Advisories
    from auditkit.scanning.notebooks.hits import Named
    from auditkit.scanning.notebooks.packages import Package
    from auditkit.scanning.notebooks.scan import NotebookScan

__all__ = [
    "NotebookFile",
    "Notebooks",
    "is_audited",
    "lists_beside",
    "notebook_bytes",
    "notebook_paths",
    "read_notebooks",
]

_SKIPPED = ".ipynb_checkpoints"
_REDACTED = ", redacted"
_MOST = 200_000_000  # bytes of a notebook; more is refused before it is read


@dataclass(frozen=True, slots=True)
class NotebookFile:
    """A notebook.

    Attributes
    ----------
    name : str
        How findings call it: its path, as it was given.
    content : dict
        Its JSON, of format 4.
    sha256 : str
        Of its bytes. It lets a password be guessed by whoever has the rest of the notebook: reports show it only where nothing was found.
    """

    name: str
    content: dict[str, Any] = field(repr=False)
    sha256: str = field(repr=False)


@dataclass(frozen=True)
class Notebooks(Target):
    """Some notebooks.

    Attributes
    ----------
    name : str
        How the report calls them.
    files : tuple of NotebookFile
        In the order of their names.
    listed : tuple of (str, tuple of Package)
        Lists of requirements by their names, and what they ask for.
    environment : Installed
        Versions and licences of the packages they name, as they are installed here.
    advisories : Advisories, optional
        Known weaknesses; without them packages are named and not checked.
    skipped : int
        Notebooks in folders of checkpoints, which were not read.
    broken : tuple of (str, str)
        Files that could not be read as notebooks, and why: nothing of them was looked at.
    salt : bytes
        Keys the digests of what is found; drawn anew for each target, and never written.
    named : callable, optional
        Finds names in texts (`auditkit.scanning.notebooks.presidio.names`).
    """

    kind: ClassVar[str] = "notebooks"

    name: str
    files: tuple[NotebookFile, ...]
    listed: tuple[tuple[str, tuple[Package, ...]], ...] = ()
    environment: Installed = field(default_factory=Installed)
    advisories: Advisories | None = None
    skipped: int = 0
    broken: tuple[tuple[str, str], ...] = ()
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False, compare=False)
    named: Named | None = field(default=None, repr=False, compare=False)
    _scans: dict[str, NotebookScan] = field(default_factory=dict, repr=False, compare=False)
    _parts: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def describe(self) -> dict[str, Any]:
        """Return what the report says of them: how many, how large, and a digest of each.

        A notebook in which something was found has the digest of its redacted copy, as `scan notebook --redact` writes it. Its own would let
        whoever has that copy guess what was taken out.
        """
        cells = sum(len(one.content["cells"]) for one in self.files)
        facts = {
            "Notebooks": len(self.files),
            "Cells": cells,
            "Lists of requirements": len(self.listed),
            "Advisories": None if self.advisories is None else self.advisories.records,
            "Skipped checkpoints": self.skipped or None,
            "Could not be read": len(self.broken) or None,
        }
        return {"name": self.name, "kind": self.kind, "facts": facts, "parts": self._digests()}

    def _digests(self) -> dict[str, str]:
        """Return what tells one notebook from another and gives nothing away; empty where they cannot be looked through."""
        made: dict[str, str] = {}
        try:
            for one, scan in self.scans() if not self._parts else ():
                if scan.secrets or scan.personal:
                    made[f"{one.name}{_REDACTED}"], _ = _of_copy(one.content, self.named)
                else:
                    made[one.name] = one.sha256
        except NotApplicable:
            return {}
        self._parts.update(made)
        return dict(self._parts)

    def scans(self) -> Iterator[tuple[NotebookFile, NotebookScan]]:
        """Yield each notebook with what was found in it; the scan is made once."""
        from auditkit.progress import step
        from auditkit.scanning.notebooks.scan import scan_notebook

        for number, one in enumerate(self.files):
            if one.name not in self._scans:
                try:
                    self._scans[one.name] = scan_notebook(one.content, salt=self.salt, named=self.named)
                except (
                    InputError
                ) as error:  # a package that is not installed, or JSON that is nested too deep
                    raise NotApplicable(str(error)) from None
            step((number + 1) / len(self.files), f"notebook {number + 1} of {len(self.files)}")
            yield one, self._scans[one.name]

    def warm(self) -> None:
        """Scan once what all checks share. Nothing that was found is kept, only where and of which kind."""
        try:
            for _ in self.scans():
                pass
        except NotApplicable:
            return

    def packages(self) -> Iterator[tuple[str, Package]]:
        """Yield what asks for a package, notebook or list, and the package."""
        for one in self.files:
            yield from ((one.name, package) for package in packages_in(one.content))
        for name, packages in self.listed:
            yield from ((name, package) for package in packages)


def notebook_paths(paths: Iterable[str | Path], *, checkpoints: bool = False) -> tuple[list[Path], int]:
    """Return the notebooks that some paths name, folders with all that is below them, and how many in folders of checkpoints were left out.

    Raises
    ------
    InputError
        If a path is not there, or a file is no ``.ipynb``.
    """
    found: dict[Path, None] = {}
    skipped = 0
    for given in map(Path, paths):
        if given.is_dir():
            for one in sorted(given.rglob("*.ipynb")):
                if _SKIPPED in one.parts and not checkpoints:
                    skipped += 1
                elif one.is_file():
                    found[one] = None
        elif not given.is_file():
            raise InputError(f"no notebook and no folder {name_shown(given)}")
        elif given.suffix != ".ipynb":
            raise InputError(f"{name_shown(given)}: expected a notebook (.ipynb) or a folder of them")
        else:
            found[given] = None
    if not found:
        raise InputError(
            f"no notebook in {', '.join(map(str, paths))}"
            + (f"; {skipped} in {_SKIPPED} were left out" if skipped else "")
        )
    return list(found), skipped


def read_notebooks(
    paths: Iterable[str | Path],
    *,
    name: str = "notebooks",
    base: Path | None = None,
    requirements: Iterable[Path] | None = None,
    advisories: Path | None = None,
    checkpoints: bool = False,
    presidio: bool = False,
    partly: bool = False,
) -> Notebooks:
    """Read notebooks, and what is said of the packages they name.

    Parameters
    ----------
    paths : iterable of path
        Notebooks, and folders of them.
    name : str
        How the report calls them.
    base : pathlib.Path, optional
        The folder from which they are named; left out, they are named as given.
    requirements : iterable of pathlib.Path, optional
        Lists of requirements (``requirements*.txt``, ``environment.yml``); left out, those that lie beside the notebooks.
    advisories : pathlib.Path, optional
        A folder of OSV files.
    checkpoints : bool
        Whether folders of checkpoints are read, too.
    presidio : bool
        Whether a language model looks for names as well; presidio and its model must be installed.
    partly : bool
        Whether files that are no notebook are told in `Notebooks.broken`, and do not keep the others from being read.

    Raises
    ------
    InputError
        If something is not there, or is no notebook; all that are none at once. With `partly`, if none of them is one.
    """
    found, skipped = notebook_paths(paths, checkpoints=checkpoints)
    named = names_in() if presidio else None
    files: list[NotebookFile] = []
    broken: dict[str, str] = {}
    for path in found:
        shown = path.relative_to(base).as_posix() if base else path.as_posix()
        try:
            files.append(_read(path, shown))
        except InputError as error:
            broken[shown] = str(error)
    if broken and not (partly and files):
        raise InputError("\n".join(broken.values()))
    beside = requirements if requirements is not None else lists_beside(found)
    listed = tuple((_named(one, base), _listed(one)) for one in beside)
    made = Notebooks(
        name,
        tuple(files),
        listed,
        advisories=None if advisories is None else of_folder(advisories),
        skipped=skipped,
        broken=tuple(broken.items()),
    )
    asked = [package for _, package in made.packages()]
    here = installed(
        (one.name for one in asked if one.how != "import"), (one.name for one in asked if one.how == "import")
    )
    return replace(made, environment=here, named=named)


def notebook_bytes(path: Path) -> bytes:
    """Return the bytes of a notebook, to the bound that a scan reads to; InputError as of `read_bounded`."""
    return read_bounded(path, _MOST, "notebook")


def is_audited(path: Path, parts: Mapping[str, str], *, presidio: bool = False) -> bool:
    """Return whether a notebook is one that was audited: byte for byte, or as far as its redacted copy tells where something was found in it.

    Parameters
    ----------
    path : pathlib.Path
        A file.
    parts : mapping
        The digests of a report, by name.
    presidio : bool
        Whether a language model looked for names as well.

    Returns
    -------
    bool
        False, too, where nothing is found in the file any more, as in the redacted copy itself. Another secret in the place of one is not told.
    """
    copies = {digest for name, digest in parts.items() if name.endswith(_REDACTED)}
    try:
        content = notebook_bytes(path)
        if hashlib.sha256(content).hexdigest() in {*parts.values()} - copies:
            return True
        if not copies:
            return False
        named = names_in() if presidio else None
        digest, count = _of_copy(read_notebook(content, name_shown(path)), named)
    except InputError:
        return False
    return count > 0 and digest in copies


def _of_copy(content: dict[str, Any], named: Named | None) -> tuple[str, int]:
    """Return the digest of the redacted copy of a notebook, and how much is redacted in it."""
    from auditkit.scanning.notebooks.reading import written
    from auditkit.scanning.notebooks.redacting import redacted

    made = redacted(content, named=named)
    return hashlib.sha256(written(made.notebook)).hexdigest(), made.count


def _read(path: Path, name: str) -> NotebookFile:
    content = notebook_bytes(path)
    return NotebookFile(name, read_notebook(content, name_shown(name)), hashlib.sha256(content).hexdigest())


def _named(path: Path, base: Path | None) -> str:
    return path.relative_to(base).as_posix() if base and path.is_relative_to(base) else path.as_posix()


def lists_beside(paths: Iterable[Path]) -> list[Path]:
    """Return the lists of requirements in the folders of some notebooks: ``requirements*.txt`` and ``environment.yml``."""
    folders = dict.fromkeys(path.parent for path in paths)
    patterns = ("requirements*.txt", "environment.yml", "environment.yaml")
    return [
        one
        for folder in folders
        for pattern in patterns
        for one in sorted(folder.glob(pattern))
        if one.is_file()
    ]


def _listed(path: Path) -> tuple[Package, ...]:
    try:
        text = read_bounded(path, _MOST, "list of requirements").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a list of requirements, a text in UTF-8") from None
    return (
        packages_of_environment(text) if path.suffix in (".yml", ".yaml") else packages_of_requirements(text)
    )
