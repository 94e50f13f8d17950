"""What attacks at decision time find and cost: auditkit's label-only search beside ART's HopSkipJump, and its gradient attacks.

python benchmarks/robustness.py [--part labels|pgd|found|all] [--rows N] [--iterations K ...] [--data adult ...] [--models forest ...]
    [--ways sparing full] [--shares 1] [--repeats N] [--seed N] [--json FILE] [--write]
prints the tables of docs/robustness.md, or writes them into it. The parts:

- ``labels`` gives ratios, auditkit's over ART's, on the same rows and models in the same run: of the median distance, of the queries spent, and how
  many times the time. ART starts each row at the training row nearest to it that is decided otherwise; the starts are found outside its clock.
  auditkit is given at most the queries that ART spent (or a share of them, to see what it needs), and finds its starts within them. It is
  run twice: "full" spends what it is given; "sparing" looks along lines with a third of the candidates, and lets a row rest that came no
  nearer than 2% over 100 queries of its walk. Its time is the median of so many repeats, ART's (a hundred times as long) that of one run.
  All columns are numbers, standardised, and free within the training range; distances are l2.
- ``pgd`` and ``found`` are described in `_robustness_gradients`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import auditkit as ak
from auditkit.methods import evasion
from auditkit.methods.feature_space import FeatureSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = ("adult", "cancer", "made")
MODELS = ("forest", "boosted", "logistic", "network", "svm")
MOST_CALLS = 250
WAYS = ("sparing", "full")
PATIENCE, TOLERANCE = 100, 0.02
PARTS = ("labels", "pgd", "found")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "robustness.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NEEDS = "the part labels needs ART: pip install --no-deps adversarial-robustness-toolbox six tqdm setuptools; or type --part pgd"


@dataclass(frozen=True)
class Run:
    """What one attack achieved, and at what cost."""

    distance: np.ndarray
    queries: float  # a row
    calls: int
    wall: float
    cpu: float


@dataclass(frozen=True)
class Line:
    """auditkit's over ART's on one model."""

    data: str
    model: str
    columns: int
    rows: int
    way: str
    queries: float  # ART's, a row
    share: float  # of them that auditkit was given
    queries_ratio: float
    calls: int
    art_calls: int
    distance_ratio: float
    distance_low: float
    distance_high: float
    nearer: float  # share of rows on which auditkit's distance is the shorter one
    times_wall: float
    times_cpu: float


class Target:
    """A model behind standardised numbers, and how often and about how many rows it was asked."""

    def __init__(self, model: Any, centre: pd.Series, spread: pd.Series) -> None:
        self.model, self.columns = model, list(centre.index)
        self.centre, self.spread = centre.to_numpy(), spread.to_numpy()
        self.calls = self.rows = 0

    def labels(self, Z: np.ndarray) -> np.ndarray:
        """Return the classes of standardised rows (m, d), in one call of ``predict``."""
        self.calls, self.rows = self.calls + 1, self.rows + len(Z)
        frame = pd.DataFrame(np.asarray(Z, dtype=float) * self.spread + self.centre, columns=self.columns)
        return np.asarray(self.model.predict(frame)).astype(int)

    def fresh(self) -> Target:
        self.calls = self.rows = 0
        return self


def table(name: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return numbers and two classes."""
    from sklearn.datasets import load_breast_cancer, make_classification

    if name == "adult":
        whole = ak.data.load_adult()[0]
        X = whole.X.select_dtypes("number").astype(float)
        return X.iloc[:8000], (whole.y[:8000] == ">50K").astype(int)
    if name == "cancer":
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        return X, y.to_numpy()
    X, y = make_classification(6000, 20, n_informative=10, n_redundant=4, random_state=seed)
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(20)]), y


