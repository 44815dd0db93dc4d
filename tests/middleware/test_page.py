"""The lines that `docs/how-to/middleware.md` shows are run, and do what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.channels.receiver import Receiver
from tests.middleware.made import EXAMPLES
from tests.middleware.test_queue import run
from tests.patience import PATIENCE_S
from vedette.middleware.record import encode

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "middleware.md").read_text()
SHOWN = dict(re.findall(r"<!-- app: (\w+) -->\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
DRIVERS = {
    "fastapi": """
from tests.middleware.made import call, scope
sent = call(app, scope("/users/7"))
assert sent[-1]["body"] == b'{"number":7}', sent
""",
    "flask": """
assert app.test_client().get("/users/7").json == {"number": 7}
""",
    "django": """
from tests.middleware.made import environ, get
assert get(application, environ("/users/7/")) == ("200 OK", b"7")
""",
}
DJANGO = """
import sys, types
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
urls = types.ModuleType("urls")
urls.urlpatterns = [path("users/<int:number>/", lambda request, number: HttpResponse(str(number)))]
sys.modules["urls"] = urls
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", SECRET_KEY="s",
                   MIDDLEWARE=["vedette.middleware.vedette_route"])
"""
ROUTES = {
    "fastapi": "/users/{number}",
    "flask": "/users/<int:number>",
    "django": "/users/<int:number>/",
}


@pytest.mark.parametrize("name", list(DRIVERS))
def test_an_application_as_shown_ships_its_requests(name: str, hook: Receiver, tmp_path: Path) -> None:
    pytest.importorskip(name, reason=f"needs {name}: pip install {name}")
    key = tmp_path / "key"
    key.write_text("k3y\n")
    shown = SHOWN[name].replace("http://vedette:8430", hook.url).replace("/run/secrets/vedette-key", str(key))
    run((DJANGO if name == "django" else "") + shown + DRIVERS[name])
    (got,) = hook.got
    assert got.headers["authorization"] == "Bearer k3y"
    (line,) = got.body.splitlines()
    told = json.loads(line)
    assert (told["http.route"], told["http.response.status_code"], told["service.name"]) == (
        ROUTES[name],
        200,
        "shop",
    )


def test_an_application_as_shown_watches_itself(tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="needs fastapi: pip install fastapi")
    config = tmp_path / "vedette.yaml"
    config.write_text(f"live: {{directory: {tmp_path}/state}}\n")
    # What is registered first is done last: counted when the queue is empty and the service has ended.
    head, register, rest = (
        SHOWN["inside"].replace("vedette.yaml", str(config)).partition("atexit.register(end)")
    )
    counting = 'atexit.register(lambda: print(running.status()["logs_processed"]))\n'
    driver = """
from tests.middleware.made import call, scope
for _ in range(25):
    call(app, scope("/users/7", headers=[(b"user-agent", b"Mozilla/5.0")]))
"""
    assert run(head + counting + register + rest + driver).split()[-1] == "25"


def test_the_page_shows_a_record_as_it_is() -> None:
    assert re.findall(r"<!-- record -->\n```json\n(.*?)```", PAGE, re.DOTALL) == [
        encode(EXAMPLES[:1], "shop").decode()
    ]


def test_a_file_of_records_can_be_scanned(tmp_path: Path) -> None:
    log = tmp_path / "records.log"
    log.write_bytes(encode(EXAMPLES * 10, "shop"))
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "scan", str(log), "--json", "-"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    coverage = json.loads(done.stdout)["coverage"]
    assert (coverage["lines"], coverage["parsed"]) == (40, 40)
    assert [source["format"] for source in coverage["sources"]] == ["vedette-json"]
