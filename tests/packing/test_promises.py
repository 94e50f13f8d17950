"""What was promised before, and whether the public layer is what follows: waivers, templates, texts, records."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import auditkit as ak
from auditkit import packing
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.evidence import Interval
from auditkit.packing.accepting import added, waivers_digest
from auditkit.packing.manifest import MANIFEST, Manifest
from auditkit.packing.planning import differences, read_plan
from auditkit.packing.reading import read_pack, write_pack
from auditkit.packing.sealing import SUFFIX, Seal, read_secret
from auditkit.packing.signing import envelope, opened, signing_key
from auditkit.report import load_report
from auditkit.runner.templates import find_template
from auditkit.waiver import Waiver

LONG_AGO = "2020-01-01T00:00:00+00:00"
LIMIT = "[[criterion]]\nmetric = 'demographic_parity_difference'\nat_most = 0.001\nwhy = 'a test'\n"
WAIVED = "[[waiver]]\nmetric = 'demographic_parity_difference'\nreason = 'a pilot'\nby = 'board'\nuntil = 2999-01-01\n"
ADDED = "demographic_parity_difference (AK101), until 2999-01-01"


@pytest.fixture
def policies(tmp_path):
    (tmp_path / "strict.toml").write_text(LIMIT)
    (tmp_path / "waiving.toml").write_text(LIMIT + WAIVED)
    return tmp_path


def judged(report_folder, policies, name):
    report = load_report(report_folder / "report.json").judge(ak.load_policy(policies / name))
    (policies / "audit").mkdir()
    report.save(policies / "audit" / "report.json")
    return report


def packed(tmp_path, keys, plan, **more):
    packing.make(tmp_path / "audit", tmp_path / "pack", plan=plan, roles=("author",), **more)
    packing.sign(tmp_path / "pack", key=keys / "author.key", role="author", name="Maria")
    return tmp_path / "pack"


def planned(tmp_path, keys, name, **more):
    return packing.plan(
        tmp_path / name, tmp_path / f"{name}.json", key=keys / "author.key", name="Maria", at=LONG_AGO, **more
    )


@pytest.mark.parametrize("with_the_report", [False, True])
@pytest.mark.parametrize(("promised", "is_found"), [("strict.toml", True), ("waiving.toml", False)])
def test_a_waiver_that_was_not_promised_is_told_by_name(
    report_folder, policies, keys, promised, is_found, with_the_report
):
    report = judged(report_folder, policies, "waiving.toml")
    assert report.counts["waived"] == 1
    more = {"restricted_key": keys / "restricted.key"} if with_the_report else {}
    pack = packed(policies, keys, planned(policies, keys, promised), **more)
    found = packing.verify(pack, keys=[keys / "author.pub"], **more)
    assert found.plan.differences == ((f"waiver added after the plan: {ADDED}",) if is_found else ())
    assert found.ok is not is_found, found.problems
    assert (found.verdict, found.waived) == ("pass", 1)
    # and so where whoever verifies gives a policy
    for policy, differs in ((policies / "strict.toml", True), (policies / "waiving.toml", False)):
        against = packing.verify(pack, keys=[keys / "author.pub"], policy=policy, **more)
        said = [one.what for one in against.problems if one.kind == "policy"]
        assert said == ([f"a waiver is none of the policy that was given: {ADDED}"] if differs else [])


def test_a_public_form_shows_an_added_waiver_whatever_its_maker_compared(report_folder, policies, keys):
    report = judged(report_folder, policies, "waiving.toml")
    public = packing.public_form(report).report
    strict, waiving = (
        read_plan(planned(policies, keys, f"{n}.toml").read_bytes()) for n in ("strict", "waiving")
    )
    assert differences(strict, public, public=True) == [f"waiver added after the plan: {ADDED}"]
    assert differences(waiving, public, public=True) == []
    later = Waiver(metric="demographic_parity_difference", reason="longer", by="board", until="2999-02-01")
    longer = packing.public_form(
        report.judge(ak.load_policy(policies / "strict.toml"), waivers=[later])
    ).report
    assert len(differences(waiving, longer, public=True)) == 1  # it was to end in January


@pytest.mark.parametrize("shown", [True, False])
def test_a_waiver_by_fingerprint_is_that_of_its_finding_where_that_is_shown(report_folder, shown):
    # the difference over regions is withheld, as one is small; the rates of the large ones are shown
    metric = "selection_rate" if shown else "demographic_parity_difference"
    full = load_report(report_folder / "report.json").judge(
        [ak.Criterion(metric, at_most=0.001, group="region=east" if shown else None)]
    )
    (failed,) = (one for one in full.findings if one.status == "fail")
    public = packing.public_form(full.waive(failed, "a pilot", "2999-01-01", by="board")).report
    planned = Waiver(finding=failed.fingerprint, reason="a pilot", by="board", until="2999-01-01")
    other = replace(planned, finding="0" * 16)
    assert added([planned], public, public=True) == []
    # of a finding that is withheld the fingerprint cannot be told
    assert bool(added([other], public, public=True)) is shown
    assert added([replace(planned, until="2999-01-02")], public, public=True)


def test_the_number_that_is_waived_stands_beside_the_verdict(report_folder, policies, keys):
    judged(report_folder, policies, "waiving.toml")
    pack = packed(policies, keys, planned(policies, keys, "waiving.toml"))
    done = CliRunner().invoke(app, ["verify", str(pack), "--author-key", str(keys / "author.pub")])
    assert "verdict of the report: met; 1 waived, which it takes as accepted" in done.stdout
    assert "promised: 1 limits and 1 waivers of the policy 'plan.toml'" in done.stdout
    assert "word for word: plan/plan.toml in the pack" in done.stdout
    assert (pack / "plan" / "plan.toml").read_text() == LIMIT + WAIVED


def test_waivers_have_one_digest_in_any_order():
    one, other = (Waiver(metric=m, reason="r", by="b", until="2999-01-01") for m in ("a", "b"))
    assert waivers_digest([one, other]) == waivers_digest([other, one]) != waivers_digest([one])
    assert waivers_digest([replace(one, until="2999-01-02")]) != waivers_digest([one])


@pytest.mark.parametrize(
    ("digest", "told"),
    [
        (find_template("bias").digest, []),
        ("0" * 64, ["template: another was run"]),
        (None, ["template: the report does not say which was run"]),
    ],
)
def test_the_template_that_was_run_is_the_one_that_was_planned(report_folder, policies, keys, digest, told):
    report = judged(report_folder, policies, "strict.toml")
    plan = read_plan(planned(policies, keys, "strict.toml", template="bias").read_bytes())
    more = {"template": {"sha256": digest}} if digest else {}
    codes = [
        {"code": code, **dict.fromkeys(("name", "title", "question", "dimension", "page"), "")}
        for code in plan.says["template"]["checks"]
    ]
    as_planned = replace(report, provenance={**report.provenance, "plan": codes, **more})
    assert differences(plan, as_planned) == told
    if digest:
        assert (
            packing.public_form(replace(report, provenance={**report.provenance, **more})).report.provenance[
                "template"
            ]
            == more["template"]
        )


def test_texts_and_digests_of_a_plan_are_held_together(policies, keys):
    by = signing_key(keys / "author.key")
    plan = planned(policies, keys, "waiving.toml")
    said, _ = opened(plan.read_bytes(), "a plan")
    assert read_plan(envelope(said, by)).texts == {"plan.toml": LIMIT + WAIVED}
    said["predicate"]["texts"]["plan.toml"] = LIMIT
    with pytest.raises(InputError, match="texts are not those"):
        read_plan(envelope(said, by))
    said, _ = opened(plan.read_bytes(), "a plan")
    said["predicate"]["plan"]["policy"][0]["waivers"] = waivers_digest([])
    with pytest.raises(InputError, match="criteria or waivers are not those"):
        read_plan(envelope(said, by))
    del said["predicate"]["texts"]
    with pytest.raises(InputError, match="does not stand in it"):
        read_plan(envelope(said, by))


def test_a_plan_of_a_batch_is_read_with_the_policies_it_names(report_folder, policies, keys):
    judged(report_folder, policies, "strict.toml")
    (policies / "batch.toml").write_text(
        "[[subject]]\nfile = 'credit.toml'\npolicy = 'strict.toml'\n[[template]]\nname = 'bias'\n"
    )
    found = packing.verify(
        packed(policies, keys, planned(policies, keys, "batch.toml")), keys=[keys / "author.pub"]
    )
    assert found.ok, found.problems
    assert found.plan.texts["policy-1.toml"] == LIMIT
    assert "credit.toml" in found.plan.texts["plan.toml"]
    (policies / "other.toml").write_text(LIMIT.replace("0.001", "0.5"))
    (policies / "batch2.toml").write_text("[[subject]]\nfile = 'credit.toml'\npolicy = 'other.toml'\n")
    plan = read_plan(planned(policies, keys, "batch2.toml").read_bytes())
    assert differences(plan, load_report(policies / "audit" / "report.json")) == ["policy"]


def written_anew(pack, target, keys, changed):
    """A pack with other files, its manifest made and signed anew by its own author: every digest fits."""
    files = {p: d for p, d in read_pack(pack).files.items() if not p.startswith("signatures")}
    before = Manifest.from_bytes(files.pop(MANIFEST))
    files |= changed(files)
    made = Manifest.of(files, k=before.k, roles=before.roles)
    write_pack(target, {**files, MANIFEST: made.to_bytes()})
    # whoever lies signs with their own tools, not by auditkit's, which refuse
    from auditkit.packing.statement import PACK, statement

    by = signing_key(keys / "author.key")
    said = statement({MANIFEST: made.to_bytes()}, PACK, role="author", name="Maria", key=by.public)
    (target / "signatures").mkdir()
    (target / "signatures" / "author.dsse.json").write_bytes(envelope(said, by))
    return target


@pytest.fixture
def pack(report_folder, policies, keys):
    judged(report_folder, policies, "strict.toml")
    return packed(
        policies, keys, planned(policies, keys, "strict.toml"), restricted_key=keys / "restricted.key"
    )


def problems_of(pack, keys, *, sealed):
    more = {"restricted_key": keys / "restricted.key"} if sealed else {}
    return {(one.kind, one.path) for one in packing.verify(pack, keys=[keys / "author.pub"], **more).problems}


def test_what_is_written_anew_without_a_change_differs_in_nothing(pack, keys, tmp_path):
    again = written_anew(pack, tmp_path / "again", keys, lambda _files: {})
    assert problems_of(again, keys, sealed=True) == set()
    said = packing.verify(again, keys=[keys / "author.pub"]).checked
    assert "not whether the public record follows from the full report: that takes --restricted-key" in said


def test_a_page_that_says_other_than_its_record_is_found_without_a_key(pack, keys, tmp_path):
    there = "public/report.html"
    lying = written_anew(
        pack, tmp_path / "lying", keys, lambda f: {there: f[there].replace(b"Not met", b"Met")}
    )
    assert problems_of(lying, keys, sealed=False) == {("public", there)}
    more = written_anew(pack, tmp_path / "more", keys, lambda _f: {"public/figures/zz.csv": b"a\r\n"})
    assert problems_of(more, keys, sealed=False) == {("public", "public/figures/zz.csv")}


def test_a_page_of_other_versions_is_not_compared_and_that_is_said(pack, keys, tmp_path):
    def older(files):
        record = json.loads(files["public/report.json"])
        record["provenance"]["public"]["made_by"]["auditkit"] = "0.0.1"
        return {"public/report.json": json.dumps(record).encode()}

    found = packing.verify(written_anew(pack, tmp_path / "older", keys, older), keys=[keys / "author.pub"])
    assert found.ok
    assert any(one.startswith("not the public page") for one in found.checked)


def by_older_rules(public, **measured):
    """A public record as auditkit made it before it rounded."""
    about = {k: v for k, v in public.provenance["public"].items() if k != "rules"}
    about["made_by"] = {**about["made_by"], "auditkit": "0.0.1"}
    evidence = tuple(
        replace(
            one,
            measurements=tuple(
                replace(m, **measured) if i == 0 else m for i, m in enumerate(one.measurements)
            ),
        )
        for one in public.evidence
    )
    return replace(public, evidence=evidence, provenance={**public.provenance, "public": about})


def test_a_pack_made_by_other_rules_is_not_called_changed(pack, keys, tmp_path):
    older = lie_about(pack, tmp_path / "older", keys, by_older_rules)
    found = packing.verify(older, keys=[keys / "author.pub"], restricted_key=keys / "restricted.key")
    assert found.ok, found.problems
    assert any(
        one.startswith("not compared: the public record")
        and "made by auditkit 0.0.1 with rules 1, and here are rules 2" in one
        for one in found.checked
    )
    assert not any(one.startswith("the public record and every status") for one in found.checked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: by_older_rules(p, n=77), "AK101: the restricted report has no such number of selection_rate"),
        (
            lambda p: by_older_rules(p, interval=Interval(0.0, 0.001, 0.95, "wilson")),
            "AK101: the restricted report has no such number of selection_rate",
        ),
        (
            lambda p: by_older_rules(with_a_better_status(p)),
            "the statuses of AK101 are not those of the restricted report",
        ),
    ],
)  # fmt: skip
def test_whoever_claims_other_rules_may_still_not_contradict_the_restricted_report(
    pack, keys, tmp_path, change, said
):
    lying = lie_about(pack, tmp_path / "lying", keys, change)
    found = packing.verify(lying, keys=[keys / "author.pub"], restricted_key=keys / "restricted.key")
    assert said in {one.what for one in found.problems}


def test_a_later_release_of_what_draws_pages_changes_no_record(pack, keys, monkeypatch):
    from auditkit.packing import publishing, verifying

    later = {**publishing.made_by(), "plotly": "99.0"}
    for module in (publishing, verifying):
        monkeypatch.setattr(module, "made_by", lambda: later)
    assert problems_of(pack, keys, sealed=True) == set()


def test_a_record_that_does_not_follow_from_the_restricted_report_is_found(pack, keys, tmp_path):
    def better(files):
        public = ak.Report.from_dict(json.loads(files["public/report.json"]))
        kept = tuple(replace(one, status="pass") if one.status == "fail" else one for one in public.findings)
        from auditkit.packing.layers import public_files

        return public_files(replace(public, findings=kept), k=10)

    lying = written_anew(pack, tmp_path / "lying", keys, better)
    # record and page agree, and the number is withheld, as a group is small: it takes the key
    assert problems_of(lying, keys, sealed=False) == set()
    found = packing.verify(lying, keys=[keys / "author.pub"], restricted_key=keys / "restricted.key")
    said = {one.what for one in found.problems}
    assert {
        f"{part} is not what follows from the restricted report" for part in ("verdict", "findings", "counts")
    } == said


def lie_about(pack, target, keys, change):
    """A pack whose public record was changed, with page and figures made of it, and signed anew."""

    def changed(files):
        from auditkit.packing.layers import public_files

        return public_files(change(ak.Report.from_dict(json.loads(files["public/report.json"]))), k=10)

    return written_anew(pack, target, keys, changed)


def without_limits(public):
    policy = {**public.provenance["policy"], "criteria": []}
    return replace(public, provenance={**public.provenance, "policy": policy})


def with_a_wide_limit(public):
    wide = tuple(
        replace(one, status="pass", criterion=replace(one.criterion, at_most=0.9)) if one.criterion else one
        for one in public.findings
    )
    return replace(public, findings=wide)


def with_another_number(public):
    better = tuple(
        replace(one, status="pass", measurement=replace(one.measurement, value=0.0, interval=None))
        if one.criterion and one.measurement.group != "withheld"
        else one
        for one in public.findings
    )
    return replace(public, findings=better)


def with_a_better_status(public):
    better = tuple(replace(one, status="pass") if one.status == "fail" else one for one in public.findings)
    return replace(public, findings=better)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda public: public, []),
        (with_a_better_status, ["the status 'pass' of selection_rate does not follow from the public number"]),
        (without_limits, ["is held to a limit that the policy of the record does not have"]),
        (
            with_a_wide_limit,
            ["is held to a limit that the policy", "was not held to the limit that the policy of the record sets"],
        ),
        (with_another_number, ["a number of selection_rate that its check does not give"]),
        (
            lambda public: replace(public, findings=tuple(f for f in public.findings if not f.criterion)),
            ["was not held to the limit"],
        ),
    ],
)  # fmt: skip
def test_statuses_limits_and_numbers_of_a_public_record_are_held_together_without_a_key(
    report_folder, policies, keys, tmp_path, change, said
):
    (policies / "each.toml").write_text(
        "[[criterion]]\nmetric = 'selection_rate'\nat_most = 0.001\nwhy = 'a test'\n"
    )
    judged(report_folder, policies, "each.toml")
    pack = packed(policies, keys, planned(policies, keys, "each.toml"))
    lying = lie_about(pack, tmp_path / "lying", keys, change)
    found = packing.verify(lying, keys=[keys / "author.pub"]).problems
    assert {one.kind for one in found} <= {"verdict"}
    assert all(any(words in one.what for one in found) for words in said), found
    assert bool(found) == bool(said)
    if said:
        shutil.rmtree(lying / "signatures")
        with pytest.raises(InputError, match=r"not signed: public/report\.json: AK101: "):
            packing.sign(lying, key=keys / "author.key", role="author", name="Maria")


def test_a_status_that_does_not_follow_from_the_evidence_is_found(report_folder, policies, keys):
    report = judged(report_folder, policies, "strict.toml")
    assert report.verdict == "fail"
    better = tuple(replace(one, status="pass") if one.status == "fail" else one for one in report.findings)
    replace(report, findings=better).save(policies / "audit" / "report.json")
    pack = packed(
        policies, keys, planned(policies, keys, "strict.toml"), restricted_key=keys / "restricted.key"
    )
    assert problems_of(pack, keys, sealed=False) == set()
    found = packing.verify(pack, keys=[keys / "author.pub"], restricted_key=keys / "restricted.key")
    assert [(one.kind, one.what) for one in found.problems] == [
        ("verdict", "AK101: the status of demographic_parity_difference does not follow from the evidence")
    ]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("strict.toml", {"status": "pass", "was": "fail"}),  # no waiver, and yet a word of what it was
        ("strict.toml", {"status": "waived", "was": "fail"}),  # by no waiver
        ("waiving.toml", {"status": "pass"}),  # beside the waiver that holds: it would count as met
    ],
)
def test_a_finding_that_only_says_what_it_was_is_found(report_folder, policies, keys, tmp_path, policy, said):
    report = judged(report_folder, policies, policy)
    full = report.to_dict()
    (of_gap,) = [one for one in full["findings"] if one["status"] in ("fail", "waived")]
    of_gap |= said
    with pytest.raises(InputError, match=r"findings\[\d+\]: AK101 is '(pass|waived)', and was 'fail' before"):
        ak.Report.from_dict(full)
    pack = packed(policies, keys, planned(policies, keys, policy), restricted_key=keys / "restricted.key")
    seal, there = Seal(read_secret(keys / "restricted.key")), f"restricted/report.json{SUFFIX}"
    sealed = seal.close(there, json.dumps(full).encode())
    lying = written_anew(pack, tmp_path / "lying", keys, lambda _f: {there: sealed})
    assert ("restricted", "restricted") in problems_of(lying, keys, sealed=True)


def test_a_plan_beside_its_texts_is_held_to_what_was_signed(pack, keys, tmp_path):
    there = "plan/plan.toml"
    lying = written_anew(
        pack, tmp_path / "lying", keys, lambda _f: {there: LIMIT.replace("0.001", "0.9").encode()}
    )
    assert problems_of(lying, keys, sealed=False) == {("plan", "plan/")}


def test_a_difference_that_its_maker_kept_silent_is_found_with_the_key(
    report_folder, policies, keys, tmp_path
):
    judged(report_folder, policies, "waiving.toml")
    plan = planned(
        policies, keys, "strict.toml", template="bias", parameters=["demographic_parity__level=0.9"]
    )
    pack = packed(policies, keys, plan, restricted_key=keys / "restricted.key")
    silent = written_anew(
        pack, tmp_path / "silent", keys, lambda _f: {"plan/compared.json": b'{"differences":[]}\n'}
    )
    assert ("plan", "plan/compared.json") in problems_of(silent, keys, sealed=True)


def test_a_restricted_key_without_a_restricted_layer_is_told(report_folder, policies, keys):
    judged(report_folder, policies, "strict.toml")
    pack = packed(policies, keys, planned(policies, keys, "strict.toml"))
    assert problems_of(pack, keys, sealed=True) == {("restricted", "restricted")}
