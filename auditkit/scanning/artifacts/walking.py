"""Walking: one way through a file and the files within it, with one budget for all."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

from auditkit.scanning.artifacts import archives, safetensors
from auditkit.scanning.artifacts.allowed import is_listed, is_weight
from auditkit.scanning.artifacts.arrays import ArrayTrouble, read_npy
from auditkit.scanning.artifacts.kinds import LFS_POINTER, kind_of, packed_as
from auditkit.scanning.artifacts.onnx_wire import read_wire
from auditkit.scanning.artifacts.packing import unpacked
from auditkit.scanning.artifacts.recording import record
from auditkit.scanning.artifacts.walker import Walker, shown

if TYPE_CHECKING:
    from auditkit.scanning.artifacts.recorded import Recording

__all__ = ["DATA", "LISTED", "Walk"]

DATA = ("ONNX", "safetensors", "LightGBM text", "XGBoost JSON", "XGBoost UBJSON")
"""Kinds of file that hold no code."""

LISTED = ("pickle", "joblib", "skops", "PyTorch weights")
"""Kinds of file that ask for names, each held against the list."""

_OLD_GLOBAL = re.compile(rb"[ci]([A-Za-z_][\w.]{0,200})\n([A-Za-z_][\w.]{0,200})\n")
_NEW_GLOBAL = re.compile(
    rb"\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})(?:\x94|q.)?\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})(?:\x94|q.)?\x93",
    re.DOTALL,
)
_LAMBDA = re.compile(rb'"class_name"\s*:\s*"(Lambda|TFOpLambda|__lambda__)"')
_NOT_HERE = f"{LFS_POINTER} to a file that is not here: `git lfs pull` puts the file in its place"
_TORCH_STREAMS = 5  # magic number, protocol, system, object, keys; then raw numbers


class Walk(Walker):
    """A way through a file, that knows every kind of part."""

    def look(self, data: bytes, where: str, depth: int) -> str:
        """Tell what the bytes are, look into them, and return the kind.

        The file itself (depth 0) must also be of a kind that auditkit opens.
        """
        kind = kind_of(data)
        at = len(self.parts)
        self.parts.append((where, kind, len(data)))
        if depth > self.bounds.depth:
            self.trouble("nested", where, f"files within files, {depth} deep")
            return kind
        kind = self._into(kind, data, where, depth)
        self.parts[at] = (where, kind, len(data))
        if (
            kind != "zip"
            and not kind.startswith("a zip")
            and kind not in archives.ZIPS
            and _ends_as_zip(data)
        ):
            self.trouble("polyglot", where, f"it is {kind}, and a zip archive too")
            archives.look_into_zip(self, data, where, depth)
        if depth == 0 and kind not in DATA + LISTED:
            self.trouble(
                "format",
                where,
                _NOT_HERE if kind == LFS_POINTER else f"{kind} is no model format auditkit opens",
            )
        return kind

    def _into(self, kind: str, data: bytes, where: str, depth: int) -> str:
        if kind == "zip":
            return archives.look_into_zip(self, data, where, depth)
        if kind == "tar":
            return archives.look_into_tar(self, data, where, depth)
        if kind == "packed":
            return self._packed(data, where, depth)
        if kind == "pickle":
            return self.pickle(data, where)
        if kind == "torch legacy":
            return self._torch_legacy(data, where)
        if kind == "a numpy array":
            return self.npy(data, where)
        if kind == "ONNX":
            self._onnx(data, where)
        elif kind == "safetensors":
            if words := safetensors.trouble_of(data):
                self.trouble("safetensors-broken", where, words)
        elif kind in ("a program", "a script") and depth:
            self.trouble("archive-code", where, f"it holds {kind}")
        elif kind.startswith("an HDF5") and _LAMBDA.search(data):
            self.trouble("keras-code", where, "a layer of it is made of code (Lambda)")
        return kind

    def pickle(self, data: bytes, where: str, start: int = 0, *, weights: bool = False) -> str:
        """Read a pickle, and what follows it; return "pickle" or "joblib"."""
        found = self._record(data, start)
        self._judge(found, data, where, weights=weights)
        if found.end < len(data) and not found.broken:
            self.trouble("trailing", where, f"{len(data) - found.end:,} bytes follow the end of the pickle")
            self._rest(data, where, found.end)
        return "joblib" if found.arrays else "pickle"

    def _rest(self, data: bytes, where: str, at: int) -> None:
        """Name what further streams ask for; the file is refused already."""
        seen: dict[tuple[str, str], bool] = {}
        while at < len(data):
            found = self._record(data, at)
            for one in found.asks:
                seen[one.module, one.name] = one.called
            if found.broken or found.end <= at:
                break
            at = found.end
        self._names(seen, where, weights=False)

    def _record(self, data: bytes, start: int, *, joblib: bool = True) -> Recording:
        left = replace(self.bounds, steps=max(self.bounds.steps - self.steps, 0))
        found = record(data, start, bounds=left, joblib=joblib)
        self.steps += found.steps
        return found

    def _judge(self, found: Recording, data: bytes, where: str, *, weights: bool) -> None:
        names = {(one.module, one.name): one.called for one in found.asks}
        self._names(names, where, weights=weights)
        for words in found.computed:
            self.trouble("pickle-computed", where, f"it asks for {words}")
        for name in found.odd:
            self.trouble("pickle-call", where, f"it calls {name} as no model does")
        if found.extensions:
            self.trouble(
                "pickle-extension", where, f"it asks for the extension registry (code {found.extensions[0]})"
            )
        if found.persistent and not weights:
            self.trouble("pickle-persistent", where, "it asks its loader for objects by ids")
        if found.broken:
            rule = "pickle-long" if found.too_long else "pickle-broken"
            self.trouble(rule, where, f"the pickle cannot be read to its end: {found.broken}")
            more = {
                (m.decode("latin1"), n.decode("latin1")): False
                for pattern in (_NEW_GLOBAL, _OLD_GLOBAL)
                for m, n in (
                    found.groups()
                    for _, found in zip(range(1000), pattern.finditer(data, found.end), strict=False)
                )
            }
            self._names(
                {key: called for key, called in more.items() if key not in names}, where, weights=weights
            )

    def _names(self, names: dict[tuple[str, str], bool], where: str, *, weights: bool) -> None:
        allowed = is_weight if weights else is_listed
        strange: list[tuple[str, bool]] = []
        for (module, name), called in names.items():
            listed = allowed(module, name)
            self.ask(module, name, where, called=called, listed=listed)
            if not listed:
                strange.append((f"{module}.{name}", called))
        if strange:
            calls = any(called for _, called in strange)
            told = "" if not calls else ", and calls it" if len(strange) == 1 else ", and calls some of them"
            rule = "torch-global" if weights else "pickle-global"
            self.trouble(rule, where, f"it asks for {shown([name for name, _ in strange])}{told}")

    def _packed(self, data: bytes, where: str, depth: int) -> str:
        packing = packed_as(data)
        opened = unpacked(data, packing, max(self.bounds.unpacked - self.taken, 0))
        self.taken += len(opened.data)
        if opened.trouble:
            self.trouble("bomb" if opened.bomb else "packing", where, f"{packing}: {opened.trouble}")
        if not opened.data:
            return f"a {packing} archive that holds no pickle"
        inner = self.look(opened.data, f"{where}/(unpacked)".lstrip("/"), depth + 1)
        if inner in ("pickle", "joblib"):
            return inner  # joblib opens one layer
        if (
            "archive that holds" not in inner
            and inner not in LISTED + DATA
            and "numpy" not in inner
            and "zip" not in inner
        ):
            return f"a {packing} archive that holds no pickle"
        return f"a {packing} archive that holds {inner}"

    def npy(self, data: bytes, where: str) -> str:
        """Read a .npy file; one of objects is a pickle behind a head."""
        try:
            head = read_npy(data)
        except ArrayTrouble as error:
            self.trouble("archive-broken", where, str(error))
            return "a numpy array"
        if head.objects:
            self.trouble("npy-objects", where, "the array holds Python objects, which are a pickle")
            self.pickle(data, where, head.start)
        elif head.end != len(data):
            self.trouble("trailing", where, "bytes follow the numbers of the array, or are missing")
        return "a numpy array"

    def _torch_legacy(self, data: bytes, where: str) -> str:
        at = 0
        for _ in range(_TORCH_STREAMS):
            found = self._record(data, at, joblib=False)
            self._judge(found, data, where, weights=True)
            if found.broken:
                break
            at = found.end
        return "PyTorch weights"

    def _onnx(self, data: bytes, where: str) -> None:
        wire = read_wire(data)
        if wire.external:
            self.trouble("onnx-external", where, "it keeps tensors in other files")
        if wire.graphs != 1:
            self.trouble("onnx-broken", where, f"it holds {wire.graphs} graphs")


def _ends_as_zip(data: bytes) -> bool:
    if b"PK\x05\x06" not in data[-66_000:]:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, OverflowError):
        return False
