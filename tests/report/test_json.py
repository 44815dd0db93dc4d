import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.made import MINUTE, START, anomaly, attack, coverage, findings

from vedette.report.errors import FindingsFileError, OutputError
from vedette.report.json import json_pieces, json_schema, load_findings, write_json
from vedette.report.moments import from_iso, iso
from vedette.schema.anomaly import Anomaly, Band, Contribution, Earlier, Evidence
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Findings


def document(found: Findings) -> dict[str, Any]:
    text = b"".join(json_pieces(found))
    loaded: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    return loaded


def test_what_was_written_reads_back_equal(found: Findings, tmp_path: Path) -> None:
    path = str(tmp_path / "found.json")
    write_json(found, path)
    assert load_findings(path) == found


def test_when_the_like_was_there_before_reads_back_equal(tmp_path: Path) -> None:
    before = Earlier("a0", START, START + 5 * MINUTE, 0.31)
    odd = findings(anomalies=[anomaly(earlier=before)])
    assert document(odd)["anomalies"][0]["earlier"]["start"] == "2026-03-02T08:00:00.000000Z"
    write_json(odd, str(tmp_path / "odd.json"))
    assert load_findings(str(tmp_path / "odd.json")).anomalies[0].earlier == before


def test_every_field_of_an_anomaly_is_in_the_document(found: Findings) -> None:
    assert set(document(found)["anomalies"][0]) == set(Anomaly.__struct_fields__)


def test_the_document_says_first_what_it_is(found: Findings) -> None:
    assert list(document(found)) == ["schema", "anomalies", "incidents", "coverage"]


def test_times_are_utc_with_microseconds(found: Findings) -> None:
    told = document(found)
    assert told["incidents"][0]["start"] == "2026-03-02T09:10:00.000000Z"
    assert told["coverage"]["end"] == "2026-03-02T10:00:00.000007Z"


def test_each_anomaly_stands_on_a_line_of_its_own(found: Findings) -> None:
    lines = b"".join(json_pieces(found)).splitlines()
    assert [bool(re.match(rb'\{"id":"a', line)) for line in lines].count(True) == len(found.anomalies)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_not_rounded(value: float) -> None:
    assert document(findings(anomalies=[anomaly(observed=value)]))["anomalies"][0]["observed"] == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_have_is_null_and_reads_back_as_nan(value: float, tmp_path: Path) -> None:
    odd = findings(anomalies=[anomaly(observed=value, expected=Band(value, 1.0, None))])
    assert document(odd)["anomalies"][0]["observed"] is None
    path = str(tmp_path / "odd.json")
    write_json(odd, path)
    [loaded] = load_findings(path).anomalies
    assert math.isnan(loaded.observed)
    assert loaded.expected == Band(None, 1.0, None)


def test_bytes_that_are_no_utf8_are_written_as_escapes(tmp_path: Path) -> None:
    path = str(tmp_path / "odd.json")
    write_json(findings(anomalies=[anomaly(service="shop\udcff")]), path)
    assert load_findings(path).anomalies[0].service == "shop\\udcff"


def test_numpy_numbers_in_details_are_written_as_numbers() -> None:
    found = findings(
        anomalies=[anomaly(details={"n": np.int64(3), "x": np.float64(0.5), "b": np.bool_(True)})]
    )
    assert document(found)["anomalies"][0]["details"] == {"n": 3, "x": 0.5, "b": True}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives(text: str) -> None:
    odd = anomaly(
        evidence=(Evidence(text, 1, text, text),), contributions=(Contribution("client", text, 0.5),)
    )
    [told] = document(findings(anomalies=[odd], coverage=coverage(skipped_samples=[("x", text, 1, text)])))[
        "anomalies"
    ]
    assert told["evidence"][0]["text"] == text
    assert told["contributions"][0]["value"] == text


@given(st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000))
def test_a_time_survives_to_the_microsecond(time: int) -> None:
    assert from_iso(iso(time)) == time


