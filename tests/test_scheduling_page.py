"""What `docs/scheduling.md` has one paste: it parses as its reader parses it, and its commands are commands of auditkit."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from auditkit.batch.schema import SchedulePart
from auditkit.cli import app
from auditkit.runner.templates import find_template

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "scheduling.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def of(language: str, having: str = "") -> str:
    (found,) = [text for name, text in BLOCKS if name == language and having in text]
    return found


def commands(text: str) -> list[list[str]]:
    """Return the words of each auditkit command in a text, up to where the shell takes over."""
    found = re.findall(r"(?:^|[\s/=])auditkit ((?:[^\n>|&;]|>(?!>))*)", text)
    return [shlex.split(one, comments=True) for one in found]


def parsed(words: list[str]) -> dict[str, object]:
    """Return what the command line reads; it raises on what it would refuse."""
    command = typer.main.get_command(app).commands[words[0]]  # type: ignore[attr-defined]
    return dict(command.make_context(words[0], words[1:]).params)


PASTED = [("", "run --due"), ("cron", ""), ("ini", "[Service]"), ("yaml", "jobs:"), ("yaml", "script:")]


@pytest.mark.parametrize(("language", "having"), PASTED)
def test_the_commands_are_commands(language: str, having: str) -> None:
    found = commands(of(language, having))
    assert found
    for words in found:
        said = parsed(words)
        assert said["due"] is True
        assert said["out"]
        assert not [
            word
            for word in words[1:]
            if word.startswith("--") and word.partition("=")[0][2:].replace("-", "_") not in said
        ]


def test_an_option_that_is_none_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(commands("auditkit run --due plans --ou reports")[0])


def test_the_schedule_is_one() -> None:
    part = SchedulePart.model_validate(tomllib.loads(of("toml"))["schedule"])
    assert part.schedule().words() == "every 1 day at 02:30 (Europe/Zurich)"
    for text in re.findall(r'or (".*)', of("toml"))[0].split(", "):
        SchedulePart(every=text.strip('"'))


def test_the_cron_line_is_one() -> None:
    (line,) = [one for one in of("cron").splitlines() if one and not one.startswith("#")]
    fields, command = line.split(None, 5)[:5], line.split(None, 5)[5]
    bounds = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    for field, (low, high) in zip(fields, bounds, strict=True):
        assert field == "*" or low <= int(field) <= high
    assert "%" not in command  # cron makes a line of it
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


@pytest.mark.parametrize(("code", "shown"), [(0, ""), (75, ""), (1, "why\n"), (2, "why\n"), (3, "why\n")])
def test_the_cron_line_shows_the_log_where_a_plan_does_not_stand_at_0(
    tmp_path: Path, code: int, shown: str
) -> None:
    (line,) = [one for one in of("cron").splitlines() if one and not one.startswith("#")]
    command = line.split(None, 5)[5].replace("/srv/audits", str(tmp_path))
    stub = tmp_path / ".venv" / "bin" / "auditkit"
    stub.parent.mkdir(parents=True)
    stub.write_text(f"#!/bin/sh\necho why >&2\nexit {code}\n")
    stub.chmod(0o755)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (shown, "")
    assert (tmp_path / "due.log").read_text() == "why\n"


def unit(having: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=True, interpolation=None, delimiters=["="])
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read_string(of("ini", having))
    return read


def test_the_units_of_systemd_belong_together() -> None:
    service, timer = unit("[Service]"), unit("[Timer]")
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["SuccessExitStatus"] == "75"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"
    names = re.findall(r"^# /etc/systemd/system/(\w+)\.(service|timer)$", PAGE, re.MULTILINE)
    assert names == [("auditkit", "service"), ("auditkit", "timer")]  # a timer starts the service of its name


def test_the_job_of_github_parses_and_keeps_the_journal_whatever_comes() -> None:
    said = yaml.safe_load(of("yaml", "jobs:"))
    assert said[True]["schedule"] == [{"cron": "17 3 * * *"}]  # YAML 1.1 reads "on" as true
    steps = said["jobs"]["due"]["steps"]
    (at,) = [n for n, one in enumerate(steps) if "auditkit run" in one.get("run", "")]
    restore, save = steps[at - 1], steps[at + 1]
    assert (restore["uses"], save["uses"]) == ("actions/cache/restore@v4", "actions/cache/save@v4")
    assert save["if"] == "always()"
    assert restore["with"]["key"] == save["with"]["key"]
    assert restore["with"]["path"] == save["with"]["path"] == "reports"


def test_the_job_of_gitlab_parses() -> None:
    said = yaml.safe_load(of("yaml", "script:"))["audits"]
    assert said["allow_failure"] == {"exit_codes": 75}
    assert said["cache"] == {"key": "audits", "paths": ["reports"], "when": "always"}


def test_the_task_of_airflow_sets_parameters_of_the_template() -> None:
    (task,) = ast.parse(of("py")).body
    assert isinstance(task, ast.Assign)
    assert isinstance(task.value, ast.Call)
    given = {one.arg: ast.literal_eval(one.value) for one in task.value.keywords}
    template = find_template(Path(given["input_nb"]).stem)
    (cell,) = [c for c in template.notebook["cells"] if "parameters" in c["metadata"].get("tags", ())]
    known = {
        one.target.id if isinstance(one, ast.AnnAssign) else one.targets[0].id
        for one in ast.parse("".join(cell["source"])).body
    }  # type: ignore[attr-defined, union-attr]
    assert set(given["parameters"]) <= known
    table = PAGE.split("## A template as a job")[1].split("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)))) <= known
