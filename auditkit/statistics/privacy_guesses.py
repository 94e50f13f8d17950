"""Privacy guesses: from scores to guesses about who was in, in the two ways from which a bound on epsilon follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from auditkit.statistics._arguments import FloatArray

__all__ = ["Guesses", "one_run_guesses", "paired_guesses"]


class Guesses(NamedTuple):
    """Guesses about who was in: how many were right, how many were made, and about how many records one could have been."""

    correct: int
    guesses: int
    records: int


def one_run_guesses(
    scores: ArrayLike, included: ArrayLike, *, positive: int, negative: int, rng: np.random.Generator
) -> Guesses:
    """Guess "in" for the highest scores and "out" for the lowest, and count the right ones.

    Parameters
    ----------
    scores : array_like of shape (m,)
        Higher says "in". Computed without knowing which records were in: no threshold, calibration or choice of attack
        that used `included`.
    included : array_like of bool, shape (m,)
        Whether each record was in, by a fair coin of its own. For a split of fixed sizes see `paired_guesses`.
    positive, negative : int
        How many of the highest and of the lowest scores are guesses. Fixed before anything is looked at: 100 each, or
        a tenth of the records each; never the numbers that came out best.
    rng : numpy.random.Generator
        Decides between equal scores; their order in the data, members first perhaps, would give them away.

    Returns
    -------
    Guesses
        For `privacy_bounds.one_run_epsilon`.

    Raises
    ------
    InputError
        If a score is nan, lengths differ, or there are more guesses than records.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> one_run_guesses([0.9, 0.8, 0.3, 0.1], [True, False, True, False], positive=1, negative=1, rng=rng)
    Guesses(correct=2, guesses=2, records=4)
    """
    values, was_in = _scores(scores, included, "included")
    if min(positive, negative) < 0 or positive + negative > values.size:
        raise InputError(
            f"positive={positive} and negative={negative} must be at least 0 and together at most the {values.size} records"
        )
    order = np.lexsort((rng.random(values.size), values))
    correct = was_in[order[values.size - positive :]].sum() + (~was_in[order[:negative]]).sum()
    return Guesses(int(correct), positive + negative, values.size)


def paired_guesses(
    scores: ArrayLike,
    member: ArrayLike,
    *,
    guesses: int,
    rng: np.random.Generator,
    strata: ArrayLike | None = None,
) -> Guesses:
    """Draw pairs of a member and another record, guess in the clearest pairs which is which, and count the right guesses.

    For a split of fixed sizes, or by coins that are not fair. If every choice of so many members was equally likely, then, once members are paired with others at
    random and the pairs are known but not who is who, each pair is a fair coin, independent of the other pairs: all
    ways to turn them come from equally many splits. So `privacy_bounds.one_run_epsilon` holds, with pairs as its records.

    Turning a pair *exchanges* a record for another, so the bound is on the epsilon of exchanging. A training that is
    epsilon-private for adding or removing a record is 2 epsilon-private for exchanging one: halve the bound
    for that notion (with delta = 0; else its delta grows by 1 + exp(epsilon)).

    It holds for a split drawn at random. Where members differ from others without any model (a split by date, place or person, a
    test set from elsewhere), guesses can be right for that reason, and nothing follows about privacy.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Higher says member; computed without knowing who is one, so that reference models too must be trained on rows drawn
        without regard to the target's members. Pairs are ranked by their difference, so
        log-likelihood ratios or logits choose better pairs than probabilities do; the bound holds for any scale.
    member : array_like of bool, shape (n,)
        Whether each record was trained on.
    guesses : int
        In how many pairs to guess. Fixed before anything is looked at; see `privacy_bounds.one_run_epsilon` for why.
    rng : numpy.random.Generator
        Draws the pairs and decides between equal scores.
    strata : array_like of shape (n,), optional
        For a stratified split: the stratum of each record. Pairs are drawn within it.

    Returns
    -------
    Guesses
        `records` is the number of pairs.

    Raises
    ------
    InputError
        If a score is nan, lengths differ, or there are fewer pairs than guesses.

    References
    ----------
    The domination of right guesses: Steinke, Nasr & Jagielski 2023, arXiv 2305.08846, theorem 5.2, applied to the training
    as a function of the orientation of the pairs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> paired_guesses([3.0, 2.0, 1.0, 0.0, -1.0], [True, True, False, False, False], guesses=2, rng=rng)
    Guesses(correct=2, guesses=2, records=2)
    """
    values, is_member = _scores(scores, member, "member")
    inside, outside = _pairs(is_member, strata, rng)
    if not 0 <= guesses <= inside.size:
        raise InputError(f"guesses={guesses} must be from 0 to the {inside.size} pairs there are")
    one, other = values[inside], values[outside]
    # equal infinities differ by 0, not by nan
    ahead = np.subtract(one, other, out=np.zeros(one.size), where=one != other)
    clearest = np.lexsort((rng.random(ahead.size), -np.abs(ahead)))[:guesses]
    coin = rng.random(guesses) < 0.5
    right = (ahead[clearest] > 0) | ((ahead[clearest] == 0) & coin)
    return Guesses(int(right.sum()), guesses, inside.size)


def _pairs(
    member: NDArray[np.bool_], strata: ArrayLike | None, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of members and of the others they are paired with, drawn at random within strata."""
    groups = np.zeros(member.size, dtype=np.intp)
    if strata is not None:
        given = np.asarray(strata)
        if given.shape != member.shape:
            raise InputError(
                f"strata must name one stratum for each of the {member.size} records, got {given.shape}"
            )
        plain = given.astype(str) if given.dtype == object else given
        groups = np.unique(plain, return_inverse=True)[1]
    inside, outside = [], []
    for group in range(int(groups.max()) + 1 if groups.size else 0):
        one = rng.permutation(np.flatnonzero((groups == group) & member))
        other = rng.permutation(np.flatnonzero((groups == group) & ~member))
        pairs = min(one.size, other.size)
        inside.append(one[:pairs])
        outside.append(other[:pairs])
    none = [np.zeros(0, dtype=np.intp)]
    return np.concatenate(inside or none), np.concatenate(outside or none)


def _scores(scores: ArrayLike, member: ArrayLike, name: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    values, marks = np.asarray(scores, dtype=float), np.asarray(member)
    if values.ndim != 1 or values.shape != marks.shape:
        raise InputError(
            f"scores and {name} must be one-dimensional and equally long, got {values.shape} and {marks.shape}"
        )
    if np.isnan(values).any():
        raise InputError(
            f"{int(np.isnan(values).sum())} of {values.size} scores are nan: leave those records out"
        )
    if not np.isin(marks, (0, 1)).all():
        raise InputError(f"{name} must be 0 or 1, or booleans")
    return values, marks.astype(bool)
