"""Scan: what a model file is and asks for, part by part, and whether it may be opened."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from auditkit.scanning.artifacts import walking
from auditkit.scanning.artifacts.recorded import Bounds
from auditkit.scanning.artifacts.walker import harms

__all__ = ["MODULE", "RULES", "Ask", "Part", "Scan", "Trouble", "scan_artifact"]

Trust = Literal["data", "listed", "refused"]

RULES: dict[str, str] = {
    "pickle-global": "a pickle asks for a name that is not on the list",
    "pickle-computed": "a pickle computes what it asks for, or what it calls",
    "pickle-call": "a pickle calls a listed name as no model does: to reach memory, or a file",
    "pickle-extension": "a pickle asks for a code of the extension registry",
    "pickle-persistent": "a pickle asks its loader for objects by ids of its own",
    "pickle-broken": "a pickle cannot be read to its end",
    "pickle-long": "a pickle goes beyond what the reader reads",
    "trailing": "bytes follow the end of what the file holds",
    "polyglot": "the file is of two formats at once",
    "npy-objects": "a numpy array holds Python objects, which are a pickle",
    "packing": "compressed bytes are broken, or of a packing that cannot be looked into",
    "bomb": "the file unpacks to more than the reader unpacks",
    "nested": "files lie within files deeper than the reader goes",
    "archive-broken": "an archive cannot be read",
    "archive-path": "a member of an archive has a path that leads elsewhere, or is a link",
    "archive-double": "an archive holds two members of one name",
    "archive-locked": "a member of an archive is encrypted",
    "archive-code": "an archive holds a program, a script or code",
    "skops-type": "a skops file asks for a type that is not on the list",
    "skops-broken": "a skops file cannot be read",
    "onnx-external": "an ONNX model keeps tensors in other files",
    "onnx-broken": "an ONNX model cannot be read",
    "safetensors-broken": "the head of a safetensors file does not fit its bytes",
    "torch-code": "a PyTorch archive holds code",
    "torch-global": "a PyTorch file asks for more than weights need",
    "keras-code": "a Keras model holds a layer made of code, or a class that is not of Keras",
    "format": "auditkit opens no such format",
}
"""Why a file is refused, by rule."""

MODULE = "a whole PyTorch module, which runs code when it is opened; ask for its state_dict"
"""What is said of a file for which `Scan.holds_module` is true."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a file within a file.

    Attributes
    ----------
    where : str
        Its place: "" for the file itself, then "inner.zip", "inner.zip/data.pkl", "(unpacked)".
    kind : str
        What it is by its bytes.
    size : int
        Bytes.
    """

    where: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A name that a part asks for.

    Attributes
    ----------
    name : str
        Module and name, with a dot between.
    where : str
        The part.
    called : bool
        Whether it is called, or an object of it made, when the file is opened.
    listed : bool
        Whether it is on the exact list.
    """

    name: str
    where: str
    called: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file is refused.

    Attributes
    ----------
    rule : str
        One of `RULES`.
    where : str
        The part.
    words : str
        What was found, in words.
    """

    rule: str
    where: str
    words: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.words}" + (f" (in {self.where})" if self.where else "")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a model file is, asks for, and is trusted with.

    Attributes
    ----------
    digest : str
        sha256 of the bytes.
    size : int
        Bytes.
    kind : str
        "pickle", "joblib", "skops", "ONNX", "safetensors", "PyTorch weights", "LightGBM text", "XGBoost JSON", "XGBoost UBJSON",
        or in words what else it is.
    parts : tuple of Part
        The file and what lies in it.
    asks : tuple of Ask
        Every name once a part.
    troubles : tuple of Trouble
        Empty where the file may be opened.
    """

    digest: str
    size: int
    kind: str
    parts: tuple[Part, ...]
    asks: tuple[Ask, ...]
    troubles: tuple[Trouble, ...]

    @property
    def trust(self) -> Trust:
        """How far the file may be trusted: as data, by the exact list, or not at all."""
        if self.troubles:
            return "refused"
        return "data" if self.kind in walking.DATA else "listed"

    @property
    def unlisted(self) -> tuple[str, ...]:
        """The names it asks for that are not on the list, each once."""
        return tuple(dict.fromkeys(ask.name for ask in self.asks if not ask.listed))

    @property
    def harmful(self) -> tuple[str, ...]:
        """Those of them that reach programs, files or networks."""
        return tuple(filter(harms, self.unlisted))

    @property
    def holds_module(self) -> bool:
        """Whether it is a whole PyTorch module, which runs code when it is opened, and asks for nothing that is known to do harm."""
        if not self.unlisted or self.harmful:
            return False
        whole = any(name.startswith("torch.nn.") for name in self.unlisted)
        return whole or "torch._utils._rebuild_parameter" in {ask.name for ask in self.asks}

    @property
    def form(self) -> str:
        """What the file is, in words for a reader."""
        if self.holds_module:
            return "a whole PyTorch module"
        return "a PyTorch file" if self.troubles and self.kind == "PyTorch weights" else self.kind

    @property
    def worst(self) -> tuple[Trouble, ...]:
        """The troubles, those first that name what can do harm."""
        harmful = self.harmful
        return tuple(sorted(self.troubles, key=lambda one: not any(name in one.words for name in harmful)))


def scan_artifact(data: bytes, *, bounds: Bounds | None = None) -> Scan:
    r"""Read a model file without running, importing or building anything of it.

    Parameters
    ----------
    data : bytes
        The file.
    bounds : Bounds, optional
        How far the reader goes; what goes beyond is refused.

    Returns
    -------
    Scan
        `trust` is "data" for what holds no code, "listed" where every name it asks for is on the exact list, else "refused".

    Examples
    --------
    >>> found = scan_artifact(b"cos\nsystem\n(S'true'\ntR.")
    >>> found.trust, found.unlisted, [str(one) for one in found.troubles]
    ('refused', ('os.system',), ['[pickle-global] it asks for os.system, and calls it'])
    """
    walk = walking.Walk(bounds or Bounds())
    kind = walk.look(data, "", 0)
    return Scan(
        hashlib.sha256(data).hexdigest(),
        len(data),
        kind,
        tuple(Part(*one) for one in walk.parts),
        tuple(Ask(*one) for one in walk.asks),
        tuple(dict.fromkeys(Trouble(*one) for one in walk.troubles)),
    )
