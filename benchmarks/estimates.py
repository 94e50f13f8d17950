"""Whether estimates of time hold: each check is estimated, then run, and its processor time held against the range.

python benchmarks/estimates.py [--model trees|linear|other] [--data german|adult] [--rows N] [--only CODE ...] prints held or not held for
each check. With --write it takes what it measured on German credit into auditkit/costs.json. Processor time, not the wall clock: the machine
may be busy with other work.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import auditkit as ak
from auditkit.audit import Audit
from auditkit.check import registry
from auditkit.data import load_adult, load_german_credit
from auditkit.estimating import estimates, pace_of

COSTS = Path(__file__).resolve().parent.parent / "auditkit" / "costs.json"
POSITIVE = {"german": "good", "adult": ">50K"}
APART = 1.5  # a time within the range widened by this has held
ENOUGH = 0.9  # of the checks


def trees(train: Any) -> Any:
    """The demo's model."""
    from auditkit.runner.demo import _model

    return _model(train, 0)


def linear(_: Any) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_column_selector(dtype_include="number")
    others = make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), others), (StandardScaler(), numbers)
    )
    return make_pipeline(columns, LogisticRegression(max_iter=500))


def subject_of(data: str, kind: str, rows: int | None) -> Any:
    """A model of this kind, trained on these data; "other" is the linear one behind a function."""
    train, test = load_german_credit() if data == "german" else load_adult()
    if rows:
        train, test = train.take(np.arange(rows)), test.take(np.arange(min(rows // 2, len(test))))
    model = (trees if kind == "trees" else linear)(train).fit(train.X, train.y)
    if kind == "other":
        model = ak.predictors.from_callable(model.predict_proba, classes=list(model.classes_))
    made = ak.Subject(f"{data}, {kind}", model, test=test, train=train, positive=POSITIVE[data])
    for split in ("test", "train"):
        made.answers(split)
    return made


def run(subject: Any, only: list[str]) -> list[dict[str, Any]]:
    """Estimate and run every check, each as if it were alone."""
    Audit("model_performance").run(subject)  # what is only imported once is no check's cost
    pace, found = pace_of(subject, clock=time.process_time), []
    for check in registry().about("model"):
        if (only and check.code not in only) or check.dimension == "external":
            continue
        subject.memory.clear()
        audit = Audit(check)
        guess = estimates(audit.plan, subject, pace)[check.code]
        start = time.process_time()
        evidence = audit.run(subject).evidence[0]
        took = time.process_time() - start
        found.append(
            {
                "code": check.code,
                "took": took,
                "guess": guess,
                "outcome": evidence.outcome,
                "cost": evidence.cost,
            }
        )
        print(told(found[-1]), flush=True)
    return found


def held(one: dict[str, Any]) -> bool:
    guess = one["guess"]
    return bool(guess.low / APART <= one["took"] <= guess.high * APART or max(one["took"], guess.high) < 1)


def told(one: dict[str, Any]) -> str:
    verdict = "not known" if one["guess"].unknown else "held" if held(one) else "NOT HELD"
    guess = f"{one['guess'].low:8.2f} to {one['guess'].high:8.2f} s"
    return f"{one['code']}  {one['took']:8.2f} s   estimated {guess}   {verdict}   {one['outcome']}"


def write(subject: Any, kind: str, found: list[dict[str, Any]]) -> None:
    """Take what a check took, less what its questions and trainings took, as its own work."""
    pace = pace_of(subject, clock=time.process_time)
    once = float(np.mean(pace.training)) if pace.training else 0.0
    known = json.loads(COSTS.read_text(encoding="utf-8")) if COSTS.exists() else {}
    for one in found:
        if one["outcome"] != "observed":
            continue
        calls, rows, fits = (one["cost"][key] for key in ("model_calls", "model_rows", "refits"))
        rest = one["took"] - calls * pace.call - rows * pace.row - fits * once
        own = max(rest, one["took"] / 20) / pace.speed
        known.setdefault(one["code"], {})[kind] = [round(own, 3), calls, rows, fits]
    lines = [f"  {json.dumps(code)}: {json.dumps(known[code])}" for code in sorted(known)]
    COSTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["trees", "linear", "other"], default="trees")
    parser.add_argument("--data", choices=["german", "adult"], default="german")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    subject = subject_of(given.data, given.model, given.rows)
    found = run(subject, given.only)
    timed = [one for one in found if not one["guess"].unknown and one["outcome"] == "observed"]
    share = sum(map(held, timed)) / max(len(timed), 1)
    print(
        f"{share:.0%} of {len(timed)} checks held: {'held' if share >= ENOUGH else 'NOT HELD'} at {ENOUGH:.0%}"
    )
    if given.write:
        write(subject, given.model, found)


if __name__ == "__main__":
    main()
