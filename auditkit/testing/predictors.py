"""Predictors: what a predictor owes: answers by row, the same twice, and a sentence for what it cannot do."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import frames
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import Counted, Predictions, Predictor, as_predictor
from auditkit.testing.conformance import Conformance, LeftOut, held_to
from auditkit.testing.watching import random_states

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["check_predictor"]

_TOLERANCE = 1e-5  # single precision adds in another order for one row than for many
_ROWS = 20


@dataclass(frozen=True)
class _Asked:
    """A predictor with rows to ask it about."""

    model: Counted
    X: pd.DataFrame
    y: np.ndarray | None

    def some(self) -> pd.DataFrame:
        """Return a few of the rows."""
        return self.X.iloc[:_ROWS]

    def answers(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities where there are any, else labels or values; of a copy, which a rude model may change."""
        ask = self.model.predict_proba if self.model.has_proba else self.model.predict
        return np.asarray(ask(X.copy()))


def check_predictor(
    predictor: Any, X: Any, y: np.ndarray | None = None, *, raises: bool = True
) -> Conformance:
    """Hold a predictor, or a model that a plug-in makes one of, to its contract.

    Parameters
    ----------
    predictor : Predictor or model
        Whatever `as_predictor` takes.
    X : table of shape (n, d)
        Rows it takes, at least two, unlike each other.
    y : ndarray of shape (n,), optional
        Their labels or values; with them it is trained again too, where it says it can.
    raises : bool
        Whether broken rules raise.

    Returns
    -------
    Conformance
        Every rule.

    Raises
    ------
    Broken
        If a rule is broken; the message lists all of them.
    InputError
        If auditkit cannot ask the model at all, or it is a record of predictions, which answers no other rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from auditkit.predictors import from_callable
    >>> rows = pd.DataFrame({"income": [10.0, 30.0, 50.0]})
    >>> check_predictor(from_callable(lambda X: X["income"] / 100, classes=[0, 1]), rows, raises=False)
    Conformance(predictor callable <lambda>: 1 of 9 broken: travels_to_other_processes)
    """
    model = as_predictor(predictor)
    model = model if isinstance(model, Counted) else Counted(model)
    if isinstance(model.inner, Predictions):
        raise InputError(
            "recorded predictions answer no rows but their own: there is no model to hold to a contract"
        )
    table = frames.to_pandas(X)
    if len(table) < 2:
        raise InputError(f"X must have at least two rows to ask about; got {len(table)}")
    model.inner.meet(table)
    found = Conformance(f"predictor {model.kind}", held_to(RULES, _Asked(model, table, y)))
    return found.require() if raises else found


def describes_itself(asked: _Asked) -> str:
    """What it says of itself is JSON, names its kind, and is the same in every run."""
    said = asked.model.describe()
    json.dumps(said, allow_nan=False)
    if not str(said["kind"]).strip():
        return "give it a kind, in words: kind = 'boosted trees of ...'"
    if " at 0x" in json.dumps(said):
        return "its description holds an address in memory, another in every run: override description()"
    return ""


def answers_in_its_contract(asked: _Asked) -> str:
    """Labels are among its classes, probabilities have a column a class and sum to 1, values are finite."""
    if asked.model.classes is not None and len(set(asked.model.classes.tolist())) < 2:
        return f"classes must be all labels it knows, at least two; got {asked.model.classes.tolist()}"
    asked.model.predict(asked.X.copy())
    asked.answers(asked.X)
    return ""


def answers_each_row_by_itself(asked: _Asked) -> str:
    """A row gets the same answer alone, among others and in another order."""
    some = asked.some()
    whole = asked.answers(some)
    alone = np.concatenate([asked.answers(some.iloc[i : i + 1]) for i in range(len(some))])
    turned = asked.answers(some.iloc[::-1])[::-1]
    for what, other in (("alone", alone), ("in another order", turned)):
        if not _alike(whole, other):
            at = next(i for i in range(len(whole)) if not _alike(whole[i : i + 1], other[i : i + 1]))
            return f"row {at} is answered {whole[at]} among {len(whole)} rows, and {other[at]} {what}: answer by the row, by position and not by index"
    return ""


