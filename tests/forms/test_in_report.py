"""Forms in a report: kept, shown, escaped, and no finding changed by them."""

import json
import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.controls import coverage, load_catalogue
from auditkit.controls.shown import on_page
from auditkit.errors import InputError
from auditkit.finding import Criterion
from auditkit.forms import load_form
from auditkit.packing.forms import read_with_signatures, sign_form
from auditkit.render import views
from auditkit.report import Report, load_report


@pytest.fixture
def draft(form_file):
    return load_form(form_file)


@pytest.fixture
def signed(form_file, keys):
    sign_form(form_file, key=keys / "author.key", role="author", name="Maria <b>Rossi</b>")
    sign_form(form_file, key=keys / "reviewer.key", role="reviewer", name="Jan", remark="<i>good</i>")
    return read_with_signatures(form_file)


def test_a_report_without_forms_says_nothing_of_them(report):
    assert "forms" not in report.to_dict()
    assert report.with_forms().to_dict() == report.to_dict()


def test_forms_come_back_from_json_and_stay_under_another_policy(report, signed, tmp_path):
    given = report.with_forms(signed)
    path = given.save(tmp_path / "r.json")
    again = load_report(path)
    assert again.forms == (signed,)
    assert again.to_dict() == given.to_dict()
    judged = again.judge([Criterion("selection_rate", at_least=0.5)])
    assert judged.forms == (signed,)
    assert given.findings == report.findings
    assert given.stable_dict() == report.stable_dict()


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["answers"].update(purpose="To sell"),
        lambda one: one.update(digest="0" * 64),
        lambda one: one.update(state="signed by two, approved"),
        lambda one: one.update(more=1),
        lambda one: one.pop("sections"),
    ],
)
def test_a_form_that_was_changed_in_a_report_is_told(report, draft, change):
    data = json.loads(json.dumps(report.with_forms(draft).to_dict()))
    change(data["forms"][0])
    with pytest.raises(InputError, match="damaged"):
        Report.from_dict(data)


def test_one_content_is_there_once_and_the_signed_one_takes_the_place(report, draft, signed):
    assert report.with_forms(draft, draft).forms == (draft,)
    assert report.with_forms(draft).with_forms(signed).forms == (signed,)
    other = replace(draft, answers={"purpose": "To lend more"})
    assert report.with_forms(draft, other).forms == (draft, other)
    assert report.with_forms(draft).with_forms(other, replacing=True).forms == (other,)


def signer(role, name, **more):
    return {"role": role, "name": name, "time": "2026-01-01T00:00:00+00:00", "keyid": "0" * 64, **more}


def named(one):
    one.update(signed=[signer("author", "Eve")], state="signed by its author, not reviewed")


def reviewed(one):
    one["signed"][1:] = [signer("reviewer", "Eve", decision="approved")]
    one["envelopes"][1:] = [one["envelopes"][0]]


def withheld(one):
    one.update(withheld={"controls": []}, answers={"purpose": "To sell"})


def withheld_for_another_control(one):
    one.update(withheld={"controls": [{"framework": "gdpr", "id": "Art. 22"}]}, answers={}, sections=[])
    one["signed"][1] = {k: v for k, v in one["signed"][1].items() if k not in ("remark", "salt")}


BY_HAND = {
    "signed": [
        reviewed, withheld, withheld_for_another_control,
        lambda one: one["signed"][1].update(name="The head of credit"),
        lambda one: one["signed"][0].update(time="2020-01-01T00:00:00+00:00"),
        lambda one: one["signed"][0].update(keyid="0" * 64),
        lambda one: one["signed"][1].update(remark="excellent"),
        lambda one: one["envelopes"].reverse(),
    ],
    "draft": [named],
}  # fmt: skip


