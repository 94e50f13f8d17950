"""What a pickle asks for: listed from the instructions, and none of it run."""

import collections
import pickle
import zlib

from hypothesis import given
from hypothesis import strategies as st

from auditkit.loading.pickles import asks_for, looks_like_pickle, shown


def test_globals_of_every_protocol_are_found():
    for protocol in range(6):
        names = asks_for(
            pickle.dumps([collections.OrderedDict, zlib.crc32, collections.OrderedDict], protocol)
        )
        assert set(names) == {"collections.OrderedDict", "zlib.crc32"}
        assert names[0] == "zlib.crc32", "the unexpected comes first"


def test_a_name_taken_from_the_memo_is_found():
    """Module and name as strings stored before, fetched again for the call: as pickle itself writes a second use."""
    stream = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x940h\x00h\x01\x93."
    assert asks_for(stream) == ["posix.system"]
    assert asks_for(b"cos\nsystem\n(S'true'\ntR.") == ["os.system"]
    assert asks_for(b"(S'true'\nios\nsystem\n.") == ["os.system"]
    assert asks_for(b"\x80\x02\x82\x05.") == ["the extension registry (code 5)"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_a_fall(data):
    for start in (b"", b"\x80\x04", b"\x1f\x8b", b"x\x9c", b"BZh9", b"c"):
        asks_for(start + data)
        looks_like_pickle(start + data)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda c: st.lists(c, max_size=4), max_leaves=10
    )
)
def test_plain_data_ask_for_nothing(value):
    for protocol in range(6):
        data = pickle.dumps(value, protocol)
        assert looks_like_pickle(data)
        assert asks_for(data) == []


def test_names_are_shown_short_and_without_control_characters():
    assert shown(["a", "b", "c"], 2) == "a, b and 1 more"
    assert shown(["os\x1b[31m.x\u202e"]) == "os?[31m.x?"


def test_a_file_made_to_keep_the_reader_busy_is_left_in_time(sorts_of_a_million):
    began = sorts_of_a_million()
    streams = b"N." * 500_000
    assert asks_for(streams + b"cos\nsystem\n.") == ["os.system"]
    assert "os.system" in asks_for(b"\x80\x04" + b"N0" * 2_000_000 + b"cos\nsystem\n.")
    many = b"".join(b"cm%d\nf\n0" % i for i in range(20_000))
    assert len(asks_for(many + b"N.")) == 20_000
    assert sorts_of_a_million() - began < 400
