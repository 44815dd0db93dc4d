"""Apache's `LogFormat` directive as a text format.

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from vedette.kernels.text import unescape
from vedette.parsers.directive import LogDirectiveError, Part, Variable, compile_directive
from vedette.parsers.fields import DurationUnit, Field, TimeFormat
from vedette.parsers.text_format import TextFormat

PLAIN: Mapping[str, tuple[Field, int]] = MappingProxyType(
    {
        "a": (Field.PEER, 0),
        "h": (Field.PEER, 1),
        "r": (Field.REQUEST, 0),
        "m": (Field.METHOD, 0),
        "U": (Field.TARGET, 1),
        "q": (Field.QUERY, 0),
        "H": (Field.PROTOCOL, 0),
        "b": (Field.BYTES_OUT, 0),
        "B": (Field.BYTES_OUT, 0),
        "O": (Field.BYTES_OUT, 1),
        "I": (Field.BYTES_IN, 0),
        "v": (Field.SERVICE, 0),
        "V": (Field.SERVICE, 1),
    }
)
"""Directives without an argument to the field they are, and their rank where several are the same field."""

HEADERS: Mapping[str, tuple[Field, int]] = MappingProxyType(
    {
        "referer": (Field.REFERER, 0),
        "user-agent": (Field.USER_AGENT, 0),
        "x-forwarded-for": (Field.FORWARDED, 0),
        "host": (Field.SERVICE, 2),
    }
)
DURATIONS: Mapping[str | None, tuple[DurationUnit, int]] = MappingProxyType(
    {
        "us": (DurationUnit.MICROSECONDS, 0),
        "ms": (DurationUnit.MILLISECONDS, 1),
        "s": (DurationUnit.SECONDS, 2),
        None: (DurationUnit.SECONDS, 2),
    }
)
"""Argument of `%T` to its unit, the finest first."""

_KNOWN = frozenset("aABbCDefhHiIklLmnoOpPqrRsStTuUvVX")
_LETTER = re.compile(r"%[<>!\d,]*(?:\{(?P<argument>[^}]*)\})?[<>]?(?P<letter>\^\w\w|[A-Za-z%])")
_PATH_AND_QUERY = re.compile(r"%U%q")
_ONLY_DIRECTIVE = re.compile(r"\s*(?:LogFormat|CustomLog\s+\S+)\s+(?P<rest>.*)", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r'"(?P<body>(?:[^"\\]|\\.)*)"(?P<rest>.*)', re.DOTALL)
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r"}

_CORES: tuple[tuple[re.Pattern[str], TimeFormat], ...] = (
    (re.compile(r"%d/%b/%Y:%H:%M:%S(?:[.,]%[36])?(?: ?%z)?"), TimeFormat.CLF),
    (re.compile(r"%Y-%m-%d[T ]%H:%M:%S(?:[.,]%[36])?(?: ?%z|Z)?"), TimeFormat.ISO8601),
    (re.compile(r"sec(?:\.%[36])?"), TimeFormat.EPOCH_SECONDS),
    (re.compile(r"msec"), TimeFormat.EPOCH_MILLISECONDS),
    (re.compile(r"usec"), TimeFormat.EPOCH_MICROSECONDS),
)
_SHORTHANDS = (
    ("%F", "%Y-%m-%d"),
    ("%T", "%H:%M:%S"),
    ("%R", "%H:%M"),
    ("%h", "%b"),
    ("msec_frac", "%3"),
    ("usec_frac", "%6"),
)
_WIDTHS = {"%Y": 4, "%b": 3, "%3": 3, "%6": 6, "%z": 5, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
TIMES = "%t, %{%d/%b/%Y:%H:%M:%S %z}t, %{%Y-%m-%dT%H:%M:%S%z}t, %{sec}t, %{msec}t, %{usec}t"


def apache_format(text: str) -> TextFormat:
    r"""Turn a pasted directive into a format.

    Args:
        text: `LogFormat "..." nickname`, or what stands in its quotes, with or without the backslashes.

    Raises:
        LogDirectiveError: The directive cannot be read, or lacks a time or a request.
    """
    body = _unwrap(text)
    if "%" not in body:
        raise LogDirectiveError(
            f"LogFormat {body[:60]!r} has no %-directive: paste the format, "
            "such as '%h %l %u %t \"%r\" %>s %b'"
        )
    return compile_directive(
        _join_times(_parts(body), body),
        name="LogFormat",
        directive=body,
        escapes=unescape.BACKSLASH,
        examples=TIMES,
    )


def _unwrap(text: str) -> str:
    """The format itself: without the directive's name, quotation marks and nickname."""
    rest = re.sub(r"\\\r?\n\s*", "", text).strip()
    directive = _ONLY_DIRECTIVE.match(rest)
    if directive:
        rest = directive["rest"].strip()
    quoted = _QUOTED.fullmatch(rest)
    whole = quoted is not None and (directive is not None or not quoted["rest"].strip())
    if directive and rest.startswith('"') and quoted is None:
        raise LogDirectiveError(
            f"LogFormat {rest[:60]!r}: the closing quotation mark is missing: paste it whole"
        )
    if quoted is not None and whole:
        return _BACKSLASH.sub(lambda m: _CONTROL.get(m[1], m[1]), quoted["body"])
    return _BACKSLASH.sub(lambda m: _CONTROL.get(m[1], m[1]), rest)


