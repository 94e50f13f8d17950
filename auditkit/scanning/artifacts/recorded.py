"""Recorded: what a reader of pickles writes down, and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Asked", "Bounds", "Recording"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a reader goes before it gives up; a file beyond is refused.

    Attributes
    ----------
    steps : int
        Instructions of all pickles of a file together.
    held : int
        Values on the stack and in the memo of one pickle.
    marks : int
        Marks open at a time.
    unpacked : int
        Bytes that all compressed parts of a file unpack to, together.
    depth : int
        Files within files.
    members : int
        Members of all archives together.
    names : int
        Different globals of one pickle.
    """

    steps: int = 10_000_000
    held: int = 6_000_000
    marks: int = 10_000
    unpacked: int = 2**30
    depth: int = 6
    members: int = 10_000
    names: int = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A global that a pickle names.

    Attributes
    ----------
    module, name : str
        As an unpickler would look it up.
    called : bool
        Whether the pickle also calls it, or makes an object of it.
    """

    module: str
    name: str
    called: bool = False

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Recording:
    """What one pickle stream asks for.

    Attributes
    ----------
    asks : tuple of Asked
        Every global once, in the order of the stream.
    end : int
        The first byte after what was read.
    steps : int
        Instructions read.
    computed : tuple of str
        What cannot be named: a global from strings that are computed, a call of something computed.
    odd : tuple of str
        Listed names that it calls as no model does.
    extensions : tuple of int
        Codes asked of the extension registry.
    persistent : bool
        Whether it asks its loader for objects by persistent ids.
    arrays : bool
        Whether joblib's arrays lie between the instructions.
    broken : str
        Why reading stopped before the end; empty when the stream was read to its end.
    too_long : bool
        Whether it stopped at a bound.
    """

    asks: tuple[Asked, ...] = ()
    end: int = 0
    steps: int = 0
    computed: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    extensions: tuple[int, ...] = ()
    persistent: bool = False
    arrays: bool = False
    broken: str = ""
    too_long: bool = False
