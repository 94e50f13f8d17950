"""Secrets that a command is given, and addresses that log in: found as people write them, taken out wherever they stand, and told from what only stands for one."""

from __future__ import annotations

import json

import nbformat.v4 as v4
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.scanning.notebooks import redacted, scan_notebook
from auditkit.scanning.notebooks.addresses import logins_in
from auditkit.scanning.notebooks.commands import commanded_in

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")

KEY, WORD, PHRASE = "q8Zk29fj" + "Pw31xLm0", "Winter" + "2026x", "correct" + "horsebattery"
AWS = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYqwJ3v9TyLm"
ODD = "S3cr3t" + "Passw0rd!"
DOLLARS = "Pa$$w" + "0rd#99"
NAMED = "MyP@ss" + "w0rd2026"
BASIC = "YWRtaW46V2lu" + "dGVyMjAyNng="  # of admin and a password

SHORT = "q8Zk2L" + "mP4xTf"

GUILTY = [
    ("pw='{}'", "Sommer" + "2024"), ("pg_pw='{}'", SHORT), ("mypass='{}'", "Sommer" + "2024!"), ("dsn = 'host=h user=u password={}'", "hal" + "lo1words"), ("dsn = 'pwd={};server=h'", PHRASE), ("%env SECRET {}", "hallo" + "1xyz"), ("%set_env API_TOKEN={}", "tokABC" + "set2"),
    ("!curl -su admin:{} https://host", SHORT), ("subprocess.run(['curl', '-u', 'a:{}', url])", SHORT), ("subprocess.run(['mysql','-p{}'])", SHORT), ("run(['mongosh', '-u', 'a', '-p', '{}'])", SHORT), ("!mongo -u a -p {} h/db", PHRASE), ("!az login -u a -p {}", SHORT), ("!smbclient -U bob%{} //h/x", SHORT), ("!unzip -P {} a.zip", SHORT),
    ("password: str = '{}'", "Sommer" + "24!"), ("def f(password: str = '{}', n: int = 1): ...", "Sommer" + "24!"), ("class A:\n    db_password: str = '{}'", WORD), ("api_key: str = '{}'", "q8Zk2L" + "mP4xTe"), ("token: Optional[str] = '{}'", KEY),
    ("PASSWORD: Final = '{}'", WORD), ('password: "str" = "{}"', WORD), ("self.password: str | None = '{}'", PHRASE), ("def f(\n    a: int,\n    password: Annotated[\n        str, 'of the db'\n    ] = '{}',\n): ...", "correct horse " + "battery"), ("password: dict[str, list[str]] = '{}'", PHRASE), ("with x:\n    password: 'str' = '{}'", PHRASE),
    ("%env DB_PASSWORD={}", PHRASE), ("%env DB_PASSWORD {}", PHRASE), ("%set_env API_TOKEN={}", KEY), ("%env API_TOKEN {}", KEY), ("%env DB_PASS = '{}'", PHRASE),
    ("!export AWS_SECRET_ACCESS_KEY={}", AWS), ("!PGPASSWORD={} psql -h db", PHRASE), ("!docker run -e DB_PASSWORD={} image", PHRASE), ("%%bash\nexport DB_PASSWORD={}", PHRASE),
    ("os.system('export DB_PASSWORD={} && run')", PHRASE), ("os.system('docker run -e API_TOKEN={} image')", KEY),
    ("!python train.py --api-key {}", KEY), ("!python train.py --api-key={} --epochs 3", KEY), ("!python train.py --password={}", WORD), ("!python train.py --password '{}'", WORD),
    ("!python train.py --token {}", KEY), ("!python train.py --db-password {} --lr 1", PHRASE), ("%run train.py --token {}", KEY), ("%run train.py --password {}", PHRASE), ("!run --password={}", "week" + "end-token2026"), ("!run --password '{}'", 'Win"ter' + "2026x"), ('!run --password "{}"', "Win'ter" + "2026x"), ("files = !fetch --token {}", KEY),
    ("!python train.py \\\n   --epochs 3 \\\n   --password {} --lr 1\nx = 1", PHRASE), ("%%bash\npython train.py \\\n  --secret-key {}", KEY), ("run(['train', '--api-key', '{}'])", KEY),
    ("!aws configure set aws_secret_access_key {}", AWS), ("!dvc remote modify --local store password {}", NAMED),
    ("!curl -u admin:{} https://host", WORD), ("!curl --user admin:{} https://host", WORD), ('!curl -H "Authorization: Bearer {}" https://host', KEY),
    ("!curl -H 'Authorization: Basic {}' https://host", BASIC), ("!curl -H 'PRIVATE-TOKEN: {}' https://host", KEY), ("h = {{'Authorization': 'Bearer {}'}}", KEY),
    ("e = engine('postgresql://bob:{}@db.example.com:5432/x')", ODD), ("e = engine('mysql+pymysql://root:{}@db.example.com/x')", DOLLARS), ("%sql postgresql://bob:{}@db:5432/x", ODD),
    ("!git clone https://bob:{}@git.example.com/x.git", ODD), ("u = 'mongodb+srv://app:{}@cluster0.example.net/db?x=me@y'", "p@ss/w0rd" + ":77"), ("u = 'redis://:{}@cache:6379/0'", ODD),
    ('user_pass = "{}"', NAMED), ('db_pass = "{}"', NAMED), ('passwd = "{}"', NAMED), ('pwd = "{}"', NAMED), ("c = {{'smtp_pass': '{}'}}", NAMED), ("!mysql -u root -p{} prod", "Sommer" + "2026!"),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "secret"), GUILTY, ids=lambda one: one if "{}" in one else "")
