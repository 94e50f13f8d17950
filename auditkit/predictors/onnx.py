"""OnnxPredictor: a model in the open exchange format, run by onnxruntime on the processor."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, NotApplicable, did_you_mean, needs
from auditkit.predictors.base import ModelError, Predictor, most_probable
from auditkit.predictors.sklearn import plain
from auditkit.reading import LARGEST_MODEL, read_bounded
from auditkit.scanning.artifacts.onnx_wire import read_wire

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OnnxPredictor", "from_onnx"]

_NUMBERS = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
    "tensor(int16)": np.int16, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_,
}  # fmt: skip
_STRING = "tensor(string)"
_LABELS = ("tensor(int64)", "tensor(int32)", "tensor(bool)", _STRING)


@dataclass(eq=False)
class OnnxPredictor(Predictor):
    """An ONNX model.

    Parameters
    ----------
    source : bytes or onnxruntime.InferenceSession
        The file's bytes; only these travel to another process.
    classes : ndarray of shape (k,) or None
        The labels, in the order of the probability columns; None for regression.
    sure : bool
        Whether the caller named the classes; else the first answer is held against the model's own labels.
    """

    source: Any
    classes: np.ndarray | None = None
    sure: bool = False
    kind: str = field(init=False, default="ONNX model")
    trust: str = field(init=False, default="data")
    digest: str = field(init=False, default="", repr=False)
    _session: Any = field(init=False, default=None, repr=False)
    _sample: pd.DataFrame | None = field(init=False, default=None, repr=False)
    _scores_are_proba: bool | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.source, bytes):
            self.digest = hashlib.sha256(self.source).hexdigest()
        else:
            self.trust = "live object"
            self._session = self.source

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if isinstance(self.source, bytes):
            state["_session"] = None
        return state

    @property
    def session(self) -> Any:
        """The running model; started at the first question."""
        if self._session is None:
            self._session = _start(self.source)
        return self._session

    def meet(self, X: pd.DataFrame) -> None:
        """Remember rows by which to find out whether the scores are probabilities."""
        self._sample = X

    @property
    def has_proba(self) -> bool:
        """Whether the model gives probabilities; raw scores are none."""
        if self.classes is None or self._scores_at() is None:
            return False
        if self._scores_are_proba is None and self._sample is not None:
            self._scores(self._sample.head(1000))
        return self._scores_are_proba is not False

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        at = self._labels_at()
        if self.classes is not None and at is None:
            return most_probable(self.predict_proba(X), self.classes)
        out = np.asarray(self._run(X)[0 if at is None else at])
        out = plain(out[:, 0] if out.ndim == 2 and out.shape[1] == 1 else out)
        return out.astype(float) if self.classes is None else out

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k).

        Raises
        ------
        NotApplicable
            If the model gives none, or scores that are no probabilities.
        """
        if self.classes is None or self._scores_at() is None:
            return super().predict_proba(X)
        scores = self._scores(X)
        if self._scores_are_proba is False:
            raise NotApplicable(
                f"this model ({self.kind}) gives scores that are no probabilities, and labels"
            )
        return scores

    def description(self) -> str:
        """Return inputs and outputs in words."""
        ins = ", ".join(f"{i.name}: {i.type}" for i in self.session.get_inputs())
        return f"ONNX model ({ins}) -> {', '.join(o.name for o in self.session.get_outputs())}"

    def _labels_at(self) -> int | None:
        outputs = self.session.get_outputs()
        return next((j for j, out in enumerate(outputs) if out.type in _LABELS), None)

    def _scores_at(self) -> int | None:
        outputs = self.session.get_outputs()
        return next(
            (j for j, out in enumerate(outputs) if out.type.startswith("seq(map(") or "float" in out.type),
            None,
        )

    def _scores(self, X: pd.DataFrame) -> np.ndarray:
        outputs = self._run(X)
        at, said_at = self._scores_at(), self._labels_at()
        if self.classes is None or at is None:
            raise NotApplicable(f"this model ({self.kind}) gives no probabilities")
        scores = _as_matrix(outputs[at], self.classes)
        valid = _are_proba(scores)
        if len(scores) and self._scores_are_proba is None:
            self._scores_are_proba = valid
        if valid and not self.sure and said_at is not None:
            said = plain(outputs[said_at])
            if np.mean(self.classes[scores.argmax(axis=1)] == said) < 0.5:
                raise InputError(
                    f"the ONNX model does not say the order of its classes, and {self.classes.tolist()} is not it: "
                    "pass model=from_onnx(path, classes=[...])"
                )
            self.sure = True
        return scores

    def _run(self, X: pd.DataFrame) -> list[Any]:
        out: list[Any] = self.session.run(None, _feed(self.session.get_inputs(), X))
        return out


