"""A real JupyterHub on this machine: what its API tells is what was set up, and the review's token reads and does no more."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from auditkit import Audit
from auditkit.cli import app
from auditkit.hub.asking import Hub
from auditkit.hub.scopes import NEEDED
from auditkit.hub.taking import take
from auditkit.loading import load_policy
from auditkit.targets.access import Access

pytestmark = [pytest.mark.needs("jupyterhub", extra="test"), pytest.mark.timeout(300)]

READS = sorted({one for part in NEEDED.values() for one in part})
FORMULA = "=cmd|' c calc'!a0"
HOSTILE = ["<img src=x onerror=alert(1)>", FORMULA, "\x1b[31mred\x07"]
NOTE = "<script>alert(2)</script>"

CONFIG = """
import os, sys
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    "Nothing stands before the hub: it is asked on its own port."
    should_start = False
    async def add_route(self, routespec, target, data): ...
    async def delete_route(self, routespec): ...
    async def get_all_routes(self): return {}
    async def check_routes(self, *args, **options): ...

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.hub_ip = c.JupyterHub.ip = "127.0.0.1"
c.JupyterHub.hub_port, c.JupyterHub.port = PORTS
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.api_page_default_limit = c.JupyterHub.api_page_max_limit = 3  # so that there are pages
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.cmd = [sys.executable, os.path.abspath("server.py")]
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = ".*"
c.JupyterHub.load_groups = {"team": {"users": ["ada"]}, "chiefs": {"users": ["eve"]}}
c.JupyterHub.services = [{"name": name, "api_token": token} for name, token in TOKENS.items()]
c.JupyterHub.load_roles = [
    {"name": "reviewing", "scopes": READS, "services": ["review"]},
    {"name": "listing", "scopes": ["list:users"], "services": ["blind"]},
    {"name": "of-a-group", "scopes": [one + "!group=team" if "users" in one or "tokens" in one else one for one in READS], "services": ["partly"]},
    {"name": "culling", "scopes": ["list:users", "admin:servers"], "services": ["culler"]},
    {"name": "admin", "users": ["root"], "groups": ["chiefs"], "services": ["filler"]},
]
"""
SERVER = """
import http.server, os, urllib.parse
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
at = urllib.parse.urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
server, hub = http.server.HTTPServer((at.hostname, at.port), Answer), os.getppid()
server.timeout = 0.5
while os.getppid() == hub:  # it ends with the hub, however that ends
    server.handle_request()
