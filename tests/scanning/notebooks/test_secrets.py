"""Secrets in notebooks: found wherever they stand, told without a piece of them, and nothing found where there is none."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat.v4 as v4
import pytest

from auditkit.errors import InputError
from auditkit.scanning.notebooks import read_notebook, redacted, scan_notebook, written

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")

ROOT = Path(__file__).resolve().parents[3]
IP = "Public IP (ipv4)"


def pieces(value):
    """Return every eight letters of a secret, its public frame aside: words around a key, the address of a service."""
    body = "".join(value.splitlines()[1:-1]) if "PRIVATE KEY" in value else value
    return {body[at : at + 8] for at in range(len(body) - 7)}


def leaks(text, value):
    return sorted(piece for piece in pieces(value) if piece in text)


def found_types(scan):
    return {one.kind for one in scan.secrets} | {IP for one in scan.personal if one.kind == "ip_address"}


def test_every_plugin_of_detect_secrets_is_planted(world):
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    assert set(world.planted(0)) == set(get_mapping_from_secret_type_to_class())


@pytest.mark.parametrize(
    "place",
    ["source", "markdown", "raw", "stream", "error", "table", "json", "metadata", "attachment", "long"],
)
def test_secrets_of_every_type_are_found_in_a_place_and_leave_it_whole(world, place):
    told = 0
    planted = [(kind, *pair) for kind, pair in world.planted(1).items()]
    for kind, line, value in planted:
        notebook = world.notebook(world.PLACES[place](line))
        scan = scan_notebook(notebook)
        told += kind in found_types(scan)
        copy = redacted(notebook)
        again = scan_notebook(copy.notebook)
        assert again.secrets == again.personal == ()
        assert copy.count >= 1
        assert leaks(json.dumps(scan.to_dict()) + repr(scan), value) == []
        assert leaks(written(copy.notebook).decode() + decoded(copy.notebook), value) == []
        assert {one.place.cell for one in scan.secrets + scan.personal} == {1}
    assert told >= 0.95 * len(planted)


@pytest.mark.slow
def test_the_recall_that_the_page_tells_is_the_one_measured(world):
    """Six draws of every type in every place: the page of AK701 says 1,620 of 1,620."""
    missed = [
        (seed, kind, place)
        for seed in range(6)
        for kind, (line, _) in world.planted(seed).items()
        for place, make in world.PLACES.items()
        if kind not in found_types(scan_notebook(world.notebook(make(line))))
    ]
    assert (len(world.planted(0)) * len(world.PLACES) * 6, missed) == (1620, [])


def decoded(notebook):
    """Return what attachments say."""
    bundles = [bundle for cell in notebook["cells"] for bundle in cell.get("attachments", {}).values()]
    return "".join(base64.b64decode(text).decode() for bundle in bundles for text in bundle.values())


def clean(number, world):
    """Return one of twenty notebooks of ordinary work, full of what looks like secrets: digests, identifiers, pictures, data."""
    rng = random.Random(number)
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + rng.randbytes(3000)).decode()
    data = base64.b64encode(rng.randbytes(64)).decode()
    sha = "".join(rng.choice("0123456789abcdef") for _ in range(40))
    wide = sha + sha[:24]
    ident = f"{sha[:8]}-{sha[8:12]}-4{sha[13:16]}-a{sha[17:20]}-{sha[:12]}"
    lock = {
        "packages": {
            "left-pad": {
                "version": "1.3.0",
                "integrity": f"sha512-{base64.b64encode(rng.randbytes(64)).decode()}",
            }
        }
    }
    figure = {
        "data": [
            {"x": {"dtype": "f8", "bdata": data}, "y": [rng.random() for _ in range(40)], "type": "scatter"}
        ],
        "layout": {"title": {"text": "ROC"}},
    }
    digests = "\n".join(f"'{''.join(rng.choice('0123456789abcdef') for _ in range(64))}'," for _ in range(6))
    cells = [
        v4.new_markdown_cell(f"# Model {number}\n\n![](data:image/png;base64,{picture})\n\nWrite to team@example.com. Tokens are counted; the secret of a good model is data."),
        v4.new_code_cell("import os\nfrom getpass import getpass\napi_key = os.environ['API_KEY']\npassword = getpass('Password: ')\ntoken = os.getenv(\"HF_TOKEN\", \"\")\nA = B@C.T"),
        v4.new_code_cell("model = HistGradientBoostingClassifier(random_state=0)\nmodel.fit(X_train, y_train)", outputs=[v4.new_output("stream", text=f"commit {sha}\nsha256:{wide}\nDuration 0:01:02, 127.0.0.1:8888, numpy 1.26.4, opencv-python-4.12.0.88\n")]),
        v4.new_code_cell("plt.show()", outputs=[v4.new_output("display_data", data={"image/png": picture, "text/plain": "<Figure size 640x480 with 1 Axes>"})]),
        v4.new_code_cell("fig", outputs=[v4.new_output("display_data", data={"application/vnd.plotly.v1+json": figure})]),
        v4.new_code_cell("widget", outputs=[v4.new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {"model_id": sha[:32], "version_major": 2, "version_minor": 0}})]),
        v4.new_code_cell(f"COMMIT = '{sha}'\nREVISION = \"{sha[:32]}\"\nDIGESTS = [\n{digests}\n]\nurl = 'postgresql://user:password@localhost/db'"),
        v4.new_code_cell("df.head()", outputs=[v4.new_output("execute_result", execution_count=1, data={
            "text/html": "<table><thead><tr><th></th><th>age</th><th>sex</th><th>income</th><th>run_id</th><th>telephone</th></tr></thead><tbody>"
                         f"<tr><th>0</th><td>39</td><td>Male</td><td>4111.5</td><td>{ident}</td><td>yes</td></tr></tbody></table>",
            "text/plain": f"   age   sex  income  telephone\n0   39  Male  {rng.random():.16f}  yes\n1   50  Male  1700000000000000000  none"})]),
        v4.new_code_cell("!cat package-lock.json", outputs=[v4.new_output("stream", text=json.dumps(lock, indent=2))]),
        v4.new_code_cell("1/0", outputs=[v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[world.coloured("ZeroDivisionError: division by zero"), "File ~/lab/train.py:12, in fit(self, X)"])]),
        v4.new_raw_cell("tel. extension 12, version 2.0.0.1, 2024-01-31 12:30:59"),
        v4.new_code_cell("tokenizer", outputs=[v4.new_output("execute_result", execution_count=2, data={"application/json": {"bos_token": "<s>", "pad_token": "[PAD]", "vocab": {"##ing": 2, "secretary": 3}, "etag": sha[:32], "size": 1234567890123}})]),
    ]  # fmt: skip
    return world.notebook(
        *cells,
        kernelspec={"name": "python3", "display_name": "Python 3"},
        papermill={"environment_variables": {}, "version": "2.6.0"},
    )


@pytest.mark.parametrize("number", range(20))
def test_nothing_is_found_in_a_clean_notebook(world, number):
    scan = scan_notebook(clean(number, world))
    assert scan.secrets == ()
    assert scan.personal == ()
    assert scan.pictures == 1
    assert scan.unread == ()


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("templates/*.ipynb")]),
    ids=lambda path: path.name,
)
def test_nothing_is_found_in_the_notebooks_of_the_project(path):
    scan = scan_notebook(read_notebook(path.read_bytes()))
    assert (scan.secrets, scan.personal, scan.unread) == ((), (), ())


def test_a_secret_found_once_is_found_wherever_it_stands_whole_or_cut_off(world):
    token = world.planted(7)["GitHub Token"][1]
    password = "tr0ub4dor" + "&31x"
    notebook = world.notebook(
        v4.new_code_cell(f'password = "{password}"\nlogin("{token}")'),
        v4.new_markdown_cell(f"The key begins with {token[:14]} and the word is {password}."),
        v4.new_code_cell("x", metadata={token: 1}),
    )
    scan = scan_notebook(notebook)
    assert {(one.kind, one.place.cell) for one in scan.secrets} >= {
        ("Secret Keyword", 1),
        ("GitHub Token", 1),
        ("GitHub Token", 2),
        ("Secret Keyword", 2),
        ("GitHub Token", 3),
    }
    assert len({one.digest for one in scan.secrets if one.kind == "Secret Keyword"}) == 1
    text = written(redacted(notebook).notebook).decode()
    assert leaks(text, token) == leaks(text, password) == []


PASSWORD = "Sommer" + "2024!Haus"
WAYS = {
    "listing": ("stream", "PATH=/bin\nDB_PASSWORD={}\nHOME=/home/me"),
    "environment": ("stream", "environ({{'HOME': '/home/me', 'DB_PASSWORD': '{}'}})"),
    "json-in-json": ("stream", '{{"body": "{{\\"password\\": \\"{}\\"}}"}}'),
    "export": ("code", "%%bash\nexport DB_PASSWORD={}"),
    "magic": ("code", "%env DB_PASSWORD={}"),
    "option": ("code", "!mysql -u root --password={} db"),
    "arguments": ("code", 'run(["mysql", "--password", "{}"])'),
    "pairs": ("code", 'for name, value in [("password", "{}")]:\n    set_up(name, value)'),
    "setter": ("code", 'setattr(settings, "password", "{}")'),
    "default": ("code", 'os.environ.setdefault(\n    "DB_PASSWORD",  # of the test\n    "{}",\n)'),
    "keyword": ("code", 'c = connect(host="db", password="{}", port=5)'),
    "subscript": ("code", 'os.environ["API_KEY"] = "{}"'),
    "quotes": ("code", "password = '''{}'''"),
    "comment": ("code", "x = 1  # nothing\n# password: {}"),
    "prose": ("markdown", "The password is `{}`, for now."),
    "yaml": ("raw", "user: me\npassword: {}\n"),
    "call": ("code", 'login("alice", "{}")'),
    "pair": ("code", 'requests.get(url, auth=("alice", "{}"))'),
    "curl": ("code", "!curl -s -u alice:{} https://host"),
    "mysql": ("code", "!mysql -u root -p{} -h db"),
    "in-bash": ("code", "%%bash\nsshpass -p '{}' ssh host"),
    "dsn": ("code", 'dsn = "Server=x;Uid=a;Pwd={};"'),
    "f-string": ("code", 'conn = f"host=x password={} dbname={{db}}"'),
    "netrc": ("raw", "machine db.example.org login alice password {}"),
    "netrc-default": ("code", "!echo 'default login alice password {}' >> ~/.netrc"),
    "list-in-json": ("stream", '{{"passwords": ["{}"], "n": 1}}'),
    "list": ("code", 'passwords = ["{}", "other"]'),
    "german": ("code", 'kennwort = "{}"'),
    "german-line": ("raw", "Kennwort: {}\n"),
    "short-word": ("code", 'PASS="{}"'),
    "short-word-line": ("raw", "DB_HOST=x\nPASS={}"),
    "library": ("stream", "a=function(){{}};" * 2000 + 'password="{}"'),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_password_is_found_in_the_ways_that_people_write_one(world, way):
    kind, frame = WAYS[way]
    text = frame.format(PASSWORD)
    made = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell, "raw": v4.new_raw_cell}
    cell = (
        made[kind](text)
        if kind in made
        else v4.new_code_cell("x", outputs=[v4.new_output("stream", text=text)])
    )
    notebook = world.notebook(cell)
    assert {one.kind for one in scan_notebook(notebook).secrets} == {"Secret Keyword"}
    assert leaks(written(redacted(notebook).notebook).decode(), PASSWORD) == []


def test_a_passphrase_is_found_where_a_name_is_given_it(world):
    phrase = "correct horse battery staple"
    said = 'print("password: at least eight letters")'
    notebook = world.notebook(v4.new_code_cell(f'password = "{phrase}"\n{said}'))
    assert redacted(notebook).notebook["cells"][0]["source"] == f'password = "[redacted]"\n{said}'


def test_what_was_typed_into_a_field_for_passwords_is_found_in_the_state_of_widgets(world):
    field = {"model_name": "PasswordModel", "state": {"description": "Password", "value": PASSWORD}}
    state = {"a1": field, "b2": {"model_name": "TextModel", "state": {"value": "plain words"}}}
    mime = "application/vnd.jupyter.widget-state+json"
    notebook = world.notebook(v4.new_raw_cell("x"), widgets={mime: {"state": state}})
    made = redacted(notebook).notebook["metadata"]["widgets"][mime]["state"]
    assert made["a1"]["state"]["value"] == "[redacted]"
    assert made["b2"] == state["b2"]


@pytest.mark.parametrize(
    "source",
    [
        "password = getpass('Password: ')", "secret = load_secret(path)", "api_key = config['api_key']", "# password: see the vault", "token_type = 'bearer'",
        "machine learning login page password reset", "default login user password <password>", 'passwords = ["db_password_1", "<secret-22>"]', 'secrets: ["monday", "vault/path2"]', "assert password == other_password2", "# api_key=settings.api_key", "pwd = os.getcwd()", "!export PASSWORD=$SECRET_PASSWORD_1", "author = 'Ada Lovelace'",
        'words = ["secret", "two words"]', 'stop = {"secret", "two words"}', "names = (\n    'password',\n    'sha256',\n    'address_2024',\n)",
        'frame[["api_key", "created at"]]', 'x = {"kind": "secret", "other words": 1}', 'return ("secret", "two words")', 'data.isin(["password", "email"])',
        "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')", "# secret: 2024-01-31T12:30", "token = 'bert-base-v2-2024'", "page_token: str = 'next_page_2'", "max_tokens=2048, stop_token='<|endoftext|>'",
    ],
)  # fmt: skip
def test_what_only_speaks_of_passwords_is_left_alone(world, source):
    scan = scan_notebook(world.notebook(v4.new_code_cell(source), v4.new_markdown_cell(source)))
    assert scan.secrets == ()


@pytest.mark.parametrize("frame", ['{}', 'x = ["secret", {}]', 'f("secret", {})', '[("password", {}), ("b", 2)]'])  # fmt: skip
def test_planted_secrets_stay_found_among_words_of_a_list(world, frame):
    """What a list says of its members takes nothing from what a token's own form tells."""
    planted = [
        value
        for line, value in world.planted(8).values()
        if line == f'value = "{value}"' and "." not in value
    ]
    scans = [scan_notebook(world.notebook(v4.new_code_cell(frame.format(f'"{value}"')))) for value in planted]
    assert len(planted) > 12
    assert all(scan.secrets for scan in scans)


