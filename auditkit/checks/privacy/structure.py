"""Structure: what the fitted model holds of single training rows, read off before anybody attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.privacy._bands import band_edges, band_sums, band_words
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.structure import SUPPORTED, Structure, structure
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_FACT = "a fact of the fitted model, read and not estimated; it has no interval"


@check(
    code="AK206",
    title="What the model holds of single records",
    question="Does the model's own structure hold single training records?",
    dimension="privacy",
    metrics=[
        "stored_row_share",
        "small_leaf_row_share",
        "small_leaf_share",
        "smallest_leaf",
        "parameters_per_row",
        "residual_degrees_of_freedom",
    ],
)
def model_structure(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    k: Annotated[
        int, Ge(2), Doc("The fewest training rows a leaf should hold; smaller ones are counted.")
    ] = 5,
    training_rows: Annotated[
        int | None,
        Ge(1),
        Doc("Rows the model was trained on, where the training rows themselves are not given."),
    ] = None,
) -> Evidence:
    """Read off the fitted model which training rows it stores, and how few of them its leaves hold.

    Parameters
    ----------
    subject : Subject
        Whose model is a live estimator or booster, with training rows.
    rng : numpy.random.Generator
        Not used.
    k : int
        Fewest rows a leaf should hold.
    training_rows : int, optional
        In place of the training rows.

    Returns
    -------
    Evidence
        ``stored_row_share`` and ``parameters_per_row``, ``residual_degrees_of_freedom``; with trees also ``small_leaf_row_share``
        (training rows in leaves below `k`, the mean over trees), ``small_leaf_share`` and ``smallest_leaf``. None has an
        interval: nothing is estimated. After Smith, Preen et al. 2022 (SACRO-ML).
    """
    model = _inside(subject)
    n = len(subject.train) if subject.train is not None else training_rows
    if n is None:
        raise NotApplicable(
            "how many rows the model was trained on is not known: pass Subject(..., train=Dataset(X, y)), add [data.train] to "
            "the subject file, or give training_rows=..."
        )
    found = structure(model, n, k=k)
    trouble = ""
    if found.trees and found.smallest_leaf is None and subject.train is not None:
        found, trouble = _counted(subject, model, found)
    return Evidence(
        "AK206",
        tuple(_measurements(found)),
        _tables(found),
        says=_says(found),
        does_not_say=(
            "Whether anybody can make use of it: membership inference tries (AK201, AK202). Nor that a model without such "
            "structure keeps its records to itself: a network stores none, and may still remember."
        ),
        notes=tuple(filter(None, (*_notes(found), trouble))),
        rows={
            "used": n,
            "of": n,
            "split": "train",
            "how": "as counted by the model" if found.trees else "all",
        },
    )


def _inside(subject: Subject) -> Any:
    """Return the fitted model itself.

    Raises
    ------
    NotApplicable
        If there are only predictions, or a function of which nothing is known.
    """
    if subject.predictions_only:
        raise NotApplicable("this check reads the model itself; only recorded predictions were given")
    if subject.model.estimator is None:
        raise NotApplicable(
            f"the inside of this model ({subject.model.kind}) cannot be read: give the fitted model itself. Read are {SUPPORTED}"
        )
    return subject.model.estimator


def _counted(subject: Subject, model: Any, found: Structure) -> tuple[Structure, str]:
    """Return the structure with leaves counted by sending the training rows through, and what went wrong if that failed."""
    rows = subject.split("train").X
    dressed = getattr(subject.model.inner, "dressed", None)
    try:
        return structure(model, found.n_rows, k=found.k, X=rows if dressed is None else dressed(rows)), ""
    except Exception as error:  # noqa: BLE001 - a model may fail in any way on rows it is sent; that is said, but not its words, which may quote a row
        return (
            found,
            f"The training rows could not be sent through the trees ({type(error).__name__}).",
        )


def _measurements(found: Structure) -> Iterator[Measurement]:
    n = found.n_rows
    yield Measurement("stored_row_share", found.stored_share, n, reason=_FACT)
    if found.trees:
        why = _FACT if found.smallest_leaf is not None else found.reason
        smallest = float("nan") if found.smallest_leaf is None else found.smallest_leaf
        yield Measurement("small_leaf_row_share", found.rows_below_share, n, reason=why)
        yield Measurement("small_leaf_share", found.leaves_below_share, found.leaves, reason=why)
        yield Measurement("smallest_leaf", smallest, found.leaves, reason=why)
    yield Measurement("parameters_per_row", found.parameters_per_row, n, reason=_FACT)
    yield Measurement("residual_degrees_of_freedom", found.residual_degrees_of_freedom, n, reason=_FACT)


def _tables(found: Structure) -> dict[str, Table]:
    columns: dict[str, tuple[Any, ...]] = {
        "what": (
            "made of",
            "training rows stored as they are",
            "trees",
            "leaves",
            f"leaves of fewer than {found.k} training rows",
            "numbers fitted from the data",
            "training rows",
        ),
        "how_many": (
            ", ".join(found.families),
            f"{found.stored_rows:,}",
            f"{found.trees:,}",
            f"{found.leaves:,}",
            "not known" if found.trees and found.leaves_below is None else f"{found.leaves_below or 0:,}",
            f"{found.parameters:,}",
            f"{found.n_rows:,}",
        ),
    }
    labels = {"what": "The model", "how_many": "How many"}
    tables = {"structure": Table("What the model is made of", columns, labels=labels, summary=_says(found))}
    if found.leaf_sizes is not None:
        tables["leaves"] = _leaf_table(found)
    return tables


def _leaf_table(found: Structure) -> Table:
    """Return the share of training rows by the size of the leaf they end in."""
    trees = found.leaf_sizes or ()
    edges = band_edges(found.k)
    share = np.mean([band_sums(one, one, edges) / one.sum() for one in trees], axis=0)
    leaves = np.sum([band_sums(one, np.ones_like(one), edges) for one in trees], axis=0)
    nothing = (float("nan"),) * len(edges)
    columns = {
        "label": band_words(edges),
        "value": tuple(share),
        "low": nothing,
        "high": nothing,
        "n": tuple(int(v) for v in leaves),
    }
    labels = {"label": "Training rows in the leaf", "value": "Share of training rows", "n": "leaves"}
    summary = (
        f"{_share(found.rows_below_share)} of the training rows are in leaves of fewer than {found.k}, the mean over "
        f"{found.trees:,} tree{'s' * (found.trees > 1)}."
    )
    return Table("How many share a leaf", columns, "estimates", labels, summary)


def _says(found: Structure) -> str:
    made = f"The model ({found.model}) is made of {' and '.join(found.families)}"
    parts = []
    if found.stored_rows:
        parts.append(
            f"it stores {found.stored_rows:,} training rows as they are ({common.percent(found.stored_share)}), "
            "and hands them to whoever holds the file"
        )
    if found.trees and found.smallest_leaf is not None:
        parts.append(
            f"{_share(found.rows_below_share)} of the training rows end in a leaf of fewer than {found.k}; the smallest leaf "
            f"holds {found.smallest_leaf:,}"
        )
    elif found.trees:
        parts.append("how many training rows its leaves hold is not known")
    if not parts:
        parts.append("it stores no training row as it is and has no leaves")
    return f"{made}: {'; '.join(parts)}. It has {found.parameters_per_row:.3g} fitted numbers for each training row."


def _share(value: float) -> str:
    """Return a share in words; one that is not 0 never reads as 0."""
    return "less than 0.1%" if 0 < value < 0.0005 else common.percent(value)


def _notes(found: Structure) -> Iterator[str]:
    if found.stored_rows:
        yield (
            "Whoever is given this model is given these training rows, scaled or encoded as the model takes them. Answers through an "
            "interface do not hand them out. Share the model as you would share the rows."
        )
    if found.trees > 1:
        yield (
            "Each tree was counted by itself: where rows were drawn for a tree, the distinct rows of its draw. The model answers "
            "with all trees together, so a small leaf of one says less than it does in a single tree."
        )
    if found.residual_degrees_of_freedom < 0:
        yield "There are more fitted numbers than training rows: nothing in its size keeps the model from telling every row apart."
    if found.smallest_leaf is None and found.reason:
        yield f"{found.reason[0].upper()}{found.reason[1:]}."
