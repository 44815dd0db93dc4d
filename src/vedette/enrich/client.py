"""Who made each request: the walk from the peer through `X-Forwarded-For`, past trusted proxies."""

import hashlib
from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses, ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.lines.address import (
    INTERNAL,
    NAMED,
    TRUSTED,
    choose_clients,
    read_addresses,
    walk_chains,
)
from vedette.kernels.text.hashing import new_secret
from vedette.kernels.text.intern import intern, slots_for
from vedette.schema.requests import NAME_TAG, Clients, RequestFlag, Requests, Vocabulary

Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
DEFAULT_TRUSTED: tuple[Network, ...] = (
    *LOOPBACK,
    ip_network("10.0.0.0/8"),
    ip_network("172.16.0.0/12"),
    ip_network("192.168.0.0/16"),
    ip_network("169.254.0.0/16"),
    ip_network("fc00::/7"),
    ip_network("fe80::/10"),
)
"""Loopback, private (RFC 1918, RFC 4193) and link-local ranges: a peer in one of these is one's own proxy."""

NAME_BYTES = 255
"""Longest host name that is remembered as text (RFC 1035: 253); longer ones are cut, their keys are not."""
KNOWN_NAMES = 65_536
"""Host names whose keys are remembered between batches."""
MAPPED_WORD = 0xFFFF
NAME_HASH_PERSON = b"vedette client"


class ClientResolver:
    """Finds the client of each request.

    The client is the peer, unless the peer is a trusted proxy: then it is the rightmost address of
    `X-Forwarded-For` that is not itself a trusted proxy. What stands further left was written by somebody
    who is not trusted and is not looked at; something that is no address ends the walk at the last trusted
    address. Where a log records no peer, the chain's writer is believed; so is a list that stands in the peer's
    place. A trusted peer without a usable
    chain is the client itself, as is the leftmost address of a chain that is trusted throughout.

    `trusted` defaults to `DEFAULT_TRUSTED`: requests straight from the internet have public peers, whose
    `X-Forwarded-For` is never believed. Give the exact list where clients sit on the same private network as
    the proxies, or the proxies have public addresses (a content delivery network). An empty list believes
    nobody.

    Rows whose client is on loopback, or in an explicitly given `trusted`, get `RequestFlag.INTERNAL`.
    """

    def __init__(self, trusted: Sequence[Network] | None = None) -> None:
        self._trusted = _ranges(DEFAULT_TRUSTED if trusted is None else trusted)
        self._internal = _ranges(LOOPBACK if trusted is None else (*LOOPBACK, *trusted))
        # A local socket is as near as loopback, and trusted along with it.
        believed = DEFAULT_TRUSTED if trusted is None else trusted
        local = IPv4Address("127.0.0.1")
        self._local_socket: int = INTERNAL | (TRUSTED if any(local in network for network in believed) else 0)
        self._name_keys: dict[bytes, int] = {}
        self._secret = new_secret()

    def resolve(self, requests: Requests) -> Clients:
        """Find the client of each of n requests; sets `RequestFlag.INTERNAL` in `requests.flags`.

        Each distinct peer and each distinct chain is read once. Keys stand in order of first appearance.
        """
        peer, forwarded = requests.peer, requests.forwarded
        peers, chains = len(peer.vocabulary), len(forwarded.vocabulary)
        words = np.zeros((peers + chains + 1) * 4, dtype=np.int64)
        marks = np.zeros(peers + chains, dtype=np.uint8)
        texts = peer.vocabulary
        read_addresses(
            texts.buffer, texts.start, texts.length, *self._trusted, *self._internal, words, marks[:peers]
        )
        self._walk_lists(texts, words, marks[:peers])
        texts = forwarded.vocabulary
        walk_chains(
            texts.buffer,
            texts.start,
            texts.length,
            *self._trusted,
            *self._internal,
            words[peers * 4 :],
            marks[peers:],
        )
        names = self._name_peers(peer.vocabulary, words, marks[:peers])
        ids = np.empty(len(requests), dtype=np.int32)
        rank = np.full(peers + chains, -1, dtype=np.int32)
        used = np.empty(peers + chains, dtype=np.int64)
        count = choose_clients(
            peer.ids,
            forwarded.ids,
            marks[:peers],
            marks[peers:],
            int(RequestFlag.INTERNAL),
            requests.flags,
            rank,
            used,
            ids,
        )
        used = used[:count]
        return self._distinct(words.reshape(-1, 4)[used], (marks[used] & NAMED) != 0, ids, names)

    def _distinct(
        self,
        address: NDArray[np.int64],
        named: NDArray[np.bool_],
        ids: NDArray[np.int32],
        names: dict[int, str],
    ) -> Clients:
        """Fold addresses, shape (k, 4), into keys, and let equal keys be one."""
        ipv4 = (address[:, 0] == 0) & (address[:, 1] == 0) & (address[:, 2] == MAPPED_WORD)
        address[~(ipv4 | named), 2:] = 0
        count = len(address)
        texts = address.astype(">u4").view(np.uint8).reshape(-1)
        spans = np.arange(0, 16 * count, 16, dtype=np.int64)
        lengths = np.full(count, 16, dtype=np.int32)
        key_ids = np.empty(count, dtype=np.int32)
        first = np.empty(count, dtype=np.int64)
        sizes = np.empty(count, dtype=np.int32)
        slots = np.empty(slots_for(max(count, 1)), dtype=np.int64)
        distinct = intern(texts, spans, lengths, *self._secret, slots, key_ids, first, sizes)
        keys = address.astype(np.uint64)[first[:distinct] >> 4]
        thirty_two = np.uint64(32)
        return Clients(
            ids=np.append(key_ids, np.int32(-1))[ids],
            high=(keys[:, 0] << thirty_two) | keys[:, 1],
            low=(keys[:, 2] << thirty_two) | keys[:, 3],
            names=names,
        )

    def _walk_lists(self, vocabulary: Vocabulary, words: NDArray[np.int64], marks: NDArray[np.uint8]) -> None:
        """Walk the peers that are lists of addresses: who logs one there logs `X-Forwarded-For`, and no peer."""
        lists = [index for index in np.flatnonzero(marks == 0).tolist() if b"," in vocabulary[index]]
        if not lists:
            return
        found, how = np.zeros((len(lists) + 1) * 4, dtype=np.int64), np.zeros(len(lists), dtype=np.uint8)
        start, length = vocabulary.start[lists], vocabulary.length[lists]
        walk_chains(vocabulary.buffer, start, length, *self._trusted, *self._internal, found, how)
        words.reshape(-1, 4)[lists] = found.reshape(-1, 4)[:-1]
        marks[lists] = how

    def _name_peers(
        self, vocabulary: Vocabulary, words: NDArray[np.int64], marks: NDArray[np.uint8]
    ) -> dict[int, str]:
        """Key the peers that are no addresses by their text; returns the names by their key's low half."""
        names: dict[int, str] = {}
        for index in np.flatnonzero(marks == 0).tolist():
            name = vocabulary[index].strip().lower()
            if not name:
                continue
            marks[index] = NAMED
            if name.startswith(b"unix:"):
                name = b"unix:"
                marks[index] |= self._local_socket
            low = self._name_key(name)
            names[low] = name[:NAME_BYTES].decode("utf-8", "backslashreplace")
            at = index * 4
            words[at : at + 4] = (NAME_TAG >> 32, NAME_TAG & 0xFFFFFFFF, low >> 32, low & 0xFFFFFFFF)
        return names

    def _name_key(self, name: bytes) -> int:
        key = self._name_keys.get(name)
        if key is None:
            # Keys are compared between processes (stored state, merged windows), so no secret may be in them.
            digest = hashlib.blake2b(name, digest_size=8, person=NAME_HASH_PERSON).digest()
            key = int.from_bytes(digest, "big")
            if len(name) <= NAME_BYTES:
                if len(self._name_keys) >= KNOWN_NAMES:
                    self._name_keys.clear()
                self._name_keys[name] = key
        return key


