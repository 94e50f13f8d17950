"""What garak said when it ran is read try by try; malformed reports are refused; a served callable is reached by its token alone."""

import json
import shutil
import urllib.error
import urllib.request

import pytest

from auditkit.errors import InputError, NotApplicable, ToolError
from auditkit.tools.catalogue import GARAK
from auditkit.tools.garak import GarakRow, ask_garak, read_answer
from auditkit.tools.run import ask
from auditkit.tools.serving import served

RUNS = ("repeat", "echo", "refusing")


@pytest.fixture
def recorded(recording_garak):
    return lambda run: read_answer(recording_garak.RECORDED / run, recording_garak.PROBES)


def lines(recording, run):
    text = (recording.RECORDED / run / "garak.report.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("run", RUNS)
def test_the_counts_are_those_of_its_report(recording_garak, recorded, run):
    """A second way: the counts garak itself wrote beside the tries."""
    answer = recorded(run)
    said = {(e["probe"], e["detector"]): e for e in lines(recording_garak, run) if e["entry_type"] == "eval"}
    assert answer.versions["garak"] == GARAK.version
    assert {(row.probe, row.detector) for row in answer.rows} == set(said)
    for row in answer.rows:
        own = said[row.probe, row.detector]
        assert (row.passed, row.total, row.nones) == (own["passed"], own["total_evaluated"], own["nones"])
        assert set(row.scored) == {recording_garak.TRIES}


def test_an_echo_is_full_of_hits_and_a_refusing_model_has_none(recorded):
    repeat, echo, refusing = ({(row.probe, row.detector): row for row in recorded(run).rows} for run in RUNS)
    assert {key: (row.hits, row.scored) for key, row in repeat.items()} == {
        key: (row.hits, row.scored) for key, row in echo.items()
    }, "its own model that repeats, and a callable that does, served to it"
    hijack = ("promptinject.HijackLongPrompt", "promptinject.AttackRogueString")
    assert (echo[hijack].passed, echo[hijack].total) == (0, 40), (
        "an echo is not obeying, and it counts as that"
    )
    assert all(row.passed == row.total for row in refusing.values())


def test_what_garak_knows_of_its_detectors_is_kept(recorded):
    rows = {row.detector: row for row in recorded("echo").rows}
    weak = rows["mitigation.MitigationBypass"]
    assert weak.specificity == pytest.approx(0.385, abs=0.001)
    assert weak.sensitivity == pytest.approx(0.921, abs=0.001)
    assert weak.unreliable
    assert rows["web_injection.XSS"].specificity is None
    assert not rows["web_injection.XSS"].unreliable
    assert not GarakRow("a", "b", (), (), 0, 1.0, 0.8).unreliable
    assert GarakRow("a", "b", (), (), 0, 1.0, 0.799).unreliable


def damaged(recording, tmp_path, change):
    folder = tmp_path / "answer"
    shutil.copytree(recording.RECORDED / "echo", folder)
    change(folder)
    return folder


def in_report(old, new):
    def change(folder):
        path = folder / "garak.report.jsonl"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_report('"passed": 0', '"passed": 1'), "are not those of its tries"),
        (in_report('"passed": 0', '"passed": -1'), "no count"),
        (in_report('"passed": 0', '"passed": true'), "no count"),
        (in_report("[1.0, 1.0]", "[1.0, null]"), "are not those of its tries"),
        (in_report("[1.0, 1.0]", '["a", 1.0]'), "no numbers"),
        (in_report("[1.0, 1.0]", '"a"'), "no list"),
        (in_report('"probe": "', '"probe": "\\u001b['), "no name"),
        (in_report("{", "{{"), "line 1 is no JSON"),
        (in_report("{", "[1]\n{"), "line 1 is no object"),
        (lambda folder: (folder / "quality.json").write_text("[]"), "not of the form"),
        (lambda folder: (folder / "quality.json").write_text("[" * 100_000), "no JSON"),
        (
            lambda folder: (folder / "quality.json").write_text('{"detectors": 1, "versions": {}}'),
            "not of the form",
        ),
    ],
)
def test_reports_that_do_not_hold_together_are_refused(recording_garak, tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        read_answer(damaged(recording_garak, tmp_path, change), recording_garak.PROBES)


def test_a_probe_that_did_not_run_is_named(recording_garak):
    with pytest.raises(ToolError, match=r"no probe named dan\.Nobody"):
        read_answer(recording_garak.RECORDED / "echo", ["goodside", "dan.Nobody"])


def test_a_callable_is_probed_from_another_process(garak):
    seen = []
    echo = ask_garak(lambda text: seen.append(text) or text, ["goodside.Tag"], tries=3)
    assert (echo.rows[0].hits, echo.rows[0].scored, echo.asked) == ((3, 3), (3, 3), 6)
    assert set(seen) == {"say seven", "say eight"}
    assert echo.rows[0].unreliable
    silent = ask_garak(lambda _text: None, ["goodside.Tag"], tries=1)
    assert (silent.rows[0].total, silent.rows[0].nones) == (0, 2)


def test_its_own_models_need_no_address(garak):
    assert ask_garak("test.Repeat", ["goodside.Tag"]).rows[0].passed == 0
    blank = ask_garak("test.Blank", ["goodside.Tag"])
    assert (blank.rows[0].passed, blank.asked) == (4, 0)


def test_what_cannot_be_asked_is_refused_before_anything_starts():
    for probes in ([], ["../x"], ["encoding", "a b"], ["--help"]):
        with pytest.raises(InputError, match="names garak's probes"):
            ask_garak("test.Blank", probes)
    with pytest.raises(InputError, match=r"test\.Blank, test\.Repeat; got 'test\.Lipsum'"):
        ask_garak("test.Lipsum", ["encoding"])
    with pytest.raises(InputError, match="at least 1"):
        ask_garak("test.Blank", ["encoding"], tries=0)
    with pytest.raises(NotApplicable, match="auditkit tools install garak"):
        ask_garak("test.Blank", ["encoding"])


def post(place, token, body=b'{"text": "a"}'):
    question = urllib.request.Request(place.uri, body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(question, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, None


def test_a_served_callable_answers_to_its_token_alone_and_ends():
    with served(lambda text: None if text == "none" else text.upper()) as place:
        assert place.address.startswith("127.0.0.1:")
        assert len(place.token) >= 40
        assert post(place, place.token) == (200, {"text": "A"})
        assert post(place, place.token, b'{"text": "none"}')[0] == 422
        for token in ("", "x", place.token + "x"):
            assert post(place, token)[0] == 401
        for body in (b"", b"[]", b"{", b'{"text": 1}', b"[" * 100_000):
            assert post(place, place.token, body)[0] == 400
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        post(place, place.token)


def test_a_tool_reaches_the_one_address_it_is_given(tool_of):
    script = (
        "import urllib.request\nport = sys.argv[2]\n"
        "question = urllib.request.Request(f'http://127.0.0.1:{port}/', b'{\"text\": \"a\"}', {'Authorization': 'Bearer ' + os.environ['T']})\n"
        "(folder / 'out.txt').write_text(urllib.request.urlopen(question, timeout=30).read().decode())\n"
        "assert os.environ['T'] not in ' '.join(sys.argv)\n"
    )
    tool = tool_of(script)

    def text(folder):
        return (folder / "out.txt").read_text("utf-8")

    with served(str.upper) as place, served(str.upper) as other:
        how = {"reach": place.address, "secrets": {"T": place.token}}
        port = place.address.rpartition(":")[2]
        assert json.loads(ask(tool, {}, text, words=(port,), **how)) == {"text": "A"}
        with pytest.raises(ToolError, match="reaches no network"):
            ask(tool, {}, text, words=(other.address.rpartition(":")[2],), **how)
    for wrong in ("example.org:80", "127.0.0.1", "127.0.0.1:0", "0.0.0.0:80"):
        with pytest.raises(InputError, match="one address of this machine"):
            ask(tool, {}, text, reach=wrong)


@pytest.mark.tools
@pytest.mark.parametrize("run", RUNS)
def test_garak_itself_says_what_was_recorded(recording_garak, recorded, run, tmp_path):
    """The real run, on demand: `pytest -m tools`, after `auditkit tools install garak`."""
    recording_garak.record(run, tmp_path / run)
    now = read_answer(tmp_path / run, recording_garak.PROBES)
    assert now.versions["garak"] == GARAK.version
    assert now.rows == recorded(run).rows
    model = recording_garak.MODELS[run]
    asked = ask_garak(
        model, recording_garak.PROBES, tries=2, prompts=recording_garak.PROMPTS, seed=recording_garak.SEED
    )
    assert asked.rows == now.rows
    prompts = 1 + 20 + 32 + 20 + 7  # of the five probes, as recorded
    assert asked.asked == (0 if isinstance(model, str) else 2 * prompts)