def from_onnx(
    source: Any, *, classes: Any = None, task: str | None = None, labels: Any = None
) -> OnnxPredictor:
    """Return the predictor of an ONNX model.

    Parameters
    ----------
    source : path, bytes or onnxruntime.InferenceSession
        The model; one tensor of all features as input, or one input a column.
    classes : sequence of k labels, optional
        In the order of the probability columns. Left out: as the model's classifier lists them, else the sorted labels
        of the data.
    task : {"binary", "multiclass", "regression"}, optional
        What it is audited for.
    labels : array, optional
        The labels in the data.

    Raises
    ------
    InputError
        If onnxruntime is not installed, it is no ONNX model, or it keeps tensors in other files.
    """
    known = None if classes is None else plain(list(classes))
    if isinstance(source, (str, Path)):
        source = _read(Path(source))
    if isinstance(source, bytes):
        own = _checked(source)
        if known is None and own and (labels is None or set(plain(labels).tolist()) <= set(own)):
            known = plain(list(own))
    if known is None and labels is not None and task is not None:
        known = np.sort(plain(labels))
    predictor = OnnxPredictor(source, None if task == "regression" else known, sure=classes is not None)
    _ = predictor.session  # a file that the runtime refuses is refused now
    return predictor


def _read(path: Path) -> bytes:
    return read_bounded(path, LARGEST_MODEL, "ONNX model")


def _checked(data: bytes) -> tuple[int | str, ...]:
    """Refuse what is no self-contained ONNX model; return the classes its only classifier lists."""
    try:
        wire = read_wire(data)
    except ValueError as error:
        raise InputError(f"refused: not an ONNX model ({error})") from None
    if wire.graphs != 1:
        raise InputError(f"refused: not an ONNX model (it holds {wire.graphs} graphs)")
    if wire.external:
        raise InputError(
            "refused: the ONNX model keeps tensors in other files (external data); save it as one file: "
            "onnx.save(model, path, save_as_external_data=False)"
        )
    different = set(wire.classes)
    return wire.classes[0] if len(different) == 1 else ()


def _start(data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise needs("onnxruntime", "onnx", "an ONNX model") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the runtime raises types of its own
        raise InputError(f"refused: onnxruntime cannot load the model: {str(error)[:300]}") from None


def _feed(inputs: list[Any], X: pd.DataFrame) -> dict[str, np.ndarray]:
    if len(inputs) == 1 and not (len(X.columns) == 1 and inputs[0].name == str(X.columns[0])):
        return {inputs[0].name: _block(inputs[0], X)}
    columns = {str(c): c for c in X.columns}
    safe = {"".join(ch if ch.isalnum() else "_" for ch in name): column for name, column in columns.items()}
    feed = {}
    for one in inputs:
        column = columns.get(one.name, safe.get(one.name))
        if column is None:
            raise InputError(
                f"the ONNX model has an input {one.name!r} and the data no such column.{did_you_mean(one.name, columns)}"
            )
        values = _cast(X[column], one.type)
        feed[one.name] = values if len(one.shape) == 1 else values.reshape(-1, 1)
    return feed


def _block(one: Any, X: pd.DataFrame) -> np.ndarray:
    width = one.shape[1] if len(one.shape) == 2 else None
    if isinstance(width, int) and width != X.shape[1]:
        raise InputError(
            f"the ONNX model takes {width} features in one tensor and the data have {X.shape[1]}: "
            f"{', '.join(map(str, X.columns[:10]))}; list the others under exclude"
        )
    return np.column_stack([_cast(X[c], one.type) for c in X.columns])


def _cast(column: pd.Series[Any], kind: str) -> np.ndarray:
    """Return a column as the type an input wants, shape (n,)."""
    import pandas as pd

    missing = int(column.isna().sum())
    if missing and kind not in ("tensor(float)", "tensor(double)"):
        raise ModelError(
            f"column {column.name!r} misses {missing} values and the ONNX input takes none ({kind})"
        )
    if kind == _STRING:
        return column.astype(object).map(str).to_numpy(dtype=object)
    if kind not in _NUMBERS:
        raise InputError(
            f"the ONNX model wants {kind} for column {column.name!r}; auditkit gives numbers and strings"
        )
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise InputError(
            f"the ONNX model wants numbers ({kind}) for column {column.name!r}, which holds {column.dtype}"
        )
    return column.to_numpy(dtype=float, na_value=np.nan).astype(_NUMBERS[kind])


def _are_proba(scores: np.ndarray) -> bool:
    return (
        len(scores) > 0
        and float(scores.min()) >= -1e-6
        and bool(np.allclose(scores.sum(axis=1), 1, atol=1e-3))
    )


def _as_matrix(scores: Any, classes: np.ndarray) -> np.ndarray:
    """Return scores as shape (n, k), in the order of the classes."""
    if isinstance(scores, list) and scores and isinstance(scores[0], dict):
        known = classes.tolist()
        strange = [key for key in scores[0] if key not in known]
        if strange:
            raise InputError(
                f"the ONNX model has a class {strange[0]!r} that the data do not know: {known[:10]}"
            )
        return np.array([[row.get(label, 0.0) for label in known] for row in scores], dtype=float)
    matrix = np.asarray(scores, dtype=float)
    if matrix.ndim == 1 or matrix.shape[1] == 1:
        column = matrix.reshape(-1)
        return np.column_stack([1 - column, column])
    return matrix
