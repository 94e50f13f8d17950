"""Factory: a model that the team's own code makes, named "package.module:function"."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["call_factory"]

_SHAPE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def call_factory(name: str, *, beside: Path | None = None) -> Any:
    """Import a function and return the model it makes. This runs the code that is named.

    Parameters
    ----------
    name : str
        ``"package.module:function"``; the function takes no arguments.
    beside : path, optional
        A folder where modules are looked for last, after everything installed.

    Raises
    ------
    InputError
        If the name has another shape, or the module or function is not there, cannot be called, or fails.
    """
    if not _SHAPE.fullmatch(name):
        raise InputError(f"model.python must look like 'package.module:function', got {name!r}")
    module_name, _, function_name = name.partition(":")
    with _looking_in(beside):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            where = f" It was looked for among what is installed, and in {beside}." if beside else ""
            missing = (
                ""
                if error.name and module_name.startswith(error.name)
                else f", which {module_name!r} imports"
            )
            raise InputError(f"model.python: no module {error.name!r}{missing}.{where}") from None
        except Exception as error:
            raise InputError(
                f"model.python: {module_name!r} fails on import: {type(error).__name__}: {error}"
            ) from error
        function = getattr(module, function_name, None)
        if function is None:
            known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            raise InputError(
                f"model.python: {module_name!r} has no {function_name!r}.{did_you_mean(function_name, known)}"
            )
        return _called(function, name)


def _called(function: Any, name: str) -> Any:
    if not callable(function):
        raise InputError(
            f"model.python: {name!r} is {type(function).__name__}, not a function that makes the model"
        )
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise InputError(f"model.python: {name!r} must take no arguments ({error})") from None
    except ValueError:
        pass  # some compiled functions do not say what they take
    try:
        model = function()
    except Exception as error:
        raise InputError(f"model.python: {name!r} failed: {type(error).__name__}: {error}") from error
    if model is None:
        raise InputError(f"model.python: {name!r} returned None: return the fitted model")
    return model


@contextmanager
def _looking_in(folder: Path | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    entry = str(folder)
    sys.path.append(entry)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.reverse()  # the last such entry is ours; another may have stood before it
        sys.path.remove(entry)
        sys.path.reverse()