def answers_the_same_twice(asked: _Asked) -> str:
    """The same rows get the same answers, to the bit."""
    if not np.array_equal(asked.answers(asked.X), asked.answers(asked.X)):
        return "it answers the same rows otherwise the second time: fix its seed, or turn training mode (dropout) off"
    return ""


def leaves_its_rows_alone(asked: _Asked) -> str:
    """It changes none of the rows it is given."""
    given = asked.X.copy()
    inner = asked.model.inner  # `Counted` hands on a slice, which newer pandas copies when it is written to
    inner.predict(given)
    if inner.has_proba:
        inner.predict_proba(given)
    if frames.digest(given) != frames.digest(asked.X):
        return "it changed the rows it was given: work on a copy"
    return ""


def draws_from_no_global_state(asked: _Asked) -> str:
    """Asking it moves no global random state."""
    before = random_states()
    asked.answers(asked.X)
    moved = [name for name, state in random_states().items() if before.get(name, state) != state]
    return f"asking it changed {', '.join(moved)}: use a generator of its own" if moved else ""


def says_what_it_cannot_do(asked: _Asked) -> str:
    """What it cannot do raises NotApplicable with a sentence, and it says so beforehand."""
    inner = asked.model.inner
    tries: dict[str, tuple[bool, Callable[[], Any]]] = {
        "predict_proba": (not inner.has_proba, lambda: inner.predict_proba(asked.some())),
        "refit": (not inner.can_refit, lambda: inner.refit(asked.some(), np.zeros(len(asked.some())), 0)),
        "loss_gradient": (
            type(inner).loss_gradient is Predictor.loss_gradient,
            lambda: inner.loss_gradient(asked.some(), np.zeros(len(asked.some()))),
        ),
    }
    for name, (cannot, ask) in tries.items():
        if not cannot:
            continue
        try:
            ask()
        except NotApplicable as refused:
            if len(str(refused).split()) > 3:
                continue
            return f"{name}: say in NotApplicable(...) what is missing; got {str(refused)!r}"
        return f"{name} answers though it says it cannot: let has_proba and can_refit say what is so"
    return ""


def trains_again(asked: _Asked) -> str:
    """Where it can be trained again: by a seed, the same twice, and the model itself stays as it was."""
    if not asked.model.inner.can_refit:
        raise LeftOut("it cannot be trained again")
    if asked.y is None:
        raise LeftOut("give y: check_predictor(predictor, X, y)")
    before = asked.answers(asked.X)
    one, two = (Counted(asked.model.inner.refit(asked.X, asked.y, 1)) for _ in range(2))
    for fresh in (one, two):
        fresh.inner.meet(asked.X)
    first, second = (_Asked(fresh, asked.X, None).answers(asked.X) for fresh in (one, two))
    if not _alike(first, second):
        return "trained again twice on the same rows under the same seed, it answers otherwise: draw from the seed given"
    if not np.array_equal(before, asked.answers(asked.X)):
        return "training again changed the model itself: train a copy"
    return ""


def travels_to_other_processes(asked: _Asked) -> str:
    """Packed and unpacked it answers the same, so that checks can run in worker processes."""
    try:
        other = pickle.loads(pickle.dumps(asked.model))  # noqa: S301 - packed a moment ago
    except Exception as error:  # noqa: BLE001 - objects refuse in many ways
        return f"it cannot be pickled ({type(error).__name__}: {error}): define it in a module, or give __getstate__"
    same = _alike(asked.answers(asked.X), _Asked(other, asked.X, None).answers(asked.X))
    return "" if same else "unpacked in another place it answers otherwise: keep all it needs in its state"


RULES = (
    describes_itself,
    answers_in_its_contract,
    answers_each_row_by_itself,
    answers_the_same_twice,
    leaves_its_rows_alone,
    draws_from_no_global_state,
    says_what_it_cannot_do,
    trains_again,
    travels_to_other_processes,
)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE))
    return bool(np.array_equal(one, other))
