"""Arrays from strangers' files: numbers are read back as they were; anything else is refused, and nothing runs."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditkit.arrays import read_array, read_arrays
from auditkit.errors import InputError

ANY = hnp.arrays(
    dtype=st.sampled_from([np.bool_, np.int8, np.int64, np.float32, np.float64, "<U3", ">f8"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("arrays")


@settings(max_examples=60, deadline=None)
@given(ANY, st.booleans())
def test_what_numpy_writes_is_read_back(folder, values, by_column):
    values = np.asfortranarray(values) if by_column else values
    np.save(folder / "a.npy", values)
    np.savez_compressed(folder / "a.npz", first=values, second=values)
    for found in (read_array(folder / "a.npy"), *read_arrays(folder / "a.npz").values()):
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, values)
        assert found.flags.writeable


class Bomb:
    ran = False

    def __reduce__(self):
        return (setattr, (Bomb, "ran", True))


def test_objects_are_refused_and_nothing_runs(folder):
    np.save(folder / "o.npy", np.array([Bomb()]), allow_pickle=True)
    np.savez(folder / "o.npz", x=np.array([Bomb()]))
    (folder / "p.npy").write_bytes(pickle.dumps(Bomb()))
    for read, name in ((read_array, "o.npy"), (read_arrays, "o.npz"), (read_array, "p.npy")):
        with pytest.raises(InputError):
            read(folder / name)
    assert not Bomb.ran


def header(shape, descr="<f8"):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
    text = text + " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x93NUMPY\x09\x00",
        header("(10000000000000,)"),  # promises 80 terabytes
        header("(-1,)") + bytes(8),
        header("(2,)") + bytes(8),
        header("(1,)") + bytes(9),
        header("(1,)", "|O") + bytes(8),
        header("(1,)", "<M8[s]") + bytes(8),
        header("(1,)", "|V8") + bytes(8),
        header("__import__('os').abort()"),
        header("(" * 3000),
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 20_000) + b" " * 20_000,
    ],
)
def test_damaged_and_lying_files_are_refused_in_words(folder, content):
    (folder / "d.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"d\.npy"):
        read_array(folder / "d.npy")
    with zipfile.ZipFile(folder / "d.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(InputError, match="'x' in d"):
        read_arrays(folder / "d.npz")


def test_archives_that_are_none_or_unpack_to_too_much_are_refused(folder):
    path = folder / "z.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match="archive of arrays"):
        read_arrays(path)
    np.savez_compressed(path, x=np.zeros(10_000_000))  # a few kilobytes on disk
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError, match=r"unpacks to 80,000,\d+ bytes"):
        read_arrays(path, most=1_000_000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.txt", "hello")
    with pytest.raises(InputError, match=r"it holds 'x\.txt'"):
        read_arrays(path)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(1001):
            archive.writestr(f"{i}.npy", b"")
    with pytest.raises(InputError, match="at most 1,000"):
        read_arrays(path)


def test_flipped_bytes_are_found(folder):
    held = io.BytesIO()
    np.savez(held, x=np.arange(50.0))
    content = bytearray(held.getvalue())
    content[200] ^= 255
    (folder / "f.npz").write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"f\.npz"):
        read_arrays(folder / "f.npz")


def test_missing_and_too_large_files_are_refused(folder):
    with pytest.raises(InputError, match=r"none\.npy cannot be read"):
        read_array(folder / "none.npy")
    with pytest.raises(InputError, match=r"none\.npz cannot be read"):
        read_arrays(folder / "none.npz")
    np.save(folder / "l.npy", np.zeros(1000))
    with pytest.raises(InputError, match="at most 100 are read"):
        read_array(folder / "l.npy", most=100)
