"""What is known of a window beforehand never hides anybody who did enough."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from vedette.detectors.network import brute_force, floods, long_lived, minute, port_scan
from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.minute import Minute, Total, digest
from vedette.detectors.network.recent_windows import Interest, RecentWindow, recent_groups
from vedette.detectors.network.view import NetworkView, outward
from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Flow, Known, Protocol
from vedette.windows.contact_table import sorting
from vedette.windows.contacts import BINS, FlowWindow, fold

SPAN = 10_000_000
ADDRESSES = (
    *((0, 0xFFFF << 32 | number) for number in (0x0A000001, 0x0A000002, 0xC0A80101, 0xAC100001, 0x7F000001)),
    *((0, 0xFFFF << 32 | number) for number in (0x5DB80001, 0xE0000001, 0x5DB800FF, 0xA9FE0001, 0)),
    (0x20010DB8 << 32, 1),
    ((0xFD00 << 48) - (1 << 64), 1),
    ((0xFE80 << 48) - (1 << 64), 1),
    ((0xFF02 << 48) - (1 << 64), 1),
    (0, 1),
    (0, 0),
)
COUNTED = (
    Flow.PACKETS_OUT, Flow.PACKETS_IN, Flow.BYTES_IN, Flow.PAYLOAD_IN, Flow.SYN_OUT, Flow.PROBES, Flow.OPENED,
    Flow.SUCCEEDED, Flow.FAILED, Flow.RESPONDED, Flow.ECHO_SIZES, Flow.DNS_QUERIES,
)  # fmt: skip
INTERESTS: Sequence[tuple[Interest, Flow]] = (
    (port_scan._SYNS, Flow.SYN_OUT),
    (port_scan._PROBES, Flow.PROBES),
    (port_scan._DATAGRAMS, Flow.OPENED),
    (floods._ANSWERED, Flow.SUCCEEDED),
    (brute_force._LOGINS, Flow.SUCCEEDED),
    (long_lived._TALKED, Flow.OPENED),
    (long_lived._UNANSWERED, Flow.OPENED),
)


def contacts(draw: np.random.Generator, count: int) -> NDArray[np.int64]:
    rows = np.zeros((count, CONTACT_COLUMNS), dtype=np.int64)
    for high, low in ((Flow.CLIENT_HIGH, Flow.CLIENT_LOW), (Flow.SERVER_HIGH, Flow.SERVER_LOW)):
        rows[:, [high, low]] = np.array(ADDRESSES)[draw.integers(0, len(ADDRESSES), count)]
    rows[:, Flow.SERVER_PORT] = draw.choice([22, 53, 80, 123, 445, 60_000], count)
    rows[:, Flow.PROTOCOL] = draw.choice([1, 6, 6, 6, 17, 17, 58, 132], count)
    for column in COUNTED:
        rows[:, column] = draw.integers(0, 4, count) * draw.integers(0, 2, count)
    rows[:, Flow.DURATION] = draw.integers(0, 1 << 40, count)
    rows[:, Flow.BEGAN] = np.where(rows[:, Flow.OPENED] > 0, 7, -1)
    return fold([rows], count + 1)[0]


def window(number: int, rows: NDArray[np.int64]) -> FlowWindow:
    return FlowWindow(
        number, number * SPAN, (number + 1) * SPAN, rows, np.zeros((0, ENDED_COLUMNS), dtype=np.int64),
        np.full((3, BINS), 2, dtype=np.int64), Known(-1),
    )  # fmt: skip


def counted(interest: Interest, own: NDArray[np.int64], of: Flow) -> int:
    """What a rule counts of a group: of UDP only what was told nothing."""
    if interest is port_scan._DATAGRAMS:
        own = own[(own[:, Flow.PACKETS_IN] == 0) & (own[:, Flow.PACKETS_OUT] > 0)]
    return int(own[:, of].sum())


OWN = Own(["93.184.0.0/24", "2001:db8::/32", "10.0.0.2"])
"""Other networks than the private ones: `ADDRESSES` has some of each."""


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("own", [PRIVATE, OWN, Own([])], ids=["private", "given", "none"])
def test_totals_are_those_that_one_would_count(seed: int, own: Own) -> None:
    rows = contacts(np.random.default_rng(seed), 40 * seed)
    tcp, udp = (rows[:, Flow.PROTOCOL] == protocol for protocol in (Protocol.TCP, Protocol.UDP))
    icmp = np.isin(rows[:, Flow.PROTOCOL], [Protocol.ICMP, Protocol.ICMPV6])
    known = (rows[:, Flow.CLIENT_HIGH] != 0) | (rows[:, Flow.CLIENT_LOW] != 0)
    found = digest(rows, np.full((3, BINS), 2, dtype=np.int64), own)
    assert {of: found.totals[of] for of in Total} == {
        Total.PACKETS: rows[:, [Flow.PACKETS_OUT, Flow.PACKETS_IN]].sum(),
        Total.BYTES: rows[:, [Flow.BYTES_OUT, Flow.BYTES_IN]].sum(),
        Total.OPENED: rows[:, Flow.OPENED].sum(),
        Total.SEGMENTS: 0,
        Total.AGAIN: 0,
        Total.TCP: rows[tcp, Flow.OPENED].sum(),
        Total.UDP: rows[udp, Flow.OPENED].sum(),
        Total.ICMP: rows[icmp, Flow.OPENED].sum(),
        Total.SYNS: rows[tcp, Flow.SYN_OUT].sum(),
        Total.REFLECTED: rows[udp & np.isin(rows[:, Flow.SERVER_PORT], [53, 123]), Flow.BYTES_IN].sum(),
        Total.UDP_SENT: rows[udp, Flow.PACKETS_OUT].sum(),
        Total.ICMP_SENT: rows[icmp, Flow.PACKETS_OUT].sum(),
        Total.REFUSED: np.count_nonzero(tcp & known & (rows[:, Flow.FAILED] > 0)),
        Total.LONGEST: rows[tcp, Flow.DURATION].max(initial=0),
        Total.CARRIERS: np.count_nonzero(
            (tcp & (rows[:, Flow.SERVER_PORT] == 53))
            | (udp & (rows[:, Flow.DNS_QUERIES] > 0))
            | (icmp & (rows[:, Flow.ECHO_SIZES] > 0))
        ),
        Total.RTTS: 2 * BINS,
        Total.RESPONSES: 2 * BINS,
    }
    assert found.outward.tolist() == outward(rows, own).tolist()
    called = (tcp | udp) & (rows[:, Flow.OPENED] > 0) & ~np.isin(rows[:, Flow.SERVER_PORT], [53, 123])
    assert found.calls.tolist() == [row for row in outward(rows, own).tolist() if called[row]]


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize(("interest", "of"), INTERESTS)
def test_who_did_enough_in_a_minute_is_found(
    interest: Interest, of: Flow, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if few:
        # So few sums that most are of several clients.
        monkeypatch.setattr(minute, "_LEAST_BITS", 1)
        monkeypatch.setattr(minute, "_MOST_SUMS", 4)
    draw, sums, recent = np.random.default_rng(3), Minute(), []
    skipped = 0
    for number in range(30):
        one = window(number, contacts(draw, int(draw.integers(0, 60)) * (number % 7 != 0)))
        recent = [*recent[-5:], RecentWindow(one)]
        peaks = sums.turn(recent)
        view = NetworkView(one, tuple(recent), {}, peaks=peaks)
        for least in (1, 2, 5, 8, 20, 1_000):
            told = list(view.groups(interest, of, least))
            everybody = list(recent_groups(recent, interest, of, least))
            assert [own.tolist() for own in told if counted(interest, own, of) >= least] == [
                own.tolist() for own in everybody if counted(interest, own, of) >= least
            ]
            skipped += peaks[interest.weight or 0] < least
    assert skipped


def test_sums_of_a_minute_do_not_grow_with_what_is_over() -> None:
    """A minute that is taken up again, as after a restart, comes to the same as one that was followed."""
    draw, followed, recent = np.random.default_rng(5), Minute(), []
    for number in range(40):
        recent = [*recent[-5:], RecentWindow(window(number, contacts(draw, 1 + 600 * (number == 20))))]
        assert followed.turn(recent) == Minute().turn(recent)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50, 512, 513])
def test_few_rows_are_sorted_as_many_are(count: int) -> None:
    rows = np.random.default_rng(count).integers(-3, 3, (count, 4)) << 62
    ordered = rows[sorting(rows, (2, 0, 1))]
    assert np.array_equal(ordered[:, :3], rows[np.lexsort((rows[:, 1], rows[:, 0], rows[:, 2]))][:, :3])
