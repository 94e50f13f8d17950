"""Doctor: what this installation has, what it lacks, and how auditkit will show itself here."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
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
_WITHOUT = {
    "cyclonedx-python-lib": "no bill of materials of an audited model",
    "cryptography": "no signed or sealed evidence packs",
    "detect-secrets": "no search for secrets in notebooks (AK701)",
    "license-expression": "no licences of packages (AK703)",
    "modelaudit-picklescan": "no second opinion on model files from it (AK602)",
    "onnxruntime": "no ONNX model can be opened; files of it are still read",
    "picklescan": "no second opinion on model files from it (AK602)",
    "presidio-analyzer": "no names of people in notebooks by a language model",
    "safetensors": "no safetensors model can be opened; files of it are still read",
    "torch": "no torch model can be opened or attacked by its gradient; files of it are still read",
}
"""What an audit goes without where an optional package is not installed."""
_LANDLOCK = "Linux 5.13 or later, with landlock among the kernel's security modules; in a container, one that lets it through"
_NAMESPACES = "a kernel, or a container, that lets users make namespaces"


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
    """Look at this installation: packages, kernel, front end, where it may write, plug-ins, external tools, what holds a model's process.

    Examples
    --------
    >>> doctor().healthy
    True
    """
    found = [Item("auditkit", "ok", __version__), _python(), *_packages(), _kernel(), _front_end()]
    return Doctor((*found, _printer(), *_folders(), *_plugins(), *_tools(), *_language(), *_sandbox()))


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
        without = f": {_WITHOUT[name]}" if name in _WITHOUT else ""
        return Item(name, "optional" if extra else "missing", f"not installed{without}", install)
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


def _tools() -> Iterator[Item]:
    """Look which external programs lie in an environment of their own; none of them is started."""
    from auditkit.tools import TOOLS
    from auditkit.tools.home import look

    for tool in TOOLS:
        there = look(tool)
        what = f"tool {tool.name}"
        if there is None:
            yield Item(what, "optional", "not installed", tool.install_command)
        elif not there.current:
            yield Item(what, "warning", f"of other releases than {tool.version} needs", tool.install_command)
        else:
            yield Item(what, "ok", f"{tool.version} in {there.folder}")


def _language() -> Iterator[Item]:
    """Say whether presidio, where it is installed, has the model that it reads with; nothing is downloaded for it."""
    from auditkit.scanning.notebooks.presidio import MODEL

    if find_spec("presidio_analyzer") is not None:
        what = f"language model {MODEL}"
        if find_spec(MODEL) is not None:
            yield Item(what, "ok", version(MODEL))
        else:
            yield Item(
                what, "optional", "not installed: presidio reads with it", f"python -m spacy download {MODEL}"
            )


def _sandbox() -> Iterator[Item]:
    """Start a process as those are that open model files, and say what it gave up."""
    from auditkit.sandbox.limits import Limits
    from auditkit.sandbox.process import Child, Ended

    try:
        child = Child(f"{Limits.__module__}:{Limits.__name__}", Limits(start_seconds=60.0))
    except Ended as error:
        yield Item("process of a model", "warning", str(error), "model files cannot be opened or asked here")
        return
    held = child.held
    child.close()
    for what, holds, found, advice in (
        ("limits of a process", held.get("limits"), "memory, written files, open files", "run it on Linux"),
        ("Landlock", held.get("landlock"), f"version {held.get('landlock')}", _LANDLOCK),
        ("process without network", held.get("network"), "a network namespace of its own", _NAMESPACES),
    ):
        yield Item(
            what,
            "ok" if holds else "warning",
            found if holds else "not offered here",
            "" if holds else advice,
        )
