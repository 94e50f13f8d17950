"""Hostile files: none of them runs, each is refused under a rule, and what it asks for is named."""

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from auditkit.scanning.artifacts import RULES, Bounds, scan_artifact

SPEC = importlib.util.spec_from_file_location("hostile_corpus", Path(__file__).with_name("corpus.py"))
corpus = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(corpus)

SMALL = Bounds(unpacked=64 * 2**20)
CALLS = sorted(corpus.by_call(""))
FORMS = sorted(corpus.by_form(""))


def test_there_are_enough():
    assert len(CALLS) + len(FORMS) >= 150


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_refused_by_the_name_of_what_it_calls(name, marker):
    scan = scan_artifact(corpus.by_call(str(marker))[name])
    today = {"commands.getoutput": "subprocess.getoutput", "__builtin__.eval": "builtins.eval"}.get(
        name, name
    )
    assert scan.trust == "refused"
    assert [(one.rule, one.words) for one in scan.troubles] == [
        ("pickle-global", f"it asks for {today}, and calls it")
    ]
    assert scan.unlisted == (today,)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_refused_under_its_rule(name, marker):
    data, rule, word = corpus.by_form(str(marker))[name]
    scan = scan_artifact(data, bounds=SMALL)
    assert scan.trust == "refused"
    rules = {one.rule for one in scan.troubles}
    assert rules <= set(RULES)
    assert not rule or rule in rules, scan.troubles
    assert word in " ".join([*(one.words for one in scan.troubles), *(ask.name for ask in scan.asks)])


def test_a_tar_of_1536_bytes_cannot_claim_more_than_it_holds():
    """GNU's sparse members are as long as they say: were one read, it would be 100 GB of zeros."""
    data = corpus.sparse(10**11)
    scan = scan_artifact(data, bounds=SMALL)
    assert len(data) == 1536
    assert ("bomb", "the member 'weights.bin' claims bytes that it does not hold") in [
        (one.rule, one.words) for one in scan.troubles
    ]
    assert all(one.size <= len(data) for one in scan.parts)


def test_the_members_of_a_tar_count_together():
    data = corpus.tarred([("a.bin", bytes(600)), ("b.bin", bytes(600))])
    for bound, refused in ((1000, True), (1200, False)):
        rules = {one.rule for one in scan_artifact(data, bounds=Bounds(unpacked=bound)).troubles}
        assert ("bomb" in rules) is refused


LIVE = """
import io, os, pickle, sys, warnings
warnings.simplefilter("ignore")
folder, found = sys.argv[1], []
for number, data in enumerate(pickle.load(sys.stdin.buffer)):
    try:
        pickle.loads(data)
    except BaseException:
        pass
    found.append(os.path.lexists(os.path.join(folder, str(number))))
print(sum(found), len(found))
"""


def test_the_corpus_is_no_straw_man(tmp_path):
    """Opened as pickle opens files, in a process of its own, a good part of it leaves its mark."""
    ways = ("protocol 0", "protocol 4", "INST", "OBJ", "STACK_GLOBAL", "names from the memo", "names in a unicode escape", "a dotted name", "a computed call",
            "getattr", "map in a list", "a text in a distribution", "broken after the call", "cut after the call")  # fmt: skip
    calls = (
        "os.system",
        "builtins.eval",
        "builtins.exec",
        "builtins.open",
        "os.mkdir",
        "subprocess.call",
        "logging.FileHandler",
        "sqlite3.connect",
    )
    files = [corpus.by_form(str(tmp_path / str(i)))[name][0] for i, name in enumerate(ways)]
    files += [corpus.by_call(str(tmp_path / str(len(ways) + i)))[name] for i, name in enumerate(calls)]
    done = subprocess.run(
        [sys.executable, "-c", LIVE, str(tmp_path)],
        input=pickle.dumps(files),
        capture_output=True,
        timeout=300,
        check=True,
    )
    left, tried = map(int, done.stdout.split()[-2:])
    assert (left, tried) == (len(files), len(files)), done.stderr.decode()[-2000:]