@given(st.integers())
def test_a_time_beyond_all_calendars_is_held_at_the_end(time: int) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", iso(time))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no findings document"),
        ("not json", "no findings document"),
        ("[1, 2]", "no findings document"),
        ('{"anomalies": []}', "missing required field `schema`"),
        ('{"schema": "other/2\\u001b[31m"}', "other/2"),
        ('{"schema": "vedette/findings/1", "anomalies": []}', "missing required field"),
    ],
)
def test_a_foreign_file_is_refused_in_one_harmless_line(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_text(text)
    with pytest.raises(FindingsFileError, match=re.escape(problem)) as refusal:
        load_findings(str(path))
    assert isinstance(refusal.value, VedetteError)
    assert str(refusal.value).isprintable()
    assert str(refusal.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("anomalies", 0, "score"), "high"),
        (("anomalies", 0, "type"), "bad_weather"),
        (("anomalies", 0, "start"), "yesterday"),
        (("anomalies", 0, "start"), "2026-02-31T00:00:00.000000Z"),
        (("anomalies", 0, "surprise"), 1),
        (("incidents", 0, "severity"), None),
        (("coverage", "lines"), -0.5),
        (("coverage", "skipped_samples", 0, "line"), "12"),
    ],
)
def test_a_damaged_document_is_refused(
    place: tuple[str | int, ...], value: object, found: Findings, tmp_path: Path
) -> None:
    told = document(found)
    inner: Any = told
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(told))
    with pytest.raises(FindingsFileError, match="damaged findings document"):
        load_findings(str(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FindingsFileError, match="No such file"):
        load_findings(str(tmp_path / "none.json"))


def test_nulls_in_place_of_text_are_refused(found: Findings, tmp_path: Path) -> None:
    told = document(found)
    told["anomalies"][0]["service"] = None
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(told))
    with pytest.raises(FindingsFileError, match=re.escape("$.anomalies[0].service")):
        load_findings(str(path))


def test_findings_come_before_the_last_are_written_as_they_are_made() -> None:
    """The whole document need not be in memory."""

    def endless() -> Any:
        while True:
            yield attack()

    pieces = json_pieces(Findings(endless(), [], coverage()))
    assert sum(b'"id"' in next(pieces) for _ in range(10)) >= 8


def test_the_schema_describes_each_field_of_the_document(found: Findings) -> None:
    definitions = json_schema()["$defs"]
    told = document(found)
    assert set(definitions["Anomaly"]["properties"]) == set(told["anomalies"][0])
    assert set(definitions["Incident"]["properties"]) == set(told["incidents"][0])
    assert set(definitions["Coverage"]["properties"]) == set(told["coverage"])
    assert definitions["Anomaly"]["additionalProperties"] is False
    assert definitions["Anomaly"]["properties"]["start"]["format"] == "date-time"


def test_an_old_file_stays_when_writing_fails(found: Findings, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text("old")
    found.anomalies.append(anomaly(details={"oops": object()}))
    with pytest.raises(NotImplementedError):
        write_json(found, str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_replaced_keeps_its_mode(found: Findings, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text("old")
    path.chmod(0o600)
    write_json(found, str(path))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_written_through(found: Findings, tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "found.json")
    write_json(found, str(tmp_path / "link.json"))
    assert (tmp_path / "link.json").is_symlink()
    assert load_findings(str(tmp_path / "found.json")) == found


def test_a_device_is_written_to_as_it_is(found: Findings) -> None:
    write_json(found, "/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["missing/found.json", "."])
def test_a_path_that_cannot_be_written_is_said_in_one_line(
    name: str, found: Findings, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=r"cannot be written: .*: give a path"):
        write_json(found, str(tmp_path / name))


def test_a_dash_is_standard_output(found: Findings, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_json(found, "-")
    assert capfdbinary.readouterr().out == b"".join(json_pieces(found))
