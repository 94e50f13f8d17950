"""Packages: what a notebook, and the lists of requirements beside it, ask to be installed or import."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from auditkit.scanning.notebooks.code import code_of, source_of
from auditkit.scanning.notebooks.leaves import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["IMPORTED_AS", "Package", "packages_in", "packages_of_environment", "packages_of_requirements"]

How = Literal["import", "install", "requirements", "environment"]

IMPORTED_AS = {
    "sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml", "bs4": "beautifulsoup4", "skimage": "scikit-image",
    "dateutil": "python-dateutil", "dotenv": "python-dotenv", "Crypto": "pycryptodome", "OpenSSL": "pyopenssl", "serial": "pyserial",
    "git": "gitpython", "jwt": "pyjwt", "attr": "attrs", "google": "google-api-core", "fitz": "pymupdf", "docx": "python-docx", "pptx": "python-pptx",
    "psycopg2": "psycopg2", "MySQLdb": "mysqlclient", "sentence_transformers": "sentence-transformers", "faiss": "faiss-cpu", "umap": "umap-learn",
}  # fmt: skip
"""Packages whose name differs from what is imported, where the environment does not tell."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_CONDA = re.compile(r"^(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)\s*(?:==?\s*([\w.!+]+)(?:=\S+)?)?")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package that is asked for.

    Attributes
    ----------
    name : str
        Its name in an index, in small letters with hyphens; of an import, the first part of what is imported where `imported` says so.
    version : str
        What it is held to by ``==``; empty where it is not.
    how : {"import", "install", "requirements", "environment"}
        Who asks for it: code, a line for pip or conda in a cell, ``requirements.txt``, ``environment.yml``.
    place : str
        Where in the notebook or list.
    """

    name: str
    version: str
    how: How
    place: str


def packages_in(notebook: Mapping[str, Any]) -> tuple[Package, ...]:
    """Return what the code cells of a notebook import and install; modules of Python itself aside.

    Parameters
    ----------
    notebook : mapping
        Its JSON, of format 4.
    """
    found: list[Package] = []
    for number, text in code_of(notebook):
        source = source_of(text)
        for script in source.scripts:
            place = str(Place(number, "source", script.line))
            for line in script.text.split("\n"):
                found += [Package(name, version, "install", place) for name, version in _installed(line)]
        for name, at in _imported(source.tree):
            found.append(Package(name, "", "import", str(Place(number, "source", at))))
    return tuple(dict.fromkeys(found))


def _imported(tree: ast.Module | None) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree) if tree is not None else ():
        names = (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        for name in names:
            top = name.partition(".")[0]
            if top and top.isascii() and top not in sys.stdlib_module_names and not top.startswith("_"):
                yield top, getattr(node, "lineno", 1)


def _installed(line: str) -> Iterator[tuple[str, str]]:
    words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", line.partition(" #")[0])
    words = [one.strip("'\"") for one in words]
    if "install" not in words or not {"pip", "pip3", "conda", "mamba", "uv"} & {
        one.rpartition("/")[2] for one in words[: words.index("install")]
    }:
        return
    conda = bool({"conda", "mamba"} & set(words))
    skip = False
    for word in words[words.index("install") + 1 :]:
        if skip or word.startswith("-"):
            skip = word in ("-r", "-c", "-i", "-e", "-t", "-f", "-n", "--index-url", "--extra-index-url", "--requirement", "--constraint", "--find-links", "--target", "--channel", "--name") and not skip  # fmt: skip
            continue
        if word in ("&&", "|", ";", ">", "2>&1"):
            return
        if (one := _conda(word) if conda else _required(word)) is not None:
            yield one


def _required(text: str) -> tuple[str, str] | None:
    try:
        asked = Requirement(text)
    except InvalidRequirement:
        return None
    held = [
        one.version for one in asked.specifier if one.operator in ("==", "===") and "*" not in one.version
    ]
    return canonicalize_name(asked.name), held[0] if len(held) == 1 else ""


def _conda(text: str) -> tuple[str, str] | None:
    found = _CONDA.match(text.strip())
    if found is None or not _NAME.fullmatch(found[1]):
        return None
    return canonicalize_name(found[1]), found[2] or ""


def packages_of_requirements(text: str) -> tuple[Package, ...]:
    r"""Return what a list of requirements asks for; options and other lists it names are not followed.

    Examples
    --------
    >>> [(one.name, one.version) for one in packages_of_requirements("numpy==1.26.4  # held\n-r other.txt\nScikit_Learn>=1.5")]
    [('numpy', '1.26.4'), ('scikit-learn', '')]
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.split(r"\s+#|\s+--hash|\s*\\$", line.strip())[0].strip()
        if bare and not bare.startswith(("#", "-")) and (one := _required(bare)) is not None:
            found.append(Package(*one, "requirements", f"line {number}"))
    return tuple(found)


def packages_of_environment(text: str) -> tuple[Package, ...]:
    """Return what the list of a conda environment asks for; empty where it is none.

    Examples
    --------
    >>> [(one.name, one.version) for one in packages_of_environment("dependencies: [numpy=1.26.4, {pip: [rich==13.7.0]}]")]
    [('numpy', '1.26.4'), ('rich', '13.7.0')]
    """
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return ()
    asked = content.get("dependencies") if isinstance(content, dict) else None
    found: list[Package] = []
    for number, one in enumerate(asked if isinstance(asked, list) else (), 1):
        place = f"dependency {number}"
        if isinstance(one, str) and (named := _conda(one)) is not None:
            found.append(Package(*named, "environment", place))
        elif isinstance(one, dict) and isinstance(one.get("pip"), list):
            held = (_required(word) for word in one["pip"] if isinstance(word, str))
            found += [Package(*named, "environment", place) for named in held if named is not None]
    return tuple(found)
