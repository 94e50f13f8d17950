"""Doctor: what this installation has, what it lacks, and how auditkit will show itself here."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auditkit._version import __version__
from auditkit.errors import InputError
from auditkit.runner.front_end import front_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["Doctor", "Item", "doctor"]

State = Literal["ok", "optional", "warning", "missing"]

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:>=(?P<least>[\d.]+))?[^;]*"
    r"(?:;.*extra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?"
)
_FOR_DEVELOPERS = ("test", "all")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        "python", a package, "kernel".
    state : {"ok", "optional", "warning", "missing"}
        "optional" is something that is not installed and need not be.
    found : str
        A version, a path.
    advice : str
        What to type; empty where nothing is to do.
    """

    what: str
    state: State
    found: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Doctor:
    """What was found.

    Attributes
    ----------
    items : tuple of Item
        One thing each.
    """

    items: tuple[Item, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that is needed is there."""
        return not any(item.state == "missing" for item in self.items)

    def frame(self) -> pd.DataFrame:
        """Return one row an item."""
        import pandas as pd

        return pd.DataFrame([asdict(item) for item in self.items])

    def __repr__(self) -> str:
        wide = max(len(item.what) for item in self.items)
        lines = [
            f"{i.state:<9}{i.what:<{wide}}  {i.found}{f'  ({i.advice})' if i.advice else ''}"
            for i in self.items
        ]
        return "\n".join([*lines, "everything needed is here" if self.healthy else "something is missing"])


def doctor() -> Doctor:
    """Look at this installation: packages, kernel, front end, where it may write, plug-ins.

    Examples
    --------
    >>> doctor().healthy
    True
    """
    found = [Item("auditkit", "ok", __version__), _python(), *_packages(), _kernel(), _front_end()]
    return Doctor((*found, _printer(), *_folders(), *_plugins()))


def _python() -> Item:
    return Item("python", "ok", f"{'.'.join(map(str, sys.version_info[:3]))} at {sys.executable}")


def _packages() -> Iterator[Item]:
    seen = set()
    try:
        lines = requires("jupyter-auditkit") or []
    except PackageNotFoundError:
        yield Item("jupyter-auditkit", "missing", "not installed; these are its sources", "pip install .")
        return
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None or match["extra"] in _FOR_DEVELOPERS or match["name"] in seen:
            continue
        seen.add(match["name"])
        yield _package(match["name"], match["least"] or "0", match["extra"])


def _package(name: str, least: str, extra: str | None) -> Item:
    install = f"pip install '{name}>={least}'" if least != "0" else f"pip install {name}"
    try:
        have = version(name)
    except PackageNotFoundError:
        return Item(name, "optional" if extra else "missing", "not installed", install)
    if _numbers(have) < _numbers(least):
        return Item(
            name,
            "warning" if extra else "missing",
            f"{have}, older than {least}",
            f"pip install -U '{name}>={least}'",
        )
    return Item(name, "ok", have)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _kernel() -> Item:
    """Say where JupyterLab's own python3 leads; `auditkit run` always takes this very interpreter."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Item("kernel python3", "missing", "not installed", "python -m ipykernel install --sys-prefix")
    first = spec.argv[0] if spec.argv else ""
    here = (
        first in ("python", "python3", f"python3.{sys.version_info[1]}")
        or Path(first).resolve() == Path(sys.executable).resolve()
    )
    if here:
        return Item("kernel python3", "ok", sys.executable)
    advice = "auditkit run takes this interpreter all the same; for notebooks run by hand: python -m ipykernel install --sys-prefix"
    return Item("kernel python3", "warning", f"leads to {first}", advice)


def _front_end() -> Item:
    """Say which mode is on, and why."""
    found = front_end()
    state: State = "warning" if "not installed" in found.why else "ok"
    where = "" if found.mode == "text" else f" in {found.name}"
    return Item("display", state, f"{found.mode}{where}: {found.why}", found.advice)


def _printer() -> Item:
    """Say what prints a report to a PDF."""
    from auditkit.runner.pdf import BROWSER, browser

    try:
        return Item("browser for --pdf", "ok", str(browser()))
    except InputError:
        return Item(
            "browser for --pdf",
            "optional",
            "not found",
            f"install Chromium, or name its program in {BROWSER}",
        )


def _folders() -> Iterator[Item]:
    for what, folder in (("working folder", Path.cwd()), ("temporary folder", Path(tempfile.gettempdir()))):
        try:
            with tempfile.TemporaryFile(dir=folder):
                yield Item(what, "ok", f"{folder}, can be written to")
        except OSError as error:
            yield Item(
                what, "warning", f"{folder}: {error.strerror}", "give --out a folder that can be written to"
            )


def _plugins() -> Iterator[Item]:
    from auditkit.check import registry
    from auditkit.predictors.plug_ins import adapters
    from auditkit.runner.templates import catalogue

    checks, templates = registry(), catalogue()
    yield Item("checks", "ok", str(len(checks.checks)))
    yield Item("templates", "ok" if templates.templates else "missing", str(len(templates.templates)))
    for name, why in (checks.broken | adapters().broken | templates.broken).items():
        yield Item(f"plug-in {name}", "warning", why, "update or remove the package it comes from")
