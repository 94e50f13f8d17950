"""How fast group rates, gaps and their intervals are, beside counting the same columns once, and beside fairlearn.

python benchmarks/bias.py [--rows N] [--replicates N] [--no-fairlearn] prints times and ratios.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.methods.fairness import rate_counts, rates
from auditkit.methods.tally import tally
from auditkit.statistics.simultaneous import bootstrap_gaps

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
)
GROUPINGS = (("sex",), ("race",), ("sex", "race"))


def table(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return labels, predictions, and two sensitive features as text columns of pandas."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    sex = rng.choice(["female", "male"], size=rows)
    race = rng.choice(["asian", "black", "indigenous", "other", "white"], size=rows)
    y = (rng.random(rows) < 0.4).astype(np.int64)
    said = (rng.random(rows) < np.where(y == 1, 0.7, 0.2)).astype(np.int64)
    return y, said, {"sex": pd.Series(sex), "race": pd.Series(race)}


def rate_of(name: str) -> Callable[[np.ndarray], np.ndarray]:
    def rate(counts: np.ndarray) -> np.ndarray:
        hits, trials = rate_counts(counts, name)
        return hits / trials

    return rate


def ours(y: np.ndarray, said: np.ndarray, features: dict[str, Any], replicates: int) -> dict[str, Any]:
    """Return six rates of every group with bootstrap intervals, and their largest gaps with simultaneous ones."""
    rng = np.random.default_rng(1)
    counted = tally(y, said, features)
    drawn = counted.drawn(replicates, rng)
    statistics = {name: rate_of(name) for name in METRICS}
    found = {}
    for names in GROUPINGS:
        counts = counted.by(*names)
        resampled = rates(drawn.by(*names))
        ends = {name: np.quantile(resampled[name], [0.025, 0.975], axis=0) for name in METRICS}
        gaps = bootstrap_gaps(counts, statistics, rng=rng, replicates=replicates)
        found[names] = (rates(counts), ends, gaps)
    return found


def one_pass(y: np.ndarray, said: np.ndarray, features: dict[str, Any]) -> np.ndarray:
    """Factorise the two features and count the rows of each group, truth and answer: what anyone must do at least."""
    import pandas as pd

    sex, race = (pd.factorize(column)[0] for column in features.values())
    return np.bincount(((sex * 5 + race) * 2 + y) * 2 + said)


def fairlearns(y: np.ndarray, said: np.ndarray, features: dict[str, Any]) -> dict[str, Any]:
    """Return the same rates and gaps by fairlearn's MetricFrame, without any interval."""
    import pandas as pd
    from fairlearn import metrics as fl
    from sklearn.metrics import accuracy_score, precision_score

    functions = {name: getattr(fl, name, None) for name in METRICS}
    functions |= {"precision": precision_score, "accuracy": accuracy_score}
    found = {}
    for names in GROUPINGS:
        groups = pd.DataFrame({name: features[name] for name in names})
        frame = fl.MetricFrame(metrics=functions, y_true=y, y_pred=said, sensitive_features=groups)
        found[names] = (frame.by_group, frame.difference(), frame.ratio())
    return found


def ranked(y: np.ndarray, scores: np.ndarray, features: dict[str, Any]) -> Any:
    """Return the evidence of AK105: every AUC by group and across groups, mean scores, gaps, all with intervals."""
    from auditkit.checks.bias import ranking_by_group
    from auditkit.predictors import from_predictions
    from auditkit.subject import Dataset, Subject

    subject = Subject("s", from_predictions(scores=scores, classes=[0, 1]), Dataset(None, y, features))
    return ranking_by_group(subject, rng=np.random.default_rng(0))


def ranked_by_scikit_learn(y: np.ndarray, scores: np.ndarray, features: dict[str, Any]) -> dict[str, float]:
    """Return the AUC of every group, and nothing else."""
    from sklearn.metrics import roc_auc_score

    found = {}
    for names in GROUPINGS:
        words = [f"{name}=" + features[name].astype(str) for name in names]
        groups = words[0] if len(words) == 1 else words[0] + ", " + words[1]
        for group in np.unique(groups):
            rows = (groups == group).to_numpy()
            found[group] = float(roc_auc_score(y[rows], scores[rows]))
    return found


def rank_metrics(y: np.ndarray, features: dict[str, Any]) -> None:
    rng = np.random.default_rng(2)
    scores = 1 / (1 + np.exp(-(y - 0.5 + rng.normal(size=len(y)))))
    rounds = [  # one after the other, so that a busy minute of the machine slows both
        best(lambda: ranked(y, scores, features), 1)
        + best(lambda: ranked_by_scikit_learn(y, scores, features), 1)
        for _ in range(3)
    ]
    took, other = min(one[0] for one in rounds), min(one[2] for one in rounds)
    _, evidence, _, theirs = rounds[0]
    for group, value in theirs.items():
        assert abs(evidence.measurement("auc", group).value - value) < 1e-9, group
    print(
        f"rank metrics with all intervals       {took:8.4f} s   {took / other:6.2f} times scikit-learn's AUC of each group alone"
    )


def best(run: Callable[[], Any], times: int) -> tuple[float, Any]:
    took, result = float("inf"), None
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        result = run()
        took = min(took, time.perf_counter() - start)
    return took, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--no-fairlearn", action="store_true")
    args = parser.parse_args()
    y, said, features = table(args.rows)
    ours(*table(1000), args.replicates)  # quantiles of the studentised range are computed once a process
    pair = [
        best(lambda: one_pass(y, said, features), 1)[0:1]
        + best(lambda: ours(y, said, features, args.replicates), 1)
        for _ in range(7)
    ]
    counting, full = min(p[0] for p in pair), min(p[1] for p in pair)
    found = pair[0][2]
    tracemalloc.start()
    ours(y, said, features, args.replicates)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = y.nbytes + said.nbytes + sum(column.memory_usage(deep=True) for column in features.values())
    print(f"{args.rows:,} rows; six rates by sex, race and both; {args.replicates:,} bootstrap replicates")
    print(f"one pass that factorises and counts   {counting:8.4f} s")
    print(f"auditkit, with all intervals          {full:8.4f} s   {full / counting:6.2f} times one pass")
    print(f"peak memory beside the columns        {peak / 1e6:8.0f} MB  {peak / size:6.2f} times the columns")
    rank_metrics(y, features)
    if not args.no_fairlearn:
        took, theirs = best(lambda: fairlearns(y, said, features), 1)
        print(f"fairlearn MetricFrame, no intervals   {took:8.4f} s   {took / full:6.0f} times auditkit")
        for names in GROUPINGS:
            for name in METRICS:
                apart = theirs[names][0][name].to_numpy() - found[names][0][name]
                assert np.abs(apart).max() < 1e-12, (names, name)
                assert abs(theirs[names][1][name] - found[names][2][name].value) < 1e-12
        print("all rates and differences agree to 1e-12")


if __name__ == "__main__":
    main()
