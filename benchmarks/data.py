"""Data: how long schema and quality of a million records of 20 columns take, in seconds of one core."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

from auditkit.checks.tables import table_quality, table_schema
from auditkit.scanning.tables.schema import draft_schema
from auditkit.targets.table import Table


def records(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return numbers, categories with missing values, days, and text of which most values differ."""
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    return pd.DataFrame(
        {
            **{f"number {i}": rng.normal(size=n) for i in range(6)},
            **{f"whole {i}": rng.integers(0, 100, n) for i in range(6)},
            **{
                f"category {i}": rng.choice(np.array(["a", "b", "c", None], dtype=object), n)
                for i in range(6)
            },
            "day": days,
            "text": np.char.add("x", rng.integers(0, 10**6, n).astype(str)),
        }
    )


def main(n: int = 1_000_000) -> None:
    """Print what each takes."""
    rng = np.random.default_rng(0)
    frame = records(n, rng)
    start = time.process_time()
    schema = draft_schema(frame)
    print(f"{'drafting a schema':<24}{time.process_time() - start:6.1f} s")
    table: Any = Table("big", frame, sensitive=["category 0", "category 1"], schema=schema, digest="0" * 64)
    for check in (table_schema, table_quality):
        start = time.process_time()
        check(table, rng=rng)
        print(f"{check.__name__:<24}{time.process_time() - start:6.1f} s")


if __name__ == "__main__":
    main()
