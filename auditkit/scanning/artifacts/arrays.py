"""Arrays: where the numbers end that joblib and numpy write between, or before, the instructions of a pickle."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["WRAPPER", "ArrayTrouble", "Made", "Npy", "after_array", "holds_objects", "read_npy"]

WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_DESCR = re.compile(r"[<>|=]?([?a-zA-Z])(\d*)(?:\[[a-zA-Z0-9]+\])?$")
_LARGEST_HEADER = 10_000
_WIDTHS = {
    "?": 1,
    "b": 1,
    "B": 1,
    "h": 2,
    "H": 2,
    "i": 4,
    "I": 4,
    "l": 8,
    "L": 8,
    "q": 8,
    "Q": 8,
    "e": 2,
    "f": 4,
    "d": 8,
    "F": 8,
    "D": 16,
}


class ArrayTrouble(ValueError):  # noqa: N818 - what was read
    """The end of an array cannot be told."""


@dataclass(slots=True, eq=False)
class Made:
    """A stand-in for an object that a pickle would make.

    Attributes
    ----------
    module, name : str
        Of what it would call.
    args : tuple
        Stand-ins for the arguments.
    state : object
        The stand-in it was last built from.
    """

    module: str
    name: str
    args: tuple[Any, ...] = ()
    state: Any = None


def holds_objects(wrapper: Made) -> bool:
    """Return whether the array behind a joblib wrapper is a pickle of its own."""
    dtype = _dtype(wrapper)
    descr = dtype.args[0]
    if isinstance(descr, str) and descr.lstrip("<>|=")[:1] == "O":
        return True
    state = dtype.state
    flags = state[7] if isinstance(state, tuple) and len(state) > 7 else 0
    return isinstance(flags, int) and bool(flags & 1)


def after_array(wrapper: Made, data: bytes, at: int) -> int:
    """Return the first byte after the numbers that follow a joblib wrapper at `at`.

    Raises
    ------
    ArrayTrouble
        If the wrapper does not say its type and shape in the way joblib writes them, or the file is too short.
    """
    state = wrapper.state
    shape = state.get("shape")
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ArrayTrouble("an array without a plain shape")
    size = _width(_dtype(wrapper))
    for n in shape:
        size *= n
    if isinstance(state.get("numpy_array_alignment_bytes"), int):
        if at >= len(data):
            raise ArrayTrouble("an array that is cut short")
        at += 1 + data[at]
    if size > len(data) - at:
        raise ArrayTrouble(f"an array of {size:,} bytes where {max(len(data) - at, 0):,} are left")
    return at + size


def _dtype(wrapper: Made) -> Made:
    state = wrapper.state
    dtype = state.get("dtype") if isinstance(state, dict) else None
    if not isinstance(dtype, Made) or dtype.name != "dtype" or dtype.module != "numpy" or not dtype.args:
        raise ArrayTrouble("an array whose type it computes")
    return dtype


def _width(dtype: Made) -> int:
    state = dtype.state
    if isinstance(state, tuple) and len(state) > 5 and isinstance(state[5], int) and state[5] > 0:
        return state[5]
    found = _DESCR.match(dtype.args[0]) if isinstance(dtype.args[0], str) else None
    if found is None:
        raise ArrayTrouble("an array of a type that cannot be told")
    return int(found[2] or _WIDTHS.get(found[1], 0))


@dataclass(frozen=True, slots=True)
class Npy:
    """The head of a .npy file.

    Attributes
    ----------
    descr : str
        The type, as written.
    objects : bool
        Whether the array holds Python objects: a pickle follows.
    start, end : int
        Where the numbers, or the pickle, begin; and where the numbers end (0 for objects).
    """

    descr: str
    objects: bool
    start: int
    end: int


def read_npy(data: bytes) -> Npy:
    """Read the head of a .npy file.

    Raises
    ------
    ArrayTrouble
        If it is none.
    """
    if data[:6] != b"\x93NUMPY" or len(data) < 10:
        raise ArrayTrouble("no .npy file")
    wide = data[6] >= 2
    length = int.from_bytes(data[8:12] if wide else data[8:10], "little")
    start = (12 if wide else 10) + length
    if data[6] not in (1, 2, 3) or length > _LARGEST_HEADER or start > len(data):
        raise ArrayTrouble("a .npy file with a broken head")
    try:
        head = ast.literal_eval(
            data[12 if wide else 10 : start].decode("utf-8" if data[6] == 3 else "latin1")
        )
        descr, shape = head["descr"], head["shape"]
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError, KeyError) as error:
        raise ArrayTrouble(f"a .npy file with a broken head ({type(error).__name__})") from None
    objects = "'|O" in repr(descr) or "'O" in repr(descr)
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ArrayTrouble("a .npy file without a plain shape")
    if objects:
        return Npy(str(descr), objects=True, start=start, end=0)
    size = _npy_width(descr)
    for n in shape:
        size *= n
    return Npy(str(descr), objects=False, start=start, end=start + size)


def _npy_width(descr: Any, depth: int = 0) -> int:
    if isinstance(descr, str) and (found := _DESCR.match(descr)):
        width = int(found[2] or _WIDTHS.get(found[1], 0))
        return width * 4 if found[1] == "U" else width
    if isinstance(descr, list) and depth < 8:
        total = 0
        for field in descr:
            if not isinstance(field, tuple) or len(field) not in (2, 3):
                break
            width = _npy_width(field[1], depth + 1)
            for n in field[2] if len(field) == 3 and isinstance(field[2], tuple) else ():
                width *= n if isinstance(n, int) and n >= 0 else 0
            total += width
        else:
            return total
    raise ArrayTrouble("a .npy file of a type that cannot be told")
