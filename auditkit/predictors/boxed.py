"""BoxedPredictor: a model from a file, opened and asked in a process of its own."""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import weakref
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from auditkit.errors import InputError, ModelError, NotApplicable
from auditkit.predictors.base import Predictor
from auditkit.sandbox.holding import in_words
from auditkit.sandbox.limits import Limits
from auditkit.sandbox.process import Child, Ended, Said
from auditkit.scanning.artifacts.walker import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.predictors.recipe import Recipe
    from auditkit.sandbox.process import Answer

__all__ = ["BoxedPredictor", "from_bytes"]

_SERVE = "auditkit.loading.hosting:Host"
_IMPORTS = (
    "auditkit.loading.hosting",
    "auditkit.loading.opening",
    "auditkit.predictors",
    "pandas",
    "sklearn.linear_model",
)
_IMPORTS_OF: dict[str, tuple[str, ...]] = {
    "skops": ("auditkit._skops",), "joblib": ("joblib.numpy_pickle",), "ONNX": ("onnxruntime",), "LightGBM text": ("lightgbm",),
    "XGBoost JSON": ("xgboost",), "XGBoost UBJSON": ("xgboost",),
}  # fmt: skip
_STAYS = (
    "it is asked in a process of its own, where its inside stays. If you made the file yourself and trust it, pin it, and it is "
    "opened in this process: model.sha256 = '...' with what `sha256sum` says where you made it"
)


class Box:
    """The process of one file; started at the first question, and again after it ended, as often as its limits say."""

    def __init__(
        self, first: tuple[Any, ...], limits: Limits, trusted: Sequence[str], libraries: Sequence[str]
    ) -> None:
        self.first, self.limits, self.trusted = first, limits, tuple(trusted)
        self.imports = (*_IMPORTS, *_IMPORTS_OF.get(str(first[1]), ()), *libraries)
        self.child: Child | None = None
        self.owner, self.lock, self.endings, self.last = os.getpid(), threading.RLock(), 0, ""
        self.unwanted: list[str] = []
        self.opened: Answer | None = None
        self.held: dict[str, Any] = {}
        self.ready: dict[tuple[str, str], Answer] = {}

    def ask(
        self,
        question: tuple[Any, ...] | None,
        *,
        before: Sequence[tuple[Any, ...]] = (),
        seconds: float | None = None,
        child: Child | None = None,
    ) -> Answer:
        """Ask the model.

        `before` holds what its process must have been told once; `child`, where given, must still be the process that is asked.
        The answer to the last of `before` is returned where there is no question.
        """
        if self.owner != os.getpid():  # a fork: the process belongs to the one it was forked from
            self.child, self.owner, self.lock, self.endings = None, os.getpid(), threading.RLock(), 0
        with self.lock:
            live = self._live()
            if child is not None and child is not live:
                raise ModelError(
                    f"the process that held this model, which was trained again, is gone: {self.last or 'it was ended'}"
                )
            for one in before:
                if one[:2] not in self.ready:
                    self.ready[one[:2]] = self._once(live, one, self.limits.start_seconds)
            if self.unwanted:
                gone, self.unwanted = self.unwanted, []
                self._once(live, ("drop", gone), None)
            return self.ready[before[-1][:2]] if question is None else self._once(live, question, seconds)

    def open(self) -> Answer:
        """Return what the process said when it opened the file."""
        with self.lock:
            self._live()
            return self.opened  # type: ignore[return-value]

    def _live(self) -> Child:
        if self.child is not None and self.child.alive:
            return self.child
        if self.endings >= self.limits.endings:
            raise ModelError(
                f"the model is not asked again after {self.endings} ends of its process; the last: {self.last}"
            )
        self.ready, self.child = {}, None
        try:
            child = Child(_SERVE, self.limits, imports=self.imports, trusted=self.trusted)
        except Ended as why:
            self._ended(why)
        try:
            self.opened = self._once(child, self.first, self.limits.start_seconds)
        except BaseException:
            child.close()
            raise
        self.child, self.held = child, child.held
        return child

    def _once(self, child: Child, question: tuple[Any, ...], seconds: float | None) -> Answer:
        try:
            return child.ask(question, seconds)
        except Ended as why:
            self._ended(why)
        except Said as why:
            _raise(why)

    def _ended(self, why: Ended) -> NoReturn:
        self.endings += 1
        self.last = f"[model-{why.reason}] {why}"
        raise ModelError(f"the model did not answer: {self.last}") from None


