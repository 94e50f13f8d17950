from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from auditkit import Audit, __version__
from auditkit.check import registry
from auditkit.cli import app
from auditkit.cli.ending import TERMINATED, saying_what_stays
from auditkit.cli.output import EXIT, outcome, plain_errors, say, summary, table
from auditkit.cli.progress import line, log, shown
from auditkit.data import make_credit
from auditkit.errors import Cancelled, InputError
from auditkit.files import write_whole
from auditkit.loading.policy import default_policy
from auditkit.runner.demo import write_demo
from auditkit.runner.news import News

HEAVY = {
    "IPython", "fairlearn", "ipywidgets", "jupyter_client", "lightgbm", "matplotlib", "nbconvert", "nbformat", "numpy",
    "pandas", "papermill", "plotly", "pyarrow", "scipy", "shap", "sklearn", "skops", "torch",
}  # fmt: skip

COMMANDS = ["demo", "run", "judge", "list", "doctor"]


def _call(*args: str) -> Any:
    return CliRunner().invoke(app, list(args))


def _process(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditkit", *args], capture_output=True, text=True, check=False, **more
    )


@pytest.fixture(scope="module")
def adult_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("adult"), rows=1500)


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = Audit(["model_performance"]).run(make_credit(n_train=200, n_test=150))
    return report.save(tmp_path_factory.mktemp("report") / "report.json")


def _policy(folder: Path, limit: str, metric: str = "accuracy") -> str:
    path = folder / "policy.toml"
    path.write_text(f"[[criterion]]\nmetric = '{metric}'\n{limit}\nwhy = 'a test'")
    return str(path)


def _light(folder: Path) -> Path:
    """Write a template of one quick check."""
    cells = [
        'subject_file = "s.toml"\npolicy_file = None\nseed = 0\nout_dir = "."',
        "import auditkit as ak\nfrom auditkit.runner.notebook import observe, show",
        'audit = ak.Audit(["demographic_parity"], criteria=ak.load_policy(policy_file))',
        "report = observe(audit, ak.load_subject(subject_file), seed=seed, out_dir=out_dir)",
        'show(report, "verdict")',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, folder / "light.ipynb")
    return folder / "light.ipynb"


@pytest.mark.parametrize(
    "args", [["--help"], *([c, "--help"] for c in COMMANDS), ["scan", "notebook", "--help"]], ids=" ".join
)
def test_help_has_examples_and_loads_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys\nfrom auditkit.cli import app\n"
        f"try:\n    app({args!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, _, loaded = done.stdout.partition("LOADED")
    assert "Examples:" in said
    assert not HEAVY & set(loaded.split())


def test_the_version_is_said() -> None:
    assert _call("--version").stdout == f"auditkit {__version__}\n"


def test_nothing_asked_gives_help() -> None:
    result = _call()
    assert "Usage:" in result.output
    assert result.exit_code == 2


class TestJudge:
    @pytest.mark.parametrize(
        ("limit", "code"),
        [("at_least = 0.0", 0), ("at_least = 1.0", 1), ("at_least = 0.0\ngroup = 'nobody'", 3)],
    )
    def test_exit_code_is_the_verdict(self, report_file: Path, tmp_path: Path, limit: str, code: int) -> None:
        policy = _policy(tmp_path, limit)
        result = _call("judge", str(report_file), "--policy", policy)
        assert result.exit_code == code
        assert result.stdout.startswith("credit: ")
        assert result.stderr == ""
        process = _process("judge", str(report_file), "--policy", policy, "--json")
        assert process.returncode == code
        said = json.loads(process.stdout)
        assert EXIT[said["verdict"]] == said["exit_code"] == code
        assert process.stderr == ""

    def test_bad_input_is_a_sentence_on_stderr(self, report_file: Path, tmp_path: Path) -> None:
        good = _policy(tmp_path, "at_least = 0.0")
        (tmp_path / "broken.json").write_text('{"schema": "auditkit.report/1.0"}')
        for args in (
            ["judge", str(tmp_path / "none.json"), "--policy", good],
            ["judge", str(tmp_path / "broken.json"), "--policy", good],
            ["judge", str(report_file), "--policy", str(tmp_path / "none.toml")],
            ["judge", str(report_file), "--policy", _policy(tmp_path, "at_least = 0.0", "acuracy")],
        ):
            result = _call(*args, "--json")
            assert result.exit_code == 2
            told = json.loads(result.stdout)  # one object for who reads by machine, as ever with --json
            assert told == {"error": told["error"], "exit_code": 2}
            assert result.stderr.startswith("Error: ")
            assert "Traceback" not in result.stderr


