"""Simulations behind the tables of docs/statistics.md: coverage and power. Those of gaps over groups: simulate_bias.py.

python benchmarks/simulate_statistics.py [--trials N] prints the tables as Markdown.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np
from scipy import stats as scipy_stats

from auditkit import statistics as ak


def print_table(title: str, header: list[str], rows: list[list[object]]) -> None:
    print(f"\n### {title}\n\n| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print(
            "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) + " |"
        )


def proportions() -> None:
    rows = []
    rates = np.linspace(0.005, 0.995, 397)[:, None]
    for name, interval in (
        ("wilson", ak.wilson),
        ("clopper_pearson", ak.clopper_pearson),
        ("jeffreys", ak.jeffreys),
    ):
        for n in (20, 100, 1000):
            x = np.arange(n + 1)
            low, high = interval(x, n)
            covered = (scipy_stats.binom.pmf(x, n, rates) * ((low <= rates) & (rates <= high))).sum(1)
            rows.append([name, n, float(covered.min()), float(covered.mean()), float((high - low)[n // 2])])
    print_table(
        "One proportion, summed exactly over rates 0.005 to 0.995",
        ["interval", "n", "coverage, least", "coverage, mean", "width at one half"],
        rows,
    )


def two_samples(rng: np.random.Generator, trials: int) -> None:
    rows = []
    for p1, n1, p2, n2 in [
        (0.1, 50, 0.1, 50),
        (0.3, 50, 0.5, 200),
        (0.02, 500, 0.05, 500),
        (0.5, 20, 0.25, 5000),
    ]:
        a, b = rng.binomial(n1, p1, trials), rng.binomial(n2, p2, trials)
        low, high = ak.newcombe(a, n1, b, n2)
        difference = ((low <= p1 - p2) & (p1 - p2 <= high)).mean()
        low, high = ak.katz_ratio(a, n1, b, n2)
        defined = ~np.isnan(low)
        ratio = ((low <= p1 / p2) & (p1 / p2 <= high))[defined].mean()
        rows.append([f"{p1} of {n1}", f"{p2} of {n2}", float(difference), float(ratio)])
    print_table(f"Two proportions ({trials} draws)", ["first", "second", "newcombe", "katz_ratio"], rows)


def aucs(rng: np.random.Generator, trials: int) -> None:
    rows = []
    for m, n in ((20, 20), (50, 500), (200, 200)):
        labels = np.r_[np.ones(m), np.zeros(n)]
        for true in (0.5, 0.7, 0.9, 0.99):
            shift = math.sqrt(2) * scipy_stats.norm.ppf(true)
            results = [
                ak.auc(np.r_[rng.normal(shift, 1, m), rng.normal(0, 1, n)], labels) for _ in range(trials)
            ]
            covered = float(np.mean([r.low <= true <= r.high for r in results]))
            rows.append([m, n, true, covered, float(np.mean([r.low > 0.5 for r in results]))])
    print_table(
        f"AUC by DeLong ({trials} draws)",
        ["positives", "negatives", "true AUC", "coverage", "seen above 0.5"],
        rows,
    )


def tprs(rng: np.random.Generator, trials: int) -> None:
    rows = []
    for m, n, fpr in ((100, 100, 0.1), (1000, 1000, 0.01), (1000, 5000, 0.001)):
        labels = np.r_[np.ones(m), np.zeros(n)]
        at_threshold = at_fpr = fpr_covered = 0
        for _ in range(trials):
            point = ak.tpr_at_fpr(np.r_[rng.normal(1, 1, m), rng.normal(0, 1, n)], labels, fpr)
            at_threshold += point.low <= scipy_stats.norm.sf(point.threshold - 1) <= point.high
            fpr_covered += point.fpr_low <= scipy_stats.norm.sf(point.threshold) <= point.fpr_high
            at_fpr += point.low <= scipy_stats.norm.sf(scipy_stats.norm.isf(fpr) - 1) <= point.high
        rows.append([m, n, str(fpr), at_threshold / trials, fpr_covered / trials, at_fpr / trials])
    header = [
        "positives",
        "negatives",
        "FPR",
        "interval covers the TPR at the threshold found",
        "FPR interval covers",
        "interval covers the TPR at exactly this FPR",
    ]
    print_table(f"TPR at a fixed FPR ({trials} draws)", header, rows)


def bootstraps(rng: np.random.Generator, trials: int) -> None:
    def difference(counts: np.ndarray) -> np.ndarray:
        rates = counts[..., 1] / counts.sum(-1)
        return rates[..., 0] - rates[..., 1]

    rows = []
    for n in ((50, 50), (150, 250)):
        hits = dict.fromkeys(("percentile", "bca", "basic"), 0)
        for _ in range(trials):
            ones = rng.binomial(n, [0.7, 0.6])
            counts = np.stack([np.array(n) - ones, ones], axis=1)
            for method in hits:
                result = ak.bootstrap_counts(counts, difference, rng=rng, replicates=500, method=method)
                hits[method] += result.low <= 0.1 <= result.high
        rows.append([f"{n[0]} and {n[1]}", *(hits[method] / trials for method in hits)])
    print_table(
        f"Bootstrap of counts, a difference of rates ({trials} draws, 500 replicates)", ["rows", *hits], rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, start, few = (
        np.random.default_rng(arguments.seed),
        time.perf_counter(),
        max(arguments.trials // 6, 1),
    )
    proportions()
    two_samples(rng, arguments.trials)
    aucs(rng, few)
    tprs(rng, few)
    bootstraps(rng, few)
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
