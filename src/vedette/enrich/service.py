"""The service of each request: configured, else the logged host or service name, else the file's name.

Host names may be the client's to choose (`%{Host}i`, `$http_host`), so they are bounded, and after the first
few a name must have carried some traffic before it is told apart.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.enrich.source_name import service_of_source
from vedette.schema.requests import Requests
from vedette.schema.state import check, decode, encode, within

OTHER_SERVICE = "(other)"
"""Rows whose logged name is no name, or not yet, or beyond the limit."""

FREE_NAMES = 64
"""Logged names that become services at their first row; later ones must earn it."""
ROWS_TO_EARN = 100
"""The row with which a later name becomes a service; its rows before count as `(other)`."""
CANDIDATES = 4_096
"""Names being counted; when there are more, counting starts anew."""
READ_TEXTS = 8_192
"""Logged texts whose reading is remembered, as a cache only."""
READ_BYTES = 256
"""Longer texts are not remembered."""

_NAME = re.compile(rb"[a-z0-9_](?:[a-z0-9._|:/@+-]{0,98}[a-z0-9_])?")
_PLAIN_NAME = re.compile(rb"[a-z0-9][a-z0-9.-]{0,98}[a-z0-9]")
_PORT = re.compile(rb":[0-9]{0,5}$")
_CATCH_ALL = frozenset({b"", b"-", b"_"})
"""Not names: nothing, and nginx's customary name for the server that takes what no other does."""

OTHER = 0
"""Number of `OTHER_SERVICE`."""
_PENDING = -2
_FROM_FILE = -3


