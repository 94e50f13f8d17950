"""Recording: what a pickle asks for, read instruction by instruction; nothing is imported, called or built.

The reader keeps the stack and the memo of a pickle as plain stand-ins: a global is its two names, a call is a note that it was
called. Extension codes, persistent ids and calls of what was computed are written down and lead nowhere.
"""

from __future__ import annotations

import _compat_pickle
import io
import itertools
import pickletools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.scanning.artifacts.arrays import WRAPPER, ArrayTrouble, Made, after_array, holds_objects
from auditkit.scanning.artifacts.calls import NEVER_CALLED, NEVER_FED, PLAIN_BASES
from auditkit.scanning.artifacts.recorded import Asked, Bounds, Recording

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["record"]


_SKIPPED: Any = object()  # a value whose content does not matter here
_NONE: Any = object()
_REMADE = ("copyreg", "_reconstructor")
_LARGEST_TUPLE = 16  # of which the parts are kept


@dataclass(slots=True)
class _Global:
    module: str
    name: str


class _TooMuch(Exception):  # noqa: N818 - how reading ended
    """The stream goes beyond a bound."""


class _Broken(Exception):  # noqa: N818 - how reading ended
    """The stream is no whole pickle."""


def record(data: bytes, start: int = 0, *, bounds: Bounds | None = None, joblib: bool = True) -> Recording:
    r"""Read one pickle stream and write down what it asks for.

    Parameters
    ----------
    data : bytes
        The file.
    start : int
        Where the stream begins.
    bounds : Bounds, optional
        How far to go.
    joblib : bool
        Whether arrays that joblib writes between the instructions are stepped over, as joblib's own reader does.

    Examples
    --------
    >>> found = record(b"cos\nsystem\n(S'true'\ntR.")
    >>> [(str(one), one.called) for one in found.asks]
    [('os.system', True)]
    """
    machine = _Machine(data, bounds or Bounds(), joblib)
    broken, too_long = "", False
    try:
        machine.run(start)
    except _TooMuch as why:
        broken, too_long = str(why), True
    except (_Broken, ArrayTrouble) as why:
        broken = str(why)
    except Exception as error:  # noqa: BLE001 - hostile bytes break the parser in any way
        broken = f"no whole pickle ({type(error).__name__})"
    asks = tuple(Asked(m, n, called) for (m, n), called in machine.asked.items())
    return Recording(
        asks,
        machine.at,
        machine.steps,
        tuple(dict.fromkeys(machine.computed)),
        tuple(dict.fromkeys(machine.odd)),
        tuple(dict.fromkeys(machine.extensions)),
        machine.persistent,
        machine.arrays,
        broken,
        too_long,
    )


