import base64
import hashlib
import re
from datetime import UTC
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.made import anomaly, calm, findings, incident, odd
from tests.report.test_terminal import HOSTILE, hostile_findings

from vedette.report.html import MOST_ANOMALIES, MOST_INCIDENTS, page, write_html
from vedette.report.markup import Html, tag
from vedette.report.timeline import MOST as MOST_DRAWN
from vedette.schema.anomaly import Severity
from vedette.schema.findings import Findings

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)> &lt; javascript:alert(1) ]]> -->"


class Page(HTMLParser):
    """Elements with their attributes, and text, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.pieces: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.extend((tag, name, value or "") for name, value in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def read(found: Findings) -> Page:
    return Page("".join(page(found, UTC)))


def test_an_incident_is_told_with_its_arithmetic_evidence_and_advice(found: Findings) -> None:
    told = read(found).text
    for part in (
        "2 incidents, the worst critical.",
        "Error spike on shop /login",
        "61 % of 420 requests to shop /login failed with 5xx (258 errors), expected 0.40 %.",
        "2026-03-02 09:10 to 09:15 UTC (5 min)",
        "almost certain (score 0.97 of 1)",
        "access.log:1234",
        '"POST /login HTTP/1.1" 503 12',
        "Look at the failing route's application log.",
        "ratio_high(count = 258, total = 420) = 41.5",
        "Not stated at 5.0 % or less.",
        "4,012 read, 4,000 parsed (99.7 %), 12 skipped, 3 filtered out",
    ):
        assert part in told


def test_every_element_that_is_opened_is_closed(found: Findings) -> None:
    assert read(found).open == []


def test_nothing_is_loaded_and_nothing_runs(found: Findings) -> None:
    told = read(found)
    loading = {"src", "srcset", "action", "data", "poster", "background", "style"}
    names = {name for _, name, _ in told.attributes}
    assert not names & loading
    assert not {name for name in names if name.startswith("on")}
    assert {element for element, _ in told.elements}.isdisjoint({"script", "link", "iframe", "object", "img"})
    assert all(value.startswith("#") for _, name, value in told.attributes if name == "href")
    assert "url(" not in told.text
    assert "@import" not in told.text


def test_the_policy_allows_the_page_s_own_style_and_nothing_else(found: Findings) -> None:
    text = "".join(page(found, UTC))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert style is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#x27;", "'").split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


@given(st.one_of(st.text(min_size=1), st.sampled_from([SCRIPT, HOSTILE, "</style>", "<!--"])))
def test_text_from_a_log_is_never_markup(text: str) -> None:
    told = read(hostile_findings(text))
    assert told.elements == read(hostile_findings("x")).elements
    assert told.open == []


def test_hostile_text_is_shown_as_it_is_and_controls_as_escapes() -> None:
    told = read(hostile_findings(SCRIPT + HOSTILE)).text
    assert SCRIPT in told
    assert "\\x1b[31mred" in told
    assert "\u202e" not in told


def test_many_anomalies_are_capped_and_the_rest_counted() -> None:
    many = [anomaly(i) for i in range(MOST_ANOMALIES + 5)]
    told = read(findings(anomalies=many, incidents=[incident(anomaly_ids=tuple(a.id for a in many))]))
    assert told.text.count("Not stated at") == MOST_ANOMALIES
    assert f"All {MOST_ANOMALIES + 5} anomalies" in told.text
    assert "5 more in the JSON" in told.text


def test_many_incidents_are_capped_and_the_rest_counted() -> None:
    told = read(findings(incidents=[incident(i) for i in range(MOST_INCIDENTS + 3)]))
    assert sum(element == "article" for element, _ in told.elements) == MOST_INCIDENTS
    assert "3 more incidents in the JSON" in told.text
    assert f"{MOST_INCIDENTS + 3 - MOST_DRAWN} less severe incidents are not drawn." in told.text


def test_each_incident_is_drawn_inside_the_time_covered_and_leads_to_its_story() -> None:
    start = findings().coverage.start
    assert start is not None
    far = incident(3, start=start - 10**12, end=start - 10**12 + 1, severity=Severity.LOW)
    told = read(findings(incidents=[incident(), far]))
    ids = {value for element, name, value in told.attributes if element == "article" and name == "id"}
    links = {value.removeprefix("#") for _, name, value in told.attributes if name == "href"}
    assert ids == links == {"i1", "i3"}
    xs = [float(value) for element, name, value in told.attributes if element == "rect" and name == "x"]
    assert all(0 <= x <= 1000 for x in xs)


def test_a_calm_log_makes_a_calm_page() -> None:
    told = read(calm())
    assert "Nothing out of the ordinary was found." in told.text
    assert not any(element in ("svg", "article") for element, _ in told.elements)


def test_a_page_appears_as_a_file(found: Findings, tmp_path: Path) -> None:
    path = tmp_path / "found.html"
    write_html(found, str(path), zone=ZoneInfo("Europe/Berlin"))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>\n")
    assert text.endswith("</html>\n")
    assert "10:10 to 10:15 CET" in text


@pytest.mark.parametrize("name", ['x onload="y"', "", "1x", "a>b"])
def test_a_name_that_is_no_element_s_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        tag(name)
    with pytest.raises(ValueError, match="is no name"):
        tag("p", **{name: "x"})


def test_finished_markup_is_not_escaped_twice() -> None:
    assert tag("p", "<", Html("&lt;"), [tag("b", "x"), None]).text == "<p>&lt;&lt;<b>x</b></p>"


@given(st.floats(), st.floats(), st.integers())
def test_odd_numbers_are_shown_all_the_same(value: float, share: float, time: int) -> None:
    assert read(odd(value, share, time))