class TestRun:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"template": "bais"}, "Did you mean 'bias'"),
            ({"--subject": "no/such.toml"}, "no/such.toml"),
            ({"--policy": "no/such.toml"}, "no policy file"),
            ({"--out": "s3://bucket/x"}, "on this machine"),
            ({"-p": "demographic_parity__levl=0.9"}, "Did you mean 'demographic_parity__level'"),
            ({"-p": "demographic_parity__level=high"}, "demographic_parity__level"),
            ({"-p": "__import__('os').system('true')=1"}, "letters, digits"),
            ({"-p": "a;b=1"}, "letters, digits"),
            ({"-p": "seed=1"}, "--seed"),
            ({"-p": "demographic_parity__level"}, "NAME=VALUE"),
            ({"--seed": "-1"}, "--seed"),
            ({"--seed": "abc"}, "--seed"),
            ({"--jobs": "0"}, "--jobs"),
        ],
        ids=str,
    )
    def test_bad_input_is_refused_with_code_2_and_nothing_written(
        self, adult_file: Path, tmp_path: Path, change: dict[str, str], said: str
    ) -> None:
        options = {"--subject": str(adult_file), "--out": str(tmp_path / "out"), **change}
        template = options.pop("template", "bias")
        result = _call("run", template, *(word for pair in options.items() for word in pair), "--json")
        assert result.exit_code == 2
        if (
            said not in ("--seed", "--jobs") or "-p" in change
        ):  # those two are usage, told before anything is read
            assert said in json.loads(result.stdout)["error"]
        assert said in result.stderr
        assert "Traceback" not in result.stderr
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.kernel
    @pytest.mark.parametrize(
        ("limit", "code"),
        [("at_most = 1.0", 0), ("at_most = 0.0", 1), ("at_most = 0.0\ngroup = 'nobody'", 3)],
    )
    def test_exit_code_of_a_run_is_its_verdict(
        self, adult_file: Path, tmp_path: Path, limit: str, code: int
    ) -> None:
        policy = _policy(tmp_path, limit, "demographic_parity_difference")
        template, words = str(_light(tmp_path)), []
        if code == 1:  # one of auditkit's own, in a process of its own, as a pipeline sees it
            template, words = "bias", ["-p", 'demographic_parity__features=["sex"]', "--code"]
        words += ["--subject", str(adult_file), "--out", str(tmp_path / "out"), "--policy", policy, "--json"]
        if code == 1:
            done = _process("run", template, *words)
            found, said_, err = done.returncode, done.stdout, done.stderr
        else:
            result = _call("run", template, *words)
            found, said_, err = result.exit_code, result.stdout, result.stderr
        assert (found, err) == (code, "")
        said = json.loads(said_)
        assert said["exit_code"] == code
        written = sorted(str(path) for path in (tmp_path / "out").iterdir())
        assert sorted(said[k] for k in ("html", "notebook", "report")) == written
        assert ("load_subject" in Path(said["html"]).read_text()) == (code == 1)

    @pytest.mark.kernel
    def test_an_interrupt_says_so_and_leaves_nothing(self, adult_file: Path, tmp_path: Path) -> None:
        import pexpect  # type: ignore[import-untyped]

        out = tmp_path / "out"
        words = ["-m", "auditkit", "run", "full", "--subject", str(adult_file), "--out", str(out)]
        child = pexpect.spawn(sys.executable, words, timeout=60, encoding="utf-8", dimensions=(40, 120))
        child.expect("starting a kernel")  # the bar is there, since this is a terminal
        child.expect(r"/\d+ ")
        child.sendintr()
        child.expect("Interrupted: the kernel is stopped")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 130
        assert not out.exists()

    @pytest.mark.kernel
    def test_termination_ends_the_kernel_and_says_what_stays(self, adult_file: Path, tmp_path: Path) -> None:
        import psutil  # type: ignore[import-untyped]

        out = tmp_path / "out"
        out.mkdir()
        (out / "report.json").write_text("an earlier run's")
        words = ["-m", "auditkit", "run", "full", "--subject", str(adult_file), "--out", str(out)]
        process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        told = [next(process.stderr), next(process.stderr)]  # a check has ended, others are still to come
        kernels = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        said, rest = process.communicate(timeout=60)
        assert process.returncode == 143
        assert said == ""
        assert told[0].rstrip().endswith("full: starting a kernel")
        assert " 1/" in told[1]
        assert rest.splitlines()[-1] == (
            "Terminated: the kernel is stopped, and no report was written. Nothing of this run is kept; "
            f"what was in {out} before stays as it was."
        )
        assert [p.name for p in out.iterdir()] == ["report.json"]
        assert (out / "report.json").read_text() == "an earlier run's"
        assert kernels
        _, left = psutil.wait_procs(kernels, timeout=60)
        assert not [one for one in left if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("written", "cache", "said"),
    [
        ([], None, "no report was written. Nothing of this run is kept; what was in {out} before stays as it was."),
        ([], "kept", "Nothing of this run is kept but the answers of reference models in kept; what was in {out} before stays as it was."),
        (["adult.skops", "adult.toml"], None,
         "no report was written. Of this run stays: in {out} it has written adult.skops, adult.toml. What else was in {out} is as it was."),
        (["adult.toml"], "kept", "it has written adult.toml; and the answers of reference models in kept."),
        (["report.html", "report.ipynb", "report.json"], None,
         "Terminated: the report was complete by then, and is in {out}: report.html, report.ipynb, report.json."),
    ],
)  # fmt: skip
def test_what_stays_of_a_run_that_was_told_to_end_is_told_from_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: list[str], cache: str | None, said: str
) -> None:
    for name in ("adult.skops", "adult.toml", "report.json", "report.html", "test.parquet"):
        (tmp_path / name).write_text("an earlier run's")
    with pytest.raises(SystemExit) as end, saying_what_stays(str(tmp_path), cache):  # noqa: PT012 - written inside
        for name in written:
            write_whole(tmp_path / name, b"this run's")
        sys.exit(TERMINATED)
    assert end.value.code == 143
    assert said.format(out=tmp_path) in capsys.readouterr().err


