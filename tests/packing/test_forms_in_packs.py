"""Forms in a pack: what of them is public, what only the key opens, and whether they are as they were signed."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from auditkit import packing
from auditkit.cli import app
from auditkit.packing.forms import read_with_signatures, sign_form
from auditkit.packing.layers import public_files
from auditkit.packing.manifest import MANIFEST, Manifest
from auditkit.packing.reading import read_pack
from auditkit.report import Report, load_report

KIND = """
kind = "short"
title = "A short form"
edition = "1"
[[section]]
id = "one"
title = "Section title"
controls = { eu_ai_act = ["Art. 27"] }
[[section.question]]
id = "purpose"
words = "Question words"
"""
FORM = 'form = "short.toml"\nedition = "1"\nsubject = "bank-secret"\n[one]\npurpose = "Anna Kareninas case"\n'
CONFIDENTIAL = ("Kareninas", "bank-secret", "Section title", "Question words", "Remark in confidence")


@pytest.fixture(scope="module")
def form(keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")
    (folder / "short.toml").write_text(KIND)
    path = folder / "use.toml"
    path.write_text(FORM)
    packing.keygen(keys / "officer")
    sign_form(path, key=keys / "officer.key", role="author", name="Olga")
    sign_form(path, key=keys / "reviewer.key", role="reviewer", name="Jan", remark="Remark in confidence")
    return read_with_signatures(path)


@pytest.fixture(scope="module")
def folder(report_folder, form, tmp_path_factory):
    place = tmp_path_factory.mktemp("with-forms")
    load_report(report_folder / "report.json").with_forms(form).save(place / "report.json")
    return place


def signed_pack(folder, keys, place, **more):
    packing.make(folder, place, restricted_key=keys / "restricted.key", **more)
    packing.sign(place, key=keys / "author.key", role="author", name="Maria")
    packing.sign(place, key=keys / "reviewer.key", role="reviewer", name="Jan")
    return place


@pytest.fixture(scope="module")
def _pack(folder, keys, tmp_path_factory):
    return signed_pack(folder, keys, tmp_path_factory.mktemp("packs") / "pack")


@pytest.fixture
def pack(_pack, tmp_path):
    return shutil.copytree(_pack, tmp_path / "pack")


def verified(pack, own, **more):
    return packing.verify(pack, author_key=own / "author.pub", reviewer_key=own / "reviewer.pub", **more)


def test_the_public_layer_holds_no_word_of_the_answers(pack):
    public = {
        path: data for path, data in read_pack(pack).files.items() if not path.startswith("restricted/")
    }
    for path, data in public.items():
        for words in CONFIDENTIAL:
            assert words.encode() not in data, path


def test_it_says_what_the_form_is_and_who_signed_it(pack, form):
    record = json.loads((pack / "public" / "report.json").read_text())
    (one,) = record["forms"]
    assert (one["kind"], one["title"], one["edition"], one["digest"]) == (
        "short",
        "A short form",
        "1",
        form.digest,
    )
    assert one["state"] == "signed by two, approved"
    assert [(who["role"], who["name"]) for who in one["signed"]] == [("author", "Olga"), ("reviewer", "Jan")]
    assert record["provenance"]["public"]["forms"] == "withheld"
    page = (pack / "public" / "report.html").read_text()
    assert "The answers are withheld" in page
    assert "form: A short form, signed by two, approved" in page


def test_the_key_opens_all_of_it(pack, form, keys):
    opened = packing.open_restricted(pack, keys / "restricted.key")
    (one,) = json.loads(opened["restricted/report.json"])["forms"]
    assert one == json.loads(json.dumps(form.to_dict()))


@pytest.mark.parametrize("with_key", [False, True])
def test_nothing_differs_in_what_was_packed(pack, keys, with_key):
    more = {"restricted_key": keys / "restricted.key"} if with_key else {}
    found = verified(pack, keys, **more)
    assert found.problems == ()
    assert "the digests and the signatures of 1 forms" in found.checked
    (one,) = found.forms
    assert [(who.name, who.known) for who in one.signers] == [("Olga", False), ("Jan", True)]


def test_a_key_given_for_a_form_is_no_idle_key(pack, keys):
    assert verified(pack, keys, keys=[keys / "officer.pub"]).ok
    assert not verified(pack, keys, keys=[keys / "stranger.pub"]).ok


def test_published_forms_stand_in_the_public_layer(folder, keys, tmp_path, form):
    place = signed_pack(folder, keys, tmp_path / "open", publish_forms=True)
    record = json.loads((place / "public" / "report.json").read_text())
    assert record["forms"][0]["answers"] == {"purpose": "Anna Kareninas case"}
    assert "Anna Kareninas case" in (place / "public" / "report.html").read_text()
    assert verified(place, keys, restricted_key=keys / "restricted.key").problems == ()


def anew(pack, keys, change):
    """Change the forms of a public record, make the pack around it anew and sign it, as its author could."""
    path = pack / "public" / "report.json"
    data = json.loads(path.read_text())
    change(data["forms"])
    path.write_text(json.dumps(data, indent=1) + "\n")
    for name, content in public_files(Report.from_dict(data, hold_forms=False), k=10).items():
        (pack / name).write_bytes(content)
    files = {
        p: d for p, d in read_pack(pack).files.items() if p != MANIFEST and not p.startswith("signatures/")
    }
    shutil.rmtree(pack / "signatures")
    (pack / MANIFEST).write_bytes(Manifest.of(files, k=10, roles=("author", "reviewer")).to_bytes())
    packing_sign = {"author": "Maria", "reviewer": "Jan"}
    for role, name in packing_sign.items():
        packing.sign(pack, key=keys / f"{role}.key", role=role, name=name)


@pytest.mark.parametrize(
    "change",
    [
        lambda forms: forms[0].update(digest="0" * 64),
        lambda forms: forms[0]["signed"][0].update(name="Somebody else"),
        lambda forms: forms[0]["signed"][0].update(time="2020-01-01T00:00:00+00:00"),
        lambda forms: forms[0]["envelopes"].reverse(),
    ],
)
def test_what_its_author_changed_of_a_form_is_told(pack, keys, change, monkeypatch):
    from auditkit.packing import making, verifying

    monkeypatch.setattr(verifying, "_forms", lambda *_: [])  # signing looks too: the author would not
    assert making.examine is verifying.examine
    anew(pack, keys, change)
    monkeypatch.undo()
    found = verified(pack, keys)
    assert {one.kind for one in found.problems} == {"form"}


def test_a_form_that_was_left_out_is_told_by_the_key(pack, keys):
    anew(pack, keys, lambda forms: forms.clear())
    assert verified(pack, keys).ok  # nobody else can know
    found = verified(pack, keys, restricted_key=keys / "restricted.key")
    assert any("forms is not what follows" in one.what for one in found.problems)


def test_a_draft_is_told_as_one(report_folder, keys, form, tmp_path):
    from dataclasses import replace

    draft = replace(form, signed=(), envelopes=(), open=("purpose",), answers={})
    (tmp_path / "r").mkdir()
    load_report(report_folder / "report.json").with_forms(draft).save(tmp_path / "r" / "report.json")
    packing.make(tmp_path / "r", tmp_path / "pack")
    assert "Draft, not signed" in (tmp_path / "pack" / "public" / "report.html").read_text()


def test_as_a_user_types_it(folder, keys, tmp_path):
    def run(*args):
        return CliRunner().invoke(app, [*map(str, args)])

    assert (
        run("pack", "make", folder, "--out", tmp_path / "p", "--one-person", "--publish-forms").exit_code == 0
    )
    run("pack", "sign", tmp_path / "p", "--key", keys / "author.key", "--role", "author", "--name", "Maria")
    done = run("verify", tmp_path / "p", "--key", keys / "author.pub")
    assert done.exit_code == 0, done.output
    assert "form: A short form: signed by two, approved" in done.stdout
    assert "signed as author by 'Olga' with a key that was not given for this" in done.stdout
