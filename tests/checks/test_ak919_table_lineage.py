"""AK919: another file, a file that is gone and things unsaid are found; a whole lineage is quiet; a broken one is refused."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest

from auditkit import Audit
from auditkit.errors import InputError
from auditkit.loading import load_policy, load_target
from auditkit.runner.order import files_are_there
from auditkit.targets.table import Table
from auditkit.targets.table_parts import Parent

SOURCE = 'source = "survey"\nlicence = "CC BY 4.0"\ncollected = "1994-03"\nbasis = "public use file"\n'


def written(tmp_path, digest, raw="raw.csv", said=SOURCE):
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "raw.csv").write_bytes(b"a\n1\n2\n")
    (tmp_path / "t.toml").write_text(
        f'kind = "table"\npath = "t.csv"\n[[lineage]]\nname = "raw"\npath = "{raw}"\nsha256 = "{digest}"\n{said}'
        '[[lineage]]\nname = "table"\nfrom = ["raw"]\nmade_by = "names dropped"\n'
    )
    return load_target(tmp_path / "t.toml")


def audited(table):
    report = Audit(["table_lineage"], load_policy(None)).run(table)
    metrics = ("lineage_digest_mismatches", "lineage_files_absent", "lineage_gaps")
    return report, [report.of("AK919").measurement(metric).value for metric in metrics]


RIGHT = hashlib.sha256(b"a\n1\n2\n").hexdigest()


@pytest.mark.parametrize(
    ("digest", "raw", "said", "counts", "verdict"),
    [
        (RIGHT, "raw.csv", SOURCE, [0, 0, 0], "pass"),
        ("0" * 64, "raw.csv", SOURCE, [1, 0, 0], "fail"),
        (RIGHT, "gone.csv", SOURCE, [0, 1, 0], "fail"),
        ("", "raw.csv", "", [0, 0, 5], "fail"),
    ],
)
def test_what_does_not_fit_is_counted(tmp_path, digest, raw, said, counts, verdict):
    table = written(tmp_path, digest, raw, said)
    report, found = audited(table)
    assert found == counts
    assert report.verdict == verdict
    parts = table.describe()["parts"]
    assert parts.get("lineage raw") == (RIGHT if raw == "raw.csv" else None)
    assert set(report.of("AK919").tables["digests"].columns["part"]) == set(parts)


def test_without_a_lineage_it_says_what_to_write():
    assert (
        "[[lineage]]" in Audit(["table_lineage"]).run(Table("t", pd.DataFrame({"a": [1]}))).of("AK919").reason
    )


@pytest.mark.parametrize(
    ("lineage", "told"),
    [
        ([Parent("a"), Parent("a")], "come twice: a"),
        ([Parent("a", ("b",))], "names 'b', which has no entry"),
        ([Parent("a", ("b",)), Parent("b", ("a",))], "go in a circle: a, b"),
    ],
)
def test_a_lineage_that_cannot_be_is_refused(lineage, told):
    with pytest.raises(InputError, match=told):
        Table("t", pd.DataFrame({"a": [1]}), lineage=lineage)


def test_a_digest_that_is_none_is_refused():
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        Parent("a", said="abc")


@pytest.mark.parametrize("spelt", [RIGHT.upper(), f"sha256:{RIGHT}", f" {RIGHT} "])
def test_a_digest_is_read_as_tools_write_it(tmp_path, spelt):
    assert audited(written(tmp_path, spelt))[1] == [0, 0, 0]


def test_a_file_of_the_lineage_that_is_gone_is_found_and_does_not_stop_a_run(tmp_path):
    written(tmp_path, RIGHT, "gone.csv")
    files_are_there(tmp_path / "t.toml")
    (tmp_path / "t.csv").unlink()
    with pytest.raises(InputError, match=r"there is no file t\.csv"):
        files_are_there(tmp_path / "t.toml")
