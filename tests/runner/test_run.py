from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditkit import Audit, load_report, load_subject
from auditkit.errors import InputError
from auditkit.row_answers import digest_of
from auditkit.runner import run as module
from auditkit.runner.run import RunError, run_template
from auditkit.runner.templates import find_template

if TYPE_CHECKING:
    from auditkit.runner.news import News

THREE = ["report.html", "report.ipynb", "report.json"]
HEAD = 'subject_file = "s.toml"\npolicy_file = None\nseed = 0\nout_dir = "."'
OBSERVE = (
    "import auditkit as ak\nfrom auditkit.runner.notebook import observe, show\n"
    'report = observe(ak.Audit(["model_performance"]), ak.load_subject(subject_file), seed=seed, out_dir=out_dir)\n'
    'show(report, "verdict")'
)


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(module, "_execute", refuse)


@pytest.mark.usefixtures("no_kernel")
class TestRefusedBeforeAKernelStarts:
    @pytest.mark.parametrize(
        "change",
        [
            {"template": "bais"},
            {"template": "no/such.ipynb"},
            {"subject_file": "no/such.toml"},
            {"subject_file": "s3://bucket/credit.toml"},
            {"policy": "no/such.toml"},
            {"seed": -1},
            {"seed": 1.5},
            {"seed": True},
            {"jobs": 0},
            {"jobs": "2"},
            {"parameters": {"demographic_parity__level": 2}},
            {"parameters": {"demographic_parity__levl": 0.9}},
            {"parameters": {"__import__('os').system('true')": 1}},
            {"parameters": {"subject_file": "other.toml"}},
            {"parameters": {"out_dir": "/"}},
            {"out": "s3://bucket/reports"},
            {"out": "http://host/reports"},
            {"out": "a\x1bb"},
        ],
        ids=str,
    )
    def test_what_cannot_be_used(self, credit_file: Path, tmp_path: Path, change: dict[str, Any]) -> None:
        good: dict[str, Any] = {"template": "bias", "subject_file": credit_file, "out": tmp_path / "out"}
        with pytest.raises(InputError):
            run_template(**(good | change))
        assert not (tmp_path / "out").exists()

    def test_a_subject_file_with_a_wrong_key(self, credit_file: Path, tmp_path: Path) -> None:
        bad = credit_file.with_name("bad.toml")
        bad.write_text(credit_file.read_text().replace("target", "traget"))
        with pytest.raises(InputError, match="traget"):
            run_template("bias", bad, tmp_path / "out")

    def test_a_subject_that_cannot_be_loaded(self, credit_file: Path, tmp_path: Path) -> None:
        bad = credit_file.with_name("untrusted.toml")
        credit_file.with_name("program.skops").write_bytes(b"#!/bin/sh")
        bad.write_text(credit_file.read_text().replace("credit.skops", "program.skops"))
        with pytest.raises(InputError, match=r"program\.skops: refused") as told:
            run_template("bias", bad, tmp_path / "made" / "out")
        assert str(told.value).startswith(f"{bad}: {bad.with_name('program.skops')}: ")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_was_there_stays(self, credit_file: Path, tmp_path: Path) -> None:
        bad = credit_file.with_name("untrusted.toml")
        credit_file.with_name("program.skops").write_bytes(b"#!/bin/sh")
        bad.write_text(credit_file.read_text().replace("credit.skops", "program.skops"))
        (tmp_path / "there").mkdir()
        with pytest.raises(InputError):
            run_template("bias", bad, tmp_path / "there" / "out")
        assert _names(tmp_path) == ["there"]
        assert _names(tmp_path / "there") == []

    def test_a_subject_file_whose_files_are_missing(self, credit_file: Path, tmp_path: Path) -> None:
        alone = tmp_path / "credit.toml"
        alone.write_text(credit_file.read_text())
        with pytest.raises(InputError, match=r"model\.path"):
            run_template("bias", alone, tmp_path / "out")

    @pytest.mark.parametrize(
        "policy",
        [
            "not toml",
            "[[criterion]]\nmetric = 'demographic_parity_diference'\nat_most = 0.1",
            "[[criterion]]\nmetric = 'accuracy'",
        ],
    )
    def test_a_policy_that_cannot_be_applied(self, credit_file: Path, tmp_path: Path, policy: str) -> None:
        path = tmp_path / "policy.toml"
        path.write_text(policy)
        with pytest.raises(InputError):
            run_template("bias", credit_file, tmp_path / "out", policy=path)

    def test_an_output_that_is_a_link_out_or_a_folder(self, credit_file: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "report.html").symlink_to(tmp_path / "elsewhere.html")
        with pytest.raises(InputError, match="symbolic link"):
            run_template("bias", credit_file, out)
        (out / "report.html").unlink()
        (out / "report.json").mkdir()
        with pytest.raises(InputError, match="is a folder"):
            run_template("bias", credit_file, out)

    def test_a_folder_that_cannot_be_written_to(self, credit_file: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match=r"cannot write|is a file"):
            run_template("bias", credit_file, tmp_path / "file" / "out")

    def test_a_template_without_a_subject(
        self, credit_file: Path, tmp_path: Path, make_template: Any
    ) -> None:
        with pytest.raises(InputError, match="sets subject_file"):
            run_template(make_template("rows = 1"), credit_file, tmp_path / "out")
        policy, template = tmp_path / "p.toml", make_template("subject_file = 's'")
        policy.write_text("[[criterion]]\nmetric = 'accuracy'\nat_least = 0.5")
        with pytest.raises(InputError, match="sets policy_file"):
            run_template(template, credit_file, tmp_path / "out", policy=policy)


