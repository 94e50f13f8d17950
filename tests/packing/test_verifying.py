from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import shutil
import stat
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import auditkit as ak
from auditkit import packing
from auditkit.errors import InputError
from auditkit.packing import verifying
from auditkit.packing.manifest import MANIFEST, Manifest, canonical
from auditkit.packing.people import GivenKeys
from auditkit.packing.reading import Contents, archive, read_pack
from auditkit.packing.signing import public_key


def kinds(found):
    return {one.kind for one in found.problems}


def test_a_signed_pack_is_as_it_was_made(signed, known, keys):
    found = packing.verify(signed, keys=known, restricted_key=keys / "restricted.key")
    assert found.ok, found.problems
    assert found.manifest == hashlib.sha256((signed / "manifest.json").read_bytes()).hexdigest()
    assert [(one.role, one.name, one.known) for one in found.signers] == [
        ("author", "Maria", True),
        ("reviewer", "Jan", True),
    ]
    assert any("clock" in what for what in found.does_not_prove)


@pytest.fixture(scope="module")
def tiny(keys, tmp_path_factory):
    """A pack of a report without a figure: every file of a pack, and few bytes."""
    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(1)
    x = pd.DataFrame({"a": rng.normal(size=40)})
    y = (x["a"] > 0).astype(int)
    subject = ak.Subject("tiny", LogisticRegression().fit(x, y), test=ak.Dataset(x, y))
    (folder / "audit").mkdir()
    ak.Audit(["AK001"]).run(subject).save(folder / "audit" / "report.json")
    (folder / "p.toml").write_text("[[criterion]]\nmetric = 'accuracy'\nat_least = 0.5\nwhy = 'a test'\n")
    plan = packing.plan(
        folder / "p.toml",
        folder / "plan.json",
        key=keys / "author.key",
        name="Maria",
        at="2020-01-01T00:00:00+00:00",
    )
    packing.make(folder / "audit", folder / "pack", restricted_key=keys / "restricted.key", plan=plan)
    packing.sign(folder / "pack", key=keys / "author.key", role="author", name="Maria")
    packing.sign(folder / "pack", key=keys / "reviewer.key", role="reviewer", name="Jan")
    return folder / "pack"


