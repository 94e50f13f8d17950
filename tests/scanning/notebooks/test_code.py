"""Notebooks are read in time that grows as their length does, whatever a cell holds."""

import time

import pytest

from auditkit.scanning.notebooks import plugins, secrets, tables
from auditkit.scanning.notebooks.code import source_of


def cost(text, times, read=source_of):
    spent = []
    for _ in range(times):
        begin = time.process_time()
        read(text)
        spent.append(time.process_time() - begin)
    return min(spent)


@pytest.mark.parametrize("piece", ["\t", " ", "a ", "a,", "[", "'", '"', "a.", "x = "])
def test_a_line_eight_times_as_long_costs_no_more_than_in_proportion(piece):
    """In proportion is 8, quadratic work 64."""
    short, long = (f"!ls\n{piece * (n // len(piece))}\x0c?x" for n in (1_000, 8_000))
    assert any(cost(long, n) <= 32 * max(cost(short, n), 1e-3) for n in (1, 5))


READ = {
    "begin of a key": (lambda text: list(secrets._BEGIN.finditer(text)), "-"),
    "rows with pipes": (lambda text: list(tables._PIPES.finditer(text)), "\t"),
    "many pipes": (lambda text: list(tables._PIPES.finditer(text)), "|"),
    "rule of a table": (lambda text: tables._RULE.fullmatch(text + "x"), "-"),
    "configuration": (plugins._CONFIG.fullmatch, " "),
    "exported": (lambda text: plugins._CONFIG.fullmatch("export" + text), " "),
}


@pytest.mark.parametrize(("read", "piece"), READ.values(), ids=READ.keys())
def test_a_pattern_costs_no_more_than_in_proportion(read, piece):
    short, long = piece * 2_000, piece * 16_000
    assert any(cost(long, n, read) <= 32 * max(cost(short, n, read), 1e-3) for n in (1, 5))


def test_the_same_is_read_as_before():
    assert [m[0] for m in tables._PIPES.finditer("a | b\nplain\n\t|x|\n|\n")] == ["a | b", "\t|x|", "|"]
    assert all(tables._RULE.fullmatch(one) for one in ("---|---", "| :-: | - |", "-"))
    assert not any(tables._RULE.fullmatch(one) for one in ("", "|||", "| a |", "--x"))
    assert (
        secrets._BEGIN.search("x -----BEGIN RSA PRIVATE KEY----- y")[0] == "-----BEGIN RSA PRIVATE KEY-----"
    )
    assert secrets._BEGIN.search("BEGIN PRIVATE KEY")[0] == "BEGIN PRIVATE KEY"
    for text in ("export  KEY = abcdefgh1", "  'name': abcdefgh1,", " = abcdefgh1", "a=abcdefgh1;"):
        assert plugins._CONFIG.fullmatch(text), text


def test_an_assignment_from_the_shell_is_still_read():
    read = source_of("!ls\n\t found = !cat notes\n")
    assert [one.text for one in read.scripts] == ["ls", "cat notes"]
