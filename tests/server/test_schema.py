"""The OpenAPI document says what there is, the reference page says the same, and nothing in it breaks the service."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patience import PATIENCE_S
from tests.report.made import anomaly, incident
from tests.server.doubles import House
from tests.server.listeners import listening

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text()
_ROW = re.compile(r"^\| `(GET|POST|PUT|DELETE) (/[^`]*)` \|", re.MULTILINE)


async def document() -> dict[str, Any]:
    async with House().client() as client:
        found: dict[str, Any] = (await client.get("/schema/openapi.json")).json()
        assert (await client.get("/schema")).json() == found
    return found


async def test_every_route_is_on_the_reference_page_and_no_other() -> None:
    asked = {
        (method.upper(), path)
        for path, operations in (await document())["paths"].items()
        for method in operations
    }
    assert set(_ROW.findall(PAGE)) == asked | {("GET", "/schema")}


async def test_every_parameter_of_a_route_is_named_on_its_page() -> None:
    for path, operations in (await document())["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "path":
                    assert f"`{parameter['name']}`" in PAGE, (path, parameter["name"])


async def test_every_route_says_what_it_does_and_how_it_fails() -> None:
    for path, operations in (await document())["paths"].items():
        for operation in operations.values():
            assert operation["description"].endswith("."), path
            problems = [status for status in operation["responses"] if status.startswith(("4", "5"))]
            assert {"401", "422", "429"} <= set(problems), path
            for status in problems:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


async def test_what_is_answered_is_what_is_documented() -> None:
    """Each documented answer has the fields of the real one: a page written against the document works."""
    house = House()
    house.store.found, house.store.grouped = [anomaly(1)], [incident(1)]
    described = await document()
    schemas = described["components"]["schemas"]
    async with house.client() as client:
        for path, operations in described["paths"].items():
            if "get" not in operations or path.endswith("/events"):
                continue
            ids = {"anomaly_id": anomaly(1).id, "incident_id": "i1", "service": "shop"}
            url = path.format(**ids) + ("?service=shop" if path.endswith("/windows") else "")
            answer = await client.get(url)
            assert answer.status_code == 200, (url, answer.text)
            content = operations["get"]["responses"]["200"]["content"]
            if (schema := content.get("application/json", {}).get("schema", {}).get("$ref")) is None:
                continue
            documented = schemas[schema.rpartition("/")[2]]
            assert set(answer.json()) <= set(documented["properties"]), url
            assert set(documented.get("required", [])) <= set(answer.json()), url


async def test_a_parameter_that_no_route_knows_is_refused_by_name() -> None:
    """Of every documented route that people ask; what is documented passes, also where it needs another value."""
    house = House()
    async with house.client() as client:
        for path, operations in (await document())["paths"].items():
            url = path.format(anomaly_id="a", incident_id="i", service="shop", silence_id="s")
            if not url.startswith(("/admin/", "/ingest", "/status")) or url.endswith("/events"):
                continue
            for method, operation in operations.items():
                known = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
                answer = await client.request(method, url, params={"servce": "shop", "x" * 200: "1"})
                assert (answer.status_code, answer.headers["content-type"]) == (
                    422,
                    "application/problem+json",
                )
                first, second = answer.json()["errors"]
                assert (first["field"], first["place"]) == ("servce", "query")
                assert len(second["field"]) == 60
                assert all(name in first["detail"] for name in known), (url, first)
                assert answer.json()["detail"].startswith("servce: ")
                answer = await client.request(method, url, params=dict.fromkeys(known, ""))
                assert "no such parameter" not in answer.text
        short = await client.get("/anomalies?sevrity=high")
        assert short.json()["errors"][0]["field"] == "sevrity"


async def test_programs_that_know_other_services_may_add_parameters() -> None:
    async with House().client() as client:
        for url in ("/health?probe=1", "/?x=1", "/metrics?name[]=up"):
            assert (await client.get(url)).status_code == 200


@pytest.mark.slow
def test_nothing_that_the_document_allows_breaks_the_service(tmp_path: Path) -> None:
    """Schemathesis asks every route with generated requests, valid and not; none may end in a server error."""
    schemathesis = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if schemathesis is None:
        pytest.skip("schemathesis is missing: pip install 'vedette[test]'")
    house = House(limits={"body_s": 5})
    house.store.found, house.store.grouped = [anomaly(1)], [incident(1)]
    with listening(house) as found:
        # A stream of events has no end, and the check would wait for it.
        command = [
            schemathesis, "run", f"{found.address}/schema/openapi.json",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance",
            "--exclude-path-regex", "/events$", "--max-examples", "25", "--seed", "1", "--no-color",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
        assert httpx.get(f"{found.address}/health", timeout=PATIENCE_S).status_code == 200
    assert "generated" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
