from __future__ import annotations

import base64
import gzip
import json
import math
import re
import struct
import zlib

import jsonschema
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import auditkit as ak
from auditkit import packing
from auditkit.errors import InputError
from auditkit.packing.counts import OUTCOMES
from auditkit.packing.reading import read_pack
from auditkit.packing.recomputing import public_apart
from auditkit.ranges import range_of
from auditkit.render._packing import LETTERS
from auditkit.report import load_report, schema

CHECKS = ["AK001", "AK002", "AK101", "AK102", "AK103", "AK106", "AK113", "AK201", "AK301", "AK402"]
TOKENS = [
    *(b"qzgroupone", b"qzgrouptwo", b"qzgroupsmall", b"qzsensitive", b"qzcolumnincome", b"qzcolumncity"),
    *(b"qzcityone", b"qzcitytwo", b"qzcitythree", b"qzcityonly", b"qzclassyes", b"qzclassno"),
    *(b"qzsubject", b"qznotetext", b"qzauthor", b"qzhome", b"qzfile", b"qzfolder", b"qzpack"),
]
NUMBER = 73190.515625  # exact in 32 bits too


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """An audit in which every name and value is a token, and what of it may be public."""
    rng = np.random.default_rng(3)
    n = 600
    group = np.where(rng.random(n) < 0.45, "qzgroupone", "qzgrouptwo").astype(object)
    group[:3] = "qzgroupsmall"
    city = rng.choice(["qzcityone", "qzcitytwo", "qzcitythree"], n).astype(object)
    city[7] = "qzcityonly"
    income = rng.normal(size=n)
    income[11] = NUMBER
    x = pd.DataFrame({"qzcolumnincome": income, "qzcolumncity": city})
    y = np.where(np.clip(income, -3, 3) + rng.normal(size=n) > 0, "qzclassyes", "qzclassno")
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["qzcolumncity"]), remainder="passthrough"
        ),
        LogisticRegression(max_iter=2000),
    ).fit(x, y)
    sensitive = pd.DataFrame({"qzsensitive": group})
    test = ak.Dataset(x, y, sensitive_features=sensitive)
    shift = x.assign(qzcolumnincome=rng.normal(size=n))
    train = ak.Dataset(
        shift, np.where(shift["qzcolumnincome"] + rng.normal(size=n) > 0, "qzclassyes", "qzclassno")
    )
    subject = ak.Subject("qzsubject", model, test=test, train=train, positive="qzclassyes")
    folder = tmp_path_factory.mktemp("qzfolder")
    report = ak.Audit(CHECKS).run(subject, keep_answers=True)
    report = report.note(report.findings[0], "qznotetext", author="qzauthor")
    report.save(folder / "report.json")
    notebook = {
        "cells": [],
        "metadata": {"path": "/home/qzhome/qzfile.ipynb"},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / "report.ipynb").write_text(json.dumps(notebook))
    packing.keygen(folder / "key", restricted=True)
    packing.make(folder, folder / "qzpack", restricted_key=folder / "key.key")
    return folder, read_pack(folder / "qzpack").files


def unpacked(data, depth=3):
    """Give data, and all that can be unpacked of it: base 64, base 85 as pages have it, gzip, zlib and raw deflate."""
    yield data
    if not depth:
        return
    letters = re.escape(LETTERS).encode()
    inner = [
        base64.b64decode(run + b"=" * (-len(run) % 4))
        for run in re.findall(rb"[A-Za-z0-9+/]{12,}", data)
        if len(run) % 4 != 1
    ]
    runs = re.findall(rb">([" + letters + rb"]{40,})</script>", data)
    inner += [base64.b85decode(run.translate(bytes.maketrans(b",.:", b"&<>"))) for run in runs]
    for one in inner:
        yield one
        starts = {b"\x1f\x8b": 31, b"\x78": 15}
        ways = {bits for magic, bits in starts.items() if one.startswith(magic)} | (
            {-15} if depth == 3 else set()
        )
        for bits in ways:
            try:
                within = zlib.decompressobj(bits).decompress(one, 50_000_000)
            except zlib.error:
                continue
            if len(within) > 8:
                yield from unpacked(within, depth - 1)


