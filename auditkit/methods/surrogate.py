"""Surrogate: a small tree that imitates a model, how well it does so, and its rules in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.methods._arrays import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Rule", "Skill", "Surrogate", "grow", "skill"]

_MOST_CATEGORIES = 50
_LARGEST = 1e38  # trees hold numbers in single precision


class Skill(NamedTuple):
    """Share of a constant guess's loss that is taken off, with its interval; 1 is perfect, below 0 worse than the constant."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One leaf of a tree.

    Attributes
    ----------
    conditions : tuple of str
        In words; all hold together. Empty for a tree of one leaf.
    answer : float
        The mean, or the code of the class.
    share : float
        Of the rows the tree was grown on, those in the leaf.
    n : int
        How many.
    """

    conditions: tuple[str, ...]
    answer: float
    share: float
    n: int


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A small tree over numbers and single categories.

    Attributes
    ----------
    tree : estimator
        scikit-learn's.
    encoded : tuple of (int, float or None)
        For each column the tree reads, the input, and the category it marks with 1; None for a number.
    with_gaps : frozenset of int
        Inputs with missing numbers among the rows it was grown on.
    """

    tree: Any
    encoded: tuple[tuple[int, float | None], ...]
    with_gaps: frozenset[int] = frozenset()

    @property
    def leaves(self) -> int:
        """Leaves of the tree."""
        return int(self.tree.get_n_leaves())

    def predict(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return what the tree says of rows of codes, shape (n,)."""
        return np.asarray(self.tree.predict(_one_hot(table("X", X), self.encoded)))

    def rule_of(self, X: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the place, among `rules`, of the leaf that each row of codes falls into, shape (n,)."""
        order = {node: place for place, node in enumerate(self._leaves())}
        nodes = self.tree.apply(_one_hot(table("X", X), self.encoded))
        return np.array([order[int(node)] for node in nodes], dtype=np.intp)

    def _leaves(self) -> list[int]:
        """Return the leaves, most rows first; those of as many rows as the tree numbers them, which is how `rules` walks it."""
        nodes = self.tree.tree_
        ends = np.flatnonzero(nodes.children_left < 0)
        return [int(node) for node in sorted(ends, key=lambda node: -int(nodes.n_node_samples[node]))]

    def rules(
        self,
        names: Sequence[str],
        categories: Sequence[Sequence[Any]],
        number: Callable[[float], str] = "{:.4g}".format,
    ) -> list[Rule]:
        """Return the leaves, most rows first, in the words of the inputs.

        Parameters
        ----------
        names : sequence of str
            Of the inputs.
        categories : sequence of sequence
            Of each input its categories by code; empty for a number.
        number : callable
            How a cut is written.
        """
        words = _Words(self.encoded, self.with_gaps, names, categories, number)
        nodes = self.tree.tree_
        total = int(nodes.n_node_samples[0])
        found: list[Rule] = []

        def walk(node: int, path: tuple[tuple[int, bool], ...]) -> None:
            if nodes.children_left[node] < 0:
                value = nodes.value[node].ravel()
                answer = (
                    float(value[0])
                    if len(value) == 1 and not hasattr(self.tree, "classes_")
                    else float(self.tree.classes_[int(value.argmax())])
                )
                n = int(nodes.n_node_samples[node])
                found.append(Rule(words.of(nodes, path), answer, n / total, n))
                return
            walk(int(nodes.children_left[node]), (*path, (node, True)))
            walk(int(nodes.children_right[node]), (*path, (node, False)))

        walk(0, ())
        return sorted(found, key=lambda rule: -rule.n)


def grow(
    X: NDArray[np.float64],
    answers: ArrayLike,
    categorical: Sequence[bool],
    *,
    classes: bool,
    leaves: int = 8,
    smallest: int = 10,
) -> Surrogate:
    """Grow a small tree that says what the model said (Craven & Shavlik 1996).

    Categories are read one at a time ("is it this one?"), the 50 most frequent of an input; numbers by cuts, and a missing number goes to
    the side that fits better. The best leaf is split first, so that a tree of fewer leaves is the same tree cut short.

    Parameters
    ----------
    X : numpy.ndarray of float, shape (n, d)
        Rows the tree is grown on; categories as codes.
    answers : array_like of shape (n,)
        What the model says of them: values, or codes of classes.
    categorical : sequence of bool, length d
        Which columns are categories.
    classes : bool
        Whether the answers are classes.
    leaves : int
        At most; at least 2.
    smallest : int
        Rows a leaf holds at least.

    Raises
    ------
    InputError
        If the lengths differ, or a tree may not have two leaves.

    References
    ----------
    Craven & Shavlik 1996, "Extracting tree-structured representations of trained networks", NeurIPS 8; Breiman et al. 1984.

    Examples
    --------
    >>> X = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> grown = grow(X, [0, 0, 1, 1], [True], classes=True, smallest=1)
    >>> sorted(rule.conditions for rule in grown.rules(["colour"], [("red", "blue")]))
    [('colour is blue',), ('colour is red',)]
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rows, said = table("X", X).astype(np.float64), np.asarray(answers)
    if len(categorical) != rows.shape[1] or said.shape != (len(rows),) or leaves < 2 or smallest < 1:
        raise InputError(
            f"expected one answer a row, one kind a column, 2 leaves and 1 row a leaf; got {said.shape} for {rows.shape}, "
            f"{len(categorical)} kinds, {leaves} leaves and {smallest} rows"
        )
    encoded: list[tuple[int, float | None]] = []
    for j, kind in enumerate(categorical):
        if not kind:
            encoded.append((j, None))
            continue
        codes, counts = np.unique(rows[:, j][~np.isnan(rows[:, j])], return_counts=True)
        most = sorted(codes[np.argsort(-counts, kind="stable")][:_MOST_CATEGORIES].tolist())
        encoded += [(j, float(code)) for code in most]
        if np.isnan(rows[:, j]).any():
            encoded.append((j, float("nan")))
    shape = {"max_leaf_nodes": leaves, "min_samples_leaf": smallest, "random_state": 0}
    tree = DecisionTreeClassifier(**shape) if classes else DecisionTreeRegressor(**shape)
    gaps = frozenset(j for j, kind in enumerate(categorical) if not kind and np.isnan(rows[:, j]).any())
    return Surrogate(tree.fit(_one_hot(rows, tuple(encoded)), said), tuple(encoded), gaps)


def skill(loss: ArrayLike, constant: ArrayLike, *, level: float = 0.95) -> Skill:
    """Return one less the ratio of two mean losses, with the interval of the delta method over rows (Murphy 1988).

    With squared errors, and those of the mean as the constant, this is R-squared; with wrong answers, and those of the most frequent class, it is
    the share of them that is avoided.

    Parameters
    ----------
    loss, constant : array_like of shape (n,)
        Of each row, by the tree and by the constant guess.
    level : float
        Confidence level.

    Returns
    -------
    Skill
        ``nan`` where the constant is never wrong: there is nothing to imitate.

    Raises
    ------
    InputError
        If the lengths differ.

    Examples
    --------
    >>> skill([0, 0, 0, 1], [1, 1, 0, 0]).value
    0.5
    """
    own, other = np.asarray(loss, dtype=np.float64), np.asarray(constant, dtype=np.float64)
    if own.shape != other.shape or own.ndim != 1 or not len(own):
        raise InputError(f"expected two losses a row, got shapes {own.shape} and {other.shape}")
    n, whole = len(own), float(other.mean())
    if whole <= 0:
        return Skill(float("nan"), float("nan"), float("nan"))
    ratio = float(own.mean()) / whole
    if n < 2:
        return Skill(1 - ratio, float("-inf"), 1.0)
    error = float((own - ratio * other).std(ddof=1)) / np.sqrt(n) / whole
    half = float(special.stdtrit(n - 1, 0.5 + level / 2)) * error
    return Skill(1 - ratio, 1 - ratio - half, min(1 - ratio + half, 1.0))


def _one_hot(rows: NDArray[Any], encoded: tuple[tuple[int, float | None], ...]) -> NDArray[np.float64]:
    out = np.empty((len(rows), len(encoded)))
    for place, (j, code) in enumerate(encoded):
        column = rows[:, j].astype(np.float64)
        if code is None:
            out[:, place] = np.clip(column, -_LARGEST, _LARGEST)
        else:
            out[:, place] = np.isnan(column) if np.isnan(code) else column == code
    return out


@dataclass(frozen=True)
class _Words:
    """How the way to a leaf is said: conditions on one input joined."""

    encoded: tuple[tuple[int, float | None], ...]
    with_gaps: frozenset[int]
    names: Sequence[str]
    categories: Sequence[Sequence[Any]]
    number: Callable[[float], str]

    def of(self, nodes: Any, path: tuple[tuple[int, bool], ...]) -> tuple[str, ...]:
        """Return the conditions of a path of (node, whether it goes left)."""
        steps: dict[int, list[tuple[int, bool]]] = {}
        for node, left in path:
            steps.setdefault(self.encoded[int(nodes.feature[node])][0], []).append((node, left))
        return tuple(
            self._number(nodes, j, taken) if self.encoded[int(nodes.feature[taken[0][0]])][1] is None else
            self._category(nodes, j, taken)
            for j, taken in steps.items()
        )  # fmt: skip

    def _number(self, nodes: Any, j: int, taken: list[tuple[int, bool]]) -> str:
        highs = [float(nodes.threshold[node]) for node, left in taken if left]
        lows = [float(nodes.threshold[node]) for node, left in taken if not left]
        if np.inf in lows:  # a cut beyond all numbers parts those without a value from the others
            return f"{self.names[j]} is missing"
        given = np.inf in highs
        highs = [high for high in highs if high < np.inf]
        if given and not (lows or highs):
            return f"{self.names[j]} is other than missing"
        above = f" above {self.number(max(lows))}" if lows else ""
        up_to = f" up to {self.number(min(highs))}" if highs else ""
        empty = j in self.with_gaps and all(bool(nodes.missing_go_to_left[n]) == left for n, left in taken)
        return f"{self.names[j]}{above}{up_to}{' or missing' if empty else ''}"

    def _category(self, nodes: Any, j: int, taken: list[tuple[int, bool]]) -> str:
        marks = [(float(self.encoded[int(nodes.feature[node])][1] or 0.0), not left) for node, left in taken]
        is_it = [self._word(j, code) for code, yes in marks if yes]
        if is_it:
            return f"{self.names[j]} is {is_it[0]}"
        out = {self._word(j, code) for code, _ in marks}
        others = [self._word(j, float(code or 0.0)) for at, code in self.encoded if at == j]
        left = [word for word in others if word not in out]
        # rows of a category the tree was not grown on go the same way
        seen = sum(at == j and not np.isnan(code or 0.0) for at, code in self.encoded)
        if len(left) == 1 and seen == len(self.categories[j]) and len(others) < _MOST_CATEGORIES:
            return f"{self.names[j]} is {left[0]}"
        return f"{self.names[j]} is other than {' or '.join(self._word(j, code) for code, _ in marks)}"

    def _word(self, j: int, code: float) -> str:
        return "missing" if np.isnan(code) else str(self.categories[j][int(code)])
