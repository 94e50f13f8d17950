"""Walker: what every look into a part of a file writes to, and the names it shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.scanning.artifacts.recorded import Bounds

__all__ = ["Walker", "harms", "safe", "shown"]

_EXPECTED = (
    "sklearn", "numpy", "scipy", "pandas", "joblib", "lightgbm", "xgboost", "collections", "copyreg", "_codecs", "catboost", "torch",
)  # fmt: skip
_HARM = frozenset((
    "os", "posix", "nt", "subprocess", "_posixsubprocess", "pty", "shutil", "socket", "runpy", "importlib", "_frozen_importlib", "code", "codeop", "ctypes", "_ctypes",
    "webbrowser", "commands", "popen2", "pip", "timeit", "pdb", "bdb", "cProfile", "profile", "trace", "idlelib", "pickle", "_pickle", "marshal", "urllib", "urllib2",
    "http", "httplib", "requests", "ftplib", "smtplib", "telnetlib", "sys", "signal", "multiprocessing", "asyncio", "distutils",
    "fileinput", "imp", "zipimport", "site", "pydoc", "dill", "cloudpickle", "shelve",
))  # fmt: skip
_HARM_BUILT_IN = frozenset(("eval", "exec", "execfile", "compile", "open", "__import__", "getattr", "setattr", "input", "breakpoint"))  # fmt: skip
_HARM_ALONE = frozenset((
    "io.open", "_io.open", "io.open_code", "_io.open_code", "io.FileIO", "_io.FileIO", "codecs.open", "types.CodeType", "types.FunctionType", "torch.load", "torch.hub.load",
    "joblib.load", "numpy.load", "numpy.testing._private.utils.runstring", "pandas.io.pickle.read_pickle", "pandas.read_pickle",
))  # fmt: skip
"""Names of modules that hold much that is harmless, too."""


@dataclass
class Walker(ABC):
    """A way through a file: what was met, and how much of the budget is used up."""

    bounds: Bounds
    parts: list[tuple[str, str, int]] = field(default_factory=list)
    asks: list[tuple[str, str, bool, bool]] = field(default_factory=list)
    troubles: list[tuple[str, str, str]] = field(default_factory=list)
    steps: int = 0
    taken: int = 0
    members: int = 0

    @abstractmethod
    def look(self, data: bytes, where: str, depth: int) -> str:
        """Tell what the bytes are, look into them, and return the kind."""

    @abstractmethod
    def pickle(self, data: bytes, where: str, start: int = 0, *, weights: bool = False) -> str:
        """Read a pickle, and what follows it."""

    def trouble(self, rule: str, where: str, words: str) -> None:
        """Write down why the file is refused."""
        self.troubles.append((rule, where, words))

    def ask(self, module: str, name: str, where: str, *, called: bool, listed: bool) -> None:
        """Write down a name that a part asks for."""
        self.asks.append((safe(f"{module}.{name}"), where, called, listed))


def shown(names: list[str], most: int = 5) -> str:
    """Return the first names, those that can do harm and then the least expected first, and how many more there are.

    Examples
    --------
    >>> shown(["numpy.dtype", "os.system", "a.b"], 2)
    'os.system, a.b and 1 more'
    """
    ordered = sorted(names, key=lambda name: (not harms(name), name.partition(".")[0] in _EXPECTED))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(safe(name) for name in ordered[:most]) + more


def harms(name: str) -> bool:
    """Return whether a name is of what programs, files and networks are reached by. It orders what is shown, and allows nothing: the list does that.

    Examples
    --------
    >>> harms("posix.system"), harms("builtins.eval"), harms("_io.open"), harms("builtins.set"), harms("my.own.Layer"), harms("_io.BytesIO")
    (True, True, True, False, False, False)
    """
    module, _, rest = name.partition(".")
    return (
        module in _HARM
        or name in _HARM_ALONE
        or (module in ("builtins", "__builtin__") and rest in _HARM_BUILT_IN)
    )


def safe(name: str) -> str:
    """Return a name without control characters, and not too long."""
    return "".join(ch if ch.isprintable() else "?" for ch in name)[:120]
