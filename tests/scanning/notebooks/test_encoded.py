"""What is encoded in a text: read as what it says, taken out whole, and no picture among it."""

from __future__ import annotations

import base64
import json
import random
import time
from urllib.parse import quote

import nbformat.v4 as v4
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.scanning.notebooks import redacted, scan_notebook, written
from auditkit.scanning.notebooks.encoded import encoded_in, is_picture, words_of

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")

PICTURE = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(600)


def b64(text):
    return base64.b64encode(text.encode()).decode()


def hexes(frame, text):
    return "".join(frame.format(ord(one)) for one in text)


WAYS = {
    "a link to a table": ("text/html", lambda said: f'<a download="x.csv" href="data:text/csv;base64,{b64(said)}">x</a>'),
    "a link to octets": ("text/html", lambda said: f'<a href="data:application/octet-stream;base64,{b64(said)}">x</a>'),
    "a frame": ("text/html", lambda said: f'<iframe src="data:text/html;charset=utf-8;base64,{b64(f"<p>{said}</p>")}"></iframe>'),
    "in what calls itself a picture": ("text/html", lambda said: f'<img src="data:image/png;base64,{b64(said)}">'),
    "after the first letters of a picture": ("text/html", lambda said: f'<img src="data:image/bmp;base64,{b64("BM " + said)}">'),
    "a link in percent signs": ("text/html", lambda said: f'<a href="data:text/csv;charset=utf-8,{quote(said, safe="")}">x</a>'),
    "a page in a page": ("text/html", lambda said: f'<iframe srcdoc="&lt;a href=&quot;data:text/csv;base64,{b64(said)}&quot;&gt;">'),
    "printed": ("text/plain", lambda said: f"cfg {b64(said)} end"),
    "after a path": ("text/plain", lambda said: f"GET /api/v1/{b64(said)}"),
    "in lines": ("text/plain", lambda said: base64.encodebytes((said + " and more " * 20).encode()).decode()),
    "in lines of a repr": ("text/plain", lambda said: repr(base64.encodebytes((said + " and more " * 20).encode()))),
    "for the web": ("text/plain", lambda said: base64.urlsafe_b64encode(f"ÿþ{said}ÿÿ>>>".encode()).decode()),
    "in two bytes a letter": ("text/plain", lambda said: "powershell -e " + base64.b64encode(said.encode("utf-16-le")).decode()),
    "twice": ("text/plain", lambda said: b64(f"inner: {b64(said)}")),
    "among bytes": ("text/plain", lambda said: base64.b64encode(b"\x00\x01\xff" + said.encode() + b"\x00\xfe").decode()),
    "in JSON": ("application/json", lambda said: {"body": f"x:{b64(said)}"}),
    "in escapes of a script": ("text/html", lambda said: f'<script>var c = {{"t": "{hexes(chr(92) + "u{:04x}", said)}"}}</script>'),
    "in escapes twice": ("text/plain", lambda said: json.dumps(hexes(chr(92) + "u{:04x}", said))),
    "in hexadecimal escapes": ("text/plain", lambda said: hexes(chr(92) + "x{:02x}", said)),
    "in octal escapes": ("text/plain", lambda said: hexes(chr(92) + "{:03o}", said)),
}  # fmt: skip


def shown(mime, value):
    return v4.new_code_cell("x", outputs=[v4.new_output("display_data", data={mime: value})])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["GitHub Token", "Secret Keyword"])
def test_a_secret_is_found_in_what_is_encoded_and_no_piece_of_it_stays_in_any_form(world, way, kind):
    line, secret = world.planted(5)[kind]
    mime, encode = WAYS[way]
    hidden, innocent = encode(f"{line} # ok"), encode("no more than a few plain words, of no use")
    notebook = world.notebook(shown(mime, hidden), shown(mime, innocent))
    scan = scan_notebook(notebook)
    assert {(one.kind, one.place.cell) for one in scan.secrets} == {(kind, 1)}
    made = redacted(notebook).notebook
    assert made["cells"][1] == notebook["cells"][1]
    text = written(made).decode()
    said = [text, *(one for _, _, one in encoded_in(text)), text.encode().decode("unicode_escape")]
    assert [
        secret[at : at + 8] for at in range(len(secret) - 7) for one in said if secret[at : at + 8] in one
    ] == []


