"""Every format by the name that `--format` takes."""

from typing import Final

from vedette.simulate.formats.base import LogFormat
from vedette.simulate.formats.clf import Combined, Common, Nginx, VhostCombined
from vedette.simulate.formats.json_lines import Caddy, EnvoyJson, IstioJson, PlainJson, TraefikJson
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
)

FORMATS: Final[dict[str, LogFormat]] = {f.name: f for f in _ALL}
