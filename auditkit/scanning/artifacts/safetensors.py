"""Safetensors: the head of a file of plain tensors, held against its bytes before anything opens it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["is_safetensors", "trouble_of"]

_LARGEST_HEAD = 100_000_000  # as the format says
_WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4,
    "F32": 4, "F64": 8, "I64": 8, "U64": 8, "C64": 8,
}  # fmt: skip


def is_safetensors(data: bytes) -> bool:
    """Return whether the bytes begin as a safetensors file: the size of a head, and the head's brace."""
    return len(data) >= 10 and data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") <= _LARGEST_HEAD


def trouble_of(data: bytes) -> str:
    r"""Say what is wrong with the head: tensors that overlap, leave gaps or go beyond the file; empty if nothing.

    Examples
    --------
    >>> trouble_of(b"\x02" + bytes(7) + b"{}")
    ''
    """
    size = int.from_bytes(data[:8], "little")
    if size > len(data) - 8:
        return "its head is longer than the file"
    try:
        head = json.loads(data[8 : 8 + size])
    except (ValueError, RecursionError):
        return "its head is no JSON"
    if not isinstance(head, dict):
        return "its head is no table"
    at = 0
    spans = sorted(_span(value) for name, value in head.items() if name != "__metadata__")
    for begin, end, fits in spans:
        if not fits or begin != at or end < begin:
            return "its tensors overlap, leave gaps or have no plain shape"
        at = end
    return "" if at == len(data) - 8 - size else "bytes follow its tensors, or are missing"


def _span(value: Any) -> tuple[int, int, bool]:
    """Return begin and end of a tensor, and whether its type and shape say as much."""
    if not isinstance(value, dict):
        return (-1, -1, False)
    where, shape = value.get("data_offsets"), value.get("shape")
    width = _WIDTHS.get(str(value.get("dtype")))
    if not isinstance(where, list) or len(where) != 2 or not isinstance(shape, list) or width is None:
        return (-1, -1, False)
    if not all(type(n) is int and n >= 0 for n in [*where, *shape]):
        return (-1, -1, False)
    size = width
    for n in shape:
        size *= n
    return where[0], where[1], where[1] - where[0] == size