def test_a_secret_is_found_as_people_give_it_and_taken_out_wherever_it_stands(world, frame, secret):
    source = frame.format(secret)
    output = v4.new_output("stream", text=f"it was {secret}, I think")
    cell = v4.new_code_cell(source, outputs=[output], metadata={"note": f"with {secret}"})
    copy = redacted(world.notebook(cell)).notebook
    assert scan_notebook(world.notebook(v4.new_code_cell(source))).secrets
    assert copy["cells"][0]["source"] == frame.format("[redacted]")
    assert copy["cells"][0]["outputs"][0]["text"] == "it was [redacted], I think"
    assert secret not in json.dumps(copy, ensure_ascii=False)


@pytest.mark.parametrize("frame", ["dsn = 'host=h user=u password={}'", "dsn = 'pwd={};server=h'", "%env SECRET {}"])  # fmt: skip
def test_a_short_secret_is_taken_out_where_it_stands(world, frame):
    """Of fewer than eight letters, it is not looked for elsewhere."""
    word = "hallo" + "1x"
    for make in (v4.new_code_cell, v4.new_raw_cell):
        copy = redacted(world.notebook(make(frame.format(word)))).notebook
        assert copy["cells"][0]["source"] == frame.format("[redacted]")


INNOCENT = [
    "pw='correct'", "pw = 'pw_field1'", "dpw='Sommer2024'", "compass='north2024'", "f(host=h1, user=u1, password=hallo1)", "'host=h user=u password={word}'", "'host=h user=u password=%s'", "'the word password=hallo1'", "%env SECRET", "%env SECRET=$s1", "%env SECRET=prod-2",
    "!curl -sum $X:$Y https://host", "run(['curl', '-u', f'{user}:{word}'])", "run(['mysql', '-p', 'prod'])", "run(['docker', '-p', '8080:8080'])", "With mongo, -p asks for it.", "!mongo -u a -p --host h2", "!az login -u a -p $PW", "!az vm create -p plan2024", "!smbclient -U bob //h/x", "!unzip -p a2.zip", "!mkdir -p data2024",
    'password: str', 'password: str = ""', 'token: str = field(default="a")', 'password: str = os.environ["DB_PW2"]', 'def f():\n    """Log in.\n\n    password: str\n        The word, of 8 letters = "enough2".\n    """', 'x = {"type": "password"}', 'if password: mode = "login2step"', 'def f(password: str, mode: str = "login2step"): ...',
    "!python train.py --api-key $KEY", "!python train.py --api-key {key}", "!run --password \"${PASS}\" --token '<your token>'", "!run --token-type bert --max-tokens 2048 --password-stdin", "!run --password-file /run/pw2.txt",
    "!run --token /run/secrets/token2.txt --secret id=db2,src=a2.txt", "!run --pad-token tok99pad1x --secret-name prod-db-2024 --token prod-token-2", "!run --pass 2 --password @pw2026.txt", "!psql --no-password mydatabase", "!mysql --skip-password mydatabase", "!ansible-playbook --ask-become-pass site.yml", "!run --first-pass reads2.bam", "!run --low-pass 300hertz", "!run --password --user bob2026x",
    "!aws configure set aws_secret_access_key $KEY", "!git config --global credential.helper store2024", "!pip config get password", "%env TOKEN={token}", "%env TOKEN=$token", "%env API_TOKEN", "%env MAX_TOKEN=2048", "%env TOKENIZERS_PARALLELISM=false", "%env DB_PASSWORD=<your password>", "%env DB_SECRET=arn:aws:x:us-1:12:secret:db-Ab1C2",
    "!export DB_PASSWORD=$(cat /run/db)", "!export TOKEN=$TOKEN", "!docker run -p 8080:8080 -u 1000:1000 image", "!docker run -e DB_PASSWORD -e TOKEN=$TOKEN image", "!mysql -u root -p", "!mysql -u root -p prod",
    "!curl -u $USER:$PASS https://host", "!curl -u {user}:{password} https://host", '!curl -H "Authorization: Bearer $TOKEN" https://host', "!curl -H 'X-API-Key: ${KEY}' https://host", "h = {'Authorization': f'Bearer {token}'}",
    "h = {'Authorization': 'Basic dXNlcjpwYXNzd29yZA=='}", "user_pass = getpass()", "db_pass = os.environ['DB_PASS']", "first_pass = 'forward-only-2'", "pass_through = 'columns-2024a'", "p.add_argument('--api-key', help='the key')",
    "connect(username=info[0], password=info_of[2])", "u = 'https://host/badge.svg?token=Pk8G9gg3y9'", "u = 'postgresql://user:***@host/db'", "u = f'postgresql://{user}:{password}@{host}/db'", "u = 'postgresql://%s:%s@%s/db'",
    "u = 'http://localhost:8080/@me'", "u = 'https://host:443?by=a@b.org'", "u = 'git@host.org:me/x.git'", "u = 'https://user@host/x'", 'api_key = "<your key>"',
    "Pass `--password` to the script, or set DB_PASSWORD.", "--token TOKEN  the token to use, --password TEXT  the word", "env: PASSWORD is needed here", "`export TOKEN=<your token>` before you start", "use --password together with --user", "![pw](x.png?password=letters)",
]  # fmt: skip


