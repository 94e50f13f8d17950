"""Decisions: a line for each right, filled in a spreadsheet or an editor, fitting one snapshot, signed, and hostile names harmless."""

from __future__ import annotations

import csv
import io
import json
import stat
import tomllib
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from auditkit import Audit
from auditkit.access.review import decide, decided, write_review
from auditkit.access.signing import sign, signature_file, verify
from auditkit.cli import app
from auditkit.data import make_hub
from auditkit.errors import InputError
from auditkit.hub.decisions import Decisions, as_file, fitting, read_decisions
from auditkit.hub.lines import Line, lines_of
from auditkit.hub.snapshot import Account
from auditkit.loading import load_target
from auditkit.packing import keygen
from auditkit.targets.access import Access

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1"]


@pytest.fixture
def review(tmp_path):
    place = tmp_path / "hub.json"
    place.write_text(make_hub().text())
    return place


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("maria", "jan"):
        keygen(folder / name)
    return folder


def fill(path, *, revoke=(), reason="needed", delimiter=","):
    """Fill a file as a spreadsheet would: rows sorted another way, keep written large."""
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    for row in rows:
        row["decision"], row["reason"] = (
            ("revoke" if (row["kind"], row["who"]) in revoke else " Keep "),
            reason,
        )
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["who"], reverse=True))
    path.write_text("\ufeff" + out.getvalue())
    return path


def filled(review, **options):
    place, _, _ = decide(review, review.parent / "decisions.csv")
    return fill(place, **options)


def test_there_is_a_line_for_each_right_and_the_file_is_its_owners(review):
    place, n, again = decide(review, review.parent / "decisions.csv")
    # the sign-in, 3 administrators, 12 accounts, 7 tokens, 2 groups, 2 services, 3 shares
    assert (n, again) == (1 + 3 + 12 + 7 + 2 + 2 + 3, 0)
    rows = list(csv.DictReader(io.StringIO(place.read_text())))
    assert len({row["line"] for row in rows}) == n
    assert {row["decision"] + row["reason"] for row in rows} == {""}
    assert {row["snapshot"] for row in rows} == {make_hub().digest}
    assert "never expires" in next(row["found"] for row in rows if "a1" in row["what"])
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="is there already"):
        decide(review, place)
    with pytest.raises(InputError, match=r"ends in \.csv or \.toml"):
        decide(review, review.parent / "decisions.xlsx")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_spreadsheet_saves_is_read(review, delimiter):
    place = filled(review, delimiter=delimiter, revoke={("account", "kurt")}, reason="left; see mail, of May")
    decisions, _, found = decided(place, review)
    assert [line.who for line, one in found if one.decision == "revoke"] == ["kurt"]
    assert len(decisions.revoked) == 1


def test_toml_is_read_as_well(review):
    place, n, _ = decide(review, review.parent / "decisions.toml")
    assert len(tomllib.loads(place.read_text())["decision"]) == n
    place.write_text(
        place.read_text()
        .replace('decision = ""', 'decision = "keep"')
        .replace('reason = ""', 'reason = "needed"')
    )
    assert len(decided(place, review)[2]) == n


def test_open_lines_are_refused(review, keys):
    place, _, _ = decide(review, review.parent / "decisions.csv")
    with pytest.raises(InputError, match="30 of 30 lines lack a decision or its reason"):
        sign(place, review, key=keys / "maria.key", role="reviewer", name="Maria")
    fill(place, reason=" ")
    with pytest.raises(InputError, match="or its reason"):
        sign(place, review, key=keys / "maria.key", role="reviewer", name="Maria")
    assert not signature_file(place, "reviewer").exists()


