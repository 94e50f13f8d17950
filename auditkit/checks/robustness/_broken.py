"""Broken: rows with one fault each, put to the model together; what it refuses is told apart from what it gets wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import progress
from auditkit.checks._sweeps import decoded
from auditkit.methods import corruption
from auditkit.predictors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from auditkit.frames import Codec
    from auditkit.methods.corruption import Fault
    from auditkit.methods.feature_space import FeatureSpace
    from auditkit.subject import Subject

__all__ = ["Case", "answers_to", "image_cases", "image_shape", "table_cases"]

_BATCH = 100_000  # rows put together for one call
_ENOUGH = 2000  # rows that show whether columns are pixels


@dataclass(frozen=True, slots=True)
class Case:
    """Test rows with one fault.

    Attributes
    ----------
    kind : str
        What happened: "× 1000", "swapped", "blur".
    words : str
        And where: "income × 1000".
    frame : callable
        Gives the rows, made when they are needed; None where the fault changes no row.
    """

    kind: str
    words: str
    frame: Callable[[], pd.DataFrame | None]


def table_cases(
    rows: pd.DataFrame,
    codec: Codec,
    space: FeatureSpace,
    columns: np.ndarray,
    rng: np.random.Generator,
) -> list[Case]:
    """Return the faults of a table: those of numbers and of codes, swapped columns, typos and exchanged words."""
    X = codec.encode(rows)
    at = columns.tolist()
    faults = [*corruption.column_faults(space, at)]
    faults += [corruption.swap_fault(space, i, j) for i, j in corruption.alike_pairs(X, space, at)]
    seeds = rng.integers(2**63, size=len(faults))

    def of(fault: Fault, seed: int) -> Callable[[], pd.DataFrame | None]:
        def frame() -> pd.DataFrame | None:
            broken = fault.broken(X, np.random.default_rng(seed))
            return decoded(codec, broken) if space.changed(X, broken).any() else None

        return frame

    found = [
        Case(fault.kind, fault.words, of(fault, int(seed))) for fault, seed in zip(faults, seeds, strict=True)
    ]
    return [*found, *_word_cases(decoded(codec, X), codec, space, at)]


def _word_cases(start: pd.DataFrame, codec: Codec, space: FeatureSpace, columns: list[int]) -> list[Case]:
    words = [
        j for j in columns if codec.categories[j] and all(isinstance(v, str) for v in codec.categories[j])
    ]
    said = {
        "case": "in another case",
        "space": "with a space behind",
        "letter": "with its last letter changed",
    }
    found = [
        Case(
            f"typo: {kind}",
            f"{space.names[j]} {said[kind]}",
            lambda j=j, kind=kind: _mistyped(start, j, kind, codec.categories[j]),  # type: ignore[misc]
        )
        for j in words
        for kind in corruption.TYPOS
    ]
    for at, i in enumerate(words):
        for j in words[at + 1 :]:
            if set(codec.categories[i]) == set(codec.categories[j]):
                text = f"{space.names[i]} and {space.names[j]} swapped"
                found.append(Case("swapped", text, lambda i=i, j=j: _exchanged(start, i, j)))  # type: ignore[misc]
    return found


def _mistyped(start: pd.DataFrame, j: int, kind: Any, known: Sequence[str]) -> pd.DataFrame | None:
    import pandas as pd

    name, column = start.columns[j], start.iloc[:, j]
    wrong = {word: corruption.typo(word, kind, known) for word in known}
    if all(word == other for word, other in wrong.items()):
        return None
    values = column.astype(object).map(lambda v: wrong.get(v, v))
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = pd.CategoricalDtype([*dict.fromkeys([*known, *wrong.values()])], dtype.ordered)
    return start.assign(**{name: values.astype(dtype)})


def _exchanged(start: pd.DataFrame, i: int, j: int) -> pd.DataFrame | None:
    first, second = start.columns[i], start.columns[j]
    if start[first].astype(object).equals(start[second].astype(object)):
        return None
    return start.assign(
        **{
            first: start[second].astype(object).astype(start[first].dtype),
            second: start[first].astype(object).astype(start[second].dtype),
        }
    )


def image_shape(subject: Subject, codec: Codec, inputs: str) -> tuple[int, ...] | None:
    """Return the shape of the picture a row holds, or None where rows hold none."""
    d = subject.test.X.shape[1]
    told = getattr(getattr(subject.model, "inner", None), "shape", None)
    if inputs == "table" or "categorical" in codec.kinds:
        return None
    if isinstance(told, tuple) and len(told) in (2, 3) and int(np.prod(told)) == d and min(told[-2:]) > 1:
        return tuple(int(v) for v in told)
    side = round(d**0.5)
    if inputs == "image":
        return (side, side) if side**2 == d else None
    side = corruption.looks_like_images(codec.encode(subject.test.X.iloc[:_ENOUGH]))
    return (side, side) if side else None


def image_cases(
    rows: pd.DataFrame, codec: Codec, space: FeatureSpace, shape: tuple[int, ...], rng: np.random.Generator
) -> list[Case]:
    """Return the corruptions of pictures, each at five severities."""
    pictures = codec.encode(rows).reshape(len(rows), *shape)
    low, high = float(space.low.min()), float(space.high.max())

    def of(name: str, severity: int, seed: int) -> Callable[[], pd.DataFrame | None]:
        def frame() -> pd.DataFrame | None:
            spoilt = corruption.corrupt_images(
                pictures, name, severity, np.random.default_rng(seed), low=low, high=high
            )
            return decoded(codec, spoilt.reshape(len(rows), -1))

        return frame

    found = []
    for name in corruption.IMAGE_CORRUPTIONS:
        seed = int(rng.integers(2**63))  # one draw at all severities
        found += [Case(name, f"{name}, severity {s}", of(name, s, seed)) for s in range(1, 6)]
    return found


def answers_to(subject: Subject, cases: Sequence[Case], n: int) -> list[np.ndarray | str | None]:
    """Return what the model says of each case: answers (n,), why it refused, or None where no row was changed.

    Cases whose columns have the same types are asked together; where the model refuses them together, each is asked alone.
    """
    import pandas as pd

    found: list[np.ndarray | str | None] = [None] * len(cases)
    waiting: list[tuple[int, pd.DataFrame]] = []

    def ask() -> None:
        kinds: dict[tuple[Any, ...], list[tuple[int, pd.DataFrame]]] = {}
        for i, frame in waiting:
            kinds.setdefault(tuple(frame.dtypes), []).append((i, frame))
        for group in kinds.values():
            together = _asked(subject, pd.concat([frame for _, frame in group], ignore_index=True))
            for place, (i, frame) in enumerate(group):
                if isinstance(together, str):
                    found[i] = together if len(group) == 1 else _asked(subject, frame)
                else:
                    found[i] = together[place * n : (place + 1) * n]
        waiting.clear()

    for i, case in enumerate(cases):
        frame = case.frame()
        if frame is not None:
            waiting.append((i, frame))
        if waiting and (i == len(cases) - 1 or (len(waiting) + 1) * n > _BATCH):
            ask()
            progress.step((i + 1) / len(cases), case.words)
    return found


def _asked(subject: Subject, frame: pd.DataFrame) -> np.ndarray | str:
    try:
        answer: np.ndarray = subject.model.predict(frame)
    except ModelError as error:
        return str(error).splitlines()[0]
    return answer
