"""Images: what happens to pictures by accident, at five severities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["IMAGE_CORRUPTIONS", "corrupt_images", "looks_like_images"]

Floats = NDArray[np.float64]
ImageCorruption = Literal[
    "gaussian_noise", "blur", "contrast", "brightness", "shift", "occlusion", "rotation"
]
IMAGE_CORRUPTIONS: tuple[ImageCorruption, ...] = get_args(ImageCorruption)

# noise, contrast and brightness are those of ImageNet-C; what is counted in pixels is in shares of the side, for its 224 pixels
# would wipe out a small picture
_STRENGTHS: dict[ImageCorruption, tuple[float, ...]] = {
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "blur": (0.05, 0.075, 0.1, 0.125, 0.15),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "shift": (0.05, 0.1, 0.15, 0.2, 0.25),
    "occlusion": (0.2, 0.3, 0.4, 0.5, 0.6),
    "rotation": (10.0, 20.0, 30.0, 40.0, 50.0),
}
_SMALLEST_SIDE = 8
_SOME = 300  # columns, evenly spread, that show how any two go together
_NEIGHBOURS = 1.5  # by how much neighbours must correlate more than any two columns


def corrupt_images(
    images: ArrayLike,
    name: str,
    severity: int,
    rng: np.random.Generator,
    *,
    low: float = 0.0,
    high: float = 1.0,
) -> Floats:
    """Spoil pictures as Hendrycks and Dietterich 2019 do ("Benchmarking neural network robustness to common corruptions and perturbations", arXiv 1903.12261).

    Gaussian noise, contrast (towards the picture's mean) and brightness at the strengths of ImageNet-C; blur (Gaussian), a shift to a
    side, a covered square and a rotation in shares of the side of the picture. Directions and places are drawn for each picture.

    Parameters
    ----------
    images : array (n, ..., height, width)
        Grey values, or channels first.
    name : str
        One of `IMAGE_CORRUPTIONS`.
    severity : int
        1 to 5.
    rng : numpy.random.Generator
        Noise, directions and places.
    low, high : float
        Darkest and brightest value; what leaves the range is clipped.

    Returns
    -------
    array of the same shape
        The input is not written to.

    Raises
    ------
    InputError
        On an unknown corruption, a severity outside 1 to 5, an empty range, or what is no stack of pictures.

    Examples
    --------
    >>> picture = np.full((1, 4, 4), 0.5)
    >>> corrupt_images(picture, "brightness", 2, np.random.default_rng(0))[0, 0].round(2).tolist()
    [0.7, 0.7, 0.7, 0.7]
    """
    pictures = np.asarray(images, dtype=np.float64)
    if name not in _WAYS:
        raise InputError(f"no corruption of images named {name!r}.{did_you_mean(name, IMAGE_CORRUPTIONS)}")
    if severity not in range(1, 6):
        raise InputError(f"severity: expected a whole number from 1 to 5, got {severity}")
    if pictures.ndim < 3 or not low < high:
        raise InputError(
            f"expected pictures (n, ..., height, width) with low < high, got {pictures.shape}, {low} and {high}"
        )
    unit = (pictures - low) / (high - low)
    spoilt = _WAYS[name](unit, _STRENGTHS[name][severity - 1], rng)  # type: ignore[index]
    return np.asarray(low + np.clip(spoilt, 0.0, 1.0) * (high - low))


def looks_like_images(X: ArrayLike) -> int:
    """Return the side of square pictures whose grey values are the columns of X, row by row; 0 where they are none.

    At least 8 × 8 columns, none negative, half of them reaching half the brightest value, and columns that would lie beside each other
    correlate more than any two columns do, both ways (the natural statistics of pictures: Ruderman 1994).

    Parameters
    ----------
    X : array (n, d)
        Rows of numbers.
    """
    X = np.asarray(X, dtype=np.float64)
    side = round(X.shape[1] ** 0.5)
    if side < _SMALLEST_SIDE or side**2 != X.shape[1] or not np.isfinite(X).all() or X.min() < 0:
        return 0
    if np.mean(X.max(axis=0) >= X.max() / 2) < 0.5:
        return 0
    centred = X - X.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    grid = scaled.reshape(len(X), side, side)
    beside = float(np.abs((grid[:, :, :-1] * grid[:, :, 1:]).mean(axis=0)).mean())
    below = float(np.abs((grid[:, :-1] * grid[:, 1:]).mean(axis=0)).mean())
    some = scaled[:, np.linspace(0, side**2 - 1, min(side**2, _SOME)).astype(int)]
    related = np.abs(some.T @ some / len(X))
    overall = float((related.sum() - np.trace(related)) / (related.size - len(related)))
    return side if min(beside, below) > _NEIGHBOURS * overall else 0


def _noise(x: Floats, strength: float, rng: np.random.Generator) -> Floats:
    return x + strength * rng.standard_normal(x.shape)


def _blur(x: Floats, strength: float, _: np.random.Generator) -> Floats:
    from scipy.ndimage import gaussian_filter

    sigma = strength * np.array(x.shape[-2:])
    return np.asarray(gaussian_filter(x, (*(0.0,) * (x.ndim - 2), *sigma), mode="nearest"))


def _contrast(x: Floats, strength: float, _: np.random.Generator) -> Floats:
    mean = x.mean(axis=(-2, -1), keepdims=True)
    return np.asarray((x - mean) * strength + mean)


def _brightness(x: Floats, strength: float, _: np.random.Generator) -> Floats:
    return x + strength


def _shift(x: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Move each picture up, down, left or right by a share of the side, one pixel at least; the gap is dark."""
    out = np.zeros_like(x)
    way = rng.integers(4, size=len(x))
    for direction in range(4):
        axis = -2 if direction < 2 else -1
        far = max(1, round(strength * x.shape[axis]))
        moved = np.roll(x[way == direction], far if direction % 2 else -far, axis=axis)
        gap = slice(0, far) if direction % 2 else slice(-far, None)
        index = [slice(None)] * x.ndim
        index[axis] = gap
        moved[tuple(index)] = 0.0
        out[way == direction] = moved
    return out


def _occlusion(x: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Cover a square whose side is a share of the shorter side, at a place of its own in each picture."""
    height, width = x.shape[-2:]
    side = max(1, round(strength * min(height, width)))
    top = rng.integers(height - side + 1, size=len(x))
    left = rng.integers(width - side + 1, size=len(x))
    rows, columns = np.arange(height), np.arange(width)
    down = (rows >= top[:, None]) & (rows < top[:, None] + side)
    across = (columns >= left[:, None]) & (columns < left[:, None] + side)
    covered = down[:, :, None] & across[:, None, :]
    return np.where(covered.reshape(len(x), *(1,) * (x.ndim - 3), height, width), 0.0, x)


def _rotation(x: Floats, strength: float, rng: np.random.Generator) -> Floats:
    from scipy.ndimage import rotate

    out = np.empty_like(x)
    clockwise = rng.random(len(x)) < 0.5
    for turned in (False, True):
        which = clockwise == turned
        angle = -strength if turned else strength
        if which.any():
            out[which] = rotate(x[which], angle, axes=(-2, -1), reshape=False, order=1, mode="constant")
    return out


_WAYS: dict[str, Callable[[Floats, float, np.random.Generator], Floats]] = {
    "gaussian_noise": _noise,
    "blur": _blur,
    "contrast": _contrast,
    "brightness": _brightness,
    "shift": _shift,
    "occlusion": _occlusion,
    "rotation": _rotation,
}