@pytest.mark.parametrize(
    ("which", "change"), [(which, change) for which, every in BY_HAND.items() for change in every]
)
@pytest.mark.parametrize("packages", [True, False])
def test_a_signer_who_was_written_in_by_hand_is_told(
    report, draft, signed, which, change, packages, monkeypatch
):
    if not packages:  # what the signatures say is compared all the same
        monkeypatch.setattr("auditkit.forms.signatures.packages", missing)
    data = json.loads(json.dumps(report.with_forms({"draft": draft, "signed": signed}[which]).to_dict()))
    assert Report.from_dict(data).forms
    change(data["forms"][0])
    with pytest.raises(InputError, match=r"is not as it was signed|no digest holds those"):
        Report.from_dict(data)


def missing():
    raise InputError("not installed")


def test_signatures_of_another_content_do_not_enter_a_report(report, draft, signed):
    other = replace(draft, answers={"purpose": "To sell"}, signed=signed.signed, envelopes=signed.envelopes)
    with pytest.raises(InputError, match="another content than this"):
        report.with_forms(other)


def test_no_signature_is_lost_by_adding_the_draft_again(report, draft, signed, form_file, keys, tmp_path):
    assert report.with_forms(signed).with_forms(draft).forms == (signed,)
    assert report.with_forms(signed).with_forms(draft, replacing=True).forms == (signed,)
    (tmp_path / "other").mkdir()
    for name in ("short.toml", "use.toml"):
        shutil.copy(tmp_path / name, tmp_path / "other" / name)
    sign_form(tmp_path / "other" / "use.toml", key=keys / "stranger.key", role="author", name="Eve")
    other = read_with_signatures(tmp_path / "other" / "use.toml")
    with pytest.raises(InputError, match=r"as 'Maria <b>Rossi</b>' and 'Jan' signed it.* by 'Eve'"):
        report.with_forms(signed).with_forms(other)
    assert report.with_forms(signed).with_forms(other, replacing=True).forms == (other,)


def test_a_form_about_another_subject_is_refused(report, draft):
    with pytest.raises(InputError, match="is about 'debit', and this report is about 'credit'"):
        report.with_forms(replace(draft, subject="debit"))


def shown(report):
    return views.draw("forms", views.view_data("forms", report.to_dict()))


def test_the_page_says_what_a_draft_is(report, draft):
    html = shown(report.with_forms(replace(draft, answers={}, open=("purpose",))))
    assert "Draft, not signed" in html
    assert "1 required answer is missing" in html
    assert "open: not answered yet" in html


def test_the_page_says_who_signed_when_with_which_digest(report, signed):
    html = shown(report.with_forms(signed))
    assert "Signed by two, approved" in html
    assert signed.digest in html
    assert signed.signed[0].keyid[:16] in html
    assert "Maria &lt;b&gt;Rossi&lt;/b&gt;" in html
    assert "&lt;i&gt;good&lt;/i&gt;" in html
    assert "Draft" not in html


def test_a_form_that_nobody_reviewed_is_told(report, form_file, keys):
    sign_form(form_file, key=keys / "author.key", role="author", name="Maria")
    html = shown(report.with_forms(read_with_signatures(form_file)))
    assert "No second person has reviewed it" in html


def test_a_notebook_cell_that_shows_the_report_names_its_forms(report, draft):
    assert "Forms:" not in report._repr_html_()
    html = report.with_forms(replace(draft, title="<b>A</b>"))._repr_html_()
    assert "&lt;b&gt;A&lt;/b&gt; of credit: draft, not signed." in html


EVIL = "<script>alert(1)</script>{{ 7*7 }}\u202e"


def test_whatever_was_typed_is_shown_as_it_stands(report, draft):
    question = {"id": "purpose", "words": EVIL, "answer": "text"}
    rows = {"id": "rows", "words": "Rows", "answer": "rows", "columns": [{"id": "a", "words": EVIL}]}
    section = {"id": "one", "title": EVIL, "questions": [question, rows], "controls": []}
    form = replace(draft, answers={"purpose": EVIL, "rows": [{"a": EVIL}]}, sections=(section,), title=EVIL)
    html = shown(report.with_forms(form))
    assert "<script" not in html
    assert "\u202e" not in html
    assert html.count("&lt;script&gt;") >= 5
    assert "{{ 7*7 }}" in html


