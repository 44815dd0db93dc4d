"""The text formats known by name, as data. The order is from the most specific to the most general."""

import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from vedette.kernels.text import unescape
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.framework_formats import framework_formats
from vedette.parsers.proxy_formats import proxy_formats
from vedette.parsers.template import template
from vedette.parsers.text_format import TextFormat

CLF = Conventions(TimeFormat.CLF)
MILLISECOND_DECIMALS: Mapping[Field, re.Pattern[bytes]] = MappingProxyType(
    {Field.DURATION: re.compile(rb"[0-9]+\.[0-9]{3}")}
)
"""nginx writes `$request_time` as seconds with three decimals; Apache's durations are whole numbers."""
VIRTUAL_HOST: Mapping[Field, re.Pattern[bytes]] = MappingProxyType(
    {
        Field.SERVICE: re.compile(
            rb"(?![0-9A-Fa-f]{12,}$)(?=[0-9._-]*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
        )
    }
)
"""Numbers, addresses, process and request ids stand before clients, too; none is a virtual host."""
_PRIVATE = (
    rb"(?:10|127)\.[0-9.]+|192\.168\.[0-9.]+|169\.254\.[0-9.]+|172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9.]+|::1|"
    rb"f[cde][0-9A-Fa-f]{2}:.*"
)
BEHIND_A_PROXY: Mapping[Field, re.Pattern[bytes]] = MappingProxyType(
    {
        Field.PEER: re.compile(_PRIVATE),
        Field.FORWARDED: re.compile(rb"(?!(?:" + _PRIVATE + rb")$)[0-9A-Fa-f:.]+(?:, [0-9A-Fa-f:.]+)*"),
    }
)
"""A public address before a private one is a client before its proxy, and not a server's before a client."""

_COMMON = '{peer} {} [{time}] "{request}" {status} {bytes_out}'
_COMBINED = _COMMON + ' "{referer}" "{user_agent:last}"'
_AGENT = ' "{referer}" "{user_agent}" '
_REQUESTED = '[{time}] "{request}" {status} {} '
_ENVOY_SIZES = "{bytes_in} {bytes_out} {duration} {} "
_ENVOY_HEADERS = '"{forwarded}" "{user_agent}" "{}" "{service}" "{}"'
_ISTIO_ENDS = " {} {} {} {peer:port} {} {}"
_HAPROXY = (
    "{peer:port} [{time}] {} {service}/{} {}/{}/{}/{}/{duration} {status} {bytes_out} {} {} {} "
    '{}/{}/{}/{}/{} {}/{} "{request'
)
_HAPROXY_TLS = '}" {}/{}/{}/{}/{} {}/{}/{}'
"""Behind it with `option httpslog`: errors and resumption, then the server's name, version and cipher."""
_REALTIME = (
    "{time} {peer} {} {status} {bytes_out} {method} {} {} {target} {bytes_in} {} {} {service} {duration} {protocol} {} "
    "{user_agent:percent} {referer} {} {query} {}"
)
_SYSLOG = ("", "{}]: ", "{}haproxy: ")
_AWS = (
    "{time} {service} {peer:port} {} {duration:sum} {status} {} {bytes_in} {bytes_out} "
    '"{request}" "{user_agent:last}"'
)


def text_formats() -> tuple[TextFormat, ...]:
    """The text formats known by name, the most specific first."""
    return (*_balancers(), *_envoys(), *framework_formats(), *proxy_formats(), *_combined_family())


