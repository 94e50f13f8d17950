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
