"""What explanations cost beside shap, in the same run: trees read exactly, and models that can only be asked.

python benchmarks/explainability.py [--part trees asked] [--models lightgbm ...] [--games paths background] [--rows N] [--background N]
    [--asked-rows N] [--seed N] [--json FILE]
`asked` sets auditkit beside `shap.Explainer` at the same measured error (`_explainability_asked.py`). `trees` sets tables of leaves beside
`shap.TreeExplainer` on the same trees and rows, and prints how many times the seconds shap.TreeExplainer takes for as many rows, wall and CPU, and the largest difference of a
value. shap's seconds grow with the rows, one after the other, so that it is given some of them (`--asked-rows`, by default as many as a
pilot says it explains in 15 seconds) and its seconds a row are multiplied; building its explainer is outside its clock, reading the trees is
inside auditkit's. Rows lie on a grid of 1/64, where single and double precision agree. CPU seconds are of all threads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _explainability_asked as asked
import numpy as np

import auditkit as ak
from auditkit.errors import NotApplicable
from auditkit.methods.attributions import tree_shapley
from auditkit.methods.trees import read_trees

PARTS = ("trees", "asked")
MODELS = ("lightgbm", "xgboost", "histogram", "forest-8", "forest")
GAMES = {"paths": "tree_path_dependent", "background": "interventional"}
PILOT, ASKED_SECONDS = 16, 15.0


@dataclass(frozen=True)
class Line:
    """auditkit against shap on one model."""

    model: str
    game: str
    leaves: int
    rows: int
    shap_rows: int
    wall: float  # auditkit's seconds for all rows
    cpu: float
    shap_wall: float  # shap's for as many, from those it was given
    shap_cpu: float
    times_wall: float
    times_cpu: float
    difference: float  # largest, of a value
    misses: float  # auditkit's additivity error, largest
    shap_misses: float


def made(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 20 columns on a grid of 1/64, and two classes."""
    from sklearn.datasets import make_classification

    X, y = make_classification(n, 20, n_informative=10, n_redundant=4, random_state=seed)
    return np.round(X * 64) / 64, y


def model_of(name: str, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    if name == "lightgbm":
        import lightgbm

        return lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, random_state=seed)
    if name == "xgboost":
        import xgboost

        return xgboost.XGBClassifier(n_estimators=100, max_depth=6, random_state=seed)
    if name == "histogram":
        return HistGradientBoostingClassifier(max_iter=100, random_state=seed)
    if name == "forest-8":
        return RandomForestClassifier(100, max_depth=8, random_state=seed)
    # as deep as the rows allow; few trees, since either side's seconds grow with them
    return RandomForestClassifier(4, random_state=seed)


def timed(work: Any) -> tuple[Any, float, float]:
    """Return what the work gives, and its seconds, wall and CPU."""
    start = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - start[0], time.process_time() - start[1]


def by_shap(
    model: Any, game: str, X: np.ndarray, background: np.ndarray, asked: int | None
) -> tuple[Any, Any, int, float, float]:
    """Return values, base, rows and seconds of shap for some rows."""
    import shap

    behind = background if game == "background" else None
    explainer = shap.TreeExplainer(model, behind, feature_perturbation=GAMES[game])

    def on(n: int) -> tuple[Any, float, float]:
        return timed(lambda: explainer.shap_values(X[:n], check_additivity=False))

    if asked is None:
        pilot = on(PILOT)
        asked = int(np.clip(PILOT * ASKED_SECONDS / pilot[1], PILOT, len(X)))
    values, wall, cpu = on(asked)
    values, base = np.asarray(values), np.ravel(explainer.expected_value)
    # of the two mirrored classes of a forest the second
    return values[..., -1] if values.ndim == 3 else values, base[-1], asked, wall, cpu


