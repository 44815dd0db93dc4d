"""What the first bytes of an input are taken for."""

import pytest

from vedette.sources.content import recognise


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_named_with_its_remedy(encoding: str) -> None:
    refusal = recognise(("192.0.2.7 - caf\u00e9 \u20ac\n" * 20).encode(encoding)).refusal
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    assert refusal == (
        f"looks like {name} text without a byte-order mark; convert it with `iconv -f {name} -t UTF-8`"
    )


def test_lines_that_end_with_a_carriage_return_alone_are_not_read_as_one_line() -> None:
    line = b'192.0.2.7 - - [02/Mar/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 12'
    refusal = recognise(b"\r".join([line] * 50)).refusal
    assert refusal is not None
    assert "convert it with `tr '\\r' '\\n'`" in refusal
    for readable in (
        line,
        line + b"\r",
        b"\r\n".join([line] * 50),
        b"a\rb\rc\n" * 9,
        line + b"\r" * 9 + b"\n",
    ):
        assert recognise(readable).refusal is None