def public_bytes(files):
    for path, data in files.items():
        yield path, path.encode()
        if path.endswith(".sealed"):
            yield path, data
        else:
            for one in unpacked(data):
                yield path, one


def test_the_search_sees_what_is_packed():
    inner = json.dumps({"y": {"bdata": base64.b64encode(struct.pack("<2d", NUMBER, 1.0)).decode()}}).encode()
    letters = base64.b85encode(gzip.compress(inner * 20, mtime=0)).translate(bytes.maketrans(b"&<>", b",.:"))
    page = b"<script>" + letters + b"</script>"
    assert any(struct.pack("<d", NUMBER) in one for one in unpacked(page))
    assert any(b"qztoken" in one for one in unpacked(b'"' + base64.b64encode(b"a word: qztoken") + b'"'))


def test_no_planted_token_is_in_any_public_byte(planted):
    folder, files = planted
    full = (folder / "report.json").read_text()
    for token in ("qzgroupsmall", "qzcolumnincome", "qzclassyes", "qzsubject", "qznotetext", "qzauthor"):
        assert token in full, token  # it was there to be found
    seen = set()
    forms = [struct.pack(form, NUMBER) for form in ("<d", ">d", "<f", ">f")] + [b"73190.5"]
    for path, data in public_bytes(files):
        assert not any(form in data for form in forms), path
        low = data.lower()
        seen |= {token for token in TOKENS if token in low}
    # large groups and the feature they are groups of are public: the search is not blind
    assert seen == {b"qzsensitive", b"qzgrouptwo"}  # the other large one covers the small one


