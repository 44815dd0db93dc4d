r"""The comments at the head of Zeek's TSV logs: what separates fields, which log it is, and its columns' names.

`#separator \x09`, then `#path<separator>conn` and `#fields<separator>ts<separator>uid...`. Logs that were put together
have several of them, and columns may differ from one to the next.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

TAB: Final = "\t"
_MOST: Final = 65_536
_LINES: Final = 40


class Header(msgspec.Struct, frozen=True):
    """What a header says.

    Attributes:
        delimiter: One character. path: Name of the log, such as `conn`; empty if it is not said.
        fields: Names of the columns as they are written.
    """

    delimiter: str
    path: str
    fields: tuple[str, ...]

    def text(self) -> bytes:
        """A header that says the same."""
        lines = [f"#separator \\x{ord(self.delimiter):02x}"]
        if self.path:
            lines.append(self.delimiter.join(("#path", self.path)))
        lines.append(self.delimiter.join(("#fields", *self.fields)))
        return "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"


def header_of(head: bytes) -> Header | None:
    """The header that lines begin with; None if they begin with none, or name no columns."""
    lines = head[:_MOST].split(b"\n", _LINES)[:_LINES]
    if not lines[0].startswith(b"#separator "):
        return None
    delimiter = _delimiter(lines[0])
    fields = next((line for line in lines if line.startswith(b"#fields")), None)
    if delimiter is None or fields is None:
        return None
    path = next((line for line in lines if line.startswith(b"#path")), b"")
    return Header(delimiter, _path(path, delimiter), _fields(fields, delimiter))


def pieces(text: bytes, known: Header) -> Iterator[tuple[int, int, Header]]:
    """Lines and the header that holds for them: begin, end, header. One piece if `known` holds for all.

    Args:
        text: Whole lines. known: What holds at their beginning.
    """
    begin, at = 0, 0
    header = known
    while (found := _next(text, at)) >= 0:
        close = text.find(b"\n", found)
        close = len(text) if close < 0 else close
        line, at = text[found : min(close, found + _MOST)], close
        if line.startswith(b"#fields"):
            changed = Header(header.delimiter, header.path, _fields(line, header.delimiter))
        elif line.startswith(b"#path"):
            changed = Header(header.delimiter, _path(line, header.delimiter), header.fields)
        else:
            delimiter = _delimiter(line)
            changed = Header(delimiter or header.delimiter, header.path, header.fields)
        if changed != header:
            if found > begin:
                yield begin, found, header
            begin, header = found, changed
    yield begin, len(text), header


_TELLING: Final = (b"#fields", b"#path", b"#separator ")


def _next(text: bytes, at: int) -> int:
    """Where the next line of a header begins that says something, -1 for nowhere. `at`: 0, or a line's end."""
    if at == 0 and text.startswith(_TELLING):
        return 0
    while (found := text.find(b"\n#", at)) >= 0:
        if text.startswith(_TELLING, found + 1):
            return found + 1
        at = found + 1
    return -1


def _delimiter(line: bytes) -> str | None:
    r"""What `#separator \x09` names: one character of ASCII, written as it is or by its number; else None."""
    said = line.rstrip(b"\r").removeprefix(b"#separator ")
    if len(said) == 4 and said.startswith(b"\\x"):
        try:
            number = int.from_bytes(bytes.fromhex(said[2:].decode("ascii")))
        except ValueError:
            return None
    elif len(said) == 1:
        number = said[0]
    else:
        return None
    # What a field, a line or a comment is made of separates nothing.
    return (
        chr(number) if number < 128 and not chr(number).isalnum() and chr(number) not in '\n\r#."' else None
    )


def _path(line: bytes, delimiter: str) -> str:
    return line.decode("utf-8", "surrogateescape").rstrip("\r").removeprefix("#path").removeprefix(delimiter)


def _fields(line: bytes, delimiter: str) -> tuple[str, ...]:
    return tuple(line.decode("utf-8", "surrogateescape").rstrip("\r").split(delimiter)[1:])
