"""`vedette metric` as a command."""

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.baselines.formulas import recompute
from vedette.cli.main import run

HEADER = "timestamp,value,score,expected,lower,upper,is_anomaly"
START = 1_772_409_600


def series(n: int = 400, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 5, n)


def written(path: Path, value: np.ndarray, header: str = "timestamp,value\n") -> str:
    rows = (f"{START + 60 * at},{x:.4f}\n" for at, x in enumerate(value))
    path.write_text(header + "".join(rows))
    return str(path)


@pytest.fixture
def spiked(tmp_path: Path) -> str:
    value = series()
    value[350:360] = 300.0
    return written(tmp_path / "a.csv", value)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_a_row_for_each_point_in_the_order_given(spiked: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert run(["metric", spiked, "--csv", str(out)]) == 0
    assert out.read_text().splitlines()[0] == HEADER
    rows = rows_of(out)
    assert [int(row["timestamp"]) for row in rows] == [START + 60 * at for at in range(400)]
    assert {row["is_anomaly"] for row in rows[350:360]} == {"1"}
    assert all(0.0 <= float(row["score"]) < 1.0 for row in rows)
    assert max(rows, key=lambda row: float(row["score"]))["timestamp"] == str(START + 60 * 350)
    assert rows[0] | {"value": ""} == {
        "timestamp": str(START),
        "value": "",
        "score": "0",
        "expected": "",
        "lower": "",
        "upper": "",
        "is_anomaly": "0",
    }
    assert all(float(row["lower"]) <= float(row["expected"]) <= float(row["upper"]) for row in rows[30:])


def test_what_was_found_can_be_recomputed(spiked: str, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(["metric", spiked, "--json", str(out), "--fail"]) == 1
    (found,) = json.loads(out.read_text())["series"]
    assert (found["points"], found["judged"], found["insufficient_data"]) == (400, 370, 30)
    strongest = max(found["anomalies"], key=lambda anomaly: anomaly["peak"]["score"])
    peak = strongest["peak"]
    assert strongest["start"] == peak["timestamp"] == str(START + 60 * 350)
    assert peak["value"] == 300.0
    assert not peak["lower"] <= peak["value"] <= peak["upper"]
    formula = peak["formula"]
    assert recompute(formula["name"], formula["inputs"]) == pytest.approx(peak["surprise"], rel=1e-6)
    assert formula["result"] == peak["surprise"]


def test_the_summary_names_the_strongest(spiked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metric", spiked]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "400 points, 370 judged" in told[0]
    assert f"{START + 60 * 350} to " in told[1]
    assert ": 300, expected " in told[1]


def test_a_higher_threshold_tells_of_less(spiked: str, tmp_path: Path) -> None:
    flagged = {}
    for threshold in ("0.3", "0.5", "0.6", "0.99"):
        out = tmp_path / f"{threshold}.csv"
        assert run(["metric", spiked, "--csv", str(out), "--threshold", threshold]) == 0
        flagged[threshold] = {row["timestamp"] for row in rows_of(out) if row["is_anomaly"] == "1"}
    assert flagged["0.3"] >= flagged["0.5"] >= flagged["0.6"] > flagged["0.99"] == set()
    assert str(START + 60 * 350) in flagged["0.6"]


def test_a_quiet_series_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "flat.csv", np.full(300, 5.0))
    assert run(["metric", path, "--fail"]) == 0
    assert "0 anomalies" in capsys.readouterr().out


def test_several_files_and_columns_are_named(tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", series())
    two = tmp_path / "two.csv"
    two.write_text("ts,cpu,mem\n" + "".join(f"{START + 60 * at},{at % 7},{at % 5}\n" for at in range(100)))
    out = tmp_path / "out.csv"
    assert run(["metric", one, str(two), "--csv", str(out)]) == 0
    assert out.read_text().startswith(f"series,{HEADER}\n")
    names = [row["series"] for row in rows_of(out)]
    assert sorted(set(names)) == sorted({one, f"{two}:cpu", f"{two}:mem"})
    assert len(names) == 600


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    value = series()
    value[350:360] = 300.0
    straight = written(tmp_path / "a.csv", value)
    head, *body = Path(straight).read_text().splitlines()
    backwards = tmp_path / "b.csv"
    backwards.write_text("\n".join([head, *reversed(body)]) + "\n")
    for path in (straight, backwards):
        assert run(["metric", str(path), "--csv", f"{path}.out"]) == 0
    assert rows_of(Path(f"{backwards}.out"))[::-1] == rows_of(Path(f"{straight}.out"))


def test_compressed_input_and_standard_streams(
    spiked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(Path(spiked).read_bytes()))
    assert run(["metric", str(packed), "--csv", "-"]) == 0
    told = capfdbinary.readouterr()
    assert told.out.splitlines()[0].decode() == HEADER
    assert len(told.out.splitlines()) == 401
    assert b"points" in told.err
    assert run(["metric", spiked, "--csv", str(tmp_path / "plain.csv")]) == 0
    assert (tmp_path / "plain.csv").read_bytes() == told.out


def test_ratios_among_a_total_are_binomial(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    total = np.full(400, 1000)
    total[399] = 3
    share = rng.binomial(1000, 0.02, 400) / 1000
    share[399] = 1 / 3
    path = tmp_path / "errors.csv"
    rows = (f"{START + 60 * at},{s:.6f},{n}\n" for at, (s, n) in enumerate(zip(share, total, strict=True)))
    path.write_text("timestamp,value,requests\n" + "".join(rows))
    out = tmp_path / "out.csv"
    ask = ["metric", str(path), "--kind", "ratio", "--csv", str(out)]
    assert run([*ask, "--total", "requests"]) == 0
    assert rows_of(out)[399]["is_anomaly"] == "0"
    assert run(ask) == 0
    assert rows_of(out)[399]["is_anomaly"] == "1"
    assert all(0 <= float(r["lower"]) <= float(r["upper"]) <= 1 for r in rows_of(out)[40:])


def test_impossible_values_are_counted_and_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = series()
    value[200] = -5
    path = written(tmp_path / "a.csv", value)
    assert run(["metric", path, "--kind", "count", "--csv", str(tmp_path / "o.csv")]) == 0
    assert "1 impossible value" in capsys.readouterr().out
    assert rows_of(tmp_path / "o.csv")[200]["value"] == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kind", "foo"], "--kind foo: must be one of"),
        (["--time-unit", "h"], "--time-unit h: must be one of"),
        (["--total", "n"], "is for --kind ratio alone"),
        (["--threshold", "0"], "must be above 0"),
        (["--zone", "Mars/Olympus"], "no such zone"),
        (["--value", "nope"], "no column 'nope'"),
        (["--csv", "-", "--json", "-"], "only one of them"),
        (["--csv", "/nonexistent/x.csv"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], says: str, spiked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["metric", spiked, *arguments]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_a_file_without_a_value_that_can_be_read_is_refused_with_the_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "thousands.csv"
    path.write_text("timestamp,value\n" + "".join(f'{START + at},"11,288.{at}"\n' for at in range(50)))
    assert run(["metric", str(path), "--csv", str(tmp_path / "o.csv")]) == 2
    assert "no value can be read (line 2: " in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()


def test_a_file_without_times_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ms.csv"
    path.write_text("timestamp,value\n" + "".join(f"{(START + at) * 1000},1\n" for at in range(50)))
    assert run(["metric", str(path)]) == 2
    assert "--time-unit ms" in capsys.readouterr().err
    assert run(["metric", str(path), "--time-unit", "ms"]) == 0


def test_a_file_without_rows_is_refused_and_one_with_too_few_is_not_called_calm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("timestamp,value\n")
    assert run(["metric", str(path)]) == 2
    assert "a.csv: holds a header and no row" in capsys.readouterr().err
    path.write_text(f"timestamp,value\n{START},1\n")
    assert run(["metric", str(path)]) == 0
    told = capsys.readouterr().out
    assert "a.csv: 1 point, 0 judged, 0 anomalies" in told
    assert "nothing was judged: so few points only teach what is normal" in told


def test_nothing_that_steers_a_terminal_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("timestamp,value\n1772409600,1\n\x1b[31mnever,2\n")
    assert run(["metric", str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_endless_lines_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"timestamp,value\n{START},1\n{START + 60},2,{'x' * (2 << 20)}\n{START + 120},3\n")
    assert run(["metric", str(path), "--json", str(tmp_path / "o.json")]) == 0
    (found,) = json.loads((tmp_path / "o.json").read_text())["series"]
    assert (found["points"], found["skipped"]) == (3, {"too_long": 1})


def test_anomalies_stand_in_order_of_time_and_equals_do_not_matter(tmp_path: Path) -> None:
    value = np.tile(np.r_[np.full(150, 5.0), 50.0], 6)
    value[::151] = 5.0
    path = written(tmp_path / "a.csv", value)
    out = tmp_path / "o.json"
    assert run(["metric", path, "--json", str(out), "--threshold", "0.05"]) == 0
    (found,) = json.loads(out.read_text())["series"]
    starts = [int(anomaly["start"]) for anomaly in found["anomalies"]]
    assert len(starts) > 1
    assert starts == sorted(starts)


TIMES = st.sampled_from(["2022-08-22 03:51:19", "x", "", "1661140279", "-5", "9" * 400])
VALUES = st.sampled_from(
    ["", "NaN", "inf", "-1e400", "1e308", "12ms", "5%", '"', "\x00", "=cmd()", "7,8", "\ufeff"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(TIMES | st.none(), VALUES | st.floats(allow_nan=False).map(repr)), max_size=80),
    kind=st.sampled_from(["gauge", "count", "latency", "ratio"]),
)
def test_no_rows_are_a_defect(rows: list[tuple[str | None, str]], kind: str, tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "o.csv"
    lines = (f"{START + 60 * at if time is None else time},{value}" for at, (time, value) in enumerate(rows))
    path.write_text("\n".join(lines))
    out.unlink(missing_ok=True)
    status = run(["metric", str(path), "--kind", kind, "--csv", str(out), "--json", str(tmp_path / "o.json")])
    assert status in (0, 2)
    assert out.exists() == (status == 0)
