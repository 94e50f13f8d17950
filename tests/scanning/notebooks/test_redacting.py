"""Redacting: whatever the notebook, its copy is valid, holds nothing that is found, and is not changed by redacting it again."""

from __future__ import annotations

import copy
import json

import nbformat
import nbformat.v4 as v4
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.scanning.notebooks import redacted, scan_notebook, written
from auditkit.scanning.notebooks.views import MARK

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")

FRAGMENTS = st.sampled_from([
    'password = "{}"', "{}", "'{}'", '{{"api_key": "{}"}}', "<td>{}</td>", "https://me:{}@host/x", "export DB_SECRET={}", "&lt;{}&gt;", "\x1b[31m{}\x1b[0m",
    "| email | n |\n|---|---|\n| {} | 1 |", '\\"secret\\": \\"{}\\"', "{}\n{}", "# {}", "name\r{}", "[redacted]{}", "token: {}",
    "!run --password {} -q", "%env API_TOKEN {}", "!PASSWORD='{}' run", "postgresql://me:{}@h1/x@y2", "-H 'x-api-key: {}'", "!run \\\n --pwd={}",
])  # fmt: skip
SECRETS = st.one_of(
    st.text("abcdefABCDEF0123456789", min_size=20, max_size=50),
    st.builds("ghp_{}".format, st.text("abcXYZ019", min_size=36, max_size=40)),
    st.builds("AKIA{}".format, st.text("ABCXYZ019", min_size=16, max_size=16)),
    st.sampled_from(["ada@lovelace.org", "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "+49 30 1234 5678", "52.94.236.248", "078-05-1120"]),
    st.text(max_size=20),
)  # fmt: skip
TEXTS = st.builds(lambda frame, value: frame.replace("{}", value), FRAGMENTS, SECRETS)
JSON = st.recursive(
    st.one_of(TEXTS, st.integers(-(10**17), 10**17), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXTS, st.sampled_from(["email", "password", "card_number"])), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip
METADATA = st.dictionaries(SECRETS, JSON, max_size=2)
MIMES = st.one_of(
    st.fixed_dictionaries({"text/plain": TEXTS, "text/html": TEXTS}),
    st.fixed_dictionaries({"application/json": JSON}),
    st.fixed_dictionaries({"application/vnd.x+json": st.dictionaries(SECRETS, JSON, max_size=2)}),
)
OUTPUTS = st.one_of(
    st.builds(lambda text: v4.new_output("stream", text=text), TEXTS),
    st.builds(lambda lines: v4.new_output("error", ename="E", evalue=lines[0], traceback=lines), st.lists(TEXTS, min_size=1, max_size=3)),
    st.builds(lambda data, meta: v4.new_output("display_data", data=data, metadata=meta), MIMES, METADATA),
)  # fmt: skip
CELLS = st.one_of(
    st.builds(lambda text, outputs, meta: v4.new_code_cell(text, outputs=outputs, metadata=meta), TEXTS, st.lists(OUTPUTS, max_size=2), METADATA),
    st.builds(v4.new_markdown_cell, TEXTS),
    st.builds(v4.new_raw_cell, TEXTS),
)  # fmt: skip
NOTEBOOKS = st.lists(CELLS, min_size=1, max_size=3).map(
    lambda cells: json.loads(json.dumps(v4.new_notebook(cells=cells)))
)


def is_valid(notebook):
    try:
        nbformat.validate(nbformat.from_dict(notebook))
    except nbformat.ValidationError:
        return False
    return True


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(NOTEBOOKS)
def test_a_redacted_copy_is_valid_and_clean_and_stays_as_it_is(notebook):
    before = copy.deepcopy(notebook)
    made = redacted(notebook)
    assert notebook == before
    scan = scan_notebook(made.notebook)
    assert scan.secrets == scan.personal == ()
    assert redacted(made.notebook) == type(made)(made.notebook, 0)
    assert is_valid(made.notebook) or not is_valid(notebook)
    assert json.loads(written(made.notebook)) == made.notebook
    found = scan_notebook(notebook)
    assert (made.count > 0) == bool(found.secrets or found.personal)
    assert [len(cell.get("outputs", ())) for cell in made.notebook["cells"]] == [
        len(cell.get("outputs", ())) for cell in notebook["cells"]
    ]


def test_a_copy_keeps_the_form_of_everything_that_is_not_found(world):
    token = world.planted(1)["GitHub Token"][1]
    html = (
        f"<table><thead><tr><th>key</th></tr></thead><tr><td><b>{token[:9]}</b>{token[9:]}</td></tr></table>"
    )
    notebook = world.notebook(
        v4.new_code_cell("x = 1", outputs=[v4.new_output("execute_result", execution_count=3, data={"text/html": html, "application/json": {token: [token, 1]}})], metadata={"tags": [token, f"{token}x"]}),
        v4.new_markdown_cell("quiet"),
    )  # fmt: skip
    notebook["cells"][0]["source"] = ["import os\n", f"key = '{token}'\n", "x = 1"]
    made = redacted(notebook).notebook
    assert made["cells"][0]["source"] == ["import os\n", f"key = '{MARK}'\n", "x = 1"]
    data = made["cells"][0]["outputs"][0]["data"]
    assert (
        data["text/html"]
        == f"<table><thead><tr><th>key</th></tr></thead><tr><td><b>{MARK}</b></td></tr></table>"
    )
    assert data["application/json"] == {MARK: [MARK, 1]}
    assert made["cells"][0]["metadata"]["tags"] == [MARK, f"{MARK} 2"]
    assert made["cells"][1] == notebook["cells"][1]
    assert is_valid(made)


def test_what_is_kept_stays_and_the_rest_goes(world):
    one, two = (world.planted(seed)["GitHub Token"][1] for seed in (1, 2))
    notebook = world.notebook(v4.new_raw_cell(one), v4.new_raw_cell(two))
    scan = scan_notebook(notebook, salt=b"salt")
    made = redacted(notebook, keep={scan.secrets[0].digest}, salt=b"salt").notebook
    assert [cell["source"] for cell in made["cells"]] == [one, MARK]


def test_an_identifier_of_a_cell_that_is_a_token_becomes_another_identifier(world):
    token = world.planted(1)["GitHub Token"][1]
    notebook = world.notebook(v4.new_raw_cell("a"), v4.new_raw_cell("b"))
    notebook["cells"][0]["id"], notebook["cells"][1]["id"] = token, "redacted-1"
    made = redacted(notebook).notebook
    assert [cell["id"] for cell in made["cells"]] == ["redacted-2", "redacted-1"]
    assert is_valid(made)
