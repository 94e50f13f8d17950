"""Protecting: canaries in every column, none of which leaves; k counted again; and the original only under the key."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.cli.protecting import _open
from auditkit.errors import InputError
from auditkit.methods.anonymity import k_anonymity
from auditkit.methods.equivalence import equivalence_classes
from auditkit.packing.protecting import protect, protect_file, treatments, unseal_file
from auditkit.packing.sealing import new_secret
from auditkit.scanning.tables import scan_columns

pytest.importorskip("cryptography")

CANARIES = {"patient_id": "zebra-1", "email": "quokka@uni-ulm.de", "remarks": "call +49 731 5559876, wombat"}


@pytest.fixture
def folder(tmp_path):
    n, rng = 120, np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "patient_id": [f"{CANARIES['patient_id']}{i:05d}" for i in range(n)],
            "email": [f"a{i}{CANARIES['email']}" for i in range(n)],
            "remarks": [CANARIES["remarks"]] * n,
            "age": rng.integers(18, 90, n),
            "zip": rng.integers(10_000, 10_012, n),
            "dose": rng.normal(size=n),
        }
    )
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "data.key").write_text(new_secret())
    (tmp_path / "other.key").write_text(new_secret())
    return tmp_path


def made(folder, name="shared.csv", **options):
    return protect_file(folder / "people.csv", folder / name, key_file=folder / "data.key", **options)


@pytest.mark.parametrize("name", ["shared.csv", "shared.parquet"])
def test_no_canary_leaves_and_k_is_reached(folder, name):
    done = made(folder, name, quasi_identifiers=["age", "zip"], k=4, sealed=folder / "people.sealed")
    content = (folder / name).read_bytes() + (folder / "people.sealed").read_bytes()
    assert not [word for word in ("zebra", "quokka", "wombat", "5559876") if word.encode() in content]
    read = pd.read_csv(folder / name) if name.endswith("csv") else pd.read_parquet(folder / name)
    assert list(read.columns) == ["patient_id", "email", "age", "zip", "dose"]
    assert k_anonymity(equivalence_classes({"age": read["age"], "zip": read["zip"]})).k >= 4
    assert done.k >= 4 > done.k_before
    assert done.left == ()
    assert read["patient_id"].nunique() == 120
    assert np.allclose(read["dose"], pd.read_csv(folder / "people.csv")["dose"])


def test_the_original_opens_under_its_key_and_name_alone(folder):
    made(folder, sealed=folder / "people.sealed")
    back = unseal_file(folder / "people.sealed", folder / "back.csv", key_file=folder / "data.key")
    assert back.read_bytes() == (folder / "people.csv").read_bytes()
    with pytest.raises(InputError, match="the key is another"):
        unseal_file(folder / "people.sealed", folder / "no.csv", key_file=folder / "other.key")
    (folder / "people.sealed").rename(folder / "renamed.sealed")
    with pytest.raises(InputError, match="changed or moved"):
        unseal_file(folder / "renamed.sealed", folder / "no.csv", key_file=folder / "data.key")
    assert not (folder / "no.csv").exists()


def test_two_tables_join_under_one_key_and_not_under_another(folder):
    one = made(folder, "one.csv").frame["patient_id"]
    assert (made(folder, "two.csv").frame["patient_id"] == one).all()
    frame = pd.read_csv(folder / "people.csv")
    other = protect(frame, bytes(32), treatments(scan_columns(frame))).frame["patient_id"]
    assert not set(one) & set(other)


def test_what_is_found_decides_unless_told_otherwise(folder):
    found = scan_columns(pd.read_csv(folder / "people.csv"))
    assert treatments(found) == {
        "patient_id": "pseudonymise", "email": "pseudonymise", "remarks": "drop", "age": "keep", "zip": "keep", "dose": "keep",
    }  # fmt: skip
    assert treatments(found, keep=["email"], drop=["age"])["email"] == "keep"


def test_what_was_kept_against_advice_is_told(folder):
    assert made(folder, keep=["email"]).left == ("email",)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"drop": ["agee"]}, "no column 'agee'. Did you mean 'age'"),
        ({"drop": ["age"], "quasi_identifiers": ["age"]}, "asked to generalise and to drop"),
        ({"quasi_identifiers": ["age"], "k": 500}, "120 records cannot make a class of 500"),
        ({"drop": ["patient_id", "email", "remarks", "age", "zip", "dose"]}, "nothing is left"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(folder, options, told):
    with pytest.raises(InputError, match=told):
        made(folder, sealed=folder / "people.sealed", **options)
    assert not (folder / "shared.csv").exists()
    assert not (folder / "people.sealed").exists()


def test_nothing_is_overwritten_and_other_endings_are_refused(folder):
    made(folder)
    with pytest.raises(InputError, match="there already"):
        made(folder)
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        made(folder, "shared.xlsx")
    with pytest.raises(InputError, match=r"ends in \.sealed"):
        made(folder, "new.csv", sealed=folder / "people.enc")


def test_the_command_line_prints_no_value_and_leaves_with_the_gate(folder):
    run = CliRunner().invoke
    file, key = str(folder / "people.csv"), str(folder / "data.key")
    looked = run(
        app, ["scan", "data", file, "--quasi", "age", "--quasi", "zip", "--out", str(folder / "report.json")]
    )
    assert looked.exit_code == 1
    assert (
        "patient_id: identifies (by name: number of a person)\nemail: identifies (by name: email; by values: an e-mail address (all))"
        in looked.output
    )
    assert looked.output.count("No count of records below 10 is given") == 1
    shared = str(folder / "shared.csv")
    done = run(app, ["protect", file, "--out", shared, "--key-file", key, "--quasi", "age", "--quasi", "zip", "--sealed", str(folder / "p.sealed")])  # fmt: skip
    assert done.exit_code == 0, done.output
    again = run(app, ["scan", "data", shared, "--quasi", "age", "--quasi", "zip", "--json"])
    assert again.exit_code == 0, again.output
    back = run(
        app, ["unseal", str(folder / "p.sealed"), "--out", str(folder / "back.csv"), "--key-file", key]
    )
    assert back.exit_code == 0
    told = looked.output + done.output + again.output + back.output + (folder / "report.json").read_text()
    assert not [word for word in ("zebra", "quokka", "wombat", "5559876") if word in told]
    assert run(app, ["scan", "data", str(folder / "none.csv")]).exit_code == 2


def test_different_people_keep_different_pseudonyms(tmp_path):
    (tmp_path / "data.key").write_text(new_secret())
    numbers = [str(2**53 + 1 + i) for i in range(20)]
    numbers[5] = ""  # one missing makes floats of whole numbers, where types are guessed
    odd = ["007", "7", "07", "7.0", "Null", "NA", "None", "True", "1e1", "10", *(f"x{i}" for i in range(10))]
    rows = [f"{a},{b},{i % 4:05d}" for i, (a, b) in enumerate(zip(numbers, odd, strict=True))]
    (tmp_path / "people.csv").write_text("account,name,zip\n" + "\n".join(rows) + "\n")
    done = made(tmp_path, pseudonymise=["account", "name"], quasi_identifiers=["zip"], k=2).frame
    assert done["account"].nunique() == 19
    assert done["account"].isna().sum() == 1
    assert done["name"].nunique() == 20
    # postcodes keep their zeros
    assert set(done["zip"]) == {"00000", "00001", "00002", "00003"}
    pd.DataFrame({"account": pd.array([int(one) if one else None for one in numbers], "Int64")}).to_parquet(
        tmp_path / "people.parquet"
    )
    again = protect_file(tmp_path / "people.parquet", tmp_path / "again.csv", key_file=tmp_path / "data.key", pseudonymise=["account"])  # fmt: skip
    # and join with those of the text
    assert again.frame["account"].dropna().tolist() == done["account"].dropna().tolist()


def test_numbers_that_stand_for_several_are_refused():
    frame = pd.DataFrame({"account": [float(2**53), 1.0]})
    with pytest.raises(InputError, match=r"'account' holds floating-point numbers of 2\*\*53"):
        protect(frame, bytes(32), {"account": "pseudonymise"})
    with pytest.raises(InputError, match="2 different values would get 1 pseudonym,"):
        protect(
            pd.DataFrame(
                {"account": pd.Series([17, "17"], dtype=object)},
            ),
            bytes(32),
            {"account": "pseudonymise"},
        )
    small = protect(
        pd.DataFrame({"account": [float(2**53 - 1), 1.0]}), bytes(32), {"account": "pseudonymise"}
    )
    assert small.frame["account"].nunique() == 2


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_is_opened_is_for_its_owner_alone(folder):
    made(folder, sealed=folder / "people.sealed")
    back = unseal_file(folder / "people.sealed", folder / "back.csv", key_file=folder / "data.key")
    assert back.stat().st_mode & 0o777 == 0o600
    # the protected table may be passed on, under the user's own mask
    assert (folder / "shared.csv").stat().st_mode & 0o777 == 0o666 & ~_mask()


def _mask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("breaks", ["shared.csv", "people.sealed"])
def test_the_table_and_the_sealed_file_are_there_together_or_neither(folder, monkeypatch, breaks):
    from auditkit.packing import protecting

    write = protecting.write_whole

    def full(target, content, **options):
        if target.name == breaks:
            raise OSError(28, "No space left on device")
        return write(target, content, **options)

    monkeypatch.setattr(protecting, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        made(folder, sealed=folder / "people.sealed")
    assert not (folder / "shared.csv").exists()
    assert not (folder / "people.sealed").exists()
    monkeypatch.undo()
    # a second run is not refused
    made(folder, sealed=folder / "people.sealed")
    assert (folder / "people.sealed").exists()


GERMAN = ["Kundennummer", "Vorname", "Nachname", "Geburtsdatum", "PLZ", "Ort", "Punkte", "Telefon"]
ENGLISH = ["customer_no", "first_name", "surname", "date_of_birth", "postcode", "city", "score", "phone"]


def staff(names, n):
    columns = [
        range(10_000, 10_000 + n),
        [["Anna", "Ben", "Clara"][i % 3] for i in range(n)],
        [["Weber", "Koch"][i % 2] for i in range(n)],
        pd.date_range("1950-01-31", periods=n, freq="37D"),
        [["89073", "10115"][i % 2] for i in range(n)],
        [["Ulm", "Bonn"][i % 2] for i in range(n)],
        range(n),
        [["ja", "nein"][i % 2] for i in range(n)],
    ]
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("kind", ["parquet", "csv", ";"])
@pytest.mark.parametrize("names", [GERMAN, ENGLISH], ids=["german", "english"])
def test_one_rule_whatever_the_file_the_language_and_the_size(folder, names, kind, n):
    frame = staff(names, n)
    if kind == "parquet":
        frame.to_parquet(folder / "staff.parquet")
    else:
        frame.to_csv(
            folder / "staff.csv",
            index=False,
            sep=kind if kind == ";" else ",",
            date_format="%d.%m.%Y" if kind == ";" else None,
        )
    file = folder / ("staff.parquet" if kind == "parquet" else "staff.csv")
    done = protect_file(file, folder / "out.csv", key_file=folder / "data.key")
    assert done.treated("pseudonymise") == tuple(names[:3])
    assert done.quasi_looking == tuple(names[3:6])
    assert done.left == ()
    assert list(done.category) == names[7:]
    assert done.own == (() if n == 30 else (names[6],))
    text = (folder / "out.csv").read_text()
    # a number may stand within a pseudonym by chance
    assert not [word for word in ("Anna", "Weber", "10007") if re.search(rf"\b{word}\b", text)]
    # as AK911 counts
    assert [one.name for one in scan_columns(frame) if one.identifies] == names[:3]
    coarse = protect_file(
        file, folder / "coarse.csv", key_file=folder / "data.key", quasi_identifiers=names[3:6]
    )
    assert coarse.quasi_looking == ()
    assert coarse.k >= 5
    assert coarse.frame[names[3]].str.fullmatch(r"\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d").all()


@pytest.fixture
def protected(folder):
    def run(content, *options):
        (folder / "t.csv").write_text(content)
        out = folder / "out.csv"
        out.unlink(missing_ok=True)
        return CliRunner().invoke(
            app, ["protect", str(folder / "t.csv"), "--out", str(out), "--key-file", str(folder / "data.key"), *options]
        )  # fmt: skip

    return run


def rows(header, row, n=60):
    return "\n".join([header, *(row.replace("#", str(i)) for i in range(n))]) + "\n"


TOLD = "Nachname,Bemerkung\n" + "".join(
    f"{name},{text}\n" * n
    for name, text, n in [
        ("Weber", "fragt nach Frau WEBER", 1), ("Koch", "Herr Koch rief an", 2), ("unknown", "unknown caller", 1), ("Li", "li ist klein", 1)
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "options", "code", "told", "warned"),
    [
        (rows("dose,unit", "1.5,mg"), [], 3, "nothing was pseudonymised, made coarser or dropped: every column is as it was", ""),
        (rows("Vorname,dose", "Eva,1.5"), ["--keep", "Vorname"], 3, "every column is as it was", "still found in Vorname"),
        (rows("Vorname,dose", "Eva,1.5"), [], 0, "60 records, pseudonymised in 1 column; 1 as before. Not anonymous: whoever has the key", ""),
        (rows("Vorname,email", "Eva,a#@uni-ulm.de"), ["--keep", "Vorname"], 0, "pseudonymised in 1 column", "still found in Vorname"),
        (rows("Vorname,PLZ", "Eva,8907#"), [], 0, "in 1 column", "PLZ looks like a quasi-identifier and is left as it is: --quasi PLZ makes it coarser"),
        (rows("Vorname,zip code,sex", "Eva,1,f"), [], 0, "in 1 column", "--quasi 'zip code' --quasi sex"),
        (rows("Vorname,PLZ", "Eva,8907#"), ["--keep", "PLZ"], 0, "in 1 column", ""),
        (rows("age,sex,lat", "2#,f,48.#"), ["--quasi", "age"], 0, "1 made coarser", "sex, lat look like quasi-identifiers and are left as they are: --quasi sex --quasi lat"),
        (rows("age,sex,dose", "2#,f,1.#"), ["--quasi", "age", "--keep", "sex"], 0, "1 made coarser", ""),
        (rows("age,site_x", "2#,0.#1"), ["--quasi", "age"], 0, "1 made coarser", "site_x looks like a quasi-identifier"),
        (TOLD, [], 0, "in 1 column", "Bemerkung is free text, in which names are not looked for: read it, or --drop Bemerkung."),
        (TOLD, [], 0, "in 1 column", "words of a column of names stand in Bemerkung, in 3 records: read it, or --drop Bemerkung."),
        (TOLD, ["--keep", "Bemerkung"], 0, "in 1 column", "stand in Bemerkung, in 3 records"),
        (TOLD, ["--drop", "Bemerkung"], 0, "1 dropped", ""),
        (TOLD.replace("WEBER", "Webers").replace("Herr Koch", "Herr Kochs"), ["--keep", "Bemerkung"], 0, "in 1 column", ""),
        (rows("Vorname,work", "Eva,full time in town"), [], 0, "in 1 column", ""),
        (rows("age,dose", "2#,1"), ["--quasi", "age"], 0, "nothing was pseudonymised; 1 made coarser, 1 as before. Not anonymous.", ""),
        (rows("Vorname,telephone", "Eva,yes"), [], 0, "in 1 column", "telephone (phone by its name; 1 different value, not of that form)"),
        (rows("Vorname,score", "Eva,#"), [], 0, "in 1 column", "nearly every record has a value of its own in score"),
        (rows("Vorname,email_hash", f"Eva,{'0123456789abcdef' * 2}"), [], 0, "in 1 column; 1 as before", "of the form of pseudonyms: email_hash. Without a key it is a plain hash"),
        (rows("Vorname,email_hash", f"Eva,{'0123456789abcdef' * 2}"), ["--keep", "email_hash"], 0, "in 1 column; 1 as before", ""),
        (rows("Vorname,what", "Eva,w#", 30), [], 0, "in 1 column", "30 records are too few to tell whether what names records"),
        (rows("email,dose", "a#@uni-ulm.de,1"), ["--quasi", "email", "--k", "40"], 0, "1 made coarser", ""),
        (rows("email,dose", "a#@uni-ulm.de,1"), ["--quasi", "email"], 3, "1 made coarser", "still found in email"),
    ],
)  # fmt: skip
def test_what_was_done_is_said_and_what_is_open_is_warned_of(protected, content, options, code, told, warned):
    done = protected(content, *options)
    assert (done.exit_code, told in done.stdout) == (code, True), done.output
    assert warned in done.stderr if warned else done.stderr == ""
    assert ("Not anonymous" in done.stdout) == (done.stdout.count("every column is as it was") == 0)


@pytest.mark.parametrize(
    ("separator", "told"), [(",", ""), (";", "is separated by commas; what was read, by semicolons."), ("\t", "what was read, by tabs.")]
)  # fmt: skip
def test_another_separator_than_the_one_read_is_said(protected, separator, told):
    out = protected(rows("Vorname,dose", "Eva,1").replace(",", separator)).stdout
    assert told in out if told else "separated" not in out


def test_one_record_is_too_few():
    frame = pd.DataFrame({"what": ["w1"]})
    done = protect(frame, bytes(32), treatments(scan_columns(frame)))
    assert _open(done, [])[0][-1].startswith("1 record is too few to tell whether what names records")


def test_the_sealed_file_is_said_and_a_machine_reads_the_same(protected, folder):
    sealed = str(folder / "t.sealed")
    done = protected(rows("Vorname,PLZ", "Eva,8907#"), "--sealed", sealed)
    assert f"{sealed}: the table as it was, encrypted under the key (auditkit unseal)" in done.stdout
    read = json.loads(protected(rows("dose,PLZ", "1,8907#"), "--json").stdout)
    assert (read["exit_code"], read["quasi_looking"]) == (3, ["PLZ"])
    assert len(read["warnings"]) == 1
