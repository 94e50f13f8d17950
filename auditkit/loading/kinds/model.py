"""Model: a subject described in TOML, with its model and data beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.dataset import Dataset
from auditkit.errors import InputError, did_you_mean
from auditkit.loading.factory import call_factory
from auditkit.loading.models import load_model
from auditkit.loading.schema import read_model
from auditkit.loading.tables import find_file, read_table
from auditkit.predictors import from_predictions
from auditkit.predictors._columns import learnt_as
from auditkit.predictors.boxed import BoxedPredictor
from auditkit.predictors.sklearn import learnt_names, library_of, plain
from auditkit.sandbox.limits import Limits
from auditkit.subject import Subject, lost_values

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from auditkit.loading.schema import DataPart, LimitsPart, PredictionsPart, SubjectFile

__all__ = ["files", "load", "modules", "read", "runs_code"]

_NAMED = 8  # values named in a refusal


@dataclass(frozen=True)
class _Split:
    """A split as read: the rows kept, and which rows of the file they are."""

    key: str
    X: pd.DataFrame
    y: np.ndarray
    sensitive: pd.DataFrame | None
    kept: np.ndarray
    control: pd.DataFrame | None = None
    weight: np.ndarray | None = None
    bands: dict[str, Any] | None = None
    excluded: tuple[Any, ...] = ()

    def dataset(self, columns: list[Any] | None, like: Dataset | None = None) -> Dataset:
        """Return the data; its bands begin where those of another split do."""
        X = self.X if columns is None else self.X[columns]
        try:
            return Dataset(
                X if X.shape[1] else None,
                self.y,
                self.sensitive,
                control_features=self.control,
                sample_weight=self.weight,
                bands={**(self.bands or {}), **(like.bands if like else {})},
            )
        except InputError as error:
            raise InputError(f"{self.key}: {error}") from error


def read(content: dict[str, Any], file: Path) -> SubjectFile:
    """Return what stands in the file of a model with its rows."""
    return read_model(content, file)


def files(said: SubjectFile, folder: Path) -> dict[str, Path]:
    """Return the files it names, by key; of a factory in a module beside it, that module."""
    model, recorded, train = said.model, said.model.predictions, said.data.train
    named = {
        "model.path": model.path,
        "model.predictions": None if recorded is None else recorded.path,
        "model.predictions.train_path": None if recorded is None else recorded.train_path,
        "data.test.path": said.data.test.path,
        "data.train.path": None if train is None else train.path,
    }
    found = {key: folder / name for key, name in named.items() if name}
    if model.python is not None:
        beside = folder.joinpath(*model.python.partition(":")[0].split(".")).with_suffix(".py")
        found |= {"model.python": beside} if beside.is_file() else {}
    return found


def runs_code(said: SubjectFile) -> bool:
    """Say whether it names a factory, or a file that its owner pinned."""
    return said.model.python is not None or said.model.sha256 is not None


def modules(said: SubjectFile) -> tuple[str, ...]:
    """Return the module of its factory."""
    return () if said.model.python is None else (said.model.python.partition(":")[0],)


def load(said: SubjectFile, folder: Path, stem: str) -> Subject:
    """Return the subject."""
    test = _split(said.data.test, None, folder, "data.test")
    train = None if said.data.train is None else _split(said.data.train, said.data.test, folder, "data.train")
    labels = plain(test.y if train is None else np.concatenate([test.y, train.y]))
    wanted = said.data.test.positive if said.positive is None else said.positive
    if said.model.predictions is not None:
        positive = _positive(wanted, labels)
        model = _predictions(said.model.predictions, said.task, positive, labels, test, train, folder)
        trust, digest = "data", ""
    elif said.model.python is not None:
        model = call_factory(said.model.python, beside=folder.resolve())
        trust, digest = "factory", ""
    else:
        loaded = load_model(
            folder / str(said.model.path),
            sha256=said.model.sha256,
            trusted=said.model.trusted,
            limits=_limits(said.model.limits),
        )
        model, trust, digest = loaded.model, loaded.trust, loaded.digest
    columns = _columns(model, test)
    own = getattr(model, "classes_", getattr(model, "classes", None))
    held_out = test.dataset(columns)
    trained = None if train is None else train.dataset(columns, held_out)
    if lost := lost_values(held_out, trained):
        raise InputError(f"data.test: {lost}")
    subject = Subject(
        said.name or stem,
        model,
        held_out,
        trained,
        task=said.task,
        positive=_positive(wanted, labels if own is None else plain(own)),
        threat=None if said.threat is None else said.threat.model_dump(exclude_none=True),
    )
    for predictor in (subject.model, subject.model.inner):
        predictor.trust = trust
        predictor.digest = digest or predictor.digest
    return subject


def _limits(said: LimitsPart | None) -> Limits:
    """Return what the model's process may take."""
    usual = Limits()
    if said is None:
        return usual
    return replace(
        usual,
        seconds=said.seconds or usual.seconds,
        training_seconds=said.training_seconds or usual.training_seconds,
        require=tuple(said.require),
        memory=usual.memory if said.memory_gib is None else int(said.memory_gib * 2**30),
    )


