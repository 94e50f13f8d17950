"""Quality: the explanation under test, made once for every check that questions it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import shared
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._explainers import Explanation, explain
from auditkit.checks.explainability._shown import behind
from auditkit.errors import ModelError, NotApplicable, in_words

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.predictors import Counted
    from auditkit.subject import Subject

__all__ = [
    "Rows",
    "Shown",
    "centred",
    "flat",
    "given_label",
    "leading",
    "needs_refits",
    "of_label",
    "refitted",
    "shown",
    "sizes",
]

_FEWEST = 3
_TOP = 3  # inputs that count as leading

Rows = Annotated[
    int,
    Ge(10),
    Doc("Rows whose explanation is questioned, at most; drawn at random where there are more."),
]


@dataclass(frozen=True, eq=False)
class Shown:
    """An explanation and all that it was made of.

    Attributes
    ----------
    X, background : DataFrame
        Rows explained, and comparison rows.
    chosen : ndarray of int
        Which test rows they are.
    source : DataFrame
        The rows that the comparison rows are drawn from.
    found : Explanation
        What the explainer said.
    seed : int
        Of the shared piece of work.
    permutations : int
        Orders drawn for each row, where the model has to be asked.
    """

    X: pd.DataFrame
    background: pd.DataFrame
    chosen: np.ndarray
    source: pd.DataFrame
    found: Explanation
    seed: int
    permutations: int

    def again(
        self, subject: Subject, *, background: pd.DataFrame | None = None, draw: int = 0
    ) -> Explanation:
        """Explain the same rows again: of another model, against other comparison rows, or with another draw."""
        others = self.background if background is None else background
        rng = np.random.default_rng((self.seed, 1, draw))
        return explain(subject, self.X, others, rng, permutations=self.permutations)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Say which explainer was questioned, and what was left out."""
        which = f"Explainer: {self.found.method}. {self.found.why}."
        return (which, *_weights.ignored(subject.test))


def shown(
    subject: Subject, *, rows: int, background: int, permutations: int, rng: np.random.Generator
) -> Shown:
    """Return the explanation under test: the same rows and numbers for every check of an audit that asks alike.

    The cost is counted at each check that uses it, whoever came first.

    Raises
    ------
    NotApplicable
        If there is no model to ask, or there are fewer than two inputs or three rows.
    """
    common.needs_model(subject)
    if subject.test.X.shape[1] < 2:
        raise NotApplicable("with a single input there is no order of inputs to question")
    if len(subject.test) < _FEWEST:
        raise NotApplicable(
            f"{len(subject.test)} rows are too few to question an explanation: give at least {_FEWEST} test rows"
        )
    seed = shared.seed_of("explanation", rng)

    def make() -> tuple[Shown, dict[str, int]]:
        own = subject.counted()
        rows_rng = np.random.default_rng((seed, 0))
        chosen = common.draw(len(own.test), rows, rows_rng)
        others, source = behind(own, background, rows_rng)
        X = own.test.X.iloc[chosen].reset_index(drop=True)
        found = explain(own, X, others, np.random.default_rng((seed, 1, 0)), permutations=permutations)
        return Shown(X, others, chosen, source, found, seed, permutations), own.model.cost()

    key = ("explanation", rows, background, permutations, seed)
    found, cost = shared.once(subject.memory, key, make)
    subject.model.also(cost)
    return found


def needs_refits(subject: Subject) -> None:
    """Raise `NotApplicable` where the model cannot be trained again."""
    subject.split("train")
    if not subject.model.can_refit:
        raise NotApplicable(
            f"this check trains the model again, and this model ({subject.model.kind}) cannot be trained again: "
            "give a scikit-learn estimator, or a predictor with refit(X, y, seed)"
        )


def refitted(subject: Subject, X: Any, y: np.ndarray, seed: int) -> Subject:
    """Return the same subject with its model trained on other rows or labels; what that asks counts at `subject`.

    Raises
    ------
    NotApplicable
        If the model cannot be trained on them.
    """
    try:
        model: Counted = subject.model.refit(X, y, seed)
    except ModelError as failed:
        raise NotApplicable(f"the model could not be trained again: {in_words(failed)}") from failed
    fresh = copy.copy(subject)
    for name, value in {"model": model, "memory": {}, "_cache": {}}.items():
        object.__setattr__(fresh, name, value)
    return fresh


def centred(values: np.ndarray) -> np.ndarray:
    """Return attributions with what all classes share taken off, as only differences between classes decide."""
    return values if values.ndim == 2 else values - values.mean(axis=2, keepdims=True)


def flat(values: np.ndarray) -> np.ndarray:
    """Return attributions as one line a row, several classes side by side: shape (n, d) or (n, d * k)."""
    return centred(values).reshape(len(values), -1)


def sizes(values: np.ndarray) -> np.ndarray:
    """Return the size of each input's part, several classes averaged, shape (n, d)."""
    found = np.abs(values)
    return np.asarray(found.mean(axis=2)) if found.ndim == 3 else found


def leading(base: Shown) -> tuple[int, str]:
    """Return how many inputs count as leading, and the words that say so."""
    of = base.X.shape[1]
    top = min(_TOP, of // 2)
    chance = common.number(top / of)
    return top, f"Leading inputs: the first {top} of {of}; by chance a share of {chance} would lead in both."


def given_label(answers: np.ndarray) -> np.ndarray | None:
    """Return the column of the label the model gives each row, where it answers several outputs; else None."""
    return answers.argmax(axis=1) if answers.ndim == 2 else None


def of_label(values: np.ndarray, label: np.ndarray | None) -> np.ndarray:
    """Return the attributions of the output that `given_label` names, shape (n, d)."""
    values = centred(values)
    if values.ndim == 2:
        return values
    if label is None:
        return np.asarray(values.mean(axis=2))
    return np.asarray(values[np.arange(len(values)), :, label])
