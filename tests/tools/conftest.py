"""Environments that are there at once: this interpreter under another name, with the stamp of an install."""

import importlib.util
import json
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from auditkit.tools.home import STAMP, VARIABLE, python_of
from auditkit.tools.tool import Limits, Tool

HERE = Path(__file__).parent


def load(name):
    """Return a module of this folder."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def by_hand():
    return load("stand_in_meter")


@pytest.fixture(scope="session")
def recording():
    return load("record_privacy_meter")


def pretend(tool, home):
    """Make what looks like an installed tool: this Python and its packages."""
    folder = home / tool.name
    base = Path(sys.executable).resolve()
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for parent in (packages.parent, python_of(folder).parent):
        parent.mkdir(parents=True)
    python_of(folder).symlink_to(base)
    packages.symlink_to(sysconfig.get_path("purelib"), target_is_directory=True)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = {sys.version.split()[0]}\n", "utf-8")
    stamp = {"tool": tool.name, "requirements": list(tool.requirements), "freeze": []}
    (folder / STAMP).write_text(json.dumps(stamp), "utf-8")
    return folder


@pytest.fixture
def tool_of(tmp_path, monkeypatch):
    """Return a maker of installed tools whose script is the text given."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))

    def make(script, outputs=("out.txt",), **limits):
        path = tmp_path / "script.py"
        path.write_text(
            "import sys, os, time\nfrom pathlib import Path\nfolder = Path(sys.argv[1])\n" + script, "utf-8"
        )
        made = Tool(
            name="probe",
            what="A probe",
            distribution="auditkit-probe",
            version="1.0",
            requirements=("auditkit-probe==1.0",),
            pythons=((3, 11), (4, 0)),
            licence="Apache-2.0",
            size="nothing",
            script=path,
            outputs=outputs,
            limits=replace(Limits(seconds=30.0), **limits),
        )
        if not (tmp_path / "home" / "probe").exists():
            pretend(made, tmp_path / "home")
        return made

    return make


@pytest.fixture
def meter(tmp_path, monkeypatch):
    """Put the stand-in where Privacy Meter would be."""
    from auditkit.tools import privacy_meter as parser
    from auditkit.tools.catalogue import PRIVACY_METER

    stand_in = replace(PRIVACY_METER, script=HERE / "stand_in_meter.py")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(parser, "PRIVACY_METER", stand_in)
    pretend(stand_in, tmp_path / "home")
    return stand_in


@pytest.fixture(scope="session")
def recording_garak():
    return load("record_garak")


@pytest.fixture
def garak(tmp_path, monkeypatch):
    """Put the stand-in where garak would be."""
    from auditkit.tools import garak as parser
    from auditkit.tools.catalogue import GARAK

    stand_in = replace(GARAK, script=HERE / "stand_in_garak.py")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(parser, "GARAK", stand_in)
    pretend(stand_in, tmp_path / "home")
    return stand_in
