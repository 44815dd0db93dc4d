"""Names of log formats that people use besides ours, for those who read logs and those who write them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "apache": "combined",
        "nginx": "combined",
        "clf": "common",
        "vhost-combined": "vhost_combined",
        "alb": "aws-alb",
        "elb": "aws-elb",
        "s3": "aws-s3",
        "traefik": "traefik-json",
        "caddy": "caddy-json",
        "istio-json": "envoy-json",
        "flask": "werkzeug",
        "http.server": "werkzeug",
        "django": "runserver",
        "npm": "nginx-proxy-manager",
        "puma": "rack",
        "tomcat": "common",
        "gunicorn": "combined",
        "varnishncsa": "varnish",
        "echo": "echo-json",
        "nginx-json": "app-json",
        "akamai": "akamai-json",
        "rails": "lograge",
        "csv": "table",
        "tsv": "table",
    }
)
"""To the name by which the format is listed."""

COMMON_JSON: Final = frozenset({"app-json", "app-ms-json", "app-units-json"})
"""JSON whose keys are told by their names alone: others may mean something, too."""
TABLE: Final = "table"
"""Tables whose columns are told by their names alone."""
USUAL_PAIRS: Final = frozenset({"logfmt", "logfmt-ms", "logfmt-s"})
"""Pairs whose keys are told by their names alone."""
