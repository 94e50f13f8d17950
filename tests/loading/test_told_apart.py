"""A file of another kind is told as what it is, with what to type, before anything starts."""

from __future__ import annotations

import itertools

import pytest
from typer.testing import CliRunner

from auditkit.batch.schema import read_plan_file
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.loading import load_policy
from auditkit.loading.kinds import read_subject_file
from auditkit.loading.told_apart import form_of

FILES = {
    "plan": '[[subject]]\nfile = "s.toml"\n[[template]]\nname = "bias"\n',
    "policy": '[[criterion]]\nmetric = "accuracy"\nat_least = 0.5\n',
    "subject file": '[model]\npath = "m.skops"\n[data.test]\npath = "t.csv"\ntarget = "y"\n',
}
READERS = {"plan": read_plan_file, "policy": load_policy, "subject file": read_subject_file}
TYPE = {"plan": "auditkit batch", "policy": "--policy", "subject file": "--subject"}


@pytest.mark.parametrize(("given", "wanted"), list(itertools.product(FILES, FILES)))
def test_each_form_in_the_place_of_each(given, wanted, tmp_path):
    file = tmp_path / "f.toml"
    file.write_text(FILES[given], "utf-8")
    if given == wanted:
        READERS[wanted](file)
        return
    with pytest.raises(InputError, match=f"expected a {wanted}, and this is a {given}") as error:
        READERS[wanted](file)
    assert TYPE[given] in str(error.value)
    assert str(file) in str(error.value)


def test_what_has_keys_of_none_is_left_to_its_reader():
    assert form_of({"name": "x"}) is None
    assert form_of({"subject": "x", "template": {}, "criterion": 3, "model": []}) is None


def test_on_the_command_line_it_is_told_before_a_kernel_starts(tmp_path):
    for name, text in FILES.items():
        (tmp_path / f"{name[:4]}.toml").write_text(text, "utf-8")
    (tmp_path / "m.skops").write_bytes(b"")
    (tmp_path / "t.csv").write_text("y\n1\n", "utf-8")
    plan, subject = str(tmp_path / "plan.toml"), str(tmp_path / "subj.toml")
    out = ["--out", str(tmp_path / "out")]
    for words in (
        [plan],
        [plan, "--subject", subject],
        ["bias", "--subject", plan],
        ["bias", "--subject", subject, "--policy", plan],
    ):
        done = CliRunner().invoke(app, ["run", *words, *out])
        assert done.exit_code == 2
        assert "this is a plan; for a plan type: auditkit batch" in " ".join(done.stderr.split())
        assert "kernel" not in done.stderr
    (tmp_path / "no.toml").write_text("= no TOML", "utf-8")
    done = CliRunner().invoke(app, ["run", str(tmp_path / "no.toml"), "--subject", subject, *out])
    assert done.exit_code == 2
    assert "no template named" in done.stderr