@pytest.fixture
def quick(monkeypatch):
    """What is computed of unchanged files is computed once: the same code, in a loop over every byte."""
    for name in ("sha256", "opened"):
        monkeypatch.setattr(verifying, name, functools.lru_cache(maxsize=32)(getattr(verifying, name)))
    read = functools.lru_cache(maxsize=32)(Manifest.from_bytes)
    monkeypatch.setattr(verifying, "Manifest", SimpleNamespace(from_bytes=read))
    # reading the record again for every byte is slow, and finds nothing here: its bytes are held to the manifest before
    monkeypatch.setattr(verifying, "_report", lambda _files, _problems: None)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_every_byte_that_is_changed_is_found(tiny, known, quick, step):
    """Each byte of each file, changed in one bit: the page, the manifest, signatures and sealed files; by default every seventh of a long one."""
    contents = read_pack(tiny)
    ids = frozenset(public_key(one).keyid for one in known)
    assert verifying.examine(contents, given=GivenKeys(ids)).ok
    missed, tried = [], 0
    for path, data in contents.files.items():
        for i in range(0, len(data), step if len(data) > 700 else 1):
            changed = bytearray(data)
            changed[i] ^= 1 << (i % 8)
            tried += 1
            files = {**contents.files, path: bytes(changed)}
            if verifying.examine(replace(contents, files=files), given=GivenKeys(ids)).ok:
                missed.append((path, i))
    sizes = [len(data) for data in contents.files.values()]
    assert tried == sum(-(-size // step) if size > 700 else size for size in sizes)
    assert missed == []


@pytest.mark.parametrize(
    "path", ["manifest.json", "signatures/author.dsse.json", "signatures/reviewer.dsse.json"]
)
@pytest.mark.parametrize("other", [b"", b" ", b"A"])
def test_every_byte_dropped_doubled_or_replaced_in_what_is_signed_is_found(tiny, known, quick, path, other):
    contents = read_pack(tiny)
    ids = frozenset(public_key(one).keyid for one in known)
    data = contents.files[path]
    for i in range(len(data)):
        for changed in (data[:i] + other + data[i + 1 :], data[:i] + other + data[i:]):
            if changed != data:
                found = verifying.examine(
                    replace(contents, files={**contents.files, path: changed}), given=GivenKeys(ids)
                )
                assert not found.ok, (path, i, other)


def test_every_byte_of_an_archive_that_is_changed_is_found(keys, known, monkeypatch, tmp_path):
    # of the archive itself: names, sizes, times, order, directory; a small file stands for the content
    plain = {"public/a.txt": b"a", "public/b.txt": b"bb"}
    files = {**plain, MANIFEST: Manifest.of(plain, k=10, roles=("author",)).to_bytes()}
    path = tmp_path / "pack.zip"
    monkeypatch.setattr(verifying, "_report", lambda _files, _problems: None)
    data = archive(files)
    path.write_bytes(data)
    assert kinds(packing.verify(path, any_key=True)) == {"missing role"}
    for i, byte in enumerate(data):
        for bit in (i % 8, (i + 3) % 8):
            path.write_bytes(data[:i] + bytes([byte ^ (1 << bit)]) + data[i + 1 :])
            try:
                found = read_pack(path)
            except InputError:
                continue
            assert found.strange or found.files != files, (i, bit)
    for more in (data + b"\0", b"\0" + data, data[:-1], data[1:]):
        path.write_bytes(more)
        assert read_pack(path).strange


def test_files_dropped_added_renamed_and_swapped_are_found(signed, known):
    contents = read_pack(signed)
    ids = frozenset(public_key(one).keyid for one in known)

    def kinds_with(files):
        return kinds(verifying.examine(Contents(files), given=GivenKeys(ids)))

    paths = sorted(contents.files)
    for path in paths:
        left = {p: d for p, d in contents.files.items() if p != path}
        assert kinds_with(left), path
        assert kinds_with({**left, f"{path}.old": contents.files[path]}), path
    for one, other in itertools.pairwise(paths):
        swapped = {**contents.files, one: contents.files[other], other: contents.files[one]}
        assert kinds_with(swapped), (one, other)
    for new in (
        "public/more.txt",
        "signatures/third.dsse.json",
        "../outside",
        "public/../manifest.json",
        "/etc/x",
    ):
        assert "added" in kinds_with({**contents.files, new: b""})


def test_links_empty_folders_and_pipes_are_found_and_not_followed(signed, known, tmp_path):
    target = tmp_path / "elsewhere.html"
    page = signed / "public" / "report.html"
    shutil.move(page, target)
    page.symlink_to(target)
    found = packing.verify(signed, keys=known)
    assert {"added", "dropped"} <= kinds(found)
    page.unlink()
    shutil.move(target, page)
    assert packing.verify(signed, keys=known).ok
    (signed / "empty").mkdir()
    assert kinds(packing.verify(signed, keys=known)) == {"added"}
    (signed / "empty").rmdir()
    (signed / "more").symlink_to(tmp_path, target_is_directory=True)
    assert kinds(packing.verify(signed, keys=known)) == {"added"}
    (signed / "more").unlink()
    os.mkfifo(signed / "public" / "pipe")
    assert kinds(packing.verify(signed, keys=known)) == {"added"}


def test_an_archive_that_names_places_outside_twice_or_compressed_is_found(tmp_path):
    for name, files, how in [
        ("outside", ["../a"], zipfile.ZIP_STORED),
        ("compressed", ["a"], zipfile.ZIP_DEFLATED),
    ]:
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w", how) as out:
            for one in files:
                out.writestr(one, b"x" * 5)
        assert read_pack(path).strange, name
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a", b"\0" * 1_000_000)
    with pytest.raises(InputError, match="compressed"):
        read_pack(bomb)


def test_whose_key_it_is_must_be_said(signed, known, keys):
    assert kinds(packing.verify(signed)) == {"key"}
    assert packing.verify(signed, any_key=True).ok
    assert kinds(packing.verify(signed, keys=known[:1])) == {"key"}
    assert packing.verify(signed, keys=known[:1], any_key=True).ok


@pytest.mark.parametrize("any_key", [False, True])
def test_a_key_that_signed_nothing_is_a_problem(signed, known, keys, any_key):
    found = packing.verify(signed, keys=[*known, keys / "stranger.pub"], any_key=any_key)
    assert [(one.kind, one.path) for one in found.problems] == [("key", "signatures")]
    assert "signed neither the pack nor its plan" in found.problems[0].what
    assert packing.verify(signed, keys=[*known, *known], any_key=any_key).ok  # given twice is given once


def test_a_key_is_taken_for_its_role_alone(signed, known, keys):
    author, reviewer = known
    found = packing.verify(signed, author_key=author, reviewer_key=reviewer)
    assert found.ok
    assert [one.whose for one in found.signers] == [
        "the key given as the author's",
        "the key given as the reviewer's",
    ]
    assert packing.verify(signed, author_key=author, keys=[reviewer]).ok
    assert packing.verify(signed, author_key=author, any_key=True).ok
    for any_key in (False, True):
        swapped = packing.verify(signed, author_key=reviewer, reviewer_key=author, any_key=any_key)
        assert [one.kind for one in swapped.problems] == ["key", "key"]
        assert "given as the reviewer's" in swapped.problems[0].what
        assert kinds(
            packing.verify(signed, author_key=keys / "stranger.pub", keys=known, any_key=any_key)
        ) == {"key"}
        # known to be some person's, and not the author's
        assert not packing.verify(signed, author_key=reviewer, keys=known, any_key=any_key).ok
    with pytest.raises(InputError, match="two persons sign"):
        packing.verify(signed, author_key=author, reviewer_key=author)


def test_a_key_of_a_reviewer_asks_for_one(report_folder, keys, tmp_path):
    packing.make(report_folder, tmp_path / "pack", roles=("author",))
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")
    found = packing.verify(
        tmp_path / "pack", author_key=keys / "author.pub", reviewer_key=keys / "reviewer.pub"
    )
    assert kinds(found) == {"missing role", "key"}


def test_a_pack_signed_anew_by_a_stranger_is_found(signed, keys, known):
    shutil.rmtree(signed / "signatures")
    packing.sign(signed, key=keys / "stranger.key", role="author", name="Maria")
    found = packing.verify(signed, keys=known)
    assert {"key", "missing role"} == kinds(found)
    # the reviewer's old envelope beside a new author's does not fit it
    shutil.rmtree(signed / "signatures")


def test_a_reviewer_signs_what_the_author_signed(report_folder, keys, known, tmp_path):
    for name in ("one", "two"):
        packing.make(report_folder, tmp_path / name)
    with pytest.raises(InputError, match="has not signed yet"):
        packing.sign(tmp_path / "one", key=keys / "reviewer.key", role="reviewer", name="Jan")
    for name, at in (("one", "2026-01-01T00:00:00+00:00"), ("two", "2026-01-02T00:00:00+00:00")):
        packing.sign(tmp_path / name, key=keys / "author.key", role="author", name="Maria", at=at)
    with pytest.raises(InputError, match="author's key"):
        packing.sign(tmp_path / "one", key=keys / "author.key", role="reviewer", name="Jan")
    with pytest.raises(InputError, match="has signed as author already"):
        packing.sign(tmp_path / "one", key=keys / "stranger.key", role="author", name="Eve")
    packing.sign(tmp_path / "one", key=keys / "reviewer.key", role="reviewer", name="Jan")
    assert packing.verify(tmp_path / "one", keys=known).ok
    # both packs have one manifest; the reviewer saw one author's envelope, and it is not that of the other
    there = "signatures/reviewer.dsse.json"
    assert (tmp_path / "one" / MANIFEST).read_bytes() == (tmp_path / "two" / MANIFEST).read_bytes()
    shutil.copy(tmp_path / "one" / there, tmp_path / "two" / there)
    found = packing.verify(tmp_path / "two", keys=known)
    assert {"signature", "missing role", "key"} == kinds(found)


def test_one_key_for_both_roles_is_found(report_folder, keys, tmp_path, monkeypatch):
    from auditkit.packing.signing import envelope, signing_key
    from auditkit.packing.statement import PACK, statement

    packing.make(report_folder, tmp_path / "pack")
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")
    about = {p: (tmp_path / "pack" / p).read_bytes() for p in (MANIFEST, "signatures/author.dsse.json")}
    by = signing_key(keys / "author.key")
    forged = envelope(statement(about, PACK, role="reviewer", name="Jan", key=by.public), by)
    (tmp_path / "pack" / "signatures" / "reviewer.dsse.json").write_bytes(forged)
    found = packing.verify(tmp_path / "pack", keys=[keys / "author.pub"])
    assert [one.what for one in found.problems] == ["author and reviewer signed with one key"]


def test_one_person_under_two_keys_and_a_look_alike_name_is_found(
    report_folder, keys, known, tmp_path, monkeypatch
):
    from auditkit.packing import making

    packing.make(report_folder, tmp_path / "pack")
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria Rossi")
    alike = {"key": keys / "reviewer.key", "role": "reviewer", "name": "rossi, M\u0430ria"}
    with pytest.raises(InputError, match="reads as the author's name"):
        packing.sign(tmp_path / "pack", **alike)
    with pytest.raises(InputError, match=r"cannot be seen \(U\+200B\)"):
        packing.sign(tmp_path / "pack", **(alike | {"name": "Jan\u200b"}))
    monkeypatch.setattr(making, "as_read", lambda name: name)
    packing.sign(tmp_path / "pack", **alike)
    found = packing.verify(tmp_path / "pack", keys=known)
    assert [one.what for one in found.problems] == ["author and reviewer signed by names that read alike"]


def test_roles_are_those_the_pack_asks_for_and_those_who_verifies_does(report_folder, keys, tmp_path):
    packing.make(report_folder, tmp_path / "pack", roles=("author",))
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")
    assert packing.verify(tmp_path / "pack", keys=[keys / "author.pub"]).ok
    found = packing.verify(tmp_path / "pack", keys=[keys / "author.pub"], require=["reviewer"])
    assert kinds(found) == {"missing role"}
    with pytest.raises(InputError, match="Did you mean 'reviewer'"):
        packing.verify(tmp_path / "pack", require=["reviwer"])


@pytest.mark.parametrize("roles", [[], ["reviewer"], ["reviewer", "author"], ["author", "author"]])
def test_a_manifest_written_anew_that_asks_for_no_author_is_no_pack(report_folder, keys, tmp_path, roles):
    """Whoever changes the record, drops the signatures and asks for none needs no key for that."""
    packing.make(report_folder, tmp_path / "pack")
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")
    shutil.rmtree(tmp_path / "pack" / "signatures")
    told = json.loads((tmp_path / "pack" / MANIFEST).read_bytes())
    (tmp_path / "pack" / MANIFEST).write_bytes(canonical({**told, "roles": roles}))
    found = packing.verify(tmp_path / "pack", keys=[keys / "author.pub"])
    assert not found.ok
    assert any("asks for an author" in one.what for one in found.problems), found.problems


def test_a_changed_pack_is_not_signed(report_folder, keys, tmp_path):
    packing.make(report_folder, tmp_path / "pack")
    with (tmp_path / "pack" / "public" / "report.html").open("ab") as page:
        page.write(b" ")
    with pytest.raises(InputError, match="not as it was made"):
        packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")


def test_the_same_report_makes_the_same_public_pack(report_folder, tmp_path):
    for name in ("one.zip", "two.zip"):
        packing.make(report_folder, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    files = read_pack(tmp_path / "one.zip").files
    manifest = json.loads(files[MANIFEST])
    assert canonical(manifest) == files[MANIFEST]
    assert [one["path"] for one in manifest["files"]] == sorted(set(files) - {MANIFEST})
    assert not any(path.startswith("restricted") for path in files)


def test_the_restricted_layer_opens_with_its_key_alone(signed, keys, known, report_folder):
    files = packing.open_restricted(signed, keys / "restricted.key")
    # byte for byte: exports and registers name the report by the digest of its file
    assert files["restricted/report.json"] == (report_folder / "report.json").read_bytes()
    assert files["restricted/report.ipynb"] == (report_folder / "report.ipynb").read_bytes()
    with pytest.raises(InputError, match="the key is another"):
        packing.open_restricted(signed, keys / "other.key")
    assert kinds(packing.verify(signed, keys=known, restricted_key=keys / "other.key")) == {"restricted"}
    with pytest.raises(InputError, match="no key of a restricted layer"):
        packing.open_restricted(signed, keys / "author.key")


def test_it_is_judged_by_the_policy_that_was_asked_for(signed, known, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text("[[criterion]]\nmetric = 'accuracy'\nat_least = 0.5\nwhy = 'a test'\n")
    assert kinds(packing.verify(signed, keys=known, policy=policy)) == {"policy"}


def test_nothing_is_overwritten(signed, report_folder, keys, tmp_path):
    with pytest.raises(InputError, match="is there already"):
        packing.make(report_folder, signed)
    mode = stat.S_IMODE((keys / "author.key").stat().st_mode)
    assert mode == 0o600
    before = (keys / "author.key").read_bytes()
    with pytest.raises(InputError, match="never overwritten"):
        packing.keygen(keys / "author")
    (tmp_path / "linked.pub").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="never overwritten"):
        packing.keygen(tmp_path / "linked")
    assert (keys / "author.key").read_bytes() == before


def test_what_is_no_pack_is_refused(tmp_path):
    with pytest.raises(InputError, match="no evidence pack"):
        packing.verify(tmp_path / "nothing")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="no zip archive"):
        packing.verify(tmp_path / "notes.txt")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="no evidence pack"):
        packing.verify(tmp_path / "link")


def test_a_report_and_any_other_folder_are_no_pack_and_one_without_its_manifest_is(
    report_folder, signed, known, tmp_path
):
    with pytest.raises(InputError, match=r"no pack or batch here.*auditkit pack make .*audit"):
        packing.verify(report_folder)
    (tmp_path / "plain").mkdir()
    for _ in range(2):  # empty, and with a file
        with pytest.raises(InputError, match=r"no pack or batch here.*auditkit pack make REPORT_DIR"):
            packing.verify(tmp_path / "plain")
        (tmp_path / "plain" / "notes.txt").write_text("hello")
    (signed / MANIFEST).unlink()
    assert "dropped" in kinds(packing.verify(signed, keys=known))


def test_a_batch_is_told_with_a_result_of_it_to_pack(report_folder, tmp_path):
    (tmp_path / "journal.head").write_text("")
    with pytest.raises(InputError, match=r"is a batch.*none is there yet"):
        packing.make(tmp_path, tmp_path / "pack")
    one = shutil.copytree(report_folder, tmp_path / "results" / "credit-bias-0a1b")
    with pytest.raises(InputError, match=r"is a batch, .*credit-bias-0a1b"):
        packing.make(tmp_path, tmp_path / "pack")
    packing.make(one, tmp_path / "pack")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no report at"):
        packing.make(tmp_path / "empty", tmp_path / "other")
