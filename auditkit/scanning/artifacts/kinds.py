"""Kinds: what a file is, told by its bytes and never by its name."""

from __future__ import annotations

import itertools
import pickletools
import re
import zlib

__all__ = ["LFS_POINTER", "TORCH_LEGACY", "kind_of", "looks_like_pickle", "packed_as"]

TORCH_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number with which PyTorch began its files before 2020, as a pickle."""

LFS_POINTER = "a Git LFS pointer"
"""What a text is called that Git keeps in the place of a large file."""

_POINTS = re.compile(rb"version https://git-lfs\.github\.com/spec/[ -~\r\n]{0,1000}")
_MOST = 1_000_000  # instructions read in order to see whether an old pickle has an end
_OLD_GLOBAL = re.compile(rb"\(*[ci][A-Za-z_][\w.]{0,200}\n[A-Za-z_][\w.]{0,200}\n")
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"]\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras keeps models so)"),
    (b"tree\n", "LightGBM text"),
    (b"PAR1", "a parquet table"),
    (b"ARROW1", "an Arrow table"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"#!", "a script"),
    (b"ZF", "a joblib file of before 2016"),
    (b"\x93NUMPY", "a numpy array"),
    (b"CBM1", "a CatBoost model"),
    (b"GGUF", "a GGUF file"),
    (b"binf", "an XGBoost file of before 2021"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
)
_XGBOOST = re.compile(
    rb'\{\s*"(learner"|version"\s*:\s*\[)'
)  # its version is a list; other files of JSON begin with a text
_LENGTHS = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8}  # of UBJSON's sizes


def packed_as(data: bytes) -> str:
    """Return the name of the compression a file begins with; empty if none."""
    for magic, name in _PACKED.items():
        if data.startswith(magic):
            return name
    head = len(data) > 2 and data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and (data[0] * 256 + data[1]) % 31 == 0
    return "zlib" if head and _opens(data) else ""


def kind_of(data: bytes) -> str:
    """Return what the bytes are: a format's name, or in words what else.

    Returns
    -------
    str
        "pickle", "zip", "tar", "packed", "ONNX", "safetensors", "LightGBM text", "XGBoost JSON", "XGBoost UBJSON",
        "torch legacy", "a numpy array", or words such as "a program".

    Examples
    --------
    >>> kind_of(b"#!/bin/sh")
    'a script'
    """
    if not data:
        return "an empty file"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    for magic, words in _MAGIC:
        if data.startswith(magic):
            return words
    if data.startswith(TORCH_LEGACY):
        return "torch legacy"
    if data[:1] == b"\x80" and looks_like_pickle(data):
        return "pickle"
    if packed_as(data):
        return "packed"
    if data[257:262] == b"ustar":
        return "tar"
    if data[4:8] == b"TFL3":
        return "a TensorFlow Lite model"
    return _kind_without_mark(data)


def _kind_without_mark(data: bytes) -> str:
    from auditkit.scanning.artifacts.onnx_wire import is_onnx
    from auditkit.scanning.artifacts.safetensors import is_safetensors

    if is_safetensors(data):
        return "safetensors"
    if data[:1] == b"{":
        if _ubj_key(data) in (b"learner", b"version"):
            return "XGBoost UBJSON"
        if _XGBOOST.match(data[:200]):
            return "XGBoost JSON"
    if is_onnx(data):
        return "ONNX"
    if _POINTS.fullmatch(data):
        return LFS_POINTER
    if data[:200].lstrip()[:1] == b"<":
        return "an XML file"
    return "pickle" if looks_like_pickle(data) else "a file of unknown kind"


def looks_like_pickle(data: bytes) -> bool:
    """Return whether the bytes are a pickle: by their mark, or, for the oldest protocols, by reading to the end."""
    if data[:1] == b"\x80" and data[1:2] <= b"\x05":
        return True
    try:
        return any(op.name == "STOP" for op, _, _ in itertools.islice(pickletools.genops(data), _MOST))
    except Exception:  # noqa: BLE001 - hostile bytes break the parser in any way; old pickles still show their imports
        return bool(_OLD_GLOBAL.match(data))


def _ubj_key(data: bytes) -> bytes:
    """Return the first key of a UBJSON object."""
    width = _LENGTHS.get(data[1:2], 0)
    size = int.from_bytes(data[2 : 2 + width], "big")
    return data[2 + width : 2 + width + size] if 0 < size < 100 else b""


def _opens(data: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(data[:4096], 64)
    except zlib.error:
        return False
    return True
