"""Tree Shapley: the exact Shapley values of a sum of trees, for many rows at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.attributions.tree_boxes import Scale, boxes_of
from auditkit.methods.attributions.tree_bundles import Bundle, bundles_of
from auditkit.methods.attributions.tree_tables import leaf_tables, product_law

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from auditkit.methods.attributions.tree_boxes import Box
    from auditkit.methods.trees import TreeModel

    Codes = NDArray[np.unsignedinteger]

__all__ = ["TreeShapley", "tables_pay", "tree_shapley"]

_DEEPEST = 18  # conditions of a leaf
_HELD = 1 << 23  # numbers of tables at a time
_ROWS = 1 << 14  # looked up at a time
_SAME = 1e-14  # of a sum: what rounding may add
_LEAF, _ENTRY, _STEP = (
    4e-4,
    3e-8,
    2e-9,
)  # seconds, measured: a leaf's table, a number in it, a step of a walk along the paths


@dataclass(frozen=True, slots=True)
class TreeShapley:
    """Shapley values of a sum of trees.

    Attributes
    ----------
    values : array (n, width, k)
        In the unit of the sum.
    base : array (k,)
        What values add to, to make the sum.
    """

    values: NDArray[np.float64]
    base: NDArray[np.float64]


def tree_shapley(model: TreeModel, X: ArrayLike, background: ArrayLike | None = None) -> TreeShapley:
    """Return the exact Shapley values of every row.

    What a leaf adds depends on a row only through which of the leaf's conditions it fulfils. All patterns are
    worked out once; a row then looks its own up. Leaves next to each other share one table.

    Parameters
    ----------
    model : TreeModel
        The trees.
    X : array (n, width)
        Rows to explain; a missing value is ``nan``.
    background : array (b, width), optional
        Rows whose values stand for "not known" (interventional values). Without them a question about a feature not
        known is followed both ways, by the shares of the training rows (path-dependent values).

    Returns
    -------
    TreeShapley
        Values and base add up to the sum of the trees.

    Raises
    ------
    InputError
        If the tables do not have the model's columns, or there is no row.
    NotApplicable
        If a leaf rests on more than 18 features, or no training row came to some node.

    References
    ----------
    Lundberg et al. 2020, "From Local Explanations to Global Understanding with Explainable AI for Trees", Nature Machine
    Intelligence; Yang 2021, "Fast TreeSHAP"; `leaf_tables` for what is done otherwise here.
    """
    rows = model.read(X)
    others = None if background is None else model.read(background)
    if not len(rows) or (others is not None and not len(others)):
        raise InputError("expected at least one row to explain, and one of the background where it is given")
    whole = _constant(model)
    if whole is not None:
        of_second = tree_shapley(_second(model), X, background)
        values, base = of_second.values, of_second.base
        return TreeShapley(np.concatenate([-values, values], axis=2), np.concatenate([whole - base, base]))
    scale = Scale.of(model.trees, model.width)
    gaps = np.isnan(rows if others is None else np.concatenate([rows, others])).any(axis=0)
    codes = scale.codes(rows)
    elsewhere = None if others is None else scale.codes(others)
    boxes = [list(boxes_of(tree, scale)) for tree in model.trees]
    if max(len(box.features) for of_tree in boxes for box in of_tree) > _DEEPEST:
        raise NotApplicable(
            f"a leaf of its trees rests on more than {_DEEPEST} features: its table would be too large"
        )
    if others is None:
        base = model.base + sum(box.value * np.prod(box.share) for of_tree in boxes for box in of_tree)
    else:
        base = model.scores(others).mean(axis=0)
    values = np.zeros((model.outputs, model.width, len(rows)))
    limit = _limit(len(rows))
    bundles = (bundle for of_tree in boxes for bundle in bundles_of(of_tree, scale, gaps, limit))
    for block in _blocks(bundles, model.outputs):
        _look_up(block, _tables(block, scale, elsewhere), codes, values)
    return TreeShapley(np.ascontiguousarray(values.transpose(2, 1, 0)), base)


def tables_pay(model: TreeModel, n: int) -> bool:
    """Return whether tables are possible, and sooner made than `n` rows walk along the paths.

    Parameters
    ----------
    model : TreeModel
        The trees.
    n : int
        Rows to explain.

    Notes
    -----
    A walk is that of Tree SHAP (Lundberg et al. 2020): its steps grow with the square of a leaf's conditions, for each row.
    """
    scale = Scale.of(model.trees, model.width)
    d = np.array([len(box.features) for tree in model.trees for box in boxes_of(tree, scale)])
    made = float((_LEAF + _ENTRY * d * 2.0**d).sum())
    return bool(d.max() <= _DEEPEST and made < n * _STEP * float(((d + 2) ** 2).sum()))


def _constant(model: TreeModel) -> float | None:
    """Return what two scores add up to on every row, as the probabilities of two classes do; None if they do not."""
    if model.outputs != 2:
        return None
    whole = float(model.base.sum())
    for tree in model.trees:
        both = tree.value[tree.leaves].sum(axis=1)
        if np.ptp(both) > _SAME * np.abs(both).max():
            return None
        whole += float(both[0])
    return whole


def _second(model: TreeModel) -> TreeModel:
    trees = tuple(replace(tree, value=tree.value[:, 1:]) for tree in model.trees)
    return replace(model, trees=trees, base=model.base[1:])


def _limit(n: int) -> int:
    """Return how many keys a bundle has at most: larger tables ask for fewer look-ups, and pay with many rows only."""
    return int(np.clip(n // 16, 16, 4096))


def _blocks(bundles: Iterable[Bundle], k: int) -> Iterator[list[Bundle]]:
    block: list[Bundle] = []
    held = 0
    for bundle in bundles:
        block.append(bundle)
        held += k * len(bundle.strata) * bundle.size + sum(
            len(box.features) << len(box.features) for box in bundle.boxes
        )
        if held >= _HELD:
            yield block
            block, held = [], 0
    if block:
        yield block


def _tables(block: list[Bundle], scale: Scale, elsewhere: Codes | None) -> list[NDArray[np.float64]]:
    """Return the table of each bundle; leaves with as many conditions are worked out together."""
    boxes = [box for bundle in block for box in bundle.boxes]
    found: list[NDArray[np.float64]] = [np.empty(0)] * len(boxes)
    sizes = np.array([len(box.features) for box in boxes])
    for d in np.unique(sizes):
        chosen = np.flatnonzero(sizes == d)
        tables = leaf_tables(_laws([boxes[at] for at in chosen], scale, elsewhere))
        for at, table in zip(chosen, tables, strict=True):
            found[at] = table
    each = iter(found)
    return [bundle.table([next(each) for _ in bundle.boxes], scale) for bundle in block]


def _laws(boxes: list[Box], scale: Scale, elsewhere: Codes | None) -> NDArray[np.float64]:
    """Return how likely each pattern of conditions is where a feature is not known, (leaves, 2 ** d)."""
    if elsewhere is None:
        return product_law(np.array([box.share for box in boxes]))
    return np.array([_seen(box, elsewhere, scale) for box in boxes])


def _seen(box: Box, codes: Codes, scale: Scale) -> NDArray[np.float64]:
    pattern = np.zeros(codes.shape[1], dtype=np.intp)
    for b, j in enumerate(box.features):
        pattern += box.fulfilled(b, codes[j], scale).astype(np.intp) << b
    return np.bincount(pattern, minlength=1 << len(box.features)) / len(pattern)


def _look_up(
    block: list[Bundle], tables: list[NDArray[np.float64]], codes: Codes, values: NDArray[np.float64]
) -> None:
    """Add to the values (k, width, n) what the tables hold for each row."""
    n = codes.shape[1]
    found = np.empty(min(n, _ROWS))
    # a boosted tree speaks of one class only
    spoken = [[(c, of_class) for c, of_class in enumerate(table) if of_class.any()] for table in tables]
    for begin in range(0, n, _ROWS):
        some = codes[:, begin : begin + _ROWS]
        to, part = values[:, :, begin : begin + _ROWS], found[: some.shape[1]]
        for bundle, table in zip(block, spoken, strict=True):
            key = bundle.keys(some)
            for c, of_class in table:
                for j, column in zip(bundle.strata, of_class, strict=True):
                    np.take(column, key, out=part, mode="clip")
                    to[c, j] += part
