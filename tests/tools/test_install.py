"""A tool is installed whole or not at all, into an environment of its own, from a wheel made here; nothing is downloaded."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution

import psutil
import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.errors import InputError, NotApplicable, ToolError
from auditkit.tools import TOOLS, find_tool
from auditkit.tools.home import STAMP, home_folder, look, needs_tool
from auditkit.tools.install import check, install, remove
from auditkit.tools.tool import Tool


def wheel(folder, version="1.0"):
    """Write the smallest wheel there is."""
    folder.mkdir(exist_ok=True)
    info = f"auditkit_probe-{version}.dist-info"
    files = {
        "auditkit_probe.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: auditkit-probe\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"auditkit_probe-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return folder


def probe(script, version="1.0"):
    script.write_text("import sys, auditkit_probe\n", "utf-8")
    return Tool(
        name="probe",
        what="A probe",
        distribution="auditkit-probe",
        version=version,
        requirements=(f"auditkit-probe=={version}",),
        pythons=((3, 11), (4, 0)),
        licence="Apache-2.0",
        size="nothing",
        script=script,
        outputs=("out.txt",),
    )


def offline(wheels):
    return ("--no-index", "--find-links", str(wheels))


def call(*words):
    return CliRunner().invoke(app, ["tools", *words])


def knows(patch, tool):
    """Have the command line know this tool alone."""
    from auditkit.tools import catalogue

    patch.setattr(catalogue, "TOOLS", (tool,))
    patch.setattr("auditkit.tools.TOOLS", (tool,))


@pytest.fixture(scope="module")
def by_command(tmp_path_factory):
    """One real install, by the command line, for the tests that only look; and what the command said."""
    folder = tmp_path_factory.mktemp("install")
    wheels, home = wheel(wheel(folder / "wheels"), "1.1"), folder / "home"
    tool = probe(folder / "script.py")
    with pytest.MonkeyPatch.context() as patch:
        knows(patch, tool)
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        said = call("install", "probe", "--home", str(home), "--json")
    assert said.exit_code == 0, said.output
    return (tool, home, look(tool, home), wheels), json.loads(said.stdout)


@pytest.fixture(scope="module")
def installed(by_command):
    return by_command[0]


@pytest.fixture
def copied(installed, tmp_path):
    """The tool, and a folder of a test's own that holds what is installed."""
    tool, home, _found, wheels = installed
    return tool, shutil.copytree(home, tmp_path / "home", symlinks=True), wheels


def test_the_environment_is_its_own_and_the_stamp_says_what_is_in_it(installed):
    tool, home, found, _wheels = installed
    assert found.folder == home / "probe"
    assert found.current
    assert "auditkit-probe==1.0" in found.stamp["freeze"]
    assert not any(line.startswith("numpy") for line in found.stamp["freeze"])
    assert found.stamp["requirements"] == ["auditkit-probe==1.0"]
    assert found.stamp["python"].startswith("3.")
    assert look(tool, home) == found
    assert check(tool, home) == found
    with pytest.raises(PackageNotFoundError):
        distribution("auditkit-probe")
    assert sorted(p.name for p in home.iterdir()) == ["probe"], "nothing else is left"


def test_what_is_there_is_not_installed_again(installed, monkeypatch):
    tool, home, found, _wheels = installed
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    assert install(tool, home) == found


def test_what_is_installed_is_removed_once(copied):
    tool, home, _wheels = copied
    assert look(tool, home).current
    assert remove(tool, home)
    assert not remove(tool, home)
    assert look(tool, home) is None
    assert list(home.iterdir()) == []


