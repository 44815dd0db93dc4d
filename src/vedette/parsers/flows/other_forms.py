"""Flows in forms that are not read, and what makes them readable."""

from typing import Final, NamedTuple

_PRINTED: Final = (b"Date first seen", b"Date flow start", b"Event time")
"""What nfdump begins with where it was not asked for CSV."""
_CSV: Final = "write them with `nfdump -r FILE -o csv`"
_JQ: Final = "not read as they are: rewrite them with jq, as docs/how-to/flow-logs.md shows"


class _Form(NamedTuple):
    """JSON whose every flow has one key of each group."""

    keys: tuple[tuple[bytes, ...], ...]
    told: str
    remedy: str


_JSON: Final = (
    _Form(((b'"src4_addr"', b'"src6_addr"'), (b'"in_packets"',)), "that nfdump wrote as JSON", _CSV),
    _Form(((b'"connection"',), (b'"src_ip"',), (b'"dest_ip"',)), "of Google's VPC", _JQ),
    _Form(((b'"records"',), (b'"flowTuples"',)), "of Azure's networks", _JQ),
    _Form(((b'"sampler_address"',), (b'"src_addr"',)), "of GoFlow2", _JQ),
    _Form(
        ((b'"flow"',), (b'"IP"',), (b'"verdict"',), (b'"l4"',)),
        "of Hubble",
        "not read, as they tell neither packets nor bytes: scan the access logs of the services, or a capture",
    ),
)


def other_form(head: bytes) -> str | None:
    """Whose flows an input holds that begins like this, and how they are made readable; None where it holds none.

    Only the first line is asked where it is a whole object: others may hold requests.

    Args:
        head: How the input begins. Its last line may be cut.
    """
    if head.startswith(_PRINTED):
        return f"as nfdump prints them for people to read: {_CSV}"
    text = head.lstrip()
    if text[:1] not in (b"{", b"["):
        return None
    first = text.partition(b"\n")[0].rstrip()
    if first.startswith(b"{") and first.endswith(b"}"):
        text = first
    for form in _JSON:
        if all(any(key in text for key in group) for group in form.keys):
            return f"{form.told}: {form.remedy}"
    return None
