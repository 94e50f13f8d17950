"""Simulations behind docs/bias.md: how often the intervals of the bias checks are wrong, and what they find.

python benchmarks/simulate_bias.py [--trials N] [--only PART ...] [--write] prints the tables, or writes them into the page.
With --only the other tables of the page stay as they are.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks._common import Grouping
from auditkit.checks.bias._across import cross_aucs
from auditkit.checks.bias._sides import Side
from auditkit.statistics import (
    auc,
    bootstrap_gaps,
    effective_counts,
    gap_bounds,
    group_moments,
    largest_auc_gap,
    largest_calibration_gap,
    largest_distance,
    largest_gap,
    largest_mean_distance,
    largest_mean_gap,
    ratio_bounds,
    reliability,
    smallest_mean_ratio,
    smallest_ratio,
    smallest_ratio_to_overall,
    weighted_auc,
    welch_anova,
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


def _part(k: int, kind: int | str) -> int:
    """By how much fewer tables are drawn where they are large."""
    if kind == 5000:
        return 4 if k < 20 else 16
    return 4 if k < 20 else 8


def means(rng: np.random.Generator, trials: int) -> str:
    """Means of skewed values: false alarms of groups alike, of equal means with spreads of 4 to 1, and power."""
    rows = []
    for k in GROUPS:
        for kind in (20, 100, 500, 5000, "20-5000"):
            for shape, draw in SHAPES.items():
                n = sizes_of(kind, k)
                rows.append([k, kind, shape, *of_means(rng, n, draw, trials // _part(k, kind))])
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


def _missed(rng: np.random.Generator, low: float, high: float, size: int) -> np.ndarray:
    """Draw outcomes less the exact probabilities of them."""
    p = rng.uniform(low, high, size)
    return (rng.random(size) < p) - p


RARE: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "calibration, scores .01 to .03": lambda rng, size: _missed(rng, 0.01, 0.03, size),
    "calibration, scores .02 to .08": lambda rng, size: _missed(rng, 0.02, 0.08, size),
    "calibration, scores .15 to .2": lambda rng, size: _missed(rng, 0.15, 0.2, size),
    "Brier, scores .01 to .1": lambda rng, size: _missed(rng, 0.01, 0.1, size) ** 2,
    "scores of a tree, one leaf of 5%": lambda rng, size: np.where(
        rng.random(size) < 0.05, 0.9, 0.1 + 0.01 * rng.random(size)
    ),
    "target of one rare value in ten": lambda rng, size: (
        10.0 * (rng.random(size) < 0.1) + 0.05 * rng.standard_normal(size)
    ),
    "about two values, one in four": lambda rng, size: (rng.random(size) < 0.25) + 1e-6 * rng.random(size),
}
"""Values most of which lie close together: a small group that drew no other shows hardly any spread."""


def rare(rng: np.random.Generator, trials: int) -> str:
    """Means of rare events in small groups beside a large one: false alarms of the gap, the ratio, to all, and of Welch's test."""
    layouts = [(1, 20, 5000), (7, 20, 5000), (19, 20, 5000), (7, 50, 3000), (7, 100, 3000), (39, 20, 5000)]
    rows = []
    for small, few, many in layouts:
        n = np.r_[np.full(small, few), many]
        codes, draws = np.repeat(np.arange(n.size), n), trials // (4 if small < 39 else 16)
        for name, draw in RARE.items():
            off = np.zeros(4)
            for _ in range(draws):
                one = group_moments(draw(rng, codes.size), codes, n.size)
                variance, squares = one.spread / (n - 1), one.spread + one.mean**2 * n
                off += [
                    largest_mean_gap(one.mean * n, squares, n, skewness=one.skewness).low > 0,
                    smallest_mean_ratio(one.mean, variance, n, skewness=one.skewness).high < 1,
                    largest_mean_distance(one.mean, variance, n).low > 0,
                    welch_anova(one.mean, variance, n, skewness=one.skewness).p_value <= 0.05,
                ]
            rows.append([f"{small} of {few}, one of {many}", name, draws, *map(float, off / draws)])
    header = ["groups", "values", "tables", "false alarms, difference", "ratio", "to all", "Welch"]
    return markdown("Means of rare events", header, rows)