@pytest.mark.parametrize("source", INNOCENT)
def test_what_stands_for_a_secret_in_a_command_is_left_alone(world, source):
    cells = (v4.new_code_cell(source), v4.new_markdown_cell(source), v4.new_raw_cell(source))
    assert scan_notebook(world.notebook(*cells)).secrets == ()


@pytest.mark.parametrize(("name", "told"), [("user_pass", True), ("smtp-pass", True), ("first_pass", False), ("pass", False), ("api_user_pass", True)])  # fmt: skip
def test_a_short_word_for_a_password_is_one_where_it_is_of_who_logs_in(world, name, told):
    """In JSON and in the column of a table, where nothing but the name says what a value is."""
    data = {"application/json": {name: NAMED}}
    page = {"text/html": world.table(name, NAMED)}
    for one in (data, page):
        cell = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data=one)])
        copy = redacted(world.notebook(cell)).notebook
        assert (NAMED not in json.dumps(copy)) is told


AZURE = "Azure Storage Account access key"


@pytest.mark.parametrize("frame", ["spark.conf.set('fs.azure.account.key.acc.dfs.core.windows.net', '{}')", "key = '{}'", "it is {}", "{}"])  # fmt: skip
def test_a_key_of_azure_storage_is_named_and_taken_out_whole(world, frame):
    for seed in range(6):
        key = world.planted(seed)[AZURE][1]
        key = "AzKey27/" + key[8:]
        for make in (v4.new_code_cell, v4.new_raw_cell):
            one = world.notebook(make(frame.format(key)))
            assert {found.kind for found in scan_notebook(one).secrets} == {AZURE}
            assert redacted(one).notebook["cells"][0]["source"] == frame.format("[redacted]")


@pytest.mark.parametrize("frame", ["integrity sha512-{}", "'sha512': '{}'", "checksum: {}", "data:image/png;base64,AAAA{}", "{{'bdata': '{}'}}"])  # fmt: skip
def test_a_digest_of_as_many_letters_is_no_key_of_azure_storage(world, frame):
    key = world.planted(1)[AZURE][1]
    cells = (v4.new_code_cell(frame.format(key)), v4.new_raw_cell(frame.format(key)))
    assert scan_notebook(world.notebook(*cells)).secrets == ()


@given(st.text("-=:@/!$%\"' aA1.#?{[<\\", max_size=60))
def test_whatever_is_told_lies_in_the_line_and_is_no_blank(line):
    spans = [*commanded_in(line, code=True, shell=True), *logins_in(line)]
    assert all(0 <= start < end <= len(line) and line[start:end].strip() for start, end in spans)
