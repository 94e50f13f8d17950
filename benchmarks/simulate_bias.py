"""Simulations behind docs/bias.md: how often the intervals of the bias checks are wrong, and what they find.

python benchmarks/simulate_bias.py [--trials N] [--write] prints the tables, or writes them into the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditkit.statistics import gap_bounds, largest_mean_gap, ratio_bounds
from auditkit.statistics.comparisons import (
    largest_distance,
    largest_mean_distance,
    smallest_mean_ratio,
    smallest_ratio_to_overall,
)
from auditkit.statistics.simultaneous import bootstrap_gaps

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bias.md"
BEGIN, END = "<!-- simulated: begin -->", "<!-- simulated: end -->"
GROUPS = (2, 3, 8, 20, 40)
SIZES = (20, 100, 500, 5000)
BASES = (0.1, 0.3, 0.5)


def markdown(title: str, header: list[str], rows: list[list[object]]) -> str:
    cells = [[f"{c:.3f}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells)]
    return "\n".join([f"### {title}", "", *lines, ""])


def balanced(c: np.ndarray) -> np.ndarray:
    return (c[..., 3] / c[..., 2:].sum(-1) + c[..., 0] / c[..., :2].sum(-1)) / 2


def rates(rng: np.random.Generator, trials: int) -> str:
    """Largest gap, smallest ratio, and both to all records: false alarms (the worst base rate), coverage, power."""
    rows = []
    for k in GROUPS:
        for n in SIZES:
            size = np.full(k, n)
            draws = trials if k < 20 else trials // 2
            few = draws // 8
            alarm, whole, cover, ratio, power = [], [], [], [], []
            for base in BASES:
                same = rng.binomial(size, base, size=(draws, k))
                alarm.append((gap_bounds(same, size)[1] > 0).mean())
                whole.append(np.mean([largest_distance(x, size).low > 0 for x in same[: draws // 2]]))
                true = base * np.linspace(0.5, 1, k)
                drawn = rng.binomial(size, true, size=(draws, k))
                _, low, high = gap_bounds(drawn, size)
                cover.append(((low <= base / 2) & (base / 2 <= high)).mean())
                _, low, high = ratio_bounds(drawn, size)
                ratio.append(((low <= 0.5) & (high >= 0.5)).mean())
                to_all = [smallest_ratio_to_overall(x, size) for x in drawn[:few]]
                least = 0.5 / true.mean() * base
                ratio.append(np.mean([g.low <= least <= g.high for g in to_all]))
                true = np.full(k, base)
                true[-1] += 0.2
                drawn = rng.binomial(size, true, size=(draws, k))
                power.append((gap_bounds(drawn, size)[1] > 0).mean())
            spread = f"{min(power):.2f}-{max(power):.2f}"
            rows.append([k, n, *(float(f) for f in (max(alarm), max(whole), min(cover), min(ratio))), spread])
    header = [
        "groups",
        "records in each",
        "false alarms, between groups",
        "false alarms, to all",
        "coverage of the difference",
        "coverage of the ratios",
        "power for 0.2",
    ]
    return markdown("Rates", header, rows)


def counted(rng: np.random.Generator, trials: int) -> str:
    """Balanced accuracy, by bootstrap of the counts."""
    rows = []
    even, rare, worse = ([0.35, 0.15, 0.1, 0.4], [0.6, 0.2, 0.05, 0.15], [0.25, 0.25, 0.2, 0.3])
    for k in GROUPS:
        for n in SIZES[:3]:
            few = max(trials // (8 if k < 20 else 16), 20)

            def share(cells: list[list[float]], method: str, kind: str, few: int = few, n: int = n) -> float:
                found = 0
                for _ in range(few):
                    drawn = np.stack([rng.multinomial(n, one) for one in cells])
                    options = {"rng": rng, "replicates": 200, "method": method, "kind": kind}
                    gap = bootstrap_gaps(drawn, {"it": balanced}, **options)["it"]  # type: ignore[arg-type]
                    found += gap.low > 0 if kind == "difference" else gap.high < 1
                return found / few

            alarms = [
                max(share([cells] * k, method, kind) for cells in (even, rare))
                for method in ("between_groups", "to_overall")
                for kind in ("difference", "ratio")
            ]
            power = share([even] * (k - 1) + [worse], "between_groups", "difference")
            rows.append([k, n, *alarms, power])
    header = [
        "groups",
        "records in each",
        "false alarms, difference",
        "ratio",
        "difference to all",
        "ratio to all",
        "power for 0.2",
    ]
    return markdown("Balanced accuracy (bootstrap of the counts)", header, rows)


def means(rng: np.random.Generator, trials: int) -> str:
    """Means of a skewed value (gamma of shape 2), as absolute errors are."""
    rows = []
    for k in GROUPS:
        for n in SIZES[:3]:
            few = max(trials // (4 if k < 20 else 8), 20)

            def share(true: np.ndarray, judge: Callable[..., bool], few: int = few, n: int = n) -> float:
                found = 0
                for _ in range(few):
                    v = rng.gamma(2, size=(n, true.size)) * true / 2
                    found += judge(v.mean(0), v.var(0, ddof=1), np.full(true.size, n))
                return found / few

            def between(m: np.ndarray, v: np.ndarray, n: np.ndarray) -> bool:
                return largest_mean_gap(m * n, v * (n - 1) + m**2 * n, n).low > 0

            same, apart = np.ones(k), np.r_[np.ones(k - 1), 1.5]
            rows.append(
                [
                    k,
                    n,
                    share(same, between),
                    share(same, lambda m, v, n: smallest_mean_ratio(m, v, n).high < 1),
                    share(same, lambda m, v, n: largest_mean_distance(m, v, n).low > 0),
                    share(apart, between),
                ]
            )
    header = [
        "groups",
        "records in each",
        "false alarms, difference",
        "ratio",
        "to all",
        "power for one half more",
    ]
    return markdown("Means of skewed values", header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/bias.md")
    args = parser.parse_args()
    start = time.perf_counter()
    rng = np.random.default_rng(20240607)
    tables = "\n".join(part(rng, args.trials) for part in (rates, counted, means))
    if args.write:
        before, rest = PAGE.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}", "utf-8")
    else:
        print(tables)
    print(f"{args.trials} trials, {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
