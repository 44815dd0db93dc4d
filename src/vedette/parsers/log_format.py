"""nginx's `log_format` directive as a text format.

https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format. A directive that writes JSON is read as
what it is, text with the keys as literals: nginx always writes them in the same order.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from vedette.kernels.text import unescape
from vedette.parsers.directive import LogDirectiveError, Part, Variable, compile_directive
from vedette.parsers.fields import Field, TimeFormat
from vedette.parsers.text_format import TextFormat

FIELDS_OF: Mapping[str, tuple[Field, int]] = MappingProxyType(
    {
        "remote_addr": (Field.PEER, 0),
        "realip_remote_addr": (Field.PEER, 1),
        "proxy_protocol_addr": (Field.PEER, 2),
        "http_x_forwarded_for": (Field.FORWARDED, 0),
        "proxy_add_x_forwarded_for": (Field.FORWARDED, 1),
        "request": (Field.REQUEST, 0),
        "request_method": (Field.METHOD, 0),
        "request_uri": (Field.TARGET, 0),
        "uri": (Field.TARGET, 1),
        "document_uri": (Field.TARGET, 1),
        "args": (Field.QUERY, 0),
        "query_string": (Field.QUERY, 0),
        "server_protocol": (Field.PROTOCOL, 0),
        "status": (Field.STATUS, 0),
        "body_bytes_sent": (Field.BYTES_OUT, 0),
        "bytes_sent": (Field.BYTES_OUT, 1),
        "request_length": (Field.BYTES_IN, 0),
        "request_time": (Field.DURATION, 0),
        "http_referer": (Field.REFERER, 0),
        "http_user_agent": (Field.USER_AGENT, 0),
        "server_name": (Field.SERVICE, 0),
        "host": (Field.SERVICE, 1),
        "http_host": (Field.SERVICE, 2),
    }
)
"""Variable to the field it is, and its rank where several are the same; `$request_time` is in seconds."""

TIMES: Mapping[str, tuple[TimeFormat, int]] = MappingProxyType(
    {
        "msec": (TimeFormat.EPOCH_SECONDS, 1),
        "time_iso8601": (TimeFormat.ISO8601, 25),
        "time_local": (TimeFormat.CLF, 26),
    }
)
"""Variable to how it writes times, and in how many bytes at least; of several, the shortest is most exact."""
ESCAPES: Mapping[str, int] = MappingProxyType(
    {"default": unescape.BACKSLASH, "json": unescape.BACKSLASH, "none": unescape.RAW}
)

_DIRECTIVE = re.compile(r"\s*log_format\s+(?P<name>[^\s'\"]+)\s+(?P<rest>.*)", re.DOTALL)
_ESCAPE = re.compile(r"\s*escape=(?P<how>\w+)\s*(?P<rest>.*)", re.DOTALL)
_TOKEN = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s'";][^\s;]*))""", re.DOTALL)
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_JOINED = re.compile(
    r"\$(?:\{(?:document_)?uri\}|(?:document_)?uri)\$(?:\{is_args\}|is_args)"
    r"\$(?:\{(?:args|query_string)\}|(?:args|query_string)\b)"
)
_WITH_PORT = re.compile(r"\$\{?(remote_addr|realip_remote_addr)\}?:\$\{?(?:realip_)?remote_port\}?(?!\w)")


def log_format(text: str) -> TextFormat:
    """Turn a pasted directive into a format.

    Args:
        text: `log_format name [escape=...] '...' '...';`, or what stands in its quotes.

    Raises:
        LogDirectiveError: The directive cannot be read, or lacks a time or a request.
    """
    name, escape, body = _unwrap(text)
    if escape not in ESCAPES:
        raise LogDirectiveError(
            f"log_format {name}: escape={escape}: nginx knows escape=default, escape=json and escape=none"
        )
    if not _VARIABLE.search(body):
        raise LogDirectiveError(
            f"log_format {name}: {body[:60]!r} has no $variable: paste the directive, "
            "such as '$remote_addr - $remote_user [$time_local] \"$request\" $status'"
        )
    return compile_directive(
        _parts(body),
        name=name,
        directive=body,
        escapes=ESCAPES[escape],
        examples=", ".join("$" + variable for variable in TIMES),
    )


def _unwrap(text: str) -> tuple[str, str, str]:
    """Name, escaping and the format itself."""
    name, escape, rest = "log_format", "default", text.strip()
    directive = _DIRECTIVE.match(rest)
    if directive:
        name, rest = directive["name"], directive["rest"]
    escaping = _ESCAPE.match(rest)
    if escaping:
        escape, rest = escaping["how"], escaping["rest"]
    return name, escape, _joined(rest) if directive or escaping or _is_quoted(rest) else rest


def _is_quoted(text: str) -> bool:
    """Whether quotation marks stand around the format, rather than inside it."""
    if text.startswith("'"):
        return True
    whole = _TOKEN.match(text)
    return (
        text.startswith('"') and whole is not None and whole.end() == len(text.rstrip().rstrip(";").rstrip())
    )


def _joined(text: str) -> str:
    """The format of a directive's strings, which nginx joins."""
    pieces: list[str] = []
    at = 0
    while token := _TOKEN.match(text, at):
        single, double, bare = token.groups()
        quoted = single if single is not None else double
        pieces.append(
            bare if quoted is None else _BACKSLASH.sub(lambda m: _CONTROL.get(m[1], m[1]), quoted),
        )
        at = token.end()
    left = text[at:].strip()
    if left not in ("", ";"):
        raise LogDirectiveError(
            f"log_format: {left[:60]!r} does not read: each string needs its closing quote, and `;` ends all"
        )
    return "".join(pieces)


def _parts(body: str) -> list[Part]:
    body = _WITH_PORT.sub(r"${\1 with port}", _JOINED.sub("${request_uri}", body))
    parts: list[Part] = []
    at = 0
    for found in re.finditer(r"\$(?:\{([\w ]+)\}|(\w+))", body):
        if found.start() > at:
            parts.append(body[at : found.start()].encode())
        parts.append(_variable(found[1] or found[2]))
        at = found.end()
    if at < len(body):
        parts.append(body[at:].encode())
    return parts


def _variable(name: str) -> Variable:
    plain = name.removesuffix(" with port")
    shown = "$" + plain
    if plain in TIMES:
        time, width = TIMES[plain]
        return Variable(shown, Field.TIME, width, time=time, width=width)
    field, rank = FIELDS_OF.get(plain, (None, 0))
    return Variable(
        shown, field, rank, with_query=plain == "request_uri", with_port=name.endswith(" with port")
    )
