"""Asking a hub: GET alone, the named address alone, a token that is told nowhere; and answers of any shape read or refused in words."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.data import make_hub
from auditkit.errors import AuditkitError, InputError, ToolError
from auditkit.hub.asking import Hub, Refused, api_address, token_of_env, token_of_file
from auditkit.hub.scopes import NEEDED
from auditkit.hub.snapshot import Snapshot, of_text
from auditkit.hub.taking import take

TOKEN = "canary-4711-canary"
SCOPES = sorted({one for part in NEEDED.values() for one in part})


@contextmanager
def served(answers, status=200, location="", seen=None, context=None):
    """A server of this test's own; `answers` gives the body for a path, or None for 404."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            if seen is not None:
                seen.append((self.command, self.path, self.headers.get("Authorization")))
            path = self.path.partition("?")[0].removeprefix("/hub/api")
            body = answers(path, self.path) if callable(answers) else answers.get(path)
            self.send_response(404 if body is None else status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.handle_error = lambda *_: None  # a client that hangs up is what some tests are about
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def spoken(answer):
    """A server that says what it likes, and what it heard: `answer` is bytes, or is given the connection."""
    heard, ended = [], threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def speak():
        while not ended.is_set():
            with suppress(OSError):
                client, _ = server.accept()
                with client:
                    heard.append(client.recv(65_536))
                    answer(client) if callable(answer) else client.sendall(answer)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    port = server.getsockname()[1]
    try:
        yield port, heard
    finally:
        ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
        thread.join(10)
        server.close()


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr("auditkit.hub.asking._WAITS", (0.0,))


def whole(**more):
    """Return the answers of a small hub."""
    found = {
        "/": {"version": "5.2.1"},
        "/user": {"name": "review", "kind": "service", "scopes": SCOPES},
        "/users": [{"name": "ada", "admin": True, "roles": ["admin"], "groups": [], "created": "2026-01-01T00:00:00Z", "last_activity": None}],
        "/groups": [{"name": "team", "roles": [], "users": ["ada"]}],
        "/services": {"review": {"name": "review", "admin": False, "roles": ["user"], "command": ["--secret", "hunter2"], "url": "http://u:hunter2@h"}},
        "/info": {"authenticator": {"class": "jupyterhub.auth.PAMAuthenticator"}, "spawner": {"class": "s.S"}},
        "/users/ada/tokens": {"api_tokens": [{"id": "a1", "scopes": ["read:users"], "note": "n", "created": "2026-01-01T00:00:00", "expires_at": None}]},
        "/shares/ada": {"items": [], "_pagination": {"next": None}},
        "/share-codes/ada": {"items": [], "_pagination": {"next": None}},
    }  # fmt: skip
    return {**found, **more}


def test_only_get_is_sent_to_the_named_address_and_no_secret_of_a_service_is_kept():
    seen = []
    with served(whole(), seen=seen) as url:
        found = take(Hub(url, TOKEN))
    assert {method for method, _, _ in seen} == {"GET"}
    assert {token for _, _, token in seen} == {f"token {TOKEN}"}
    assert [one.name for one in found.accounts] == ["ada"]
    assert found.tokens[0].owner == "ada"
    assert "hunter2" not in found.text()
    assert TOKEN not in found.text() + repr(Hub(url, TOKEN))
    assert (
        found.digest
        == of_text(found.text(), "x").digest
        == of_text(json.dumps(json.loads(found.text())), "x").digest
    )


def test_pages_are_followed_by_offset_and_never_by_the_addresses_that_are_named():
    def answers(path, asked):
        if path != "/users":
            return whole(
                **{f"/{kind}/u{i}{end}": None for kind, end in (("users", "/tokens"),) for i in range(5)}
            ).get(path)
        at = int(asked.partition("offset=")[2].partition("&")[0])
        following = None if at >= 4 else {"offset": at + 2, "url": "http://evil.example/hub/api/users"}
        return {
            "items": [{"name": f"u{i}", "last_activity": None} for i in range(at, min(at + 2, 5))],
            "_pagination": {"next": following},
        }

    seen = []
    with served(answers, seen=seen) as url:
        found = take(Hub(url, TOKEN))
    assert [one.name for one in found.accounts] == ["u0", "u1", "u2", "u3", "u4"]
    assert found.unread == ("u0", "u1", "u2", "u3", "u4")  # their tokens were answered with 404
    assert found.seen("tokens") == "part"


def test_a_list_without_an_end_is_refused():
    def endless(path, asked):
        at = int(asked.partition("offset=")[2].partition("&")[0] or 0)
        pages = {"items": [], "_pagination": {"next": {"offset": at + 1}}}
        return pages if path == "/users" else whole().get(path)

    with served(endless) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditkit.hub.asking._MOST_PAGES", 5)
        with pytest.raises(InputError, match="more than 5 pages"):
            take(Hub(url, TOKEN))
    stuck = {"items": [], "_pagination": {"next": {"offset": 0}}}
    with served(whole(**{"/users": stuck})) as url, pytest.raises(InputError, match="names no page after 0"):
        take(Hub(url, TOKEN))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_the_token_stays(status):
    other = []
    with (
        served(whole(), seen=other) as elsewhere,
        served({"/": {}}, status=status, location=f"{elsewhere}/hub/api/") as url,
        pytest.raises(InputError, match=rf"answers with a redirect \({status}\), which is not followed"),
    ):
        take(Hub(url, TOKEN))
    assert other == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://hub.example.org", "not sent unencrypted"),
        ("ftp://hub.example.org", "is an address such as"),
        ("https://u:hunter2@hub.example.org", "holds no user, password"),
        ("hub.example.org", "is an address such as"),
        ("https://hub.example.org/?a=b", "holds no user"),
        ("https://hub.example.org/\x1b[31m", "is an address such as"),
        ("https://hub.example.org:99999", "is an address such as"),
    ],
)
def test_an_address_that_would_give_the_token_away_is_refused(url, told):
    with pytest.raises(InputError, match=told) as refused:
        Hub(url, TOKEN)
    assert TOKEN not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "given_",
    [
        "https://h.org",
        "https://h.org/",
        "https://h.org/hub",
        "https://h.org/hub/api",
        "https://h.org/hub/api/",
    ],
)
def test_any_of_its_addresses_will_do(given_):
    assert api_address(given_) == "https://h.org/hub/api"


