"""Arrays: numbers from files that nobody trusts, read without running or reserving anything for them."""

from __future__ import annotations

import io
import math
import os
import zipfile
from typing import IO, TYPE_CHECKING, Any

from auditkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["arrays_in", "read_array", "read_arrays"]

MOST_BYTES = 4 * 2**30
_KINDS = "biufU"  # booleans, integers, floats, text: nothing that must be unpickled
_HEADER = 10_000  # bytes; those of plain arrays have about a hundred
_MEMBERS = 1_000


def read_array(path: str | os.PathLike[str], *, most: int = MOST_BYTES) -> np.ndarray:
    """Read a ``.npy`` file.

    Parameters
    ----------
    path : path-like
        The file.
    most : int
        Bytes it may hold at most.

    Returns
    -------
    numpy.ndarray
        Of booleans, numbers or text.

    Raises
    ------
    InputError
        If the file is missing, too large, damaged, or holds objects. Nothing is reserved for what a header promises and
        the file does not hold.
    """
    from pathlib import Path

    file = Path(path)
    try:
        with file.open("rb") as opened:
            return _array(opened, os.fstat(opened.fileno()).st_size, file.name, most)
    except OSError as error:
        raise InputError(f"{file.name} cannot be read: {error.strerror or error}") from None


def read_arrays(path: str | os.PathLike[str], *, most: int = MOST_BYTES) -> dict[str, np.ndarray]:
    """Read a ``.npz`` file.

    Parameters
    ----------
    path : path-like
        The file.
    most : int
        Bytes that all its arrays together may take at most, unpacked.

    Returns
    -------
    dict of str to numpy.ndarray
        By name.

    Raises
    ------
    InputError
        As `read_array`, and if it is no archive of arrays.
    """
    from pathlib import Path

    file = Path(path)
    try:
        with file.open("rb") as opened:
            return _archive(opened, file.name, most)
    except OSError as error:
        raise InputError(f"{file.name} cannot be read: {error.strerror or error}") from None


def arrays_in(content: bytes, name: str, *, most: int = MOST_BYTES) -> dict[str, np.ndarray]:
    """Return the arrays of a ``.npz`` archive that was read already, as one is whose digest was looked at.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        What a message calls it.
    most : int
        Bytes that all its arrays together may take at most, unpacked.

    Raises
    ------
    InputError
        As `read_arrays`.
    """
    return _archive(io.BytesIO(content), name, most)


def _archive(opened: IO[bytes], name: str, most: int) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(opened) as archive:
            return _members(archive, name, most)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{name} is no .npz archive of arrays: {error}") from None


def _members(archive: zipfile.ZipFile, place: str, most: int) -> dict[str, np.ndarray]:
    inside = archive.infolist()
    if len(inside) > _MEMBERS:
        raise InputError(f"{place} holds {len(inside):,} arrays; at most {_MEMBERS:,} are read")
    total = sum(one.file_size for one in inside)
    if total > most:
        raise InputError(f"{place} unpacks to {total:,} bytes; at most {most:,} are read")
    found: dict[str, np.ndarray] = {}
    for one in inside:
        name = one.filename.removesuffix(".npy")
        if name == one.filename or name in found:
            raise InputError(f"{place} is no archive of arrays: it holds {one.filename[:80]!r}")
        with archive.open(one) as opened:
            found[name] = _array(opened, one.file_size, f"{name[:80]!r} in {place}", most)
    return found


def _array(opened: IO[bytes], size: int, name: str, most: int) -> np.ndarray:
    """Read one array: exactly as many bytes as its header says must be there."""
    import numpy as np

    if size > most:
        raise InputError(f"{name} has {size:,} bytes; at most {most:,} are read")
    shape, by_column, dtype, begun = _header(opened, name)
    if dtype.hasobject or dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise InputError(
            f"{name} holds {dtype}, which is neither numbers, booleans nor text; objects are not read: they run code"
        )
    expected = math.prod(shape) * dtype.itemsize
    if any(n < 0 for n in shape) or expected != size - begun:
        raise InputError(
            f"{name} is damaged: shape {shape} of {dtype} takes {expected:,} bytes, it has {size - begun:,}"
        )
    content = opened.read(expected)
    if len(content) != expected:
        raise InputError(f"{name} is damaged: it ends early")
    flat: Any = np.frombuffer(content, dtype=dtype).copy()
    return np.asarray(flat.reshape(shape, order="F" if by_column else "C"))


def _header(opened: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(opened)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, by_column, dtype = read(opened, max_header_size=_HEADER)
        return shape, by_column, dtype, opened.tell()
    except Exception as error:  # noqa: BLE001 - a header is parsed as text of Python, which fails in many ways
        raise InputError(f"{name} is no array file: {str(error)[:200]}") from None
