"""AK703: speaks of a version with an advisory, keeps quiet on the version that fixes it, and says what was not checked."""

from __future__ import annotations

import json

import pytest

from auditkit import Audit
from auditkit.targets.notebooks import read_notebooks


def notebooks(folder, *sources, **options):
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [blank | {"id": f"c{at}", "source": source} for at, source in enumerate(sources)]
    path = folder / "work.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return read_notebooks([path], base=folder, **options)


def folder_of_advisories(folder):
    events = [{"introduced": "0"}, {"fixed": "1.1"}]
    affected = [
        {
            "package": {"ecosystem": "PyPI", "name": "left.pad"},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
    ]
    (folder / "osv").mkdir()
    record = {
        "id": "PYSEC-0000-1",
        "modified": "2024-03-01T00:00:00Z",
        "affected": affected,
        "database_specific": {"severity": "HIGH"},
    }
    (folder / "osv" / "one.json").write_text(json.dumps(record))
    (folder / "osv" / "two.json").write_text("no json")
    return folder / "osv"


def observed(target):
    return Audit(["notebook_packages"]).run(target)


def test_it_speaks_of_a_version_with_an_advisory(tmp_path):
    (tmp_path / "requirements.txt").write_text("left-pad==1.0\n")
    report = observed(
        notebooks(
            tmp_path, "%pip install Left_Pad==0.9\nimport numpy", advisories=folder_of_advisories(tmp_path)
        )
    )
    found = report.of("AK703")
    assert found.measurement("packages_with_advisories").value == 1
    rows = list(found.tables["advisories"].frame().itertuples(index=False, name=None))
    assert rows == [
        ("left-pad", "0.9", "PYSEC-0000-1", "", "high"),
        ("left-pad", "1.0", "PYSEC-0000-1", "", "high"),
    ]
    assert report.verdict == "fail"
    assert "2024-03-01" in " ".join(found.notes)
    assert "1 file of the folder not read" in " ".join(found.notes)


def test_it_keeps_quiet_on_the_version_that_fixes_it(tmp_path):
    report = observed(
        notebooks(tmp_path, "%pip install left-pad==1.1", advisories=folder_of_advisories(tmp_path))
    )
    assert report.of("AK703").measurement("packages_with_advisories").value == 0
    assert report.verdict == "pass"


def test_what_was_not_checked_is_said(tmp_path):
    found = observed(notebooks(tmp_path, "%pip install left-pad==1.0\nimport no_such_thing")).of("AK703")
    assert [m.metric for m in found.measurements] == [
        "packages_named",
        "packages_of_unknown_version",
        "packages_of_unknown_licence",
    ]
    assert found.tables["packages"].columns["advisories"] == ("not checked", "not checked")
    assert found.tables["packages"].columns["licence"] == ("unknown", "unknown")
    assert found.says == "2 packages named; not checked against advisories; licence unknown of 2."
    assert (
        observed(notebooks(tmp_path, "import numpy")).of("AK703").says
        == "1 package named; not checked against advisories."
    )
    both = observed(
        notebooks(tmp_path, "import no_such_thing", advisories=folder_of_advisories(tmp_path))
    ).of("AK703")
    assert both.tables["packages"].columns["advisories"] == ("not checked",)
    assert both.measurement("packages_of_unknown_version").value == 1


def test_a_folder_without_advisories_is_refused(tmp_path):
    from auditkit.errors import InputError

    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no OSV file about a package"):
        notebooks(tmp_path, "x", advisories=tmp_path / "empty")
    with pytest.raises(InputError, match="no folder of OSV files"):
        notebooks(tmp_path, "x", advisories=tmp_path / "none")


def test_what_was_not_checked_is_among_what_was_not_examined(tmp_path):
    def gaps(target):
        told = observed(target).provenance["not_examined"]
        return [one["why"] for one in told if one["what"] == "Packages of notebooks"]

    assert gaps(notebooks(tmp_path, "import numpy")) == [
        "not checked against advisories: no folder of OSV files is named"
    ]
    osv = folder_of_advisories(tmp_path)
    assert gaps(notebooks(tmp_path, "import no_such_thing", advisories=osv)) == [
        "1 package of unknown version not checked"
    ]
    assert gaps(notebooks(tmp_path, "%pip install left-pad==1.1", advisories=osv)) == []
