"""Templates of NetFlow v9 and IPFIX: a bounded table of what exporters said their records look like."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from vedette.parsers.flows.netflow_fields import (
    ADDRESSES6,
    FIELDS,
    OF_EXPORTERS,
    REVERSE,
    STAMPS,
    VARIABLE,
    Field,
)

MOST_TEMPLATES: Final = 1_024
"""Templates kept of one exporter; the one that was used longest ago makes room."""
MOST_FIELDS: Final = 512
_ENTERPRISE: Final = 0x8000


class Template(msgspec.Struct, frozen=True, array_like=True):
    """What records of one kind look like.

    Attributes:
        fields: What each is (None for one that is not read), where it begins, and its octets. Where a record has
            fields of variable length, beginnings mean nothing.
        length: Octets of a record; of one of variable length, the least.
        variable: Whether it has fields of variable length.
        options: Whether its records are about the exporter, and no flows.
    """

    fields: tuple[tuple[Field | None, int, int], ...]
    length: int
    variable: bool
    options: bool


Key = tuple[int, int, int]
"""Version, source id or observation domain, and template id."""


class Templates:
    """The templates of one exporter.

    Attributes:
        forgotten: Templates that had to make room.
    """

    def __init__(self) -> None:
        self.forgotten = 0
        self._known: OrderedDict[Key, Template] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: Key) -> Template | None:
        """A template, if it was told."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def keep(self, key: Key, template: Template) -> None:
        """Take a template in, in place of an older one of the same id."""
        self._known[key] = template
        self._known.move_to_end(key)
        if len(self._known) > MOST_TEMPLATES:
            self._known.popitem(last=False)
            self.forgotten += 1

    def drop(self, version: int, domain: int, number: int) -> None:
        """Forget a withdrawn template (RFC 7011 section 8.1); all of a domain where the id is a set's own."""
        if number in (2, 3):
            gone = [
                key
                for key, kept in self._known.items()
                if key[:2] == (version, domain) and kept.options is (number == 3)
            ]
            for key in gone:
                del self._known[key]
        self._known.pop((version, domain, number), None)

    def dump(self) -> list[tuple[Key, Template]]:
        """All of them, the one used longest ago first."""
        return list(self._known.items())

    def load(self, kept: list[tuple[Key, Template]]) -> None:
        """Take over what `dump` gave."""
        self._known = OrderedDict(kept[-MOST_TEMPLATES:])


def read_templates(body: bytes, version: int, *, options: bool) -> Iterator[tuple[int, Template | None]]:
    """The templates of a set: id, and what it says; None for one that is withdrawn.

    Raises:
        ValueError: It ends within one, or has one that cannot be.
    """
    at = 0
    while len(body) - at >= 4:
        number, count = _be16(body, at), _be16(body, at + 2)
        at += 4
        if number < 256 and count:
            if number == 0 and not any(body[at:]):
                return
            raise ValueError("a template id below 256")
        if count == 0 and version == 10:
            yield number, None
            continue
        scopes = 0
        if options and version == 9:
            # Lengths of the scope fields and the option fields, in octets.
            if len(body) - at < 2:
                raise ValueError("cut")
            count = count // 4 + _be16(body, at) // 4
            at += 2
        elif options:
            scopes = 2
            at += scopes
        if not 0 < count <= MOST_FIELDS:
            raise ValueError("a template without fields, or with too many")
        fields: list[tuple[Field | None, int, int]] = []
        begin, variable, known = 0, False, set[Field]()
        for _ in range(count):
            if len(body) - at < 4:
                raise ValueError("cut")
            kind, length = _be16(body, at), _be16(body, at + 2)
            at += 4
            enterprise = 0
            if version == 10 and kind & _ENTERPRISE:
                if len(body) - at < 4:
                    raise ValueError("cut")
                kind, enterprise = kind & ~_ENTERPRISE, int.from_bytes(body[at : at + 4], "big")
                at += 4
            is_variable = version == 10 and length == VARIABLE
            field = None if is_variable else _field(enterprise, kind, length)
            if field in known or (options and field not in OF_EXPORTERS):
                field = None
            if field is not None:
                known.add(field)
            variable |= is_variable
            fields.append((field, begin, VARIABLE if is_variable else length))
            begin += 1 if is_variable else length
        if begin == 0:
            raise ValueError("records of no octets")
        yield number, Template(tuple(fields), begin, variable, options)


def _field(enterprise: int, kind: int, length: int) -> Field | None:
    found = FIELDS.get((enterprise, kind)) if enterprise in (0, REVERSE) else None
    if found is None:
        return None
    if found in ADDRESSES6:
        return found if length == 16 else None
    if found in (Field.SOURCE4, Field.TARGET4):
        return found if length == 4 else None
    if found in STAMPS:
        return found if length == 8 else None
    return found if 0 < length <= 8 else None


def _be16(body: bytes, at: int) -> int:
    return body[at] << 8 | body[at + 1]
