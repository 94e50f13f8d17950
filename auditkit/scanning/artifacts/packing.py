"""Packing: compressed bytes, unpacked as far as a bound."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any

__all__ = ["Unpacked", "unpacked"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a compressed file holds.

    Attributes
    ----------
    data : bytes
        The content, or as much of it as the bound let through.
    trouble : str
        Why it is not the whole content, or what follows it; empty if nothing.
    bomb : bool
        Whether it goes beyond the bound.
    """

    data: bytes
    trouble: str = ""
    bomb: bool = False


def unpacked(data: bytes, packing: str, most: int) -> Unpacked:
    """Unpack one layer of compression.

    Parameters
    ----------
    data : bytes
        The file.
    packing : {"gzip", "zlib", "bz2", "xz", "lzma", "lz4", "zstd"}
        As `kinds.packed_as` names it. The last two cannot be looked into here.
    most : int
        Bytes of content at most.

    Examples
    --------
    >>> unpacked(zlib.compress(b"a" * 99), "zlib", 10)
    Unpacked(data=b'aaaaaaaaaa', trouble='it unpacks to more than 10 bytes', bomb=True)
    """
    if packing not in ("gzip", "zlib", "bz2", "xz", "lzma"):
        return Unpacked(b"", f"{packing} cannot be looked into")
    parts: list[bytes] = []
    left, rest = most + 1, data
    try:
        while rest:  # members may follow each other, and every reader takes them as one
            opener = _opener(packing)
            parts.append(opener.decompress(rest, left))
            left -= len(parts[-1])
            if left <= 0:
                return Unpacked(b"".join(parts)[:most], f"it unpacks to more than {most:,} bytes", bomb=True)
            if not opener.eof:
                return Unpacked(b"".join(parts), "it is cut short")
            rest = opener.unused_data
            if packing == "zlib" and rest:
                return Unpacked(b"".join(parts), f"{len(rest):,} bytes follow its end")
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
        what = f"{len(rest):,} bytes follow its end" if parts else f"it cannot be unpacked ({error})"
        return Unpacked(b"".join(parts), what)
    return Unpacked(b"".join(parts))


def _opener(packing: str) -> Any:
    if packing in ("gzip", "zlib"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)
    return bz2.BZ2Decompressor() if packing == "bz2" else lzma.LZMADecompressor()
