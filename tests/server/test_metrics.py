"""Prometheus gets the promised names, and never more series than are bounded."""

import asyncio
import shutil
import subprocess
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.doubles import House, MemoryView
from vedette.server.metrics import MOST_VALUES, OTHER, Named

CLASSIC = {
    "vedette_ai_anomalies_total": {"service", "type", "severity"},
    "vedette_ai_baselines_total": set(),
    "vedette_ai_patterns_collected_total": set(),
    "vedette_ai_patterns_flushed_total": set(),
    "vedette_ai_flush_errors_total": set(),
    "vedette_ai_alerts_sent_total": {"channel", "severity"},
    "vedette_ai_alert_errors_total": {"channel"},
    "vedette_ai_analysis_duration_seconds_sum": set(),
    "vedette_ai_analysis_duration_seconds_count": set(),
}


class Counted(House):
    """A house whose counters can be set."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        told = {"alerts_sent": {("slack", "high"): 3}, "alert_errors": {"slack": 1}}
        counters = msgspec.structs.replace(MemoryView().counters(), **told, **changes)
        self.view.counters = lambda: counters  # type: ignore[method-assign]


async def scraped(house: House, **headers: str) -> str:
    async with house.client() as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return answer.text


async def test_the_promised_names_are_there_with_their_labels() -> None:
    samples = {
        sample.name: sample
        for family in text_string_to_metric_families(await scraped(Counted()))
        for sample in family.samples
    }
    for name, labels in CLASSIC.items():
        assert set(samples[name].labels) == labels, name
    anomalies = samples["vedette_ai_anomalies_total"]
    assert anomalies.labels == {"service": "shop", "type": "sql_injection", "severity": "high"}
    assert anomalies.value == 2
    assert samples["vedette_ai_analysis_duration_seconds_sum"].value == 0.5
    assert samples["vedette_ai_alerts_sent_total"].value == 3
    assert samples["vedette_parse_failures_total"].labels == {"reason": "bad_json"}
    assert "vedette_lag_seconds" not in samples


async def test_lag_queue_drops_and_caps_are_told() -> None:
    text = await scraped(
        Counted(lag_s=1.5, queue_bytes=7, dropped={"queue full": 3}, capped={"clients": 2}, sampling=0.5)
    )
    for line in (
        "vedette_lag_seconds 1.5",
        "vedette_queue_bytes 7.0",
        'vedette_dropped_lines_total{reason="queue full"} 3.0',
        'vedette_memory_cap_hits_total{cap="clients"} 2.0',
        "vedette_sampling_ratio 0.5",
    ):
        assert line in text.splitlines()


async def test_a_flood_of_services_makes_a_bounded_number_of_series() -> None:
    many = {(f"s{n}", "xss", "low"): 1 for n in range(MOST_VALUES + 50)}
    text = await scraped(Counted(anomalies=many))
    lines = [line for line in text.splitlines() if line.startswith("vedette_ai_anomalies_total{")]
    assert len(lines) == MOST_VALUES + 1
    (rest,) = [line for line in lines if f'service="{OTHER}"' in line]
    assert rest.endswith(" 50.0")


def test_a_name_stays_with_its_series() -> None:
    named = Named(2)
    assert [named(value) for value in ("a", "b", "c", "a", "c")] == ["a", "b", OTHER, "a", OTHER]


async def test_answers_are_counted_by_status() -> None:
    house = House()
    app = house.app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        await client.get("/nope")
        await client.get("/health")
        text = (await client.get("/metrics")).text
    assert 'vedette_http_requests_total{status="404"} 1.0' in text
    assert 'vedette_http_requests_total{status="200"} 1.0' in text


async def test_openmetrics_is_spoken_where_it_is_asked_for() -> None:
    text = await scraped(Counted(), Accept="application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")


def test_prometheus_finds_nothing_to_complain_about() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: install Debian's package prometheus, which has it")
    text = asyncio.run(scraped(Counted(lag_s=1.0, dropped={"a": 1}, capped={"b": 1})))
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "accept", ["", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"]
)
async def test_the_format_says_its_charset_once(accept: str) -> None:
    async with House().client() as client:
        answer = await client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].count("charset=") == 1
    assert answer.headers["content-type"].startswith(accept.partition(";")[0] or "text/plain")
