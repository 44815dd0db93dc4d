"""Every format by the name that `--format` takes."""

from typing import Final

from vedette.schema.format_names import ALIASES
from vedette.simulate.formats.base import LogFormat
from vedette.simulate.formats.clf import Combined, Common, Nginx, VhostCombined
from vedette.simulate.formats.json_lines import Caddy, EnvoyJson, IstioJson, PlainJson, TraefikJson
from vedette.simulate.formats.logfmt import Heroku, Logfmt
from vedette.simulate.formats.proxies import Alb, Envoy, HAProxy, TraefikClf
from vedette.simulate.formats.w3c import CloudFront, Iis

_ALL: Final[tuple[LogFormat, ...]] = (
    Combined(),
    Common(),
    VhostCombined(),
    Nginx(),
    Envoy(),
    EnvoyJson(),
    IstioJson(),
    HAProxy(),
    TraefikJson(),
    TraefikClf(),
    Caddy(),
    Alb(),
    CloudFront(),
    Iis(),
    PlainJson(),
    Heroku(),
    Logfmt(),
)

FORMATS: Final[dict[str, LogFormat]] = {f.name: f for f in _ALL}


def format_of(name: str) -> LogFormat | None:
    """The format of that name, or of another name that `scan` knows it by; None if there is none."""
    return FORMATS.get(name) or FORMATS.get(ALIASES.get(name, name))
