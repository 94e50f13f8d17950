"""What it costs to explain a model that can only be asked, beside shap.Explainer at the same measured error.

``run()`` explains the same rows against the same background with both, on models whose exact Shapley values are known: a sum of products of up to
three inputs in closed form, and a network and a forest by enumerating every set of inputs. What shap's permutation explainer (the one that
``shap.Explainer`` takes for more than ten inputs) reaches in so many evaluations is measured against them (root mean square error over rows and inputs),
and so is auditkit's, at several numbers of orders; auditkit's seconds *at shap's error* are read off its own line of (error, seconds), straight between
its points on logarithmic axes. Where that error lies above all of auditkit's points its cheapest point counts ("at least"), and an error that none of them reaches gives no number.
Times are processor seconds, the least of several runs, taken in turns; compilation and first calls are outside.

python benchmarks/_explainability_asked.py [--rows N] [--background N] [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from auditkit.methods.attributions import enumerated_shapley, sampled_shapley

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[np.ndarray], np.ndarray]

INPUTS = 12
SHAP_ORDERS = (1, 2, 5, 10, 20)
OUR_ORDERS = (8, 16, 32, 64, 128, 200, 264, 400, 800, 1600, 3200)


@dataclass(frozen=True)
class Line:
    """One model at one effort of shap's."""

    model: str
    orders: int  # shap's
    spread: float  # standard deviation of the output over the rows
    error: float  # shap's, root mean square, in spreads
    seconds: float  # shap's
    our_seconds: float  # at that error
    times: float
    measured: bool  # whether that error lies between two of auditkit's points


@dataclass(frozen=True)
class Exact:
    """Every set of ten inputs or fewer, which is what ``shap.Explainer`` does there."""

    model: str
    inputs: int
    seconds: float  # shap's
    our_seconds: float
    times: float
    difference: float


def products(Z: np.ndarray) -> np.ndarray:
    """Return a sum of products: of one, two and three inputs."""
    return (
        Z[:, 0] + Z[:, 1] * Z[:, 2] + Z[:, 3] * Z[:, 4] * Z[:, 5] + 0.5 * Z[:, 6] * Z[:, 7] * Z[:, 8] + 0.2 * Z[:, 9]
    )  # fmt: skip


