"""What caches and lesser proxies write by themselves."""

import re

from vedette.kernels.text import unescape
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.template import template
from vedette.parsers.text_format import TextFormat

_STATUS_ON = '"{request}" {status} {bytes_out}'
_ENDS = ' "{referer}" "{user_agent:last}"'
_COMBINED = "{peer} {} [{time}] " + _STATUS_ON + _ENDS
_NPM = '- {method} {} {service} "{target}" [Client {peer}] [Length {bytes_out}] [Gzip {}] '
_NPM_ENDS = '"{user_agent}" "{referer:last}"'


def proxy_formats() -> tuple[TextFormat, ...]:
    """Their formats, the most specific first; all before Combined, which fits the lines of some."""
    clf = Conventions(TimeFormat.CLF)
    return (
        # https://wiki.squid-cache.org/Features/LogFormat: milliseconds with blanks before them; the status is 000 where
        # there is none.
        TextFormat(
            "squid",
            "Squid's access.log (1286536309.450 173 10.0.0.1 TCP_MISS/200 4400 GET http://host/path ...)",
            (
                template(
                    "{time} {:blanks}{duration} {peer} {:word}/{status} {bytes_out} {method} {target} {} {:word}/{} {}",
                    escapes=unescape.RAW,
                ),
            ),
            Conventions(TimeFormat.EPOCH_SECONDS, DurationUnit.MILLISECONDS, target_has_origin=True),
            salvages=False,
        ),
        # https://varnish-cache.org/docs/7.1/reference/varnishncsa.html#format
        TextFormat(
            "varnish",
            "varnishncsa, and Squid's `combined`: Combined in which the request is a whole address",
            (template(_COMBINED, open_ended=True),),
            Conventions(TimeFormat.CLF, target_has_origin=True),
            shapes={Field.REQUEST: re.compile(rb"(?:[A-Z]+ https?://|CONNECT ).*", re.DOTALL)},
        ),
        # https://redmine.lighttpd.net/projects/lighttpd/wiki/Docs_ModAccessLog: the virtual host is where the identity
        # stands elsewhere.
        TextFormat(
            "lighttpd",
            "lighttpd's access log: Combined with the virtual host after the client",
            (template("{peer} {service:port} {:word} [{time}] " + _STATUS_ON + _ENDS, open_ended=True),),
            clf,
            shapes={Field.SERVICE: re.compile(rb"[\w-]+(?:\.[\w-]+)+\.?|\[[0-9a-fA-F:]+\]|localhost")},
        ),
        # https://linkerd.io/2/features/access-logging/: the peer's identity instead of a user's name, no size.
        TextFormat(
            "linkerd",
            'Linkerd\'s access log, `apache` (client:port identity - [time] "GET http://host/path HTTP/2.0" 200)',
            (template('{peer:port} {:word} {:word} [{time}] "{request}" {status}', escapes=unescape.RAW),),
            Conventions(TimeFormat.ISO8601, peer_has_port=True, target_has_origin=True),
            salvages=False,
        ),
        # github.com/NginxProxyManager/nginx-proxy-manager, conf.d/include/log-proxy.conf
        TextFormat(
            "nginx-proxy-manager",
            'Nginx Proxy Manager ([time] - 200 200 - GET https host "/path" [Client 10.0.0.1] [Length 12] ...)',
            (
                template(
                    "[{time}] {:word} {} {status} " + _NPM + "[Sent-to {}] " + _NPM_ENDS, open_ended=True
                ),
                # A second upstream was asked after the first.
                template(
                    "[{time}] {:word} {:word}, {:word} {status} " + _NPM + "[Sent-to {}] " + _NPM_ENDS,
                    open_ended=True,
                ),
                template("[{time}] {status} " + _NPM + _NPM_ENDS, open_ended=True),
            ),
            clf,
            salvages=False,
        ),
        # https://github.com/apache/apisix/blob/master/conf/config.yaml.example, nginx_config.http.access_log_format
        TextFormat(
            "apisix",
            "Apache APISIX: Combined with the host before the request and seconds before the referer",
            (
                template(
                    "{peer} - {} [{time}] {service:port} " + _STATUS_ON + " {duration}" + _ENDS,
                    open_ended=True,
                ),
            ),
            Conventions(TimeFormat.CLF, DurationUnit.SECONDS),
        ),
    )