class ServicePattern(msgspec.Struct, frozen=True):
    """A configured service: its name, and shell-style patterns of the source names and hosts it takes."""

    name: str
    files: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `ServiceNamer` knows: its names, and which of them came from where."""

    names: list[str]
    hosts: list[tuple[bytes, int]]
    files: list[tuple[str, int]]
    counts: list[tuple[bytes, int]]
    folded: int


class ServiceNamer:
    """Numbers the services of requests; `names[i]` is the name of service `i`, and the list only grows.

    Which service a row gets depends on the rows before it, not on how they were cut into batches.

    Args:
        patterns: Configured services. The first that matches a row's source or host counts.
        limit: Most names taken from logged hosts; as many more from file names.
        renamed: What services named by their file are called instead.
    """

    def __init__(
        self,
        patterns: Sequence[ServicePattern] = (),
        limit: int = 1024,
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        self._renamed = dict(renamed or {})
        self._patterns = tuple(patterns)
        self._limit = limit
        self.names: list[str] = [OTHER_SERVICE]
        """Append-only: `(other)`, then configured names, then names as they are found."""
        self._ids: dict[str, int] = {OTHER_SERVICE: OTHER}
        self._host_patterns = [tuple(host.lower() for host in p.hosts) for p in patterns]
        self._pattern_ids = [self._number(pattern.name) for pattern in patterns]
        self._hosts: dict[bytes, int] = {}
        self._files: dict[str, int] = {}
        self._called: tuple[str, str] | None = None
        self._read_texts: dict[bytes, tuple[int, bytes]] = {}
        self._counts: dict[bytes, int] = {}
        self.folded = 0
        """Rows that were counted as `(other)`."""

    def call(self, source: str, service: str) -> None:
        """From now on the file-named service of `source` is `service`, until another source is called something."""
        self._called = (source, service)

    def assign(self, requests: Requests) -> NDArray[np.int32]:
        """The service number of each of n requests: int32 (n,), never negative."""
        never = len(self._patterns)
        by_file = self._first_pattern(requests.source, [p.files for p in self._patterns])
        default = _FROM_FILE if by_file == never else self._pattern_ids[by_file]
        numbers = []
        pending: dict[int, bytes] = {}
        for index, text in enumerate(requests.service.vocabulary):
            by_host, name = self._read(text)
            if by_host < by_file:
                number = self._pattern_ids[by_host]
            elif by_file < never:
                number = default
            else:
                number = self._of_host(name)
                if number == _PENDING:
                    pending[index] = name
            numbers.append(number)
        # Id -1 (no name logged) picks the last element.
        numbers.append(default)
        ids = np.array(numbers, dtype=np.int32)[requests.service.ids]
        if pending:
            rows = np.flatnonzero(ids == _PENDING)
            ids[rows] = [self._earn(pending[index]) for index in requests.service.ids[rows].tolist()]
        from_file = ids == _FROM_FILE
        if from_file.any():
            ids[from_file] = self._of_file(requests.source)
        self.folded += int(np.count_nonzero(ids == OTHER))
        return ids

    def settled(self, source: str, logged: bytes | None) -> str:
        """What a row's service is called once its name is earned. Numbers and counts nothing.

        Args:
            logged: Host or service name; None where the log tells none.
        """
        by_file = self._first_pattern(source, [p.files for p in self._patterns])
        by_host, name = (len(self._patterns), b"") if logged is None else self._read(logged)
        pattern = min(by_file, by_host)
        if pattern < len(self._patterns):
            return self._patterns[pattern].name
        if name in _CATCH_ALL:
            called = service_of_source(source)
            return self._renamed.get(called, called)
        return name.decode("ascii") if _NAME.fullmatch(name) else OTHER_SERVICE

    @property
    def about(self) -> str:
        """The configuration that the numbers rest on, as short text."""
        told = repr((self._patterns, self._limit, sorted(self._renamed.items())))
        return hashlib.blake2b(told.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()

    def to_state(self) -> bytes:
        """Names and numbers, as bytes."""
        return encode(
            _State(
                self.names,
                list(self._hosts.items()),
                list(self._files.items()),
                list(self._counts.items()),
                self.folded,
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` of a namer with the same configuration gave.

        Raises:
            StateError: Damaged, or of another configuration; see `vedette.schema.state`.
        """
        what = "names of services"
        state = decode(content, _State, what)
        check(state.names[: len(self.names)] == self.names, what)
        check(len(set(state.names)) == len(state.names) and len(state.counts) <= CANDIDATES, what)
        for numbers in (dict(state.hosts).values(), dict(state.files).values()):
            within(numbers, 0, len(state.names), what)
            check(len(numbers) <= self._limit, what)
        self.names[:] = state.names
        self._ids = {name: number for number, name in enumerate(state.names)}
        self._hosts, self._files = dict(state.hosts), dict(state.files)
        self._counts, self.folded = dict(state.counts), state.folded

    def _first_pattern(self, text: str, globs: Sequence[tuple[str, ...]]) -> int:
        """Index of the first configured service with a pattern that matches, or how many there are."""
        for index, alternatives in enumerate(globs):
            if any(fnmatchcase(text, glob) for glob in alternatives):
                return index
        return len(globs)

    def _read(self, text: bytes) -> tuple[int, bytes]:
        """The first configured service that takes a logged name, and the name itself."""
        known = self._read_texts.get(text)
        if known is not None:
            return known
        name = _normalised(text)
        by_host = 0
        if self._patterns:
            by_host = self._first_pattern(name.decode("utf-8", "backslashreplace"), self._host_patterns)
        found = by_host, name
        if len(text) <= READ_BYTES:
            if len(self._read_texts) >= READ_TEXTS:
                self._read_texts.clear()
            self._read_texts[text] = found
        return found

    def _of_host(self, name: bytes) -> int:
        """The number of a logged name that nobody configured, `_FROM_FILE`, or `_PENDING`."""
        known = self._hosts.get(name)
        if known is not None:
            return known
        if name in _CATCH_ALL:
            return _FROM_FILE
        if not _NAME.fullmatch(name) or len(self._hosts) >= self._limit:
            return OTHER
        if len(self._hosts) < FREE_NAMES:
            return self._admit(name)
        return _PENDING

    def _earn(self, name: bytes) -> int:
        """Count one row of a name that is no service yet, and say which service the row belongs to."""
        known = self._hosts.get(name)
        if known is not None:
            return known
        if len(self._hosts) >= self._limit:
            return OTHER
        count = self._counts.get(name, 0) + 1
        if count >= ROWS_TO_EARN:
            del self._counts[name]
            return self._admit(name)
        if count == 1 and len(self._counts) >= CANDIDATES:
            self._counts.clear()
        self._counts[name] = count
        return OTHER

    def _admit(self, name: bytes) -> int:
        number = self._hosts[name] = self._number(name.decode("ascii"))
        return number

    def _of_file(self, source: str) -> int:
        if self._called is not None and self._called[0] == source:
            name = self._called[1]
        else:
            name = service_of_source(source)
            name = self._renamed.get(name, name)
        number = self._files.get(name)
        if number is None:
            if len(self._files) >= self._limit:
                return OTHER
            number = self._files[name] = self._number(name)
        return number

    def _number(self, name: str) -> int:
        number = self._ids.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


def _normalised(text: bytes) -> bytes:
    """A host or service name in lower case, without port, brackets and final dot."""
    if _PLAIN_NAME.fullmatch(text):
        return text
    name = text.strip().lower()
    if name.startswith(b"["):
        name = name[1:].partition(b"]")[0]
    elif name.count(b":") == 1:
        name = _PORT.sub(b"", name)
    return name.rstrip(b".")
