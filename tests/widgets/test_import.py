"""What the widgets cost who does not use them: nothing."""

from __future__ import annotations

import subprocess
import sys


def imported(what: str) -> set[str]:
    source = f"import sys, {what}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_the_command_line_and_the_package_load_no_widgets() -> None:
    loaded = imported("auditkit, auditkit.cli")
    assert "auditkit.cli" in loaded
    assert not {name for name in loaded if name.startswith(("auditkit.widgets", "ipywidgets", "traitlets"))}


def test_the_widgets_load_no_heavy_package() -> None:
    heavy = {"torch", "sklearn", "pandas", "shap", "plotly", "nbformat", "nbconvert", "lightgbm", "xgboost"}
    loaded = imported("auditkit.widgets")
    assert "auditkit.widgets.studio" in loaded
    assert not heavy & loaded