def model_of(name: str) -> Any:
    """Return an untrained forest, or a pipeline that chooses, scales and classifies."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if name == "forest":
        return RandomForestClassifier(100, random_state=0)
    last = {
        "boosted": HistGradientBoostingClassifier(random_state=0),
        "logistic": LogisticRegression(max_iter=1000),
        "network": MLPClassifier((64, 32), random_state=0),
        "svm": SVC(random_state=0),
    }[name]
    return make_pipeline(
        make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number"))), last
    )


def ours(
    target: Target, X: np.ndarray, pool: np.ndarray, space: FeatureSpace, queries: float, way: str, seed: int
) -> Run:
    """Search within so many queries a row, starts and first look included."""
    n, sparing = len(X), way == "sparing"
    calls = int(np.clip((1.5 if sparing else 2.0) * np.sqrt(queries), 20, MOST_CALLS))
    proposals = max(2, int((queries - 3 - len(pool) / n) / (calls - 4)))
    options = {"narrow": max(2, proposals // 3), "patience": PATIENCE, "tolerance": TOLERANCE}
    target.fresh()
    start = time.perf_counter(), time.process_time()
    y = target.labels(X)
    found = evasion.decision_search(
        target.labels, X, y, space, pool, rng=np.random.default_rng(seed), max_calls=calls - 1,
        proposals=proposals, **(options if sparing else {}),
    )  # fmt: skip
    took = time.perf_counter() - start[0], time.process_time() - start[1]
    return Run(found.distance, target.rows / n, target.calls, *took)


def repeated(run: Callable[[], Run], repeats: int) -> Run:
    """Return one run, which is the same each time, with the medians of its times."""
    runs = [run() for _ in range(repeats)]
    return replace(
        runs[0],
        wall=float(np.median([one.wall for one in runs])),
        cpu=float(np.median([one.cpu for one in runs])),
    )


def arts(
    target: Target, X: np.ndarray, pool: np.ndarray, ends: tuple[float, float], iterations: int, seed: int
) -> Run:
    """Run ART's HopSkipJump; its rows are asked again before they count."""
    from art.attacks.evasion import HopSkipJump
    from art.estimators.classification import BlackBoxClassifier

    y, others = target.labels(X), target.labels(pool)
    starts = np.stack([nearest(row, pool[others != label]) for row, label in zip(X, y, strict=True)])
    np.random.seed(seed)  # noqa: NPY002  # ART takes no generator
    model = BlackBoxClassifier(lambda Z: np.eye(2)[target.labels(Z)], (X.shape[1],), 2, clip_values=ends)
    attack = HopSkipJump(model, norm=2, max_iter=iterations, verbose=False)
    target.fresh()
    start = time.perf_counter(), time.process_time()
    rows = attack.generate(X.astype(np.float32), x_adv_init=starts.astype(np.float32)).astype(float)
    took = time.perf_counter() - start[0], time.process_time() - start[1]
    asked, calls = target.rows, target.calls
    far = np.where(target.labels(rows) != y, np.linalg.norm(rows - X, axis=1), np.inf)
    return Run(far, asked / len(X), calls, *took)


def nearest(row: np.ndarray, among: np.ndarray) -> np.ndarray:
    return among[np.linalg.norm(among - row, axis=1).argmin()]