def _balancers() -> tuple[TextFormat, ...]:
    """Load balancers and proxies with layouts of their own."""
    aws = Conventions(TimeFormat.ISO8601, DurationUnit.MICROSECONDS, peer_has_port=True)
    return (
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
        # The three processing times are seconds, -1 where that part did not happen.
        TextFormat(
            "aws-alb",
            "AWS Application Load Balancer (https 2024-05-01T10:00:00.000000Z app/name/id client:port ...)",
            (template("{} " + _AWS, open_ended=True),),
            aws,
        ),
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
        TextFormat(
            "aws-elb",
            "AWS Classic Load Balancer (2024-05-01T10:00:00.000000Z name client:port backend:port ...)",
            (template(_AWS, open_ended=True),),
            aws,
        ),
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html: what is read or written of a bucket.
        # The first of the two times is the whole request's, in milliseconds. What nobody asked for by HTTP (lifecycle
        # rules, batch jobs) has no request.
        TextFormat(
            "aws-s3",
            'Amazon S3 server access log (owner bucket [time] client ... REST.GET.OBJECT key "GET /key ..." 200 ...)',
            (
                template(
                    "{:word} {service} [{time}] {peer} {} {} {} {} "
                    '"{request}" {status} {} {bytes_out} {} {duration} {} "{referer}" "{user_agent:last}"',
                    open_ended=True,
                ),
            ),
            Conventions(TimeFormat.CLF, DurationUnit.MILLISECONDS),
        ),
        # https://docs.haproxy.org/3.0/configuration.html#8.2.3: the last timer is the total, in milliseconds.
        TextFormat(
            "haproxy",
            "HAProxy `option httplog` or `httpslog`, with or without a syslog prefix",
            tuple(
                template(prefix + _HAPROXY + rest, escapes=unescape.RAW)
                for rest in (':last}"', _HAPROXY_TLS)
                for prefix in _SYSLOG
            ),
            Conventions(TimeFormat.HAPROXY, DurationUnit.MILLISECONDS, peer_has_port=True),
            fallbacks=tuple(template(prefix + _HAPROXY + "}") for prefix in _SYSLOG),
        ),
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html: no header names
        # fields, so that only records with all of them can be told.
        TextFormat(
            "cloudfront-realtime",
            "AWS CloudFront real-time log, all fields (tab-separated: seconds, client, ..., status, size, method, ...)",
            (template(_REALTIME.replace(" ", "\t")),),
            Conventions(TimeFormat.EPOCH_SECONDS, DurationUnit.SECONDS),
            salvages=False,
        ),
        # https://jfrog.com/help/r/jfrog-platform-administration-documentation/request-log
        TextFormat(
            "artifactory",
            "JFrog's request logs (2026-03-02T08:00:00.000Z|trace|client|user|GET|/path|200|in|out|ms|user agent)",
            (
                template(
                    "{time}|{}|{peer}|{}|{method}|{target}|{status}|{bytes_in}|{bytes_out}|{duration}|{user_agent}"
                ),
            ),
            Conventions(TimeFormat.ISO8601, DurationUnit.MILLISECONDS, target_is_relative=True),
            salvages=False,
        ),
        # https://doc.traefik.io/traefik/observability/access-logs/: Common Log Format, then the number of
        # requests, router, server and duration.
        TextFormat(
            "traefik-clf",
            'Traefik access log in its common format (... 12 "router@docker" "http://10.0.0.2:80" 3ms)',
            (template(_COMMON + ' "{referer}" "{user_agent}" {} "{service}" "{}" {duration}ms'),),
            Conventions(TimeFormat.CLF, DurationUnit.MILLISECONDS),
        ),
    )


def _envoys() -> tuple[TextFormat, ...]:
    """Envoy's and Istio's text logs, which are written without any escaping."""
    conventions = Conventions(TimeFormat.ISO8601, DurationUnit.MILLISECONDS, peer_has_port=True)

    def envoy(name: str, description: str, *texts: str) -> TextFormat:
        programs = tuple(template(text, escapes=unescape.RAW, open_ended=True) for text in texts)
        return TextFormat(name, description, programs, conventions)

    return (
        # https://istio.io/latest/docs/tasks/observability/logs/access-log/: with response code details and
        # connection termination details since 1.9, with Mixer's status before.
        envoy(
            "istio",
            "Istio's default access log, text encoding",
            _REQUESTED + '{} {} "{}" ' + _ENVOY_SIZES + _ENVOY_HEADERS + _ISTIO_ENDS,
            _REQUESTED + '"{}" "{}" ' + _ENVOY_SIZES + _ENVOY_HEADERS + _ISTIO_ENDS,
        ),
        # https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
        envoy(
            "envoy",
            "Envoy's default access log",
            _REQUESTED + _ENVOY_SIZES + _ENVOY_HEADERS,
            _REQUESTED + "{} " + _ENVOY_SIZES + _ENVOY_HEADERS,
        ),
    )


