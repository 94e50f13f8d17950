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
from auditkit.packing.reading import read_pack
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
    report = ak.Audit(CHECKS).run(subject)
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
    for one in full.evidence:
        for m in one.measurements:
            kept = shown.get((one.check, m.metric, m.group))
            if kept and not math.isnan(m.value):
                assert (kept["value"], kept["n"]) == (m.value, m.n)
    assert all(m["n"] >= 10 and m["p_value"] is None for m in shown.values())


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
    from auditkit.packing.cells import Labels

    labels = Labels(["sex", "race"], ["sex=f", "race=b", "sex=f, race=b", "sex=x, race=y", "race"])
    assert labels.cell("sex=f, race=b") == frozenset({("sex", "f"), ("race", "b")})
    assert labels.cell("sex=x, race=y") == frozenset({("sex", "x, race=y")})
    assert labels.cell("age=3") is None
    assert labels.division("race") == frozenset({"race"})


def test_false_negatives_that_follow_from_other_rates_count():
    from auditkit.evidence import Measurement
    from auditkit.packing.cells import _outcomes

    # tp 50, fp 20, fn 4, tn 26: no rate below counts the four
    rates = [
        Measurement("accuracy", 0.76, 100),
        Measurement("selection_rate", 0.7, 100),
        Measurement("base_rate", 0.54, 100),
    ]
    found = {name: n for (_, name), n in _outcomes(rates).items()}
    assert found == {"tp": 50, "fp": 20, "fn": 4, "tn": 26}
    assert _outcomes(rates[:2]) == {}


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
