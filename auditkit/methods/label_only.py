"""Label-only attacks: what the labels a model gives say of its training data, without any probability.

The baseline is `membership.gap`: right answer, member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.membership import gap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["noise_robustness"]


def noise_robustness(correct: ArrayLike, copies_correct: ArrayLike) -> NDArray[np.float64]:
    """Score a record by how many of its noisy copies keep the right label.

    A model is often surer around records it was trained on, so that noise turns their label less often. How much noise
    is the caller's choice; choose it on a reference model, not by what separates the target's members best.

    Parameters
    ----------
    correct : array_like of bool, shape (n,)
        Whether the label given to the record itself is the true one.
    copies_correct : array_like of bool, shape (r, n)
        The same for `r` noisy copies of each record; the noise drawn independently a copy.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        ``(1 + right copies) / (1 + r)`` where the record itself is answered rightly, else 0: its distance to a wrong
        answer is none. So it refines `membership.gap`. It takes ``r + 2`` values.

    Raises
    ------
    InputError
        If the arrays are not boolean, shapes do not fit, or there are no copies.

    References
    ----------
    Choquette-Choo et al. 2021, "Label-Only Membership Inference Attacks", ICML, section on random noise; Yeom et
    al. 2018, "Privacy Risk in Machine Learning", IEEE CSF, for the gap.

    Examples
    --------
    >>> noise_robustness([True, True, False], [[True, False, True]] * 3).tolist()
    [1.0, 0.25, 0.0]
    """
    right = gap(correct)
    copies = np.asarray(copies_correct)
    if copies.dtype != np.bool_ or copies.ndim != 2 or copies.shape[1] != right.size or not len(copies):
        raise InputError(
            f"copies_correct must be a boolean table of (copies, {right.size}) with at least one copy, "
            f"got {copies.dtype} of shape {copies.shape}"
        )
    return np.asarray(right * (1.0 + copies.sum(axis=0)) / (1.0 + len(copies)))