def _split(part: DataPart, other: DataPart | None, folder: Path, key: str) -> _Split:
    """Read the rows of a split; what it leaves out it takes from the other."""
    target, sensitive, exclude, control, weight, bands = (
        own if (own := getattr(part, name)) is not None or other is None else getattr(other, name)
        for name in ("target", "sensitive", "exclude", "control", "weight", "bands")
    )
    file = find_file(folder / part.path, f"{key}.path")
    frame = read_table(file)
    kept = np.ones(len(frame), dtype=bool)
    for name, values in (part.where or {}).items():
        _known(frame, name, f"{key}.where")
        kept &= np.isin(
            frame[name].astype(object).map(_word).to_numpy(dtype=object).astype(str),
            [_word(v) for v in values],
        )
    if not kept.any():
        raise InputError(
            f"{key}.where keeps none of the {len(frame)} rows of {file.name}{_values(frame, part.where)}"
        )
    frame = frame[kept].reset_index(drop=True)
    _known(frame, target, f"{key}.target")
    groups = [_known(frame, name, f"{key}.sensitive") for name in sensitive or []]
    strata = [_known(frame, name, f"{key}.control") for name in control or []]
    weights = None if weight is None else frame[_known(frame, weight, f"{key}.weight")].to_numpy()
    left_out = {_known(frame, name, f"{key}.exclude") for name in exclude or []} | {
        target,
        *(part.where or {}),
        *([] if weight is None else [weight]),
    }
    if target in groups:
        raise InputError(f"{key}.sensitive names the target {target!r}")
    X = frame[[name for name in frame.columns if name not in left_out]]
    y = frame[target]
    if y.isna().any():
        raise InputError(f"{key}.target: {int(y.isna().sum())} of {len(y)} labels in {target!r} are missing")
    return _Split(
        key, X, y.to_numpy(), frame[groups] if groups else None, kept,
        frame[strata] if strata else None, weights, bands, tuple(exclude or ()),
    )  # fmt: skip


def _values(frame: pd.DataFrame, where: Any) -> str:
    """Return some values of the columns by which rows were to be kept."""
    held = []
    for name in where or {}:
        words = list(dict.fromkeys(frame[name].astype(object).map(_word)))
        more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
        held.append(f"; {name!r} holds {', '.join(map(repr, words[:_NAMED]))}{more}")
    return "".join(held)


def _known(frame: pd.DataFrame, name: Any, key: str) -> Any:
    if name not in frame.columns:
        raise InputError(f"{key}: no column {name!r}.{did_you_mean(str(name), map(str, frame.columns))}")
    return name


def _word(value: Any) -> str:
    """Return a value so that 1, 1.0 and "1" are the same, and True and "true"."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (int, float, np.integer, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _positive(wanted: Any, labels: np.ndarray) -> Any:
    """Return the one label that is written as the wanted one; the wanted one itself where none or several are."""
    if wanted is None:
        return None
    known = list(dict.fromkeys(labels.tolist()))
    for same in (
        lambda label: type(label) is type(wanted) and label == wanted,
        lambda label: _word(label) == _word(wanted),
    ):
        found = [label for label in known if same(label)]
        if len(found) == 1:
            return found[0]
    booleans = {"1": True, "0": False, "true": True, "false": False}
    if all(isinstance(label, bool) for label in known) and str(_word(wanted)).lower() in booleans:
        return booleans[str(_word(wanted)).lower()]
    return wanted


def _columns(model: Any, test: _Split) -> list[Any] | None:
    """Return the model's own columns in its own order, where it knows them by name; None where it does not."""
    apart = isinstance(model, BoxedPredictor)
    names = model.names if apart else learnt_names(model) if hasattr(model, "get_params") else None
    if names is None:
        return None
    library = model.library if apart else library_of(model)
    have = list(test.X.columns)
    known = learnt_as(have, library)
    for name in names:
        if name in learnt_as(test.excluded, library) and name not in known:
            raise InputError(
                f"the model was trained with {name!r}, which {test.key}.exclude leaves out: remove it there"
            )
        if name not in known:
            raise InputError(
                f"the model was trained with a column {name!r} that {test.key} lacks.{did_you_mean(name, map(str, have))}"
            )
    own = [known[name] for name in names]
    extra = [str(name) for name in have if name not in set(own)]
    if extra:
        listed = ", ".join(f'"{name}"' for name in extra[:10])
        raise InputError(
            f"the model was not trained with {', '.join(extra[:10])}: add them to {test.key}.exclude = [{listed}]; "
            "a sensitive column stays a sensitive feature there"
        )
    return own