def typed(model, description, value):
    state = {"a1": {"model_name": model, "state": {"description": description, "value": value}}}
    return {"application/vnd.jupyter.widget-state+json": {"state": state}}


@pytest.mark.parametrize(
    ("model", "description", "value", "told"),
    [
        ("TextModel", "API key", "tR9x-Qm47zLp", True), ("TextareaModel", "Your access token", "tR9xQm47zLp", True), ("PasswordModel", "", "secret", True),
        ("PasswordModel", "Password", "", False), ("TextModel", "Name", "tR9x-Qm47zLp", False), ("TextModel", "Token", "the", False), ("TextModel", "API key", "<your key>", False),
    ],
)  # fmt: skip
def test_a_field_is_told_by_what_it_asks_for(world, model, description, value, told):
    notebook = world.notebook(v4.new_raw_cell("x"), widgets=typed(model, description, value))
    assert bool(scan_notebook(notebook).secrets) is told
    assert scan_notebook(redacted(notebook).notebook).secrets == ()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("password = 48213377", True), ("db_password: 482133", True), ("password_length = 48213377", False), ("max_password = 48213377", False), ("password = 12", False),
        ("password = 482133.5", False), ("num_passwd = 100000", False),
    ],
)  # fmt: skip
def test_a_number_is_a_password_where_it_is_given_to_one(world, source, told):
    notebook = world.notebook(v4.new_code_cell(source))
    assert bool(scan_notebook(notebook).secrets) is told
    assert ("[redacted]" in redacted(notebook).notebook["cells"][0]["source"]) is told


