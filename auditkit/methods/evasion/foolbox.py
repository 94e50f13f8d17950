"""Foolbox: its attacks on a PyTorch model, all rows at once, within what the rows may be turned into."""

from __future__ import annotations

import contextlib
import importlib.metadata
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import AuditkitError, InputError, NotApplicable, did_you_mean
from auditkit.methods.evasion._borrowed import borrowed, environment
from auditkit.methods.evasion._crowd import Crowd, SpentError
from auditkit.methods.evasion.gradients.engine import TorchEngine
from auditkit.methods.evasion.result import reference_labels
from auditkit.methods.feature_space import as_matrix

if TYPE_CHECKING:
    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.methods.evasion.result import AttackResult
    from auditkit.methods.feature_space import FeatureSpace, Norm

__all__ = ["foolbox_attack", "foolbox_attacks"]

Floats = NDArray[np.float64]
AskLabels = Callable[[Floats], NDArray[Any]]

INWARDS = 1 - 1e-9  # of the radius; keeps float rounding from putting a row outside it
_PICTURE = "it changes a picture as a whole (its grey, its blur, its place), and a table has none"
_NOT_HERE = {
    "L2ContrastReductionAttack": _PICTURE,
    "BinarySearchContrastReductionAttack": _PICTURE,
    "LinearSearchContrastReductionAttack": _PICTURE,
    "InversionAttack": _PICTURE,
    "GaussianBlurAttack": _PICTURE,
    "SpatialAttack": _PICTURE,
    "SaltAndPepperNoiseAttack": _PICTURE,
    "BinarizationRefinementAttack": "it mends what was found on a picture of two colours",
    "NewtonFoolAttack": "its steps are a share of the length of the row, and a change from the row has none to begin with",
    "DatasetAttack": "it takes rows of its own as they are, and those are not what the row may be turned into",
    "L0FMNAttack": "it calls what PyTorch does not have",
    "GenAttack": "it looks for a label that is named, and here any other will do",
}
_NORMS = {0: "l0", 1: "l1", 2: "l2", np.inf: "linf"}
_NEEDS = 'Foolbox is not installed: pip install foolbox (of the extra "foolbox")'


def foolbox_attacks(*, every: bool = False) -> list[str]:
    """Return the names of Foolbox's attacks that can be made on tables, without the short ones (``LinfPGD``), which do as well.

    Parameters
    ----------
    every : bool
        Every name that Foolbox knows: the short ones too, and those that do not fit, of which `foolbox_attack` says why.

    Raises
    ------
    NotApplicable
        If Foolbox is not installed.
    """
    with borrowed(0):
        kinds = _kinds()
    if every:
        return sorted({*kinds, *(name.removesuffix("Attack") for name in kinds)})
    return sorted({kind.__name__ for kind in kinds.values()} - set(_NOT_HERE))


def foolbox_attack(
    name: str,
    model: Differentiable,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    pool: ArrayLike,
    radius: float,
    *,
    rng: np.random.Generator,
    ask_labels: AskLabels,
    norm: Norm = "l2",
    queries: int = 500,
    options: Mapping[str, Any] | None = None,
) -> AttackResult:
    """Make one of Foolbox's attacks (Rauber et al. 2020, doi 10.21105/joss.02607) on all rows at once.

    Foolbox sees the change of each free number, in standardised units; categories stay. What it asks about is first projected into the
    set the row may be turned into; the slope there is handed back as if the projection were none. Every row it asks about
    counts: the nearest flip is kept, also where Foolbox returns another.

    Parameters
    ----------
    name : str
        One of `foolbox_attacks`, or a short name of it.
    model : Differentiable
        The model around ``X``, in torch, as a function of the columns that `free_columns` gives.
    X, y, space, pool, queries
        As in `art_attack`.
    radius : float
        Handed to attacks that stay within one (``epsilon``).
    rng : numpy.random.Generator
        Seeds the generators of the whole process, which Foolbox draws from; they are put back.
    ask_labels : callable
        Takes rows (m, d), gives labels (m,): the model as it is used. Asked about the first and the final rows.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up. An attack that stays within a radius must measure it so.
    options : mapping, optional
        The attack's own parameters, by Foolbox's names.

    Returns
    -------
    AttackResult
        ``distance`` is that of the nearest flip that Foolbox asked about.

    Raises
    ------
    NotApplicable
        If Foolbox is not installed, or the attack does not fit.
    InputError
        If there is no such attack or parameter, or Foolbox fails.
    """
    X, pool = as_matrix(X, "X", len(space.names)), as_matrix(pool, "pool", len(space.names))
    labels = reference_labels(y, len(X)).astype(int)
    if queries < 2 or not radius > 0:
        raise InputError(f"expected queries >= 2 and radius > 0, got {queries} and {radius}")
    if not isinstance(model.engine, TorchEngine):
        raise NotApplicable("Foolbox attacks PyTorch models, and this one is none")
    with borrowed(int(rng.integers(2**31))), model.running():
        kind = _attack_of(name, options or {}, norm)
        crowd = Crowd(model, space, norm, X, labels, queries, ask_labels, name)
        with contextlib.suppress(SpentError):
            _run(kind, crowd, pool, radius, dict(options or {}))
    return crowd.result()


