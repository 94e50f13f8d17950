"""Faults inside one audit of many: it is done, or broke with words that say why; the others are done; and all can be run again."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.journal import read_entries
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.batch.run import BatchResult

pytestmark = [pytest.mark.kernel]

# what an audit's notebook does before it audits -> how the outcome says so; "" where the audit is done all the same
DIED, FAILED = "the kernel died", "cell 3 failed: "
DOES = {
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", DIED),
    "crashed": ("os.kill(os.getpid(), signal.SIGSEGV)", f"{DIED}.*Segmentation fault"),
    "aborted": ("os.abort()", f"{DIED}.*Aborted"),
    "left": ("os._exit(7)", DIED),
    "left_as_if_all_were_well": ("os._exit(0)", DIED),
    "exits": ("raise SystemExit(0)", "ended without a report"),
    "raises": ("raise RuntimeError('on purpose')", f"{FAILED}RuntimeError: on purpose"),
    "raises_what_is_no_text": ("raise RuntimeError('\\ud800\\x00\\x1b[31m')", "cell 3 failed"),
    "interrupts_itself": ("raise KeyboardInterrupt", f"{FAILED}KeyboardInterrupt"),
    "asks_for_too_much_memory": ("bytearray(2**62)", f"{FAILED}MemoryError"),
    "prints_binary": ("os.write(1, bytes(range(256)) * 100); print('\\x00\\x1b]0;x\\x07')", ""),
    "prints_much": ("print('x' * 5_000_000)", ""),
    "closes_its_output": ("import sys; sys.stdout.close(); os.close(1)", ""),
    "opens_all_files": ("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))\nheld = []\nwhile True: held.append(open(os.devnull))", "cell 3 failed|the kernel died"),
    "may_write_no_file": ("import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))", "File too large"),
    "leaves_a_thread": ("import threading; threading.Thread(target=time.sleep, args=(600,)).start()", ""),
    "leaves_a_process": ("import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])", ""),
    "hears_no_signal": ("[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]", ""),
    "walks_away": ("os.chdir('/')", "no policy file at"),
    "steps_its_clock": ("time.time = lambda: 0.0", ""),
    "empties_its_environment": ("os.environ.clear()", "."),
    "clears_its_scratch": ("import shutil; shutil.rmtree(os.environ['AUDITKIT_RUN_FOLDER'])", "."),
    "loses_its_model": ("os.remove(subject_file[:-5] + '_said.csv')", "_said.csv"),
    "loses_its_data": ("os.remove(subject_file[:-5] + '_test.csv')", "_test.csv"),
    "loses_its_subject": ("os.remove(subject_file)", "toml"),
    "has_data_that_change": ("open(subject_file[:-5] + '_test.csv', 'a').write('100,0\\n')", "said.csv|changed"),
    "has_a_subject_that_changes": ("open(subject_file, 'a').write('\\n# changed\\n')", "was changed while it ran"),
}  # fmt: skip
LONGER = "it ran longer than its limit of 6 seconds"
LARGER = "MiB of memory, and its limit is 1,280 MiB"
TAKES = "held = bytearray(2**31)\nfor at in range(0, len(held), 4096): held[at] = 1\ntime.sleep(600)"
SLOW = {
    "sleeps": ("time.sleep(600)", LONGER),
    "stops": ("os.kill(os.getpid(), signal.SIGSTOP)", LONGER),
    "computes_and_hears_no_signal": ("[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT)]\nwhile True: pass", LONGER),
    "prints_without_end": ("while True: print('x' * 100, flush=True); time.sleep(0.001)", LONGER),
}  # fmt: skip
FAT = {
    "takes_memory": (TAKES, LARGER),
    "has_a_child_that_takes_memory": (f"import subprocess, sys; subprocess.run([sys.executable, '-c', {'import time' + chr(10) + TAKES!r}])", LARGER),
}  # fmt: skip
KINDS = {"tiny": DOES, "slow": SLOW, "fat": FAT}
LIMITS = {"tiny": "", "slow": "limits = { seconds = 6 }", "fat": "limits = { memory = '1280 MiB' }"}
# whole notebooks that are no audits
SILENT = "x = 1"
FORGES = "open(os.environ['AUDITKIT_RUN_FOLDER'] + '/report.json', 'w').write('{')"
OTHERS = {"silent": "without a report: it must call observe", "forges": "report.json", "changing": "was changed while it ran"}  # fmt: skip


@dataclass(frozen=True)
class Wrecked:
    place: Path
    result: BatchResult
    files: dict[Path, bytes]

    def of(self, name: str) -> Any:
        (found,) = [one for one in self.result.outcomes if one.audit.name == name]
        return found


def plan_of(place: Path) -> Path:
    """Write a plan in which each kind of fault is a subject of its own."""
    parts = ['policy = "policy.toml"', '[[subject]]\nfile = "toy.toml"']
    for template, kinds in KINDS.items():
        if template != "tiny":
            shutil.copy(place / "tiny.ipynb", place / f"{template}.ipynb")
        parts.append(f'[[subject]]\nfile = "{template}_*.toml"')
        for name, (does, _) in kinds.items():
            (place / f"{template}_{name}.py").write_text(does)
        parts.append(f'[[template]]\nname = "{template}.ipynb"\n{LIMITS[template]}')
        parts[-1] += (
            """\nparameters = { action = "do:exec(open(subject_file[:-5] + '.py').read()) if 'toy' not in subject_file else 0" }"""
        )
        parts += [f'[[exclude]]\nsubject = "{o}_*"\ntemplate = "{template}"\nwhy = "-"' for o in KINDS if o != template]  # fmt: skip
    for name in OTHERS:
        parts.append(f'[[template]]\nname = "{name}.ipynb"')
        parts += [f'[[exclude]]\nsubject = "{o}_*"\ntemplate = "{name}"\nwhy = "-"' for o in KINDS]
    (place / "plan.toml").write_text("\n".join(parts))
    return place / "plan.toml"


@pytest.fixture(scope="module")
def wrecked(tmp_path_factory: pytest.TempPathFactory, refill_once: Any) -> Wrecked:
    """One batch with every kind of fault, and an audit that is sound under each template."""
    place = refill_once(tmp_path_factory.mktemp("wrecked"))
    for template, kinds in KINDS.items():
        for name in kinds:
            refill_once(place, f"{template}_{name}", f"{template}_{name}_")
    sound = json.loads((place / "tiny.ipynb").read_text())
    for name, source in {"silent": SILENT, "forges": FORGES, "changing": "open('changing.ipynb', 'a').write(' ')"}.items():  # fmt: skip
        cells = [dict(one) for one in sound["cells"]]
        if name == "silent":
            cells = [*cells[:2], {**cells[2], "source": source}]
        elif name == "forges":
            cells.append({**cells[2], "id": "forges", "source": source})
        else:
            cells[1] = {**cells[1], "source": f"open({str(place / 'changing.ipynb')!r}, 'a').write(' ')"}
        (place / f"{name}.ipynb").write_text(json.dumps({**sound, "cells": cells}))
    plan = plan_of(place)
    files = {one: one.read_bytes() for one in place.iterdir() if one.is_file()}
    return Wrecked(place, run_batch(load_plan(plan), place / "out", jobs=3), files)


@pytest.mark.parametrize(("template", "kind"), [(t, k) for t, kinds in KINDS.items() for k in kinds])
def test_an_audit_with_a_fault_ends_in_words_or_is_done(wrecked: Wrecked, template: str, kind: str) -> None:
    one, told = wrecked.of(f"{template}_{kind}-{template}"), KINDS[template][kind][1]
    if told:
        assert one.word == "broke"
        assert re.search(told, one.why.replace("\n", " ")), one.why
    else:
        assert one.word == "pass", one.why


@pytest.mark.parametrize("template", OTHERS)
def test_a_notebook_that_is_no_audit_is_told(wrecked: Wrecked, template: str) -> None:
    why = [
        one.data.get("why")
        for one in read_entries(wrecked.place / "out")
        if one.data.get("name") == f"toy-{template}"
    ]
    assert OTHERS[template] in why[-1]


@pytest.mark.parametrize("template", KINDS)
def test_the_audits_beside_them_are_done(wrecked: Wrecked, template: str) -> None:
    assert wrecked.of(f"toy-{template}").word == "pass", wrecked.of(f"toy-{template}").why


def test_what_is_done_is_kept_and_only_the_rest_is_run_again(wrecked: Wrecked, idle_crew: Any) -> None:
    assert faults(wrecked.place / "out") == []
    assert wrecked.result.verdict == "undecided"
    assert "No report" in (wrecked.place / "out" / "index.html").read_text()
    for path, content in wrecked.files.items():
        path.write_bytes(content)
    run_batch(load_plan(wrecked.place / "plan.toml"), wrecked.place / "out", crew=idle_crew)
    assert sorted(idle_crew.started) == sorted(
        one.audit.name for one in wrecked.result.outcomes if one.word != "pass"
    )
    assert faults(wrecked.place / "out") == []
