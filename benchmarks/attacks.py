"""All membership attacks on the same overfit models, their regularised twins and models that saw no member; beside ART's.

python benchmarks/attacks.py [--members N] [--others N] [--references K] [--label-rows N] [--copies N] [--models forest ...]
    [--seed N] [--art] [--json FILE] [--write]
prints the tables of docs/membership.md, or writes them into it. With --art ART's black-box attacks are made too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import auditkit as ak
from auditkit import statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditkit.evidence import Evidence

PAGE = Path(__file__).resolve().parents[1] / "docs" / "membership.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MODELS = ("forest", "boosted", "network")
TWINS = ("overfit", "regularised", "null")
NEEDS = "--art needs ART: pip install --target FOLDER --no-deps adversarial-robustness-toolbox; then PYTHONPATH=FOLDER, with torch beside it"
LEARNERS = {
    "lr": "logistic regression",
    "dt": "tree",
    "rf": "forest",
    "gb": "boosted trees",
    "knn": "nearest neighbours",
    "svm": "support vectors",
    "nn": "network",
}
FIXED = "AK202 RMIA, offline"  # the attack that is compared although it may not be the best: named beforehand
METRICS = ("attack_auc", "tpr_at_1pct_fpr", "tpr_at_01pct_fpr")
Ends = tuple[float, float, float]  # a value and its interval
UNDEFINED: Ends = (float("nan"),) * 3


@dataclass(frozen=True)
class Row:
    """What one attack found on one model, with how many records, and at what cost; seconds are of the processor."""

    model: str
    twin: str
    tool: str
    attack: str
    auc: Ends
    tpr_at_1pct_fpr: Ends
    tpr_at_01pct_fpr: Ends
    members: int
    others: int
    trained: int
    seconds: float


def estimator(model: str, twin: str) -> Any:
    """Return one of the models, untrained: with room to remember its rows, or held back."""
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neural_network import MLPClassifier

    free = twin != "regularised"
    if model == "forest":
        return RandomForestClassifier(100, min_samples_leaf=1 if free else 25, random_state=0)
    if model == "boosted":
        held = (
            {"num_leaves": 63, "min_child_samples": 1} if free else {"num_leaves": 8, "min_child_samples": 50}
        )
        rounds, rate = (200, 0.1) if free else (60, 0.05)
        return LGBMClassifier(
            n_estimators=rounds, learning_rate=rate, random_state=0, n_jobs=1, verbose=-1, **held
        )
    if free:
        return MLPClassifier((256,), alpha=0.0, max_iter=150, random_state=0)
    return MLPClassifier((16,), alpha=1.0, max_iter=40, random_state=0)


def pipeline(last: Any) -> Any:
    """Return the model behind scaled numbers and one column for each category."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    known = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (known, make_column_selector(dtype_exclude="number")),
    ).set_output(transform="pandas")
    return make_pipeline(columns, last)


def subjects(
    model: str, members: int, others: int, seed: int
) -> Iterator[tuple[str, Callable[[], ak.Subject]]]:
    """Yield for each twin what makes its subject anew, so that no attack finds answers that another paid for."""
    whole = ak.data.load_adult()[0]
    drawn = np.random.default_rng(seed).permutation(len(whole))[: 2 * members + others]
    inside, unseen, outside = (some(whole, part) for part in np.split(drawn, [members, 2 * members]))
    fitted = {twin: pipeline(estimator(model, twin)).fit(inside.X, inside.y) for twin in TWINS[:2]}
    for twin in TWINS:
        train = unseen if twin == "null" else inside  # null: the overfit model, and members that it never saw
        trained = fitted["overfit" if twin == "null" else twin]

        def make(name: str = f"{model}, {twin}", train: Any = train, trained: Any = trained) -> ak.Subject:
            return ak.Subject(name, trained, outside, train, positive=">50K")

        yield twin, make


