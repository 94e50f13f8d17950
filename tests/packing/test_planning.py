from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

import auditkit as ak
from auditkit import packing
from auditkit.errors import InputError
from auditkit.evidence import Evidence
from auditkit.packing.manifest import Manifest, canonical, proper
from auditkit.packing.planning import differences, precedes, read_plan
from auditkit.packing.sealing import Seal
from auditkit.packing.signing import envelope, opened, public_key, signing_key
from auditkit.report import load_report
from auditkit.runner.templates import find_template

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
    assert "policy" in differences(read_plan(plan.read_bytes()), load_report(report_folder / "report.json"))


def test_checks_and_parameters_are_held_against_the_plan(policy, judged, keys, tmp_path):
    plan = packing.plan(
        policy, tmp_path / "plan.json", key=keys / "author.key", name="M", template="bias",
        parameters=["demographic_parity__level=0.9"], at=LONG_AGO,
    )  # fmt: skip
    told = differences(read_plan(plan.read_bytes()), load_report(judged / "report.json"))
    assert told == [
        "checks",
        "template: the report does not say which was run",
        "parameter demographic_parity__level",
    ]
    assert "parameter demographic_parity__level" in packed(tmp_path, judged, plan, keys).plan.differences


def of_template(template, report, **params):
    """A report as if the checks of a template had measured it, with its defaults but for what is given."""
    checks = template.resolved_checks()
    codes = [{"code": one.code, "name": one.name} for one in checks]
    evidence = tuple(
        Evidence(one.code, params={p.name: p.default for p in one.parameters} | params.get(one.name, {}))
        for one in checks
    )
    about = {**report.provenance, "plan": codes, "template": {"sha256": template.digest}}
    return replace(report, provenance=about, evidence=evidence)


def test_parameters_that_a_plan_does_not_give_are_held_to_those_of_its_template(
    policy, judged, keys, tmp_path
):
    template, report = find_template("bias"), load_report(judged / "report.json")
    by = {"key": keys / "author.key", "name": "M", "at": LONG_AGO, "template": "bias"}
    plain = read_plan(packing.plan(policy, tmp_path / "a", **by).read_bytes())
    assert plain.says["parameters"] == {}
    assert differences(plain, of_template(template, report)) == []
    other = of_template(template, report, demographic_parity={"level": 0.9})
    assert differences(plain, other) == ["parameter demographic_parity__level"]
    given = read_plan(
        packing.plan(policy, tmp_path / "b", **by, parameters=["demographic_parity__level=0.9"]).read_bytes()
    )
    assert differences(given, other) == []
    assert differences(given, of_template(template, report)) == ["parameter demographic_parity__level"]
    held = len(plain.says["defaults"])
    assert f"{held} parameters at the template's values" in plain.words()
    assert f"{held - 1} other parameters at the template's values" in given.words()
    assert given.left_open() == ("the seed",)


def test_a_template_that_sets_other_values_in_its_cell_is_held_to_these(policy, keys, tmp_path):
    notebook = json.loads(find_template("bias").path.read_text())
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        cell["source"] = text.replace("demographic_parity__level = 0.95", "demographic_parity__level = 0.8")
    (tmp_path / "own.ipynb").write_text(json.dumps(notebook))
    plan = packing.plan(
        policy, tmp_path / "p", key=keys / "author.key", name="M", template=str(tmp_path / "own.ipynb")
    )
    assert read_plan(plan.read_bytes()).says["defaults"]["demographic_parity__level"] == 0.8


def test_what_a_plan_leaves_open_is_told_and_that_of_an_older_auditkit_is_read(policy, keys, tmp_path):
    plan = packing.plan(policy, tmp_path / "p", key=keys / "author.key", name="M", seed=0)
    assert read_plan(plan.read_bytes()).left_open() == ("the template", "parameters")
    by = packing.plan(policy, tmp_path / "q", key=keys / "author.key", name="M", template="bias", seed=0)
    said, _ = opened(by.read_bytes(), "a plan")
    del said["predicate"]["plan"]["defaults"]
    older = read_plan(envelope(said, signing_key(keys / "author.key")))
    assert older.left_open() == ("parameters",)


def test_a_plan_by_a_stranger_or_without_a_policy_is_told(policy, judged, keys, tmp_path):
    (tmp_path / "batch.toml").write_text("[audit]\ntemplates = ['bias']\n")
    plan = packing.plan(
        tmp_path / "batch.toml", tmp_path / "plan.json", key=keys / "stranger.key", name="Eve", at=LONG_AGO
    )
    found = packed(tmp_path, judged, plan, keys)
    assert found.plan.differences == ("policy: the plan has none that can be compared",)
    assert {one.kind for one in found.problems} == {"plan", "key"}


def test_a_policy_that_comes_with_auditkit_is_signed_by_its_name(keys, tmp_path, monkeypatch):
    from auditkit.loading.shipped import shipped_policies

    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch.toml").write_text('policy = "lending"\n[audit]\ntemplates = ["bias"]\n')
    for source in ("lending", "batch.toml"):
        made = packing.plan(source, f"{source}.json", key=keys / "author.key", name="Maria")
        signed = read_plan(made.read_bytes())
        assert shipped_policies()["lending"].text in signed.texts.values()
        assert len(signed.policies) == 1
    with pytest.raises(InputError, match="Did you mean 'lending'"):
        packing.plan("lendin", "p.json", key=keys / "author.key", name="Maria")


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
