"""Installed: versions and licences of the packages of this environment, as their own metadata say them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from auditkit.scanning.notebooks.packages import IMPORTED_AS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Installed", "installed", "spdx_of"]

_BY_CLASSIFIER = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}  # fmt: skip
"""Classifiers that name one licence. "BSD License" names several, and is not among them."""

_BY_WORDS = {
    "mit license": "MIT", "the mit license": "MIT", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache-2": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0", "apache software license": "Apache-2.0", "bsd 3-clause": "BSD-3-Clause", "bsd-3": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause", "bsd 3-clause license": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "new bsd license": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause", "modified bsd license": "BSD-3-Clause", "2-clause bsd": "BSD-2-Clause", "simplified bsd": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause", "mpl 2.0": "MPL-2.0", "isc license": "ISC", "psf": "PSF-2.0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Installed:
    """Packages of an environment.

    Attributes
    ----------
    versions : mapping of str to str
        By package.
    licences : mapping of str to str
        SPDX expressions, by package; only where the metadata name one.
    modules : mapping of str to str
        The package that a module comes with, by the module.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)

    def package_of(self, module: str) -> str:
        """Return the package that a module comes with, as this environment or common knowledge has it; the module's own name otherwise."""
        return self.modules.get(module) or canonicalize_name(IMPORTED_AS.get(module, module))


def installed(names: Iterable[str], modules: Iterable[str]) -> Installed:
    """Return what this environment has of some packages, and of the packages that some modules come with.

    Parameters
    ----------
    names : iterable of str
        Packages.
    modules : iterable of str
        Modules, by the first part of their names.
    """
    sources = _modules()
    known = {one: canonicalize_name(sources[one]) for one in sorted(set(modules)) if one in sources}
    versions: dict[str, str] = {}
    licences: dict[str, str] = {}
    for name in sorted(
        {*names, *known.values(), *(canonicalize_name(IMPORTED_AS.get(one, one)) for one in modules)}
    ):
        try:
            about: Any = metadata.metadata(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
        versions[name] = str(about["Version"])
        if licence := spdx_of(
            about.get("License-Expression"), about.get_all("Classifier") or (), about.get("License")
        ):
            licences[name] = licence
    return Installed(versions, licences, known)


@cache
def _modules() -> dict[str, str]:
    return {module: min(sources) for module, sources in metadata.packages_distributions().items()}


def spdx_of(expression: str | None, classifiers: Iterable[str], words: str | None) -> str:
    """Return the SPDX expression of a package: its own, or the one that its words or classifiers name; empty where that is not clear.

    Examples
    --------
    >>> spdx_of(None, ["License :: OSI Approved :: MIT License"], None), spdx_of(None, ["License :: OSI Approved :: BSD License"], "BSD")
    ('MIT', '')
    """
    for text in (expression, _BY_WORDS.get((words or "").strip().casefold(), words)):
        if text and len(text) < 200 and (spdx := _spdx(text)):
            return spdx
    named = {
        _BY_CLASSIFIER.get(one.rpartition(" :: ")[2], "")
        for one in classifiers
        if one.startswith("License ::")
    }
    return named.pop() if len(named) == 1 else ""


def _spdx(text: str) -> str:
    """Return an SPDX expression in its usual spelling; empty for what is none."""
    try:
        from license_expression import ExpressionError, get_spdx_licensing
    except ImportError:
        return text.strip() if text.strip() in {*_BY_CLASSIFIER.values(), *_BY_WORDS.values()} else ""
    try:
        return str(_licensing(get_spdx_licensing).parse(text, validate=True))
    except (ExpressionError, ValueError, AttributeError, TypeError):
        return ""


@cache
def _licensing(make):  # type: ignore[no-untyped-def]
    return make()