def some(data: Any, rows: np.ndarray) -> Any:
    return ak.Dataset(data.X.iloc[rows].reset_index(drop=True), data.y[rows])


def plans(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the audits, by check and the name of the attack where the report gives none."""
    rows, few = max(args.members, args.others), {"rows": args.label_rows, "copies": args.copies}
    return {
        "AK201 population threshold": {"population_attack": {"rows": rows}},
        "AK201 threshold by class": {"population_attack": {"rows": rows, "by": "class"}},
        "AK202": {"reference_attacks": {"rows": rows, "references": args.references}},
        "AK203 gap": {"label_only_attacks": {"attacks": ["gap"], "rows": rows}},
        "AK203 noise robustness": {"label_only_attacks": {"attacks": ["noise"], **few}},
        "AK203 boundary distance": {"label_only_attacks": {"attacks": ["boundary"], **few}},
        "AK204 quantile regression": {"quantile_attack": {"rows": rows}},
    }


def ours(model: str, twin: str, make: Callable[[], ak.Subject], args: argparse.Namespace) -> Iterator[Row]:
    """Make every membership attack of auditkit by its own checks."""
    for name, plan in plans(args).items():
        subject, start = make(), time.process_time()
        evidence = ak.Audit(plan).run(subject, seed=args.seed).evidence[0]
        took = time.process_time() - start
        if evidence.outcome != "observed":
            raise SystemExit(f"{name} on {model}, {twin}: {evidence.reason}")
        groups = dict.fromkeys(m.group for m in evidence.measurements if m.metric == "attack_auc")
        for group in groups:
            label = f"{name} {group}" if len(groups) > 1 else name
            ends = [ends_of(evidence, metric, group) for metric in METRICS]
            of = evidence.rows["members"], evidence.rows["non_members"], evidence.cost["refits"]
            yield Row(model, twin, "auditkit", label, *ends, *of, took)


def ends_of(evidence: Evidence, metric: str, group: str) -> Ends:
    """Return a value and its interval; undefined where the report gives none, or leaves it to a note."""
    for m in evidence.measurements:
        if m.metric == metric and m.group == group and m.interval is not None:
            return m.value, m.interval.low, m.interval.high
    return UNDEFINED


def arts(model: str, twin: str, make: Callable[[], ak.Subject], seed: int) -> Iterator[Row]:
    """Make ART's black-box attacks: they learn on one half of members and others, whose membership they are told."""
    from art.attacks.inference.membership_inference import (
        MembershipInferenceBlackBox,
        MembershipInferenceBlackBoxRuleBased,
    )
    from art.estimators.classification import BlackBoxClassifier

    subject, start = make(), time.process_time()
    answers = np.concatenate([subject.proba("train"), subject.proba("test")])
    asking = time.process_time() - start
    labels = np.concatenate([subject.class_index(subject.train.y), subject.class_index(subject.test.y)])
    truth = np.repeat([True, False], [len(subject.train), len(subject.test)])
    halves = np.random.default_rng([seed, 1]).permutation(len(truth))
    known, attacked = (np.sort(halves[k::2]) for k in (0, 1))
    # records are asked for by number, so that ART works on the very answers the model gave
    target = BlackBoxClassifier(lambda rows: answers[rows[:, 0].astype(int)], (1,), answers.shape[1])

    start = time.process_time()
    # it learns nothing, so it attacks all records; its yes or no, since in 1.20.1 its probabilities of two classes are the
    # same for every record
    rule = MembershipInferenceBlackBoxRuleBased(target)
    said = rule.infer(np.arange(len(truth), dtype=float)[:, None], labels)
    took = asking + time.process_time() - start
    yield row_of(model, twin, "ART rule: right or wrong", said, truth, took)
    inside, outside = known[truth[known]], known[~truth[known]]
    for kind, name in LEARNERS.items():
        sow(seed, kind)
        start = time.process_time()
        attack = MembershipInferenceBlackBox(target, input_type="prediction", attack_model_type=kind)
        attack.fit(y=labels[inside], test_y=labels[outside], pred=answers[inside], test_pred=answers[outside])
        said = attack.infer(None, labels[attacked], pred=answers[attacked], probabilities=True)
        took = asking + time.process_time() - start
        yield row_of(model, twin, f"ART learnt: {name}", said, truth[attacked], took)


def sow(seed: int, kind: str) -> None:
    """Seed the generators of the whole process, since ART's attack models take no other."""
    np.random.seed(seed)  # noqa: NPY002
    if kind == "nn":
        import torch

        torch.manual_seed(seed)


def row_of(model: str, twin: str, attack: str, scores: np.ndarray, truth: np.ndarray, seconds: float) -> Row:
    """Measure scores by the functions that auditkit's checks use."""
    scores = np.asarray(scores, dtype=float).ravel()
    area = statistics.auc(scores, truth)
    points = [statistics.tpr_at_fpr(scores, truth, rate) for rate in (0.01, 0.001)]
    rates = [(p.tpr, p.low, p.high) if p.resolvable else UNDEFINED for p in points]
    of = int(truth.sum()), int((~truth).sum()), 0
    return Row(model, twin, "ART", attack, (area.value, area.low, area.high), *rates, *of, seconds)


def measured(args: argparse.Namespace) -> tuple[list[Row], list[dict[str, Any]]]:
    """Return all rows, and how often each model is right."""
    rows: list[Row] = []
    right: list[dict[str, Any]] = []
    for model in args.models:
        for twin, make in subjects(model, args.members, args.others, args.seed):
            subject, start = make(), time.perf_counter()
            shares = {
                split: float(np.mean(subject.answers(split).labels == subject.split(split).y))
                for split in ("train", "test")
            }
            right.append({"model": model, "twin": twin, **shares})
            rows += ours(model, twin, make, args)
            if args.art:
                rows += arts(model, twin, make, args.seed)
            print(f"{model}, {twin}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return rows, right


def best(rows: list[Row], tool: str, metric: str) -> Row:
    """Return the attack with the highest value."""
    return max(
        (r for r in rows if r.tool == tool), key=lambda r: np.nan_to_num(getattr(r, metric)[0], nan=-1)
    )


def number(ends: Ends) -> str:
    return "undefined" if np.isnan(ends[0]) else "{:.3f} [{:.3f}, {:.3f}]".format(*ends)


def percent(ends: Ends) -> str:
    return "-" if np.isnan(ends[0]) else "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * e for e in ends))


def spent(row: Row) -> list[str]:
    return [f"{row.members:,}", f"{row.others:,}", str(row.trained), f"{row.seconds:.1f}"]


def markdown(title: str, header: list[str], cells: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells)]
    return "\n".join([f"### {title}", "", *lines, ""])


def tables(rows: list[Row], right: list[dict[str, Any]]) -> str:
    models = [(r["model"], r["twin"]) for r in right]
    of = {at: [r for r in rows if (r.model, r.twin) == at] for at in models}
    shares = [[f"{r['model']}, {r['twin']}", f"{r['train']:.3f}", f"{r['test']:.3f}"] for r in right]
    found = [markdown("The models", ["model", "right on members", "right on others"], shares)]
    trained = {at: part for at, part in of.items() if at[1] != "null"}
    found.append(strongest(trained, "The strongest by AUC", "auc", number))
    found.append(strongest(trained, "The strongest by TPR at 1% FPR, in %", "tpr_at_1pct_fpr", percent))
    header = [
        "attack",
        "AUC",
        "TPR at 1% FPR, %",
        "at 0.1%, %",
        "members",
        "others",
        "models trained",
        "CPU s",
    ]
    for (model, twin), part in trained.items():
        cells = [
            [r.attack, number(r.auc), percent(r.tpr_at_1pct_fpr), percent(r.tpr_at_01pct_fpr), *spent(r)]
            for r in part
        ]
        found.append(markdown(f"{model.capitalize()}, {twin}", header, cells))
    found.append(quiet({model: part for (model, twin), part in of.items() if twin == "null"}))
    return "\n".join(found)


def strongest(
    of: dict[tuple[str, str], list[Row]], title: str, metric: str, shown: Callable[[Ends], str]
) -> str:
    cells = []
    for at, rows in of.items():
        first, named = best(rows, "auditkit", metric), next(r for r in rows if r.attack == FIXED)
        cells.append([", ".join(at), first.attack, *(shown(getattr(r, metric)) for r in (first, named))])
        if any(r.tool == "ART" for r in rows):
            other = best(rows, "ART", metric)
            cells[-1] += [other.attack, shown(getattr(other, metric))]
    header = ["model", "strongest of auditkit", "", f"{FIXED}, named beforehand", "strongest of ART", ""]
    return markdown(title, header[: len(cells[0])], cells)


def quiet(of: dict[str, list[Row]]) -> str:
    """Return the AUC of every attack on models that saw no member, and how many intervals leave out 0.5."""
    attacks = [r.attack for r in next(iter(of.values()))]
    cells = [[a, *(number(rows[i].auc) for rows in of.values())] for i, a in enumerate(attacks)]
    for tool in dict.fromkeys(r.tool for rows in of.values() for r in rows):
        out = [sum(loud(r) for r in rows if r.tool == tool) for rows in of.values()]
        many = [sum(r.tool == tool for r in rows) for rows in of.values()]
        cells.append([f"0.5 left out, {tool}", *(f"{k} of {n}" for k, n in zip(out, many, strict=True))])
    return markdown("Null audits: AUC where no model saw a member", ["attack", *of], cells)


def loud(row: Row) -> bool:
    """Say whether 0.5 lies outside the interval; an AUC left undefined points the wrong way, and does too."""
    return not row.auc[1] <= 0.5 <= row.auc[2]


def versions(*, art: bool) -> str:
    """Return what the figures were made with."""
    names = ["auditkit", "numpy", "scikit-learn", "lightgbm"] + [
        "adversarial-robustness-toolbox",
        "torch",
    ] * art
    return ", ".join(f"{name} {ak.__version__ if name == 'auditkit' else version(name)}" for name in names)


def called(args: argparse.Namespace) -> str:
    """Return the call that makes these figures again, whatever was left out."""
    numbers = ("members", "others", "references", "label_rows", "copies", "seed")
    words = [f"--{name.replace('_', '-')} {getattr(args, name)}" for name in numbers]
    words += [f"--models {' '.join(args.models)}"] * (args.models != list(MODELS)) + ["--art"] * args.art
    return f"python benchmarks/attacks.py {' '.join(words)}"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--others", type=int, default=6000)
    parser.add_argument("--references", type=int, default=8)
    parser.add_argument(
        "--label-rows", type=int, default=1000, help="of each side, for noise and boundary: they ask much"
    )
    parser.add_argument("--copies", type=int, default=20, help="noisy copies of a record")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--art", action="store_true", help="make ART's black-box attacks too")
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/membership.md")
    args = parser.parse_args(words)
    if args.art and (find_spec("art") is None or find_spec("torch") is None):
        parser.error(NEEDS)
    return args


def write(text: str) -> None:
    """Put the tables between their marks on the page."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", "utf-8")


def main() -> None:
    args = arguments()
    with warnings.catch_warnings():
        # the network is trained for a given number of passes, on purpose; ART's support vectors use an old option
        warnings.filterwarnings("ignore", module="sklearn")
        rows, right = measured(args)
    made = f"Made by `{called(args)}`, with {versions(art=args.art)}."
    text = f"{made}\n\n{tables(rows, right)}"
    if args.json:
        whole = {"made": made, "models": right, "rows": [asdict(r) for r in rows]}
        args.json.write_text(json.dumps(whole, indent=1), "utf-8")
    if args.write:
        write(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
