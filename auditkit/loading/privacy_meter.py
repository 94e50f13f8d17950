"""Privacy Meter's folders: the signals it computed and the results it wrote, read and written; never as pickles."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit import statistics
from auditkit.arrays import read_array, read_arrays
from auditkit.errors import InputError
from auditkit.files import write_whole

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = [
    "MeterFolder",
    "MeterResult",
    "Target",
    "read_privacy_meter",
    "read_privacy_meter_result",
    "write_privacy_meter",
    "write_privacy_meter_result",
]

_ONE = 1.0 + 1e-6  # a softmax in single precision overshoots by its rounding
_MEMBERSHIPS = Path("models") / "memberships.npy"


@dataclass(frozen=True, eq=False)
class Target:
    """One of the models as an attacker sees it.

    Attributes
    ----------
    own : ndarray of shape (n,)
        Its probability of each record's true class.
    members : ndarray of bool, shape (n,)
        Who was in its training rows: the truth an attack is held against.
    references, masks : ndarray of shape (k, n)
        The same of the other models, less the one trained on the complementary half, and who was in whose training rows.
    population, population_references : ndarray of shape (m,), (k, m), or None
        The same for population records.
    """

    own: Floats
    members: Flags
    references: Floats
    masks: Flags
    population: Floats | None
    population_references: Floats | None


@dataclass(frozen=True, eq=False)
class MeterFolder:
    """What Privacy Meter's repository keeps of an audit.

    Attributes
    ----------
    signals : ndarray of shape (n, models)
        Each model's probability of each record's true class: ``signals/rmia_signals.npy``.
    memberships : ndarray of bool, shape (models, n)
        Who was in whose training rows: ``models/memberships.npy``. Models ``2i`` and ``2i + 1`` are a pair.
    population : ndarray of shape (m, models), or None
        As `signals`, of records no model saw: ``signals/rmia_signals_pop.npy``.
    """

    signals: Floats
    memberships: Flags
    population: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "signals", _probabilities("signals", self.signals))
        object.__setattr__(self, "memberships", _flags("memberships", self.memberships))
        n, models = self.signals.shape
        if self.memberships.shape != (models, n):
            raise InputError(
                f"signals are (records, models), {self.signals.shape}, so memberships must be (models, records), "
                f"{(models, n)}; got {self.memberships.shape}. Where fewer records were audited than trained on, give "
                "memberships= of these"
            )
        if self.population is not None:
            object.__setattr__(self, "population", _probabilities("population", self.population))
            if self.population.shape[1] != models:
                raise InputError(
                    f"signals are of {models} models, those of the population of {self.population.shape[1]}"
                )

    def target(self, index: int = 0) -> Target:
        """Return one model as the target, and the others but its pair as reference models.

        Raises
        ------
        InputError
            If there is no such model, or fewer than two others are left.
        """
        models = len(self.memberships)
        if not 0 <= index < models:
            raise InputError(f"there are {models} models, numbered from 0; got {index}")
        rest = [i for i in range(models) if i // 2 != index // 2]
        if len(rest) < 2:
            raise InputError(f"{models} models leave {len(rest)} reference models; at least 2 are needed")
        z = self.population
        return Target(
            own=self.signals[:, index],
            members=self.memberships[index],
            references=self.signals[:, rest].T,
            masks=self.memberships[rest],
            population=None if z is None else z[:, index],
            population_references=None if z is None else z[:, rest].T,
        )


@dataclass(frozen=True, eq=False)
class MeterResult:
    """What Privacy Meter wrote of one attack: ``report/exp/attack_result_0.npz``.

    Attributes
    ----------
    scores : ndarray of shape (n,)
        Of each record; meant to be higher for members. Those of its LOSS attack are lower: it negates a probability.
    members : ndarray of bool, shape (n,)
        Who is a member.
    auc, one_tenth_fpr, zero_fpr : float
        The area it reports, and the true positive rates at 0.1% and at no false positives, without intervals.
    """

    scores: Floats
    members: Flags
    auc: float
    one_tenth_fpr: float
    zero_fpr: float


def read_privacy_meter(
    folder: str | os.PathLike[str],
    *,
    algorithm: Literal["rmia", "loss"] = "rmia",
    memberships: ArrayLike | None = None,
) -> MeterFolder:
    """Read the signals that Privacy Meter's repository computed, from its ``log_dir``.

    Parameters
    ----------
    folder : path-like
        With ``signals/rmia_signals.npy``, ``models/memberships.npy`` and, where there is a population,
        ``signals/rmia_signals_pop.npy``.
    algorithm : {"rmia", "loss"}
        What the run was called, which the names of the files begin with.
    memberships : array_like of bool, shape (models, n), optional
        In place of the file, where fewer records were audited than trained on.

    Returns
    -------
    MeterFolder

    Raises
    ------
    InputError
        If a file is missing, damaged, holds objects, or the shapes do not fit.
    """
    if algorithm not in ("rmia", "loss"):
        raise InputError(f"algorithm= is 'rmia' or 'loss', got {algorithm!r}")
    root = Path(folder)
    own, others = (root / "signals" / f"{algorithm}_signals{end}.npy" for end in ("", "_pop"))
    seen = read_array(root / _MEMBERSHIPS) if memberships is None else np.asarray(memberships)
    return MeterFolder(read_array(own), seen, read_array(others) if others.exists() else None)


def write_privacy_meter(
    folder: str | os.PathLike[str], content: MeterFolder, *, algorithm: Literal["rmia", "loss"] = "rmia"
) -> list[Path]:
    """Write signals where Privacy Meter's repository looks for those it computed before.

    Parameters
    ----------
    folder : path-like
        Its ``log_dir``; made where it is missing.
    content : MeterFolder
        What to write.
    algorithm : {"rmia", "loss"}
        What its run will be called.

    Returns
    -------
    list of pathlib.Path
        The files written, each whole.
    """
    if algorithm not in ("rmia", "loss"):
        raise InputError(f"algorithm= is 'rmia' or 'loss', got {algorithm!r}")
    root = Path(folder)
    parts: dict[Path, NDArray[np.generic]] = {
        root / "signals" / f"{algorithm}_signals.npy": content.signals,
        root / _MEMBERSHIPS: content.memberships,
    }
    if content.population is not None:
        parts[root / "signals" / f"{algorithm}_signals_pop.npy"] = content.population
    written = []
    for path, values in parts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        held = io.BytesIO()
        np.save(held, values, allow_pickle=False)
        written.append(write_whole(path, held.getvalue()))
    return written


def read_privacy_meter_result(path: str | os.PathLike[str]) -> MeterResult:
    """Read one ``attack_result_*.npz`` of Privacy Meter's ``report/`` folder.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    MeterResult

    Raises
    ------
    InputError
        If it is damaged, holds objects, lacks a part, or the parts do not fit.
    """
    name, held = Path(path).name, read_arrays(path)
    wanted = ("scores", "memberships", "auc", "one_tenth_fpr", "zero_fpr")
    if missing := [word for word in wanted if word not in held]:
        raise InputError(f"{name} is no attack result of Privacy Meter: it lacks {', '.join(missing)}")
    scores, members = (
        _floats("scores", held["scores"]).ravel(),
        _flags("memberships", held["memberships"]).ravel(),
    )
    if scores.shape != members.shape:
        raise InputError(f"{name}: {scores.size} scores and {members.size} memberships")
    figures = {word: _floats(word, held[word]) for word in wanted[2:]}
    if odd := [word for word, value in figures.items() if value.size != 1 or not 0 <= value.ravel()[0] <= 1]:
        raise InputError(f"{name}: {', '.join(odd)} must be one number from 0 to 1")
    return MeterResult(scores, members, **{word: float(value.ravel()[0]) for word, value in figures.items()})


def write_privacy_meter_result(path: str | os.PathLike[str], scores: ArrayLike, members: ArrayLike) -> Path:
    """Write scores of an attack as one ``attack_result_*.npz`` of Privacy Meter's form.

    Parameters
    ----------
    path : path-like
        The file; its folder is made where it is missing.
    scores : array_like of shape (n,)
        Higher for members.
    members : array_like of bool, shape (n,)
        Who is a member.

    Returns
    -------
    pathlib.Path
        The file.
    """
    own, truth = _floats("scores", scores), _flags("members", members)
    curve = statistics.roc_curve(own, truth)
    fpr, tpr = np.asarray(curve.fpr), np.asarray(curve.tpr)
    held = io.BytesIO()
    np.savez(
        held,
        fpr=fpr,
        tpr=tpr,
        auc=float(statistics.auc(own, truth).value),
        one_tenth_fpr=tpr[fpr <= 0.001].max(),
        zero_fpr=tpr[fpr <= 0.0].max(),
        scores=own,
        memberships=truth,
    )
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(target, held.getvalue())


def _floats(name: str, values: ArrayLike) -> Floats:
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise InputError(f"{name} must be numbers, got {found.dtype}")
    plain = found.astype(np.float64)
    if not np.isfinite(plain).all():
        raise InputError(f"{name} holds {int((~np.isfinite(plain)).sum())} values that are not finite")
    return plain


def _probabilities(name: str, values: ArrayLike) -> Floats:
    found = _floats(name, values)
    if found.ndim != 2 or 0 in found.shape:
        raise InputError(f"{name} must be (records, models), got shape {found.shape}")
    if found.min() < 0 or found.max() > _ONE:
        raise InputError(
            f"{name} must be probabilities of the true class, from 0 to 1; they reach from {found.min():.3g} to {found.max():.3g}"
        )
    return np.minimum(found, 1.0)


def _flags(name: str, values: ArrayLike) -> Flags:
    found = np.asarray(values)
    if found.dtype.kind not in "biuf" or not np.isin(found, (0, 1)).all():
        raise InputError(f"{name} must be true or false, or 0 and 1; got {found.dtype}")
    return found.astype(np.bool_)
