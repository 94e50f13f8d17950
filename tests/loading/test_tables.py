"""Tables: known by content, whole or not at all."""

import contextlib
import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.loading import read_table

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, np.nan], "d": [True, False]})


def written(folder, kind, name):
    file = folder / name
    if kind == "parquet":
        FRAME.to_parquet(file)
    elif kind == "feather":
        FRAME.to_feather(file)
    elif kind == "stream":
        table = pa.Table.from_pandas(FRAME)
        with pa.ipc.new_stream(file, table.schema) as sink:
            sink.write_table(table)
    else:
        FRAME.to_csv(file, index=False, sep="\t" if name.endswith("tsv") else ",")
    return file


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("parquet", "t.parquet"), ("parquet", "t.csv"), ("parquet", "t"), ("feather", "t.feather"), ("stream", "t.arrow"),
        ("csv", "t.csv"), ("csv", "t.tsv"), ("csv", "t.txt"),
    ],
)  # fmt: skip
def test_every_format_gives_the_same_table(tmp_path, kind, name):
    pd.testing.assert_frame_equal(read_table(written(tmp_path, kind, name)), FRAME)


def test_a_named_index_becomes_a_column_and_a_plain_one_goes(tmp_path):
    FRAME.set_index("a").to_parquet(tmp_path / "named.parquet")
    assert list(read_table(tmp_path / "named.parquet").columns) == ["a", "b", "c", "d"]
    FRAME.set_axis([7, 9]).to_parquet(tmp_path / "plain.parquet")
    assert read_table(tmp_path / "plain.parquet").index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "holds no columns"),
        (b"a,b\n", r"columns \(a, b\) and no rows"),
        (b"a,a\n1,2\n", "these come twice: a"),
        (b"a,b\n1,2,3\n", "not a readable CSV"),
        (b"a,b\n1,2\n1,2,3\n", "not a readable CSV"),
        (b'a,b\n"1,2\n', "not a readable CSV"),
        (b"a,b\n\xff\xfe,1\n", "not UTF-8"),
        (b"a;b\n1\n2\n", r"looks separated by ;.*expected commas.*sep=';'"),
        (b"a;b\tc\n1;2\t3\n", "looks separated by ; or tabs, and the rows do not tell by which"),
        (
            "Name;Größe, cm;Alter\nEva;170,5;30\n".encode(),
            "looks separated by commas or ;, and the rows do not tell.*sep=';'",
        ),
        (b"sep=;\na;b;c\n1;2;3\n", "meant for Excel"),
        (b"a;b\n", r"columns \(a, b\) and no rows"),
        (b"a;a\n1;2\n", "these come twice: a"),
        (b"a\0b,c\n1,2\n", "not a table auditkit reads"),
        (b"PAR1 and nothing more", "begins like parquet and cannot be read"),
        (b"ARROW1\0\0 and nothing more", "begins like Arrow file and cannot be read"),
        (b"\xff\xff\xff\xff\xff\xff", "begins like Arrow stream and cannot be read"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "not a"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, content, match):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=match):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("name", "rows"), [("t.csv", 3), ("t.csv", 5001), ("t.tsv", 3), ("t", 3)]
)  # 5001: the beginning ends within a row
def test_the_separator_is_told_from_the_header_and_the_first_rows(tmp_path, separator, name, rows):
    frame = pd.DataFrame(
        {
            "name": ["Weber, Eva; called", 'say "a;b"', "two\nlines\tof"] * (rows // 3),
            "note": ["x;y", None, "3,5"] * (rows // 3),
            "n": range(rows // 3 * 3),
        }
    )
    frame.to_csv(tmp_path / name, sep=separator, index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), frame)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b;c\n1,2\n3,4\n", ["a", "b;c"]),  # proper commas, and a semicolon in a name
        (b"Name, Vorname;Alter\nKoch, Eva;3,5\n", ["Name, Vorname", "Alter"]),
        (b'id,"a;b;c"\n1,x;y;z\n', ["id", "a;b;c"]),
        (b"id,a;b\n1,x;y\n", ["id", "a;b"]),
        (b"a,b;c;d\n1,2\n", ["a", "b;c;d"]),
        ("Name;Größe, cm;Alter\nEva;170;30\n".encode(), ["Name", "Größe, cm", "Alter"]),
        (b'"a;b"\n1\n2\n', ["a;b"]),
        (b"text\nyes; no\n", ["text"]),
        (b"a,b\n1\n2,3\n", ["a", "b"]),  # a short row is filled up, as before
        (b"a;b\n1;2,5\n", ["a", "b"]),
        (b"a,b;c;d\n1,2;3;4,5\n", ["a,b", "c", "d"]),
        (b"\xef\xbb\xbfa;b\n1;2\n", ["a", "b"]),
        (b"a;b\n\n1;2\n", ["a", "b"]),
        (b"a;b;c\n1;2\n1;2;3\n", ["a", "b", "c"]),
    ],
)
def test_what_separates_is_what_the_rows_agree_in(tmp_path, content, columns):
    (tmp_path / "t.csv").write_bytes(content)
    assert list(read_table(tmp_path / "t.csv").columns) == columns


def test_where_the_first_row_is_longer_than_the_beginning_the_header_decides(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n" + "x" * 200_000 + ";1\n")
    assert read_table(tmp_path / "t.csv").shape == (1, 2)


def test_where_both_fit_as_wide_and_one_leaves_rows_short_neither_is_guessed(tmp_path):
    (tmp_path / "t.csv").write_text("Preis, EUR;Alter\n1,5;3\n2;4\n")
    with pytest.raises(
        InputError, match="the header looks separated by commas or ;, and the rows do not tell"
    ):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("first", ["sep=;", "\ufeffsep=;", '"sep=,"', "sep=\t"])
def test_a_line_that_names_the_separator_is_not_taken_for_the_header(tmp_path, first):
    (tmp_path / "t.csv").write_text(f"{first}\na;b\n1;2\n")
    with pytest.raises(InputError, match="is meant for Excel and is no header; delete it"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("sep=x;b\n1;2\n")
    assert list(read_table(tmp_path / "t.csv").columns) == ["sep=x", "b"]


def test_other_kinds_missing_files_and_folders_are_told(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"not a table auditkit reads \(.xlsx\); give parquet"):
        read_table(tmp_path / "t.xlsx")
    (tmp_path / "test.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"Did you mean 'test.csv'"):
        read_table(tmp_path / "tset.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)


def test_hostile_text_is_data(tmp_path):
    words = [
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "\u202e{{7*7}}",
        "a,b",
        'say "x"',
        "line\nbreak",
    ]
    frame = pd.DataFrame({"<img src=x onerror=alert(1)>": words, "=1+1": range(6)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), frame)
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert list(read_table(tmp_path / "bom.csv").columns) == ["a", "b"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.binary(max_size=200), st.sampled_from([b"", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"a,b\n"]))
def test_any_bytes_give_a_table_or_a_clear_error(tmp_path, data, start):
    (tmp_path / "t.csv").write_bytes(start + data)
    with contextlib.suppress(InputError):
        assert len(read_table(tmp_path / "t.csv"))
