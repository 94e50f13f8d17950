"""Requirements: pins are read as pip freeze prints them, and no other line is lost without a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.scanning.stack.requirements import pinned_in


@pytest.mark.parametrize(
    ("line", "pin"),
    [
        ("joblib==1.1.0", ("joblib", "1.1.0")),
        ("  Joblib == 1.1.0  # held", ("Joblib", "1.1.0")),
        ("torch[cpu]==2.5.1+cpu ; python_version > '3'", ("torch", "2.5.1+cpu")),
        ("joblib===1.1.0", ("joblib", "1.1.0")),
        ("joblib==1.1.0 --hash=sha256:00", ("joblib", "1.1.0")),
        ("joblib==1.1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11", ("joblib", "1.1.0")),
        ("vllm==trunk", ("vllm", "trunk")),
    ],
)
def test_a_pin_is_read(line, pin):
    found = pinned_in(line)
    assert (tuple(found.versions.items()), found.unpinned) == ((pin,), ())
    assert found.left_out == ""


@pytest.mark.parametrize(
    "line",
    ["numpy", "requests>=2", "numpy==1.*", "-e .", "-r other.txt", "a @ https://u:quokka@host/a.whl", "./a.whl", "a~=1.0"],
)  # fmt: skip
def test_a_line_that_pins_nothing_is_counted_and_not_shown(line):
    found = pinned_in(f"joblib==1.1.0\n\n{line}\n")
    assert found.versions == {"joblib": "1.1.0"}
    assert found.unpinned == (3,)
    assert found.left_out == "1 line (3) pins no release (name==version): not looked at"


def test_lines_that_ask_for_nothing_are_not_counted():
    text = "# a list\n\n--index-url https://host/simple\n-f wheels\n--no-binary :all:\n"
    assert pinned_in(text).left_out == ""


def test_a_second_release_of_a_package_is_told():
    found = pinned_in("numpy==1.26.4 ; python_version < '3.12'\nNumPy==2.0.0\nnumpy==1.26.4\n")
    assert found.versions == {"numpy": "1.26.4"}
    assert found.again == (2,)
    assert "another release" in found.left_out


def test_the_line_of_a_package_is_that_of_its_first_part():
    assert pinned_in("# a\njoblib==1.1.0 \\\n  --hash=sha256:00\ntorch==2.0\n").lines == {
        "joblib": 2,
        "torch": 4,
    }


@given(st.lists(st.sampled_from(["a==1", "b==2", "c>=1", "-e .", "# d", "", "--pre"]), max_size=12))
def test_every_line_is_a_pin_or_counted_or_asks_for_nothing(lines):
    found = pinned_in("\n".join(lines))
    assert set(found.versions) == {one[0] for one in lines if "==" in one}
    assert found.unpinned == tuple(at for at, one in enumerate(lines, 1) if one in ("c>=1", "-e ."))


@given(st.text(max_size=200))
def test_no_text_breaks_it(text):
    found = pinned_in(text)
    assert set(found.lines) == set(found.versions)
