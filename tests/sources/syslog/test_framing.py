"""Frames in a TCP stream, however it arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.sources.syslog.framing import FRAME_BYTES, Frames

MESSAGES = st.lists(
    st.tuples(st.booleans(), st.binary(min_size=1, max_size=60).map(lambda rest: b"<13>" + rest)), max_size=8
)


@given(messages=MESSAGES, pieces=st.lists(st.integers(1, 50)))
def test_both_framings_mixed_in_any_pieces(messages, pieces):
    stream, wanted = b"", []
    for counted, message in messages:
        if not counted:
            message = message.replace(b"\n", b"")
        stream += b"%d %s" % (len(message), message) if counted else message + b"\n"
        wanted.append(message)
    frames, found = Frames(), []
    for size in pieces:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    found += frames.feed(stream) + frames.end()
    assert found == wanted


@pytest.mark.parametrize("size", [FRAME_BYTES, FRAME_BYTES + 1, 10 * FRAME_BYTES])
@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("piece", [1000, 1 << 20])
def test_a_long_frame_is_cut_and_what_follows_is_not_lost(size, counted, piece):
    message = b"<" + b"x" * (size - 1)
    stream = (b"%d %s" % (size, message) if counted else message + b"\n") + b"<13>next\n"
    frames, found = Frames(), []
    for at in range(0, len(stream), piece):
        found += frames.feed(stream[at : at + piece])
        assert len(frames._held) <= FRAME_BYTES + 16
    assert found == [message[:FRAME_BYTES], b"<13>next"]
    assert frames.cut_bytes == size - FRAME_BYTES
    assert frames.cut_frames == (size > FRAME_BYTES)


def test_lines_of_no_syslog_that_begin_with_a_number_are_lines():
    frames = Frames()
    assert frames.feed(b"192.0.2.1 - - x\n2001:db8::1 - - y\n") == [b"192.0.2.1 - - x", b"2001:db8::1 - - y"]


def test_what_a_sender_left_unfinished_is_a_line_but_a_bare_count_is_none():
    frames = Frames()
    assert frames.feed(b"<13>half") == []
    assert frames.end() == [b"<13>half"]
    assert frames.feed(b"17") == []
    assert frames.end() == []