def compared(name: str, game: str, X: np.ndarray, y: np.ndarray, args: argparse.Namespace) -> Line:
    """Explain the same rows both ways."""
    model = model_of(name, args.seed).fit(X[: args.train], y[: args.train])
    rows, behind = X[args.train :], X[: args.background]

    def ours() -> Any:
        trees = read_trees(model)
        return trees, tree_shapley(trees, rows, behind if game == "background" else None)

    (trees, found), wall, cpu = timed(ours)
    theirs, base, asked, shap_wall, shap_cpu = by_shap(model, game, rows, behind, args.asked_rows)
    own, said = found.values[:asked, :, -1], trees.scores(rows[:asked])[:, -1]
    whole = len(rows) / asked
    return Line(
        model=name,
        game=game,
        leaves=sum(len(tree.leaves) for tree in trees.trees),
        rows=len(rows),
        shap_rows=asked,
        wall=wall,
        cpu=cpu,
        shap_wall=shap_wall * whole,
        shap_cpu=shap_cpu * whole,
        times_wall=shap_wall * whole / wall,
        times_cpu=shap_cpu * whole / cpu,
        difference=float(np.abs(own - theirs).max()),
        misses=float(np.abs(own.sum(axis=1) + found.base[-1] - said).max()),
        # what the library adds to the trees is in its base value
        shap_misses=float(np.ptp(theirs.sum(axis=1) + base - said)),
    )


def markdown(lines: list[Line]) -> str:
    header = ["model", "not known", "leaves", "rows", "auditkit, s", "CPU", "shap's rows", "shap, s", "CPU", "times as fast, wall", "CPU",
              "largest difference", "misses", "shap's"]  # fmt: skip
    cells = [
        [one.model, one.game, f"{one.leaves:,}", f"{one.rows:,}", f"{one.wall:.1f}", f"{one.cpu:.1f}", f"{one.shap_rows:,}",
         f"{one.shap_wall:,.0f}", f"{one.shap_cpu:,.0f}", f"{one.times_wall:.0f}", f"{one.times_cpu:.0f}", f"{one.difference:.1g}",
         f"{one.misses:.1g}", f"{one.shap_misses:.1g}"]
        for one in lines
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells))


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--games", nargs="+", choices=list(GAMES), default=list(GAMES))
    parser.add_argument("--rows", type=int, default=100_000, help="explained")
    parser.add_argument("--train", type=int, default=20_000, help="rows that a model is fitted to")
    parser.add_argument("--background", type=int, default=100)
    parser.add_argument("--asked-rows", type=int, help="explained by shap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    return parser.parse_args(words)


def main() -> None:
    warnings.filterwarnings("ignore", message="LightGBM binary classifier with TreeExplainer")
    args = arguments()
    whole: dict[str, Any] = {}
    if "asked" in args.part:
        lines, exact = asked.run(background=args.background)
        whole["asked"] = [asdict(one) for one in lines]
        whole["every_set"] = [asdict(one) for one in exact]
        print(asked.table(lines, exact), end="\n\n")
    if "trees" in args.part:
        whole |= of_trees(args)
    if args.json:
        args.json.write_text(json.dumps(whole, indent=1), "utf-8")


def of_trees(args: argparse.Namespace) -> dict[str, Any]:
    """Compare tables of leaves with shap.TreeExplainer, print the table and return it."""
    X, y = made(args.train + args.rows, args.seed)
    lines = []
    for name in args.models:
        for game in args.games:
            try:
                lines.append(compared(name, game, X, y, args))
            except NotApplicable as error:
                print(f"{name}, {game}: left to shap, {error}", file=sys.stderr, flush=True)
                continue
            print(markdown(lines[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    names = ("numpy", "scikit-learn", "lightgbm", "xgboost", "shap")
    told = ", ".join([f"auditkit {ak.__version__}", *(f"{name} {version(name)}" for name in names)])
    made_by = (
        f"Made by `python benchmarks/explainability.py --rows {args.rows} --train {args.train} "
        f"--background {args.background} --seed {args.seed}`, with {told}."
    )
    print(f"{made_by}\n\n{markdown(lines)}")
    return {"made": made_by, "trees": [asdict(one) for one in lines]}


if __name__ == "__main__":
    main()