def _parts(body: str) -> list[Part]:
    parts: list[Part] = []
    at = 0
    while at < len(body):
        both = _PATH_AND_QUERY.match(body, at)
        found = _LETTER.match(body, at)
        if both:
            parts.append(Variable("%U%q", Field.TARGET, 0, with_query=True))
            at = both.end()
        elif found:
            parts.extend(_directive(found))
            at = found.end()
        elif body[at] == "%":
            raise LogDirectiveError(
                f"LogFormat: {body[at : at + 10]!r} at character {at + 1} is no directive: "
                "write %% for a percent sign"
            )
        else:
            end = body.find("%", at)
            end = len(body) if end < 0 else end
            parts.append(body[at:end].encode())
            at = end
    return parts


def _directive(found: re.Match[str]) -> list[Part]:
    """What one %-directive writes."""
    letter, argument, text = found["letter"], found["argument"], found[0]
    if letter == "%":
        return [b"%"]
    if letter not in _KNOWN and not letter.startswith("^"):
        raise LogDirectiveError(
            f"LogFormat: {text} is no directive that Apache 2.4 has: check it, or write %% for a percent sign"
        )
    if letter == "t":
        if argument is None:
            return [b"[", Variable(text, Field.TIME, 0, time=TimeFormat.CLF, width=26), b"]"]
        return [Variable(argument.removeprefix("begin:").removeprefix("end:"), Field.TIME, 1)]
    if letter == "s":
        return [Variable(text, Field.STATUS, 0 if ">" in text else 1)]
    if letter == "D":
        return [Variable(text, Field.DURATION, 0, unit=DurationUnit.MICROSECONDS)]
    if letter == "T" and argument in DURATIONS:
        unit, rank = DURATIONS[argument]
        return [Variable(text, Field.DURATION, rank, unit=unit)]
    if letter == "i" and argument is not None:
        field, rank = HEADERS.get(argument.lower(), (None, 0))
        return [Variable(text, field, rank)]
    if letter == "a" and argument == "c":
        return [Variable(text, Field.PEER, 2)]
    if argument is None and letter in PLAIN:
        field, rank = PLAIN[letter]
        return [Variable(text, field, rank)]
    return [Variable(text)]


def _join_times(parts: list[Part], body: str) -> list[Part]:
    """Make one time of neighbouring `%{...}t`, which is how fractions of a second are written."""
    joined: list[Part] = []
    at = 0
    while at < len(parts):
        part = parts[at]
        if not _is_piece(part):
            joined.append(part)
            at += 1
            continue
        pattern = ""
        while at < len(parts):
            piece, after = parts[at], parts[at + 1] if at + 1 < len(parts) else b""
            if isinstance(piece, Variable) and _is_piece(piece):
                pattern += piece.name
            elif isinstance(piece, bytes) and _is_piece(after) and len(piece) == 1:
                pattern += piece.decode("latin-1")
            else:
                break
            at += 1
        joined.extend(_time(pattern, body))
    return joined


def _is_piece(part: Part) -> bool:
    return isinstance(part, Variable) and part.field is Field.TIME and part.time is None


def _time(pattern: str, body: str) -> list[Part]:
    """The variable for a time written by an strftime pattern, with brackets where it has them."""
    plain = pattern
    for short, long in _SHORTHANDS:
        plain = plain.replace(short, long)
    before = "[" if plain.startswith("[") else ""
    after = "]" if plain.endswith("]") else ""
    core = plain.removeprefix("[").removesuffix("]")
    for known, time in _CORES:
        if known.fullmatch(core):
            variable = Variable(f"%{{{pattern}}}t", Field.TIME, 1, time=time, width=_width(core))
            return [before.encode(), variable, after.encode()]
    raise LogDirectiveError(
        f"LogFormat {body[:60]!r}: times written as {pattern!r} are not understood: use one of {TIMES}"
    )


def _width(core: str) -> int:
    """Bytes that a time of this pattern has at least."""
    if not core.startswith("%"):
        return 1
    for specifier, bytes_ in _WIDTHS.items():
        core = core.replace(specifier, "0" * bytes_)
    return len(core)
