"""A result that was swapped for another after the journal took it: found, and never taken for its own."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from auditkit_tests_crews import Canned  # loaded from beside this file, see conftest.py

from auditkit.batch.journal import read_entries
from auditkit.batch.keys import canonical
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults

if TYPE_CHECKING:
    from pathlib import Path

GAP = {"finding": "00000000000000aa", "check": "AK101", "metric": "demographic_parity_difference"}


def test_a_result_that_was_made_up_in_the_place_of_another_is_run_again(place: Path, write_plan: Any) -> None:
    out = place / "out"
    run_batch(load_plan(write_plan()), out, crew=Canned("fail", GAP))
    (folder,) = (out / "results").iterdir()
    said = json.loads((folder / "result.json").read_bytes())
    (folder / "report.json").write_text("all is well")
    said["files"]["report.json"] = hashlib.sha256(b"all is well").hexdigest()
    said |= {"verdict": "pass", "counts": {"pass": 3}, "not_met": []}
    (folder / "result.json").write_text(canonical(said) + "\n")
    assert len(faults(out)) == 1
    crew = Canned("fail", GAP)
    assert run_batch(load_plan(write_plan()), out, crew=crew).verdict == "fail"
    assert crew.started == ["toy-tiny"]
    assert [one.kind for one in read_entries(out)].count("adopted") == 0
    assert faults(out) == []