def _run(kind: Any, crowd: Crowd, pool: Floats, radius: float, options: dict[str, Any]) -> None:
    """Let Foolbox attack the rows until it is done or their queries are spent."""
    import torch

    if not len(crowd.rows) or not crowd.width:
        return
    if starts := "starting_points" in inspect.signature(kind.run).parameters:
        begin = crowd.starts(pool)
        if not len(crowd.rows):
            return
    foolbox, settings = _foolbox(), _settings(kind, crowd.norm) | options
    low, high = crowd.ends()
    try:
        attack = kind(**settings)
        model = foolbox.PyTorchModel(_module(crowd), bounds=(low, high), device="cpu")
        more: dict[str, Any] = {"starting_points": torch.tensor(begin)} if starts else {}
        if "epsilon" in inspect.signature(kind.run).parameters:
            more["epsilon"] = radius * INWARDS
        made = attack.run(
            model,
            torch.zeros(len(crowd.rows), crowd.width, dtype=torch.float64),
            foolbox.Misclassification(torch.tensor(crowd.y[crowd.rows])),
            **more,
        )
    except (SpentError, AuditkitError):
        raise
    except Exception as error:
        raise InputError(
            f"Foolbox's {kind.__name__} failed: {type(error).__name__}: {str(error)[:200]}"
        ) from error
    crowd.scores(made.detach().numpy())


def _module(crowd: Crowd) -> Any:
    """Return the model under audit as a module of the changes, whose slopes are the model's own."""
    import torch

    class Asked(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, change: Any) -> Any:
            ctx.save_for_backward(change)
            return torch.tensor(crowd.scores(change.detach().numpy()), dtype=change.dtype)

        @staticmethod
        def backward(ctx: Any, *weights: Any) -> Any:
            (change,) = ctx.saved_tensors
            slope = crowd.slopes(change.detach().numpy(), weights[0].detach().double().numpy())
            return torch.tensor(slope, dtype=change.dtype)

    class Around(torch.nn.Module):  # type: ignore[misc]
        def forward(self, change: Any) -> Any:
            return Asked.apply(change)

    return Around().eval()


def _settings(kind: Any, norm: Norm) -> dict[str, Any]:
    """Return the parameters that follow from the norm, where the attack takes them."""
    known = inspect.signature(kind.__init__).parameters
    ours: dict[str, Any] = {}
    if "distance" in known:
        ours["distance"] = getattr(_foolbox().distances, norm)
    if "constraint" in known:
        ours["constraint"] = "linf" if norm == "linf" else "l2"
    if "init_attack" in known:
        ours["init_attack"] = None
    return ours


def _attack_of(name: str, options: Mapping[str, Any], norm: Norm) -> Any:
    """Return Foolbox's class of a name, and see that it fits and its parameters are known."""
    kinds = _kinds()
    kind = kinds.get(name) or kinds.get(f"{name}Attack")
    fit = [one for one in kinds if kinds[one].__name__ not in _NOT_HERE]
    if kind is None:
        raise InputError(
            f"Foolbox has no attack named {name!r}.{did_you_mean(name, fit)} All: {', '.join(fit)}."
        )
    if why := _NOT_HERE.get(kind.__name__):
        raise NotApplicable(f"{name} of Foolbox does not fit: {why}")
    own = _norm_of(kind)
    if "epsilon" in inspect.signature(kind.run).parameters and own and own != norm:
        alike = [one for one in fit if _norm_of(kinds[one]) == norm]
        raise NotApplicable(
            f"{name} stays within a radius in {own}, and the threat model has {norm}: pass norm={own!r}, or one of {', '.join(alike)}"
        )
    known = {
        word: one
        for word, one in inspect.signature(kind.__init__).parameters.items()
        if word != "self" and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    }
    for word in options:
        if word not in known:
            raise InputError(f"{name} of Foolbox has no parameter {word!r}.{did_you_mean(word, known)}")
    for word, one in known.items():
        if one.default is one.empty and word not in options:
            raise InputError(f"{name} of Foolbox has no default for {word}: pass options={{{word!r}: ...}}")
    return kind


def _norm_of(kind: Any) -> str:
    """Return the norm in which an attack measures its changes; empty where it takes any."""
    measure = getattr(kind, "distance", None)
    if isinstance(measure, property) and measure.fget is not None:
        try:
            measure = measure.fget(None)  # some have it from the object, and look at none of it
        except AttributeError:
            measure = None
    return _NORMS.get(getattr(measure, "p", -1.0), "")


def _kinds() -> dict[str, Any]:
    """Return Foolbox's attacks by name, the short ones too."""
    attacks = _foolbox().attacks
    found = {name: getattr(attacks, name) for name in sorted(dir(attacks))}
    return {
        name: one
        for name, one in found.items()
        if isinstance(one, type) and issubclass(one, attacks.Attack) and not inspect.isabstract(one)
    }


def _foolbox() -> Any:
    try:
        importlib.metadata.version("foolbox")
        # it loads a package that wants git, and refuses to be imported where none is
        with environment(GIT_PYTHON_REFRESH="quiet"):
            import foolbox
    except ImportError as error:
        raise NotApplicable(_NEEDS) from error
    return foolbox