def test_the_hub_of_this_machine_is_not_asked_through_a_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with served(whole()) as url:
        assert take(Hub(url, TOKEN)).version == "5.2.1"


def test_a_proxy_of_the_environment_is_a_tunnel_and_is_never_told_the_token(monkeypatch):
    with spoken(b"HTTP/1.1 502 no\r\n\r\n") as (port, heard):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(ToolError, match="could not be asked"):
            Hub("https://hub.example.org", TOKEN).get("/")
    assert heard[0].startswith(b"CONNECT hub.example.org:443 ")
    assert TOKEN.encode() not in b"".join(heard)


@pytest.mark.parametrize(
    "answer",
    [
        f"{TOKEN} is what you sent\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{TOKEN}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        f"HTTP/1.1 200 OK\r\nX: {'a' * 70_000}\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + "X: a\r\n" * 200 + "\r\n",
        "HTTP/1.1 302 no\r\nLocation: http://[\r\n\r\n",
        "HTTP/1.1 302 no\r\nLocation: file:///etc/passwd\r\n\r\n",
        "",
    ],
)
def test_an_answer_that_is_no_http_is_an_error_in_words_without_the_token(answer, tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", TOKEN)
    with spoken(answer.encode()) as (port, _):
        asked = ["--hub", f"http://127.0.0.1:{port}", "--token-env", "A_TOKEN", "--out", str(tmp_path / "a")]
        done = CliRunner().invoke(app, ["access", "snapshot", *asked])
    assert done.exit_code in (2, 3)
    assert "Error: " in done.output
    assert TOKEN not in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP"])
def test_a_reply_that_trickles_ends(head):
    def trickle(client):
        with suppress(OSError):
            client.sendall(head)
            for _ in range(400):
                client.sendall(b" ")
                threading.Event().wait(0.02)

    with (
        spoken(trickle) as (port, _),
        pytest.raises(ToolError, match=r"took over 0\.5 s|could not be asked"),
    ):
        Hub(f"http://127.0.0.1:{port}", TOKEN, timeout=0.05).get("/")


def test_replies_are_bounded_one_by_one_and_together(monkeypatch):
    with served({"/a": ["x" * 600]}) as url:
        monkeypatch.setattr("auditkit.hub.asking._TOGETHER", 1_000)
        hub = Hub(url, TOKEN)
        hub.get("/a")
        with pytest.raises(InputError, match="longer than 1,000 bytes together"):
            hub.get("/a")
        monkeypatch.setattr("auditkit.hub.asking._LARGEST", 500)
        with pytest.raises(InputError, match="longer than 500 bytes"):
            Hub(url, TOKEN).get("/a")


def test_a_key_that_stands_twice_is_refused_in_an_answer_and_in_a_snapshot():
    twice = b'{"version": "5.2.1", "version": "9"}'
    with served({"/": twice}) as url, pytest.raises(InputError, match="a key twice"):
        take(Hub(url, TOKEN))
    with pytest.raises(InputError, match="a key twice"):
        of_text(make_hub().text().replace('"hub":', '"hub": "https://x.example",\n"hub":', 1), "file")


def test_a_list_that_loses_an_entry_while_it_is_read_is_read_again():
    names, reads = ["a", "b", "c", "d"], []

    def answers(path, asked):
        if path != "/users":
            return whole().get(path) if path in ("/", "/user", "/groups", "/services", "/info") else None
        at = int(asked.partition("offset=")[2].partition("&")[0])
        reads.append(at)
        if len(reads) == 2:
            names.remove("a")  # c slips to the page that was read
        page = [{"name": one, "last_activity": None} for one in names[at : at + 2]]
        following = {"offset": at + 2} if at + 2 < len(names) else None
        return {"items": page, "_pagination": {"total": len(names), "next": following}}

    with served(answers) as url:
        found = take(Hub(url, TOKEN))
    assert {one.name for one in found.accounts} == {"b", "c", "d"}
    assert reads == [0, 2, 0, 2]
    never = {"items": [], "_pagination": {"total": 3, "next": None}}
    with (
        served(whole(**{"/users": never})) as url,
        pytest.raises(InputError, match="has 3 entries and gave 0"),
    ):
        take(Hub(url, TOKEN))


def test_a_list_that_a_proxy_cut_off_is_refused():
    def answers(path, asked):
        at = int(asked.partition("offset=")[2].partition("&")[0] or 0)
        return [{"name": f"u{at}"}] if path == "/users" else whole().get(path)

    with served(answers) as url, pytest.raises(InputError, match="drop the header Accept"):
        take(Hub(url, TOKEN))


def test_what_the_scopes_would_show_and_the_hub_did_not_tell_is_not_seen():
    found = take(told(whole(**{"/users": [{"name": "ada"}], "/groups": [{"name": "g", "users": []}]})))
    assert {part for part in NEEDED if found.seen(part) != "all"} == {
        "activity",
        "roles of accounts",
        "groups",
    }
    assert take(told(whole())).unseen(*NEEDED) == ""


def test_what_may_be_the_token_itself_is_not_told_back(tmp_path):
    for option in ("--token-env", "--token-file"):
        asked = ["--hub", "https://h.org", option, "0f" * 32, "--out", str(tmp_path / "a")]
        done = CliRunner().invoke(app, ["access", "snapshot", *asked])
        assert done.exit_code == 2
        assert "0f" not in done.output


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_token_that_others_can_read_is_refused(tmp_path, mode):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    with pytest.raises(InputError, match="chmod 600") as refused:
        token_of_file(file)
    assert TOKEN not in str(refused.value)
    file.chmod(0o600)
    assert token_of_file(file) == TOKEN


@pytest.mark.parametrize("text", ["", "short", "two words", "a\nbcdefgh", "tök-tök-tök", "a" * 5_000])
def test_what_is_no_token_is_refused(tmp_path, monkeypatch, text):
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(InputError, match="holds no token"):
        token_of_file(file)
    monkeypatch.setenv("A_TOKEN", text or " ")
    with pytest.raises(InputError, match="holds no token"):
        token_of_env("A_TOKEN")
    with pytest.raises(InputError, match="is not set"):
        token_of_env("NO_SUCH_TOKEN")


def test_what_goes_wrong_is_told_without_the_token():
    echo = {"/": {"version": "5.0"}, "/user": f"no {TOKEN}".encode()}
    with served(echo) as url, pytest.raises(InputError, match="is no JSON") as refused:
        take(Hub(url, TOKEN))
    assert TOKEN not in str(refused.value)
    with served({"/": {"version": "1.5.0"}}) as url, pytest.raises(InputError, match=r"older than 2\.0"):
        take(Hub(url, TOKEN))
    with served({}) as url, pytest.raises(InputError, match="expected the address of a JupyterHub"):
        take(Hub(url, TOKEN))
    with served({"/": {}}, status=500) as url, pytest.raises(ToolError, match="with status 500"):
        take(Hub(url, TOKEN))
    with pytest.raises(ToolError, match="the connection was refused"):
        take(Hub(url, TOKEN))  # nobody listens there any more
    assert Refused(403, "/users").status == 403


@pytest.mark.needs("cryptography", extra="evidence")
def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_token_is_sent(tmp_path, monkeypatch):
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub.example.org")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    made = made.serial_number(1).not_valid_before(datetime.now(UTC) - timedelta(days=1))
    made = made.not_valid_after(datetime.now(UTC) + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "pair.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    seen = []
    with (
        served(whole(), seen=seen, context=context) as url,
        pytest.raises(ToolError, match="its certificate is not one that"),
    ):
        take(Hub(url.replace("http://", "https://"), TOKEN))
    assert seen == []
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pair.pem"))  # now this machine trusts it
    with served(whole(), context=context) as url:
        assert take(Hub(url.replace("http://", "https://"), TOKEN)).version == "5.2.1"
        with pytest.raises(ToolError, match="its certificate is not one that"):  # it is of another name
            take(Hub(url.replace("http://127.0.0.1", "https://localhost"), TOKEN))


def test_an_old_hub_without_shares_is_said():
    seen = []
    with served(whole(**{"/": {"version": "4.1.6"}}), seen=seen) as url:
        found = take(Hub(url, TOKEN))
    assert not found.has_shares
    assert not [path for _, path, _ in seen if "share" in path]


def test_the_command_writes_a_snapshot_for_its_owner_and_tells_no_token(tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", TOKEN)
    place = tmp_path / "hub.json"
    scopes = [one for one in SCOPES if one != "read:shares"] + ["tokens"]
    note = {"api_tokens": [{"id": "a1", "note": TOKEN, "scopes": []}]}
    answers = whole(**{"/user": {"scopes": scopes}, "/users/ada/tokens": note})
    with served(answers) as url:
        asked = ["access", "snapshot", "--hub", url, "--token-env", "A_TOKEN", "--out", str(place)]
        done = CliRunner().invoke(app, asked)
        again = CliRunner().invoke(app, asked)
        as_json = CliRunner().invoke(app, [*asked[:-1], str(tmp_path / "b.json"), "--json"])
    assert done.exit_code == 0, done.output
    assert "1 account, 1 group, 1 service, 1 token, 0 shares" in done.output
    assert "shares were seen not at all: give the review's token the scope read:shares" in done.output
    assert "can do more than read (tokens)" in done.output
    assert TOKEN not in done.output + place.read_text() + as_json.output
    assert place.stat().st_mode & 0o077 == 0
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert json.loads(as_json.stdout)["token_can_also"] == ["tokens"]


def test_the_kernel_that_makes_the_report_has_no_token(tmp_path, monkeypatch):
    def ran(*_, **__):
        raise InputError(f"it has {os.environ.get('A_TOKEN')}")

    monkeypatch.setenv("A_TOKEN", TOKEN)
    monkeypatch.setattr("auditkit.cli.running.ran", ran)
    with served(whole()) as url:
        asked = ["access", "review", "--hub", url, "--token-env", "A_TOKEN", "--out", str(tmp_path / "r")]
        done = CliRunner().invoke(app, asked)
    assert "Error: it has None" in done.output


def test_the_command_wants_one_token_and_one_source(tmp_path):
    for words, told in (
        (["snapshot", "--hub", "https://h.org"], "one of --token-file FILE and --token-env NAME"),
        (["review"], "give one of --hub URL"),
    ):
        done = CliRunner().invoke(app, ["access", *words, "--out", str(tmp_path / "x")])
        assert done.exit_code == 2
        assert told in done.output


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=3),
    max_leaves=6,
)
PLACES = [
    ("/users", 0, key) for key in ("name", "admin", "roles", "groups", "created", "last_activity")
] + [("/groups", 0, key) for key in ("name", "roles", "users")] + [("/services", "review", key) for key in ("name", "admin", "roles")] + [
    ("/info", "authenticator", "class"), ("/users/ada/tokens", "api_tokens", 0), ("/shares/ada", "items", 0), ("/share-codes/ada", "items", 0),
]  # fmt: skip


class Told(Hub):
    """A hub whose answers are at hand."""

    def get(self, path, **_):
        if path not in self.answers:
            raise Refused(404, path)
        return self.answers[path]


def told(answers):
    made = Told("http://127.0.0.1", TOKEN)
    object.__setattr__(made, "answers", answers)
    return made


@settings(max_examples=150)
@given(st.sampled_from([*whole(), *PLACES]), VALUES, st.booleans())
def test_any_answer_is_read_or_refused_in_words_and_never_echoed(place, value, gone):
    answers = json.loads(json.dumps(whole()))
    if isinstance(place, str):
        answers[place] = value
    else:
        path, first, last = place
        holder = answers[path][first]
        if isinstance(holder, list):
            holder[:] = [value]
        elif gone:
            holder.pop(last, None)
        else:
            holder[last] = value
    try:
        found = take(told(answers))
    except AuditkitError as refused:
        said = str(refused)
    else:
        said = "" if of_text(found.text(), "again") == found else "another"
    assert said != "another"
    assert len(said) < 400


@settings(max_examples=150)
@given(st.sampled_from([*make_hub().to_dict(), "more"]), VALUES)
def test_any_snapshot_file_is_read_or_refused_in_words(key, value):
    data = make_hub().to_dict() | {key: value}
    with suppress(InputError):  # anything else is a mistake of auditkit's own
        assert isinstance(Snapshot.from_dict(data), Snapshot)


@given(st.text(max_size=200))
def test_any_text_is_a_snapshot_or_refused(text):
    with pytest.raises(InputError):
        of_text(text, "file")


def test_a_note_of_any_length_keeps_no_hub_from_being_read():
    long = {"api_tokens": [{"id": "a1", "note": "x" * 100_000 + "\ud800", "scopes": []}]}
    found = take(told(whole(**{"/users/ada/tokens": long})))
    assert len(found.tokens[0].note) == 500
