"""Importing auditkit costs nothing and starts nothing; imports go down only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "IPython", "anywidget", "dask", "distributed", "fairlearn", "ipywidgets", "jinja2", "jupyterlab", "lightgbm", "matplotlib",
    "narwhals", "nbclient", "nbconvert", "nbformat", "numba", "numpy", "onnxruntime", "pandas", "papermill", "plotly", "polars", "pyarrow",
    "pydantic", "rich", "scipy", "shap", "sklearn", "skops", "torch", "typer", "xgboost",
}  # fmt: skip


def fresh(script):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_import_loads_nothing_heavy_and_starts_no_thread():
    *loaded, threads = fresh(
        "import sys, threading, auditkit\nprint(*sorted({m.partition('.')[0] for m in sys.modules}), threading.active_count())"
    )
    assert "auditkit" in loaded
    assert not HEAVY & set(loaded)
    assert threads == "1"


def test_skops_is_read_without_pytorch_and_dask_and_their_parts_stay_importable():
    script = (
        "import sys\nfrom auditkit import _skops as skops\nimport sklearn.ensemble\n"
        "about = 'sklearn.externals.array_api_compat.torch'\nprint(*(name in sys.modules for name in ('torch', 'dask', about)))\n"
        "model = sklearn.ensemble.RandomForestClassifier(2, max_depth=2).fit([[0], [1]], [0, 1])\n"
        "packed = skops.io.dumps(model)\nprint(len(skops.io.loads(packed, trusted=skops.io.get_untrusted_types(data=packed)).estimators_))"
    )
    assert fresh(script) == ["False", "False", "False", "2"]


def test_import_changes_no_setting():
    script = (
        "import os, sys, warnings, logging, locale, signal\n"
        "def state(): return (dict(os.environ), os.getcwd(), list(sys.path), list(warnings.filters), logging.root.handlers[:], "
        "locale.setlocale(locale.LC_ALL), signal.getsignal(signal.SIGINT), sys.getrecursionlimit())\n"
        "before = state()\nimport auditkit\nprint(state() == before)"
    )
    assert fresh(script) == ["True"]


def test_names_are_few_and_each_is_there():
    names = fresh("import auditkit\nprint(*dir(auditkit))")
    assert len(names) <= 16
    assert "check" in names
    fresh("import auditkit\nfor name in dir(auditkit): getattr(auditkit, name)")


@pytest.mark.parametrize(
    "first", ["auditkit.audit", "auditkit.check", "auditkit.checks.bias", "auditkit.report"]
)
def test_check_is_the_decorator_whatever_was_imported_first(first):
    script = f"import auditkit, {first}\nfrom auditkit import check\nprint(callable(check), callable(auditkit.check))"
    assert fresh(script) == ["True", "True"]


def test_an_unknown_name_is_answered_with_the_closest():
    import auditkit

    with pytest.raises(AttributeError, match="Did you mean 'Audit'"):
        auditkit.Audti  # noqa: B018


def test_imports_go_down_only():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imports():
    import grimp

    graph = grimp.build_graph("auditkit", exclude_type_checking_imports=False, cache_dir=None)
    return {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}


def test_no_two_modules_import_each_other_by_any_way():
    below = imports()
    below["auditkit"] = set()  # the package's own names are found when they are used
    seen: dict[str, int] = {}

    def visit(module, path):
        if seen.get(module) == 2:
            return
        assert seen.get(module) != 1, " -> ".join([*path[path.index(module) :], module])
        seen[module] = 1
        for other in sorted(below[module]):
            visit(other, [*path, module])
        seen[module] = 2

    for module in sorted(below):
        visit(module, [])
