"""`vedette explain` as a command."""

from pathlib import Path

import msgspec
import pytest
from tests.report.made import anomaly, attack, coverage, incident

from vedette.cli.main import run
from vedette.cli.reasoning import reasoning
from vedette.explain.formulas import recompute
from vedette.report.json import write_json
from vedette.schema.anomaly import Formula
from vedette.schema.findings import Findings
from vedette.storage import open_store

_INPUTS = {"value": 258.0, "exposure": 420.0, "mean": 0.004, "correlation": 0.01}
FORMULA = Formula("ratio_high", _INPUTS, recompute(Formula("ratio_high", _INPUTS, 0.0)))
FIRST = anomaly(1, id="a1111111111111111", formula=FORMULA)
SECOND = attack(2, id="a1222222222222222")
FINDINGS = Findings([FIRST, SECOND], [incident(1)], coverage())


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "findings.json")
    write_json(FINDINGS, path)
    return path


def _told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_every_number_of_the_anomaly_is_told(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert run(["explain", FIRST.id, "--json", file]) == 0
    told = _told(capsys)
    for text in (
        FIRST.description,
        "2026-03-02 09:10 to 09:15 UTC",
        "observed 61 % (0.6146 ratio)",
        "threshold 5.0 % (0.05 ratio)",
        "70 samples",
        "ratio_high(value=258, exposure=420, mean=0.004, correlation=0.01)",
        "they agree",
        "83 % route /login",
        "access.log:1234:",
        "258 requests, 2 kept",
        FIRST.counterfactual,
        "incident i1",
    ):
        assert text in told, text


def test_what_a_detail_lists_stands_in_lines_of_its_own() -> None:
    routes = [{"route": "/a", "observed": 0.5}, {"route": "/b", "observed": 0.25}]
    details = {
        "shared_by": {"count": 2, "routes": routes, "cut": False},
        "probabilities": [0.5, 1.0],
        "features": {"busiest_share": {"value": 0.9, "unit": "ratio"}},
    }
    told = [text for label, text in reasoning(anomaly(details=details)) if label == "details"]
    assert told == [
        "shared by count: 2",
        "shared by routes: route /a, observed 0.5",
        "shared by routes: route /b, observed 0.25",
        "shared by cut: False",
        "probabilities: 0.5, 1",
        "features busiest share: value 0.9, unit ratio",
    ]


def test_a_result_that_its_inputs_do_not_give_is_called_out() -> None:
    false = msgspec.structs.replace(FORMULA, result=FORMULA.result + 0.01)
    rows = dict(reasoning(msgspec.structs.replace(FIRST, formula=false)))
    assert "THEY DISAGREE" in " ".join(text for _, text in reasoning(anomaly(formula=false)))
    assert rows["arithmetic"].startswith("ratio_high(")


@pytest.mark.parametrize(
    "formula",
    [
        Formula("no_such", {}, 1.0),
        Formula("share", {"part": 1.0}, 1.0),
        Formula("share", {"part": 1.0, "whole": 0.0}, 1.0),
    ],
)
def test_arithmetic_that_cannot_be_done_is_said_to_be_so(formula: Formula) -> None:
    assert "cannot be recomputed" in " ".join(text for _, text in reasoning(anomaly(formula=formula)))


def test_the_beginning_of_an_id_is_enough_where_no_other_begins_so(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", "a12", "--json", file]) == 0
    assert SECOND.id in _told(capsys)


def test_a_beginning_that_several_ids_share_is_refused_with_those_ids(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", "a1", "--json", file]) == 2
    err = capsys.readouterr().err
    assert "2 anomalies" in err
    assert FIRST.id in err
    assert SECOND.id in err


def test_an_id_that_is_not_there_is_refused(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "b", "--json", file]) == 2
    assert f"b: no anomaly in {file} has an id that begins so" in capsys.readouterr().err


def test_an_incident_s_id_is_answered_with_those_of_its_anomalies(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert FIRST.incident_id is not None
    assert run(["explain", FIRST.incident_id, "--json", file]) == 2
    err = capsys.readouterr().err
    assert f"{FIRST.incident_id}: is an incident, not an anomaly: give one of its" in err
    assert FIRST.id in err


def test_findings_are_read_from_standard_input(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(file).open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert run(["explain", "a12", "--json", "-"]) == 0
    assert SECOND.id in _told(capsys)
    monkeypatch.setattr("sys.stdin", None)
    assert run(["explain", "a12", "--json", "-"]) == 2
    assert capsys.readouterr().err.startswith("vedette: -: standard input is closed: give a file")


def test_all_are_listed_without_an_id(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "--json", file]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [FIRST.id, SECOND.id]


@pytest.mark.parametrize("wanted", [FIRST.id, "a11"])
def test_a_store_is_as_good_as_a_file(
    wanted: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/vedette.db"
    with open_store(url) as store:
        store.save(FINDINGS)
    assert run(["explain", wanted, "--store", url]) == 0
    from_store = capsys.readouterr().out
    assert run(["explain", wanted, "--json", file]) == 0
    assert from_store == capsys.readouterr().out


def test_a_store_that_does_not_exist_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "a", "--store", f"sqlite:///{tmp_path}/none.db"]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["--json", "f", "--store", "sqlite:///x"]])
def test_exactly_one_place_must_be_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "a", *arguments]) == 2
    assert "either --json FILE or --store URL" in capsys.readouterr().err


def test_hostile_text_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "f.json")
    write_json(
        Findings([anomaly(route="/\x1b[31m\u202e", description="[bold]x\x1b]0;t\x07")], [], coverage()), path
    )
    assert run(["explain", "a", "--json", path]) == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    assert "[bold]x" in out


def test_a_file_and_a_store_are_listed_in_one_order_the_newest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SECOND.start < FIRST.start
    url, file = f"sqlite:///{tmp_path / 'vedette.db'}", str(tmp_path / "findings.json")
    findings = Findings([SECOND, FIRST], [incident(1)], coverage())
    write_json(findings, file)
    with open_store(url) as store:
        store.save(findings)
    told = []
    for place in (("--json", file), ("--store", url)):
        assert run(["explain", *place]) == 0
        told.append([line.split()[0] for line in capsys.readouterr().out.splitlines()])
    assert told == [[FIRST.id, SECOND.id]] * 2
