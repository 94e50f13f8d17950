"""Bands: sizes of leaves or classes, from 1 up, as a reader counts them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

__all__ = ["band_edges", "band_sums", "band_words"]

_EDGES = (1, 2, 5, 10, 20, 50, 100)


def band_edges(k: int) -> list[int]:
    """Return where the bands begin; `k` is the beginning of one."""
    return sorted({*_EDGES, k})


def band_words(edges: list[int]) -> tuple[str, ...]:
    """Return the bands in words: "1", "2 to 4", "100 or more"."""
    words = (str(low) if high - low == 1 else f"{low} to {high - 1}" for low, high in pairwise(edges))
    return (*words, f"{edges[-1]} or more")


def band_sums(sizes: np.ndarray, weights: np.ndarray, edges: list[int]) -> np.ndarray:
    """Return the sum of the weights by band of size; sizes of 0 have none."""
    place = np.searchsorted(np.asarray(edges), sizes, side="right") - 1
    kept = place >= 0
    return np.bincount(place[kept], weights=weights[kept], minlength=len(edges))