def test_a_number_of_json_is_a_password_under_its_key(world):
    data = {"password": 482133, "n": 482133, "password_age": 864000, "db": {"passwd": 48213377}}
    cell = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data={"application/json": data})])
    made = redacted(world.notebook(cell)).notebook["cells"][0]["outputs"][0]["data"]["application/json"]
    assert made == data | {"password": "[redacted]", "db": {"passwd": "[redacted]"}}


DRESSED = {
    "wrapped": lambda token: token[:20] + "\n" + token[20:],
    "wrapped-by-windows": lambda token: "key " + token[:20] + "\r\n" + token[20:] + " end",
    "without-width": lambda token: token[:9] + "\u200b" + token[9:],
    "wide": lambda token: token[:6] + "".join(chr(ord(one) + 0xFEE0) for one in token[6:]),
    "mathematical": lambda token: token[:6] + chr(0x1D400 + ord("Q") - 65) + token[6:],
}


@pytest.mark.parametrize("way", DRESSED)
def test_a_token_is_found_however_its_letters_are_dressed(world, way):
    token = world.planted(9)["GitHub Token"][1]
    notebook = world.notebook(v4.new_raw_cell(DRESSED[way](token)))
    assert [one.kind for one in scan_notebook(notebook).secrets] == ["GitHub Token"]
    text = redacted(notebook).notebook["cells"][0]["source"]
    assert leaks("".join(text.split()), token) == leaks(text.replace("\u200b", ""), token) == []


