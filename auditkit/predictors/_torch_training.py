"""Training: how a PyTorch module is trained again from fresh weights."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit import progress
from auditkit.errors import AuditkitError, InputError, ModelError, NotApplicable
from auditkit.methods._threads import one_at_a_time
from auditkit.predictors._torch_parts import Output, home, is_module, losses, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Training", "fit", "why_not"]


@dataclass(frozen=True, slots=True)
class Training:
    """A plain recipe: Adam on the cross-entropy, or the squared error, of shuffled batches.

    Parameters
    ----------
    epochs : int
        Times every row is seen.
    batch_rows : int
        Most rows in a batch; batches of an epoch differ by at most one row.
    learning_rate, weight_decay : float
        Adam's; the decay is an L2 penalty.

    Raises
    ------
    InputError
        If one of them is out of range.

    References
    ----------
    Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", ICLR.

    Examples
    --------
    >>> Training(epochs=20)
    Training(epochs=20, batch_rows=64, learning_rate=0.001, weight_decay=0.0)
    """

    epochs: int = 100
    batch_rows: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_rows"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate must be above 0, got {self.learning_rate!r}")
        if not 0 <= self.weight_decay < float("inf"):
            raise InputError(f"weight_decay must be at least 0, got {self.weight_decay!r}")

    def __str__(self) -> str:
        decay = f", weight decay {self.weight_decay:g}" if self.weight_decay else ""
        return f"Adam, {self.epochs} epochs, batches of {self.batch_rows}, learning rate {self.learning_rate:g}{decay}"

    def train(self, module: Any, X: Any, y: Any, output: Output) -> None:
        """Train a module in place, drawing from torch's generator as it stands.

        Parameters
        ----------
        module : torch.nn.Module
            In training mode.
        X, y : tensors of shape (n, ...) and (n,)
            Rows, and class indices or values.
        output : {"logits", "probabilities", "values"}
            What it gives.

        Raises
        ------
        ModelError
            If the loss is no longer a number.
        """
        import torch

        weights = [one for one in module.parameters() if one.requires_grad]
        optimiser = torch.optim.Adam(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
        for epoch in range(self.epochs):
            # batches of about equal size: a last one of a single row has no variance to normalise by
            for rows in torch.randperm(len(X)).tensor_split(-(-len(X) // self.batch_rows)):
                at = rows.to(X.device)
                optimiser.zero_grad()
                loss = losses(module(X[at]).reshape(len(at), -1), y[at], output).mean()
                loss.backward()
                optimiser.step()
            if not torch.isfinite(loss):
                raise ModelError(
                    f"the loss was {loss.item()} after epoch {epoch + 1}: give a smaller learning_rate"
                )
            progress.step()


def fit(
    module: Any,
    X: Any,
    y: Any,
    seed: int,
    *,
    train: Callable[[Any, Any, Any, int], Any] | Training,
    build: Callable[[], Any] | None,
    output: Output,
    kind: str,
) -> Any:
    """Return a module of the same architecture with fresh weights, trained, in evaluation mode.

    The caller sets the threads (`quiet`). Torch's global generator is as before when this returns. Fits of one process take turns, since layers draw their
    weights from that generator.

    Raises
    ------
    NotApplicable
        If the weights cannot be drawn afresh.
    ModelError
        If training fails.
    """
    import torch

    with _own_randomness(module, seed, kind), torch.enable_grad():
        new = _fresh(module, build, kind).train()
        try:
            if isinstance(train, Training):
                train.train(new, X, y, output)
                done = new
            else:
                done = train(new, X, y, seed)
        except AuditkitError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model ({kind}) could not be trained on {len(X)} rows: {type(error).__name__}: {error}"
            ) from error
    if done is None:
        done = new
    if not is_module(done):
        raise ModelError(
            f"train of {kind} must train the module it is given, or return one; it returned {type(done).__name__}"
        )
    return done.eval()


def why_not(module: Any, build: Callable[[], Any] | None, kind: str) -> str:
    """Return in words why a module cannot be trained again from fresh weights; empty where it can."""
    try:
        with quiet(module), _own_randomness(module, 0, kind):
            _fresh(module, build, kind)
    except (NotApplicable, ModelError) as reason:
        return str(reason)
    return ""


@contextmanager
def _own_randomness(module: Any, seed: int, kind: str) -> Iterator[None]:
    """Seed torch's generators for the length of the context, and put them back."""
    import torch

    device, _ = home(module, kind)
    cuda = (
        [torch.cuda.current_device() if device.index is None else device.index]
        if device.type == "cuda"
        else []
    )
    with one_at_a_time(), torch.random.fork_rng(devices=cuda):
        # not torch.manual_seed, which also seeds devices that the module is not on
        torch.default_generator.manual_seed(int(seed))
        for index in cuda:
            torch.cuda.default_generators[index].manual_seed(int(seed))
        yield


def _fresh(module: Any, build: Callable[[], Any] | None, kind: str) -> Any:
    device, dtype = home(module, kind)
    if build is None:
        return _redrawn(module, kind).to(device)
    try:
        new = build()
    except Exception as error:
        raise ModelError(f"build of {kind} failed: {type(error).__name__}: {error}") from error
    if not is_module(new):
        raise ModelError(f"build of {kind} must give a new module; it gave {type(new).__name__}")
    if _layout(new) != _layout(module):
        raise ModelError(
            f"build of {kind} must give the same architecture; names or shapes of its weights differ"
        )
    return new.to(device=device, dtype=dtype)


def _layout(module: Any) -> dict[str, Any]:
    return {name: getattr(value, "shape", None) for name, value in module.state_dict().items()}


def _redrawn(module: Any, kind: str) -> Any:
    """Return a copy on the CPU, every trainable parameter drawn afresh by its own layer; frozen parts stay as they are.

    Trainable parameters are first set to NaN: whatever no layer redraws shows.
    """
    import torch

    new = copy.deepcopy(module).cpu()
    if not any(one.requires_grad for one in new.parameters()):
        what = (
            "has no parameters"
            if not list(new.parameters())
            else "has only frozen parameters (requires_grad=False)"
        )
        raise NotApplicable(
            f"this model ({kind}) cannot be trained again: it {what}; give from_torch(..., build=) a function that builds "
            "an untrained one"
        )
    frozen = {n: one.detach().clone() for n, one in new.named_parameters() if not one.requires_grad}
    with torch.no_grad():
        for one in new.parameters():
            if one.requires_grad:
                one.fill_(float("nan"))
        for layer in reversed(
            list(new.modules())
        ):  # the parts of a layer before the layer, as they are built
            own = list(layer.parameters(recurse=False))
            reset = getattr(layer, "reset_parameters", getattr(layer, "_reset_parameters", None))
            if callable(reset) and (not own or any(one.requires_grad for one in own)):
                reset()
        for name, one in new.named_parameters():
            if name in frozen:
                one.copy_(frozen[name])
        left = [name for name, one in new.named_parameters() if one.requires_grad and torch.isnan(one).any()]
    if left:
        names = ", ".join(map(repr, left[:3])) + (", ..." if len(left) > 3 else "")
        raise NotApplicable(
            f"this model ({kind}) cannot be trained again: no reset_parameters() draws its {names}; give "
            "from_torch(..., build=) a function that builds an untrained one"
        )
    return new
