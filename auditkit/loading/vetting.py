"""Vetting: the settings of an opened model, walked part by part before it is asked, for those that would have it open files."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["reaches_out"]

_PLAIN = (
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    bool,
    type(None),
    np.generic,
    range,
    slice,
    types.FunctionType,
    np.ufunc,
)
_TABLES = (dict, types.MappingProxyType)
_ROWS = (list, tuple, set, frozenset)
_CALLED = (
    "func", "inverse_func", "preprocessor", "tokenizer", "analyzer", "score_func", "pooling_func", "metric", "kernel", "strategy", "scoring",
    "importance_getter", "is_data_valid", "affinity",
)  # fmt: skip
_FILES_OF_LIGHTGBM = frozenset({
    "config", "data", "input_model", "machines", "model_in", "model_input", "nodes", "num_machines", "output_model", "output_result",
    "test", "test_data", "train", "train_data", "valid", "valid_data",
})  # fmt: skip


def reaches_out(model: Any) -> list[str]:
    """Return in words which settings of a model, and of every part of it, would have it open files; empty if none.

    Looked at are the reading of text (`input` of the text vectorisers), caches (`memory`), functions that are classes of models or arrays,
    and parameters of LightGBM that name files or machines. Nothing of the model is called.

    Parameters
    ----------
    model : object
        An opened model.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> reaches_out([CountVectorizer(), CountVectorizer(input="filename")])
    ["a CountVectorizer reads files (input='filename'); text is given as input='content'"]
    """
    return list(dict.fromkeys(words for part in _parts(model) for words in _told(part)))


def _parts(model: Any) -> Iterator[Any]:
    """Give every object that a model holds, each once, without recursion."""
    left, seen, kept = [model], set(), []
    while left:
        one = left.pop()
        if (isinstance(one, _PLAIN) and not isinstance(one, np.void)) or id(one) in seen:
            continue
        seen.add(id(one))
        kept.append(one)  # so that no number is given to another object
        yield one
        left.extend(_held_by(one))


def _held_by(one: Any) -> Iterable[Any]:
    if isinstance(one, type):
        return ()
    held: list[Any] = []
    if isinstance(one, (np.ndarray, np.void)):
        held += np.asarray(one).ravel().tolist() if one.dtype.hasobject else []
    elif isinstance(one, _TABLES):
        held += [*one.keys(), *one.values(), getattr(one, "default_factory", None)]
    elif isinstance(one, _ROWS):
        held += one
    held += _own(one).values()
    return held


def _own(one: Any) -> dict[str, Any]:
    """Return the attributes of an object itself, without asking its class."""
    try:
        found = object.__getattribute__(one, "__dict__")
    except AttributeError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def _told(part: Any) -> Iterator[str]:
    own, kind = _own(part), type(part)
    name = kind.__name__
    if isinstance(part, type) and (issubclass(part, np.memmap) or part.__name__ == "Booster"):
        yield f"it holds the class {part.__name__}, which opens files where it is called"
    if kind.__module__ == "sklearn.feature_extraction.text" and hasattr(kind, "decode"):
        said = own.get("input")
        if type(said) is not str or said != "content":
            yield f"a {name} reads files (input={said!r:.40}); text is given as input='content'"
    if kind.__module__.startswith("sklearn.") and own.get("memory") is not None:
        yield f"a {name} keeps and opens files (memory={type(own['memory']).__name__}); set memory=None"
    for called in _CALLED if kind.__module__.startswith("sklearn.") else ():
        if isinstance(own.get(called), type):
            yield f"a {name} calls the class {own[called].__name__} ({called})"
    if kind.__module__.startswith("lightgbm."):
        yield from _of_lightgbm(name, own)
    if isinstance(part, dict):
        yield from _of_settings(part)


def _of_settings(table: dict[Any, Any]) -> Iterator[str]:
    """Tell of settings that a search would try: {"words__input": ["content", "filename"]}."""
    for key, value in table.items():
        for setting, fine in (("input", "content"), ("memory", None)):
            if isinstance(key, str) and key.endswith(f"__{setting}"):
                tried = value if isinstance(value, (list, tuple)) else [value]
                if any(type(one) is not type(fine) or one != fine for one in tried):
                    yield f"it sets {key!r:.60}, by which a part would open files"


def _of_lightgbm(name: str, own: dict[str, Any]) -> Iterator[str]:
    tables = [own, *(own[key] for key in ("params", "_other_params") if isinstance(own.get(key), dict))]
    for key in (str(key) for table in tables for key, value in table.items() if value not in _UNSAID):
        if "file" in key or key in _FILES_OF_LIGHTGBM:
            yield f"a {name} has LightGBM open files, or other machines ({key!r:.40})"


class _Unsaid:
    """What stands for no value, compared without asking the other side."""

    def __contains__(self, value: object) -> bool:
        return value is None or (
            type(value) in (str, int, list, tuple, dict) and value in ("", 0, 1, [], (), {})
        )


_UNSAID = _Unsaid()
