"""Generalised: how many people a record could be of, as the table stands and after its values are made coarser, and what that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks.privacy import _withheld as withheld
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.anonymity import k_anonymity, l_diversity
from auditkit.methods.equivalence import equivalence_classes
from auditkit.methods.generalisation import mondrian
from auditkit.nouns import counted
from auditkit.scanning.tables import quasi_looking, scan_columns
from auditkit.targets.table import Table as Records

if TYPE_CHECKING:
    from auditkit.methods.generalisation import Generalised

_FACT = "a fact of these rows, not estimated; it has no interval"
_GRID = (2, 3, 5, 10, 20, 50, 100)
_NAMING = "--quasi COLUMN on the command line, quasi_identifiers=[...] in Python"


@check(
    code="AK912",
    title="Anonymity after generalisation",
    question="How many people could each record be of, and what would it cost to make that more?",
    dimension="data",
    metrics=[
        "table_k_anonymity",
        "table_unique_share",
        "generalised_k_anonymity",
        "generalised_homogeneous_share",
        "generalisation_loss",
    ],
    about="table",
)
def generalised_anonymity(
    subject: Records,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    quasi_identifiers: Annotated[
        list[str] | None,
        Doc(
            "Columns by which a person might be recognised; those the table names, else those whose names say so."
        ),
    ] = None,
    k: Annotated[
        int, Ge(2), Doc("Records that shall agree in these columns at least, after generalisation.")
    ] = 5,
) -> Evidence:
    """Count how many records agree in what others may know, generalise the columns until `k` do, and measure what that takes.

    Parameters
    ----------
    subject : Table
        Records.
    rng : numpy.random.Generator
        Not used.
    quasi_identifiers : list of str, optional
        What others may know.
    k : int
        Size of the smallest class after generalisation.

    Returns
    -------
    Evidence
        As the table stands ``table_k_anonymity`` (Sweeney 2002) and ``table_unique_share``; after Mondrian (LeFevre et al. 2006)
        ``generalised_k_anonymity``, counted anew from what would be passed on, ``generalisation_loss`` of each column and over all (the
        normalised certainty penalty of Xu et al. 2006), and where the table names a confidential column
        ``generalised_homogeneous_share``. Counts below 10, and those that would give them away, are withheld.
    """
    names, guessed = _chosen(subject, quasi_identifiers)
    columns = {name: _column(subject, name) for name in names}
    n = len(subject.frame)
    if n < k:
        raise NotApplicable(
            f"{counted(n, 'record')} cannot make a class of {k}: give more records, or a smaller k"
        )
    before = k_anonymity(equivalence_classes(columns), threshold=k)
    done = mondrian(columns, k)
    again = equivalence_classes({name: done.words(name) for name in names})
    after = k_anonymity(again, threshold=k)
    group = " × ".join(names)
    found = [
        Measurement("table_k_anonymity", before.k, n, group=group, reason=_FACT),
        withheld.share("table_unique_share", before.unique, n, group),
        Measurement("generalised_k_anonymity", after.k, n, group=group, reason=_FACT),
        Measurement("generalisation_loss", done.loss, n, group="all columns", reason=_FACT),
        *(
            Measurement("generalisation_loss", done.penalty(name), n, group=name, reason=_FACT)
            for name in names
        ),
    ]
    if subject.confidential is not None:
        rich = l_diversity(again, _column(subject, subject.confidential))
        found.append(withheld.share("generalised_homogeneous_share", rich.homogeneous, n, group))
    return Evidence(
        "AK912",
        tuple(found),
        {"loss": _by_column(done, names, n), "by_k": _by_k(columns, k, n)},
        says=_says(before.k, after.k, done, group),
        does_not_say=(
            "That nobody can be found in what is passed on: others may know more than these columns, records of a class may share what "
            "must not be learnt, and tables released one after another can be set against each other."
        ),
        notes=(
            *guessed,
            withheld.NOTE,
            "Mondrian is greedy: another order of cuts, or a hierarchy of the values that makes sense to readers, may lose less.",
        ),
        rows={"used": n, "of": n, "split": "records", "how": "all"},
    )


def _chosen(subject: Records, named: list[str] | None) -> tuple[list[str], tuple[str, ...]]:
    known = [str(one) for one in subject.frame.columns]
    for word in named or ():
        if word not in known:
            raise InputError(
                f"quasi_identifiers: the table has no column {word!r}.{did_you_mean(word, known)}"
            )
    chosen = list(dict.fromkeys(named if named is not None else subject.quasi_identifiers))
    guessed = quasi_looking(scan_columns(subject.frame), but=(subject.confidential, *chosen))
    if chosen:
        return chosen, _left_out(guessed)
    if not guessed:
        raise NotApplicable(
            f"no quasi-identifier is named and no column's name says one: say what others may know of a person, {_NAMING}"
        )
    stand = "stands in, by its name" if len(guessed) == 1 else "stand in, by their names"
    said = (
        f"No quasi-identifier was named: {', '.join(guessed)} {stand}. Name what others may know, {_NAMING}."
    )
    return guessed, (said,)


def _left_out(unnamed: list[str]) -> tuple[str, ...]:
    """Return what is said of columns that look like quasi-identifiers and were not named beside those that were."""
    if not unnamed:
        return ()
    those = "looks like a quasi-identifier" if len(unnamed) == 1 else "look like quasi-identifiers"
    was = "was" if len(unnamed) == 1 else "were"
    said = f"{', '.join(unnamed)} {those} and {was} not named: k is of the others alone. Name what others may know, {_NAMING}."
    return (said,)


def _column(subject: Records, name: str) -> Any:
    at = [str(one) for one in subject.frame.columns].index(name)
    return subject.frame.iloc[:, at]


def _by_column(done: Generalised, names: list[str], n: int) -> Table:
    losses = [done.penalty(name) for name in names]
    columns = {
        "label": tuple(names),
        "value": tuple(losses),
        "low": tuple(losses),
        "high": tuple(losses),
        "n": (n,) * len(names),
    }
    labels = {"label": "Column", "value": "Given up (0: nothing, 1: the column says any)", "n": "records"}
    worst = names[int(np.argmax(losses))]
    return Table(
        "What generalisation takes from each column",
        columns,
        "estimates",
        labels,
        f"{worst} gives up most: {max(losses):.3f}.",
    )


def _by_k(columns: dict[str, Any], k: int, n: int) -> Table:
    sizes = sorted({one for one in (*_GRID, k) if 2 <= one <= n})
    losses = [mondrian(columns, one).loss for one in sizes]
    shown = {
        "x": tuple(sizes),
        "value": tuple(losses),
        "low": tuple(losses),
        "high": tuple(losses),
        "n": (n,) * len(sizes),
    }
    labels = {
        "x": "Records that agree at least (k)",
        "value": "Given up, mean over the columns",
        "n": "records",
    }
    summary = f"From {losses[0]:.3f} at k of {sizes[0]} to {losses[-1]:.3f} at {sizes[-1]}."
    return Table("What generalisation takes, by k", shown, "curve", labels, summary)


def _says(before: int, after: int, done: Generalised, group: str) -> str:
    alone = "one record alone" if before == 1 else counted(before, "record")
    return (
        f"By {group} the smallest class holds {alone}; generalised it holds {after}, in {counted(len(done.sizes), 'class', 'classes')}, which gives up "
        f"{done.loss:.3f} of the columns (0: nothing, 1: all)."
    )
