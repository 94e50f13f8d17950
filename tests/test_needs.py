"""The mark of a test that needs an optional package: skipped without it, run and so failing where CI is true."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("conftest_of_all", Path(__file__).with_name("conftest.py"))
conftest = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(conftest)


class Item:
    def __init__(self, module):
        self.marks = [pytest.mark.needs(module, extra="scan").mark]
        self.added = []

    def iter_markers(self, name):
        return [one for one in self.marks if one.name == name]

    def get_closest_marker(self, name):
        return next((one for one in self.marks if one.name == name), None)

    def add_marker(self, mark):
        self.added.append(mark.mark)


@pytest.mark.parametrize(("ci", "skipped"), [("", True), ("true", False)])
def test_a_test_is_skipped_without_its_package_and_not_in_ci(monkeypatch, ci, skipped):
    monkeypatch.setenv("CI", ci)
    missing, there = Item("no_such_package"), Item("numpy")
    conftest.pytest_collection_modifyitems([missing, there])
    assert [one.kwargs["reason"] for one in missing.added] == ["the extra 'scan' is not installed"] * skipped
    assert there.added == []
