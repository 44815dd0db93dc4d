"""What is recorded is what the parsers read."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.middleware.made import EXAMPLES, record
from vedette.middleware.record import FORMAT, encode
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import sniff
from vedette.schema.chunk import Chunk

GOLDEN = Path(__file__).parents[1] / "golden" / "formats" / "vedette-json.log"
REMAKE = (
    "python -c 'import sys; from tests.middleware.made import EXAMPLES; "
    'from vedette.middleware.record import encode; sys.stdout.buffer.write(encode(EXAMPLES, "shop"))\''
)


def test_records_are_written_as_the_golden_log_has_them() -> None:
    """The parsers' own golden test says how that log is read."""
    assert encode(EXAMPLES, "shop") == GOLDEN.read_bytes(), f"stale; remake it with: {REMAKE} > {GOLDEN}"


def test_a_single_record_is_known_for_what_it_is_at_once() -> None:
    for each in EXAMPLES:
        choice = sniff(Chunk.of(encode([each])), formats())
        assert choice.format.name == FORMAT
        assert choice.runner_up is None


@given(
    st.builds(
        record,
        path=st.binary(max_size=50).map(lambda b: b"/" + b),
        query=st.binary(max_size=50),
        user_agent=st.none() | st.binary(max_size=50),
        referer=st.none() | st.binary(max_size=50),
        host=st.none() | st.binary(max_size=50),
        status=st.integers(100, 599),
        bytes_in=st.none() | st.integers(0, 1 << 40),
        bytes_out=st.none() | st.integers(0, 1 << 40),
        duration=st.floats(0, 1e5),
    )
)
def test_whatever_was_asked_for_is_one_line_of_json_that_reads_back(each: object) -> None:
    assert isinstance(each, tuple)
    text = encode([each])  # type: ignore[list-item]
    assert text.count(b"\n") == 1
    assert json.loads(text)["http.response.status_code"] == each.status  # type: ignore[attr-defined]
    parsed = by_name(FORMAT).open("it").parse(Chunk.of(text))
    assert parsed.skips.counts == {}
    assert int(parsed.requests.status[0]) == each.status  # type: ignore[attr-defined]
    assert abs(float(parsed.requests.duration[0]) - each.duration) < 1e-5  # type: ignore[attr-defined]
