"""Seconds a notebook costs in a batch beyond its checks, beside the papermill command line in the same run; memory over many audits.

python benchmarks/batch.py              # 20 audits, and papermill 3 times
python benchmarks/batch.py --many 1000  # memory of the batch and of the process its workers are forked from
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch

PARAMETERS = (
    'subject_file = "s.toml"\npolicy_file = None\nseed = 0\nout_dir = "."\nmodel_performance__level = 0.95'
)
AUDIT = """\
import auditkit as ak
from auditkit.runner.notebook import observe, show
audit = ak.Audit({"model_performance": {"level": model_performance__level}}, criteria=ak.load_policy(policy_file))
report = observe(audit, ak.load_subject(subject_file), seed=seed, out_dir=out_dir)
show(report, "verdict")"""
SUBJECT = 'name = "toy"\npositive = 1\nmodel.predictions = "said.csv"\ndata.test.path = "test.csv"\ndata.test.target = "true"\n'


def write(folder: Path, audits: int) -> Path:
    """Write a subject of recorded predictions, a small template and a plan of so many audits; return the plan."""
    (folder / "test.csv").write_text("x,true\n" + "".join(f"{i},{i % 2}\n" for i in range(200)))
    (folder / "said.csv").write_text(
        "label\n" + "".join(f"{i % 2 if i > 20 else 1 - i % 2}\n" for i in range(200))
    )
    (folder / "toy.toml").write_text(SUBJECT)
    cells = [
        {"cell_type": "code", "id": f"c{at}", "execution_count": None, "outputs": [], "source": source,
         "metadata": {"tags": ["parameters"]} if at == 0 else {}}
        for at, source in enumerate((PARAMETERS, AUDIT))
    ]  # fmt: skip
    about = {
        "auditkit": {"checks": ["model_performance"], "title": "tiny"},
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    }
    (folder / "tiny.ipynb").write_text(
        json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})
    )
    levels = [round(0.5 + 0.45 * (i + 1) / (audits + 1), 6) for i in range(audits)]
    plan = folder / "plan.toml"
    plan.write_text(
        f'[[subject]]\nfile = "toy.toml"\n[[template]]\nname = "tiny.ipynb"\ngrid = {{ model_performance__level = {levels} }}\n'
    )
    return plan


def own(report: Path) -> float:
    """Return the seconds that the checks of a report took."""
    return float(json.loads(report.read_text())["provenance"]["seconds"])


def batch(folder: Path, audits: int, jobs: int, *, watched: bool) -> None:
    plan, ends, memory = load_plan(write(folder, audits)), [], []
    me = psutil.Process()

    def listen(news: object) -> None:
        if getattr(news, "kind", "") != "ended":
            return
        ends.append(time.perf_counter())
        if watched and len(ends) % max(1, audits // 10) == 0:
            warm = sum(one.memory_info().rss for one in me.children())
            memory.append((len(ends), me.memory_info().rss / 2**20, warm / 2**20))
            print(
                f"  after {len(ends):5d} audits: batch {memory[-1][1]:6.0f} MiB, its warm process {memory[-1][2]:6.0f} MiB",
                flush=True,
            )

    start = time.perf_counter()
    result = run_batch(plan, folder / "out", jobs=jobs, progress=listen)
    whole = time.perf_counter() - start
    checks = [own(folder / "out" / "results" / one.folder / "report.json") for one in result.outcomes]
    each = (ends[-1] - ends[0]) / (len(ends) - 1)
    print(
        f"batch, {jobs} at a time: {whole:.1f} s in all for {audits} audits; each further one {each:.2f} s, of which its checks {statistics.mean(checks):.2f} s"
    )
    print(f"  beyond the checks: {each - statistics.mean(checks) / jobs:.2f} s a notebook")


def papermill(folder: Path, times: int) -> None:
    took = []
    for at in range(times):
        out = folder / f"papermill{at}"
        out.mkdir()
        words = ["-p", "subject_file", str(folder / "toy.toml"), "-p", "out_dir", str(out)]
        command = [
            sys.executable,
            "-m",
            "papermill",
            str(folder / "tiny.ipynb"),
            str(out / "out.ipynb"),
            *words,
        ]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - start - own(out / "report.json"))
    print(
        f"papermill command line: {statistics.median(took):.2f} s a notebook beyond the checks ({times} runs), without a page"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--audits", type=int, default=20)
    options.add_argument("--papermill", type=int, default=3, help="runs of its command line")
    options.add_argument("--many", type=int, default=0)
    options.add_argument("--jobs", type=int, default=0)
    given = options.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if given.many:
            batch(folder, given.many, given.jobs or 2, watched=True)
        else:
            batch(folder, given.audits, given.jobs or 1, watched=False)
            papermill(folder, given.papermill)


if __name__ == "__main__":
    main()
