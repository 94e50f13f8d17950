"""AK601: a hostile file fails, an honest one passes, and what is told of either is what the reader found."""

import html
import io
import json
import pickle
import zipfile
from dataclasses import replace

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from auditkit import Audit, load_policy
from auditkit.batch.concerns import concerns, fact_of
from auditkit.cli.output import _facts
from auditkit.errors import InputError
from auditkit.evidence import Interval
from auditkit.loading import load_target
from auditkit.render._found import found
from auditkit.targets.artifact import ModelFile

OWN = pickle.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
HOSTILE = b"cposix\nsystem\n(S'true'\ntR."


def run(data, **options):
    return Audit({"model_file": options} if options else ["model_file"], load_policy(None)).run(
        ModelFile("file", data)
    )


def values(report):
    return {one.metric: one.value for one in report.of("AK601").measurements}


def test_an_honest_file_passes():
    report = run(OWN)
    assert report.verdict == "pass"
    found = values(report)
    assert (found["file_refusals"], found["unlisted_names"]) == (0, 0)
    named = set()

    class Asked(pickle.Unpickler):  # a second way
        def find_class(self, module, name):
            named.add((module, name))
            return super().find_class(module, name)

    Asked(io.BytesIO(OWN)).load()
    assert found["asked_names"] == len(named)


def test_a_hostile_file_fails_and_is_told_by_name():
    report = run(HOSTILE)
    assert report.verdict == "fail"
    assert values(report) == {"file_refusals": 1, "unlisted_names": 1, "asked_names": 1}
    assert (
        report.of("AK601").measurement("file_refusals").reason
        == "[pickle-global] it asks for posix.system, and calls it"
    )
    names = report.of("AK601").tables["names"].columns
    assert (names["name"], names["called"], names["listed"]) == (("posix.system",), ("yes",), ("no",))
    assert [f.severity for f in report.findings if f.status == "fail"] == ["critical"]


def test_one_sentence_says_what_was_found():
    says = run(HOSTILE).of("AK601").says
    assert says == "model (pickle) is refused: it asks for posix.system, and calls it."
    assert "asks for listed names alone; auditkit would open it" in run(OWN).of("AK601").says
    tables = run(HOSTILE).of("AK601").tables
    assert tables["refusals"].summary == "1 reason to refuse it."
    assert tables["names"].summary == "1 name in its parts, 1 shown; not on the list: 1 different one."
    assert tables["parts"].summary == "1 part, 1 shown."
    many = b"".join(b"cposix\nf%d\n" % at for at in range(9)) + b"."
    assert "posix.f0" in (said := run(many).of("AK601").says)
    assert "posix.f8" not in said
    assert run(many).of("AK601").tables["names"].summary.startswith("9 names in its parts, 9 shown")
    assert said.endswith(" more.")
    assert len(said) < 300


def whole(*names, before=b""):
    """A PyTorch file whose pickle asks for these names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("m/data.pkl", before + b"".join(b"c%s\n0" % name for name in names) + b"N.")
        archive.writestr("m/version", "3\n")
    return stream.getvalue()


LAYER = b"torch.nn.modules.linear\nLinear"


@pytest.mark.parametrize(
    ("file", "data", "says"),
    [
        ("evil.joblib", b"".join(b"cmine\nA%d\n0" % at for at in range(9)) + HOSTILE, "evil.joblib (pickle) is refused: it asks for posix.system, mine.A0"),
        ("two.pkl", b"cmine\nA\n." + HOSTILE, "two.pkl (pickle) is refused: it asks for posix.system, and calls it; it asks for mine.A"),
        ("m\n::error::<b>.pkl", HOSTILE, r"m\n::error::<b>.pkl (pickle) is refused: it asks for posix.system"),
        ("whole.pt", whole(LAYER, b"net\nNet"), "whole.pt is refused: a whole PyTorch module, which runs code when it is opened; ask for its state_dict."),
        ("own.pt", whole(b"torch._utils\n_rebuild_parameter", b"net\nNet"), "own.pt is refused: a whole PyTorch module"),
        ("evil.pt", whole(LAYER, b"posix\nsystem"), "evil.pt (a PyTorch file) is refused: it asks for posix.system"),
        ("other.pt", whole(b"net\nNet"), "other.pt (a PyTorch file) is refused: it asks for net.Net"),
        ("weights.pt", whole(b"torch._utils\n_rebuild_tensor_v2"), "The file (PyTorch weights) asks for listed names alone"),
    ],
)  # fmt: skip
def test_the_worst_that_was_found_is_named_first_with_the_file(file, data, says):
    report = Audit(["model_file"], load_policy(None)).run(ModelFile("m", data, file))
    assert report.of("AK601").says.startswith(says)
    page = found(report.to_dict(), [("Files", "AK601", "#ak601")])  # the box on the first screen of a report
    assert "<b>.pkl" not in page
    if report.verdict == "fail":
        assert says in concerns(report)[0]
        assert html.escape(says.partition("; ")[0], quote=False) in page


def test_every_view_of_a_batch_says_what_the_file_asks_for():
    report = run(HOSTILE)
    assert concerns(report) == (
        "file refusals (AK601) not met: 1, asked at most 0: model (pickle) is refused: it asks for posix.system, and calls it.",
    )
    assert concerns(run(OWN)) == ()
    assert _facts(report) == [f"AK601: {report.of('AK601').says}"]
    assert _facts(run(OWN)) == []


def test_an_estimate_needs_no_such_sentence():
    report = run(HOSTILE)
    (finding,) = (one for one in report.findings if one.status == "fail")
    assert fact_of(report, finding).endswith("calls it.")
    estimated = replace(finding.measurement, interval=Interval(0.5, 1.5, 0.95, "a test"))
    assert fact_of(report, replace(finding, measurement=estimated)) == ""


def test_names_off_the_list_are_shown_first():
    stream = io.BytesIO()
    joblib.dump([LogisticRegression(), print], stream)
    table = run(stream.getvalue(), shown_names=1).of("AK601").tables["names"].columns
    assert table["name"] == ("builtins.print",)


def test_nothing_that_was_found_is_in_the_description():
    target = ModelFile("file", HOSTILE, "m.pkl")
    said = target.describe()
    assert said["facts"] == {"File": "m.pkl", "Size": "26 bytes", "Format": "pickle"}
    assert "posix" not in json.dumps(said)
    assert pickle.loads(pickle.dumps(target)).scan == target.scan


def test_a_subject_file_names_a_model_file(tmp_path):
    (tmp_path / "m.pkl").write_bytes(HOSTILE)
    (tmp_path / "m.toml").write_text('kind = "artifact"\npath = "m.pkl"\n')
    target = load_target(tmp_path / "m.toml")
    assert (target.name, target.kind, target.scan.trust) == ("m", "artifact", "refused")
    (tmp_path / "m.toml").write_text('kind = "artifact"\npath = "n.pkl"\n')
    with pytest.raises(InputError, match=r"no model file .*n\.pkl"):
        load_target(tmp_path / "m.toml")
    with pytest.raises(InputError, match="is a folder"):
        ModelFile.from_path(tmp_path)
