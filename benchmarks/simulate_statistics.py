"""Simulations behind the tables of docs/statistics.md: coverage, false alarms and power.

python benchmarks/simulate_statistics.py [--trials N] prints the tables as Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time

import numpy as np
from scipy import stats as scipy_stats

from auditkit import statistics as ak

BASES = (0.05, 0.1, 0.2, 0.35, 0.5)
GROUPS = (2, 3, 8, 40)
TRUE_GAP = 2.0
SIZES = (20, 50, 200, 1000, 5000, "20-5000")


def print_table(title: str, header: list[str], rows: list[list[object]]) -> None:
    print(f"\n### {title}\n\n| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print(
            "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) + " |"
        )


def sizes_of(kind: int | str, groups: int) -> np.ndarray:
    return (
        np.full(groups, kind) if isinstance(kind, int) else np.geomspace(20, 5000, groups).round().astype(int)
    )


def naive_low(rng: np.random.Generator, tables: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Lower end of the percentile bootstrap of max - min, for comparison: it is not valid."""
    rates = rng.binomial(n, tables / n, size=(300, *tables.shape)) / n
    return np.quantile(rates.max(-1) - rates.min(-1), 0.025, axis=0)


def gaps(rng: np.random.Generator, trials: int) -> None:
    rows = []
    for groups in GROUPS:
        for kind in SIZES:
            n = sizes_of(kind, groups)
            draws = trials if groups < 40 else trials // 2
            alarms, covered, ratio, power, naive = [], [], [], [], []
            for base in BASES:
                same = rng.binomial(n, base, size=(draws, groups))
                alarms.append((ak.gap_bounds(same, n)[1] > 0).mean())
                naive.append((naive_low(rng, same[:100], n) > 0).mean())
                true = base * np.linspace(0.5, 1, groups)
                tables = rng.binomial(n, true, size=(draws, groups))
                _, low, high = ak.gap_bounds(tables, n)
                covered.append(((low <= base / 2) & (base / 2 <= high)).mean())
                _, low, high = ak.ratio_bounds(tables, n)
                ratio.append(((low <= 0.5) & (high >= 0.5)).mean())
                true = np.full(groups, base)
                true[-1] = base + 0.2
                power.append((ak.gap_bounds(rng.binomial(n, true, size=(draws, groups)), n)[1] > 0).mean())
            spread = f"{min(power):.2f}-{max(power):.2f}"
            rows.append(
                [
                    groups,
                    kind,
                    float(min(naive)),
                    float(np.mean(alarms)),
                    float(max(alarms)),
                    float(min(covered)),
                    float(min(ratio)),
                    spread,
                ]
            )
    header = [
        "groups",
        "rows each",
        "naive bootstrap: false alarm, least",
        "false alarm, mean",
        "false alarm, most",
        "coverage of gap, least",
        "coverage of ratio, least",
        "power, 0.2 apart",
    ]
    print_table(
        f"Largest gap and smallest ratio over groups ({trials} tables, half for 40 groups)", header, rows
    )


def mean_gaps(rng: np.random.Generator, trials: int) -> None:
    rows = []
    kinds = {"normal": rng.standard_normal, "exponential": lambda k: rng.exponential(size=k) - 1}
    for groups, least, (name, draw) in itertools.product((2, 8, 40), (10, 100, 500), kinds.items()):
        n, spread = np.linspace(least, 10 * least, groups).astype(int), np.linspace(4, 1, groups)
        alarms = covered = 0
        for _ in range(trials):
            drawn = [s * draw(k) for s, k in zip(spread, n, strict=True)]
            apart = [v + TRUE_GAP * (i == groups - 1) for i, v in enumerate(drawn)]
            none, some = (
                ak.largest_mean_gap([v.sum() for v in vs], [(v * v).sum() for v in vs], n)
                for vs in (drawn, apart)
            )
            alarms += none.low > 0
            covered += some.low <= TRUE_GAP <= some.high
        rows.append([groups, f"{least}-{10 * least}", name, alarms / trials, covered / trials])
    header = ["groups", "rows each", "values", "false alarm", "coverage"]
    print_table(f"Largest gap of means, spread 4 to 1 ({trials} draws)", header, rows)


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
    gaps(rng, arguments.trials)
    mean_gaps(rng, few)
    aucs(rng, few)
    tprs(rng, few)
    bootstraps(rng, few)
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
