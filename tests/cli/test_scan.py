"""`vedette scan` as a command: what it takes, what it writes, how it ends."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S

from vedette.cli.main import run
from vedette.config import Config
from vedette.data import sample_path
from vedette.report.json import load_findings
from vedette.schema.anomaly import AnomalyType
from vedette.storage import open_store

Scan = Callable[..., subprocess.CompletedProcess[str]]

LINE = '192.0.2.7 - - [02/Mar/2026:08:00:0{second} +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"\n'
LOG = "".join(LINE.format(second=second) for second in range(10))


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """Runs `vedette scan` in a process of its own, in an empty directory: the kernels' mode is chosen once."""

    def start(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vedette", "scan", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            input=text,
            check=False,
            timeout=PATIENCE_S,
        )

    return start


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with everything that one scan of the sample writes."""
    place = tmp_path_factory.mktemp("sample")
    outputs = [
        "--json",
        "f.json",
        "--verdicts",
        "v.jsonl",
        "--all",
        "--html",
        "r.html",
        "--store",
        "sqlite:///s.db",
    ]
    command = [sys.executable, "-m", "vedette", "scan", "--sample", *outputs]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 1, done.stderr
    (place / "report.txt").write_text(done.stdout)
    return place


def test_the_sample_s_incidents_are_found(sample: Path) -> None:
    found = {a.type for a in load_findings(str(sample / "f.json")).anomalies}
    assert found >= {
        AnomalyType.ERROR_SPIKE,
        AnomalyType.SCANNER,
        AnomalyType.SQL_INJECTION,
        AnomalyType.BRUTE_FORCE,
    }


def test_every_line_of_the_sample_is_read_and_has_a_verdict(sample: Path) -> None:
    lines = len(sample_path().read_bytes().splitlines())
    coverage = load_findings(str(sample / "f.json")).coverage
    assert (coverage.lines, coverage.parsed, coverage.skipped) == (lines, lines, {})
    verdicts = [json.loads(line) for line in (sample / "v.jsonl").read_text().splitlines()]
    assert [v["line"] for v in verdicts] == list(range(1, lines + 1))
    assert any(v["is_anomaly"] for v in verdicts)


def test_anomalies_belong_to_the_incidents_that_name_them(sample: Path) -> None:
    findings = load_findings(str(sample / "f.json"))
    named = {anomaly: incident.id for incident in findings.incidents for anomaly in incident.anomaly_ids}
    assert named == {anomaly.id: anomaly.incident_id for anomaly in findings.anomalies}


def test_the_store_keeps_what_the_document_holds(sample: Path) -> None:
    findings = load_findings(str(sample / "f.json"))
    with open_store(f"sqlite:///{sample}/s.db", create=False) as store:
        assert {a.id for a in store.anomalies(limit=1000).items} == {a.id for a in findings.anomalies}
        assert {i.id for i in store.incidents(limit=1000).items} == {i.id for i in findings.incidents}
        assert [r.lines for r in store.runs().items] == [findings.coverage.lines]
        assert store.baselines(limit=1).items


def test_every_incident_is_in_the_report_and_on_the_page(sample: Path) -> None:
    report, page = (sample / "report.txt").read_text(), (sample / "r.html").read_text()
    for incident in load_findings(str(sample / "f.json")).incidents:
        assert incident.title in report
        assert incident.title.split(" on ", maxsplit=1)[0] in page


@pytest.mark.parametrize("kernels", ["interpret", "compile"])
def test_a_scan_again_gives_the_same_document(
    scan: Scan, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: str
) -> None:
    monkeypatch.setenv("VEDETTE_KERNELS", kernels)
    assert scan("--sample", "-q", "--json", "again.json").returncode == 1
    first, second = (json.loads(p.read_text()) for p in (sample / "f.json", tmp_path / "again.json"))
    del first["coverage"]["seconds"], second["coverage"]["seconds"]
    assert first == second


def test_compiled_kernels_give_the_same_document(
    scan: Scan, sample: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VEDETTE_KERNELS", "compile")
    assert scan("--sample", "-q", "--json", "compiled.json").returncode == 1
    first, second = (_leaves(p) for p in (sample / "f.json", tmp_path / "compiled.json"))
    assert list(first) == list(second)
    for place, value in first.items():
        # Compiled code may round a logarithm's last bit another way.
        assert second[place] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), place


def _leaves(path: Path) -> dict[str, object]:
    """Every number and text of a document by where it stands; how long the run took is left out."""
    found: dict[str, object] = {}

    def walk(node: object, place: str) -> None:
        if isinstance(node, dict | list):
            for key, below in node.items() if isinstance(node, dict) else enumerate(node):
                walk(below, f"{place}/{key}")
        else:
            found[place] = node

    walk(json.loads(path.read_text()), "")
    del found["/coverage/seconds"]
    return found


@pytest.mark.parametrize("wanted", ["--json", "--verdicts", "--html"])
def test_a_document_on_standard_output_stands_there_alone(scan: Scan, wanted: str) -> None:
    out = scan("--sample", wanted, "-").stdout
    match wanted:
        case "--json":
            assert json.loads(out)["schema"].startswith("vedette/findings/")
        case "--verdicts":
            assert all(json.loads(line)["is_anomaly"] for line in out.splitlines())
        case _:
            assert out.lower().startswith("<!doctype html>")
            assert out.rstrip().endswith("</html>")


@pytest.mark.parametrize(("least", "status"), [("low", 1), ("critical", 0)])
def test_the_status_depends_on_the_least_severity_that_counts(scan: Scan, least: str, status: int) -> None:
    done = scan("--sample", "--quiet", "--fail-on", least)
    assert (done.returncode, done.stdout) == (status, "")


def test_a_calm_log_ends_with_status_0(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG)
    done = scan("access.log")
    assert done.returncode == 0, done.stderr
    assert "10 read, 10 parsed" in done.stdout


def test_standard_input_and_compressed_files_are_read(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(LOG.encode()))
    for done in (scan("-", text=LOG), scan("access.log.1.gz"), scan("access.log*")):
        assert done.returncode == 0, done.stderr
        assert "10 read, 10 parsed" in done.stdout


def test_a_pipe_that_is_out_of_order_is_read_again_like_a_file(scan: Scan, tmp_path: Path) -> None:
    late = LOG.replace("[02/Mar/2026:08:", "[02/Mar/2026:04:")
    text = "".join(
        LOG.replace(":08:00:", f":08:{minute:02}:") + (late if minute > 50 else "") for minute in range(60)
    )
    (tmp_path / "access.log").write_text(text)
    coverage = []
    for done in (scan("access.log", "-q", "--json", "-"), scan("-", "-q", "--json", "-", text=text)):
        found = json.loads(done.stdout)["coverage"]
        coverage.append({name: found[name] for name in ("lines", "parsed", "windows", "capped")})
    assert coverage[0] == coverage[1]


def test_only_baseline_from_calls_what_came_before_normal(scan: Scan, tmp_path: Path) -> None:
    lines = [
        f"192.0.2.{n % 50} - - [02/Mar/2026:{8 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02} +0000] "
        f'"GET /shop/{n % 7}.html HTTP/1.1" 200 5 "-" "curl/8"\n'
        for n in range(7500)
    ]
    lines.insert(7400, lines[7399].replace("/shop/0.html", "/blog/new"))
    assert "/blog/new" in lines[7400]
    for name, part in (("past.log", lines[:7200]), ("now.log", lines[7200:]), ("access.log", lines)):
        (tmp_path / name).write_text("".join(part))
    done = scan("now.log", "--baseline-from", "past.log")
    assert (done.returncode, "matched /blog/new (route)" in done.stdout) == (1, True), done.stdout
    done = scan("access.log", "--since", "2026-03-02T10:00")
    assert (done.returncode, "7,200 earlier requests" in done.stdout) == (0, True), done.stdout


def test_a_half_bad_file_is_scanned_and_its_bad_half_reported(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(
        "".join(line + "nonsense\n" for line in LOG.splitlines(keepends=True))
    )
    done = scan("access.log", "--format", "combined")
    assert done.returncode == 0, done.stderr
    assert "20 read, 10 parsed" in done.stdout
    assert "nonsense" in done.stdout


def test_a_past_that_is_no_past_is_said_to_have_taught_nothing(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "now.log").write_text(LOG)
    (tmp_path / "later.log").write_text(LOG)
    done = scan("now.log", "--baseline-from", "later.log")
    assert "Nothing was learned from --baseline-from: none of its 10 requests is older than" in done.stdout
    (tmp_path / "earlier.log").write_text(LOG.replace("02/Mar/2026", "01/Mar/2026"))
    done = scan("now.log", "--baseline-from", "earlier.log")
    assert "Nothing was learned" not in done.stdout
    assert "what is normal from 10 earlier requests" in done.stdout


def test_since_and_until_and_service_leave_requests_out(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    for options, kept in (
        (["--since", "2026-03-02T08:00:04"], 6),
        (["--until", "2026-03-02T08:00:04"], 4),
        (["--service", "shop"], 10),
        (["--since", "2026-03-03"], 0),
    ):
        done = scan("shop.log", "-q", "--json", "-", *options)
        coverage = json.loads(done.stdout)["coverage"]
        assert coverage["parsed"] - coverage["filtered"] == kept, options


def test_an_output_that_cannot_be_written_takes_no_other_along(scan: Scan, tmp_path: Path) -> None:
    done = scan("--sample", "--json", "/dev/full", "--html", "r.html", "--verdicts", "v.jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith("vedette: /dev/full: cannot be written: No space left on device")
    assert done.stderr.count("\n") == 1
    assert "3 incidents, the worst high." in done.stdout
    assert (tmp_path / "r.html").stat().st_size > 10_000
    assert (tmp_path / "v.jsonl").stat().st_size > 10_000


def test_a_time_of_which_there_is_no_request_is_answered_with_those_of_the_log(
    scan: Scan, tmp_path: Path
) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    done = scan("shop.log", "--since", "2026-03-03")
    assert "Nothing was judged: the filter left none of 10 requests." in done.stdout
    told = "shop.log: no request of the time that --since asked for: they are of 2026-03-02 08:00 to 08:00:09 UTC (9 s)"
    assert told in " ".join(done.stdout.split())
    assert told in scan("shop.log", "--since", "2026-03-03", "-q").stderr
    assert "no request of the time" not in scan("shop.log", "--since", "2026-03-02").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.log"], "none.log: no such file"),
        (["empty.log"], "empty.log: "),
        (["binary.log"], "binary.log: "),
        (["prose.log"], "prose.log"),
        (["cut.log.gz"], "cut.log.gz: "),
        (["good.log", "--format", "apache3"], "--format apache3: no format of that name"),
        (["good.log", "--log-format", "$nonsense"], "log format '$nonsense'"),
        (["good.log", "--field", "status"], "--field status: must be NAME=KEY"),
        (["good.log", "--field", "statsu=x"], "--field: field map: "),
        (["good.log", "--since", "noon"], "--since noon: not a time"),
        (["good.log", "--config", "bad.yaml"], "bad.yaml:1: windos: no such key; did you mean 'windows'?"),
        (["good.log", "--config", "none.yaml"], "none.yaml: no such file"),
        (["good.log", "--store", "mysql://x"], "mysql"),
        (
            ["good.log", "--service", "shop"],
            "--service shop: no request is to a service of that name: there is good",
        ),
        (["good.log", "--json", "no/such/place.json"], "no/such/place.json"),
        (["good.log", "--trusted-proxy", "here"], "here"),
        (["good.log", "--log-timezone", "Mars/Olympus"], "Mars/Olympus"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(
    scan: Scan, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "good.log").write_text(LOG)
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "binary.log").write_bytes(bytes(range(256)) * 64)
    (tmp_path / "prose.log").write_text("It was a dark and stormy night.\n" * 50)
    (tmp_path / "cut.log.gz").write_bytes(gzip.compress(b"")[:6])
    (tmp_path / "bad.yaml").write_text("windos: {}\n")
    done = scan(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("vedette: ")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give a log to scan"),
        (["--sample", "a.log"], "either paths or --sample"),
        (["a.log", "--budget", "1", "--threshold", "3"], "either --budget or --sensitivity or --threshold"),
        (["a.log", "--sensitivity", "loud"], "must be one of low, medium, high, highest"),
        (["a.log", "--all"], "--verdicts FILE"),
        (["a.log", "--since", "2026-03-02", "--until", "2026-03-01"], "must be after --since 2026-03-02"),
        (["a.log", "--json", "-", "--verdicts", "-"], "only one of"),
        (["a.log", "--top", "0"], "--top"),
        (["a.log", "--fail-on", "bad"], "'low', 'medium', 'high', 'critical'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scan", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert says in err


def test_every_override_is_a_key_of_the_configuration() -> None:
    from vedette.replay.options import ScanOptions
    from vedette.schema.anomaly import Severity

    full = ScanOptions(
        paths=("a",), format="json", log_format="$status", fields={"status": "s"}, threshold=4.0, top=3, lateness_s=5.0,
        log_timezone="UTC", trusted_proxies=("10.0.0.0/8",), store="sqlite:///x.db", fail_on=Severity.HIGH,
    )  # fmt: skip
    config = Config.load(overrides=full.overrides())
    assert config.alarm.threshold_z == 4.0
    assert config.output.fail_on is Severity.HIGH
    assert ScanOptions(paths=("a",)).overrides() == {}


def test_other_settings_are_told_beside_what_holds(scan: Scan, tmp_path: Path) -> None:
    settings = ["--what-if", "budget=1/hour,threshold=2.5", "--what-if", "sensitivity=low"]
    done = scan("--sample", "--json", "f.json", *settings)
    assert done.returncode == 1
    rows = load_findings(str(tmp_path / "f.json")).coverage.what_if
    assert [row.setting for row in rows] == ["as set", "budget=1/hour", "threshold=2.5", "sensitivity=low"]
    for row in rows:
        assert f"{row.setting}: {row.incidents} incidents" in done.stdout
        assert sum(row.by_severity.values()) == row.incidents
    for option, row in (("--budget", rows[1]), ("--threshold", rows[2]), ("--sensitivity", rows[3])):
        assert (
            scan("--sample", "-q", option, row.setting.partition("=")[2], "--json", "g.json").returncode == 1
        )
        other = load_findings(str(tmp_path / "g.json"))
        assert (len(other.incidents), len(other.anomalies)) == (row.incidents, row.anomalies)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("budget", "must be budget=RATE, threshold=Z or sensitivity=NAME"),
        ("budget=often", 'alarm.budget = "often": must be a number of false alarms over a span of time'),
        ("threshold=x", "must be a number of standard deviations"),
        ("threshold=0", "must be above 0"),
        ("sensitivity=loud", "must be one of low, medium, high, highest"),
        (",".join(["budget=1/day"] * 13), "at most 12 at once"),
    ],
)
def test_settings_that_cannot_be_asked_about_are_refused(scan: Scan, setting: str, says: str) -> None:
    done = scan("--sample", "--what-if", setting)
    assert done.returncode == 2
    assert says in done.stderr
