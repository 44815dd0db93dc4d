"""A contender for `scan.py`: parse a Combined log with Python's `re` (an unrolled pattern), and count."""

import re
import sys
from collections import Counter

_LINE = re.compile(
    rb'(\S+) \S+ \S+ \[([^]]*)\] "([^"\\]*(?:\\.[^"\\]*)*)" (\d{3}) (\d+|-)'
    rb' "([^"\\]*(?:\\.[^"\\]*)*)" "([^"\\]*(?:\\.[^"\\]*)*)"'
)


def main() -> None:
    statuses: Counter[bytes] = Counter()
    bad = 0
    with open(sys.argv[1], "rb") as stream:  # noqa: PTH123 - nothing but builtins in the timed process
        for line in stream:
            match = _LINE.match(line)
            if match is None:
                bad += 1
            else:
                statuses[match[4]] += 1
    print(sum(statuses.values()), bad)


if __name__ == "__main__":
    main()
