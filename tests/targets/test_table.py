"""Table: read from a subject file, refused with what to type, and told without a value."""

from __future__ import annotations

import hashlib
import pickle

import pandas as pd
import pytest

from auditkit.errors import InputError
from auditkit.loading import load_target
from auditkit.targets.table import Table

FRAME = pd.DataFrame({"age": [31, 45], "town": ["quokka", "b"]})


def test_a_subject_file_names_a_table(tmp_path):
    FRAME.to_csv(tmp_path / "people.csv", index=False)
    file = tmp_path / "people.toml"
    file.write_text(
        'kind = "table"\npath = "people.csv"\nquasi_identifiers = ["age"]\nconfidential = "town"\n'
    )
    table = load_target(file)
    assert (table.name, table.quasi_identifiers, table.confidential) == ("people", ("age",), "town")
    digest = hashlib.sha256((tmp_path / "people.csv").read_bytes()).hexdigest()
    assert table.describe()["parts"] == {"records": digest}


def test_it_says_what_was_looked_at_and_no_value():
    table = Table("people", FRAME, "age")
    assert table.describe()["facts"] == {"Records": 2, "Columns": 2, "Quasi-identifiers": "age"}
    assert "quokka" not in repr(table) + str(table.describe())
    assert pickle.loads(pickle.dumps(table)).digest == table.digest


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Table("t", FRAME.iloc[:0]), "0 rows"),
        (lambda: Table("t", FRAME[[]]), "0 columns"),
        (lambda: Table("t", FRAME, ("agee",)), "no column 'agee'. Did you mean 'age'"),
        (lambda: Table("t", FRAME, ("age",), "age"), "both confidential and a quasi-identifier"),
        (lambda: Table("t", pd.concat([FRAME, FRAME], axis=1)), "come twice: age, town"),
    ],
)
def test_mistakes_are_told(make, told):
    with pytest.raises(InputError, match=told):
        make()


def test_a_file_that_is_no_table_is_told_with_its_name(tmp_path):
    file = tmp_path / "t.toml"
    file.write_text('kind = "table"\npath = "none.csv"\n')
    with pytest.raises(InputError, match="no table file"):
        load_target(file)
