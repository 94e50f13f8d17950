"""Unpickling: readers of pickle and joblib files that look up listed names alone, and make of them what models are made of."""

from __future__ import annotations

import _compat_pickle
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.scanning.artifacts.allowed import is_listed
from auditkit.scanning.artifacts.calls import NEVER_CALLED, NEVER_FED, PLAIN_BASES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["array_reader", "plain_reader"]

_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_OF_OBJECTS = (
    0x1F  # those flags of numpy's types by which it counts references and takes objects for pointers
)


def plain_reader(stream: Any) -> Any:
    """Return a reader of a pickle; it is pickle's own, in Python, so that each call can be looked at."""
    return _Plain(stream)


def array_reader(stream: Any) -> Any:
    """Return joblib's own reader, held to the same."""
    from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

    class Wrapper(NumpyArrayWrapper):  # type: ignore[misc]
        """Reads what stands inside an array of objects by the same rules."""

        def read_array(self, unpickler: Any, ensure_native_byte_order: bool) -> Any:  # noqa: FBT001 - of joblib
            if self.dtype.hasobject:
                return _Plain(unpickler.file_handle).load()
            return super().read_array(unpickler, ensure_native_byte_order)

    class Arrays(_Held, NumpyUnpickler):  # type: ignore[misc]
        dispatch = _looked_at(NumpyUnpickler.dispatch)

        def find_class(self, module: str, name: str) -> Any:
            return Wrapper if (module, name) == _WRAPPER else super().find_class(module, name)

    return Arrays("", stream, ensure_native_byte_order=True)


class _Held:
    """What holds a reader to the list, and to calls that models need."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a listed global."""
        module, name = _compat_pickle.NAME_MAPPING.get(
            (module, name), (module, name)
        )  # as protocols before 3 write them
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        if not is_listed(module, name):
            raise pickle.UnpicklingError(f"refused: the file asks for {module}.{name}")
        if (module, name) == ("_codecs", "encode"):
            return _latin1  # bytes as Python 2 wrote them; the real one imports a codec by name
        return super().find_class(module, name)  # type: ignore[misc]

    def persistent_load(self, pid: Any) -> Any:
        """Refuse: no model file that is listed asks for objects by ids."""
        raise pickle.UnpicklingError(f"refused: it asks for an object by an id ({type(pid).__name__})")

    def _instantiate(self, called: Any, args: Sequence[Any]) -> None:
        _look_at_call(called, args)
        super()._instantiate(called, args)  # type: ignore[misc]


def _looked_at(dispatch: dict[int, Any]) -> dict[int, Any]:
    """Return a reader's table of instructions in which calls and states are looked at first."""
    table = dict(dispatch)

    def before(op: bytes, look: Callable[[list[Any]], None]) -> None:
        plain = table[op[0]]

        def looked(reader: Any) -> None:
            look(reader.stack)
            plain(reader)

        table[op[0]] = looked

    before(pickle.REDUCE, lambda stack: _look_at_call(stack[-2], stack[-1]))
    before(pickle.NEWOBJ, lambda stack: _look_at_call(stack[-2], stack[-1]))
    before(pickle.NEWOBJ_EX, lambda stack: _look_at_call(stack[-3], (*stack[-2], *stack[-1])))
    build = table[pickle.BUILD[0]]

    def built(reader: Any) -> None:
        made, state = reader.stack[-2:]
        numpys = isinstance(made, np.dtype)
        if numpys and isinstance(
            state, tuple
        ):  # a table of fields that the file still holds could be changed later
            reader.stack[-1] = tuple(dict(one) if isinstance(one, dict) else one for one in state)
        build(reader)
        if numpys and not _sound(made):
            raise pickle.UnpicklingError("refused: a type of numpy that is not what it says")

    table[pickle.BUILD[0]] = built
    return table


class _Plain(_Held, pickle._Unpickler):  # noqa: SLF001 - joblib builds on it too
    dispatch = _looked_at(pickle._Unpickler.dispatch)  # noqa: SLF001


def _look_at_call(called: Any, args: Sequence[Any]) -> None:
    """Refuse a call that no model needs, and that would reach memory or files; the scan told it already."""
    name = (getattr(called, "__module__", ""), getattr(called, "__qualname__", ""))
    if (
        name in NEVER_CALLED
        or (name in NEVER_FED and len(args))
        or (name == ("copyreg", "_reconstructor") and not (len(args) == 3 and _plain_base(args[1])))
    ):
        raise pickle.UnpicklingError(f"refused: the file calls {name[0]}.{name[1]} as no model does")


def _plain_base(base: Any) -> bool:
    return isinstance(base, type) and (base.__module__, base.__qualname__) in PLAIN_BASES


def _sound(dtype: np.dtype[Any], depth: int = 0) -> bool:
    """Return whether a type of numpy is laid out, and flagged, as numpy itself would make it."""
    if depth > 8:
        return False
    try:
        if dtype.subdtype is not None:
            base, shape = dtype.subdtype
            inner, own = [base], np.dtype((base, shape))
        elif dtype.names is not None:
            fields = [dtype.fields[name] for name in dtype.names]  # type: ignore[index]
            inner = [field[0] for field in fields]
            own = np.dtype({"names": list(dtype.names), "formats": inner, "offsets": [field[1] for field in fields], "itemsize": dtype.itemsize})  # fmt: skip
        else:
            inner, own = [], np.dtype("O" if dtype.kind == "O" else dtype.str)
        same = (own.itemsize, own.flags & _OF_OBJECTS) == (dtype.itemsize, dtype.flags & _OF_OBJECTS)
        return same and all(_sound(one, depth + 1) for one in inner)
    except Exception:  # noqa: BLE001 - what numpy cannot make again is not sound
        return False


def _latin1(text: str, codec: str = "latin1") -> bytes:
    if codec not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"refused: the file asks for a codec {codec!r}")
    return text.encode("latin1")
