"""What web frameworks and the servers that come with them write by themselves."""

import re

from vedette.kernels.text import unescape
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.template import template
from vedette.parsers.text_format import TextFormat

_COLOUR = "\x1b[{:word}m"
_PLAIN = "\x1b[0m"
_COMMON = "{peer} {} [{time}] "
_SENT = " {status} {bytes_out}"
_GIN = "[GIN] {time} |"
_GIN_TIMED = "|{:blanks}{duration:go} |{:blanks}{peer} |"
_CHI = '"{request}" from {peer:port} - {status} {bytes_out}B in {duration:go}'
_HYPERCORN = "[{}] [{:word}] [{:word}] {peer:port} {} {} [{time}] "
_HYPERCORN_ENDS = '" {status} {bytes_out} "{referer}" "{user_agent:last}"'
_AIOHTTP = '{peer} [{time}] "{request}" {status} {bytes_out} "{referer}" "{user_agent:last}"'
_PHP = '{peer} - {} {time} "{method} {target}" {status}'
_UVICORN = '{peer:port} - "{request}" {status} {}'
_ADDRESS = re.compile(rb"\[?[0-9A-Fa-f.:]+\]?")


def framework_formats() -> tuple[TextFormat, ...]:
    """Their formats. None stands between others that fit the same lines: the order among them is of no account."""
    return (_gin(), _chi(), *_servers(), *_werkzeugs(), _uvicorn())


def _gin() -> TextFormat:
    """Gin's logger: columns filled up with blanks, coloured where it writes to a terminal.

    https://github.com/gin-gonic/gin/blob/master/logger.go
    """
    method = "{method} {:blanks}"
    plain = _GIN + " {status} " + _GIN_TIMED + " " + method
    coloured = (
        _GIN + _COLOUR + " {status} " + _PLAIN + _GIN_TIMED + _COLOUR + " " + method + _PLAIN + "{:blanks}"
    )
    return TextFormat(
        "gin",
        'Gin\'s logger ([GIN] 2026/03/02 - 08:00:00 | 200 | 1.2ms | 10.0.0.1 | GET "/path")',
        (
            template(plain + '"{target:last}"'),
            template(coloured + '"{target:last}"'),
            # Before version 1.5 the path had no quotation marks.
            template(plain + "{target}"),
        ),
        Conventions(TimeFormat.ISO8601, DurationUnit.GO),
        salvages=False,
    )


def _chi() -> TextFormat:
    """go-chi's `middleware.Logger`, behind the time that Go's `log` puts before each line.

    https://github.com/go-chi/chi/blob/master/middleware/logger.go
    """
    return TextFormat(
        "chi",
        'go-chi\'s logger (2026/03/02 08:00:00 [host/id] "GET http://host/path HTTP/1.1" from 10.0.0.1:5678 - 200 ...)',
        (
            template("{time} [{}] " + _CHI, escapes=unescape.RAW),
            template("{time} " + _CHI, escapes=unescape.RAW),
        ),
        Conventions(TimeFormat.ISO8601, DurationUnit.GO, peer_has_port=True, target_has_origin=True),
        salvages=False,
    )


