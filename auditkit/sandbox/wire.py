"""Wire: what child and parent say to each other; the parent reads JSON and plain numbers, and never a pickle."""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Unreadable", "read_answer", "read_question", "write_answer", "write_question"]

_SIZE = struct.Struct("<Q")
_LARGEST_HEAD = 2**24
_PLAIN = re.compile(r"[<|][biufU]\d{1,9}")


class Unreadable(ValueError):  # noqa: N818 - what was read
    """The child wrote what is no answer."""


def write_question(pipe: BinaryIO, question: bytes) -> None:
    """Send a question, which the parent pickled."""
    pipe.write(_SIZE.pack(len(question)))
    pipe.write(question)
    pipe.flush()


def read_question(pipe: BinaryIO) -> bytes | None:
    """Return the next question; None where the parent is gone."""
    head = pipe.read(_SIZE.size)
    return pipe.read(_SIZE.unpack(head)[0]) if len(head) == _SIZE.size else None


def write_answer(pipe: BinaryIO, facts: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    """Send facts as JSON, and arrays of numbers, booleans or text as their bytes."""
    plain = [np.ascontiguousarray(one) for one in arrays]
    described = [{"dtype": one.dtype.newbyteorder("<").str, "shape": list(np.shape(one))} for one in plain]
    head = json.dumps({"facts": facts, "arrays": described}).encode()
    pipe.write(_SIZE.pack(len(head)))
    pipe.write(head)
    pipe.writelines(one.astype(one.dtype.newbyteorder("<"), copy=False).tobytes() for one in plain)
    pipe.flush()


def read_answer(pipe: BinaryIO, most: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read an answer of at most so many bytes.

    Raises
    ------
    Unreadable
        If it is none: too long, of another type, or not in this form.
    EOFError
        If the child is gone.
    """
    length = _SIZE.unpack(_exactly(pipe, _SIZE.size))[0]
    if length > _LARGEST_HEAD:
        raise Unreadable(f"a head of {length:,} bytes")
    try:
        head = json.loads(_exactly(pipe, length))
        facts, described = head["facts"], head["arrays"]
        shapes = [(str(one["dtype"]), tuple(one["shape"])) for one in described]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise Unreadable(f"no answer ({type(error).__name__})") from None
    if not isinstance(facts, dict):
        raise Unreadable("facts that are no table")
    arrays: list[np.ndarray] = []
    for dtype, shape in shapes:
        arrays.append(_array(pipe, dtype, shape, most))
        most -= arrays[-1].nbytes
    return facts, arrays


def _array(pipe: BinaryIO, dtype: str, shape: tuple[Any, ...], most: int) -> np.ndarray:
    if not _PLAIN.fullmatch(dtype) or len(shape) > 4 or not all(type(n) is int and n >= 0 for n in shape):
        raise Unreadable("an array that is not plain")
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise Unreadable("an array of a type that does not exist") from None
    size = kind.itemsize
    for n in shape:
        size *= n
    if size > most:
        raise Unreadable(f"an answer of {size:,} bytes where {most:,} are allowed")
    return np.frombuffer(bytearray(_exactly(pipe, size)), kind).reshape(shape)


def _exactly(pipe: BinaryIO, size: int) -> bytes:
    data = pipe.read(size)
    if len(data) != size:
        raise EOFError
    return data
