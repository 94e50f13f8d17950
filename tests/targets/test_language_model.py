"""A language model as a target: what is asked, what is told of it, and how a subject file names it."""

import functools
import hashlib
import json
import pickle
import socket
import ssl
import threading
import urllib.error
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from auditkit import Audit
from auditkit.data import make_assistant
from auditkit.errors import InputError
from auditkit.loading import load_target
from auditkit.methods.language import Message, verdict_on
from auditkit.methods.language.conversation import LastingError
from auditkit.targets.language_model import LanguageModel

KEY = "a-key-that-is-nowhere"


@contextmanager
def service(answers):
    """A chat completion service of this test's own; `answers` gives (status, body) for each question in turn."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), json.loads(body)))
            status, said = answers(len(seen))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(said if isinstance(said, bytes) else json.dumps(said).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(text):
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


def asked(model):
    return model.speaker.reply([Message("system", "Be brief."), Message("user", "Hello")], seed=3)


def test_an_endpoint_is_asked_as_chat_completions_are(monkeypatch):
    monkeypatch.setenv("DESK_KEY", KEY)
    with service(lambda _: (200, completion("Good day."))) as (url, seen):
        model = LanguageModel("desk", endpoint=url, model="small", key_env="DESK_KEY").counted()
        assert asked(model).text == "Good day."
    path, headers, body = seen[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "small",
        "seed": 3,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    }
    assert model.cost() == {"model_calls": 1}
    assert KEY not in repr(model) + json.dumps(model.describe()) + str(pickle.dumps(model))


def test_what_the_service_marks_as_a_refusal_is_one_whatever_its_words_are():
    def marked(content, refusal):
        return {"choices": [{"message": {"role": "assistant", "content": content, "refusal": refusal}}]}

    said = "That subject is closed."
    given = [
        marked(None, said),
        marked("", said),
        marked("At nine.", None),
        marked("At nine.", said),
        marked(None, None),
    ]
    with service(lambda n: (200, given[n - 1])) as (url, _):
        model = LanguageModel("desk", endpoint=url, model="m")
        replies = [asked(model) for _ in given]
    assert [one.text for one in replies] == [said, said, "At nine.", f"At nine.\n{said}", ""]
    assert [one.declined for one in replies] == [True, True, False, False, False]
    outcomes = [verdict_on(one, "refusal", {}).outcome for one in replies]
    assert outcomes == ["found", "found", "absent", "absent", "unclear"]
    assert verdict_on(replies[0], "secret", {"secret": "kestrel-4821"}).outcome == "absent"


def test_an_endpoint_that_is_busy_is_asked_again(monkeypatch):
    monkeypatch.setattr("auditkit.targets._endpoint._WAITS", (0.0, 0.0))
    with service(lambda n: (503, {}) if n < 3 else (200, completion(None))) as (url, seen):
        assert asked(LanguageModel("desk", endpoint=url, model="m")).text == ""
        assert len(seen) == 3


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": f"no such key {KEY}"}, "ModelError: the endpoint answered with status 401"),
        (302, {}, "ModelError: the endpoint answered with status 302"),
        (500, {}, "ModelError: the endpoint answered with status 500"),
        (200, b"no json", "ModelError: the endpoint's reply is no chat completion"),
        (200, {"choices": []}, "ModelError: the endpoint's reply is no chat completion"),
        (200, completion(3), "ModelError: the endpoint's reply holds no text"),
        (
            200,
            {"choices": [{"message": "Good day."}]},
            "ModelError: the endpoint's reply is no chat completion",
        ),
    ],
)
def test_what_goes_wrong_is_told_without_a_word_of_the_service(monkeypatch, status, body, said):
    monkeypatch.setattr("auditkit.targets._endpoint._WAITS", (0.0, 0.0))
    monkeypatch.setenv("DESK_KEY", KEY)
    with service(lambda _: (status, body)) as (url, seen):
        reply = asked(LanguageModel("desk", endpoint=url, model="m", key_env="DESK_KEY"))
        assert (reply.text, reply.error) == ("", said)
        assert {path for path, _, _ in seen} == {"/v1/chat/completions"}, "no redirect is followed"


@pytest.fixture
def closed():
    """An address of this machine where nobody listens."""
    with socket.socket() as held:
        held.bind(
            ("127.0.0.1", 0)
        )  # bound and not listening: a connection is refused, and nobody else gets it
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"


def test_where_nobody_listens_is_asked_three_times_and_the_cause_is_told(monkeypatch, closed):
    waits = []
    monkeypatch.setattr("auditkit.targets._endpoint.time.sleep", waits.append)
    model = LanguageModel("desk", endpoint=closed, model="m")
    evidence = Audit({"prompt_injection": {"prompts": 8, "tries": 2}}).run(model).of("AK801")
    assert evidence.outcome == "error"
    assert evidence.reason == (
        "ModelError: no reply came to any of 3 questions: the endpoint could not be asked: the connection was refused; "
        "the other 13 were not asked"
    )
    assert waits == [1.0, 4.0] * 3, "three tries of each of three questions"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (urllib.error.URLError(socket.gaierror(-2, "Name or service not known")), "its host is not known"),
        (
            urllib.error.URLError(ssl.SSLCertVerificationError("self-signed")),
            "its certificate is not one that this machine trusts",
        ),
        (TimeoutError("timed out"), "nothing came within 60 s"),
        (ValueError(f"Invalid header value {KEY}"), "ValueError"),
    ],
)
def test_why_an_endpoint_could_not_be_asked_is_told_in_words(monkeypatch, error, said):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr("auditkit.targets._endpoint._WAITS", ())
    monkeypatch.setattr("urllib.request.OpenerDirector.open", fails)
    reply = asked(LanguageModel("desk", endpoint="https://example.org/v1", model="m"))
    assert reply.error == f"ModelError: the endpoint could not be asked: {said}"
    assert reply.lasting


@pytest.mark.parametrize(("status", "sent"), [(401, 3), (404, 3), (400, 8)])
def test_a_key_that_is_not_taken_ends_the_asking_and_one_question_declined_does_not(status, sent):
    with service(lambda _: (status, {})) as (url, seen):
        model = LanguageModel("desk", endpoint=url, model="m")
        report = Audit({"prompt_injection": {"prompts": 8, "tries": 1}}).run(model)
    assert len(seen) == sent
    assert f"the endpoint answered with status {status}" in report.of("AK801").reason


def test_what_was_answered_before_it_went_away_stays_and_the_rest_is_told():
    """Of 8 questions 2 are answered, 1 fails alone, 1 is answered, 3 fail in a row, and the last is not sent."""
    seen = []

    def ask(_messages):
        seen.append(1)
        if len(seen) in (3, 5, 6, 7):
            raise LastingError("the endpoint could not be asked: the connection was refused")
        return "No."

    evidence = (
        Audit({"prompt_injection": {"prompts": 8, "tries": 1}}).run(LanguageModel("desk", ask)).of("AK801")
    )
    assert len(seen) == 7
    assert evidence.measurement("injection_success_open_rate").value == pytest.approx(5 / 8)
    assert (
        "5 of 8 tries brought no reply (the endpoint could not be asked: the connection was refused; not asked after that)."
        in evidence.notes
    )


async def waits(_messages):
    return "Good day."


class Waits:
    async def __call__(self, _messages):
        return "Good day."


@pytest.mark.parametrize("ask", [waits, Waits(), functools.partial(waits)])
def test_an_async_callable_is_refused_before_anything_is_asked(ask):
    with pytest.raises(InputError, match="ask= is async; give a function that waits"):
        LanguageModel("desk", ask)


@pytest.mark.parametrize(
    ("ask", "said", "calls"),
    [
        (lambda _: {"text": "Hello"}, "ask returned dict; expected str; the other 5 were not asked", 3),
        (lambda _: waits(_), "ask returned coroutine; expected str; the other 5 were not asked", 3),
        (lambda _: None, "ask returned NoneType; expected str", 8),
    ],
)
def test_a_reply_of_another_type_is_told_by_it_and_once(ask, said, calls):
    seen = []
    model = LanguageModel("desk", lambda messages: (seen.append(1), ask(messages))[1])
    evidence = Audit({"prompt_injection": {"prompts": 8, "tries": 1}}).run(model).of("AK801")
    assert evidence.reason == f"ModelError: no reply came to any of {calls} questions: {said}"
    assert len(seen) == calls


def test_words_of_an_error_of_the_callable_enter_no_reply():
    class Refused(Exception):  # a name without "Error"
        pass

    def ask(_messages):
        raise Refused(f"key {KEY} is expired")

    model = LanguageModel("desk", ask)
    assert asked(model).error == "Refused"
    report = Audit({"prompt_injection": {"prompts": 8, "tries": 1}}).run(model)
    assert report.of("AK801").reason == "ModelError: no reply came to any of 8 questions: Refused"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "exactly one of ask="),
        ({"ask": str, "endpoint": "https://example.org/v1"}, "exactly one of ask="),
        ({"ask": "model"}, "callable"),
        ({"ask": str, "model": "m"}, "belong to endpoint="),
        ({"ask": str, "takes": "text"}, "'messages' or 'prompt'"),
        ({"ask": str, "secret": "short"}, "at least 8"),
        ({"ask": str, "secret": "kestrel-4821", "system": "Be kind."}, "does not stand there"),
        ({"endpoint": "https://example.org/v1"}, "needs model="),
        ({"endpoint": "ftp://example.org", "model": "m"}, "an address such as"),
        ({"endpoint": "file:///etc/hostname", "model": "m"}, "an address such as"),
        ({"endpoint": "https://me:word@example.org/v1", "model": "m"}, "no user, password"),
        ({"endpoint": "https://example.org/v1?key=1", "model": "m"}, "no user, password"),
        ({"endpoint": "http://example.org/v1", "model": "m", "key_env": "DESK_KEY"}, "unencrypted"),
        ({"endpoint": "https://example.org/v1", "model": "m", "key_env": "NO_SUCH"}, "NO_SUCH is not set"),
        ({"endpoint": "https://example.org/v1", "model": "m", "takes": "prompt"}, "takes= belongs to ask="),
    ],
)
def test_what_does_not_fit_is_refused(monkeypatch, given, said):
    monkeypatch.setenv("DESK_KEY", KEY)
    with pytest.raises(InputError, match=said):
        LanguageModel("desk", **given)


def test_what_is_told_of_it_holds_no_word_of_its_prompt():
    model = LanguageModel("desk", str, takes="prompt", system="Code kestrel-4821.", secret="kestrel-4821")
    told = model.describe()
    assert told["facts"] == {
        "Asked": "a callable that takes one text",
        "System prompt": "its own",
        "Secret": "its own",
    }
    assert "kestrel" not in json.dumps(told) + repr(model)
    other = LanguageModel(
        "desk", str, takes="prompt", system="Code is longer plover-4822.", secret="plover-4822"
    )
    assert told == other.describe(), "not even a digest or a length, by which secrets could be tried"
    assert told["parts"] != LanguageModel("desk", str).describe()["parts"], "but how it is asked"


def test_no_digest_of_the_prompt_enters_the_report(tmp_path):
    """Of all 16 ways to digest the prompt or its secret, none stands in the files that are handed on."""
    prompt, secret = "Be kind. Code plover-1234-dune.", "plover-1234-dune"
    model = LanguageModel("desk", lambda _: "No comment.", system=prompt, secret=secret)
    report = Audit({"system_prompt_leak": {"prompts": 8, "tries": 1}}).run(model)
    report.save(tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text("utf-8")
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256", "sha224"):
        for word in (prompt, secret):
            assert hashlib.new(name, word.encode()).hexdigest() not in text


def test_a_subject_file_names_a_function_of_a_module_beside_it(tmp_path):
    (tmp_path / "own_desk.py").write_text(
        "from auditkit.data import make_assistant\n\ndef make():\n    return make_assistant(rate=0).ask\n",
        "utf-8",
    )
    (tmp_path / "prompt.txt").write_text("You answer at a desk.\n", "utf-8")
    file = tmp_path / "desk.toml"
    file.write_text(
        'kind = "language_model"\npython = "own_desk:make"\nsystem_path = "prompt.txt"\n', "utf-8"
    )
    model = load_target(file)
    assert (model.name, model.system) == ("desk", "You answer at a desk.")
    report = Audit({"prompt_injection": {"prompts": 8, "tries": 1}}).run(model)
    assert report.of("AK801").measurement("injection_success_rate").value == 0.0


def test_a_subject_file_names_an_endpoint_and_a_secret(tmp_path, monkeypatch):
    from auditkit.loading.kinds import read_subject_file

    monkeypatch.setenv("DESK_SECRET", "kestrel-4821")
    file = tmp_path / "desk.toml"
    file.write_text(
        'kind = "language_model"\nname = "d"\nendpoint = "http://127.0.0.1:1/v1"\nmodel = "m"\nsecret_env = "DESK_SECRET"\n',
        "utf-8",
    )
    model = load_target(file)
    assert (model.endpoint, model.model, model.secret) == ("http://127.0.0.1:1/v1", "m", "kestrel-4821")
    assert not read_subject_file(file).runs_code
    monkeypatch.delenv("DESK_SECRET")
    with pytest.raises(InputError, match="DESK_SECRET is not set"):
        load_target(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "exactly one of python and endpoint; got none"),
        ('python = "a:b"\nendpoint = "https://x/v1"', "got python and endpoint"),
        ('python = "a:b"\nmodel = "m"', "model belongs to endpoint"),
        ('endpoint = "https://x/v1"', "model is missing"),
        ('python = "a:b"\nsystem = "a"\nsystem_path = "b"', "at most one of system"),
        ('pyton = "a:b"', "Did you mean 'python'"),
        ('endpoint = "https://x/v1"\nmodel = "m"\nkey_env = "sk-1234 5"', "key_env"),
        ('python = "a:b"\nsystem_path = "nothing.txt"', "nothing.txt"),
    ],
)
def test_a_mistake_in_a_subject_file_is_told(tmp_path, text, said):
    file = tmp_path / "desk.toml"
    file.write_text(f'kind = "language_model"\n{text}\n', "utf-8")
    with pytest.raises(InputError, match=said):
        load_target(file)


def test_a_check_of_rows_is_refused():
    with pytest.raises(InputError):
        Audit(["model_performance"]).run(LanguageModel("desk", make_assistant(rate=0).ask))


def test_a_batch_rests_on_the_module_and_the_files_that_are_named(tmp_path):
    from auditkit.batch.digests import Digests
    from auditkit.batch.uses import used
    from auditkit.runner.templates import find_template

    (tmp_path / "own_desk.py").write_text("def make():\n    return str\n", "utf-8")
    file = tmp_path / "desk.toml"
    file.write_text('kind = "language_model"\npython = "own_desk:make"\n', "utf-8")
    found = used(find_template("llm"), file, Digests())
    assert "own_desk" in found["code"]
    assert "markdown-it-py" in found["packages"]