def test_lines_are_put_together_for_tokens_alone(world):
    numbers = "41111111\n11111111\n"  # two numbers, not one of a card
    words = "configuration_secret=\nabcdefgh1234\nthe_other_words\nand_more_of_them"
    scan = scan_notebook(world.notebook(v4.new_raw_cell(numbers), v4.new_raw_cell(words)))
    assert (scan.secrets, scan.personal) == ((), ())


@pytest.mark.parametrize(
    "source",
    [
        "PASS: test_case_1_of_2", "login('alice', 'production')", "!mysql -u root -p", "!mysql -u root -p$MYSQL_PW", "!curl -u $USER:$TOKEN https://host", "!mkdir -pv a/b",
        "a = 1\nif a:\n    pass\nb2 = 3", "x = {'pass': 'green'}", "passes=12 pass=12", "compile(bypass=loop2_unroll4)", "auth = ('user', 'password')", "def login(name, word): ...", "dsn = 'Pwd={};'", "x = 'password=%s' % word",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_way_to_log_in_is_left_alone(world, source):
    scan = scan_notebook(world.notebook(v4.new_code_cell(source), v4.new_markdown_cell(source)))
    assert scan.secrets == ()


@pytest.mark.parametrize("library", ["plotly.min.js"])
def test_nothing_is_found_in_the_libraries_that_outputs_carry(world, library):
    import plotly

    text = (Path(plotly.__file__).parent / "package_data" / library).read_text("utf-8")
    assert scan_notebook(world.notebook(v4.new_raw_cell(f"<script>{text[:200_000]}</script>"))).secrets == ()


@pytest.mark.parametrize(
    ("innocent", "guilty"),
    [
        ('secret_key_column = "customer_id"', 'secret_key_column = "tR9x-Qm47zLp"'), ('password_hasher = "argon2id"', 'password = "argon2id"'),
        ('pwd = "/home/user/project1"', 'pwd = "tR9x-Qm47zLp"'), ('secret_loss = "CrossEntropyLoss2d"', 'secret = "CrossEntropyLoss2d"'),
        ("os.environ['PWD'] = '/home/user/project1'", "os.environ['PWD'] = 'tR9xQm47zLp'"), ('x = {"api_key_env": "SERVICE_KEY_2"}', 'x = {"api_key_env": "tR9xQm47zLp"}'),
        ("password_field = 'pw_field1'", "password_field = 'Winter2024!'"), ("secretType='Opaque2'", "secretType='q7Wm!93bTz'"),
    ],
)  # fmt: skip
def test_a_name_of_something_else_is_told_from_a_secret(world, innocent, guilty):
    for make in (v4.new_code_cell, v4.new_raw_cell):
        assert scan_notebook(world.notebook(make(innocent))).secrets == ()
        assert [one.kind for one in scan_notebook(world.notebook(make(guilty))).secrets] == ["Secret Keyword"]


def test_the_folder_that_a_listing_of_an_environment_tells_is_no_password(world):
    listing = "PWD=/home/user/project1\nOLDPWD=/home/user/p2\nMY_PWD=tR9x-Qm47zLp"
    made = redacted(world.notebook(v4.new_raw_cell(listing))).notebook["cells"][0]["source"]
    assert made == "PWD=/home/user/project1\nOLDPWD=/home/user/p2\nMY_PWD=[redacted]"


@pytest.mark.parametrize("size", [32, 40, 64])
def test_two_digests_in_a_list_are_data_and_two_that_are_given_names_are_not(world, size):
    one, two = (world.drawn(random.Random(seed), "0123456789abcdef", size) for seed in (1, 2))
    for frame in ("x = ['{}', '{}']", 'x = {{\n    "{}",\n    "{}",\n}}', "['{}','{}']"):
        assert scan_notebook(world.notebook(v4.new_code_cell(frame.format(one, two)))).secrets == ()
    for frame in ("a = '{}'\nb = '{}'", "secrets = ['{}', '{}']"):
        assert len(scan_notebook(world.notebook(v4.new_code_cell(frame.format(one, two)))).secrets) >= 1


def test_an_error_output_and_a_raw_cell_are_read_and_the_line_is_told(world):
    token = world.planted(3)["Stripe Access Key"][1]
    error = v4.new_output(
        "error",
        ename="E",
        evalue="e",
        traceback=["one", "two\nthree", f"four\n\x1b[31m{token[:5]}\x1b[0m{token[5:]}"],
    )
    scan = scan_notebook(
        world.notebook(v4.new_code_cell("x", outputs=[error]), v4.new_raw_cell(f"a\nb\n{token}"))
    )
    assert [str(one.place) for one in scan.secrets] == [
        "cell 1, output 1, error, line 5",
        "cell 2, source, line 3",
    ]


def test_digests_tell_equal_from_other_and_are_of_no_use_without_the_salt(world):
    line = world.planted(1)["GitHub Token"][0]
    notebook = world.notebook(v4.new_code_cell(line), v4.new_raw_cell(line))
    first, second = (scan_notebook(notebook) for _ in range(2))
    assert len({one.digest for one in first.secrets}) == 1
    assert {one.digest for one in first.secrets} != {one.digest for one in second.secrets}
    assert scan_notebook(notebook, salt=b"a" * 16) == scan_notebook(notebook, salt=b"a" * 16)


def test_pictures_are_not_read_and_counted_but_what_only_claims_to_be_one_is_read(world):
    token = world.planted(2)["GitHub Token"][1]
    hidden = base64.b64encode(f"not a picture: {token}!!".encode()).decode()
    cell = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data={"image/png": hidden})])
    scan = scan_notebook(world.notebook(cell))
    assert ([one.kind for one in scan.secrets], scan.pictures) == (["GitHub Token"], 0)
    assert leaks(decoded_output(redacted(world.notebook(cell)).notebook), token) == []


