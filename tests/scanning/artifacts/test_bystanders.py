"""Bystanders: what is left unread beside a model claims to be no model, and no reader of pickles finds anything in it."""

import io
import pickle
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.scanning.artifacts.bystanders import is_bystander

CALL = b"cposix\nsystem\n(S'true'\ntR"


def zipped(name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, CALL + b".")
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("README.md", b"# Credit\n\nA model.\n"),
        ("README", "Über das Modell\n".encode()),
        ("LICENSE", b"                Apache License\n"),
        ("LICENSE.txt", b"Introduction to the terms\n"),
        (".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        ("config.json", b'{\n  "architectures": ["A"]\n}'),
        ("tokenizer.json", b'{"version": "1.0", "truncation": null}'),
        ("tokenizer_config.json", b'{"version":"1.0"}'),
        ("vocab.txt", b"[PAD]\nabc\nidea\ncup\n"),
        ("requirements.txt", b"scikit-learn>=1.5\nnumpy\n"),
        ("merges.txt", b"#version: 0.2\n"),
        ("notes.md", b""),
    ],
)
def test_texts_of_a_usual_folder_are_no_models(name, data):
    assert is_bystander(name, data)
    for other in ("model.pkl", "model.bin", "model", "weights.pt", "run.py", "m.safetensors"):
        assert not is_bystander(other, data)


GUILTY = {
    "old pickle": CALL + b".",
    "a pickle that breaks after the call": CALL + b" and that is all\n",
    "after a number": b"I1\n0" + CALL,
    "after a number as C reads it": b"I0x1\n0" + CALL + b".",
    "behind a text": b"S'credit'\n0" + CALL + b".",
    "by two texts": b"Vposix\nVsystem\n\xc2\x93",
    "a name alone": b"cos\nsystem\n",
    "new pickle": pickle.dumps({"a": 1}, 4),
    "old pickle without a call": pickle.dumps({"a": 1}, 0),
    "zip": zipped("data.pkl"),
    "text before a zip": b"# Credit\n" + zipped("data.pkl"),
    "tar": tarred(),
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "LightGBM text": b"tree\nversion=v4\n",
    "XGBoost JSON": b'{"learner": {}}',
    "XGBoost JSON of a version": b'{"version": [2, 0, 3], "learner": {}}',
    "script": b"#!/bin/sh\ntrue\n",
    "bytes of unknown kind": bytes(range(256)),
    "control characters": b"# Credit\x1b[2J",
    "Keras of code": b'{"config": [{"class_name": "Lambda"}]}',
    "Keras of code in escapes": b'{"config": [{"class\\u005fname": "Lamb\\u0064a"}]}',
    "yaml of Python by its whole tag": b"!<tag:yaml.org,2002:python/object/apply:os.system> [x]\n",
    "yaml of Python by a tag in escapes": b"!<tag:yaml.org,2002:%70ython/object/apply:os.system> [x]\n",
    "yaml of Python by a tag of its own": b"%TAG !e! tag:yaml.org,2002:python/\n---\n!e!object/apply:os.system [x]\n",
    "yaml of Python": b"a: !!python/object/apply:os.system [x]\n",
}


@pytest.mark.parametrize("what", GUILTY)
@pytest.mark.parametrize("name", ["README.md", "LICENSE", "config.json", "notes.txt", ".gitattributes"])
def test_no_name_hides_what_a_reader_would_open(what, name):
    assert not is_bystander(name, GUILTY[what])


class Reached(Exception):
    """A reader asked for a name."""


class Reader(pickle._Unpickler):
    def find_class(self, module, name):
        raise Reached

    def persistent_load(self, pid):
        return pid


@given(
    st.lists(
        st.sampled_from(
            [b"I1\n", b"I0x2\n", b"L3L\n", b"F1.5\n", b"S'a'\n", b"Va\n", b"Pa\n", b"(", b"]", b"}", b"0", b"1", b"2", b"N", b"l", b"t", b"d", b"a", b"K\xc2",
             b"p1\n", b"g1\n", b" ", b"# x\n", b"cposix\nsystem\n", b"iposix\nsystem\n", b"\xc2\x93", b"R", b"."]
        ),
        max_size=8,
    )
)  # fmt: skip
def test_what_leads_a_reader_to_a_name_is_never_left_unread(pieces):
    data = b"".join(pieces)
    try:
        Reader(io.BytesIO(data)).load()
    except Reached:
        assert not is_bystander("README.md", data)
    except Exception:
        return  # it breaks off before it comes to a name
    else:
        assert not data or not is_bystander("README.md", data)
