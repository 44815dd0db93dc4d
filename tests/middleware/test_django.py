"""A Django application behind the middleware, with its two kinds of server."""

import sys
import types
from typing import Any

import pytest

from tests.middleware.made import Remembering, call, environ, get, scope
from vedette.middleware import VedetteASGI, VedetteWSGI

django = pytest.importorskip("django", reason="needs Django: pip install django")


@pytest.fixture(scope="module", autouse=True)
def _project() -> None:
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    urls = types.ModuleType("vedette_test_urls")

    def user(request: Any, number: int) -> Any:
        if number == 13:
            raise RuntimeError("bad luck")
        return HttpResponse(str(number))

    urls.urlpatterns = [path("users/<int:number>/", user)]  # type: ignore[attr-defined]
    sys.modules["vedette_test_urls"] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="vedette_test_urls",
        MIDDLEWARE=["vedette.middleware.vedette_route"],
        SECRET_KEY="test",
        LOGGING_CONFIG=None,
    )
    django.setup()


WANTED = [
    ("/users/<int:number>/", 200),
    (None, 404),
    ("/users/<int:number>/", 500),
]
PATHS = ["/users/7/", "/nothing", "/users/13/"]


def test_with_wsgi_its_routes_are_known() -> None:
    from django.core.wsgi import get_wsgi_application

    sink = Remembering()
    app = VedetteWSGI(get_wsgi_application(), sink=sink)
    assert get(app, environ("/users/7/")) == ("200 OK", b"7")
    for each in PATHS[1:]:
        get(app, environ(each))
    assert [(r.route, r.status) for r in sink.records] == WANTED


def test_with_asgi_its_routes_are_known() -> None:
    from django.core.asgi import get_asgi_application

    sink = Remembering()
    app = VedetteASGI(get_asgi_application(), sink=sink)
    for each in PATHS:
        call(app, scope(each))
    assert [(r.route, r.status) for r in sink.records] == WANTED
