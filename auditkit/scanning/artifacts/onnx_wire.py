"""OnnxWire: what an ONNX file says of itself, read from its bytes before any runtime sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OnnxWire", "is_onnx", "read_wire"]

_DEEPEST = 40
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Whole fields 7 (a float) and 8 (an integer) of an attribute, as many as follow each other; no message here keeps
# anything else under these tags.
_RUN = re.compile(rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}+[\x00-\x7f])++", re.DOTALL)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

# Message -> field number -> message inside; from the public onnx.proto.
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


@dataclass
class OnnxWire:
    """What was read.

    Attributes
    ----------
    graphs : int
        Top-level graphs; a model has one.
    external : bool
        Whether a tensor is kept in another file.
    classes : list of tuple
        Class labels as each classifier node lists them, in the order of its scores.
    """

    graphs: int = 0
    external: bool = False
    classes: list[tuple[int | str, ...]] = field(default_factory=list)


def read_wire(data: bytes) -> OnnxWire:
    """Read an ONNX model's bytes without running or allocating anything it asks for.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ValueError
        If the bytes are no protocol-buffer message of this shape.
    """
    wire = OnnxWire()
    _walk(memoryview(data), "model", wire, 0)
    return wire


def _walk(data: memoryview, message: str, wire: OnnxWire, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if message == "attribute":
        _class_labels(data, wire)
    for number, value in _fields(data, numbers=False):
        if message == "tensor" and (
            number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value == 1)
        ):
            wire.external = True
        inside = _INSIDE[message].get(number)
        if inside is None:
            continue
        if not isinstance(value, memoryview):
            raise ValueError(f"field {number} of {message} is no message")  # noqa: TRY004 - of the file, not of a caller
        wire.graphs += message == "model" and inside == "graph"
        _walk(value, inside, wire, depth + 1)


def _class_labels(data: memoryview, wire: OnnxWire) -> None:
    names = (bytes(v) for n, v in _fields(data, numbers=False) if n == 1 and isinstance(v, memoryview))
    if not next(names, b"").startswith(b"classlabels_"):
        return
    labels: list[int | str] = []
    for number, value in _fields(data):
        if number == 8:
            labels += [value] if isinstance(value, int) else list(_varints(value))
        elif number == 9 and isinstance(value, memoryview):
            labels.append(bytes(value).decode("utf-8", "replace"))
    if labels:
        wire.classes.append(tuple(_signed(v) if isinstance(v, int) else v for v in labels))


def _fields(data: memoryview, *, numbers: bool = True) -> Iterator[tuple[int, int | memoryview]]:
    """Give field numbers and values; without ``numbers``, runs of a tree's thresholds and children are passed over."""
    at, end = 0, len(data)
    while at < end:
        if not numbers and (run := _RUN.match(data, at)):
            at = run.end()
            continue
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field 0")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if size > end - at:
            raise ValueError("cut short")
        yield number, data[at : at + size]
        at += size


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise ValueError("number too long")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def is_onnx(data: bytes) -> bool:
    """Return whether the bytes are a protocol-buffer message that holds a graph where ONNX keeps it."""
    try:
        return read_wire(data).graphs > 0
    except ValueError:
        return False