def decoded_output(notebook):
    return base64.b64decode(notebook["cells"][0]["outputs"][0]["data"]["image/png"]).decode()


def test_no_plugin_is_asked_to_verify_and_no_setting_of_detect_secrets_changes(world, monkeypatch):
    from detect_secrets.plugins.base import BasePlugin
    from detect_secrets.settings import get_settings

    from auditkit.scanning.notebooks import plugins

    asked = []
    for kind, plugin in plugins._plugins().items():
        monkeypatch.setattr(type(plugin), "verify", lambda *_, kind=kind, **__: asked.append(kind))
        monkeypatch.setattr(type(plugin), "analyze_line", lambda *_, kind=kind, **__: asked.append(kind))
    assert BasePlugin.verify is not None
    before = get_settings().json()
    for line, _ in world.planted(4).values():
        scan_notebook(world.notebook(v4.new_code_cell(line)))
    assert asked == []
    assert get_settings().json() == before


def test_what_holds_a_secret_does_not_show_it(world):
    from auditkit.scanning.notebooks.scan import hits_in

    value = world.planted(5)["GitHub Token"][1]
    notebook = world.notebook(v4.new_code_cell(f"x = '{value}'", metadata={value: value}))
    leaves, hits = hits_in(notebook)
    shown = (
        repr(leaves) + repr(hits) + repr(redacted(notebook)) + repr([replace(hit, count=2) for hit in hits])
    )
    assert leaks(shown, value) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"{'token': '%s'}", "no JSON from line 1, column 2", id="not-json"),
        pytest.param(b"[" * 100_000, "nested too deep", id="deep"),
        pytest.param(b'"%s"', "of format 1 to 4", id="a-text"),
        pytest.param(b'{"nbformat": 5, "cells": [], "x": "%s"}', "of format 1 to 4", id="of-later"),
        pytest.param(b'{"nbformat": 4, "metadata": {"%s": 1}}', "no list of cells", id="no-cells"),
        pytest.param(b'{"nbformat": 3, "worksheets": "%s"}', "cannot be converted", id="damaged-old-one"),
        pytest.param(b"\xff\xfe%s", "no text in UTF-8", id="bytes"),
        pytest.param(b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "raw", "metadata": {}, "source": "%s", "source": "clean"}]}', "holds a key twice", id="a-value-behind-another"),
        pytest.param(b'{"nbformat": 3, "worksheets": [], "x": {"y": "%s", "y": ""}}', "holds a key twice", id="behind-another-in-an-old-one"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_refused_without_a_word_of_it(world, content, why):
    value = world.planted(6)["GitHub Token"][1]
    with pytest.raises(InputError, match=why) as refused:
        read_notebook(content.replace(b"%s", value.encode()), "mine.ipynb")
    assert leaks(str(refused.value), value) == []
    assert str(refused.value).startswith("mine.ipynb: ")


def test_a_key_may_stand_in_two_objects(world):
    token = world.planted(6)["GitHub Token"][1]
    read = read_notebook(
        json.dumps(world.notebook(v4.new_raw_cell("clean"), v4.new_raw_cell(token))).encode()
    )
    assert [one.place.cell for one in scan_notebook(read).secrets] == [2]


def test_an_old_notebook_is_read(world):
    line = world.planted(6)["GitHub Token"][0]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"metadata": {}, "cells": [
        {"cell_type": "code", "input": [line], "language": "python", "metadata": {}, "outputs": [], "collapsed": False, "prompt_number": 1}]}]}  # fmt: skip
    scan = scan_notebook(read_notebook(json.dumps(old).encode()))
    assert [one.kind for one in scan.secrets] == ["GitHub Token"]


