"""Lines: every line of every text of a notebook is found again in its file, however that is written."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.scanning.notebooks.leaves import leaves_of
from auditkit.scanning.notebooks.lines import Lines

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work

SOURCE = st.text(st.sampled_from('a\\"\n\té\u2028\U0001f600 {}[],:'), max_size=30)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), SOURCE),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(SOURCE, inner, max_size=3)),
    max_leaves=8,
)
CELLS = st.lists(st.tuples(SOURCE, JSON, st.booleans()), max_size=3)


def notebook(cells):
    return {
        "metadata": {},
        "nbformat": 4,
        "cells": [
            {
                "outputs": [],
                "cell_type": "code",
                "metadata": metadata,
                "source": source.splitlines(keepends=True) if listed else source,
            }
            for source, metadata, listed in cells
        ],
    }


@BUSY
@given(CELLS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_line_of_a_source_and_every_value_is_where_it_is_told(cells, indent, plain):
    made = notebook(cells)
    text = json.dumps(made, indent=indent, ensure_ascii=plain)
    files = text.split("\n")
    told = Lines(text.encode("utf-8"), made)
    for number, (source, _, listed) in enumerate(cells, 1):
        lines = source.split("\n")
        regions = told.regions((number, "source", at) for at in range(1, len(lines) + 1))
        for at, line in enumerate(lines, 1):
            one = regions[number, "source", at]
            held = files[one.line - 1][one.start - 1 : one.end - 1]
            empty = listed and not source  # a list without lines has no text to point at
            begins = "" if empty else json.loads(f'"{held}"')
            assert line.startswith(begins)  # of a list that was cut at other signs too, the first piece
            assert bool(line) == bool(begins)
    values = [leaf for leaf in leaves_of(made) if leaf.form == "json"]
    regions = told.regions((leaf.place.cell, leaf.place.part, leaf.place.line) for leaf in values)
    for leaf in values:
        one = regions[leaf.place.cell, leaf.place.part, leaf.place.line]
        assert json.loads(files[one.line - 1][one.start - 1 : one.end - 1]) == leaf.text


@pytest.mark.parametrize("place", [(9, "source", 1), (1, "nowhere", 1), (None, "source", 1)])
def test_a_place_that_is_not_there_is_left_out(place):
    made = notebook([("x", {}, False)])
    assert Lines(json.dumps(made).encode(), made).regions([place]) == {}


def test_what_the_file_does_not_hold_is_left_out():
    made = notebook([("x", {}, False)])
    assert Lines(b'{"worksheets": []}', made).regions([(1, "source", 1)]) == {}
