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
