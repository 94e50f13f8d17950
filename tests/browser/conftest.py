"""A JupyterLab that serves a folder of the test session, and a page that looks at it."""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def _load(stem: str) -> Any:
    """Load a module beside this one under a name of its own: as ``jupyterlab`` it would hide the package."""
    name = f"auditkit_tests_{stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{stem}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


_load("jupyterlab")  # hands.py imports it by this name, also where pytest looks for doctests there


@pytest.fixture(scope="session")
def harness() -> Any:
    """The module that starts servers and browsers; skips where there is no browser, but never in CI."""
    module = _load("jupyterlab")
    lacking = module.missing()
    if lacking and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"browser tests must run in CI, but {lacking}")
    if lacking:
        pytest.skip(lacking)
    return module


@pytest.fixture(scope="session")
def hands() -> Any:
    """The module that does what a person does: press, fill, choose, look."""
    _load("jupyterlab")  # which it imports
    return _load("hands")


@pytest.fixture(scope="session")
def axe() -> Any:
    """axe-core, an automatic auditor of accessibility; None where it is not installed, but never in CI."""
    name = "axe_playwright_python"
    if os.environ.get("CI", "").lower() != "true" and importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(f"{name}.sync_playwright").Axe()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder the notebooks stand in, with the small checks and the subjects beside them."""
    folder = tmp_path_factory.mktemp("workshop")
    for beside in ("studio_checks.py", "studio_subjects.py"):
        shutil.copy(HERE / beside, folder)
    return folder


@pytest.fixture(scope="session")
def lab(harness: Any, workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running JupyterLab."""
    with harness.serving(workshop, tmp_path_factory.mktemp("lab-home")) as server:
        yield server


@pytest.fixture
def notebook() -> Any:
    """Writes a notebook, by the folder, the name and the source of each cell."""

    def write(folder: Path, name: str, *sources: str) -> None:
        cells: list[dict[str, Any]] = [
            {
                "cell_type": "code", "id": f"cell-{at}", "source": source.strip(), "metadata": {}, "outputs": [],
                "execution_count": None,
            }
            for at, source in enumerate(sources)
        ]  # fmt: skip
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (folder / name).write_text(json.dumps(made), encoding="utf-8")

    return write


@pytest.fixture
def alone() -> Iterator[None]:
    """One browser test at a time: two servers, kernels and browsers at once would be slower than the front end allows for."""
    with (Path(tempfile.gettempdir()) / "auditkit-browser-tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def browser(alone: None, harness: Any) -> Iterator[Any]:
    """A page of Chromium; the test fails if it asked anybody but this machine."""
    with harness.browsing() as browser:
        yield browser
        assert browser.refused == [], "the page asked other hosts"