def compared(data: str, name: str, iterations: int, args: argparse.Namespace) -> Iterator[Line]:
    """Attack the same rows of one model by ART and by auditkit, with each share of ART's queries and each way to spend them."""
    rows, seed = args.rows, args.seed
    X, y = table(data, seed)
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X.iloc[order].reset_index(drop=True), y[order]
    half = min(len(X) // 2, 3000)
    train, held = X.iloc[:half], X.iloc[half : half + rows]
    target = Target(model_of(name).fit(train, y[:half]), train.mean(), train.std(ddof=0))
    pool, Z = ((part.to_numpy() - target.centre) / target.spread for part in (train[:1000], held))
    everything = (train.to_numpy() - target.centre) / target.spread
    low, high = everything.min(), everything.max()
    d = Z.shape[1]
    space = FeatureSpace(
        target.columns, ["continuous"] * d, np.full(d, low), np.full(d, high), np.zeros(d), np.zeros(d, int),
        np.ones(d, bool), np.zeros(d, int), np.ones(d),
    )  # fmt: skip
    theirs = arts(target, Z, pool, (float(low), float(high)), iterations, seed)
    for share, way in product(args.shares, args.ways):
        queries = share * theirs.queries
        own = repeated(partial(ours, target, Z, pool, space, queries, way, seed), args.repeats)
        if own.queries > queries or own.calls > MOST_CALLS:
            raise SystemExit(
                f"{data}, {name}: the budget was exceeded: {own.queries} queries, {own.calls} calls"
            )
        yield line(data, name, way, d, share, theirs, own, seed)


def line(
    data: str, name: str, way: str, columns: int, share: float, theirs: Run, own: Run, seed: int
) -> Line:
    """Return the ratios, that of the medians with percentiles over rows drawn again."""
    n = len(own.distance)
    drawn = np.random.default_rng(seed).integers(n, size=(2000, n))
    spread = np.median(own.distance[drawn], axis=1) / np.median(theirs.distance[drawn], axis=1)
    low, high = np.quantile(spread, [0.025, 0.975]).tolist()
    return Line(
        data=data,
        model=name,
        way=way,
        columns=columns,
        rows=n,
        queries=theirs.queries,
        share=share,
        queries_ratio=own.queries / theirs.queries,
        calls=own.calls,
        art_calls=theirs.calls,
        distance_ratio=float(np.median(own.distance) / np.median(theirs.distance)),
        distance_low=low,
        distance_high=high,
        nearer=float(np.mean(own.distance < theirs.distance)),
        times_wall=theirs.wall / own.wall,
        times_cpu=theirs.cpu / own.cpu,
    )


def cells_of(lines: list[Line]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of the table of ratios."""
    header = ["data", "model", "columns", "search", "ART's queries a row", "given", "spent", "calls", "ART's calls", "median distance [95%]",
              "rows nearer", "times as fast, wall", "CPU"]  # fmt: skip
    return header, [
        [one.data, one.model, str(one.columns), one.way, f"{one.queries:,.0f}", f"{one.share:g}", f"{one.queries_ratio:.2f}", str(one.calls),
         f"{one.art_calls:,}", f"{one.distance_ratio:.2f} [{one.distance_low:.2f}, {one.distance_high:.2f}]",
         f"{100 * one.nearer:.0f}%", f"{one.times_wall:.0f}", f"{one.times_cpu:.0f}"]
        for one in lines
    ]  # fmt: skip


def markdown(title: str, header: list[str], cells: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells)]
    return "\n".join([f"### {title}", "", *lines, ""])


def labels_part(args: argparse.Namespace) -> list[Line]:
    """Compare the searches by labels on every model."""
    lines = []
    with warnings.catch_warnings():
        # the network is trained for a given number of passes
        warnings.filterwarnings("ignore", module="sklearn")
        for iterations in args.iterations:
            for data in args.data:
                for name in args.models:
                    for found in compared(data, name, iterations, args):
                        lines.append(found)
                        print(" ".join(cells_of([found])[1][0]), file=sys.stderr, flush=True)
    return lines


def gradient_parts(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Time and count the gradient attacks."""
    import _robustness_gradients as gradients

    lines: list[dict[str, Any]] = []
    if "pgd" in args.parts:
        lines += [gradients.pgd_part(256, args.rounds, width) for width in (16, 32)]
    if "found" in args.parts:
        lines += gradients.found_part(256)
    return lines


def versions(args: argparse.Namespace) -> str:
    """Return what the figures were made with."""
    names = ["numpy", "scikit-learn"] + ["adversarial-robustness-toolbox"] * ("labels" in args.parts)
    names += ["torch"] * (set(args.parts) != {"labels"})
    return ", ".join([f"auditkit {ak.__version__}", *(f"{name} {version(name)}" for name in names)])


def called(args: argparse.Namespace) -> str:
    """Return the call that makes these figures again, whatever was left out."""
    words = [f"--part {args.part}"]
    if "labels" in args.parts:
        for name in ("rows", "iterations", "ways", "shares", "repeats", "data", "models", "seed"):
            value = getattr(args, name)
            shown = " ".join(f"{one:g}" if isinstance(one, float) else one if isinstance(one, str) else str(one)
                             for one in (value if isinstance(value, list) else [value]))  # fmt: skip
            words.append(f"--{name} {shown}")
    if "pgd" in args.parts:
        words.append(f"--rounds {args.rounds}")
    return f"python benchmarks/robustness.py {' '.join(words)}"


def marked_page() -> tuple[str, str]:
    """Return the page before and after the tables; an error says what is missing."""
    if not PAGE.is_file():
        raise SystemExit(f"--write: there is no page {PAGE}; leave --write out to print the tables")
    text = PAGE.read_text("utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SystemExit(f"--write: expected {BEGIN} and then {END} in {PAGE}, each once")
    return text[: text.index(BEGIN)], text[text.index(END) + len(END) :]


def write(text: str) -> None:
    """Put the tables between their marks on the page."""
    before, after = marked_page()
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", "utf-8")


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--rows", type=int, default=100, help="attacked by labels")
    parser.add_argument(
        "--iterations", type=int, nargs="+", default=[5], help="of HopSkipJump; its budget follows"
    )
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[1.0], help="of ART's queries, for auditkit"
    )
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="auditkit spends them")
    parser.add_argument("--repeats", type=int, default=3, help="auditkit's runs that are timed")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=7, help="pairs of runs of PGD")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/robustness.md")
    args = parser.parse_args(words)
    args.parts = PARTS if args.part == "all" else (args.part,)
    if "labels" in args.parts and find_spec("art") is None:
        parser.error(NEEDS)
    if set(args.parts) != {"labels"} and find_spec("torch") is None:
        parser.error(f"the part {args.part} needs torch")
    return args


def main() -> None:
    args = arguments()
    if args.write:
        marked_page()  # before the work, not after
    lines = labels_part(args) if "labels" in args.parts else []
    slopes = gradient_parts(args)
    made = f"Made by `{called(args)}`, with {versions(args)}."
    tables = {"Label-only attacks: auditkit's over ART's": cells_of(lines)} if lines else {}
    if slopes:
        import _robustness_gradients as gradients

        tables |= gradients.cells_of(slopes)
    text = "\n".join([made, "", *(markdown(title, *table) for title, table in tables.items())])
    if args.json:
        whole = {"made": made, "rows": [asdict(one) for one in lines], "gradients": slopes}
        args.json.write_text(json.dumps(whole, indent=1), "utf-8")
    if args.write:
        write(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