def _servers() -> tuple[TextFormat, ...]:
    """Python's, Ruby's and PHP's application servers that have formats of their own."""
    return (
        # https://docs.aiohttp.org/en/stable/logging.html#access-logs, also behind `logging.basicConfig`'s prefix.
        TextFormat(
            "aiohttp",
            "aiohttp's access log: Combined without the two names after the client",
            (template("{}:aiohttp.access:" + _AIOHTTP, open_ended=True), template(_AIOHTTP, open_ended=True)),
            Conventions(TimeFormat.CLF),
            shapes={Field.PEER: _ADDRESS},
        ),
        # https://hypercorn.readthedocs.io/en/latest/how_to_guides/logging.html: the protocol is its number alone, and
        # the path has no query and may hold spaces.
        TextFormat(
            "hypercorn",
            'Hypercorn\'s access log ([time] [pid] [INFO] client:port - - [time] "GET /path 1.1" ...)',
            tuple(
                template(_HYPERCORN + '"{method} {target} ' + protocol + _HYPERCORN_ENDS)
                for protocol in ("1.1", "2", "3", "1.0")
            ),
            Conventions(TimeFormat.CLF, peer_has_port=True),
            salvages=False,
        ),
        # https://github.com/emmett-framework/granian#logging: the duration is milliseconds.
        TextFormat(
            "granian",
            'Granian\'s access log ([2026-03-02 08:00:00 +0000] 10.0.0.1 - "GET /path HTTP/1.1" 200 0.071)',
            (template('[{time}] {peer} - "{request}" {status} {duration}', escapes=unescape.RAW),),
            Conventions(TimeFormat.ISO8601, DurationUnit.MILLISECONDS),
            salvages=False,
        ),
        # https://github.com/rack/rack/blob/main/lib/rack/common_logger.rb; Puma's `log_requests` writes it too.
        TextFormat(
            "rack",
            "Rack's CommonLogger, as Puma and Sinatra write it: Common, then seconds (... 200 12 0.0023)",
            (template(_COMMON + '"{request}"' + _SENT + " {duration}"),),
            Conventions(TimeFormat.CLF, DurationUnit.SECONDS),
            shapes={Field.DURATION: re.compile(rb"[0-9]+\.[0-9]{4}")},
        ),
        # https://www.php.net/manual/en/install.fpm.configuration.php#access-format: the user is empty, the path has a
        # query where the format was given `%Q%q`.
        TextFormat(
            "php-fpm",
            'PHP-FPM\'s access log (10.0.0.1 -  02/Mar/2026:08:00:00 +0000 "GET /index.php" 200)',
            (template(_PHP), template(_PHP + " {}")),
            Conventions(TimeFormat.CLF),
            shapes={Field.METHOD: re.compile(rb"[A-Z]{3,20}")},
            salvages=False,
        ),
    )


def _werkzeugs() -> tuple[TextFormat, ...]:
    """Servers for development, all grown from Python's `http.server`: a space between the date and the clock.

    They write of other things in between, with a time and a client before them. Werkzeug colours what is not usual,
    even into files.
    """
    request = '"{request}"'
    conventions = Conventions(TimeFormat.CLF)
    return (
        TextFormat(
            "werkzeug",
            "Flask's server (Werkzeug), http.server, wsgiref, Bottle: Common with a space before the clock",
            (
                template(_COMMON + '"' + _COLOUR + _COLOUR + "{request}" + _PLAIN + '"' + _SENT),
                template(_COMMON + '"' + _COLOUR + "{request}" + _PLAIN + '"' + _SENT),
                template(_COMMON + request + _SENT),
            ),
            conventions,
            shapes={Field.TIME: re.compile(rb"../.../.... .*")},
            salvages=False,
        ),
        TextFormat(
            "runserver",
            "Django's `runserver`: a time, the request, its status and its size, no client",
            (template("[{time}] " + request + _SENT),),
            conventions,
            shapes={Field.TIME: re.compile(rb"../.../.... .*")},
            salvages=False,
        ),
    )


def _uvicorn() -> TextFormat:
    """Uvicorn's access log has no time. What runs it, or keeps its output, puts one before each line.

    That are `kubectl logs --timestamps` and `docker logs --timestamps`, the node's own file of a container (CRI),
    Docker's `json-file` and `journalctl -o short-iso`. https://www.uvicorn.org/settings/#logging
    """
    level = "INFO:{:blanks}"
    in_json = '{"log":"' + level + '{peer:port} - \\"{request}\\" {status} {}\\n","stream":"{:word}",'
    return TextFormat(
        "uvicorn",
        "Uvicorn's access log behind the time of who runs it (2026-03-02T08:00:00Z INFO: 10.0.0.1:5678 - \"GET ...)",
        (
            template("{time} stdout F " + level + _UVICORN, escapes=unescape.RAW),
            template("{time} stderr F " + level + _UVICORN, escapes=unescape.RAW),
            template("{time} {:word} {:word}: " + level + _UVICORN, escapes=unescape.RAW),
            template("{time} " + level + _UVICORN, escapes=unescape.RAW),
            template(in_json + '"time":"{time}"}', escapes=unescape.RAW),
        ),
        Conventions(TimeFormat.ISO8601, peer_has_port=True),
        salvages=False,
    )
