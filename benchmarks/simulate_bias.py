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

from auditkit.statistics import (
    bootstrap_gaps,
    gap_bounds,
    group_moments,
    largest_distance,
    largest_gap,
    largest_mean_distance,
    largest_mean_gap,
    ratio_bounds,
    smallest_mean_ratio,
    smallest_ratio,
    smallest_ratio_to_overall,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bias.md"
BEGIN, END = "<!-- simulated: begin -->", "<!-- simulated: end -->"
GROUPS = (2, 3, 8, 20, 40)
BASES = (0.05, 0.1, 0.3, 0.5)
CHUNK = 500


def markdown(title: str, header: list[str], rows: list[list[object]]) -> str:
    cells = [[f"{c:.3f}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells)]
    return "\n".join([f"### {title}", "", *lines, ""])


def sizes_of(kind: int | str, groups: int) -> np.ndarray:
    if isinstance(kind, int):
        return np.full(groups, kind)
    return np.geomspace(*map(int, kind.split("-")), groups).round().astype(int)


def naive(rng: np.random.Generator, x: np.ndarray, n: np.ndarray) -> float:
    """How often the percentile bootstrap of max - min leaves out 0, for comparison: it is not valid."""
    drawn = rng.binomial(n, x / n, size=(300, *x.shape)) / n
    return float((np.quantile(drawn.max(-1) - drawn.min(-1), 0.025, axis=0) > 0).mean())


def found(
    rng: np.random.Generator, tables: np.ndarray, n: np.ndarray, replicates: int = 4999
) -> tuple[float, float]:
    """How often the intervals of the largest gap and of the smallest ratio leave out "no gap"."""
    gaps = ratios = 0
    for part in np.array_split(tables, max(len(tables) // CHUNK, 1)):
        # where the bounds of all pairs do not exclude it, the checks' interval does not either
        for x in part[gap_bounds(part, n)[1] > 0]:
            gap = largest_gap(x, n, rng=rng, replicates=replicates)
            gaps += gap.low > 0
            ratios += smallest_ratio(x, n, tested=gap).high < 1
    return gaps / len(tables), ratios / len(tables)


def covered(rng: np.random.Generator, base: float, n: np.ndarray, trials: int) -> tuple[float, float, float]:
    """How often the true difference and the true ratios, between groups and to all, lie in their intervals."""
    true = base * np.linspace(0.5, 1, n.size)
    tables = rng.binomial(n, true, size=(trials, n.size))
    _, low, high = gap_bounds(tables, n)
    _, least, most = ratio_bounds(tables, n)
    overall = float((n * true).sum() / n.sum())
    off = min((true / overall).min(), (overall / true).min())
    to_all = [smallest_ratio_to_overall(x, n) for x in tables if x.any()]  # else the ratio is undefined
    return (
        float(((low <= base / 2) & (base / 2 <= high)).mean()),
        float(((least <= 0.5) & (most >= 0.5)).mean()),
        float(np.mean([g.low <= off <= g.high for g in to_all])),
    )


def rates(rng: np.random.Generator, trials: int) -> str:
    """Largest gap, smallest ratio, and both to all records: false alarms (the worst base rate), coverage, power."""
    rows = []
    for k in GROUPS:
        for kind in (20, 100, 500, 5000, "20-5000"):
            n = sizes_of(kind, k)
            alarms, bounds, whole, wrong, cover, power = [], [], [], [], [], []
            for base in BASES:
                same = rng.binomial(n, base, size=(trials, k))
                alarms += found(rng, same, n)
                bounds.append(np.mean([gap_bounds(x, n)[1] > 0 for x in np.split(same, 8)]))
                off = [largest_distance(x, n, rng=rng) for x in same[: trials // 2]]
                whole.append(np.mean([gap.low > 0 for gap in off]))
                wrong.append(naive(rng, same[:100], n))
                cover.append(covered(rng, base, n, trials // 4))
                true = np.full(k, base)
                true[-1 if isinstance(kind, int) else k // 2] += 0.2
                power.append(found(rng, rng.binomial(n, true, size=(trials // 8, k)), n, 999)[0])
            least = np.min(cover, axis=0)
            spread = f"{min(power):.2f}-{max(power):.2f}"
            numbers = (min(wrong), max(bounds), max(alarms), max(whole), least[0], least[1:].min())
            rows.append([k, kind, *(float(one) for one in numbers), spread])
    header = [
        "groups",
        "records in each",
        "naive bootstrap, least",
        "bounds alone",
        "false alarms, between groups",
        "false alarms, to all",
        "coverage of the difference",
        "coverage of the ratios",
        "power for 0.2",
    ]
    return markdown("Rates", header, rows)


def balanced(c: np.ndarray) -> np.ndarray:
    return (c[..., 3] / c[..., 2:].sum(-1) + c[..., 0] / c[..., :2].sum(-1)) / 2


def counted(rng: np.random.Generator, trials: int) -> str:
    """Balanced accuracy, by bootstrap of the counts."""
    rows = []
    even, rare, worse = ([0.35, 0.15, 0.1, 0.4], [0.6, 0.2, 0.05, 0.15], [0.25, 0.25, 0.2, 0.3])

    def share(n: int, cells: list[list[float]], method: str, kind: str, draws: int) -> float:
        off = 0
        for _ in range(draws):
            drawn = np.stack([rng.multinomial(n, one) for one in cells])
            options = {"rng": rng, "replicates": 200, "method": method, "kind": kind}
            gap = bootstrap_gaps(drawn, {"it": balanced}, **options)["it"]  # type: ignore[arg-type]
            off += gap.low > 0 if kind == "difference" else gap.high < 1
        return off / draws

    for k in GROUPS:
        for n in (20, 100, 500):
            alarms = [
                max(share(n, [cells] * k, method, kind, trials // part) for cells in (even, rare))
                for method, kind, part in (
                    ("between_groups", "difference", 4),
                    ("between_groups", "ratio", 16),
                    ("to_overall", "difference", 16),
                    ("to_overall", "ratio", 16),
                )
            ]
            power = share(n, [even] * (k - 1) + [worse], "between_groups", "difference", trials // 16)
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


SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "gamma": lambda rng, size: rng.gamma(2, size=size) / 2,
    "lognormal": lambda rng, size: np.exp(rng.standard_normal(size) - 0.5),
    "squared normal": lambda rng, size: rng.standard_normal(size) ** 2,
}
"""Values of mean 1: absolute errors behave about as the first, squared errors as the last."""


def means(rng: np.random.Generator, trials: int) -> str:
    """Means of skewed values: false alarms of groups alike, of equal means with spreads of 4 to 1, and power."""
    rows = []
    for k in GROUPS:
        for kind in (20, 100, 500, "20-500"):
            for shape, draw in SHAPES.items():
                n = sizes_of(kind, k)
                rows.append([k, kind, shape, *of_means(rng, n, draw, trials // (4 if k < 20 else 8))])
    header = [
        "groups",
        "records in each",
        "values",
        "false alarms, difference",
        "ratio",
        "to all",
        "difference, spreads of 4 to 1",
        "power for one half more",
    ]
    return markdown("Means of skewed values", header, rows)


def of_means(
    rng: np.random.Generator, n: np.ndarray, draw: Callable[..., np.ndarray], trials: int
) -> list[float]:
    k, codes = n.size, np.repeat(np.arange(n.size), n)
    spread, more = np.linspace(4, 1, k)[codes], np.r_[np.ones(k - 1), 1.5][codes]
    off = np.zeros(5)
    for _ in range(trials):
        values = draw(rng, codes.size)
        one = group_moments(values, codes, k)
        given = one.mean, one.spread / (n - 1), n
        off += [
            gap_of(values, codes, n) > 0,
            smallest_mean_ratio(*given, skewness=one.skewness).high < 1,
            largest_mean_distance(*given).low > 0,
            gap_of(spread * (values - 1), codes, n) > 0,
            gap_of(more * values, codes, n) > 0,
        ]
    return [float(share) for share in off / trials]


def gap_of(values: np.ndarray, codes: np.ndarray, n: np.ndarray) -> float:
    one = group_moments(values, codes, n.size)
    squares = one.spread + one.mean**2 * n
    return largest_mean_gap(one.mean * n, squares, n, skewness=one.skewness).low


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8000)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/bias.md")
    args = parser.parse_args()
    start = time.perf_counter()
    tables = []
    for seed, part in enumerate((rates, counted, means)):
        tables.append(part(np.random.default_rng([20240607, seed]), args.trials))
        print(f"{part.__name__}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    whole = "\n".join(tables)
    if args.write:
        before, rest = PAGE.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n\n{whole}\n{END}{after}", "utf-8")
    else:
        print(whole)


if __name__ == "__main__":
    main()
