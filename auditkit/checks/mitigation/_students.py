"""Students: teacher and student side by side, in size, in noise, in leakage, and in speed where that is asked for."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks._sweeps import space_of
from auditkit.checks.mitigation import _leakage as leakage
from auditkit.errors import NotApplicable
from auditkit.evidence import Table
from auditkit.methods import corruption
from auditkit.methods.structure import structure
from auditkit.predictors import Counted

if TYPE_CHECKING:
    from auditkit.checks.mitigation._attackers import Answered, Bench
    from auditkit.checks.mitigation._leakage import Path
    from auditkit.predictors import Predictor

__all__ = ["table"]

_NOISE = 0.1  # spreads of a column
_ROWS = 2_000  # asked with noise and without
_TIMINGS = 3
_UNKNOWN = math.nan


class _Noisy(NamedTuple):
    drop: float
    low: float
    high: float
    n: int


def table(
    bench: Bench, teacher: Answered, paths: list[Path], level: float, *, speed: bool
) -> dict[str, Table]:
    """Return the table of teacher and students; none where no student was trained."""
    models = [("teacher", teacher)] + [
        (path.name.replace("distillation on", "student of"), path.points[-1])
        for path in paths
        if path.name.startswith("distillation")
    ]
    if len(models) == 1:
        return {}
    sizes = [_parameters(one.model) for _, one in models]
    noisy = [_noise(bench, one.model, level) for _, one in models]
    areas = [leakage.strongest(one, bench.yard, level) for _, one in models]
    columns: dict[str, tuple[object, ...]] = {
        "model": tuple(name for name, _ in models),
        "attack_auc": tuple(value for _, value, _ in areas),
        "attack_auc_low": tuple(ends[0] for _, _, ends in areas),
        "attack_auc_high": tuple(ends[1] for _, _, ends in areas),
        "accuracy": tuple(float(one.right.mean()) for _, one in models),
        "parameters": tuple(sizes),
        "accuracy_drop_noise": tuple(one.drop for one in noisy),
        "noise_low": tuple(one.low for one in noisy),
        "noise_high": tuple(one.high for one in noisy),
        "noise_n": tuple(one.n for one in noisy),
    }
    labels = {
        "model": "Model",
        "attack_auc": "AUC of the strongest attack",
        "accuracy": "Accuracy",
        "parameters": "Numbers fitted",
        "accuracy_drop_noise": f"Accuracy lost to noise of {_NOISE:g} spreads",
        "noise_n": "records",
    }
    if speed:
        spent = [_seconds(bench, one.model) for _, one in models]
        columns["times_as_fast"] = tuple(spent[0] / max(one, 1e-9) for one in spent)
        labels["times_as_fast"] = "Rows a second, times those of the teacher"
    told = "; ".join(
        f"{name}: AUC {value:.3f}, {_count(size)} numbers fitted"
        for (name, _), (_, value, _), size in zip(models, areas, sizes, strict=True)
    )
    return {"students": Table("Teacher and students", columns, "plain", labels, f"{told}.")}


def _parameters(model: Predictor) -> float:
    try:
        return float(structure(model.estimator, 1).parameters)  # the count does not depend on the rows
    except NotApplicable:
        return _UNKNOWN


def _noise(bench: Bench, model: Predictor, level: float) -> _Noisy:
    """Ask a model about rows with noise and without; the noise is the same for every model."""
    codec, space = space_of(bench.subject)
    if not corruption.applicable("noise", space).any():
        return _Noisy(_UNKNOWN, _UNKNOWN, _UNKNOWN, 0)
    rng = np.random.default_rng(bench.seeds[0])
    test = bench.subject.test
    drawn = common.draw(len(test), _ROWS, rng)
    X, y = codec.encode(test.X.iloc[drawn]), test.y[drawn]
    asked = Counted(model)
    was = asked.predict(codec.decode(X)) == y
    now = asked.predict(codec.decode(corruption.noise(X, space, rng, _NOISE))) == y
    bench.audited.model.also(asked.cost())
    lost, won, n = int((was & ~now).sum()), int((~was & now).sum()), len(y)
    low, high = statistics.paired_difference(lost, won, n, level)
    return _Noisy((lost - won) / n, float(low), float(high), n)


def _seconds(bench: Bench, model: Predictor) -> float:
    """Return the quickest of a few timings of all held-out rows."""
    spent = []
    for _ in range(_TIMINGS):
        start = time.perf_counter()
        model.predict_proba(bench.subject.test.X)
        spent.append(time.perf_counter() - start)
    return min(spent)


def _count(size: float) -> str:
    return "an unknown number of" if math.isnan(size) else f"{size:,.0f}"