_BOXES: weakref.WeakValueDictionary[bytes, Box] = weakref.WeakValueDictionary()
_RECENT: deque[Box] = deque(
    maxlen=4
)  # a box that is unpickled for every job of a pool finds its process again
_BOXES_LOCK = threading.Lock()


@dataclass(eq=False)
class BoxedPredictor(Predictor):
    """A model from a file, in a process of its own.

    Parameters
    ----------
    source : bytes
        The file.
    format : str
        "skops", "pickle", "joblib", "ONNX", "LightGBM text", "XGBoost JSON" or "XGBoost UBJSON".
    trust : {"listed", "data"}
        How far it was trusted.
    trusted : tuple of str
        Types that a skops file may use beyond the list.
    limits : Limits
        What its process may take.
    names : list of str or None
        The columns it was trained with.
    library : str
        The package of the part that meets the columns.
    regressor : bool
        Whether it is one.
    libraries : tuple of str
        Packages it needs.
    """

    source: bytes = field(repr=False)
    format: str
    trust: str = "listed"
    trusted: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    names: list[str] | None = field(default=None, repr=False)
    library: str = ""
    regressor: bool = False
    libraries: tuple[str, ...] = field(default=(), repr=False)
    asked: tuple[str, str | None, np.ndarray | None] = field(default=("pandas", None, None), repr=False)
    classes: np.ndarray | None = None
    kind: str = ""
    digest: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    _facts: dict[str, Any] = field(default_factory=dict, repr=False)
    _rows: pd.DataFrame | None = field(default=None, repr=False)
    _box: Box | None = field(default=None, repr=False)
    _child: Child | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.key = self.key or hashlib.sha256(pickle.dumps(self.asked)).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        if self._child is not None:
            raise pickle.PicklingError("a model that was trained again in a process of its own stays there")
        return {**self.__dict__, "_box": None}

    @property
    def _estimator_type(self) -> str | None:
        return "regressor" if self.regressor else None

    @property
    def box(self) -> Box:
        """The process, shared by all that is made of the same file in one process."""
        if self._box is None:
            self._box = _box(self)
        return self._box

    @property
    def facts(self) -> dict[str, Any]:
        """What the model's process says of it."""
        if not self._facts:
            self._learn(self.box.ask(None, before=self._before()))
        return self._facts

    @property
    def has_proba(self) -> bool:
        """Whether the model gives probabilities."""
        return bool(self.facts.get("has_proba"))

    @property
    def gives_proba(self) -> bool | None:
        """Whether the model gives probabilities, as far as is known."""
        return self.facts.get("gives_proba")

    @property
    def can_refit(self) -> bool:
        """Whether the recipe can be trained again; that happens in the model's process."""
        return self._child is None and bool(self.facts.get("can_refit"))

    def completed(self, native: str, task: str | None, labels: np.ndarray | None) -> BoxedPredictor:
        """Return the predictor for a task and the labels of the data, as a live model would be adapted."""
        fresh = replace(self, asked=(native, task, labels), key="", classes=None, _facts={})
        fresh._learn(fresh.box.ask(None, before=fresh._before()))  # noqa: SLF001 - of its own kind
        return fresh

    def meet(self, X: pd.DataFrame) -> None:
        """Let the model see the rows under audit."""
        self._rows = (
            X.head(1000) if self.format == "ONNX" else None
        )  # by which it tells whether scores are probabilities
        self._learn(self.box.ask(("meet", self.key, X), before=self._before()[:1]))

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        return self._array("predict", X)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        return self._array("proba", X)

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the same recipe trained on other rows; it is trained, and stays, in the process of this one.

        Raises
        ------
        NotApplicable
            If the model cannot be trained again.
        ModelError
            If training fails, or its process ends.
        """
        if self._child is not None:
            raise NotApplicable(f"this model ({self.kind}) cannot be trained again: {_STAYS}")
        question = ("refit", self.key, X, np.asarray(y), int(seed))
        answer = self.box.ask(question, before=self._before(), seconds=self.limits.training_seconds)
        fresh = replace(self, key=str(answer.facts["key"]), _child=self.box.child, _box=self.box)
        fresh._learn(answer)  # noqa: SLF001 - of its own kind
        weakref.finalize(fresh, self.box.unwanted.append, fresh.key)
        return fresh

    def recipe(self, seed: int) -> Recipe:  # noqa: ARG002 - the contract
        """Refuse: the untrained parts stay in the model's process."""
        raise NotApplicable(f"this model ({self.kind}) cannot be trained again in parts: {_STAYS}")

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:  # noqa: ARG002 - the contract
        """Refuse: slopes stay in the model's process."""
        raise NotApplicable(f"this model ({self.kind}) gives no gradients: {_STAYS}")

    def apart(self) -> str:
        """Return in words what the process of the model is held to, and to what it is not."""
        if not self.box.held:
            self.box.open()
        return in_words(self.box.held)

    def description(self) -> str:
        """Return the configuration in words, as the model's process says it."""
        return str(self.facts.get("description", self.kind))

    def _before(self) -> list[tuple[Any, ...]]:
        """Return what the process must be told before this predictor is asked."""
        if self._child is not None:
            return []
        told: list[tuple[Any, ...]] = [("adapt", self.key, *self.asked)]
        return told if self._rows is None else [*told, ("meet", self.key, self._rows)]

    def _array(self, name: str, X: pd.DataFrame) -> np.ndarray:
        answer = self.box.ask((name, self.key, X), before=self._before(), child=self._child)
        if len(answer.arrays) != 1:
            raise ModelError(
                f"the model ({self.kind}) gave {len(answer.arrays)} arrays where one was asked for"
            )
        return answer.arrays[0]

    def _learn(self, answer: Answer) -> None:
        self._facts = answer.facts
        self.kind = str(answer.facts.get("kind", self.kind))[:200]
        self.classes = answer.arrays[0] if answer.arrays else None