@pytest.mark.kernel
def test_answers_are_kept_where_asked_and_those_of_an_earlier_run_are_not(
    make_template: Any, credit_file: Path, tmp_path: Path
) -> None:
    own, out = make_template(HEAD, OBSERVE), tmp_path / "out"
    kept = run_template(own, credit_file, out, keep_answers=True)
    assert _names(out) == ["report.answers.npz", *THREE]
    assert kept.answers_path == out / "report.answers.npz"
    digest = digest_of(kept.answers_path.read_bytes())
    assert load_report(out / "report.json").provenance["answers"] == {"sha256": digest, "rows": 200}
    if os.name == "posix":
        assert kept.answers_path.stat().st_mode & 0o777 == 0o600
    assert run_template(own, credit_file, out).answers_path is None
    assert _names(out) == THREE
    assert "answers" not in load_report(out / "report.json").provenance


@pytest.mark.kernel
def test_a_template_runs_and_leaves_three_files(credit_file: Path, tmp_path: Path) -> None:
    told: list[News] = []
    out = tmp_path / "out {seed} $HOME"  # papermill formats paths, jupyter_client substitutes in variables
    (tmp_path / "policy.toml").write_text(
        "name = 'mine'\n[[criterion]]\nmetric = 'demographic_parity_difference'\nat_most = 1.0\nwhy = 'always'"
    )
    result = run_template(
        "bias",
        credit_file,
        out,
        parameters={"demographic_parity__features": ["sex"], "error_rates__level": 0.9},
        policy=tmp_path / "policy.toml",
        seed=7,
        jobs=2,
        progress=told.append,
    )
    assert _names(out) == THREE
    kinds = [n.kind for n in told]
    checks = len(find_template("bias").checks)
    assert [kinds.count(k) for k in ("started", "finished", "completed")] == [checks, checks, 1]
    assert kinds[-1] == "completed"
    report = load_report(result.report_path)
    assert report.verdict == result.report.verdict == "pass"
    assert report.provenance["seed"] == 7
    assert report.provenance["template"] == {"sha256": find_template("bias").digest}
    assert report.provenance["policy"]["name"] == "mine"
    assert report.of("demographic_parity").params["features"] == ["sex"]
    assert report.of("error_rates").params["level"] == 0.9
    assert str(result.html_path) in repr(result)

    given = {"demographic_parity": {"features": ["sex"]}, "error_rates": {"level": 0.9}}
    plan = {name: given.get(name, {}) for name in find_template("bias").checks}
    by_hand = Audit(plan, criteria=[]).run(load_subject(credit_file), seed=7)
    assert [e.measurements for e in report.evidence] == [e.measurements for e in by_hand.evidence]

    notebook = json.loads(result.notebook_path.read_text())
    assert shlex.join(notebook["metadata"]["auditkit"]["command"]) == (
        "auditkit run bias --subject credit.toml -p 'demographic_parity__features=[\"sex\"]' "
        "-p error_rates__level=0.9 --policy policy.toml --seed 7 --out reports"
    )
    about = notebook["metadata"]["papermill"]
    assert about["input_path"] == "bias.ipynb"
    assert about["output_path"] == "report.ipynb"
    assert (out / about["parameters"]["subject_file"]).resolve() == credit_file
    assert about["parameters"]["out_dir"] == "."
    text = result.notebook_path.read_text()
    assert ".tmp" not in text, "the record must not speak of unfinished files"
    outputs = [o for c in notebook["cells"] for o in c.get("outputs", [])]
    assert {o["output_type"] for o in outputs} <= {"display_data", "execute_result"}
    assert not any("widget" in mime for o in outputs for mime in o.get("data", {}))
    page = result.html_path.read_text()
    assert "Audit of credit" in page
    assert "papermill" not in page


