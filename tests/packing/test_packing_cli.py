from __future__ import annotations

import json
import os
import stat

import pytest
from typer.testing import CliRunner

from auditkit.cli import app


def call(*args):
    done = CliRunner().invoke(app, list(map(str, args)))
    return done.exit_code, done.stdout


def test_from_keys_to_a_verified_pack(report_folder, tmp_path):
    for name in ("author", "reviewer"):
        assert call("pack", "keygen", tmp_path / name)[0] == 0
    assert call("pack", "keygen", tmp_path / "restricted", "--restricted")[0] == 0
    pack = tmp_path / "pack.zip"
    made = call(
        "pack",
        "make",
        report_folder,
        "--out",
        pack,
        "--restricted-key",
        tmp_path / "restricted.key",
        "--json",
    )
    assert made[0] == 0
    assert json.loads(made[1])["roles"] == ["author", "reviewer"]
    for role, name in (("author", "Maria"), ("reviewer", "Jan")):
        assert (
            call("pack", "sign", pack, "--key", tmp_path / f"{role}.key", "--role", role, "--name", name)[0]
            == 0
        )
    keys = ["--key", tmp_path / "author.pub", "--key", tmp_path / "reviewer.pub"]
    code, said = call("verify", pack, *keys)
    assert code == 0
    assert said.startswith("An evidence pack: ")
    assert "nothing differs" in said
    assert "A signature does not prove:" in said
    assert "clock" in said
    assert "signed as author by 'Maria' with a key that was given (" in said
    assert "checked: size and sha256 of" in said
    by_role = ["--author-key", tmp_path / "author.pub", "--reviewer-key", tmp_path / "reviewer.pub"]
    code, said = call("verify", pack, *by_role)
    assert code == 0
    assert "signed as reviewer by 'Jan' with the key given as the reviewer's (" in said
    swapped = ["--author-key", tmp_path / "reviewer.pub", "--reviewer-key", tmp_path / "author.pub"]
    assert call("verify", pack, *swapped)[0] == 1
    code, said = call("verify", pack, *keys, "--json")
    assert (code, json.loads(said)["ok"], json.loads(said)["found"]) == (0, True, "evidence pack")
    assert (
        call(
            "pack", "open", pack, "--restricted-key", tmp_path / "restricted.key", "--out", tmp_path / "open"
        )[0]
        == 0
    )
    assert (tmp_path / "open" / "report.json").is_file()

    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    code, said = call("verify", pack, *keys)
    assert code == 1
    assert "A signature does not prove:" in said


def test_exit_codes(report_folder, tmp_path):
    assert call("verify", tmp_path / "nothing")[0] == 2
    assert call("pack", "make", tmp_path, "--out", tmp_path / "pack")[0] == 2
    assert call("pack", "make", report_folder, "--out", tmp_path / "pack", "--one-person")[0] == 0
    code, said = call("verify", tmp_path / "pack", "--json")
    assert code == 1
    assert [one["kind"] for one in json.loads(said)["problems"]] == ["missing role"]
    assert call("verify", tmp_path / "pack", "--key", tmp_path / "no.pub")[0] == 2


def test_a_passphrase_is_read_from_a_file(report_folder, tmp_path):
    (tmp_path / "words").write_text("correct horse\n")
    words = ["--passphrase-file", tmp_path / "words"]
    assert call("pack", "keygen", tmp_path / "me", *words)[0] == 0
    call("pack", "make", report_folder, "--out", tmp_path / "pack", "--one-person")
    sign = [
        "pack",
        "sign",
        tmp_path / "pack",
        "--key",
        tmp_path / "me.key",
        "--role",
        "author",
        "--name",
        "M",
    ]
    assert call(*sign)[0] == 2
    assert call(*sign, *words)[0] == 0
    policy = tmp_path / "policy.toml"
    policy.write_text("[[criterion]]\nmetric = 'accuracy'\nat_least = 0.5\nwhy = 'a test'\n")
    plan = [
        "pack",
        "plan",
        policy,
        "--key",
        tmp_path / "me.key",
        "--name",
        "M",
        "--out",
        tmp_path / "plan.json",
    ]
    assert call(*plan, *words)[0] == 0


@pytest.mark.parametrize(
    "command", [["pack"], ["verify"], *(["pack", c] for c in ("make", "keygen", "sign", "plan", "open"))]
)
def test_help_says_how(command):
    code, said = call(*command, "--help")
    assert code == 0
    assert "Examples:" in said or command == ["pack"]


def test_the_folder_of_a_key_is_made_for_its_owner_alone(tmp_path):
    assert call("pack", "keygen", tmp_path / "keys" / "author")[0] == 0
    assert call("pack", "keygen", tmp_path / "keys" / "reviewer")[0] == 0
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["pack", "keygen", str(tmp_path / "file" / "author")])
    assert done.exit_code == 2
    assert "cannot make the folder" in done.stderr


def test_a_public_key_signs_nothing_and_is_told_as_such(report_folder, tmp_path):
    call("pack", "keygen", tmp_path / "me")
    call("pack", "make", report_folder, "--out", tmp_path / "pack", "--one-person")
    words = ["--role", "author", "--name", "M"]
    for key, said in (("me.pub", "is a public key: give the private one"), ("other", "holds no private key")):
        (tmp_path / "other").write_text("no key")
        done = CliRunner().invoke(
            app, ["pack", "sign", str(tmp_path / "pack"), "--key", str(tmp_path / key), *words]
        )
        assert done.exit_code == 2
        assert said in done.stderr


def test_verify_of_a_plain_report_is_bad_input_and_says_nothing_of_signatures(report_folder):
    done = CliRunner().invoke(app, ["verify", str(report_folder)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no pack or batch here" in done.stderr
