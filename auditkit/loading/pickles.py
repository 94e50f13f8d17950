"""Pickles: what a pickle asks for, listed without running any of it."""

from __future__ import annotations

import _compat_pickle
import bz2
import io
import itertools
import lzma
import pickletools
import re
import zlib
from dataclasses import dataclass, field

__all__ = ["asks_for", "is_compressed", "looks_like_pickle", "shown", "unpacked"]

_LARGEST = 256 * 2**20  # bytes looked at; a bomb opens no further
_MOST = 1_000_000  # instructions read in order
_EXPECTED = (
    "sklearn", "numpy", "scipy", "pandas", "joblib", "lightgbm", "xgboost", "collections", "copyreg", "_codecs", "catboost",
)  # fmt: skip
_OLD_GLOBAL = re.compile(rb"[ci]([A-Za-z_][\w.]{0,200})\n([A-Za-z_][\w.]{0,200})\n")
_NEW_GLOBAL = re.compile(
    rb"\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})(?:\x94|q.)?\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})(?:\x94|q.)?\x93",
    re.DOTALL,
)
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"]\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
}
_STRINGS = {
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING",
}  # fmt: skip
_PUTS, _GETS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}


def is_compressed(data: bytes) -> str:
    """Return the name of the compression a file begins with; empty if none."""
    for magic, name in _MAGIC.items():
        if data.startswith(magic):
            return name
    zlib_header = (
        len(data) > 2 and data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and (data[0] * 256 + data[1]) % 31 == 0
    )
    return "zlib" if zlib_header and _opens(data) else ""


def unpacked(data: bytes) -> bytes:
    """Return what a compressed file holds, through three layers and 256 MiB at most; what is broken gives nothing."""
    for _ in range(3):
        kind = is_compressed(data)
        if kind in ("gzip", "zlib"):
            data = _bounded(zlib.decompressobj(zlib.MAX_WBITS | 32), data)
        elif kind == "bz2":
            data = _bounded(bz2.BZ2Decompressor(), data)
        elif kind in ("xz", "lzma"):
            data = _bounded(lzma.LZMADecompressor(), data)
        else:
            return b"" if kind else data
    return data


def looks_like_pickle(data: bytes) -> bool:
    """Return whether the bytes are a pickle: by their mark, or, for the oldest protocols, by reading to the end."""
    if data[:1] == b"\x80" and data[1:2] <= b"\x05":
        return True
    try:
        return any(op.name == "STOP" for op, _, _ in itertools.islice(pickletools.genops(data), _MOST))
    except Exception:  # noqa: BLE001 - hostile bytes break the parser in any way; old pickles still show their imports
        return bool(_OLD_GLOBAL.match(data.lstrip(b"(")))


def asks_for(data: bytes) -> list[str]:
    """Return every global a pickle names, the unexpected first; nothing is imported or run.

    joblib writes arrays between the instructions, where reading in order stops; what follows is searched for the
    marks of a global. The list is for the message of a refusal, and never a reason to open a file.
    """
    data = unpacked(data)[:_LARGEST]
    found: list[str] = []
    stream, at = io.BytesIO(data), 0
    while at < len(data):  # streams may follow each other
        end = _in_order(stream, at, found)
        if end is None:
            for pattern in (_NEW_GLOBAL, _OLD_GLOBAL):
                found += [_today(m.decode(), n.decode()) for m, n in pattern.findall(data, at)]
            break
        at = end
    once = list(dict.fromkeys(found))
    return sorted(once, key=lambda name: name.partition(".")[0] in _EXPECTED)


def shown(names: list[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(_safe(name) for name in names[:most]) + more


def _today(module: str, name: str = "") -> str:
    """Return a global under the name Python 3 looks it up by; old protocols still write Python 2's."""
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"


def _safe(name: str) -> str:
    return "".join(ch if ch.isprintable() else "?" for ch in name)[:120]


def _in_order(stream: io.BytesIO, start: int, found: list[str]) -> int | None:
    """Read one stream; return where it ends, or None where it cannot be read on, or goes on too long."""
    stream.seek(start)
    reader = _Reader(found)
    arrays = False
    try:
        for op, arg, at in itertools.islice(pickletools.genops(stream), _MOST):
            if op.name == "STOP":
                return int(at or 0) + 1
            if op.name == "BUILD" and arrays:
                return None  # raw numbers follow, which read as instructions would be nonsense
            reader.take(op.name, arg)
            arrays = arrays or (op.name.endswith("GLOBAL") and found[-1].endswith(".NumpyArrayWrapper"))
    except Exception:  # noqa: BLE001 - hostile bytes break the parser in any way
        return None
    return None


@dataclass
class _Reader:
    """The strings a pickle has put down so far, and the globals it made of them."""

    found: list[str]
    memo: dict[int, str] = field(default_factory=dict)
    before: str = ""
    last: str = ""
    top: str = ""  # the string on top of the stack; empty if something else is

    def take(self, op: str, arg: object) -> None:
        if op == "MEMOIZE":
            self.memo[len(self.memo)] = self.top
        elif op in _PUTS and isinstance(arg, int):
            self.memo[arg] = self.top
        elif op in _STRINGS:
            self._push(str(arg))
        elif op in _GETS and isinstance(arg, int):
            self._push(self.memo.get(arg, ""))
        else:
            self.top = ""
            if op in ("GLOBAL", "INST"):
                self.found.append(_today(*str(arg).split(" ", 1)))
            elif op == "STACK_GLOBAL":
                self.found.append(f"{self.before}.{self.last}" if self.before else "a global it computes")
            elif op.startswith("EXT"):
                self.found.append(f"the extension registry (code {arg})")

    def _push(self, text: str) -> None:
        self.top = text
        if text:
            self.before, self.last = self.last, text


def _opens(data: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(data[:4096], 64)
    except zlib.error:
        return False
    return True


def _bounded(opener: object, data: bytes) -> bytes:
    try:
        out: bytes = opener.decompress(data, _LARGEST)  # type: ignore[attr-defined]
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
        return b""
    return out