@dataclass
class _Machine:
    """The stack of a pickle, with stand-ins for values."""

    data: bytes
    bounds: Bounds
    joblib: bool
    asked: dict[tuple[str, str], bool] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    extensions: list[int] = field(default_factory=list)
    persistent: bool = False
    arrays: bool = False
    steps: int = 0
    at: int = 0
    protocol: int = 0
    stack: list[Any] = field(default_factory=list)
    below: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, start: int) -> None:
        stream = io.BytesIO(self.data)
        stream.seek(start)
        self.at = start
        for op, arg, _ in pickletools.genops(stream):
            self.steps += 1
            if self.steps > self.bounds.steps:
                raise _TooMuch(f"more than {self.bounds.steps:,} instructions")
            if len(self.stack) + len(self.memo) > self.bounds.held:
                raise _TooMuch(f"more than {self.bounds.held:,} values at a time")
            _DO.get(op.name, _Machine._plain)(self, op, arg)
            self.at = stream.tell()
            if op.name == "STOP":
                return
            if op.name == "BUILD" and self.joblib:
                self._step_over(stream)
        raise _Broken("it has no end")

    def _step_over(self, stream: io.BytesIO) -> None:
        """Go on behind the array that joblib wrote after the wrapper on top of the stack."""
        top = self.stack[-1] if self.stack else None
        if not isinstance(top, Made) or (top.module, top.name) != WRAPPER:
            return
        self.arrays = True
        if holds_objects(top):
            inner = record(
                self.data, self.at, bounds=_left(self.bounds, self.steps), joblib=False
            )  # as joblib reads them: by a plain unpickler
            self._take_in(inner)
            self.at = inner.end
        else:
            self.at = after_array(top, self.data, self.at)
        stream.seek(self.at)
        self.stack[-1] = _SKIPPED

    def _take_in(self, inner: Recording) -> None:
        for one in inner.asks:
            key = one.module, one.name
            self.asked[key] = self.asked.get(key, False) or one.called
        self.computed += inner.computed
        self.odd += inner.odd
        self.extensions += inner.extensions
        self.persistent |= inner.persistent
        self.steps += inner.steps
        if inner.broken:
            raise (_TooMuch if inner.too_long else _Broken)(f"in an array of objects: {inner.broken}")

    def _plain(self, op: Any, arg: Any) -> None:
        """Do what an instruction says that only moves plain values, as `pickletools` describes it."""
        before, after = op.stack_before, op.stack_after
        if any(one.name == "mark" for one in before):
            self._to_mark()
            take = sum(one.name not in ("mark", "stackslice") for one in before)
        else:
            take = len(before)
        self._pop(take)
        if len(after) == 1 and op.arg is not None:
            self.stack.append(arg if isinstance(arg, (str, int)) and not isinstance(arg, bool) else _SKIPPED)
        else:
            self.stack.extend(_SKIPPED for _ in after)

    def _pop(self, count: int = 1) -> list[Any]:
        if count > len(self.stack):
            raise _Broken("it takes more from its stack than there is")
        if not count:
            return []
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def _to_mark(self) -> list[Any]:
        if not self.below:
            raise _Broken("it looks for a mark that is not there")
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _op: Any, _arg: Any) -> None:
        if len(self.below) >= self.bounds.marks:
            raise _TooMuch(f"more than {self.bounds.marks:,} open marks")
        self.below.append(self.stack)
        self.stack = []

    def proto(self, _op: Any, arg: int) -> None:
        if arg > 5:
            raise _Broken(f"it says protocol {arg}")
        self.protocol = arg

    def stop(self, _op: Any, _arg: Any) -> None:
        self._pop()

    def nothing(self, _op: Any, _arg: Any) -> None:
        pass

    def pop(self, _op: Any, _arg: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._to_mark()

    def dup(self, _op: Any, _arg: Any) -> None:
        self._need(1)
        self.stack.append(self.stack[-1])

    def none(self, _op: Any, _arg: Any) -> None:
        self.stack.append(_NONE)

    def put(self, op: Any, arg: Any) -> None:
        self._need(1)
        place = len(self.memo) if op.name == "MEMOIZE" else int(arg)
        if not 0 <= place <= self.bounds.held:  # a fast reader keeps a table as long as the largest number
            raise _TooMuch(f"it stores under the number {place}")
        self.memo[place] = self.stack[-1]

    def get(self, _op: Any, arg: int) -> None:
        if arg not in self.memo:
            raise _Broken(f"it fetches {arg}, which it never stored")
        self.stack.append(self.memo[arg])

    def tuples(self, op: Any, _arg: Any) -> None:
        size = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}.get(op.name)
        items = self._to_mark() if size is None else self._pop(size)
        self.stack.append(tuple(items) if len(items) <= _LARGEST_TUPLE else _SKIPPED)

    def dicts(self, op: Any, _arg: Any) -> None:
        items = self._to_mark() if op.name == "DICT" else []
        self.stack.append({})
        self._put_items(items)

    def set_items(self, op: Any, _arg: Any) -> None:
        self._put_items(self._pop(2) if op.name == "SETITEM" else self._to_mark())

    def _put_items(self, items: list[Any]) -> None:
        self._need(1)
        table = self.stack[-1]
        if not isinstance(table, dict):
            return
        for key, value in itertools.islice(zip(items[::2], items[1::2], strict=False), _LARGEST_TUPLE):
            if isinstance(key, str) and len(table) < _LARGEST_TUPLE:
                table[key] = value

    def global_(self, op: Any, arg: str) -> None:
        module, _, name = arg.partition(" ")
        if op.name == "INST":
            args = tuple(self._to_mark())
        self._push_global(module, name)
        if op.name == "INST":
            self._call(self._pop()[0], args)

    def stack_global(self, _op: Any, _arg: Any) -> None:
        module, name = self._pop(2)
        if isinstance(module, str) and isinstance(name, str):
            self._push_global(module, name)
        else:
            self.computed.append("a global whose name it computes")
            self.stack.append(_SKIPPED)

    def _push_global(self, module: str, name: str) -> None:
        if self.protocol < 3:
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        if len(self.asked) >= self.bounds.names:
            raise _TooMuch(f"more than {self.bounds.names:,} different globals")
        self.asked.setdefault((module, name), False)
        self.stack.append(_Global(module, name))

    def extension(self, _op: Any, arg: int) -> None:
        self.extensions.append(arg)
        self.stack.append(_SKIPPED)

    def persist(self, op: Any, _arg: Any) -> None:
        if op.name == "BINPERSID":
            self._pop()
        self.persistent = True
        self.stack.append(_SKIPPED)

    def buffer(self, _op: Any, _arg: Any) -> None:
        raise _Broken("it takes buffers from outside the file")

    def reduce(self, op: Any, _arg: Any) -> None:
        if op.name == "NEWOBJ_EX":
            called, args = self._pop(3)[0], _SKIPPED  # with words of which not every one is known
        elif op.name == "OBJ":
            items = self._to_mark()
            called, args = (items or [_SKIPPED])[0], tuple(items[1:_LARGEST_TUPLE])
        else:
            called, args = self._pop(2)
        self._call(called, args)

    def _call(self, called: Any, args: Any) -> None:
        """Note a call; the arguments are stand-ins, in a tuple where they are known."""
        if not isinstance(called, _Global):
            self.computed.append("a call of something it computes")
            self.stack.append(_SKIPPED)
            return
        key = called.module, called.name
        self.asked[key] = True
        if key in NEVER_CALLED or (key in NEVER_FED and args != ()) or (key == _REMADE and not _plain(args)):
            self.odd.append(f"{called.module}.{called.name}")
        self.stack.append(Made(called.module, called.name, args if isinstance(args, tuple) else ()))

    def build(self, _op: Any, _arg: Any) -> None:
        (state,) = self._pop()
        self._need(1)
        made = self.stack[-1]
        if isinstance(made, Made):
            made.state = state
        elif isinstance(made, _Global):
            self.computed.append(f"a change of {made.module}.{made.name} itself")

    def _need(self, count: int) -> None:
        if len(self.stack) < count:
            raise _Broken("it takes more from its stack than there is")