def test_a_demo_that_is_ended_says_that_its_model_is_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditkit.runner.run.run_template", told)
    result = _call("demo", "--out", str(tmp_path), "--rows", "500")
    capsys.readouterr()
    assert result.exit_code == 130
    files = "adult.skops, adult.toml, test.parquet, train.parquet"
    assert f"Of this run stays: in {tmp_path} it has written {files}." in result.stderr


class TestLog:
    @pytest.mark.parametrize(
        ("news", "told"),
        [
            (News("started", total=2, code="AK001", name="a"), ""),
            (News("progress", total=2, code="AK001", name="a", fraction=0.5, what="refit 1 of 2"), ""),
            (News("finished", total=2, code="AK001", name="a", what="observed", numbers=1, seconds=61.25),
             "1/2 AK001 a: 1 number, 61.2 s"),
            (News("finished", total=2, code="AK001", name="a", what="observed", numbers=1234, seconds=0.5),
             "1/2 AK001 a: 1,234 numbers, 0.5 s"),
            (News("finished", total=2, code="AK001", name="a", what="error", numbers=0, seconds=0.5),
             "1/2 AK001 a: error, 0.5 s"),
            (News("completed", what="fail"), "every check has ended; writing the report"),
        ],
        ids=lambda v: v.kind if isinstance(v, News) else "",
    )  # fmt: skip
    def test_a_line_stands_for_a_check_that_ended(self, news: News, told: str) -> None:
        assert line(news, 1) == told

    def test_lines_are_stamped_counted_and_steer_no_terminal(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        listen = log()
        for code in ("AK1", "AK2"):
            listen(News("finished", total=2, code=code, name="a\x1b[31m", what="observed", numbers=0))
        out, err = capsys.readouterr()
        assert out == ""
        stamps, lines = zip(*(one.split(" ", 1) for one in err.splitlines()), strict=True)
        assert all(re.fullmatch("[0-9]{2}:[0-9]{2}:[0-9]{2}", one) for one in stamps)
        assert [one[:7] for one in lines] == ["1/2 AK1", "2/2 AK2"]
        assert "\x1b" not in err

    def test_a_check_that_takes_long_is_told_of_now_and_then(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        now = [0.0]
        listen = log(clock=lambda: now[0])
        for at in (4.9, 5.0, 9.9, 10.0):  # the second and the last come five seconds after a line
            now[0] = at
            listen(News("progress", total=2, code="AK1", name="a"))  # a sign of life
            listen(News("progress", total=2, code="AK1", name="a", fraction=at / 20, what=f"at {at}"))
        lines = [one.split(" ", 1)[1] for one in capsys.readouterr().err.splitlines()]
        assert lines == ["AK1 a: 25% done, at 5.0", "AK1 a: 50% done, at 10.0"]

    def test_a_start_is_told_when_it_begins_and_not_before(self, capsys: pytest.CaptureFixture[str]) -> None:
        with shown("bias", silent=False) as said:
            assert capsys.readouterr() == ("", "")
            said.begin()
        assert capsys.readouterr().err.rstrip().endswith(" bias: starting a kernel")

    def test_a_subject_of_another_kind_is_refused_without_a_word_of_a_start(
        self, adult_file: Path, tmp_path: Path
    ) -> None:
        done = CliRunner().invoke(
            app, ["run", "stack", "--subject", str(adult_file), "--out", str(tmp_path / "out")]
        )
        assert done.exit_code == 2
        assert "starting a kernel" not in done.output
        assert not (tmp_path / "out").exists()

    def test_it_is_silent_where_only_an_object_is_asked_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        with shown("bias", silent=True) as silent:
            silent.begin()
            assert silent.listen is None
        assert capsys.readouterr() == ("", "")


BIAS = [
    "label_bias", "proxies", "demographic_parity", "adverse_impact", "error_rates", "calibration_by_group",
    "ranking_by_group", "threshold_sweep", "group_metrics", "consistency", "counterfactual_flips", "worst_slice",
]  # fmt: skip


class TestList:
    def test_checks(self) -> None:
        rows = json.loads(_call("list", "--json").stdout)["checks"]
        assert {"AK001", "AK101", "AK201", "AK301", "AK401"} <= {row["code"] for row in rows}
        assert "demographic_parity" in _call("list", "checks").stdout

    def test_templates(self) -> None:
        rows = json.loads(_call("list", "templates", "--json").stdout)["templates"]
        assert [row["name"] for row in rows] == [
            "full", "explainability", "bias", "mitigation", "membership", "privacy", "privacy_mitigation", "distillation", "robustness",
            "poisoning", "robustness_mitigation", "drift", "incident", "nyc_ll144", "artifact", "notebooks", "llm", "data", "table", "stack", "access",
        ]  # fmt: skip
        assert rows[3]["checks"] == ["mitigation_lab"]

    def test_metrics_with_the_checks_that_give_them(self) -> None:
        rows = json.loads(_call("list", "metrics", "--json").stdout)["metrics"]
        by_name = {row["metric"]: row for row in rows}
        assert set(by_name) == registry().metrics()
        assert len(rows) == len(by_name)
        assert by_name["attack_auc"]["checks"] == ["AK201", "AK202", "AK203", "AK204", "AK210"]
        assert by_name["attack_auc"]["names"] == [
            "population_attack",
            "reference_attacks",
            "label_only_attacks",
            "quantile_attack",
            "privacy_meter",
        ]
        assert by_name["attack_auc"]["default_policy"] == "at most 0.6"
        assert {c.metric for c in default_policy()} <= set(by_name)
        assert "demographic_parity_ratio" in _call("list", "metrics").stdout

    def test_parameters(self) -> None:
        every = json.loads(_call("list", "parameters", "--json").stdout)["parameters"]
        some = json.loads(_call("list", "parameters", "--template", "bias", "--json").stdout)["parameters"]
        assert list(dict.fromkeys(row["name"].partition("__")[0] for row in some)) == BIAS
        assert all(row in every for row in some)
        assert (
            next(r for r in some if r["name"] == "demographic_parity__level")["allowed"]
            == "above 0.5, below 1"
        )

    def test_what_cannot_be_listed_is_refused(self) -> None:
        assert _call("list", "nonsense").exit_code == 2
        assert _call("list", "parameters", "--template", "nonsense").exit_code == 2


def test_the_draft_of_a_threat_model_can_be_pasted_into_the_subject_file(tmp_path: Path) -> None:
    rows = "age,job,y\n20,a,0\n30,b,1\n40,a,0\n50,b,1\n"
    (tmp_path / "test.csv").write_text(rows, "utf-8")
    (tmp_path / "p.csv").write_text("p\n0.1\n0.9\n0.2\n0.8\n", "utf-8")
    file = tmp_path / "s.toml"
    text = '[model]\npredictions = { path = "p.csv", score = "p" }\n[data.test]\npath = "test.csv"\ntarget = "y"\npositive = 1\n'
    file.write_text(text, "utf-8")
    said = _call("threat", "--subject", str(file))
    assert said.exit_code == 0
    assert '[threat.features."age"]' in said.stdout
    assert "# no category can change within this radius" in said.stdout
    file.write_text(f'{text}sensitive = ["age"]\n', "utf-8")
    held = _call("threat", "--subject", str(file)).stdout
    assert '    "age",  # a sensitive feature' in held
    assert '    "job",  # gives age away' in held
    file.write_text(text + said.stdout.replace('direction = "both"', 'direction = "up"'), "utf-8")
    assert 'direction = "up"' in _call("threat", "--subject", str(file)).stdout
    told = json.loads(_call("threat", "--subject", str(file), "--json").stdout)
    assert [one["name"] for one in told["features"]] == ["age", "job"]
    assert _call("threat", "--subject", "nothing.toml").exit_code == 2


def test_a_factory_that_threat_loads_meets_all_that_is_installed(tmp_path: Path) -> None:
    """The command line goes without a package of grammars, for its own sake alone."""
    from auditkit.runner.quick import without_grammars

    (tmp_path / "test.csv").write_text("age,y\n20,0\n30,1\n40,0\n50,1\n", "utf-8")
    (tmp_path / "p.csv").write_text("p\n0.1\n0.9\n0.2\n0.8\n", "utf-8")
    file = tmp_path / "s.toml"
    text = '[model]\npredictions = { path = "p.csv", score = "p" }\n[data.test]\npath = "test.csv"\ntarget = "y"\npositive = 1\n'
    file.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "rfc3987_syntax", raising=False)
        without_grammars()
        assert _call("threat", "--subject", str(file)).exit_code == 0
        assert sys.modules.get("rfc3987_syntax", sys) is not None


def test_doctor_is_content_here() -> None:
    result = _call("doctor")
    assert result.exit_code == 0
    assert "Everything needed is here." in result.stdout
    assert json.loads(_call("doctor", "--json").stdout)["healthy"] is True


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("no such thing"), 2, "Error: no such thing"),
        (Cancelled("stopped"), 3, "Error: stopped"),
        (OSError(28, "No space left on device"), 3, "No space left"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (ZeroDivisionError("a bug"), 3, "mistake in auditkit itself"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_no_error_looks_like_a_verdict(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    with pytest.raises(typer.Exit) as end, plain_errors():
        raise error
    assert end.value.exit_code == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_reader_that_has_enough_is_no_error(report_file: Path, tmp_path: Path) -> None:
    policy = _policy(tmp_path, "at_least = 0.0")
    words = [sys.executable, "-m", "auditkit", "judge", str(report_file), "--policy", policy, "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
        assert asked.stdout is not None
        assert asked.stderr is not None
        asked.stdout.close()
        assert asked.stderr.read() == ""
    assert asked.returncode == 141


def test_nothing_said_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("red \x1b[31m and \x9b31m and \u202e")
    table([{"name": "[bold]x[/bold] :boom: \\", "checks": ["a", "b"]}])
    out, err = capsys.readouterr()
    assert not set(err) & {"\x1b", "\x9b", "\u202e"}
    assert "[bold]x[/bold] :boom:" in out
    assert "a, b" in out


def test_what_is_left_out_of_a_summary_adds_up_to_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    one = {"metric": "gap", "value": 0.2, "n": 9, "interval": None}
    broken = [{"check": "AK101", "status": "fail", "measurement": one, "criterion": {"at_most": 0.1}}] * 5
    lacking = [{"check": "AK001", "status": "inconclusive", "reason": "no data", "measurement": None}]
    gaps = {"not_examined": [{"what": "x", "why": "y"}]}
    report: Any = SimpleNamespace(to_dict=lambda: {"findings": broken + lacking, "provenance": gaps})
    summary(report, 3)
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first.endswith("5 criteria not met, 1 could not be measured")
    assert len(lines) == 3
    assert last == "  ... and 3 more; they, and what was not examined, are in the report"


def test_every_verdict_has_an_exit_code(report_file: Path) -> None:
    from typing import get_args

    from auditkit import load_report
    from auditkit.judging import Verdict

    assert set(EXIT) == set(get_args(Verdict))
    assert outcome(load_report(report_file))["subject"] == "credit"
