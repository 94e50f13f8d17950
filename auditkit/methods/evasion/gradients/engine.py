"""Engine: the few array operations an attack needs, in numpy or in torch on a module's own device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "NumpyEngine", "TorchEngine"]

Floats = NDArray[np.float64]


class Engine(Protocol):
    """Arrays of shape (m, d) in one library. Arithmetic, ``sum(1)``, ``cumsum(1)`` and indexing by row numbers are the arrays' own."""

    def array(self, values: NDArray[Any]) -> Any:
        """Return values of numpy as an array of the engine."""

    def numpy(self, values: Any) -> Floats:
        """Return an array of the engine as floats of numpy."""

    def sign(self, values: Any) -> Any:
        """Return -1, 0 or 1 a cell."""

    def clip(self, values: Any, low: Any, high: Any) -> Any:
        """Return values held between two arrays."""

    def where(self, chosen: Any, this: Any, other: Any) -> Any:
        """Return one or the other, cell by cell."""

    def known(self, values: Any) -> Any:
        """Return values with 0 for what is no number."""

    def falling(self, values: Any) -> Any:
        """Return each row from the largest value to the smallest."""


@dataclass(frozen=True)
class NumpyEngine:
    """Arrays of numpy, in double precision."""

    def array(self, values: NDArray[Any]) -> Any:
        """Return a copy; whole numbers and truth values keep their type."""
        return np.array(values, dtype=float if values.dtype.kind == "f" else None)

    def numpy(self, values: Any) -> Floats:
        """Return a copy."""
        return np.array(values, dtype=float)

    def sign(self, values: Any) -> Any:
        """Return -1, 0 or 1 a cell."""
        return np.sign(values)

    def clip(self, values: Any, low: Any, high: Any) -> Any:
        """Return values held between two arrays."""
        return np.minimum(np.maximum(values, low), high)

    def where(self, chosen: Any, this: Any, other: Any) -> Any:
        """Return one or the other, cell by cell."""
        return np.where(chosen, this, other)

    def known(self, values: Any) -> Any:
        """Return values with 0 for what is no number."""
        return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)

    def falling(self, values: Any) -> Any:
        """Return each row from the largest value to the smallest."""
        return -np.sort(-values, axis=1)


@dataclass(frozen=True)
class TorchEngine:
    """Tensors of one type on one device; torch itself is loaded by whoever holds a module."""

    device: Any
    dtype: Any

    def array(self, values: NDArray[Any]) -> Any:
        """Return the values as a tensor; whole numbers and truth values keep their type."""
        import torch

        kind = self.dtype if values.dtype.kind == "f" else None
        return torch.tensor(np.ascontiguousarray(values), dtype=kind, device=self.device)

    def numpy(self, values: Any) -> Floats:
        """Return a tensor as floats."""
        return np.asarray(values.detach().cpu().double().numpy())

    def sign(self, values: Any) -> Any:
        """Return -1, 0 or 1 a cell."""
        return values.sign()

    def clip(self, values: Any, low: Any, high: Any) -> Any:
        """Return values held between two tensors."""
        return values.clamp(low, high)

    def where(self, chosen: Any, this: Any, other: Any) -> Any:
        """Return one or the other, cell by cell."""
        import torch

        return torch.where(chosen, this, other)

    def known(self, values: Any) -> Any:
        """Return values with 0 for what is no number."""
        return values.nan_to_num(0.0, 0.0, 0.0)

    def falling(self, values: Any) -> Any:
        """Return each row from the largest value to the smallest."""
        return values.sort(dim=1, descending=True).values
