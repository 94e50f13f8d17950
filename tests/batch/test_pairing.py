"""A plan of several kinds of subjects: each template meets those it asks about, and none is left out without a word."""

import pytest

from auditkit.batch.plan import load_plan
from auditkit.errors import InputError

PLAN = """
[[subject]]
file = "file.toml"
[[subject]]
file = "people.toml"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"\x80\x04K\x01.")
    (tmp_path / "people.csv").write_text("age,target\n" + "41,0\n" * 12)
    (tmp_path / "file.toml").write_text('kind = "artifact"\npath = "model.bin"\n')
    (tmp_path / "people.toml").write_text('kind = "table"\npath = "people.csv"\n')
    return tmp_path


def plan(folder, *templates):
    text = PLAN + "".join(f'[[template]]\nname = "{one}"\n' for one in templates)
    (folder / "plan.toml").write_text(text)
    return [audit.name for audit in load_plan(folder / "plan.toml").audits]


def test_each_template_meets_its_own_kind(folder):
    assert plan(folder, "artifact", "table") == ["file-artifact", "people-table"]


def test_a_subject_without_a_template_is_told(folder):
    with pytest.raises(
        InputError,
        match=r'subject people: it is a table of records, and no template of the plan asks about such: add \[\[template\]\] with name = "table"$',
    ):
        plan(folder, "artifact")


def test_a_template_without_a_subject_is_told(folder):
    with pytest.raises(
        InputError, match=r"template\.3: it asks about notebooks, and no subject of the plan is such"
    ):
        plan(folder, "artifact", "table", "notebooks")
