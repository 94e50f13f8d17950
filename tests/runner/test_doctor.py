from __future__ import annotations

import sys
import tempfile
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import auditkit
from auditkit.runner import doctor as module
from auditkit.runner.doctor import Doctor, Item, doctor
from auditkit.runner.front_end import FrontEnd
from auditkit.runner.kernel import RUN_FOLDER
from auditkit.runner.templates import list_templates

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _item(found: Doctor, what: str) -> Item:
    return next(item for item in found.items if item.what == what)


def test_a_good_installation_is_healthy_and_says_so() -> None:
    found = auditkit.doctor()
    assert found.healthy
    assert repr(found).endswith("everything needed is here")
    assert len(repr(found).splitlines()) == len(found.items) + 1
    assert list(found.frame().columns) == ["what", "state", "found", "advice"]
    assert _item(found, "numpy").state == "ok"
    assert _item(found, "kernel python3").found == sys.executable
    assert _item(found, "display").found.startswith("text")
    assert _item(found, "templates").found == str(len(list_templates()))


def test_what_only_developers_need_is_not_looked_for() -> None:
    assert not {"pytest", "ruff", "jupyter-auditkit"} & {item.what for item in doctor().items}


def test_missing_and_old_packages_come_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    have = {"numpy": "1.3", "pandas": "99.0.dev1"}

    def version(name: str) -> str:
        if name not in have:
            raise PackageNotFoundError(name)
        return have[name]

    monkeypatch.setattr(module, "version", version)
    lines = [
        "numpy>=1.26",
        "pandas>=2.2",
        "scipy>=1.13",
        'xgboost>=2.1; extra == "xgboost"',
        'ruff>=0.8; extra == "test"',
    ]
    monkeypatch.setattr(module, "requires", lambda _name: lines)
    found = {item.what: item for item in module._packages()}
    assert {k: v.state for k, v in found.items()} == {
        "numpy": "missing",
        "pandas": "ok",
        "scipy": "missing",
        "xgboost": "optional",
    }
    assert found["numpy"].advice == "pip install -U 'numpy>=1.26'"
    assert found["xgboost"].advice == "pip install 'xgboost>=2.1'"
    assert not Doctor(tuple(found.values())).healthy


def test_scanners_that_are_missing_come_with_what_goes_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", version)
    found = {item.what: item for item in module._packages()}
    for name in ("detect-secrets", "picklescan", "modelaudit-picklescan", "presidio-analyzer", "safetensors", "onnxruntime", "torch"):  # fmt: skip
        assert found[name].state == "optional"
        assert found[name].found.startswith("not installed: no ")
        assert found[name].advice.startswith(f"pip install '{name}>=")
    assert found["skops"].state == "missing"  # needed to open the one safe format of scikit-learn
    assert set(module._WITHOUT) <= set(found)


def test_the_model_that_presidio_reads_with_is_looked_for_where_presidio_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"presidio_analyzer"}
    monkeypatch.setattr(module, "find_spec", lambda name: name if name in there else None)
    monkeypatch.setattr(module, "version", lambda _name: "3.8.0")
    (item,) = module._language()
    assert (item.state, item.advice) == ("optional", "python -m spacy download en_core_web_lg")
    there.add("en_core_web_lg")
    (item,) = module._language()
    assert (item.state, item.found) == ("ok", "3.8.0")
    there.clear()
    assert list(module._language()) == []


class _Held:
    def __init__(self, held: dict[str, object]) -> None:
        self.held = held

    def close(self) -> None:
        """Nothing was started."""


def test_what_holds_a_process_is_what_one_that_was_started_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from auditkit.sandbox import landlock, process

    real = {item.what: item for item in module._sandbox()}
    assert (real["Landlock"].state == "ok") == (landlock.version() > 0)
    held = {"limits": True, "privileges": True, "network": False, "landlock": 0}
    monkeypatch.setattr(process, "Child", lambda *_: _Held(held))
    none = {item.what: item for item in module._sandbox()}
    assert {name: item.state for name, item in none.items()} == {
        "limits of a process": "ok",
        "Landlock": "warning",
        "process without network": "warning",
    }
    assert "5.13" in none["Landlock"].advice

    def ends(*_: object) -> None:
        raise process.Ended("start", "it did not start")

    monkeypatch.setattr(process, "Child", ends)
    (item,) = module._sandbox()
    assert (item.state, item.found) == ("warning", "it did not start")
    assert Doctor((item,)).healthy


def test_a_kernel_that_leads_elsewhere_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        '{"argv": ["/no/such/python"], "display_name": "x", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    item = module._kernel()
    assert item.state == "warning"
    assert "/no/such/python" in item.found


def test_the_front_end_mode_and_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_FOLDER, "/somewhere")
    assert module._front_end().found.startswith("static in auditkit run: a report is being made")
    lacking = FrontEnd("static", "VS Code", "anywidget not installed", "pip install anywidget")
    monkeypatch.setattr(module, "front_end", lambda: lacking)
    item = module._front_end()
    assert (item.state, item.advice) == ("warning", "pip install anywidget")


def test_a_folder_that_cannot_be_written_to_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    states = {item.what: item.state for item in module._folders()}
    assert states == {"working folder": "ok", "temporary folder": "warning"}


def test_external_tools_are_listed_with_what_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from auditkit.tools.catalogue import GARAK
    from auditkit.tools.home import STAMP, VARIABLE, python_of

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for name in ("garak", "privacy-meter"):
        item = {item.what: item for item in module._tools()}[f"tool {name}"]
        assert (item.state, item.advice) == ("optional", f"auditkit tools install {name}")
    python = python_of(tmp_path / "garak")
    python.parent.mkdir(parents=True)
    python.touch()
    stamp = tmp_path / "garak" / STAMP
    stamp.write_text(json.dumps({"requirements": list(GARAK.requirements)}), "utf-8")
    found = {item.what: item for item in module._tools()}["tool garak"]
    assert (found.state, found.found) == ("ok", f"{GARAK.version} in {tmp_path / 'garak'}")
    stamp.write_text(json.dumps({"requirements": ["garak==0.1"]}), "utf-8")
    assert {item.what: item for item in module._tools()}["tool garak"].state == "warning"