def _plain(args: Any) -> bool:
    """Return whether an object is made again by one of Python's own types."""
    base = args[1] if isinstance(args, tuple) and len(args) == 3 else None
    return isinstance(base, _Global) and (base.module, base.name) in PLAIN_BASES


def _left(bounds: Bounds, steps: int) -> Bounds:
    return Bounds(max(bounds.steps - steps, 0), bounds.held, bounds.marks)


_M = _Machine
_DO: dict[str, Callable[[_Machine, Any, Any], None]] = {
    "MARK": _M.mark, "PROTO": _M.proto, "FRAME": _M.nothing, "STOP": _M.stop, "POP": _M.pop, "DUP": _M.dup, "NONE": _M.none,
    "PUT": _M.put, "BINPUT": _M.put, "LONG_BINPUT": _M.put, "MEMOIZE": _M.put, "GET": _M.get, "BINGET": _M.get, "LONG_BINGET": _M.get,
    "EMPTY_TUPLE": _M.tuples, "TUPLE": _M.tuples, "TUPLE1": _M.tuples, "TUPLE2": _M.tuples, "TUPLE3": _M.tuples,
    "EMPTY_DICT": _M.dicts, "DICT": _M.dicts, "SETITEM": _M.set_items, "SETITEMS": _M.set_items,
    "GLOBAL": _M.global_, "INST": _M.global_, "STACK_GLOBAL": _M.stack_global,
    "EXT1": _M.extension, "EXT2": _M.extension, "EXT4": _M.extension, "PERSID": _M.persist, "BINPERSID": _M.persist,
    "REDUCE": _M.reduce, "NEWOBJ": _M.reduce, "NEWOBJ_EX": _M.reduce, "OBJ": _M.reduce, "BUILD": _M.build,
    "NEXT_BUFFER": _M.buffer, "READONLY_BUFFER": _M.nothing,
}  # fmt: skip
