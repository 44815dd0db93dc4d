"""The JSON access logs that are known by name."""

from vedette.parsers import (
    json_applications,
    json_audits,
    json_clouds,
    json_common,
    json_proxies,
    json_shippers,
)
from vedette.parsers.fields import TimeFormat
from vedette.parsers.json_events import EventFormat
from vedette.parsers.json_lines import JsonFormat
from vedette.parsers.zeek_http_json import zeek_http


def json_formats() -> tuple[JsonFormat | EventFormat, ...]:
    """The JSON formats known by name."""
    return (
        json_applications.vedette(),
        json_proxies.envoy(),
        json_proxies.traefik(),
        json_proxies.caddy(),
        json_applications.ecs(),
        json_clouds.cloudflare(),
        json_clouds.cloudflare(TimeFormat.EPOCH_NANOSECONDS),
        json_clouds.akamai(),
        json_clouds.cloudfront(),
        json_clouds.google(),
        json_clouds.azure(),
        json_clouds.azure_front_door(),
        json_clouds.api_gateway(),
        json_proxies.kong(),
        json_applications.pino(),
        json_applications.winston(),
        json_applications.echo(),
        json_applications.datadog(),
        json_applications.opentelemetry(),
        json_applications.serilog(),
        json_applications.logback_access(),
        json_proxies.linkerd(),
        zeek_http(),
        json_clouds.waf(),
        json_clouds.vercel(),
        json_audits.kubernetes(),
        json_audits.minio(),
        json_shippers.fluentd(),
        *json_common.common(),
    )
