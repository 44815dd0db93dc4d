"""Syslog messages (RFC 5424, and what is sent under the name of RFC 3164): the log line in one, and who wrote it."""

import re

import msgspec

_PRIORITY = re.compile(rb"<([0-9]{1,3})>")
_RFC5424 = re.compile(
    rb"1 (?:-|[0-9T:.Z+-]{1,40}) (?P<host>[!-~]{1,255}) (?P<tag>[!-~]{1,48}) [!-~]{1,128} [!-~]{1,32} "
)
_TIME = re.compile(
    rb"(?:[A-Z][a-z]{2} [ 0-9][0-9] (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:?[0-9]{2})?):? "
)
_TAG = re.compile(rb"(?P<tag>[A-Za-z0-9_./@-]{1,64})(?:\[[^\]\s]{0,64}\])?:(?: |\Z)")
_HOST = re.compile(rb"(?P<host>[A-Za-z0-9_.:%-]{1,255}) ")
_BOM = b"\xef\xbb\xbf"
_HIGHEST_PRIORITY = 191
_NONE = b"-"


class Message(msgspec.Struct, frozen=True):
    """One message.

    Attributes:
        priority: Facility times eight plus severity; None if it has none.
        host: Who says that he wrote it, empty if nobody is named.
        tag: The program, empty if none is named.
        line: What was said, in one line without a newline.
    """

    priority: int | None
    host: str
    tag: str
    line: bytes


def parse(frame: bytes) -> Message:
    """Read a frame; what does not read as syslog is all line."""
    frame = frame.rstrip(b"\r\n\0 ")
    found = _PRIORITY.match(frame)
    if found is None or int(found[1]) > _HIGHEST_PRIORITY:
        return Message(None, "", "", _one_line(frame))
    priority, rest = int(found[1]), frame[found.end() :]
    structured = _RFC5424.match(rest)
    if structured is not None:
        end = _end_of_structured(rest, structured.end())
        line = rest[end:].removeprefix(b" ").removeprefix(_BOM)
        return Message(priority, _name(structured["host"]), _name(structured["tag"]), _one_line(line))
    return _parse_bsd(priority, rest)


def _parse_bsd(priority: int, rest: bytes) -> Message:
    time = _TIME.match(rest)
    at = time.end() if time is not None else 0
    host = b""
    tag = _TAG.match(rest, at)
    if tag is None and time is not None:
        # HAProxy, and nginx with `nohostname`, leave the host out; others the tag.
        named = _HOST.match(rest, at)
        if named is not None:
            host, at = named["host"], named.end()
            tag = _TAG.match(rest, at)
    if tag is not None:
        at = tag.end()
    return Message(priority, _name(host), _name(tag["tag"]) if tag is not None else "", _one_line(rest[at:]))


def _end_of_structured(text: bytes, at: int) -> int:
    """Where structured data ends: after `-`, or after its last element; quoted brackets do not count."""
    if text[at : at + 1] != b"[":
        return at + 1 if text[at : at + 1] == _NONE else at
    quoted = False
    while at < len(text):
        character = text[at : at + 1]
        if quoted:
            if character == b"\\":
                at += 1
            elif character == b'"':
                quoted = False
        elif character == b'"':
            quoted = True
        elif character == b"]" and text[at + 1 : at + 2] != b"[":
            return at + 1
        at += 1
    return len(text)


def _name(text: bytes) -> str:
    return "" if text == _NONE else text.decode("ascii", "replace")


def _one_line(text: bytes) -> bytes:
    return text.replace(b"\r\n", b" ").replace(b"\n", b" ").replace(b"\0", b" ")
