"""What a learned model stated, explained from its file, and as a long table."""

import csv
import json
from pathlib import Path

import pytest
from tests.engine.test_learned import CRAWLER, crawl, mixed, quiet

from vedette.cli.main import run


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with models of a quiet shop, and what they find when a crawler comes."""
    place = tmp_path_factory.mktemp("explained")
    (place / "shop.log").write_bytes(b"".join(quiet()))
    assert run(["train", str(place / "shop.log"), "--models", str(place / "models"), "--no-progress"]) == 0
    (place / "vedette.yaml").write_text(f"learned: {{models: {place / 'models'}}}\n")
    (place / "shop.log").write_bytes(b"".join(mixed(crawl(100, 165, every_s=1.2))))
    options = ["-q", "--config", str(place / "vedette.yaml"), "--json", str(place / "found.json")]
    assert run(["scan", str(place / "shop.log"), *options]) == 1
    return place


def _rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text().splitlines()))


def _anomaly(place: Path) -> dict[str, object]:
    document = json.loads((place / "found.json").read_bytes())
    return next(a for a in document["anomalies"] if a["detector"] == "forest")


def test_all_contributions_make_a_long_table(stated: Path) -> None:
    table = stated / "long.csv"
    assert run(["explain", "--json", str(stated / "found.json"), "--csv", str(table)]) == 0
    rows = _rows(table)
    known = {a["id"]: a for a in json.loads((stated / "found.json").read_bytes())["anomalies"]}
    assert len(rows) == sum(len(a["contributions"]) for a in known.values()) > 0
    for row in rows:
        anomaly = known[row["anomaly_id"]]
        assert float(row["probability"]) == pytest.approx(anomaly["score"], rel=1e-5)
        assert row["timestamp"] == anomaly["start"]
        assert row["entity"].endswith(anomaly["entity"]["value"])
        shares = [c["share"] for c in anomaly["contributions"]]
        assert any(float(row["contribution"]) == pytest.approx(share, rel=1e-6) for share in shares)


def test_a_model_is_explained_the_same_again(stated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    anomaly = _anomaly(stated)
    common = [
        "explain",
        str(anomaly["id"]),
        "--json",
        str(stated / "found.json"),
        "--lime",
        str(stated / "models"),
    ]
    tables = []
    for name in ("one.csv", "two.csv"):
        assert run([*common, "--csv", str(stated / name)]) == 0
        tables.append((stated / name).read_bytes())
    assert tables[0] == tables[1]
    rows = _rows(stated / "one.csv")
    assert {row["feature"]: float(row["value"]) for row in rows} == pytest.approx(
        anomaly["details"]["row"],  # type: ignore[index]
        rel=1e-6,
        abs=1e-9,
    )
    assert {row["entity"] for row in rows} == {f"client {CRAWLER}"}
    capsys.readouterr()
    assert run(common) == 0
    said = capsys.readouterr().out
    assert "a line fitted to rows like it gives" in " ".join(said.split())
    most = max(rows, key=lambda row: abs(float(row["contribution"])))
    assert f"{float(most['contribution']):+.4f} {most['feature']}" in said


def test_a_model_that_did_not_state_it_does_not_explain_it(
    stated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((stated / "found.json").read_bytes())
    for anomaly in document["anomalies"]:
        if anomaly["detector"] == "forest":
            anomaly["details"]["isolation_score"] += 0.01
    other = stated / "other.json"
    other.write_text(json.dumps(document))
    known = str(_anomaly(stated)["id"])
    assert run(["explain", known, "--json", str(other), "--lime", str(stated / "models")]) == 2
    assert "another model stated it" in capsys.readouterr().err


def test_texts_that_spreadsheets_would_run_are_quoted() -> None:
    from vedette.report.contributions import _plain

    assert [_plain(text) for text in ("=1+1", "@x", "-2", "+3", "a\nb", "/x")] == [
        "'=1+1", "'@x", "'-2", "'+3", "a\\nb", "/x",
    ]  # fmt: skip