@pytest.mark.kernel
def test_a_notebook_that_a_full_disk_cut_off_hides_not_why_the_run_failed(tmp_path: Path) -> None:
    (tmp_path / "report.ipynb").write_text('{"cells": [{"source": "import audit')
    full: Any = OSError(28, "No space left on device")
    nothing: Any = None
    with pytest.raises(
        RunError, match=r"No space left on device.*No report was made.*was cut off, and is not kept"
    ):
        module._say_why(nothing, tmp_path, full)


def test_a_failing_cell_keeps_the_notebook_as_partial_and_the_old_report_as_it_was(
    credit_file: Path, tmp_path: Path, make_template: Any
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in THREE:
        (out / name).write_text("old")
    template = make_template(HEAD, OBSERVE, "1 / 0", "print('never')")
    with pytest.raises(
        RunError, match=r"cell 4 failed: ZeroDivisionError.*No report.*report\.partial\.ipynb"
    ):
        run_template(template, credit_file, out)
    assert _names(out) == sorted([*THREE, "report.partial.ipynb"])
    assert {(out / name).read_text() for name in THREE} == {"old"}
    partial = json.loads((out / "report.partial.ipynb").read_text())
    assert partial["metadata"]["auditkit"]["partial"] is True
    statuses = [c["metadata"]["papermill"]["status"] for c in partial["cells"] if c["cell_type"] == "code"]
    assert statuses[-2:] == ["failed", "not run"]

    result = run_template(make_template(HEAD, OBSERVE), credit_file, out)
    assert _names(out) == THREE
    assert result.report.subject["name"] == "credit"


@pytest.mark.kernel
def test_a_dying_kernel_is_said_and_no_cell_after_it_is_called_completed(
    credit_file: Path, tmp_path: Path, make_template: Any
) -> None:
    template = make_template(HEAD, "import os\nos._exit(1)", "print('never')")
    with pytest.raises(RunError, match="the kernel died"):
        run_template(template, credit_file, tmp_path / "out")
    assert _names(tmp_path / "out") == ["report.partial.ipynb"]
    partial = json.loads((tmp_path / "out" / "report.partial.ipynb").read_text())
    last = partial["cells"][-1]
    assert last["metadata"]["papermill"]["status"] == "not run"
    assert not last["outputs"]


@pytest.mark.kernel
def test_data_that_only_the_kernel_can_refuse_are_bad_input_with_the_path_as_typed(
    credit_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = credit_file.with_name("unknown_target.toml")
    bad.write_text(credit_file.read_text().replace('target = "outcome"', 'target = "outcomes"'))
    monkeypatch.setattr(module, "load_early", lambda _: None)
    with pytest.raises(InputError, match="Did you mean 'outcome'") as told:
        run_template("bias", bad, tmp_path / "made" / "out")
    assert str(told.value).startswith(f"{bad}: data.test.target")
    assert not (tmp_path / "made").exists()


@pytest.mark.kernel
def test_a_notebook_without_a_report_makes_none(
    credit_file: Path, tmp_path: Path, make_template: Any
) -> None:
    with pytest.raises(RunError, match="ended without a report"):
        run_template(make_template(HEAD, "1 + 1"), credit_file, tmp_path / "out")
    assert _names(tmp_path / "out") == ["report.partial.ipynb"]


@pytest.mark.kernel
def test_an_interrupt_stops_the_kernel_and_its_processes_and_leaves_nothing(
    credit_file: Path, tmp_path: Path, make_template: Any
) -> None:
    import psutil  # type: ignore[import-untyped]

    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\ntime.sleep(600)"
    )
    template, out = make_template(HEAD, code), tmp_path / "out"
    script = f"from auditkit.runner.run import run_template\nrun_template({str(template)!r}, {str(credit_file)!r}, {str(out)!r})"
    room = Path(tempfile.mkdtemp(dir="/tmp"))  # short enough for the paths of sockets
    process = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(room)}
    )
    pids = out / "pids"
    deadline = time.monotonic() + 60
    while not (pids.is_file() and pids.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    kernel, child = map(int, pids.read_text().split())
    assert list(room.glob("auditkit-kernel-*/k-1"))
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in said
    assert _names(out) == ["pids"]
    assert list(room.iterdir()) == []
    room.rmdir()
    for pid in (kernel, child):
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


TOLD_BETWEEN = """
import os, pathlib, sys
from auditkit.cli import main
replace, out, number = pathlib.Path.replace, pathlib.Path(sys.argv[-1]).resolve(), int(sys.argv.pop(1))
def and_a_signal(source, target):
    made = replace(source, target)
    if pathlib.Path(target) == out / "report.html":
        os.kill(os.getpid(), number)
    return made
pathlib.Path.replace = and_a_signal
main()
"""


@pytest.mark.kernel
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "Terminated"), (signal.SIGINT, 130, "Interrupted")]
)
def test_told_to_end_between_its_files_a_run_leaves_those_of_one_run_and_says_so(
    credit_file: Path, tmp_path: Path, make_template: Any, number: int, code: int, word: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in THREE:
        (out / name).write_text("old")
    words = [str(int(number)), "run", str(make_template(HEAD, OBSERVE)), "--subject", str(credit_file), "--out", str(out)]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", TOLD_BETWEEN, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert _names(out) == THREE
    assert "old" not in {(out / name).read_text() for name in THREE}
    said = f"{word}: the report was complete by then, and is in {out}: {', '.join(THREE)}."
    assert done.stderr.splitlines()[-1] == said


@pytest.mark.kernel
@pytest.mark.parametrize("name", ["explainability", "membership", "robustness", "full"])
def test_every_template_runs_on_a_small_subject(credit_file: Path, tmp_path: Path, name: str) -> None:
    small = {
        "shap_importance__rows": 20,
        "permutation_importance__rows": 50,
        "reference_attacks__references": 4,
        "decision_attack__rows": 10,
        "decision_attack__max_calls": 20,
    }
    from auditkit.runner.parameters import declared
    from auditkit.runner.templates import find_template

    known = declared(find_template(name))
    result = run_template(
        name, credit_file, tmp_path / "out", parameters={k: v for k, v in small.items() if k in known}
    )
    assert _names(tmp_path / "out") == THREE
    assert result.report.counts["error"] == 0
    assert [c["name"] for c in result.report.provenance["plan"]] == list(find_template(name).checks)
    notebook = json.loads(result.notebook_path.read_text())
    streams = [o for c in notebook["cells"] for o in c.get("outputs", []) if o["output_type"] == "stream"]
    assert streams == []