"""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Running:
    """A hub, and the tokens of its services."""

    def __init__(self, port, tokens):
        self.url, self.tokens = f"http://127.0.0.1:{port}", tokens

    def ask(self, method, path, body=None, who="filler"):
        """Return what the API answers; for setting up, with the token of an administrator."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.tokens[who]}"}
        request = urllib.request.Request(f"{self.url}/hub/api{path}", data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
            said = reply.read()
        return json.loads(said) if said else None

    def seen_by(self, who, **options):
        return take(Hub(self.url, self.tokens[who]), **options)


def fill(hub):
    lately = datetime.now(UTC) - timedelta(days=10)
    hub.ask("POST", "/users", {"usernames": ["bob", "old", *HOSTILE]})
    hub.ask("POST", "/users/old/activity", {"last_activity": "2025-01-01T00:00:00Z"})
    hub.ask("POST", "/users/ada/activity", {"last_activity": lately.isoformat()})
    hub.ask("POST", "/users/ada/tokens", {"note": NOTE})
    hub.ask("POST", "/users/ada/tokens", {"note": "an hour", "expires_in": 3600})
    hub.ask("POST", "/users/eve/tokens", {"note": "wide", "scopes": ["admin:users"]})
    hub.ask("POST", "/users/bob/tokens", {"note": f"mine is {hub.tokens['review']}", "expires_in": 3600})
    hub.ask("POST", "/users/ada/server")
    hub.ask("POST", "/shares/ada/", {"user": "bob"})
    hub.ask("POST", "/shares/ada/", {"group": "team"})
    hub.ask("POST", "/share-codes/ada/", {"expires_in": 30 * 86_400})


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with accounts, groups, roles, services, tokens and shares; the only one of this module."""
    tokens = {name: secrets.token_hex(16) for name in ("review", "blind", "partly", "culler", "filler")}
    for again in (True, True, False):
        folder, ports = tmp_path_factory.mktemp("hub"), free_ports(2)
        hub = started(folder, ports, tokens)
        running = Running(ports[0], tokens)
        try:
            if not answers(running, hub):
                said = (folder / "log").read_text()[-3000:]
                assert again, said
                assert "in use" in said.lower(), said  # another test took the port in between
                continue
            fill(running)
            yield running
            return
        finally:
            ended(hub)


def started(folder, ports, tokens):
    head = f"c = get_config()\nPORTS = {tuple(ports)}\nTOKENS = {tokens}\nREADS = {READS}\n"
    (folder / "jupyterhub_config.py").write_text(head + CONFIG)
    (folder / "server.py").write_text(SERVER)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
            cwd=folder, stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )  # fmt: skip


def answers(running, hub):
    """Wait until the hub answers to its own tokens: whoever else has the port does not. Return False if it ended."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if hub.poll() is not None:
            return False
        try:
            running.ask("GET", "/user")
        except (OSError, ValueError, http.client.HTTPException):
            time.sleep(0.2)
        else:
            return True
    raise AssertionError("the hub did not answer in 120 s")


def ended(hub):
    """End the hub, and by it the server that it runs."""
    if hub.poll() is None:
        hub.send_signal(signal.SIGTERM)
    try:
        hub.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(hub.pid, signal.SIGKILL)
        hub.wait()


@pytest.fixture(scope="module")
def seen(hub):
    return hub.seen_by(
        "review", roles={"reviewing": tuple(READS), "culling": ("list:users", "admin:servers")}
    )


def judged(snapshot, **options):
    return Audit({"access": {}}, load_policy(None)).run(Access("hub", snapshot, **options))


def test_all_that_was_set_up_is_told(seen, hub):
    assert seen.hub == f"{hub.url}/hub/api"
    assert {one.name for one in seen.accounts} == {"root", "ada", "eve", "bob", "old", *HOSTILE}
    assert {one.name for one in seen.services} == set(hub.tokens)
    assert {one.name: one.members for one in seen.groups} == {"team": ("ada",), "chiefs": ("eve",)}
    assert seen.authenticator == "jupyterhub.auth.DummyAuthenticator"
    assert not seen.unseen(*NEEDED)
    assert seen.own == "review"
    shares = {(one.owner, one.kind, one.to) for one in seen.shares}
    assert {("ada", "user", "bob"), ("ada", "group", "team")} < shares
    assert [one.kind for one in seen.shares].count("code") == 1
    assert sorted(one.owner for one in seen.tokens) == ["ada", "ada", "ada", "bob", "eve"]


def test_its_faults_are_counted(seen):
    report = judged(seen)
    values = {m.metric: m.value for one in report.evidence for m in one.measurements}
    # root by the role, eve by the group; nobody but ada and old was ever active, and all were made just now
    assert values["hub_administrators"] == 2
    assert (values["stale_accounts"], values["never_used_accounts"]) == (1, 0)
    # ada's first and eve's; the one of ada's running server is the hub's own
    assert (values["tokens_without_expiry"], values["wide_tokens"], values["wide_tokens_without_expiry"]) == (
        2,
        1,
        1,
    )
    assert (values["wide_services"], values["wide_groups"], values["roles_of_unknown_scope"]) == (2, 1, 2)
    assert (values["server_shares"], values["group_shares"], values["long_share_links"]) == (2, 1, 1)
    assert (values["open_sign_in"], values["sign_in_without_provider"]) == (1, 1)
    assert report.verdict == "fail"
    later = Audit({"hub_accounts": {"new_days": 0}}).run(Access("hub", seen)).of("AK951")
    assert later.measurement("never_used_accounts").value == 6  # root, eve, bob and the hostile ones
    assert set(later.tables["accounts"].columns["account"]) >= {"root", "eve", "bob", "old", *HOSTILE}


def test_a_token_of_the_review_that_somebody_wrote_into_a_note_is_not_told(seen, hub):
    assert hub.tokens["review"] not in seen.text()
    assert "mine is [the review's token]" in {one.note for one in seen.tokens}


def test_what_a_token_may_not_read_is_undecided_with_the_scope_to_add(hub):
    report = judged(hub.seen_by("blind"))
    assert report.verdict == "undecided"
    assert not [one for one in report.findings if one.status == "pass" and one.check != "AK951"]
    told = " ".join(one.reason or "" for one in report.findings)
    for scope in READS:
        if scope != "list:users":
            assert scope in told, scope
    assert "Not seen" in report.subject["facts"]


def test_a_token_for_one_group_sees_a_part_and_the_report_says_so(hub):
    seen = hub.seen_by("partly")
    assert [one.name for one in seen.accounts] == ["ada"]
    assert (seen.seen("accounts"), seen.seen("tokens")) == ("part", "part")
    found = judged(seen).of("AK952")
    lasting = found.measurement("tokens_without_expiry")
    assert (lasting.value, lasting.bound) == (1, "lower")
    assert "list:users" in lasting.reason
    wide = found.measurement("wide_tokens")
    assert wide.value != wide.value  # nan: nothing was found in what was seen


def test_a_token_that_can_write_is_told(hub):
    facts = Access("hub", hub.seen_by("filler")).describe()["facts"]
    assert "can do more than read" in facts["The review's token"]
    assert Access("hub", hub.seen_by("review")).describe()["facts"]["The review's token"] == "only reads"


def test_the_review_changes_nothing_on_the_hub(hub):
    def told():
        users = hub.ask("GET", "/users")
        return {
            one["name"]: (one["roles"], one["groups"], one["admin"], one["last_activity"]) for one in users
        }

    before = told()
    hub.seen_by("review")
    assert told() == before


def test_a_wrong_token_is_refused_without_being_told(hub, tmp_path):
    file = tmp_path / "token"
    file.write_text("canary-4711-canary")
    file.chmod(0o600)
    done = CliRunner().invoke(
        app,
        [
            "access",
            "snapshot",
            "--hub",
            hub.url,
            "--token-file",
            str(file),
            "--out",
            str(tmp_path / "a.json"),
        ],
    )
    assert done.exit_code == 2
    assert "does not take the token" in done.output
    assert "canary" not in done.output
    assert not (tmp_path / "a.json").exists()


@pytest.mark.kernel
def test_a_review_from_the_command_line_leaves_no_token_and_nothing_that_runs(hub, tmp_path):
    file, out = tmp_path / "token", tmp_path / "review"
    file.write_text(hub.tokens["review"] + "\n")
    file.chmod(0o600)
    asked = ["access", "review", "--hub", hub.url, "--token-file", str(file), "--out", str(out)]
    done = CliRunner().invoke(app, [*asked, "-p", "hub_accounts__new_days=0"])
    assert done.exit_code == 1, done.output
    token = hub.tokens["review"]
    left = {one.name: one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert set(left) == {"access.toml", "report.html", "report.ipynb", "report.json", "snapshot.json"}
    assert [name for name, data in left.items() if token.encode() in data] == []
    assert token not in done.output
    page = left["report.html"].decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in page
    assert HOSTILE[0] not in page
    assert NOTE not in page
    assert "\x1b" not in page + done.output
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o700
        assert stat.S_IMODE((out / "snapshot.json").stat().st_mode) == 0o600
