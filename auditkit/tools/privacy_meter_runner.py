"""Runner: asks Privacy Meter 1.0.1 for its audits of given losses. Stand-alone; runs in Privacy Meter's own environment.

It is called with a folder. It reads ``in.npz`` there and writes ``figures.json`` and ``decisions.npz``.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["main"]

_PACKAGES = ("privacy-meter", "numpy", "scikit-learn", "scipy", "tensorflow", "torch", "opacus")
_COUNTS = ("tp", "fp", "tn", "fn")


def main(words: list[str]) -> None:
    """Run the audits on the losses in a folder, or, with ``--check``, import Privacy Meter and no more.

    Parameters
    ----------
    words : list of str
        The folder; then ``--check`` or nothing.

    Notes
    -----
    ``in.npz`` holds ``target`` of shape (n,), ``members`` of bool (n,), ``population`` (m,), ``references`` (k, n) and
    ``masks`` of bool (k, n), losses all but the masks: lower for members. ``threshold`` and ``audits`` are words.
    """
    import privacy_meter.audit
    import privacy_meter.hypothesis_test

    if words[1:] == ["--check"]:
        return
    folder = Path(words[0])
    with np.load(folder / "in.npz", allow_pickle=False) as file:
        given = {name: file[name] for name in file.files}
    order = np.argsort(~given["members"], kind="stable")  # members first, as Privacy Meter reports them
    threshold = getattr(privacy_meter.hypothesis_test, str(given["threshold"]))
    figures: dict[str, Any] = {}
    decisions: dict[str, Any] = {}
    for name in given["audits"].tolist():
        metric = _metric(name, given, order, threshold)
        result = _result(metric)
        figures[name] = _figures(result, metric)
        back = np.argsort(order)
        decisions[name] = np.atleast_2d(np.asarray(result.predicted_labels).astype(bool))[:, back]
        if result.predictions_proba is not None:
            decisions[f"{name}_score"] = np.asarray(result.predictions_proba, dtype=np.float64)[back]
    found = {"versions": {name: version(name) for name in _PACKAGES}, "audits": figures}
    (folder / "figures.json").write_text(json.dumps(found), "utf-8")
    np.savez_compressed(folder / "decisions.npz", **decisions)


def _metric(name: str, given: dict[str, Any], order: Any, threshold: Any) -> Any:
    """Return Privacy Meter's metric, with losses in place of models; records are known by their number."""
    from privacy_meter.information_source import InformationSource
    from privacy_meter.information_source_signal import ModelLoss
    from privacy_meter.metric import PopulationMetric, ReferenceMetric, ShadowMetric

    members = given["members"][order]
    target, references, masks = (
        given["target"][order],
        given["references"][:, order],
        given["masks"][:, order],
    )
    rows, n = np.arange(len(members)), len(members)
    records = _dataset(rows[members], rows[~members])
    asked = InformationSource(models=[_recorded(target)], datasets=[records])
    if name == "population":
        everyone = _recorded(np.concatenate([target, given["population"]]))
        others = InformationSource([everyone], [_dataset(n + np.arange(len(given["population"])), rows[:0])])
        return PopulationMetric(asked, others, [ModelLoss()], threshold)
    if name == "reference":
        # each record's losses under the models that did not see it; every record has as many of these
        out = references.T[~masks.T].reshape(n, -1).T
        models = [_recorded(losses) for losses in out]
        return ReferenceMetric(asked, InformationSource(models, [records]), [ModelLoss()], threshold)
    sets = [_dataset(rows[mask], rows[~mask]) for mask in masks]
    shadows = InformationSource([_recorded(losses) for losses in references], sets)
    return ShadowMetric(asked, shadows, [ModelLoss()], None)


def _result(metric: Any) -> Any:
    from privacy_meter.audit import Audit
    from privacy_meter.constants import InferenceGame

    audit = Audit([metric], InferenceGame.PRIVACY_LOSS_MODEL, save_logs=False)
    audit.prepare()
    found = audit.run()[0]
    return found[0] if isinstance(found, list) else found


def _figures(result: Any, metric: Any) -> dict[str, Any]:
    """Return what Privacy Meter says of itself: its area, accuracy and counts at each threshold it tried."""
    quantiles = getattr(metric, "quantiles", None)
    return {
        "named": str(result.metric_id),
        "auc": float(result.roc_auc),
        "accuracy": np.atleast_1d(result.accuracy).astype(float).tolist(),
        "asked": [] if quantiles is None else np.asarray(quantiles, dtype=float).tolist(),
        **{name: np.atleast_1d(getattr(result, name)).astype(int).tolist() for name in _COUNTS},
    }


def _dataset(train: Any, test: Any) -> Any:
    from privacy_meter.dataset import Dataset

    parts = {"train": {"x": train, "y": np.zeros(len(train))}, "test": {"x": test, "y": np.zeros(len(test))}}
    return Dataset(parts, default_input="x", default_output="y")


def _recorded(losses: Any) -> Any:
    """Return a model of Privacy Meter's kind whose answers are known already."""
    from privacy_meter.model import Model

    def get_loss(_self: Any, batch_samples: Any, _labels: Any, per_point: bool = True) -> Any:  # noqa: ARG001, FBT001, FBT002
        return losses[batch_samples]

    def absent(*_: Any, **__: Any) -> None:
        raise TypeError("only losses are known")

    parts = dict.fromkeys(("get_logits", "get_grad", "get_intermediate_outputs"), absent)
    return type("Recorded", (Model,), {"get_loss": get_loss, **parts})(None, None)


if __name__ == "__main__":
    main(sys.argv[1:])