SIGMA = 1.0
"""Weights are log-normal with this spread of their logs: one row in twenty weighs more than five times the middle one."""


def ranked(
    rng: np.random.Generator, n: np.ndarray, off: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw scores, truth (three in ten) and groups; the last group's classes lie further apart by `off`."""
    codes = np.repeat(np.arange(n.size), n)
    truth = rng.random(codes.size) < 0.3
    apart = 1.0 + off * (codes == n.size - 1)
    return 1 / (1 + np.exp(-(apart * truth + rng.standard_normal(codes.size)))), truth, codes


def auc_gap(scores: np.ndarray, truth: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> float:
    parts = [codes == g for g in range(int(codes.max()) + 1)]
    each = [
        auc(scores[at], truth[at]) if weights is None else weighted_auc(scores[at], truth[at], weights[at])
        for at in parts
    ]
    return largest_auc_gap(each).p_value


def across(scores: np.ndarray, truth: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> float:
    grouping = Grouping("g", [str(g) for g in range(int(codes.max()) + 1)], codes)
    *_, gap = cross_aucs(Side("", scores, truth), weights, grouping, 0.95)
    return 1.0 if gap.p_value is None else gap.p_value


def ranking(rng: np.random.Generator, trials: int) -> str:
    """AUC within groups and across, plain and weighted: false alarms, and power."""
    rows = []
    for k in GROUPS:
        for kind in (20, 100, 500, 5000, "20-5000"):
            n = sizes_of(kind, k)
            draws = int(np.clip(trials * 4000 // int(n.sum()), trials // 25, trials // (8 if k < 20 else 16)))
            found = np.zeros(6)
            for _ in range(draws):
                alike, weights = ranked(rng, n), rng.lognormal(sigma=SIGMA, size=n.sum())
                p_values = [f(*alike, w) for f in (auc_gap, across) for w in (None, weights)]
                scores, truth, codes = ranked(rng, n, off=1.0)
                lower = scores * np.where(codes == k - 1, 0.6, 1.0)  # one group is ranked below the others
                p_values += [auc_gap(scores, truth, codes, None), across(lower, truth, codes, None)]
                found += np.array(p_values) <= 0.05
            rows.append([k, kind, draws, *map(float, found / draws)])
    header = ["groups", "records in each", "tables", "false alarms, AUC", "weighted", "AUC across groups", "weighted",
              "power, AUC 0.76 and one of 0.92", "power, one group ranked lower"]  # fmt: skip
    return markdown("AUC (DeLong, the interval inverted)", header, rows)


def calibration(rng: np.random.Generator, trials: int) -> str:
    """Differences in calibration: of the mean, and of the calibration error, exact and off alike; and power."""
    rows = []
    for k in GROUPS:
        for kind in (50, 200, 1000, "50-2000"):
            n = sizes_of(kind, k)
            draws = trials // (4 if k < 20 else 16)
            found = np.zeros(6)
            for _ in range(draws):
                codes = np.repeat(np.arange(k), n)
                scores = rng.uniform(0.2, 0.7, codes.size)
                weights = rng.lognormal(sigma=SIGMA, size=codes.size)
                exact, shifted, one = (
                    rng.random(codes.size) < scores + off for off in (0.0, 0.1, 0.15 * (codes == k - 1))
                )
                found += [
                    gap_of(exact - scores, codes, n) > 0,
                    error_gap(rng, scores, exact, codes) <= 0.05,
                    error_gap(rng, scores, shifted, codes) <= 0.05,
                    error_gap(rng, scores, exact, codes, weights) <= 0.05,
                    gap_of(one - scores, codes, n) > 0,
                    error_gap(rng, scores, one, codes) <= 0.05,
                ]
            rows.append([k, kind, draws, *map(float, found / draws)])
    header = ["groups", "records in each", "tables", "false alarms, in the large", "calibration error, exact scores",
              "all off by 0.1", "exact, weighted", "power for 0.15, in the large", "power for 0.15, calibration error"]  # fmt: skip
    return markdown("Calibration (largest of Welch's t; bootstrap of the bins)", header, rows)


def error_gap(
    rng: np.random.Generator,
    scores: np.ndarray,
    truth: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray | None = None,
) -> float:
    parts = [codes == g for g in range(int(codes.max()) + 1)]
    bins = [
        reliability(scores[at], truth[at], weights=None if weights is None else weights[at]) for at in parts
    ]
    return largest_calibration_gap(bins, rng=rng, replicates=300).p_value


def weighted(rng: np.random.Generator, trials: int) -> str:
    """Weighted rates: false alarms by the interval, also of weights that go along with the outcome, tests made, and power."""
    rows = []
    kinds: tuple[int | str, ...] = (20, 50, 100, 500, 5000, "20-5000")
    for k in GROUPS:
        for kind in kinds:
            n = sizes_of(kind, k)
            codes = np.repeat(np.arange(k), n)
            draws = int(np.clip(trials * 20_000 // codes.size, trials // 80, trials // 4))
            off, tested, power = np.zeros(5), 0, 0
            for _ in range(draws):
                weights = rng.lognormal(sigma=SIGMA, size=codes.size)
                rare, often = (rng.random(codes.size) < base for base in (0.1, 0.4))
                gaps = [
                    weighted_gap(said, codes, weights**power_of * np.exp(along * said), k)
                    for said in (rare, often)
                    for power_of, along in ((1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
                ]
                seen = np.array([gap[0] > 0 for gap in gaps])
                off += seen[[0, 3, 1, 2, 4]]
                tested += not np.isnan(gaps[1][1])
                one = rng.random(codes.size) < 0.4 + 0.2 * (codes == k - 1)
                power += weighted_gap(one, codes, weights, k)[0] > 0
            rows.append([k, kind, draws, *map(float, (*(off / draws), tested / draws)), power / draws])
    header = ["groups", "records in each", "tables", "false alarms, rate 0.1", "rate 0.4",
              "rate 0.1, weights along with the outcome", "the same of a smaller spread", "rate 0.4, along",
              "tests made", "power for 0.2"]  # fmt: skip
    return markdown("Weighted rates (effective sizes)", header, rows)


def weighted_gap(said: np.ndarray, codes: np.ndarray, weights: np.ndarray, k: int) -> tuple[float, float]:
    sums = [
        np.bincount(codes, part, minlength=k)
        for part in (weights * said, weights, weights**2 * said, weights**2)
    ]
    gap = largest_gap(*effective_counts(*sums, together=True))
    return gap.low, gap.p_value


PARTS = {one.__name__: one for one in (rates, counted, means, ranking, calibration, weighted, rare)}


def sections(text: str) -> dict[str, str]:
    """Return the tables of the page by their titles."""
    return {one.split("\n", 1)[0]: f"### {one.strip()}\n" for one in text.split("### ")[1:]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8000)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), help="make these tables alone"
    )
    parser.add_argument("--write", action="store_true", help="write the tables into docs/bias.md")
    args = parser.parse_args()
    start = time.perf_counter()
    tables = []
    for seed, (name, part) in enumerate(PARTS.items()):
        if name not in args.only:
            continue
        tables.append(part(np.random.default_rng([20240607, seed]), args.trials))
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    if args.write:
        before, rest = PAGE.read_text("utf-8").split(BEGIN)
        old, after = rest.split(END)
        whole = "\n".join((sections(old) | sections("\n".join(tables))).values())
        PAGE.write_text(f"{before}{BEGIN}\n\n{whole}\n{END}{after}", "utf-8")
    else:
        print("\n".join(tables))


if __name__ == "__main__":
    main()
