"""The package as a reader meets it: every public name of its modules in one place, every function on its page."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from auditkit import statistics

MODULES = sorted(one.name for one in pkgutil.iter_modules(statistics.__path__) if one.name[0] != "_")
PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text("utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_offers_the_package_offers(name):
    module = importlib.import_module(f"auditkit.statistics.{name}")
    missing = [one for one in module.__all__ if one not in statistics.__all__]
    assert not missing, f"import them in auditkit/statistics/__init__.py: {missing}"


@pytest.mark.parametrize(
    "name", [n for n in statistics.__all__ if inspect.isfunction(getattr(statistics, n))]
)
def test_every_function_is_on_the_page(name):
    assert f"`{name}`" in PAGE, f"say in docs/statistics.md what {name} is for"
