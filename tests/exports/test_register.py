"""Register: an entry an audit, in a chain that shows every change, and a page on which names stay text."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import auditkit as ak
from auditkit.chain import START, link
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.exports.paper import as_html, as_markdown
from auditkit.exports.register import RegisterError, append, entry_schema, read_register
from auditkit.exports.registered import as_paper, registered
from auditkit.exports.registering import Said, entry_of
from auditkit.exports.source import Source
from auditkit.packing.manifest import canonical

from .conftest import HOSTILE, hostile_text, renamed, with_form
from .test_paper import held


def at(report, day, name="credit"):
    """Return the report as of another day and model."""
    data = json.loads(json.dumps(report.to_dict()))
    data["subject"]["name"], data["provenance"]["started"] = name, f"{day}T10:00:00+00:00"
    return ak.Report.from_dict(data)


@pytest.fixture(scope="module")
def kept(report, tmp_path_factory):
    """A register of three audits of two models."""
    file = tmp_path_factory.mktemp("kept") / "register.jsonl"
    append(file, entry_of(at(report, "2026-01-10"), Said(owner="Maria", tier="high", every=100)))
    append(file, entry_of(at(report, "2026-03-01", "other"), Said(next_due="2027-01-31")))
    append(file, entry_of(at(report, "2026-06-01"), Said(every=30, approvals=("model risk: Jan",))))
    return file


@pytest.fixture
def copied(kept, tmp_path):
    for file in kept.parent.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path / kept.name


def test_the_chain_is_what_it_is_said_to_be(kept):
    before = START
    for line in kept.read_bytes().splitlines():
        said = json.loads(line)
        jsonschema.Draft202012Validator(entry_schema()).validate(said["entry"])
        before = link(before, canonical(said["entry"]).decode())
        assert said["digest"] == before
    found = read_register(kept)
    assert found.digest == before
    assert json.loads((kept.parent / "register.jsonl.head").read_bytes()) == {"digest": before, "entries": 3}


def test_an_entry_says_what_the_report_says(report, kept):
    entry = read_register(kept).entries[0]
    source = Source.of(at(report, "2026-01-10"))
    assert entry["audit"]["report"] == source.digest
    assert entry["model"] == {"name": "credit", "kind": "model", "digest": report.subject["model"]["digest"]}
    assert entry["audit"]["verdict"] == report.verdict
    assert sum(entry["audit"]["counts"].values()) == sum(one.shown is not None for one in report.findings)
    assert entry["audit"]["policy"]["digest"] == report.provenance["policy"]["digest"]
    assert entry["next"] == "2026-04-20"


def test_models_stand_by_their_last_audit_and_overdue_ones_come_first(kept):
    first, second = registered(read_register(kept), on=date(2026, 7, 2))
    assert (first.name, first.owner, first.tier, first.overdue, len(first.audits)) == ("credit", "Maria", "high", True, 2)  # fmt: skip
    assert first.row(date(2026, 7, 2))["next audit"] == "2026-07-01 (overdue)"
    assert (second.name, second.overdue, second.last["next"]) == ("other", False, "2027-01-31")
    assert not registered(read_register(kept), on=date(2026, 7, 1))[0].overdue


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_any_changed_byte_is_told(copied, kept, place, byte):
    for name in (kept.name, f"{kept.name}.head"):
        whole = (kept.parent / name).read_bytes()
        at_ = int(place * len(whole))
        copied.with_name(name).write_bytes(whole[:at_] + bytes([whole[at_] ^ byte]) + whole[at_ + 1 :])
        with pytest.raises(RegisterError):
            read_register(copied)
        copied.with_name(name).write_bytes(whole)


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ((0, 1), "ends at entry 2, and register.jsonl.head speaks of 3"),
        ((), "ends at entry 0"),
        ((1, 2), "entry 1 is not as it was written, or one before it was dropped"),
        ((0, 2), "entry 2 is not as it was written"),
        ((0, 2, 1), "entry 2 is not as it was written"),
        ((0, 1, 2, 2), "entry 4 is not as it was written"),
    ],
)
def test_entries_that_were_cut_off_dropped_or_moved_are_told(copied, order, told):
    lines = copied.read_bytes().splitlines(keepends=True)
    copied.write_bytes(b"".join(lines[i] for i in order))
    with pytest.raises(RegisterError, match=told):
        read_register(copied)


def test_a_missing_file_or_head_is_told(copied):
    head = copied.with_name("register.jsonl.head")
    said = head.read_bytes()
    head.unlink()
    with pytest.raises(RegisterError, match=r"register\.jsonl\.head is missing"):
        read_register(copied)
    head.write_bytes(said)
    copied.unlink()
    with pytest.raises(RegisterError, match="ends at entry 0"):
        read_register(copied)
    head.unlink()
    with pytest.raises(InputError, match="auditkit register add REPORT"):
        read_register(copied)


def test_a_head_that_a_kill_left_one_behind_is_in_order(copied, report):
    found = read_register(copied)
    copied.with_name("register.jsonl.head").write_bytes(canonical({"digest": found.digests[1], "entries": 2}))
    assert len(read_register(copied).entries) == 3
    assert len(append(copied, entry_of(at(report, "2026-08-01"))).entries) == 4
    assert len(read_register(copied).entries) == 4


def test_a_kill_in_the_first_entry_leaves_a_register_that_goes_on(report, tmp_path, monkeypatch):
    from auditkit.exports import register

    written, file = [], tmp_path / "r.jsonl"

    def killed(path, data, **more):
        if path.name.endswith(".head") and written:
            raise KeyboardInterrupt
        written.append(path.name)
        return write_whole(path, data, **more)

    write_whole = register.write_whole
    monkeypatch.setattr(register, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        append(file, entry_of(at(report, "2026-01-10")))
    monkeypatch.undo()
    assert written == ["r.jsonl.head", "r.jsonl"]
    assert len(read_register(file).entries) == 1
    assert len(append(file, entry_of(at(report, "2026-02-10"))).entries) == 2


def test_a_register_rewritten_as_a_whole_is_told_by_a_digest_that_was_noted(copied, report):
    noted = read_register(copied).digest
    assert read_register(copied, expect=noted).digest == noted
    for file in copied.parent.iterdir():
        file.unlink()
    append(copied, entry_of(at(report, "2026-06-01")))
    with pytest.raises(RegisterError, match="no entry has the digest"):
        read_register(copied, expect=noted)


@pytest.mark.parametrize("given", ["", " ", "9f2c"])
def test_an_expected_digest_that_is_none_is_refused(kept, given):
    done = CliRunner().invoke(app, ["register", "list", str(kept), "--expect", given])
    assert done.exit_code == 2
    assert "expected a digest of 64 hexadecimal digits" in done.output
    noted = read_register(kept).digests[0]
    assert (
        CliRunner().invoke(app, ["register", "list", str(kept), "--expect", f" {noted.upper()}"]).exit_code
        == 0
    )


def test_an_entry_and_all_that_follows_rewritten_together_are_told_by_a_noted_digest_alone(copied):
    known = read_register(copied)
    before, lines = START, []
    for entry in known.entries:
        changed = {**entry, "owner": "Somebody else"}
        before = link(before, canonical(changed).decode())
        lines.append(canonical({"digest": before, "entry": changed}))
    copied.write_bytes(b"".join(lines))
    copied.with_name("register.jsonl.head").write_bytes(canonical({"digest": before, "entries": len(lines)}))
    assert read_register(copied).entries[0]["owner"] == "Somebody else"
    assert "is not found by the chain" in as_markdown(as_paper(read_register(copied)))
    with pytest.raises(RegisterError, match="no entry has the digest"):
        read_register(copied, expect=known.digests[0])


def test_nothing_is_added_twice_or_to_what_cannot_be_believed(copied, report):
    with pytest.raises(InputError, match="in the register already, as entry 1"):
        append(copied, entry_of(at(report, "2026-01-10")))
    whole = copied.read_bytes()
    copied.write_bytes(whole.replace(b'"pass"', b'"fail"').replace(b'"undecided"', b'"pass"'))
    changed = copied.read_bytes()
    with pytest.raises(RegisterError):
        append(copied, entry_of(at(report, "2026-09-01")))
    assert copied.read_bytes() == changed


def test_two_that_add_at_once_wait_for_each_other(report, tmp_path):
    file = tmp_path / "r.jsonl"
    entries = [entry_of(at(report, f"2026-01-{day}")) for day in range(10, 16)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda entry: append(file, entry), entries))
    days = [one["audit"]["day"] for one in read_register(file).entries]
    assert sorted(days) == [f"2026-01-{day}" for day in range(10, 16)]


def test_waivers_are_entered_with_their_end(report):
    one = next(f for f in report.findings if f.shown == "inconclusive")
    waived = at(report, "2026-01-10").waive(one.fingerprint, "a pilot", date(2099, 1, 31), by="board")
    entry = entry_of(waived)
    (waiver,) = entry["waivers"]
    assert (waiver["by"], waiver["until"], waiver["reason"], waiver["holds"]) == ("board", "2099-01-31", "a pilot", True)  # fmt: skip


def test_owner_tier_and_next_day_come_from_the_form_where_they_are_not_said(report):
    filled = with_form(report, owner="Jo", tier="high", review_by="2027-05-01")
    entry = entry_of(filled)
    assert (entry["owner"], entry["tier"], entry["next"]) == ("Jo", "high", "2027-05-01")
    entry = entry_of(filled, Said(owner="Al", tier="low", next_due="2027-01-01"))
    assert (entry["owner"], entry["tier"], entry["next"]) == ("Al", "low", "2027-01-01")
    assert entry_of(with_form(report, signed=False, owner="Jo"))["owner"] == ""
    two = with_form(report, owner=["Jo Owner", "Al\nOther"])
    assert entry_of(two)["owner"] == "Jo Owner; Al Other"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"next_due": "soon"}, "must be a day as year-month-day"),
        ({"next_due": "2027-01-01", "every": 3}, "say when it is audited again once"),
        ({"every": 0}, "1 day or more"),
        ({"every": 10**9}, "at most 36,525"),
        ({"next_due": "2020-01-01"}, "must be after this audit"),
        ({"approvals": ("Maria",)}, "an approval is a role and a name"),
    ],
)
def test_what_is_said_wrongly_is_told(report, said, told):
    with pytest.raises(InputError, match=told):
        entry_of(report, Said(**said))


def test_reports_of_what_is_no_model_are_refused(of_stack):
    with pytest.raises(
        InputError, match="an entry of the register of models is made of a report about a model"
    ):
        entry_of(of_stack)


@pytest.mark.needs("securesystemslib", extra="evidence")
def test_a_pack_is_verified_and_who_signed_it_is_entered(saved, of_stack, tmp_path):
    from auditkit import packing

    (saved / "report.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    for name in ("author", "reviewer"):
        packing.keygen(tmp_path / name)
    packing.make(saved, tmp_path / "pack")
    packing.sign(tmp_path / "pack", key=tmp_path / "author.key", role="author", name=HOSTILE)
    packing.sign(tmp_path / "pack", key=tmp_path / "reviewer.key", role="reviewer", name="Jan")
    source = Source.read(saved)
    entry = entry_of(
        source, pack=tmp_path / "pack", keys=[tmp_path / "author.pub", tmp_path / "reviewer.pub"]
    )
    assert entry["pack"]["keys"] == "given"
    assert [(one["role"], one["day"]) for one in entry["signatures"]] == [("author", str(datetime.now(UTC).date())), ("reviewer", str(datetime.now(UTC).date()))]  # fmt: skip
    assert entry_of(source, pack=tmp_path / "pack")["pack"]["keys"] == "any"
    with pytest.raises(InputError, match="is of another audit than this report"):
        entry_of(at(source.report, "2020-01-01"), pack=tmp_path / "pack")
    better = json.loads((saved / "report.json").read_text("utf-8"))
    for m in next(one for one in better["evidence"] if one["check"] == "AK001")["measurements"]:
        if m["metric"] == "accuracy":
            m["value"], m["interval"]["low"], m["interval"]["high"] = 0.99, 0.98, 1.0
    with pytest.raises(
        InputError, match=r"of another audit than this report: AK001.*no such number of accuracy"
    ):
        entry_of(ak.Report.from_dict(better), pack=tmp_path / "pack")
    assert (
        entry_of(Source.read(tmp_path / "pack" / "public"), pack=tmp_path / "pack")["pack"]["keys"] == "any"
    )
    (tmp_path / "pack" / "public" / "README.txt").write_text("changed")
    with pytest.raises(InputError, match=r"is not as it was signed: public/README\.txt"):
        entry_of(source, pack=tmp_path / "pack")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile_text)
@example(HOSTILE)
def test_hostile_names_stay_text(report, tmp_path_factory, text):
    file = tmp_path_factory.mktemp("hostile") / "r.jsonl"
    said = Said(owner=text, tier=text, approvals=(f"x: {text}y",), by=text)
    paper = as_paper(append(file, entry_of(renamed(report, text), said)))
    held(as_markdown(paper))
    assert "<img" not in as_html(paper)
    assert as_paper(read_register(file)) == paper


def test_the_command_line_adds_lists_and_shows(saved, tmp_path):
    file, run = tmp_path / "register.jsonl", CliRunner().invoke
    args = [
        "register",
        "add",
        str(saved),
        "--to",
        str(file),
        "--owner",
        "Maria",
        "--tier",
        "high",
        "--every",
        "1",
    ]
    done = run(app, [*args, "--json"])
    assert done.exit_code == 0, done.output
    digest = json.loads(done.stdout)["digest"]
    assert run(app, args).exit_code == 2
    done = run(app, ["register", "list", str(file), "--expect", digest, "--json"])
    assert json.loads(done.stdout)["models"][0]["owner"] == "Maria"
    assert "credit" in run(app, ["register", "list", str(file)]).stdout
    page = ["register", "page", str(file), "--out", str(tmp_path / "r.html")]
    assert run(app, page).exit_code == 0
    assert "Register of audited models" in (tmp_path / "r.html").read_text("utf-8")
    assert run(app, page).exit_code == 2
    file.write_bytes(file.read_bytes().replace(b"Maria", b"Mario"))
    done = run(app, ["register", "list", str(file)])
    assert done.exit_code == 2
    assert "cannot be believed: entry 1 is not as it was written" in done.output
