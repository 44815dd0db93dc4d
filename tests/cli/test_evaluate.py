"""`vedette evaluate` as a command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.detectors.test_parameters import LATER, line, shop
from tests.patience import PATIENCE_S

from vedette.cli.main import run
from vedette.simulate import Simulation

INCIDENTS = "error_spike@+60m+6m,sqli@+80m+3m,traffic_drop@+100m+8m,deploy@+50m"


def _evaluate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vedette", "evaluate", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log, labels of its incidents, and the same by line."""
    place = tmp_path_factory.mktemp("labelled")
    simulation = Simulation(minutes=120, rate=4, inject=INCIDENTS, seed=6)
    with (place / "a.log").open("wb") as stream:
        labels = simulation.write(stream)
    with (place / "spans.jsonl").open("wb") as stream:
        labels.write(stream)
    with (place / "lines.jsonl").open("wb") as stream:
        labels.write_lines(stream)
    return place


@pytest.mark.parametrize("labels", ["spans.jsonl", "lines.jsonl"])
def test_a_labelled_log_is_evaluated(logs: Path, labels: str) -> None:
    done = _evaluate("a.log", "--labels", labels, "--json", "out.json", cwd=logs)
    assert done.returncode == 0, done.stderr
    document = json.loads((logs / "out.json").read_text())
    spans = {row["name"]: row for row in document["spans"]}
    # A drop has few lines of its own, so that only the label with times tells of it as it was.
    assert {"error_spike", "sql_injection"} <= set(spans)
    for name in ("error_spike", "sql_injection"):
        assert spans[name]["found"] == spans[name]["spans"] == 1
        assert 0 < spans[name]["median_delay_s"] <= 300
        assert f"\n{name} " in f"\n{done.stdout}"
    lines = {row["name"]: row for row in document["lines"]}
    truth = [json.loads(line) for line in (logs / "spans.jsonl").read_text().splitlines()]
    for row in truth:
        if row["type"] in ("error_spike", "sql_injection"):
            assert lines[row["type"]]["lines"] == row["requests"]
    total = document["all_lines"]
    assert total["labelled"] + total["benign"] == len((logs / "a.log").read_bytes().splitlines())
    assert total["auc_pr"] > 0.8
    assert total["recall"] == total["found"] / total["labelled"] > 0.8
    reliable = document["reliability"]
    assert reliable["lines"] == sum(row["rows"] for row in reliable["table"])
    assert reliable["lines"] == total["labelled"] + total["benign"]
    gaps = [row["rows"] * abs(row["said"] - row["was"]) for row in reliable["table"]]
    assert reliable["expected_calibration_error"] == pytest.approx(sum(gaps) / reliable["lines"])
    assert f"expected calibration error {reliable['expected_calibration_error']:.3f}" in done.stdout
    assert f"are labelled: {reliable['error_with_share_known']:.3f}." in done.stdout
    assert reliable["share_assumed"] == 0.02
    alarms = document["false_alarms"]
    assert alarms["incidents"] == len(alarms["each"])
    assert alarms["service_days"] == pytest.approx(2 / 24, rel=0.02)


def test_what_labels_are_about_and_the_log_does_not_have_is_named(logs: Path, tmp_path: Path) -> None:
    held = [json.loads(line) for line in (logs / "spans.jsonl").read_text().splitlines()]
    for row in held:
        row["service"], row["source"] = "a", "a.log"
    strangers = [
        {**held[0], "service": "shop", "source": "shop.log", "lines": [[1, 3]]},
        {**held[0], "service": "shop"},
    ]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("".join(json.dumps(row) + "\n" for row in [*held, *strangers]))
    done = _evaluate("a.log", "--labels", str(labels), "--json", str(tmp_path / "out.json"), cwd=logs)
    assert done.returncode == 0, done.stderr
    told = [
        "2 labels of service shop, of which the log has no request: it has a",
        "3 labelled lines of source shop.log, of which the log has no request: it has a.log",
    ]
    assert json.loads((tmp_path / "out.json").read_text())["strangers"] == told
    assert all(f"\n{text}.\n" in done.stdout for text in told)
    calm = _evaluate("a.log", "--labels", "spans.jsonl", "--json", "-", cwd=logs)
    assert json.loads(calm.stdout)["strangers"] == []


def test_labels_that_are_about_another_log_are_refused(logs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T01:00:00Z", "type": "xss"}\n')
    done = _evaluate("a.log", "--labels", str(other), cwd=logs)
    assert done.returncode == 2
    assert "no label is about this log, which goes from 2026-03-02T08:00" in done.stderr


def test_labels_of_lines_must_name_one_of_several_sources(logs: Path) -> None:
    (logs / "b.log").write_bytes((logs / "a.log").read_bytes())
    done = _evaluate("a.log", "b.log", "--labels", "lines.jsonl", cwd=logs)
    assert done.returncode == 2
    assert "add `source` to the labels" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.log"], "give the labels"),
        (["--labels", "x.jsonl"], "give the log that the labels are about"),
        (["a.log", "--labels", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["evaluate", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_requests_unlike_the_site_count_as_found(tmp_path: Path) -> None:
    """What only the site's own habits tell is in the scores, and in what is flagged."""
    (tmp_path / "past.log").write_bytes(b"".join(shop()))
    odd = [f"/shop/basket?article=1234{letter}&amount=7" for letter in "abcdef"]
    rows = [line(LATER + number, target) for number, target in enumerate([*odd, *["/shop/"] * 30])]
    (tmp_path / "a.log").write_bytes(b"".join(rows))
    labels = [{"line": number, "type": "abnormal_request"} for number in range(1, len(odd) + 1)]
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    done = _evaluate(
        "a.log", "--baseline-from", "past.log", "--labels", "odd.jsonl", "--json", "out.json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    total = json.loads((tmp_path / "out.json").read_text())["all_lines"]
    assert (total["found"], total["labelled"], total["flagged"]) == (6, 6, 0)
    assert total["auc_pr"] == 1.0