def _combined_family() -> tuple[TextFormat, ...]:
    """Apache's and nginx's predefined formats and what people add to them.

    https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#examples
    https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
    """
    common = template(_COMMON)
    common_and_more = template(_COMMON + " {}")
    combined = template(_COMBINED, open_ended=True)
    timed = partial(
        TextFormat,
        conventions=Conventions(TimeFormat.CLF, DurationUnit.SECONDS),
        fallbacks=(combined,),
        borrowed="combined",
        shapes=MILLISECOND_DECIMALS,
    )
    return (
        TextFormat(
            "forwarded_combined",
            'Combined after X-Forwarded-For, as behind a balancer (%{X-Forwarded-For}i %h %l %u %t "%r" ...)',
            (template("{forwarded} " + _COMBINED.replace("{peer}", "{peer} {:word}"), open_ended=True),),
            CLF,
            fallbacks=(combined,),
            borrowed="combined",
            shapes=BEHIND_A_PROXY,
            extended=True,
        ),
        TextFormat(
            "vhost_combined",
            'Apache `vhost_combined`: Combined after the virtual host (%v:%p %h %l %u %t "%r" ...)',
            (template("{service:port} " + _COMBINED.replace("{peer}", "{peer} {:word}"), open_ended=True),),
            CLF,
            fallbacks=(combined,),
            borrowed="combined",
            needs_peer=True,
            shapes=VIRTUAL_HOST,
            extended=True,
        ),
        # https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/: the upstream's name is
        # namespace, service and port.
        timed(
            "ingress-nginx",
            "Kubernetes' ingress-nginx (Combined, then ... 432 0.005 [shop-web-80] [] 10.0.0.7:8080 ...)",
            (
                template(
                    _COMMON + ' "{referer}" "{user_agent}" {bytes_in} {duration} [{service}] [{}]',
                    open_ended=True,
                ),
            ),
        ),
        timed(
            "nginx-timed",
            "nginx's `combined` or `main`, then `$request_time` (... 0.012), and perhaps more",
            tuple(
                template(_COMMON + _AGENT + between + "{duration}" + more, open_ended=True)
                for more in ("", " {}")
                for between in ("", '"{forwarded}" ')
            ),
        ),
        # https://docs.nginx.com/nginx/admin-guide/monitoring/logging/ names its times so, and NGINX Amplify's format,
        # which has the host and the server's name before them.
        timed(
            "nginx-named",
            "nginx's `combined` or `main`, then named fields, `rt=$request_time` among the first (... rt=0.012)",
            tuple(
                template(
                    _COMMON + ' "{referer}" ' + before + "{:blanks}rt={duration}" + more, open_ended=True
                )
                for before in (
                    '"{user_agent:last}"',
                    '"{user_agent}" "{forwarded:last}"',
                    '"{user_agent}" "{forwarded}" "{service}" sn="{:last}"',
                )
                for more in (" {}", "")
            ),
        ),
        TextFormat(
            "nginx-main",
            "The `main` format of nginx's packages: Combined, then the quoted X-Forwarded-For",
            (template(_COMMON + ' "{referer}" "{user_agent}" "{forwarded:last}"', open_ended=True),),
            CLF,
            fallbacks=(combined,),
            borrowed="combined",
            extended=True,
        ),
        TextFormat(
            "combined-wrapped",
            "Combined, each line in an extra pair of quotes",
            (template('"' + _COMMON + ' "{referer}" "{user_agent}""'),),
            CLF,
            fallbacks=(combined,),
            borrowed="combined",
        ),
        TextFormat(
            "combined-session",
            "Combined with an unquoted field, such as a session id, before the user agent",
            (template(_COMMON + ' "{referer}" {:word} "{user_agent:last}"', open_ended=True),),
            CLF,
            fallbacks=(combined,),
            borrowed="combined",
            extended=True,
        ),
        # nginx's `$time_iso8601` where `$time_local` stands, Apache's `%{%FT%T%z}t`.
        TextFormat(
            "combined-iso",
            "Combined or Common with times of ISO 8601 ([2024-05-01T10:00:00+02:00])",
            (combined, common, common_and_more),
            Conventions(TimeFormat.ISO8601, DurationUnit.SECONDS),
            extended=True,
        ),
        TextFormat(
            "combined",
            "Apache's and nginx's Combined Log Format; fields after the user agent are passed over",
            (combined,),
            CLF,
            fallbacks=(common,),
            borrowed="common",
            extended=True,
        ),
        TextFormat(
            "common",
            "Common Log Format (NCSA; Apache's and Tomcat's `common`); fields after the size are passed over",
            (common, common_and_more),
            CLF,
            # What follows is passed over only where it is no referer and user agent: there attacks stand, too.
            preferred=(combined,),
            borrowed="combined",
            extended=True,
        ),
    )
