"""How fast the membership attacks are: RMIA by sorting beside all pairs, and LiRA over many reference models.

python benchmarks/membership.py [--rows N] [--pairs N] [--records N] [--references K] [--no-pairs] prints times and ratios.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.methods.lira import lira_offline, lira_online
from auditkit.methods.rmia import likelihood_ratio, rmia_offline, rmia_online

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = 4_000_000  # pairs held at a time


def probabilities(n: int) -> np.ndarray:
    """Two models' probabilities of n records and of n population records; every tenth tied to a coarse grid."""
    p = np.random.default_rng(0).uniform(0.01, 1, (4, n))
    p[:, ::10] = p[:, ::10].round(1).clip(0.1)
    return p


def all_pairs(p: np.ndarray, a: float, *, divided: bool) -> np.ndarray:
    """Compare every record with every population record, a block of pairs at a time; the same ratios.

    As published each pair is a ratio of two ratios, held against 1; comparing the two without dividing says the same.
    """
    ratio, bars = likelihood_ratio(p[0], p[1], a=a), likelihood_ratio(p[2], p[3], a=a)
    step = max(CELLS // bars.size, 1)
    counts = [
        np.count_nonzero(
            ratio[start : start + step, None] / bars >= 1
            if divided
            else ratio[start : start + step, None] >= bars,
            axis=1,
        )
        for start in range(0, ratio.size, step)
    ]
    return np.concatenate(counts) / bars.size


def best(run: Callable[[], Any], times: int) -> tuple[float, Any]:
    took, result = float("inf"), None
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        result = run()
        took = min(took, time.perf_counter() - start)
    return took, result


def rmia(rows: int) -> None:
    p = probabilities(rows)
    took = best(lambda: rmia_offline(*p, a=0.3), 3)[0]
    online = best(lambda: rmia_online(p[0], p[1], p[1], p[2], p[3]), 3)[0]
    tracemalloc.start()
    rmia_offline(*p, a=0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"RMIA, {rows:,} records against {rows:,}")
    print(f"  offline, sorted        {took:9.3f} s")
    print(f"  online, sorted         {online:9.3f} s")
    print(f"  peak memory beside the probabilities {peak / rows:6.0f} bytes a record")


def against_pairs(rows: int) -> None:
    p = probabilities(rows)
    ours, scores = best(lambda: rmia_offline(*p, a=0.3), 7)
    print(f"RMIA, {rows:,} records against {rows:,}")
    print(f"  sorted                           {ours:9.4f} s")
    for divided, how in ((True, "as published"), (False, "without dividing")):
        theirs, expected = best(lambda: all_pairs(p, 0.3, divided=divided), 1)  # noqa: B023 - called at once
        assert np.array_equal(scores, expected)
        print(f"  all pairs, {how:18}    {theirs:9.3f} s   {theirs / ours:6.0f} times")
    print("  all scores agree to the last bit")


def lira(records: int, references: int) -> None:
    rng = np.random.default_rng(0)
    signals, mask = rng.normal(size=(references, records)), rng.random((references, records)) < 0.5
    target = rng.normal(size=records)
    print(f"LiRA, {records:,} records and {references} reference models")
    for attack in (lira_online, lira_offline):
        for variance in ("fixed", "per_record"):
            took = best(lambda: attack(target, signals, mask, variance=variance), 3)[0]  # noqa: B023 - called at once
            print(f"  {attack.__name__:13} {variance:11}{took:9.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--references", type=int, default=256)
    parser.add_argument("--no-pairs", action="store_true")
    args = parser.parse_args()
    rmia(args.rows)
    if not args.no_pairs:
        against_pairs(args.pairs)
    lira(args.records, args.references)


if __name__ == "__main__":
    main()