def test_an_interrupted_install_leaves_nothing(tmp_path):
    tool, home = probe(tmp_path / "script.py"), tmp_path / "home"

    def interrupt(_passed):
        if list(home.glob(".probe.*.partial")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install(tool, home, options=offline(wheel(tmp_path / "wheels")), each=interrupt)
    assert list(home.iterdir()) == []


def test_a_killed_install_leaves_nothing_that_looks_installed_and_the_next_replaces_other_releases(
    copied, tmp_path
):
    _tool, home, wheels = copied
    tool = probe(tmp_path / "script.py", "1.1")
    with pytest.raises(NotApplicable, match=r"other releases than 1\.1 needs: auditkit tools install probe"):
        needs_tool(tool, home)
    script = (
        "import sys\nfrom pathlib import Path\nfrom auditkit.tools.install import install\nfrom auditkit.tools.tool import Tool\n"
        f"tool = Tool('probe', 'A probe', 'auditkit-probe', '1.1', ('auditkit-probe==1.1',), ((3, 11), (4, 0)), 'x', 'x', "
        f"Path({str(tool.script)!r}), ('out.txt',))\n"
        f"install(tool, {str(home)!r}, options={offline(wheels)!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    own = psutil.Process(process.pid)
    until = time.monotonic() + 300
    while not list(home.glob(".probe.*.partial/pyvenv.cfg")) and time.monotonic() < until:
        time.sleep(0.01)
    started = own.children(recursive=True)
    process.kill()
    process.wait()
    for child in started:  # they outlive it, and write nowhere that counts
        child.kill()
    psutil.wait_procs(started, timeout=10)
    assert list(home.glob(".probe.*.partial")), "it was killed on the way"
    assert not look(tool, home).current
    with pytest.raises(NotApplicable):
        needs_tool(tool, home)
    found = install(tool, home, options=offline(wheels))
    assert found.current
    assert "auditkit-probe==1.1" in found.stamp["freeze"]
    assert sorted(p.name for p in home.iterdir()) == ["probe"], "the next install sweeps up"


def test_an_install_under_way_is_not_swept_away(tmp_path):
    tool, home = probe(tmp_path / "script.py"), tmp_path / "home"
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        theirs, dead = (home / f".probe.{pid}.ab.partial" for pid in (other.pid, 2**22 + 1))
        for folder in (theirs, dead):
            folder.mkdir(parents=True)
        (dead / STAMP).write_text(json.dumps({"requirements": list(tool.requirements)}), "utf-8")
        assert look(tool, home) is None
        assert remove(tool, home)
        assert theirs.exists()
        assert not dead.exists()
    finally:
        other.communicate(b"\n")


def test_a_python_that_does_not_fit_is_refused_first(tmp_path):
    tool = replace(probe(tmp_path / "script.py"), pythons=((2, 7), (3, 0)))
    with pytest.raises(ToolError, match=r"probe 1\.0 runs on Python 2\.7 to before 3\.0; this is 3\."):
        install(tool, tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_what_does_not_start_is_said_by_check(installed, tmp_path):
    tool, home, _found, _wheels = installed
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n", "utf-8")
    with pytest.raises(ToolError, match="No module named 'nothing_of_that_name'"):
        check(replace(tool, script=broken), home)


def test_the_folder_is_the_one_given_then_the_variable_then_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDITKIT_TOOLS", str(tmp_path / "variable"))
    assert home_folder(tmp_path / "given") == tmp_path / "given"
    assert home_folder() == tmp_path / "variable"
    monkeypatch.delenv("AUDITKIT_TOOLS")
    assert home_folder().parts[-2:] == ("auditkit", "tools")


def test_the_catalogue_is_pinned_and_its_scripts_are_there():
    assert [tool.name for tool in TOOLS] == ["privacy-meter", "garak"]
    for tool in TOOLS:
        assert tool.script.is_file()
        assert f"{tool.distribution}=={tool.version}" in tool.requirements
    with pytest.raises(InputError, match="Did you mean 'privacy-meter'"):
        find_tool("privacymeter")


def test_a_tool_names_a_check_there_is_and_what_runs_it():
    from auditkit.check import find
    from auditkit.cli.tools import _next

    for tool in TOOLS:
        assert len(find(tool.check)) == 1
        assert f"auditkit template new {tool.check} --check {tool.check}" in _next(tool)
        assert f"auditkit run {tool.check}.ipynb --subject FILE" in _next(tool)
    shipped = replace(TOOLS[0], check="prompt_injection")
    assert _next(shipped) == "The check prompt_injection runs it: auditkit run llm --subject FILE --out DIR"


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def known(self, installed, monkeypatch):
        self.tool, self.home, self.found, self.wheels = installed
        knows(monkeypatch, self.tool)
        monkeypatch.setenv("AUDITKIT_TOOLS", str(self.home))

    def test_list(self, tmp_path):
        shown = json.loads(call("list", "--json").stdout)
        assert shown["home"] == str(self.home)
        assert shown["tools"][0]["status"] == "installed"
        assert shown["tools"][0]["requirements"] == ["auditkit-probe==1.0"]
        elsewhere = json.loads(call("list", "--json", "--home", str(tmp_path)).stdout)
        assert elsewhere["tools"][0]["status"] == "not installed"
        plain = call("list")
        assert plain.exit_code == 0
        assert "probe" in plain.stdout

    def test_check(self, tmp_path):
        assert call("check", "probe").exit_code == 0
        shown = json.loads(call("check", "probe", "--json").stdout)
        assert shown["works"] is True
        assert "auditkit-probe==1.0" in shown["freeze"]
        absent = call("check", "probe", "--json", "--home", str(tmp_path))
        assert absent.exit_code == 1
        assert "auditkit tools install probe" in json.loads(absent.stdout)["reason"]

    def test_names_that_are_none_are_bad_input(self):
        for command in ("install", "check", "remove"):
            found = call(command, "prob")
            assert found.exit_code == 2
            assert "Did you mean 'probe'" in found.stderr

    def test_install_and_remove(self, by_command, copied):
        assert by_command[1]["status"] == "installed"
        _tool, home, _wheels = copied
        for removed in (True, False):
            gone = call("remove", "probe", "--home", str(home), "--json")
            assert gone.exit_code == 0
            assert json.loads(gone.stdout)["removed"] is removed

    def test_a_failed_install_leaves_nothing_and_says_what_pip_said(self, tmp_path, monkeypatch):
        home = tmp_path / "home"
        (tmp_path / "empty").mkdir()
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
        failed = call("install", "probe", "--home", str(home))
        assert failed.exit_code == 3
        told = " ".join(failed.stderr.split())
        assert re.search(r"probe was not installed: pip failed.*No matching distribution found", told), told
        assert list(home.iterdir()) == []
        assert look(self.tool, home) is None

    def test_help_names_the_commands(self):
        for word in ("list", "install", "check", "remove"):
            assert word in call("--help").stdout
            assert "Examples:" in call(word, "--help").stdout


def test_listing_loads_nothing_heavy():
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom auditkit.cli import app\n"
        "assert CliRunner().invoke(app, ['tools', 'list', '--json']).exit_code == 0\n"
        "print(*sorted({'numpy', 'pandas', 'rich.table', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.split() == []
