"""A pipe, read while it brings something."""

import os

import pytest

from vedette.sources.source import SourceState
from vedette.sources.stdin import Stdin


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    os.close(read)


def lines_of(source, room=1 << 20):
    return b"".join(delivery.lines for delivery in source.take(room))


def test_whole_lines_come_at_once_and_the_rest_at_the_end(pipe):
    read, write = pipe
    source = Stdin(descriptor=read)
    source.open(None)
    assert source.take(100) == ()
    assert source.pending() == ()
    os.write(write, b"one\ntwo\nthr")
    assert source.pending() == ("-",)
    (first,) = source.take(100)
    assert (first.stream, first.lines, first.first_line) == ("-", b"one\ntwo\n", 1)
    os.write(write, b"ee\nfour")
    assert [(d.first_line, d.lines) for d in source.take(100)] == [(3, b"three\n")]
    os.close(write)
    assert lines_of(source) == b"four\n"
    assert source.status().state is SourceState.ENDED
    assert source.take(100) == ()


@pytest.mark.parametrize("step", [1, 300, 1000, 5000])
def test_a_long_line_is_cut_and_never_held(pipe, step):
    read, write = pipe
    source = Stdin(descriptor=read, line_bytes=1000)
    source.open(None)
    text, found = b"a\n" + b"b" * 5000 + b"\nc\n" + b"d" * 1500, b""
    for at in range(0, len(text), step):
        os.write(write, text[at : at + step])
        found += lines_of(source)
        assert len(source._held) <= 1000
    os.close(write)
    found += lines_of(source)
    assert found == b"a\n" + b"b" * 1000 + b"\nc\n" + b"d" * 1000 + b"\n"
    assert source.status().dropped == {"lines_cut": 2, "bytes_cut": 4500}


def test_after_a_restart_it_says_that_a_pipe_cannot_be_read_again(pipe):
    read, write = pipe
    first = Stdin(descriptor=read)
    first.open(None)
    os.write(write, b"one\n")
    (delivery,) = first.take(100)
    again = Stdin(descriptor=read)
    again.open(delivery.position)
    assert "cannot be read again" in again.status().reason
    os.close(write)
