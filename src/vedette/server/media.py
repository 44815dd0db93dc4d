"""Media types of bodies, and which of them a path reads."""

from typing import Final

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PROTOBUF: Final = "application/x-protobuf"
TEXT: Final = "text/plain"

_NDJSON_NAMES: Final = frozenset({NDJSON, "application/ndjson", "application/jsonl", "application/jsonlines"})
_READ: Final = {
    "/detect/batch": (JSON, NDJSON),
    "/ingest": (TEXT, NDJSON),
    "/loki/api/v1/push": (JSON, PROTOBUF),
    "/v1/logs": (JSON, PROTOBUF),
}

_PUSHED: Final = ("/detect/", "/ingest/", "/loki/", "/v1/")
"""What those paths begin with; what else begins so is no path of ours."""
_UNPACKED: Final = ("/ingest", "/loki/", "/v1/")
"""What paths begin with whose bodies may be compressed."""


def plain(header: bytes) -> str:
    """A `Content-Type` without its parameters, each kind by one name: `application/x-ndjson`."""
    name = header.partition(b";")[0].strip().lower().decode("latin-1")
    if name in _NDJSON_NAMES:
        return NDJSON
    return JSON if name.endswith("+json") else name


def read_by(path: str) -> tuple[str, ...]:
    """Media types that a path reads; the first is meant where none is told."""
    return _READ.get(path, (JSON,))


def unread(path: str, header: bytes, encoding: bytes = b"") -> str | None:
    """Why a body of that `Content-Type` and `Content-Encoding` is not read, None if it is."""
    kinds = read_by(path)
    if path not in _READ and path.startswith(_PUSHED):
        # That there is nothing there is worth more than which body nothing would take.
        return None
    if encoding.strip().lower() not in (b"", b"identity") and not path.startswith(_UNPACKED):
        return (
            f"Content-Encoding: {encoding[:80].decode('latin-1')}: this path takes bodies as they are alone"
        )
    if not header or plain(header) in kinds:
        return None
    shown = header[:80].decode("latin-1")
    return f"Content-Type: {shown}: must be {' or '.join(kinds)}"
