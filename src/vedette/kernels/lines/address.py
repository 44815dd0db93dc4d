"""Reading client addresses out of bytes: one address, a list of trusted ranges, a chain of forwarders.

An address is four 32-bit words, most significant first, each in an int64: IPv6 as it is, IPv4 as the IPv6
address that maps it (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2), so that both spellings are one address.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.text.characters import hex_digit

Words = NDArray[np.int64]

MAX_ADDRESS = 96
"""Longer texts are not addresses: 45 characters, brackets, quotes, a port and a zone fit in with room."""
MAX_HOPS = 32
"""Forwarders looked at in one chain, from the right. Chains of honest proxies are shorter."""

ADDRESS = 1
TRUSTED = 2
INTERNAL = 4
NAMED = 8
"""Not an address but a host name, which the caller has keyed."""

TAB, SPACE, QUOTE, PERCENT, PLUS, COMMA, DOT = 9, 32, 34, 37, 43, 44, 46
ZERO, NINE, COLON, SEMICOLON, EQUALS = 48, 57, 58, 59, 61
LEFT_BRACKET, RIGHT_BRACKET = 91, 93
MAPPED = 0xFFFF


@subkernel
def read_ipv4(text: Bytes, begin: int, end: int) -> int:
    """A dotted quad without leading zeros, as a number; -1 for anything else."""
    value = 0
    octet = -1
    dots = 0
    for i in range(begin, end):
        byte = text[i]
        if byte == DOT:
            if octet < 0 or dots == 3:
                return -1
            value = value * 256 + octet
            octet = -1
            dots += 1
        elif ZERO <= byte <= NINE:
            # A second digit after a leading zero is refused: some readers take such an octet for octal.
            if octet == 0:
                return -1
            octet = byte - ZERO if octet < 0 else octet * 10 + byte - ZERO
            if octet > 255:
                return -1
        else:
            return -1
    if dots != 3 or octet < 0:
        return -1
    return value * 256 + octet


@subkernel
def read_ipv6(text: Bytes, begin: int, end: int, words: Words, at: int) -> bool:
    """An IPv6 address (RFC 4291 2.2, RFC 4007 zone) into `words[at : at + 4]`; False if it is none."""
    stop = end
    for i in range(begin, end):
        if text[i] == PERCENT:
            stop = i
            break
    if stop + 1 == end:
        return False
    for i in range(stop + 1, end):
        if text[i] == PERCENT:
            return False
    for i in range(4):
        words[at + i] = 0
    groups = 0
    gap = -1
    i = begin
    if i < stop and text[i] == COLON:
        if i + 1 >= stop or text[i + 1] != COLON:
            return False
        gap = 0
        i += 2
    while i < stop:
        if groups == 8:
            return False
        value = 0
        digits = 0
        first = i
        while i < stop and digits < 5:
            digit = hex_digit(text[i])
            if digit < 0:
                break
            value = value * 16 + digit
            digits += 1
            i += 1
        if digits == 0 or digits == 5:
            return False
        if i < stop and text[i] == DOT:
            quad = read_ipv4(text, first, stop)
            if quad < 0 or groups > 6:
                return False
            put_group(words, at, groups, quad >> 16)
            put_group(words, at, groups + 1, quad & 0xFFFF)
            groups += 2
            i = stop
            break
        put_group(words, at, groups, value)
        groups += 1
        if i == stop:
            break
        if text[i] != COLON:
            return False
        i += 1
        if i == stop:
            return False
        if text[i] == COLON:
            if gap >= 0:
                return False
            gap = groups
            i += 1
    if gap < 0:
        return groups == 8
    if groups > 7:
        return False
    # The groups after `::` belong at the end.
    moved = groups - gap
    for k in range(moved):
        source = groups - 1 - k
        value = (words[at + (source >> 1)] >> (16 if source & 1 == 0 else 0)) & 0xFFFF
        put_group(words, at, source, 0)
        put_group(words, at, 7 - k, value)
    return True


@subkernel
def put_group(words: Words, at: int, group: int, value: int) -> None:
    """Set one of the eight 16-bit groups of an address."""
    word = at + (group >> 1)
    if group & 1 == 0:
        words[word] = (words[word] & 0xFFFF) | (value << 16)
    else:
        words[word] = (words[word] & 0xFFFF0000) | value


@subkernel
def is_port(text: Bytes, begin: int, end: int) -> bool:
    """Whether a span is one to five digits."""
    if begin >= end or end - begin > 5:
        return False
    for i in range(begin, end):
        if not ZERO <= text[i] <= NINE:
            return False
    return True


@subkernel
def read_address(text: Bytes, begin: int, end: int, words: Words, at: int) -> bool:
    """An address with what surrounds it in logs: spaces, quotes, brackets, a port. False if it is none."""
    while begin < end and (text[begin] == SPACE or text[begin] == TAB):
        begin += 1
    while begin < end and (text[end - 1] == SPACE or text[end - 1] == TAB):
        end -= 1
    if end - begin >= 2 and text[begin] == QUOTE and text[end - 1] == QUOTE:
        begin += 1
        end -= 1
    if begin >= end or end - begin > MAX_ADDRESS:
        return False
    if text[begin] == LEFT_BRACKET:
        close = begin + 1
        while close < end and text[close] != RIGHT_BRACKET:
            close += 1
        if close == end:
            return False
        if close + 1 < end and not (text[close + 1] == COLON and is_port(text, close + 2, end)):
            return False
        return read_ipv6(text, begin + 1, close, words, at)
    colons = 0
    colon = end
    for i in range(begin, end):
        if text[i] == COLON:
            if colons == 0:
                colon = i
            colons += 1
            if colons == 2:
                return read_ipv6(text, begin, end, words, at)
    if colons == 1 and not is_port(text, colon + 1, end):
        return False
    quad = read_ipv4(text, begin, colon)
    if quad < 0:
        return False
    words[at] = 0
    words[at + 1] = 0
    words[at + 2] = MAPPED
    words[at + 3] = quad
    return True


@subkernel
def compare(a: Words, at: int, b: Words, bt: int) -> int:
    """Order of two addresses: negative, zero or positive."""
    for i in range(4):
        difference: int = a[at + i] - b[bt + i]
        if difference != 0:
            return difference
    return 0


@subkernel
def within(words: Words, at: int, lows: Words, highs: Words) -> bool:
    """Whether an address is in one of the ranges, which are sorted and apart; four words each."""
    left = 0
    right = lows.shape[0] >> 2
    while left < right:
        middle = (left + right) >> 1
        if compare(words, at, lows, middle * 4) < 0:
            right = middle
        else:
            left = middle + 1
    return left > 0 and compare(words, at, highs, (left - 1) * 4) <= 0


@subkernel
def marks_of(
    words: Words,
    at: int,
    trusted_lows: Words,
    trusted_highs: Words,
    internal_lows: Words,
    internal_highs: Words,
) -> int:
    """`ADDRESS`, and what else holds of it."""
    marks = ADDRESS
    if within(words, at, trusted_lows, trusted_highs):
        marks |= TRUSTED
    if within(words, at, internal_lows, internal_highs):
        marks |= INTERNAL
    return marks


@kernel
def read_addresses(
    text: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    trusted_lows: Words,
    trusted_highs: Words,
    internal_lows: Words,
    internal_highs: Words,
    words: Words,
    marks: NDArray[np.uint8],
) -> None:
    """Read k texts as addresses: `words` int64 (4 k,), `marks` uint8 (k,), 0 where a text is no address."""
    for i in range(start.shape[0]):
        begin = start[i]
        if read_address(text, begin, begin + length[i], words, i * 4):
            marks[i] = marks_of(words, i * 4, trusted_lows, trusted_highs, internal_lows, internal_highs)
        else:
            marks[i] = 0


@subkernel
def skip_blank(text: Bytes, begin: int, end: int) -> int:
    """Step over blanks, also as W3C logs write them: `+` and `%20`."""
    while begin < end:
        byte = text[begin]
        if byte == SPACE or byte == TAB or byte == PLUS:
            begin += 1
        elif byte == PERCENT and begin + 2 < end and text[begin + 1] == 50 and text[begin + 2] == ZERO:
            begin += 3
        else:
            break
    return begin


@subkernel
def read_hop(text: Bytes, begin: int, end: int, words: Words, at: int) -> bool:
    """One element of `X-Forwarded-For`, or of `Forwarded` (RFC 7239): the address after `for=`."""
    begin = skip_blank(text, begin, end)
    i = begin
    while i < end and i - begin < MAX_ADDRESS:
        # "for=", in any case, at the element's beginning or after another parameter.
        if text[i] == EQUALS and i - begin >= 3:
            named = (text[i - 3] | 32) == 102 and (text[i - 2] | 32) == 111 and (text[i - 1] | 32) == 114
            apart = i - begin == 3 or text[i - 4] == SEMICOLON or text[i - 4] == SPACE
            if named and apart:
                close = i + 1
                while close < end and text[close] != SEMICOLON:
                    close += 1
                return read_address(text, i + 1, close, words, at)
        i += 1
    return read_address(text, begin, end, words, at)


@kernel
def walk_chains(
    text: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    trusted_lows: Words,
    trusted_highs: Words,
    internal_lows: Words,
    internal_highs: Words,
    words: Words,
    marks: NDArray[np.uint8],
) -> None:
    """Walk k forwarding chains from the right, past trusted proxies, to the first address that is none.

    Where a chain is trusted throughout, its leftmost address is the client; where it holds something that is
    no address, the last one before (seen from the right). `marks[i]` is 0 where not even one was read.
    `words` is int64 (4 k + 4,): the last four are scratch.
    """
    chains = start.shape[0]
    scratch = chains * 4
    for i in range(chains):
        begin = start[i]
        end = begin + length[i]
        marks[i] = 0
        hops = 0
        while end > begin and hops < MAX_HOPS:
            comma = end
            while comma > begin and text[comma - 1] != COMMA:
                comma -= 1
            if skip_blank(text, comma, end) < end:
                if not read_hop(text, comma, end, words, scratch):
                    break
                for k in range(4):
                    words[i * 4 + k] = words[scratch + k]
                found = marks_of(words, scratch, trusted_lows, trusted_highs, internal_lows, internal_highs)
                marks[i] = found
                if found & TRUSTED == 0:
                    break
            hops += 1
            end = comma - 1


@kernel
def choose_clients(
    peer_ids: NDArray[np.int32],
    forwarded_ids: NDArray[np.int32],
    peer_marks: NDArray[np.uint8],
    chain_marks: NDArray[np.uint8],
    internal_flag: int,
    flags: NDArray[np.uint16],
    rank: NDArray[np.int32],
    used: NDArray[np.int64],
    ids: NDArray[np.int32],
) -> int:
    """Say for each row which text tells its client: its chain where its peer may be believed, else its peer.

    Texts are numbered through: peers first, then chains. `rank` (int32, one per text, -1 at first) and `used`
    (int64) get them in order of first use; `ids` gets each row's place in that order, -1 where nobody is
    recorded. A row without a peer believes its chain. Returns how many texts are used.
    """
    peers = peer_marks.shape[0]
    count = 0
    for row in range(ids.shape[0]):
        peer = peer_ids[row]
        chain = forwarded_ids[row]
        marks = 0
        if peer >= 0:
            marks = peer_marks[peer]
            if marks == 0:
                peer = -1
        text = peer
        if chain >= 0 and chain_marks[chain] != 0 and (peer < 0 or marks & TRUSTED != 0):
            text = peers + chain
            marks = chain_marks[chain]
        if text < 0:
            ids[row] = -1
            continue
        if rank[text] < 0:
            rank[text] = count
            used[count] = text
            count += 1
        ids[row] = rank[text]
        if marks & INTERNAL != 0:
            flags[row] = flags[row] | internal_flag
    return count
