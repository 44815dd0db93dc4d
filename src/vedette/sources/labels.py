"""What labels say of a stream: a name, and the service."""

import json
import re
from collections.abc import Mapping

SERVICE_LABELS = (
    "service_name",
    "service",
    "app",
    "application",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "component",
    "workload",
)
"""Labels that name a service, the first that is there counts: those from which Loki itself makes `service_name`
(its `discover_service_name`), but for `job`, which is rather the shipper's."""
FILE_LABEL = "filename"
_UNKNOWN = "unknown_service"
_PAIR = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_.:]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)')
MOST_LABELS = 64
NAME_BYTES = 1000


def stream_of(labels: Mapping[str, str], otherwise: str = "loki") -> tuple[str, str | None]:
    """A stream's name, the same for the same labels, and its service; `otherwise` where nothing names one.

    A log's file stands at the end of the name, where it names the service if no label does. What has no labels is named
    by who sent it.
    """
    service = next((labels[label] for label in SERVICE_LABELS if labels.get(label)), None)
    if service is not None and service.startswith(_UNKNOWN):
        service = None
    file = labels.get(FILE_LABEL, "")
    if service is None and not file:
        service = labels.get("job") or otherwise
    told = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(labels.items())
        if name != FILE_LABEL
    )
    if told:
        name = "{" + told[:NAME_BYTES] + "}" + file[:NAME_BYTES]
    else:
        name = f"{otherwise}:{file[:NAME_BYTES]}" if file else otherwise
    return name, service and service[:100]


def parse_labels(text: str) -> dict[str, str]:
    r"""Labels as the protobuf of a push writes them: `{app="shop", host="a\"b"}`.

    Raises:
        ValueError: They are no such labels; says where.
    """
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise ValueError(f'{text[:80]!r} must stand in braces, like {{app="shop"}}')
    inner = stripped[1:-1].strip()
    labels: dict[str, str] = {}
    at = 0
    while at < len(inner):
        pair = _PAIR.match(inner, at)
        if pair is None:
            raise ValueError(f'does not read at character {at + 1} of {text[:80]!r}: write name="value"')
        if len(labels) == MOST_LABELS:
            raise ValueError(f"has more than {MOST_LABELS} labels")
        labels[pair[1]] = _unquote(pair[2])
        at = pair.end()
    return labels


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)


def _unquote(text: str) -> str:
    """The value of a Go string literal; a code point that does not exist becomes U+FFFD."""

    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] in "xuU" and len(escape) > 1:
            code = int(escape[1:], 16)
        elif len(escape) == 3:
            code = int(escape, 8)
        else:
            return _ESCAPES.get(escape, escape)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"

    return _ESCAPE.sub(one, text) if "\\" in text else text