def holds(data, numbers):
    """Whether one of some 8-byte numbers stands anywhere in bytes."""
    wanted = np.sort(numbers)
    for at in range(8):
        found = np.frombuffer(data[at : at + (len(data) - at) // 8 * 8], "<u8")
        if (wanted[np.searchsorted(wanted[:-1], found)] == found).any():
            return True
    return False


def test_answers_of_single_records_are_in_no_file_of_a_pack(planted):
    folder, files = planted
    kept = (folder / "report.answers.npz").read_bytes()
    with np.load(folder / "report.answers.npz") as held:
        rows = [held[name][:4].tobytes() for name in ("score", "truth", "decision", "codes_0")]
        scores = held["score"].astype("<f8").view("<u8")
    assert all(row in kept for row in rows)  # they were there to be found
    for one in scores:
        assert holds(b"abc" + one.tobytes() + b"a", scores)
        assert not holds((one + np.uint64(1)).tobytes(), scores)
    digest = load_report(folder / "report.json").provenance["answers"]["sha256"].encode()
    assert not [path for path in files if "answers" in path or path.endswith(".npz")]
    for path, data in public_bytes(files):
        assert not holds(data, scores), path
        assert rows[1] not in data or path.endswith(".sealed")
        assert digest not in data, path


def test_rows_and_records_have_no_pseudonym_in_public(planted):
    folder, files = planted
    report = load_report(folder / "report.json")
    ids = {
        v
        for e in report.evidence
        for t in e.tables.values()
        for v in t.columns.get("record", ())
        if isinstance(v, str)
    }
    assert ids
    public = b"".join(data for path, data in files.items() if not path.endswith(".sealed"))
    assert not any(one.encode() in public for one in ids)
    opened = packing.open_restricted(folder / "qzpack", folder / "key.key")
    tables = b"".join(data for path, data in opened.items() if "/tables/" in path)
    assert not any(one.encode() in tables for one in ids)  # there under the key's own pseudonyms
    assert len(set(re.findall(rb"\b[0-9a-f]{64}\b", tables))) >= len(ids)


def test_the_public_record_is_a_report_with_the_verdict_of_the_full_one(planted):
    folder, files = planted
    full, public = load_report(folder / "report.json"), json.loads(files["public/report.json"])
    jsonschema.Draft202012Validator(schema()).validate(public)
    again = ak.Report.from_dict(public)
    assert again.to_dict() == public
    assert (public["verdict"], public["counts"]) == (full.verdict, full.counts)
    assert public["provenance"]["public"]["k"] == 10
    assert len(public["findings"]) == len(full.findings)
    shown = {(e["check"], m["metric"], m["group"]): m for e in public["evidence"] for m in e["measurements"]}
    exact = {True: set(), False: set()}
    for one in full.evidence:
        for m in one.measurements:
            kept = shown.get((one.check, m.metric, m.group))
            if kept and not math.isnan(m.value):
                assert kept["n"] == m.n
                exact[m.metric in OUTCOMES] |= {kept["value"] == m.value}
                if m.interval is not None:
                    assert kept["interval"]["low"] <= m.interval.low
                    assert kept["interval"]["high"] >= m.interval.high
    assert exact == {
        True: {True},
        False: {True, False},
    }  # what follows from shares of groups is as exact as they
    assert all(m["n"] >= 10 and m["p_value"] is None for m in shown.values())


def test_the_statuses_of_a_public_record_follow_from_its_rounded_numbers(planted):
    folder, _ = planted
    full = load_report(folder / "report.json")
    for at in (0.0, 0.05, 0.2, 0.5, 0.83, 1.0):
        metrics = sorted({m.metric for e in full.evidence for m in e.measurements if range_of(m.metric)})
        limits = [ak.Criterion(name, **{word: at}) for name in metrics for word in ("at_most", "at_least")]
        judged = full.judge(limits)
        assert {one.status for one in judged.findings} >= {"pass", "fail"}
        assert public_apart(packing.public_form(judged).report) == []


def test_csv_holds_what_the_figures_show_and_no_formula(planted):
    _, files = planted
    tables = [data.decode() for path, data in files.items() if path.endswith(".csv")]
    assert tables
    assert all("qzsensitive=qzgroup" in one for one in tables)
    assert not any(re.search(r"(^|,)[=@+]", one, re.MULTILINE) for one in tables)


def report_of(counts, **labels):
    """A report of groups with this many accepted and refused records, and of all."""
    group = [name for name, (yes, no) in counts.items() for _ in range(yes + no)]
    answer = [i for yes, no in counts.values() for i in [1] * yes + [0] * no]
    x = pd.DataFrame({"a": answer})
    model = LogisticRegression().fit(pd.DataFrame({"a": [0, 1] * 5}), [0, 1] * 5)
    test = ak.Dataset(x, np.array(answer), sensitive_features=pd.DataFrame({"g": group}))
    return ak.Audit(["AK101"]).run(ak.Subject("s", model, test=test, positive=1))


def groups(report, **more):
    made = packing.public_form(report, **more).report
    return {m.group for m in made.evidence[0].measurements}


def test_groups_are_shown_where_all_are_large_enough():
    large = report_of({"a": (50, 30), "b": (40, 60), "c": (20, 10)})
    assert {"g=a", "g=b", "g=c", "g"} <= groups(large)
    assert packing.public_form(large).withheld == {"AK101": 0}


def test_a_small_group_takes_a_partner_and_every_comparison_with_it():
    small = report_of({"a": (50, 30), "b": (40, 60), "c": (12, 12), "d": (3, 3)})
    assert groups(small) == {"g=a", "g=b"}
    assert {"g=a", "g=b", "g=c", "g=d", "g"} <= groups(small, k=3)


def test_a_small_count_in_a_rate_withholds_the_group_too():
    assert groups(report_of({"a": (50, 30), "b": (40, 60), "c": (4, 90)})) == {"g=b"}
    assert "g=c" in groups(
        report_of({"a": (50, 30), "b": (40, 60), "c": (0, 94)})
    )  # none is a count that may be shown


def test_what_crosses_and_what_only_looks_so_are_told_apart():
    from auditkit.packing.labels import Labels

    labels = Labels(["sex", "race"], ["sex=f", "race=b", "sex=f, race=b", "sex=x, race=y", "race"])
    assert labels.cell("sex=f, race=b") == frozenset({("sex", "f"), ("race", "b")})
    assert labels.cell("sex=x, race=y") == frozenset({("sex", "x, race=y")})
    assert labels.cell("age=3") is None
    assert labels.division("race") == frozenset({"race"})


def test_false_negatives_that_follow_from_other_rates_count():
    from auditkit.evidence import Measurement
    from auditkit.packing.counts import outcomes

    # tp 50, fp 20, fn 4, tn 26: no rate below counts the four
    rates = [
        Measurement("accuracy", 0.76, 100),
        Measurement("selection_rate", 0.7, 100),
        Measurement("base_rate", 0.54, 100),
    ]
    found = {name: n for (_, name), n in outcomes(rates).items()}
    sums = {"selected": 70, "refused": 30, "positives": 54, "negatives": 46, "right": 76, "wrong": 24}
    assert found == {"tp": 50, "fp": 20, "fn": 4, "tn": 26, **sums}
    assert {name: n for (_, name), n in outcomes(rates[:2]).items()} == {
        name: sums[name] for name in ("selected", "refused", "right", "wrong")
    }


def test_too_few_records_are_refused():
    with pytest.raises(InputError, match="nothing can be published of 8 test rows"):
        packing.public_form(report_of({"a": (4, 4)}))


def test_a_waiver_stays_and_its_words_do_not():
    full = report_of({"a": (60, 20), "b": (20, 60)}).judge(
        [ak.Criterion("demographic_parity_difference", at_most=0.1)]
    )
    (failed,) = (f for f in full.findings if f.status == "fail")
    waived = full.waive(failed, "qzreason of the board", "2999-01-01", by="qzboard")
    public = packing.public_form(waived).report
    assert public.verdict == waived.verdict
    assert public.counts["waived"] == 1
    assert "qz" not in json.dumps(public.to_dict())


WORDS = [b"qzown" + name.encode() for name in (
    "title", "question", "dimension", "metric", "value", "method", "reason", "hypothesis", "missing", "pmethod", "says",
    "unsaid", "table", "column", "cell", "label", "summary", "param", "note", "rows", "how", "error",
)]  # fmt: skip


@pytest.fixture(scope="module")
def of_others(tmp_path_factory):
    """An audit with checks that somebody else wrote: one puts a token wherever a text may stand, another fails with one."""
    from auditkit.evidence import Evidence, Interval, Measurement, Table

    about = {"title": "qzowntitle", "question": "qzownquestion", "dimension": "qzowndimension"}

    @ak.check(code="QQ001", metrics=["qzownmetric", "accuracy", "chosen"], **about)
    def telling(subject, *, rng, word: str = "qzownparam") -> Evidence:
        n = len(subject.test)
        words = {
            "reason": "qzownreason", "hypothesis": "qzownhypothesis", "missing": "qzownmissing", "p_method": "qzownpmethod",
            "p_value": 0.5, "interval": Interval(0.1, 0.9, 0.95, "qzownmethod"),
        }  # fmt: skip
        measured = [
            Measurement(metric, 0.51234, n, group=group, **words)
            for metric in ("qzownmetric", "accuracy", "chosen")
            for group in (None, "g=a", "g=qzownvalue", "g=a, g=qzownvalue", "qzownvalue", "g")
        ]
        table = Table(
            "qzowntable",
            {"qzowncolumn": ("qzowncell",)},
            labels={"qzowncolumn": "qzownlabel"},
            summary="qzownsummary",
        )
        return Evidence(
            "QQ001", tuple(measured), {"qzowntable": table}, {"word": word}, "qzownsays", "qzownunsaid", ("qzownnote",),
            {"used": n, "of": n, "split": "qzownrows", "how": "qzownhow", "qzownrows": n}, {"qzowncost": 3},
        )  # fmt: skip

    @ak.check(code="QQ002", metrics=["chosen"], **{**about, "title": "qzowntitle two"})
    def failing(subject, *, rng) -> Evidence:
        raise ValueError("qzownerror")

    group = ["a", "b"] * 75
    x = pd.DataFrame({"x": np.linspace(-1, 1, 150)})
    test = ak.Dataset(x, np.arange(150) % 2, sensitive_features=pd.DataFrame({"g": group}))
    model = LogisticRegression().fit(x, np.arange(150) // 75)
    limits = [ak.Criterion("chosen", at_most=0.9), ak.Criterion("accuracy", at_least=0.1)]
    report = ak.Audit(["AK101", telling, failing], criteria=limits).run(
        ak.Subject("s", model, test=test, positive=1)
    )
    folder = tmp_path_factory.mktemp("others")
    report.save(folder / "report.json")
    packing.make(folder, folder / "pack")
    return report, read_pack(folder / "pack").files


def test_no_word_that_somebody_elses_check_wrote_is_in_any_public_byte(of_others):
    report, files = of_others
    full = json.dumps(report.to_dict()).encode()
    assert [word for word in WORDS if word not in full] == []  # they were there to be found
    for path, data in public_bytes(files):
        assert b"qzown" not in data.lower(), path


def test_numbers_of_somebody_elses_check_are_shown_where_their_names_are_known(of_others):
    report, files = of_others
    public = ak.Report.from_dict(json.loads(files["public/report.json"]))
    found = {(m.metric, m.group) for m in public.of("QQ001").measurements}
    # the policy names one, auditkit has the other; a group is known where a check of auditkit measured it
    assert found == {(metric, group) for metric in ("accuracy", "chosen") for group in (None, "g=a", "g")}
    assert {m.interval.method for m in public.of("QQ001").measurements} == {"withheld"}
    assert public.verdict == report.verdict
    told = {one["code"]: one["title"] for one in public.provenance["plan"]}
    assert told["QQ001"] == "QQ001, a check that is not auditkit's own"
    assert told["AK101"] == {one["code"]: one["title"] for one in report.provenance["plan"]}["AK101"]


def text_of(report, **more):
    from auditkit.packing.layers import public_files

    page = public_files(packing.public_form(report, **more).report, k=more.get("k", 10))[
        "public/report.html"
    ].decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_says_to_which_controls_its_evidence_is_relevant():
    limit = ak.Criterion("demographic_parity_difference", at_most=0.1)
    words = text_of(report_of({"a": (50, 30), "b": (40, 60), "c": (20, 10)}).judge([limit]))
    assert "Evidence relevant to: NIST AI RMF MEASURE 2.11;" in words
    assert "it does not say that any requirement is met" in words


def test_the_page_says_what_is_withheld_how_much_why_and_who_may_see_it():
    limit = ak.Criterion("demographic_parity_difference", at_most=0.1)
    full = report_of({"a": (50, 30), "b": (40, 60), "c": (12, 12), "d": (3, 3)}).judge([limit])
    withheld = sum(packing.public_form(full).withheld.values())
    of = len(full.evidence[0].measurements)
    text = text_of(full)
    assert f"{withheld} of {of} numbers of this audit are not on this page" in text
    assert "1 of 1 findings are shown without their number" in text
    assert "rests on fewer than 10 records" in text
    assert "Every other value is rounded" in text
    assert "auditkit pack open PACK --restricted-key FILE" in text
    assert "number withheld" in text
    # it was measured, and rests on more than no record
    for untrue in ("could not be measured 1", "n = 0", "undefined"):
        assert untrue not in text, untrue
    large = text_of(report_of({"a": (50, 30), "b": (40, 60)}).judge([limit]))
    assert "0 of" in large
    assert "number withheld" not in large