def test_source_that_decodes_a_secret_gives_it_away(world):
    line, _ = world.planted(6)["Secret Keyword"]
    notebook = world.notebook(v4.new_code_cell(f'cfg = b64decode("{b64(line)}")'), v4.new_code_cell(f"k = '{hexes(chr(92) + 'x{:02x}', line)}'"))  # fmt: skip
    assert {one.place.cell for one in scan_notebook(notebook).secrets} == {1, 2}
    made = redacted(notebook).notebook
    assert made["cells"][0]["source"] == 'cfg = b64decode("[redacted]")'


def test_an_address_that_is_encoded_is_found(world):
    notebook = world.notebook(
        shown("text/html", f'<a href="data:text/csv;base64,{b64("ada@lovelace.org")}">')
    )
    assert [one.kind for one in scan_notebook(notebook).personal] == ["email"]
    made = redacted(notebook).notebook["cells"][0]["outputs"][0]["data"]["text/html"]
    assert made == '<a href="data:text/csv;base64,[redacted]">'


def test_a_secret_shown_in_the_open_is_found_in_base64_that_has_no_word_for_it(world):
    secret = "tr0ub4dor" + "&31x"
    notebook = world.notebook(
        v4.new_code_cell(f'password = "{secret}"'), v4.new_raw_cell(b64(f"me:{secret}"))
    )
    assert {one.place.cell for one in scan_notebook(notebook).secrets} == {1, 2}
    assert redacted(notebook).notebook["cells"][1]["source"] == "[redacted]"


@pytest.mark.parametrize(
    ("content", "picture"),
    [
        (PICTURE, True), (b"\xff\xd8\xff\xe0" + PICTURE, True), (b"GIF89a" + PICTURE, True), (b"wOF2" + PICTURE, True),
        (b"\x00\x00\x00 ftypisom" + PICTURE, True), (b"GIF89a is a form of pictures", False), (b"BM: password", False), (b"\x00\x00 password", False), (b"", False),
    ],
)  # fmt: skip
def test_a_picture_is_told_by_how_it_begins_and_is_no_text(content, picture):
    assert is_picture(content) is picture


def test_a_picture_is_not_read_wherever_it_stands(world):
    picture = base64.b64encode(PICTURE + b'password = "tR9x-Qm47zLp"').decode()
    cells = [shown("text/html", f'<img src="data:image/png;base64,{picture}">'), v4.new_raw_cell(picture)]
    assert scan_notebook(world.notebook(*cells)).secrets == ()


@given(st.text(min_size=12))
def test_text_in_base64_is_read_back(text):
    run = base64.b64encode(text.encode("utf-8", "replace")).decode()
    readable = words_of(text.encode("utf-8", "replace")) is not None
    if readable and run.upper() != run and run.lower() != run:
        assert [said for _, _, said in encoded_in(f"a b: {run} c")] == [text]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=16), st.integers(0, 3))
def test_it_is_read_back_too_where_letters_stand_right_before_it(text, shift):
    run = "w" * shift + b64(text)
    if run.upper() != run and run.lower() != run:
        [(start, end, said)] = encoded_in(f"a b: {run} c")
        assert (start, end, text in said) == (5, 5 + len(run), True)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_left(content):
    run = base64.b64encode(content).decode()
    for start, end, said in encoded_in(f"'{run}'"):
        assert f"'{run}'"[start:end] == run
        assert all(one.isprintable() or one.isspace() for one in said)


@pytest.mark.parametrize("hostile", ["QUJD", "abcdefghijklmnopQ\n", "A" * 15 + " ", "\\u0041", "\\\\u0041", "data:a,%41 ", "data:;base64,QUJD ", "QUJDQUJDQUJDQUJD=", "%41", "data:"])  # fmt: skip
def test_time_grows_with_the_length_of_what_is_encoded(world, hostile):
    def seconds(size):
        notebook = world.notebook(shown("text/html", hostile * (size // len(hostile))))
        before = time.process_time()
        scan_notebook(notebook)
        return time.process_time() - before

    seconds(1000)
    short, long = seconds(10_000), seconds(80_000)
    assert long < 24 * short + 0.5
