from __future__ import annotations

import sys
from dataclasses import replace

import pytest

import auditkit as ak
from auditkit import packing
from auditkit.errors import InputError
from auditkit.packing.manifest import Manifest, canonical, proper
from auditkit.packing.planning import differences, precedes, read_plan
from auditkit.packing.sealing import Seal
from auditkit.packing.signing import public_key, signing_key
from auditkit.report import load_report

LONG_AGO, LATER = "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"
POLICY = "[[criterion]]\nmetric = 'demographic_parity_difference'\nat_most = 0.4\nwhy = 'a test'\n"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def judged(report_folder, policy, tmp_path):
    from auditkit.runner.rejudge import rejudge

    (tmp_path / "audit").mkdir()
    rejudge(report_folder, policy).save(tmp_path / "audit" / "report.json")
    return tmp_path / "audit"


def packed(tmp_path, audit, plan, keys):
    packing.make(audit, tmp_path / "pack", plan=plan, roles=("author",))
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")
    return packing.verify(tmp_path / "pack", keys=[keys / "author.pub"])


def test_results_that_follow_a_plan_from_before_match_it(policy, judged, keys, tmp_path):
    plan = packing.plan(
        policy, tmp_path / "plan.json", key=keys / "author.key", name="Maria", seed=0, at=LONG_AGO
    )
    found = packed(tmp_path, judged, plan, keys)
    assert found.ok, found.problems
    assert (found.plan.name, found.plan.differences, found.plan.precedes) == ("Maria", (), True)


def test_a_plan_from_after_or_with_another_seed_or_policy_is_told(
    report_folder, policy, judged, keys, tmp_path
):
    plan = packing.plan(
        policy, tmp_path / "plan.json", key=keys / "author.key", name="Maria", seed=7, at=LATER
    )
    found = packed(tmp_path, judged, plan, keys)
    assert (found.plan.differences, found.plan.precedes) == (("seed",), False)
    assert {one.kind for one in found.problems} == {"plan"}
    assert "policy" in differences(
        read_plan(plan.read_bytes()), load_report(report_folder / "report.json").to_dict()
    )


def test_checks_and_parameters_are_held_against_the_plan(policy, judged, keys, tmp_path):
    plan = packing.plan(
        policy, tmp_path / "plan.json", key=keys / "author.key", name="M", template="bias",
        parameters=["demographic_parity__level=0.9"], at=LONG_AGO,
    )  # fmt: skip
    told = differences(read_plan(plan.read_bytes()), load_report(judged / "report.json").to_dict())
    assert told == ["checks", "parameter demographic_parity__level"]
    assert "parameter demographic_parity__level" in packed(tmp_path, judged, plan, keys).plan.differences


def test_a_plan_by_a_stranger_or_without_a_policy_is_told(policy, judged, keys, tmp_path):
    (tmp_path / "batch.toml").write_text("[audit]\ntemplates = ['bias']\n")
    plan = packing.plan(
        tmp_path / "batch.toml", tmp_path / "plan.json", key=keys / "stranger.key", name="Eve", at=LONG_AGO
    )
    found = packed(tmp_path, judged, plan, keys)
    assert found.plan.differences == ("policy: the plan has none that can be compared",)
    assert {one.kind for one in found.problems} == {"plan", "key"}


def test_what_is_no_plan_is_refused(policy, keys, tmp_path):
    with pytest.raises(InputError, match="belong to a template"):
        packing.plan(policy, tmp_path / "p", key=keys / "author.key", name="M", parameters=["a=1"])
    with pytest.raises(InputError, match=r"canonical|no JSON"):
        read_plan(b"{}")
    plan = packing.plan(policy, tmp_path / "p", key=keys / "author.key", name="M")
    with pytest.raises(InputError, match="give a new file"):
        packing.plan(policy, plan, key=keys / "author.key", name="M")
    with pytest.raises(InputError):
        read_plan(plan.read_bytes().replace(b"ed25519", b"ed25518") + b" ")


def test_moments_are_compared_across_zones_and_only_where_they_are_moments():
    assert precedes("2026-01-01T10:00:00+00:00", "2026-01-01T10:30:00+01:00") is False
    assert precedes("yesterday", LATER) is None
    assert precedes("2026-01-01T10:00:00", LATER) is None  # no zone: it cannot be told


def test_pseudonyms_depend_on_the_key_and_hide_the_value():
    one, other = Seal(b"1" * 32), Seal(b"2" * 32)
    assert one.row_id("7") == one.row_id(7) != one.row_id("8")
    assert one.row_id("7") != other.row_id("7")
    assert len(one.row_id("7")) == 64


def test_a_sealed_file_opens_with_its_key_at_its_place_alone():
    seal = Seal(b"k" * 32)
    sealed = seal.close("restricted/a", b"secret")
    assert b"secret" not in sealed
    assert seal.open("restricted/a", sealed) == b"secret"
    assert seal.close("restricted/a", b"secret") != sealed  # a fresh nonce each time
    for other, path in ((Seal(b"j" * 32), "restricted/a"), (seal, "restricted/b")):
        with pytest.raises(InputError, match="cannot be opened"):
            other.open(path, sealed)
    for i in range(len(sealed)):
        with pytest.raises(InputError):
            seal.open("restricted/a", sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :])
    with pytest.raises(InputError):
        seal.open("restricted/a", sealed[:20])


def test_a_key_with_a_passphrase_opens_with_it_alone(tmp_path):
    files = packing.keygen(tmp_path / "mine", passphrase="correct horse")
    assert signing_key(files.private, "correct horse").public == public_key(files.public)
    with pytest.raises(InputError, match="needs a passphrase"):
        signing_key(files.private)
    with pytest.raises(InputError, match="passphrase is wrong"):
        signing_key(files.private, "wrong")
    with pytest.raises(InputError, match=r"private key: give the \.pub"):
        public_key(files.private)
    with pytest.raises(InputError, match="must not be empty"):
        packing.keygen(tmp_path / "other", passphrase="")
    plain = packing.keygen(tmp_path / "plain")
    with pytest.raises(InputError, match="has no passphrase"):
        signing_key(plain.private, "any")


def test_an_extra_that_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "securesystemslib", None)
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    with pytest.raises(InputError, match=r'securesystemslib .*extra "evidence"'):
        packing.keygen(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_has_one_form():
    made = Manifest.of({"b": b"2", "a": b"1"}, k=10, roles=("author",))
    data = made.to_bytes()
    assert list(made.files) == ["a", "b"]
    assert Manifest.from_bytes(data) == made
    assert Manifest.of({"a": b"1", "b": b"2"}, k=10, roles=("author",)).to_bytes() == data
    twisted = replace(made, files=dict(reversed(made.files.items())))
    outside = replace(made, files={"../a": "0" * 64}, sizes={"../a": 1})
    for wrong in (twisted.to_bytes(), outside.to_bytes(), data + b"\n", b"{}\n", b"", canonical({"k": 1})):
        with pytest.raises(InputError):
            Manifest.from_bytes(wrong)
    assert not any(proper(one) for one in ("", ".a", "a/../b", "a//b", "a/", "C:\\a", "a\n", "ä", "a" * 300))
    with pytest.raises(InputError, match="no path of a pack"):
        Manifest.of({"../a": b""}, k=10, roles=())


def test_the_notes_of_the_pack_stay_in_it(report_folder, tmp_path):
    report = ak.load_report(report_folder / "report.json")
    assert report.subject["name"] == "bank-secret"
    assert packing.public_form(report).report.subject["name"] == "audited subject"
    assert packing.public_form(report, name="model 7").report.subject["name"] == "model 7"