def values_of_products(X: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return the Shapley values of `products` in closed form."""
    found = np.zeros(X.shape)
    for x, out in zip(X, found, strict=True):
        step, z = x - background, background
        out[0], out[9] = step[:, 0].mean(), 0.2 * step[:, 9].mean()
        for i, j in ((1, 2), (2, 1)):
            out[i] = (step[:, i] * (x[j] + z[:, j]) / 2).mean()
        for weight, three in ((1.0, (3, 4, 5)), (0.5, (6, 7, 8))):
            for i in three:
                j, k = (other for other in three if other != i)
                known = z[:, j] * z[:, k] / 3 + (x[j] * z[:, k] + z[:, j] * x[k]) / 6 + x[j] * x[k] / 3
                out[i] = weight * (step[:, i] * known).mean()
    return found


def models(rows: int, background: int) -> dict[str, tuple[Ask, np.ndarray, np.ndarray]]:
    """Return each model with the rows to explain and the background."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, INPUTS))
    y = (products(X) + 0.3 * rng.normal(size=3000) > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = MLPClassifier((32, 16), max_iter=200, random_state=0).fit(X, y)
        forest = RandomForestClassifier(30, max_depth=8, random_state=0).fit(X, y)
    some, behind = X[:rows], X[1000 : 1000 + background]
    return {
        "products (closed form)": (products, some, behind),
        "network": (lambda Z: net.predict_proba(Z)[:, 1], some, behind),
        "forest": (lambda Z: forest.predict_proba(Z)[:, 1], some[: max(2, rows // 4)], behind),
    }


def run(*, rows: int = 40, background: int = 100, repeats: int = 3) -> tuple[list[Line], list[Exact]]:
    """Return the comparison at equal error, and of enumeration."""
    lines, exact = [], []
    for name, (ask, X, behind) in models(rows, background).items():
        right = (
            values_of_products(X, behind) if ask is products else enumerated_shapley(ask, X, behind).values
        )
        spread = float(ask(X).std())
        theirs, ours = _points(ask, X, behind, right / spread, spread, repeats)
        for orders, (error, seconds) in theirs.items():
            at, measured = _at(error, list(ours.values()))
            lines.append(Line(name, orders, spread, error, seconds, at, seconds / at, measured))
        exact.append(_enumerated(name, ask, X[:5], behind, repeats))
    return lines, exact


def _points(
    ask: Ask, X: np.ndarray, behind: np.ndarray, right: np.ndarray, spread: float, repeats: int
) -> tuple[dict[int, tuple[float, float]], dict[int, tuple[float, float]]]:
    """Return (error, seconds) of either side at each effort; the error over seeds, the seconds the least of them."""
    import shap

    masker = shap.maskers.Independent(behind, max_samples=len(behind))
    shap.PermutationExplainer(ask, masker, seed=0)(X[:2], silent=True)

    def their(orders: int, seed: int) -> np.ndarray:
        explainer = shap.PermutationExplainer(ask, masker, seed=seed)
        return np.asarray(explainer(X, max_evals=orders * (2 * X.shape[1] + 1), silent=True).values)

    def our(orders: int, seed: int) -> np.ndarray:
        return sampled_shapley(ask, X, behind, np.random.default_rng(seed), permutations=orders).values

    found: tuple[dict[int, list[tuple[float, float]]], dict[int, list[tuple[float, float]]]] = ({}, {})
    for seed in range(repeats):
        for into, explain, efforts in ((found[0], their, SHAP_ORDERS), (found[1], our, OUR_ORDERS)):
            for orders in efforts:
                began = time.process_time()
                values = explain(orders, seed)
                seconds = time.process_time() - began
                into.setdefault(orders, []).append((float(np.mean((values / spread - right) ** 2)), seconds))
    theirs, ours = (
        {k: (float(np.sqrt(np.mean([e for e, _ in v]))), min(s for _, s in v)) for k, v in side.items()}
        for side in found
    )
    return theirs, ours


def _at(error: float, points: list[tuple[float, float]]) -> tuple[float, bool]:
    """Return the seconds at an error, straight between points on logarithmic axes."""
    points = sorted(points)
    errors, seconds = (np.log(np.maximum([p[i] for p in points], 1e-12)) for i in (0, 1))
    if np.log(error) < errors[0]:
        return float("nan"), False  # not reached
    inside = bool(np.log(error) <= errors[-1])
    return float(np.exp(np.interp(np.log(error), errors, seconds))), inside


def _enumerated(name: str, ask: Ask, X: np.ndarray, behind: np.ndarray, repeats: int) -> Exact:
    """Compare both enumerations over the first ten inputs, the others held at 0."""
    import shap

    def few(Z: np.ndarray) -> np.ndarray:
        return ask(np.column_stack([Z, np.zeros((len(Z), INPUTS - 10))]))

    X, behind = X[:, :10], behind[:, :10]
    masker = shap.maskers.Independent(behind, max_samples=len(behind))
    explainer = shap.ExactExplainer(few, masker)
    explainer(X[:2], silent=True)
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(repeats):
        began = time.process_time()
        theirs = explainer(X, silent=True).values
        middle = time.process_time()
        ours = enumerated_shapley(few, X, behind).values
        times["theirs"].append(middle - began)
        times["ours"].append(time.process_time() - middle)
    shap_seconds, own = min(times["theirs"]), min(times["ours"])
    return Exact(name, 10, shap_seconds, own, shap_seconds / own, float(np.abs(theirs - ours).max()))


def table(lines: list[Line], exact: list[Exact]) -> str:
    """Return both as Markdown."""
    out = [
        "| model | shap's orders | error (spreads) | shap, s | auditkit, s | times fewer |",
        "|---|---|---|---|---|---|",
    ]
    out += [
        f"| {one.model} | {one.orders} | {one.error:.4f} | {one.seconds:.2f} | {one.our_seconds:.3f} | "
        f"{'' if one.measured else 'at least '}{one.times:.1f} |"
        for one in lines
    ]
    out += [
        "",
        "| every set of ten inputs | shap, s | auditkit, s | times fewer | largest difference |",
        "|---|---|---|---|---|",
    ]
    out += [
        f"| {one.model} | {one.seconds:.2f} | {one.our_seconds:.2f} | {one.times:.1f} | {one.difference:.0e} |"
        for one in exact
    ]
    return "\n".join(out)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--background", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json")
    given = parser.parse_args(arguments)
    lines, exact = run(rows=given.rows, background=given.background, repeats=given.repeats)
    print(f"shap {version('shap')}, {given.rows} rows, {given.background} background rows, {INPUTS} inputs\n")
    print(table(lines, exact))
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(
                {"equal_error": [asdict(x) for x in lines], "exact": [asdict(x) for x in exact]},
                file,
                indent=1,
            )


if __name__ == "__main__":
    main()