def test_scanning_is_off_the_path_of_an_import():
    script = "import sys, auditkit.scanning, auditkit.cli\nprint(*sorted(m for m in sys.modules if m.startswith(('detect_secrets', 'requests', 'auditkit.scanning.notebooks'))))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_json_nested_too_deep_is_refused(world):
    def nested(levels):
        value = "x"
        for _ in range(levels):
            value = [value]
        return world.notebook(v4.new_raw_cell("a")) | {"more": value}

    for ask in (scan_notebook, redacted, lambda one: read_notebook(json.dumps(one).encode())):
        ask(nested(150))
        with pytest.raises(InputError, match="nested too deep"):
            ask(nested(250))


@pytest.mark.parametrize(
    "hostile",
    [
        "BEGIN PRIVATE KEY ",
        "<tr",
        "<script",
        "<!--",
        "eyJ",
        "://a:",
        'password="',
        "xoxb-1-",
        '\\"',
        "\x1b[",
        "&a",
        "|a\n",
        "1 2 ",
        "a@",
        "'" * 3,
        "curl -u ",
        "mysql -p",
        "docker login ",
        'login("a", ',
        "password_",
        "pass=",
        "abcdefgh\n",
        "\u200b",
        "--token ",
        "-a.",
        "%env A_",
        "-H 'a-",
        "a://b:c@",
        "secret1=",
        "!config token ",
        "a: b['c'] | ",
        "(a: b[",
        "a_token",
        "user=a password=",
        "mongo -p",
        "'curl','-u',",
        "unzip -P ",
    ],
)
def test_time_grows_with_the_length_and_not_with_its_square(world, hostile):
    import time

    def seconds(size):
        text = hostile * (size // len(hostile))
        outputs = [v4.new_output("display_data", data={"text/html": text, "text/plain": text})]
        notebook = world.notebook(v4.new_code_cell("x", outputs=outputs))
        before = time.process_time()
        scan_notebook(notebook)
        return time.process_time() - before

    seconds(1000)
    short, long = seconds(10_000), seconds(80_000)
    # eight times the letters: 64 times the work where it grows with the square; processor time of this process alone
    assert long < 24 * short + 0.5