def from_bytes(
    data: bytes,
    kind: str,
    *,
    trust: str,
    trusted: Sequence[str] = (),
    limits: Limits | None = None,
    libraries: Sequence[str] = (),
) -> BoxedPredictor:
    """Return the predictor of a model file that the gate let through; its process starts now.

    Parameters
    ----------
    data : bytes
        The file.
    kind : str
        As `auditkit.scanning.artifacts.scan_artifact` tells it.
    trust : {"listed", "data"}
        How far it was trusted.
    trusted : sequence of str
        Types that a skops file may use beyond the list.
    limits : Limits, optional
        What its process may take.
    libraries : sequence of str
        Packages it will need; imported once for all models of this process.

    Raises
    ------
    InputError
        If it cannot be opened, or its process crashes, hangs or runs out of memory over it; the message says which.
    """
    made = BoxedPredictor(
        data,
        kind,
        trust,
        tuple(trusted),
        limits or Limits(),
        libraries=tuple(libraries),
        digest=hashlib.sha256(data).hexdigest(),
    )
    try:
        answer = made.box.open()
    except ModelError as error:
        raise InputError(f"refused: the file cannot be opened: {error}") from None
    if strange := answer.facts.get("untrusted"):
        raise InputError(
            f"refused: [skops-type] the file asks for {shown([str(one) for one in strange], 12)}"
        )
    if not answer.facts.get("askable"):
        what = str(answer.facts.get("type"))[:100]
        raise InputError(f"refused: [no-model] the file holds {what}, which is no model that can be asked")
    names = answer.facts.get("names")
    made.names = [str(one) for one in names] if isinstance(names, list) else None
    made.library, made.regressor = (
        str(answer.facts.get("library", ""))[:100],
        bool(answer.facts.get("regressor")),
    )
    made.kind = str(answer.facts.get("type", ""))[:200]
    made.classes = answer.arrays[0] if answer.arrays else None
    return made


def _box(made: BoxedPredictor) -> Box:
    key = hashlib.sha256(
        pickle.dumps((made.digest, made.trusted, made.limits, made.format, os.getpid()))
    ).digest()
    with _BOXES_LOCK:
        found = _BOXES.get(key)
        if found is None:
            found = _BOXES[key] = Box(
                ("open", made.format, made.source, made.trusted), made.limits, made.trusted, made.libraries
            )
        _RECENT.append(found)
    return found


def _raise(why: Said) -> NoReturn:
    """Raise what the model's process said, as the model in this process would have raised it."""
    for kind in (InputError, NotApplicable, ModelError):
        if why.kind == kind.__name__:
            raise kind(why.message) from None
    raise ModelError(f"{why.kind}: {why.message}" if why.message else why.kind) from None
