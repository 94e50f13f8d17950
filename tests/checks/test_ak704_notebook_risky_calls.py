"""AK704: speaks of a planted risky call, and keeps quiet on its innocent form."""

from __future__ import annotations

import json

from auditkit import Audit
from auditkit.targets.notebooks import read_notebooks


def notebooks(folder, *sources, **options):
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [blank | {"id": f"c{at}", "source": source} for at, source in enumerate(sources)]
    path = folder / "work.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return read_notebooks([path], base=folder, **options)


def observed(target):
    return Audit(["notebook_risky_calls"]).run(target)


def test_it_speaks_of_a_planted_call(tmp_path):
    report = observed(notebooks(tmp_path, "import pickle", "x = 1\npickle.load(f)", "x = = 1"))
    found = report.of("AK704")
    assert found.measurement("risky_calls_high").value == 1
    assert found.measurement("cells_not_read").value == 1
    assert found.tables["places"].columns["cell"] == (2,)
    assert found.tables["places"].columns["line"] == (2,)
    assert found.tables["not_read"].columns["cell"] == (3,)
    assert report.verdict == "fail"


def test_it_keeps_quiet_on_the_innocent_form(tmp_path):
    report = observed(notebooks(tmp_path, "import json\njson.load(f)", "%timeit x"))
    assert [m.value for m in report.of("AK704").measurements] == [0, 0, 0, 0]
    assert report.verdict == "pass"
