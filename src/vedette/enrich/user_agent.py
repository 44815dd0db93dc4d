"""What a user agent says it is. A claim, not a fact: anybody may call itself Googlebot or Firefox."""

from enum import IntEnum
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.enrich.agent_words import WORDS
from vedette.kernels.requests.tokens import compile_words, search
from vedette.schema.requests import Vocabulary

REMEMBERED = 8_192
"""Agents remembered by `UserAgents.describe`."""
READ_BYTES = 512
"""Bytes of a user agent that are looked at."""


class AgentKind(IntEnum):
    """What a user agent claims to be; of several claims the highest counts."""

    UNKNOWN = 0
    BROWSER = 1
    TOOL = 2
    """A program or library: curl, python-requests, okhttp."""
    DECLARED_BOT = 3
    """Says so itself: a crawler, feed reader, monitor, link preview."""
    EMPTY = 4
    """Nothing, or `-`."""


class Agent(msgspec.Struct, frozen=True):
    """A user agent, as far as it tells: its product family, what it claims to be, its major version."""

    family: str
    kind: AgentKind
    major: int | None


class UserAgents:
    """Classifies user agents: `kinds` for whole vocabularies, `describe` for the few that are shown."""

    def __init__(self) -> None:
        self._words = compile_words(WORDS)
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._describe)

    def kinds(self, vocabulary: Vocabulary) -> NDArray[np.uint8]:
        """The `AgentKind` of each of k distinct user agents: uint8 (k,). Linear in their first 512 bytes."""
        words = self._words
        found = np.empty(len(vocabulary), dtype=np.uint8)
        search(
            vocabulary.buffer,
            vocabulary.start,
            vocabulary.length,
            READ_BYTES,
            words.symbols,
            words.step,
            words.start,
            int(AgentKind.DECLARED_BOT),
            found,
        )
        for index in np.flatnonzero(vocabulary.length <= 1).tolist():
            if vocabulary[index] in (b"", b"-"):
                found[index] = AgentKind.EMPTY
        return found

    def describe(self, text: bytes) -> Agent:
        """What a user agent is; slow (20 to 200 microseconds) for one not seen lately."""
        return self._remembered(text[:READ_BYTES])

    def _describe(self, text: bytes) -> Agent:
        # Imported on first use: it takes 30 ms, and a scan without findings needs none of it.
        from ua_parser import parse_user_agent

        kind = AgentKind(int(self.kinds(Vocabulary.of([text]))[0]))
        if kind is AgentKind.EMPTY:
            return Agent("(none)", kind, None)
        readable = text.decode("utf-8", "backslashreplace")
        product = parse_user_agent(readable)
        if product is None:
            return Agent("(unknown)", kind, None)
        major = product.major or ""
        return Agent(product.family, kind, int(major) if major.isdecimal() and len(major) < 10 else None)
