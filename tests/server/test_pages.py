"""Incidents as pages, for whoever follows the link in an alert."""

import base64
import hashlib
import re
from typing import NoReturn

import msgspec
import pytest

from tests.report.made import anomaly, incident
from tests.server.doubles import House
from vedette.storage.errors import StoreError, StoreProblem

HOSTILE = "<script>alert(1)</script>"


def furnished() -> House:
    house = House()
    first = incident(1, title=f"Error spike on {HOSTILE}")
    house.store.grouped = [first, incident(2, title="Scan on shop")]
    house.store.found = [msgspec.structs.replace(anomaly(1), incident_id=first.id)]
    return house


async def page(house: House, path: str) -> tuple[str, str]:
    """A page's text, and what it may load."""
    async with house.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text, ", ".join(answer.headers.get_list("content-security-policy"))


async def test_an_incident_is_a_page_with_its_arithmetic() -> None:
    text, _ = await page(furnished(), "/report/i1")
    assert "61 % of 420 requests to shop /login failed with 5xx (258 errors), expected 0.40 %." in text
    assert "Look at the failing route&#x27;s application log." in text
    assert "ratio_high(" in text
    assert "POST /login HTTP/1.1" in text


async def test_what_a_log_held_is_no_markup() -> None:
    for path in ("/report/i1", "/report"):
        text, _ = await page(furnished(), path)
        assert HOSTILE not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


async def test_a_page_may_load_its_own_style_and_nothing_else() -> None:
    text, policy = await page(furnished(), "/report/i1")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "frame-ancestors 'none'" in policy
    assert "style-src" not in policy.replace(f"style-src 'sha256-{digest}'", "")


async def test_the_list_says_how_the_service_does() -> None:
    house = furnished()
    house.view.judged = 60_610
    text, _ = await page(house, "/report")
    assert "The service is ok: 60,610 requests were read so far." in text
    house.view.problems = (f"files: {HOSTILE}: cannot be read",)
    text, _ = await page(house, "/report")
    assert "The service is degraded: 60,610 requests" in text
    assert "files: &lt;script&gt;alert(1)&lt;/script&gt;: cannot be read" in text
    assert HOSTILE not in text
    assert "The service is ok: nothing was read so far." in (await page(House(), "/report"))[0]


async def test_the_list_leads_to_each_of_them() -> None:
    text, _ = await page(furnished(), "/report")
    assert re.findall(r'href="([^"]*)"', text) == ["report/i1", "report/i2"]
    assert "None so far." in (await page(House(), "/report"))[0]


async def test_a_page_of_one_says_how_it_stands_and_leads_back_to_the_list() -> None:
    text, _ = await page(furnished(), "/report/i1")
    assert "<h1>Error spike on " in text
    assert f"), {furnished().store.grouped[0].state.value}</dd><dt>To</dt>" in text
    # Relative: a proxy may have put the service below another path.
    assert re.findall(r'href="([^"]*)"', text) == ["../report"]


async def test_links_lead_there_from_an_address_with_a_slash_at_its_end_too() -> None:
    async with furnished().client() as client:
        for path in ("/report", "/report/"):
            listed = await client.get(path)
            first = re.findall(r'href="([^"]*)"', listed.text)[0]
            for end in ("", "/"):
                one = await client.get(str(listed.url.join(first + end)))
                assert "<h1>Error spike on " in one.text
                (back,) = re.findall(r'href="([^"]*)"', one.text)
                assert one.url.join(back).path == "/report"


async def test_one_that_is_not_kept_is_said_to_be_so() -> None:
    async with furnished().client() as client:
        answer = await client.get("/report/i404")
    assert answer.status_code == 404
    assert "never kept, or is kept no longer" in answer.json()["detail"]


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def without_its_store(monkeypatch: pytest.MonkeyPatch) -> House:
    def out(*_: object, **__: object) -> NoReturn:
        raise StoreError("sqlite:///v.db", StoreProblem.FULL, f"its disk {HOSTILE} is full")

    house = furnished()
    for method in ("incidents", "incident"):
        monkeypatch.setattr(house.store, method, out)
    house.view.problems = ("spool: commits wait",)
    return house


@pytest.mark.parametrize(("path", "links"), [("/report", []), ("/report/i1", ["../report"])])
async def test_a_browser_is_told_in_a_page_why_there_is_none(
    monkeypatch: pytest.MonkeyPatch, path: str, links: list[str]
) -> None:
    async with without_its_store(monkeypatch).client() as client:
        answer = await client.get(path, headers={"Accept": BROWSER})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["content-type"].startswith("text/html")
    assert "style-src 'sha256-" in ", ".join(answer.headers.get_list("content-security-policy"))
    assert "<h1>Service Unavailable</h1>" in answer.text
    assert "The store cannot be used now: sqlite:///v.db: its disk &lt;script&gt;" in answer.text
    assert HOSTILE not in answer.text
    assert "spool: commits wait" in answer.text
    assert re.findall(r'href="([^"]*)"', answer.text) == links


async def test_a_browser_is_told_in_a_page_that_an_incident_is_not_kept() -> None:
    async with furnished().client() as client:
        answer = await client.get("/report/i404", headers={"Accept": BROWSER})
    assert answer.status_code == 404
    assert "<h1>Not Found</h1>" in answer.text
    assert "never kept, or is kept no longer" in answer.text


async def test_a_program_is_told_in_a_problem_why_there_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with without_its_store(monkeypatch).client() as client:
        answer = await client.get("/report", headers={"Accept": "*/*"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("the store cannot be used now")
