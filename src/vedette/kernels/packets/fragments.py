"""Ports of datagrams in pieces, of which only the first has them."""

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import subkernel

FRAGMENT_WIDTH = 7


@subkernel
def find_ports(rows: Ints, row: int, fragments: Ints) -> bool:
    """Keep the ports of a first fragment, or find those of a later one; False where they are not known."""
    mark = rows[row, 17] - 1
    number = mark >> 1
    mixed = (rows[row, 2] & 0xFFFFFFFF) * 31 + (rows[row, 4] & 0xFFFFFFFF) * 17
    place = (number * 40503 + mixed + rows[row, 7]) % fragments.shape[0]
    if mark & 1 == 0:
        fragments[place, 0] = number + 1
        for i in range(2):
            fragments[place, 1 + i] = rows[row, 2 + 2 * i]
            fragments[place, 3 + i] = rows[row, 5 + i]
        fragments[place, 5] = rows[row, 7]
        return True
    if (
        fragments[place, 0] == number + 1
        and fragments[place, 1] == rows[row, 2]
        and fragments[place, 2] == rows[row, 4]
        and fragments[place, 5] == rows[row, 7]
    ):
        rows[row, 5] = fragments[place, 3]
        rows[row, 6] = fragments[place, 4]
        return True
    return False