def format_client(high: int, low: int, names: dict[int, str]) -> str:
    """Write a client key as reports show it: `192.0.2.7`, `2001:db8:1:2::/64`, or the logged host name.

    A name that is not in `names` is shown by its key, `name:0123456789abcdef`. The name's text is as hostile
    as any of a log's; escape it where it is shown.
    """
    if high == 0 and low >> 32 == MAPPED_WORD:
        # A quarter of what `IPv4Address` takes; a flood's window names more than a hundred.
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    if high == NAME_TAG and low != 0:
        return names.get(low) or f"name:{low:016x}"
    # A tenth of what `IPv6Address` takes.
    return f"{inet_ntop(AF_INET6, high.to_bytes(8, 'big') + bytes(8))}/64"


def clients_called(
    wanted: Collection[str], high: NDArray[np.uint64], low: NDArray[np.uint64], names: dict[int, str]
) -> NDArray[np.bool_]:
    """Which client keys `format_client` writes as one of some names.

    Args:
        wanted: The names. high, low: uint64 (k,), the keys. names: See `format_client`.

    Returns:
        bool (k,).
    """
    keys = [*filter(None, map(_key, wanted))]
    found: NDArray[np.bool_] = (high == 0) & _among(low, [short for long, short in keys if not long])
    found |= (low == 0) & _among(high, [long for long, short in keys if not short])
    for row in np.flatnonzero((high == NAME_TAG) & (low != 0)).tolist():
        found[row] = format_client(NAME_TAG, int(low[row]), names) in wanted
    return found


@lru_cache(maxsize=1 << 14)  # who stands behind an open incident is asked for in each window
def _key(name: str) -> tuple[int, int] | None:
    """High and low half of the key that is written so; None of a host name, of which there are few."""
    try:
        if name.endswith("/64"):
            return int.from_bytes(inet_pton(AF_INET6, name[:-3])[:8], "big"), 0
        return 0, MAPPED_WORD << 32 | int.from_bytes(inet_pton(AF_INET, name), "big")
    except (OSError, ValueError):
        return None


def _among(values: NDArray[np.uint64], few: list[int]) -> NDArray[np.bool_]:
    """Which values are among a few; a fourth of what `np.isin` takes, which sorts all values."""
    if not few:
        return np.zeros(len(values), dtype=np.bool_)
    ordered = np.sort(np.array(few, dtype=np.uint64))
    place = np.searchsorted(ordered, values)
    return np.asarray(ordered[np.minimum(place, len(ordered) - 1)] == values)


def _ranges(networks: Sequence[Network]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bounds of networks as sorted ranges that do not touch: first and last addresses, each int64 (4 m,)."""
    wide = [
        n if isinstance(n, IPv6Network) else IPv6Network((_mapped(n.network_address), 96 + n.prefixlen))
        for n in networks
    ]
    merged = sorted(collapse_addresses(wide))
    return (
        _words([int(n.network_address) for n in merged]),
        _words([int(n.broadcast_address) for n in merged]),
    )


def _mapped(address: IPv4Address) -> int:
    return (MAPPED_WORD << 32) | int(address)


def _words(addresses: list[int]) -> NDArray[np.int64]:
    return np.array(
        [(a >> shift) & 0xFFFFFFFF for a in addresses for shift in (96, 64, 32, 0)], dtype=np.int64
    )