def places(value, before=()):
    """Give the place of every value inside, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*before, key)
        yield from places(one, (*before, key))


@pytest.mark.parametrize("odd", [None, 7, "<q>", [], {}, [["x"]], {"id": 1}, True], ids=repr)
def test_a_damaged_form_is_refused_or_shown(report, signed, odd):
    whole = json.loads(json.dumps(report.with_forms(signed).to_dict()))
    for place in places(whole["forms"]):
        data = json.loads(json.dumps(whole))
        holder = data["forms"]
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = odd
        try:
            read = Report.from_dict(data)
        except InputError:
            continue
        assert "<q>" not in shown(read)
        coverage(read.to_dict(), load_catalogue())


def stands(report, framework, control):
    found = coverage(report.to_dict(), load_catalogue())
    return next(one for one in found.of(framework) if one.control.id == control)


class TestCoverage:
    def test_without_a_form_a_control_of_forms_alone_says_what_is_missing(self, report):
        one = stands(report, "eu_ai_act", "Art. 27")
        assert (one.status, one.forms) == ("form_only", ())
        assert one.missing

    def test_a_signed_form_is_shown_and_nothing_is_missing(self, report, signed):
        one = stands(report.with_forms(signed), "eu_ai_act", "Art. 27")
        assert (one.status, one.missing) == ("form_only", ())
        assert one.forms == ("form: A short form, signed by two, approved",)

    def test_a_draft_is_shown_as_one_and_is_no_evidence(self, report, draft):
        one = stands(report.with_forms(draft), "eu_ai_act", "Art. 27")
        assert one.forms == ("form: A short form, draft, not signed",)
        assert one.missing
        before, after = (stands(r, "gdpr", "Art. 35(7)") for r in (report, report.with_forms(draft)))
        assert (after.status, after.missing) == (before.status, before.missing)

    def test_a_form_that_nobody_reviewed_lacks_that(self, report, form_file, keys):
        sign_form(form_file, key=keys / "author.key", role="author", name="Maria")
        one = stands(report.with_forms(read_with_signatures(form_file)), "eu_ai_act", "Art. 27")
        assert one.forms == ("form: A short form, signed by its author, not reviewed",)
        assert one.missing == ("a second person's review",)

    def test_a_rejected_form_is_no_evidence(self, report, form_file, keys):
        sign_form(form_file, key=keys / "author.key", role="author", name="Maria")
        by = {"key": keys / "reviewer.key", "role": "reviewer", "name": "Jan"}
        sign_form(form_file, **by, decision="rejected", remark="no")
        one = stands(report.with_forms(read_with_signatures(form_file)), "eu_ai_act", "Art. 27")
        assert one.forms == ("form: A short form, signed by two, rejected",)
        assert one.missing

    def test_a_form_fills_its_topic_of_a_control_that_checks_speak_to_too(self, report, form_file, keys):
        kind = form_file.with_name("short.toml")
        kind.write_text(kind.read_text().replace('kind = "short"', 'kind = "data_protection"'))
        sign_form(form_file, key=keys / "author.key", role="author", name="Maria")
        form = read_with_signatures(form_file)
        before, after = (stands(r, "gdpr", "Art. 35(7)") for r in (report, report.with_forms(form)))
        assert before.status == after.status == "partial"
        assert {m.partition(":")[0] for m in before.missing} - {
            m.partition(":")[0] for m in after.missing
        } == {"impact on people"}

    def test_where_no_check_speaks_a_form_stands_alone(self, report, signed):
        bare = replace(report, evidence=())
        assert stands(bare, "gdpr", "Art. 35(7)").status == "not_covered"
        assert stands(bare.with_forms(signed), "gdpr", "Art. 35(7)").status == "form_only"

    def test_the_page_has_it_among_the_evidence(self, report, signed):
        rows = [row for f in on_page(report.with_forms(signed).to_dict())["frameworks"] for row in f["rows"]]
        assert [row["forms"] for row in rows if row["id"] == "Art. 27"] == [
            ["form: A short form, signed by two, approved"]
        ]


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Credit audit"},
        {"cell_type": "code", "id": "forms-of-mine", "metadata": {}, "execution_count": 1, "source": "1", "outputs": []},
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


class TestAdding:
    @pytest.fixture
    def folder(self, report, tmp_path):
        from auditkit.runner.export import export_report
        from auditkit.runner.notebook import outputs

        place = tmp_path / "reports"
        place.mkdir()
        report.save(place / "report.json")
        cells = [
            {
                "cell_type": "code", "id": part, "metadata": {}, "execution_count": 1, "source": f'show(report, "{part}")',
                "outputs": [{"output_type": "display_data", "data": b, "metadata": {}} for b in outputs(report, part)],
            }
            for part in ("verdict", "findings", "methods")
        ]  # fmt: skip
        (place / "report.ipynb").write_text(json.dumps({**NOTEBOOK, "cells": [*NOTEBOOK["cells"], *cells]}))
        export_report(place / "report.ipynb", place / "report.html")
        return place

    def add(self, *args):
        return CliRunner().invoke(app, ["form", "add", *map(str, args)])

    def test_record_notebook_and_page_are_made_anew(self, folder, form_file, signed):
        assert 'aria-label="Forms"' not in (folder / "report.html").read_text()
        done = self.add(form_file, "--report", folder)
        assert done.exit_code == 0, done.output
        assert "signed by two, approved" in done.stdout
        assert load_report(folder / "report.json").forms == (signed,)
        html = (folder / "report.html").read_text()
        assert html.count('aria-label="Forms"') == 1
        assert "To lend" in html
        assert html.index('aria-label="Findings"') < html.index('aria-label="Forms"')
        assert "form: A short form, signed by two, approved" in html  # among the controls
        assert [one["id"] for one in json.loads((folder / "report.ipynb").read_text())["cells"]].count(
            "forms"
        ) == 1

    def test_a_second_time_changes_nothing(self, folder, form_file, signed):
        self.add(form_file, "--report", folder)
        before = [(folder / name).read_bytes() for name in ("report.json", "report.html", "report.ipynb")]
        assert self.add(form_file, "--report", folder / "report.json").exit_code == 0
        assert before == [
            (folder / name).read_bytes() for name in ("report.json", "report.html", "report.ipynb")
        ]

    def test_another_form_of_the_kind_is_not_replaced_silently(self, folder, form_file):
        self.add(form_file, "--report", folder)
        form_file.write_text(form_file.read_text().replace("To lend", "To lend more"))
        done = self.add(form_file, "--report", folder)
        assert done.exit_code == 2
        assert "--replace" in done.stderr
        assert self.add(form_file, "--report", folder, "--replace").exit_code == 0
        assert [one.answers["purpose"] for one in load_report(folder / "report.json").forms] == [
            "To lend more"
        ]
        form_file.write_text(form_file.read_text().replace("more", "less"))
        assert self.add(form_file, "--report", folder, "--also").exit_code == 0
        assert len(load_report(folder / "report.json").forms) == 2

    def test_an_edited_form_is_refused_and_nothing_written(self, folder, form_file, signed):
        form_file.write_text(form_file.read_text().replace("To lend", "To sell"))
        before = (folder / "report.json").read_bytes()
        done = self.add(form_file, "--report", folder)
        assert done.exit_code == 2
        assert "was edited after it was signed" in done.stderr
        assert (folder / "report.json").read_bytes() == before

    def test_a_page_that_stays_without_the_forms_is_told(self, folder, form_file):
        (folder / "report.pdf").write_bytes(b"%PDF")
        assert "report.pdf is without the forms" in self.add(form_file, "--report", folder).stderr

    def test_a_result_of_a_batch_is_left_alone(self, folder, form_file, tmp_path):
        (tmp_path / "batch" / "results").mkdir(parents=True)
        (tmp_path / "batch" / "journal.sqlite").touch()
        place = shutil.copytree(folder, tmp_path / "batch" / "results" / "credit-1")
        done = self.add(form_file, "--report", place)
        assert done.exit_code == 2
        assert "whose journal holds its digest" in done.stderr