def _predictions(
    part: PredictionsPart,
    task: str | None,
    positive: Any,
    labels: np.ndarray,
    test: _Split,
    train: _Split | None,
    folder: Path,
) -> Any:
    said, scores, classes = _recorded(part, part.path, task, positive, labels, test, folder)
    train_said = train_scores = None
    if part.train_path is not None:
        if train is None:
            raise InputError("model.predictions.train_path is given and data.train is not")
        train_said, train_scores, _ = _recorded(part, part.train_path, task, positive, labels, train, folder)
    return from_predictions(
        labels=said, scores=scores, train_labels=train_said, train_scores=train_scores, classes=classes
    )


def _recorded(
    part: PredictionsPart,
    path: str,
    task: str | None,
    positive: Any,
    labels: np.ndarray,
    split: _Split,
    folder: Path,
) -> tuple[np.ndarray | None, np.ndarray | None, list[Any] | None]:
    """Return predicted labels, scores and classes from a predictions file."""
    key = "model.predictions"
    frame = read_table(find_file(folder / path, f"{key}.path"))
    label, score, classes = part.label, part.score, part.classes
    if label is None and score is None:
        label = "label" if "label" in frame.columns else None
        score, classes = _found_scores(frame, labels, classes)
    if label is None and score is None:
        raise InputError(
            f"{key}: {path} has no column 'label', 'score' or 'score_<class>'; name yours: predictions = "
            f"{{path = ..., label = ..., score = ...}}.{did_you_mean('score', map(str, frame.columns))}"
        )
    for one, name in (
        *([(f"{key}.label", label)] if label is not None else []),
        *((f"{key}.score", n) for n in score or []),
    ):
        _known(frame, name, one)
    if len(frame) == len(split.kept):
        frame = frame[split.kept].reset_index(drop=True)
    if len(frame) != len(split.y):
        raise InputError(
            f"{key}: {path} has {len(frame)} rows and {split.key} has {len(split.y)}: one prediction a row"
        )
    said = None if label is None else frame[label].to_numpy()
    if score is None:
        return said, None, classes
    columns = [frame[name] for name in score]
    numbers = [_numbers(column, key) for column in columns]
    if len(numbers) == 1:
        return said, numbers[0], classes or _two_classes(task, positive, labels)
    if classes is None:
        raise InputError(
            f"{key}.classes is missing; expected the {len(score)} labels in the order of score = {score}"
        )
    return said, np.column_stack(numbers), classes


def _found_scores(
    frame: pd.DataFrame, labels: np.ndarray, classes: list[Any] | None
) -> tuple[list[str] | None, list[Any] | None]:
    if "score" in frame.columns:
        return ["score"], classes
    named = [str(name) for name in frame.columns if str(name).startswith("score_")]
    if not named:
        return None, classes
    known = {_word(label): label for label in (classes or np.unique(labels).tolist())}
    words = [name.removeprefix("score_") for name in named]
    return named, [known.get(word, word) for word in words]


def _numbers(column: pd.Series[Any], key: str) -> np.ndarray:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column):
        raise InputError(f"{key}.score: column {column.name!r} must hold numbers, it holds {column.dtype}")
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan))


def _two_classes(task: str | None, positive: Any, labels: np.ndarray) -> list[Any]:
    """Return (negative, positive) for one column of scores."""
    known = np.unique(labels).tolist()
    if task == "regression" or len(known) > 2:
        what = "a regression" if task == "regression" else f"{len(known)} classes"
        raise InputError(
            f"model.predictions.score is one column of probabilities, and this is {what}; use label or one score a class"
        )
    if positive is None:
        if not set(known) <= {0, 1} and not set(known) <= {-1, 1}:
            raise InputError(f"which label do the scores speak of? Give positive = one of {known}")
        positive = 1
    others = [label for label in known if label != positive]
    if not others and positive in (0, 1, -1):
        others = [0 if positive == 1 else 1]
    if len(others) != 1:
        raise InputError(
            f"model.predictions.classes is missing; expected [negative, positive]; the labels are {known}"
        )
    return [others[0], positive]