def test_decisions_of_another_snapshot_are_refused(review, keys):
    place = filled(review)
    other = review.parent / "other.json"
    other.write_text(replace(make_hub(), accounts=make_hub().accounts[:-1]).text())
    with pytest.raises(InputError, match="decide on this one anew"):
        sign(place, other, key=keys / "maria.key", role="reviewer", name="Maria")
    short = "".join(one for one in place.read_text().splitlines(keepends=True) if ",kurt," not in one)
    place.write_text(short)
    with pytest.raises(InputError, match="1 of its 30 lines are missing"):
        decided(place, review)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Keep", "kep", "decision is keep or revoke; got 'kep'. Did you mean 'keep'"),
        ("line", "id", "no column 'line'"),
        ("snapshot\n", "snap\n", "no column 'snapshot'"),
    ],
)
def test_mistakes_in_the_file_are_told_with_the_row(review, old, new, told):
    place = filled(review)
    place.write_text(place.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        read_decisions(place)


@pytest.mark.parametrize("column", ["who", "line", "decision"])
def test_columns_that_were_sorted_without_the_others_are_refused(review, column):
    place = filled(review, revoke={("account", "kurt")})
    rows = list(csv.DictReader(io.StringIO(place.read_text().removeprefix("\ufeff"))))
    for row, value in zip(rows, sorted(row[column] for row in rows), strict=True):
        row[column] = value
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    place.write_text(out.getvalue())
    if column == "decision":  # nothing can tell: what was decided is what stands there
        assert decided(place, review)
        return
    with pytest.raises(InputError, match="sorted without the others"):
        decided(place, review)


def test_what_a_spreadsheet_makes_of_a_name_is_no_other_line(tmp_path):
    hub = replace(make_hub(faults=False), accounts=(Account("007"), Account("O'Brien"), Account("=1+1")))
    (tmp_path / "hub.json").write_text(hub.text())
    place = filled(tmp_path / "hub.json")
    place.write_text(place.read_text().replace(",007,", ",7,").replace(",'=1+1,", ",=1+1,"))
    assert decided(place, tmp_path / "hub.json")


def test_a_column_that_stands_there_twice_is_refused(review):
    place = filled(review)
    place.write_text(place.read_text().replace(",found,", ",reason,", 1))
    with pytest.raises(InputError, match="the column 'reason' stands there twice"):
        read_decisions(place)


def test_a_formula_stays_words_also_where_another_character_ends_a_column():
    hub = replace(make_hub(faults=False), accounts=(Account("a;=1+1"), Account("＝1+1"), Account("b;c")))
    data = as_file(hub, lines_of(hub), "csv").decode()
    assert ";=" not in data
    assert ",＝" not in data
    assert "a;'=1+1" in data
    assert ",b;c," in data


def test_a_line_that_stands_there_twice_is_refused(review):
    place = filled(review)
    place.write_text(place.read_text() + place.read_text().splitlines()[1] + "\n")
    with pytest.raises(InputError, match="stands there twice"):
        read_decisions(place)


def test_signed_decisions_verify_and_any_change_is_found(review, keys):
    place = filled(review, revoke={("account", "kurt")})
    sign(place, review, key=keys / "maria.key", role="reviewer", name="Maria Rossi")
    with pytest.raises(InputError, match="two persons have two keys"):
        sign(place, review, key=keys / "maria.key", role="approver", name="Maria again")
    with pytest.raises(InputError, match="two persons have two names"):
        sign(
            place, review, key=keys / "jan.key", role="approver", name="Rossi, M\u0430ria"
        )  # a Cyrillic letter
    with pytest.raises(InputError, match="cannot be seen"):
        sign(place, review, key=keys / "jan.key", role="approver", name="Jan\u200b Novak")
    sign(place, review, key=keys / "jan.key", role="approver", name="Jan Novak")
    both = [keys / "maria.pub", keys / "jan.pub"]
    found = verify(place, review, keys=both)
    assert (found.problems, found.keep, found.revoke) == ((), 29, 1)
    assert [(one.role, one.name) for one in found.signed] == [
        ("reviewer", "Maria Rossi"),
        ("approver", "Jan Novak"),
    ]
    assert "key that was not given" in verify(place, review, keys=both[:1]).problems[0]
    assert verify(place, review, any_key=True, approved=True).problems == ()
    kept = signature_file(place, "approver").rename(review.parent / "kept")
    assert verify(place, review, keys=both).problems == ()
    assert verify(place, review, keys=both, approved=True).problems == ("no approver's signature holds",)
    kept.rename(signature_file(place, "approver"))
    with pytest.raises(InputError, match="Give --key"):
        verify(place, review)
    place.write_text(place.read_text().replace("needed", "because"))
    assert "changed after it was signed" in verify(place, review, keys=both).problems[0]


@pytest.fixture
def reported(tmp_path):
    """A review's folder, with its report."""
    folder = tmp_path / "review"
    subject = load_target(write_review(folder, make_hub(), name="hub"))
    Audit(["access"]).run(subject).save(folder / "report.json")
    place, _, _ = decide(folder, tmp_path / "decisions.csv")
    return folder, fill(place, revoke={("account", "kurt")})


def test_a_signature_ties_decisions_to_the_report(reported, keys):
    folder, place = reported
    sign(place, folder, key=keys / "maria.key", role="reviewer", name="Maria")
    by = [keys / "maria.pub"]
    assert (verify(place, folder, keys=by).problems, verify(place, folder, keys=by).notes) == ((), ())
    file = folder / "report.json"
    whole = file.read_text()
    file.write_text(json.dumps(json.loads(whole), indent=3))  # the same, laid out another way
    assert verify(place, folder, keys=by).problems == ()
    assert "may do anything" in whole
    file.write_text(whole.replace("may do anything", "may do little", 1))
    assert "about another report" in verify(place, folder, keys=by).problems[0]
    other = Audit(["access"]).run(Access("hub", make_hub(faults=False)))
    file.unlink()
    assert "a report too, which is not there" in verify(place, folder, keys=by).notes[0]
    other.save(file)
    assert "on something else than the snapshot" in verify(place, folder, keys=by).problems[0]


def test_signed_decisions_are_filed_in_the_restricted_layer_and_verify_there(reported, keys, tmp_path):
    folder, place = reported
    keygen(tmp_path / "restricted", restricted=True)
    made = ["pack", "make", str(folder), "--out", str(tmp_path / "pack"), "--decisions", str(place)]
    sealed = [*made, "--restricted-key", str(tmp_path / "restricted.key")]

    def run(*words):
        return CliRunner().invoke(app, list(words))

    assert "nobody signed" in run(*sealed).output
    sign(place, folder, key=keys / "maria.key", role="reviewer", name="Maria Rossi")
    assert "give --restricted-key" in run(*made).output
    assert run(*sealed).exit_code == 0
    pack = tmp_path / "pack"
    assert b"kurt" not in b"".join(one.read_bytes() for one in pack.rglob("*") if one.is_file())
    key = ["--restricted-key", str(tmp_path / "restricted.key")]
    assert run("pack", "open", str(pack), *key, "--out", str(tmp_path / "opened")).exit_code == 0
    found = verify(tmp_path / "opened" / "decisions.csv", tmp_path / "opened", keys=[keys / "maria.pub"])
    assert (found.problems, found.notes, found.revoke) == ((), (), 1)


def test_a_signature_of_another_review_or_role_is_found(review, keys):
    place = filled(review)
    made = sign(place, review, key=keys / "maria.key", role="reviewer", name="Maria")
    signature_file(place, "approver").write_bytes(made.read_bytes())
    problems = verify(place, review, keys=[keys / "maria.pub"]).problems
    assert "was signed as reviewer" in problems[0]
    signature_file(place, "approver").unlink()
    data = json.loads(made.read_text())
    data["signatures"][0]["sig"] = "AAAA" + data["signatures"][0]["sig"][4:]
    made.write_text(json.dumps(data, separators=(",", ":"), sort_keys=True))
    assert verify(place, review, keys=[keys / "maria.pub"]).problems
    made.unlink()
    assert verify(place, review, keys=[keys / "maria.pub"]).problems == (
        "nobody signed: auditkit access sign",
    )


def test_the_next_review_marks_what_was_to_be_revoked(review):
    place = filled(review, revoke={("account", "kurt"), ("token", "bela")})
    again, _, n = decide(review, review.parent / "next.csv", before=place)
    assert n == 2
    assert again.read_text().count("was to be revoked before, and is still there") == 2


def test_what_is_to_be_revoked_is_listed_with_what_a_person_does(review):
    place = filled(
        review, revoke={("token", "bela"), ("administrator", "bela"), ("share", "gus"), ("service", "culler")}
    )
    done = CliRunner().invoke(app, ["access", "revocations", str(place), "--review", str(review)])
    assert done.exit_code == 0
    for said in (
        "how: DELETE /hub/api/users/bela/tokens/a2",
        "how: DELETE /hub/api/groups/chiefs/users with the name in users",
        "how: DELETE /hub/api/groups/team/shared/gus/lab",
        "how: DELETE /hub/api/share-codes/gus/lab?id=sc_1",
        "how: take it out of c.JupyterHub.services",
        "6 of 30 lines are to be revoked.",
    ):
        assert said in done.output
    assert "nobody signed" in done.output


def test_what_is_open_or_not_signed_as_it_is_is_said_with_what_is_to_be_revoked(review, keys):
    place, n, _ = decide(review, review.parent / "decisions.csv")

    def listed():
        return CliRunner().invoke(app, ["access", "revocations", str(place), "--review", str(review)])

    assert f"0 of {n} lines are to be revoked; {n} are still open." in listed().output
    fill(place, revoke={("account", "kurt")})
    sign(place, review, key=keys / "maria.key", role="reviewer", name="Maria")
    assert "Not signed" not in listed().output
    place.write_text(place.read_text().replace("needed", "because"))
    assert "changed after it was signed" in listed().output


def test_a_parameter_that_is_none_is_refused_before_anything_is_written(review, tmp_path):
    asked = ["access", "review", "--snapshot", str(review), "--out", str(tmp_path / "new")]
    done = CliRunner().invoke(app, [*asked, "-p", "hub_accounts__stale_dys=9"])
    assert done.exit_code == 2
    assert "Did you mean" in done.output
    assert not (tmp_path / "new").exists()


def test_calls_begin_where_the_api_of_this_hub_does():
    hub = replace(make_hub(), hub="https://example.org/lab/hub/api")
    calls = [one.revoke for one in lines_of(hub) if one.kind == "account"]
    assert all(one.startswith("DELETE /lab/hub/api/users/") for one in calls)


def test_a_review_is_not_written_where_anybody_may_look(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(InputError, match="a review names people"):
        write_review(tmp_path / "open", make_hub(), name="hub")
    written = write_review(tmp_path / "new", make_hub(), name='a "hub"')
    assert load_target(written).name == 'a "hub"'
    with pytest.raises(InputError, match="is there already"):
        write_review(tmp_path / "new", make_hub(), name="hub")


def test_the_commands_decide_sign_and_verify(review, keys):
    place = review.parent / "decisions.csv"

    def run(*words):
        return CliRunner().invoke(app, ["access", *words])

    assert "30 lines to decide" in run("decide", str(review), "--out", str(place)).output
    of = [str(place), "--review", str(review)]
    signing = ["sign", *of, "--key", str(keys / "maria.key"), "--name", "Maria"]
    assert run(*signing).exit_code == 2
    fill(place)
    assert run(*signing).exit_code == 0
    assert run("verify", *of, "--key", str(keys / "maria.pub")).exit_code == 0
    assert run("verify", *of, "--key", str(keys / "jan.pub")).exit_code == 1
    said = json.loads(run("verify", *of, "--any-key", "--json").stdout)
    assert (said["ok"], said["keep"], said["revoke"]) == (True, 30, 0)


@pytest.mark.parametrize(
    "name", [*FORMULAS, "<script>", 'a"b,c;d', "a\nb", "\x1b[31m", "\u202eevil", "'=1", "ада"]
)
def test_hostile_names_stay_words_and_the_file_reads_back(name):
    hub = replace(
        make_hub(faults=False), accounts=(Account(name),), groups=(), tokens=(), services=(), shares=()
    )
    lines = lines_of(hub)
    for kind in ("csv", "toml"):
        data = as_file(hub, lines, kind)
        assert b"\x1b" not in data
        assert "\u202e" not in data.decode()
    rows = list(csv.DictReader(io.StringIO(as_file(hub, lines, "csv").decode())))
    assert not [
        value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]
    assert {row["line"] for row in rows} == {one.id for one in lines}


@given(st.text(), st.text(), st.sampled_from(["csv", "toml"]))
def test_any_text_reads_back_with_its_line(tmp_path_factory, who, what, kind):
    hub = make_hub(faults=False)
    lines = [
        Line("account-1", "account", who, what, "", ""),
        Line("account-2", "account", what, who, who, ""),
    ]
    place = tmp_path_factory.mktemp("any") / f"d.{kind}"
    place.write_bytes(as_file(hub, lines, kind))
    found = fitting(read_decisions(place), hub, lines)
    assert all(one.open for one in found.values())


@given(st.binary(max_size=300), st.sampled_from(["csv", "toml"]))
def test_any_file_is_read_or_refused_in_words(tmp_path_factory, data, kind):
    place = tmp_path_factory.mktemp("any") / f"d.{kind}"
    place.write_bytes(b"decision,reason,line,snapshot\n" + data if kind == "csv" else data)
    with suppress(InputError):  # anything else is a mistake of auditkit's own
        assert isinstance(read_decisions(place), Decisions)
