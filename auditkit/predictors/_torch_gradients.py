"""Torch gradients: a PyTorch module around given rows, asked and pulled on its own device without a table between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import AuditkitError, NotApplicable
from auditkit.methods.evasion.gradients.engine import TorchEngine
from auditkit.predictors._torch_parts import as_columns, home, quiet
from auditkit.predictors.base import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from auditkit.predictors._torch_parts import Output

__all__ = ["TorchAround"]


class TorchAround:
    """A module around n rows, as a function of some of its columns.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode.
    rows : ndarray of shape (n, D)
        The rows as the module takes them, flat.
    places : ndarray of int, shape (k,)
        Which of its inputs may change.
    values : ndarray of shape (n, k)
        Those columns in their own units.
    factor : ndarray of shape (k,), or 1
        How much an input grows when its column grows by one.
    shape : tuple of int or None
        One input.
    output : {"logits", "probabilities"}
        What the module gives.
    classes : int
        How many labels there are.
    in_order : bool
        Whether the columns of the table are its inputs, one by one, in their order.
    batch_rows : int
        Most rows that pass at once.
    kind : str
        The module in words.

    Raises
    ------
    NotApplicable
        If no gradient reaches its inputs.
    ModelError
        If the module fails.
    """

    def __init__(
        self,
        module: Any,
        rows: np.ndarray,
        places: np.ndarray,
        values: np.ndarray,
        factor: np.ndarray | float,
        *,
        shape: tuple[int, ...] | None,
        output: Output,
        classes: int,
        in_order: bool,
        batch_rows: int,
        kind: str,
    ) -> None:
        import torch

        device, dtype = home(module, kind)
        self.module, self.shape, self.output, self.kind = module, shape, output, kind
        self.classes, self.batch_rows, self.width = classes, batch_rows, len(places)
        picture = in_order and shape is not None and len(shape) > 1 and shape[:-2] in ((), (1,))
        self.image = (shape[-2], shape[-1]) if shape is not None and picture else None
        scaled = isinstance(factor, np.ndarray)
        # a column in large units loses digits in single precision before it is scaled
        self.engine = TorchEngine(device, torch.float64 if scaled else dtype)
        self.dtype = dtype
        self.factor = self.engine.array(factor) if isinstance(factor, np.ndarray) else None
        self.offset = self.engine.array(_offset(rows[:, places] - values * factor)) if scaled else None
        whole = self.width == rows.shape[1] and bool((places == np.arange(self.width)).all())
        self.base = None if whole else torch.tensor(rows, dtype=dtype, device=device)
        self.places = None if whole else torch.tensor(places, device=device)
        if len(rows):
            with self.running():
                first = self.engine.array(values[:1])
                self.pull(
                    first,
                    np.zeros(1, dtype=np.intp),
                    lambda s, _: (s[:, 0], np.ones_like(s)),
                    np.zeros(1, np.int64),
                )

    def running(self) -> AbstractContextManager[object]:
        """Return a context in which a small module computes on one thread."""
        return quiet(self.module)

    def scores(self, x: Any, rows: np.ndarray) -> np.ndarray:
        """Return logits, shape (m, classes)."""
        import torch

        with torch.no_grad():
            parts = [self.engine.numpy(self._logits(x[at], rows[at])) for at in self._blocks(len(rows))]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def pull(
        self, x: Any, rows: np.ndarray, loss: Callable[..., tuple[np.ndarray, np.ndarray]], y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return logits (m, classes), losses (m,) and the gradient of the losses by x, (m, k)."""
        import torch

        parts = [self._pulled(x[at], rows[at], loss, y[at]) for at in self._blocks(len(rows))]
        if len(parts) == 1:
            return parts[0]
        scores, value, slope = zip(*parts, strict=True)
        return np.concatenate(scores), np.concatenate(value), torch.cat(slope)

    def _pulled(
        self, x: Any, rows: np.ndarray, loss: Any, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, Any]:
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_()
            logits = self._logits(x, rows)
        if not logits.requires_grad:
            raise self._no_gradient()
        # in double precision: the slope of a row the module is sure of must not round to nothing
        scores = self.engine.numpy(logits)
        value, slopes = loss(scores, y)
        (found,) = torch.autograd.grad(
            logits, x, torch.tensor(slopes, device=logits.device, dtype=logits.dtype), allow_unused=True
        )
        if found is None:
            raise self._no_gradient()
        return scores, value, found

    def _logits(self, x: Any, rows: np.ndarray) -> Any:
        """Return logits in double precision, (m, classes); of probabilities their logarithm."""
        import torch

        inputs = x if self.factor is None else x * self.factor + self.offset
        inputs = inputs.to(self.dtype)
        if self.base is not None:
            around = (
                self.base
                if len(rows) == len(self.base) and self._all(rows)
                else self.base[torch.as_tensor(rows)]
            )
            inputs = around.index_copy(1, self.places, inputs)
        if self.shape is not None:
            inputs = inputs.reshape(len(rows), *self.shape)
        try:
            out = as_columns(self.module(inputs), len(rows), self.kind)
        except AuditkitError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model ({self.kind}) failed on {len(rows)} rows: {type(error).__name__}: {error}"
            ) from error
        wide = out.to(torch.float64) if out.device.type != "mps" else out.cpu().to(torch.float64)
        if self.output == "probabilities":
            wide = torch.cat([1 - wide, wide], dim=1) if wide.shape[1] == 1 else wide
            return wide.clamp_min(torch.finfo(torch.float64).tiny).log()
        return torch.cat([torch.zeros_like(wide), wide], dim=1) if wide.shape[1] == 1 else wide

    @staticmethod
    def _all(rows: np.ndarray) -> bool:
        return bool((rows == np.arange(len(rows))).all())

    def _blocks(self, m: int) -> list[slice]:
        if m <= self.batch_rows:
            return [slice(0, m)]
        return [slice(a, min(a + self.batch_rows, m)) for a in range(0, m, self.batch_rows)]

    def _no_gradient(self) -> NotApplicable:
        return NotApplicable(f"this model ({self.kind}) gives no gradients: none reaches its inputs")


def _offset(left: np.ndarray) -> np.ndarray:
    """Return what a scaler adds to each column, (k,): what the first row with a value has beyond its multiple."""
    known = np.isfinite(left)
    return np.asarray(
        np.nan_to_num(left[known.argmax(axis=0), np.arange(left.shape[1])]) if len(left) else 0.0
    )
